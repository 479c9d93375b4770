//go:build imagetest

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/board/boot"
	"centralino/board/update"
	"centralino/internal/testbed"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
)

// programKey names the appliance for arm64, keyKey the file of the key whose updates it
// takes, releaseKey the number of its release, coldKey the packages that were built small
// (make image-test sets them).
const (
	programKey = "CENTRALINO_PROGRAM"
	keyKey     = "CENTRALINO_KEY"
	releaseKey = "CENTRALINO_RELEASE"
	coldKey    = "CENTRALINO_COLD"
)

// builds is the folder of the images that this run has built, built their boards. Who needs
// one of those again gets a copy in a second: two builds are the same (TestImage).
var (
	builds string
	built  = map[string]bool{}
)

func TestMain(m *testing.M) {
	var err error
	if builds, err = os.MkdirTemp("", "image"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(builds) // else the system clears it away
	os.Exit(code)
}

// builtImage puts an image, and the slot in it beside, into a folder and returns its path.
func builtImage(t *testing.T, board, out string) string {
	t.Helper()
	if !built[board] {
		buildImage(t, board, builds)
		built[board] = true
	}
	to := filepath.Join(out, board)
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	image := "centralino-" + board + ".img"
	for _, name := range []string{image, "slot.img"} {
		if err := copySparse(filepath.Join(to, name), filepath.Join(builds, board, name)); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(to, image)
}

// copySparse copies a file that is mostly holes.
func copySparse(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := copyInto(f, boot.Partition{}, from); err != nil {
		return err
	}
	return f.Truncate(info.Size())
}

// buildImage builds an image into a folder and returns its path.
func buildImage(t *testing.T, board, out string) string {
	t.Helper()
	program := os.Getenv(programKey)
	if program == "" {
		t.Fatalf("name the program for arm64 in %s", programKey)
	}
	testbed.Need(t, "apt-get", "dpkg-deb", "xz")
	if err := run([]string{"-board", board, "-program", program, "-out", out, "-key", os.Getenv(keyKey), "-release", os.Getenv(releaseKey)}, os.Stderr); err != nil {
		testbed.Missing(t, "no image of %s: %v", board, err)
	}
	return filepath.Join(out, board, "centralino-"+board+".img")
}

// machine is a running QEMU.
type machine struct {
	*testbed.Process
	page  string            // address of its page
	reach http.RoundTripper // how that is reached
	qmp   string            // path of its control socket
}

// tryFlag is where the harness keeps the firmware's flag "tryboot" of an image: it is there
// for one start (update_test.go sets it).
func tryFlag(image string) string { return image + ".tryboot" }

// slotOf plays the firmware: it reads the selector and takes the files of the slot.
func slotOf(t *testing.T, image string) (kernel, initramfs, cmdline string) {
	t.Helper()
	m := masterBootRecord()
	read := func(part int, name string) []byte {
		p := m.Partition(part)
		return readFAT(t, image, int64(p.Start)*boot.Sector, int64(p.Len)*boot.Sector, name)
	}
	selector, err := update.ParseSelector(read(boot.PartSelector, update.SelectorName))
	if err != nil {
		t.Fatal(err)
	}
	slot := int(selector.Starts(os.Remove(tryFlag(image)) == nil))
	dir := t.TempDir()
	for name, to := range map[string]*string{"kernel8.img": &kernel, initramfsName: &initramfs} {
		*to = filepath.Join(dir, name)
		if err := os.WriteFile(*to, read(slot, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return kernel, initramfs, fmt.Sprintf("%s centralino.slot=%d", strings.TrimSpace(string(read(slot, "cmdline.txt"))), slot)
}

// memory of the virtual board, in MiB.
const memory = 512

// start switches a virtual board on with an image as its disk.
func start(t *testing.T, image string, more ...string) *machine {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	m := switchOn(t, nil, image, append([]string{
		"-netdev", fmt.Sprintf("user,id=lan,restrict=on,hostfwd=tcp:127.0.0.1:%d-:80", port), "-device", "virtio-net-pci,netdev=lan,romfile="}, more...)...)
	m.page, m.reach = fmt.Sprintf("http://127.0.0.1:%d/", port), http.DefaultTransport
	return m
}

// diskSocket is what is given to QEMU's -device for the disk.
const diskSocket = "virtio-blk-pci,drive=disk"

// switchOn starts QEMU in a namespace (nil: that of the test) with an image as the disk of
// the board; more are its network and what else is plugged into it. Where more fills the
// socket of the disk itself, the image is only what the firmware starts from.
func switchOn(t *testing.T, ns *testbed.Namespace, image string, more ...string) *machine {
	t.Helper()
	if !slices.ContainsFunc(more, func(s string) bool { return strings.HasPrefix(s, diskSocket) }) {
		more = append([]string{"-drive", "if=none,id=disk,format=raw,file=" + image, "-device", diskSocket}, more...)
	}
	kernel, initramfs, cmdline := slotOf(t, image)
	m := &machine{qmp: filepath.Join(t.TempDir(), "qmp")}
	args := append([]string{"-M", "virt", "-cpu", "max,pauth-impdef=on", "-smp", "2", "-m", strconv.Itoa(memory), "-nodefaults", "-display", "none",
		"-serial", "stdio", "-qmp", "unix:" + m.qmp + ",server=on,wait=off", "-kernel", kernel, "-initrd", initramfs,
		"-append", strings.ReplaceAll(cmdline, "quiet loglevel=4", "loglevel=7")}, more...)
	m.Process = testbed.Start(t, ns, testbed.Command{Path: "qemu-system-aarch64", Args: args})
	return m
}

// served waits for the page and returns how long it took.
func (m *machine) served(t *testing.T, limit time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	client := &http.Client{Transport: m.reach, Timeout: 2 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		select {
		case <-m.Done():
			t.Fatalf("the machine stopped: %v\n%s", m.Err(), m.Output())
		default:
		}
		r, err := client.Get(m.page)
		if err == nil {
			body, _ := io.ReadAll(r.Body)
			r.Body.Close()
			if r.StatusCode < 400 && (r.StatusCode >= 300 || strings.Contains(string(body), "Centralino")) {
				return time.Since(began)
			}
			t.Fatalf("the page answers %s:\n%.500s", r.Status, body)
		}
		if time.Since(began) > limit {
			t.Fatalf("no page after %v: %v\n%s", limit, err, m.Output())
		}
	}
	return 0
}

// powerButton presses the board's power button and waits until it is off.
func (m *machine) powerButton(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	m.ask(t, "system_powerdown", nil, nil)
	off := time.NewTimer(limit)
	defer off.Stop()
	select {
	case <-m.Done():
	case <-off.C:
		t.Fatalf("the box does not switch off:\n%s", m.Output())
	}
	if err := m.Err(); err != nil {
		t.Errorf("qemu: %v", err)
	}
	return time.Since(began)
}

// enlarge makes the disk what an installer's card is: larger than the image.
func enlarge(t *testing.T, image string, size int64) {
	t.Helper()
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
}

// writeSettings puts the card into a computer and changes centralino.txt.
func writeSettings(t *testing.T, image, text string) {
	t.Helper()
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := masterBootRecord().Partition(boot.PartSelector)
	v, err := fat32.Read(file.New(f, false), int64(p.Len)*boot.Sector, int64(p.Start)*boot.Sector, boot.Sector)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Remove("/" + boot.SettingsFile); err != nil {
		t.Fatal(err)
	}
	w, err := v.OpenFile("/"+boot.SettingsFile, os.O_CREATE|os.O_RDWR)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// limit is how long a start may take on a machine that has no time; how long it took is
// reported and judged by people.
const limit = 8 * time.Minute

func TestImage(t *testing.T) {
	t.Chdir("..") // the builder is run where the Makefile stands
	var images, sums []string
	for _, build := range []func(t *testing.T, board, out string) string{builtImage, buildImage} {
		began := time.Now()
		image := build(t, "qemu-virt", t.TempDir())
		sum, err := sumOf(image)
		if err != nil {
			t.Fatal(err)
		}
		images, sums = append(images, image), append(sums, sum)
		t.Logf("built in %v: %s", time.Since(began).Round(100*time.Millisecond), sum)
	}
	if sums[0] != sums[1] {
		t.Error("two builds of the same sources differ")
	}
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	enlarge(t, images[0], 2<<30)
	t.Run("the first start", func(t *testing.T) { firstStart(t, images[0]) })
	t.Run("a second one with settings on the card", func(t *testing.T) { secondStart(t, images[0]) })
}

// firstStart switches a flashed card on, waits for the page and switches it off.
func firstStart(t *testing.T, image string) {
	m := start(t, image)
	t.Logf("page served %.1f s after power-on", m.served(t, limit).Seconds())
	ctx, done := context.WithTimeout(t.Context(), limit)
	defer done()
	if err := m.WaitOutput(ctx, "centralino: memory"); err != nil {
		t.Fatal(err)
	}
	out := m.Output()
	for _, want := range []string{"centralino: network address", "how=dhcp", "read-only=true", "centralino: the data partition was grown"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q was not said:\n%s", want, out)
		}
	}
	if mib := number(t, out, `data partition device=\S+ MiB=(\d+)`); mib < 1400 {
		t.Errorf("the data partition has %d MiB on a disk of 2 GiB", mib)
	}
	t.Logf("memory of the whole guest: %d MiB of %d", memory-number(t, out, `memory total=\d+ available=(\d+)`), memory)
	t.Logf("switched off in %.1f s", m.powerButton(t).Seconds())
	checkData(t, image)
}

// secondStart finds a fixed address and a line that cannot be used in centralino.txt.
func secondStart(t *testing.T, image string) {
	writeSettings(t, image, "nome = ufficio\r\nindirizzo = 10.0.2.15/24\r\nrouter = 10.0.2.2\r\npassword = 1234\r\n")
	m := start(t, image)
	t.Logf("page served %.1f s after power-on", m.served(t, limit).Seconds())
	for _, want := range []string{"how=static", "centralino.txt cannot be used line=4", `"password = 1234"`} {
		if !strings.Contains(m.Output(), want) {
			t.Errorf("%q was not said:\n%s", want, m.Output())
		}
	}
	if strings.Contains(m.Output(), "the data partition was grown") {
		t.Error("the partition is grown a second time")
	}
	m.powerButton(t)
	checkData(t, image)
}

func number(t *testing.T, text, pattern string) int {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("%s was not said:\n%s", pattern, text)
	}
	n, _ := strconv.Atoi(found[1])
	return n
}

// checkData has e2fsck look at the data partition of a box that was switched off.
func checkData(t *testing.T, image string) {
	t.Helper()
	start := int64(masterBootRecord().Partition(boot.PartData).Start) * boot.Sector
	p := testbed.Start(t, nil, testbed.Command{Path: "e2fsck", Args: []string{"-fn", fmt.Sprintf("%s?offset=%d", image, start)}})
	if code := p.ExitCode(); code != 0 {
		t.Errorf("the data partition after switching off: e2fsck says %d\n%s", code, p.Output())
	}
}
