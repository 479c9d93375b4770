//go:build imagetest

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/board/update"
	"centralino/internal/testbed"

	"github.com/klauspost/compress/zstd"
)

// updated is a box in QEMU that is updated over its page's interface. The harness plays
// the firmware: after a reset it reads selector and slot anew from the disk.
type updated struct {
	t       *testing.T
	image   string
	m       *machine
	web     *http.Client
	files   map[string][]byte // of a slot with the next release
	key     ed25519.PrivateKey
	release uint64
}

// answer is what the interface says of updates, as far as the test looks at it.
type answer struct {
	Phase   struct{ ID string }
	Problem *struct{ ID string }
	Slots   []struct {
		Version string
		State   struct{ ID string }
	}
	Last *struct {
		Version string
		Outcome struct{ ID string }
	}
}

// newUpdated is a box on a card of 2 GiB that was never switched on.
func newUpdated(t *testing.T, image string) *updated {
	t.Helper()
	text, err := os.ReadFile(os.Getenv(keyKey))
	if err != nil {
		t.Fatal(err)
	}
	u := &updated{t: t, image: image}
	if u.key, err = update.ParsePrivateKey(text); err != nil {
		t.Fatal(err)
	}
	if u.release, err = strconv.ParseUint(os.Getenv(releaseKey), 10, 64); err != nil {
		t.Fatal(err)
	}
	u.next()
	enlarge(t, image, 2<<30)
	return u
}

// TestImageUpdates installs a good version, and shows that bad ones are refused or taken
// back.
func TestImageUpdates(t *testing.T) {
	t.Chdir("..")
	image := builtImage(t, "qemu-virt", t.TempDir())
	u := newUpdated(t, image)
	u.start()
	u.claim()
	good := u.bundle("good", 1, "")
	if !t.Run("what is not ours is refused", func(t *testing.T) { u.refusals(t, good) }) ||
		!t.Run("a good version is kept", func(t *testing.T) { u.keeps(t, good) }) {
		return // the box does not run what follows expects
	}
	t.Run("a version that crashes is taken back", func(t *testing.T) {
		u.takesBack(t, "crash", u.bundle("crash", 2, "fault=crash"))
	})
	t.Run("a version that hangs is taken back", func(t *testing.T) {
		u.takesBack(t, "hang", u.bundle("hang", 3, "fault=hang"))
	})
	u.m.powerButton(t)
	checkData(t, image)
}

// start switches the box on and waits for its page.
func (u *updated) start() {
	u.t.Helper()
	// A second watchdog period of QEMU's own would hide ours: the card's resets the board.
	u.m = start(u.t, u.image, "-no-reboot", "-device", "i6300esb", "-action", "watchdog=reset")
}

// again waits until the board was reset, and starts it as the firmware does. The kernel
// says by what argument it was asked.
func (u *updated) again() {
	u.t.Helper()
	over := time.NewTimer(limit)
	defer over.Stop()
	select {
	case <-u.m.Done():
	case <-over.C:
		u.t.Fatalf("the box does not start anew:\n%s", u.m.Output())
	}
	if strings.Contains(u.m.Output(), "Restarting system with command '0 tryboot'") {
		if err := os.WriteFile(tryFlag(u.image), nil, 0o600); err != nil {
			u.t.Fatal(err)
		}
	}
	u.start()
}

// served waits for the page.
func (u *updated) served(t *testing.T) time.Duration { return u.m.served(t, limit) }

// claim makes the box ours by the code that its console shows.
func (u *updated) claim() {
	u.t.Helper()
	u.t.Logf("page served %.1f s after power-on", u.served(u.t).Seconds())
	jar, err := cookiejar.New(nil)
	if err != nil {
		u.t.Fatal(err)
	}
	u.web = &http.Client{Jar: jar, Timeout: 2 * time.Minute}
	ctx, done := context.WithTimeout(u.t.Context(), limit)
	defer done()
	if err := u.m.WaitOutput(ctx, "Stop "); err != nil {
		u.t.Fatal(err)
	}
	code := regexp.MustCompile(`Claim it with\s+(\S+)`).FindStringSubmatch(u.m.Output())
	if code == nil {
		u.t.Fatalf("no code on the console:\n%s", u.m.Output())
	}
	const password = "quattro gatti neri"
	forms := []func() (*http.Response, error){
		func() (*http.Response, error) {
			return u.web.PostForm(u.m.page+"claim", url.Values{"code": {code[1]}, "site": {"Ufficio"}, "name": {"Tina Tecnica"},
				"user": {"tina"}, "password": {password}, "again": {password}})
		},
		// On a machine that is busy the answer to the first may come too late.
		func() (*http.Response, error) {
			return u.web.PostForm(u.m.page+"login", url.Values{"name": {"tina"}, "password": {password}})
		},
	}
	var told []string
	for i := range 6 {
		resp, err := forms[min(i, 1)]()
		if err != nil {
			told = append(told, err.Error())
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK && resp.Request.URL.Path == "/" {
			return
		}
		told = append(told, resp.Request.URL.Path+" "+resp.Status)
	}
	u.t.Fatalf("the box is not claimed: %q", told)
}

// fault is built into the serving program beside the real one, so that nothing of it is in
// that: it ends, or hangs so that it hears nothing more, when the kernel's command line of
// its slot says so.
const fault = `package main

import (
	"bytes"
	"os"
	"syscall"
	"time"
)

func init() {
	line, _ := os.ReadFile("/proc/cmdline")
	switch {
	case !onBoard():
	case bytes.Contains(line, []byte("fault=crash")):
		time.AfterFunc(20*time.Second, func() { os.Exit(1) })
	case bytes.Contains(line, []byte("fault=hang")):
		time.AfterFunc(20*time.Second, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) })
	}
}
`

// next builds the program of the next release, with the fault beside it.
func (u *updated) next() {
	u.t.Helper()
	began := time.Now()
	dir := u.t.TempDir()
	program := filepath.Join(dir, "appliance")
	p := testbed.Start(u.t, nil, testbed.Command{Path: "go", Env: []string{"GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0"},
		Args: []string{"build", "-trimpath", "-overlay", overlay(u.t, dir, fault), "-o", program, "-ldflags",
			fmt.Sprintf("-s -w -X main.version=next -X main.image=qemu-virt -X main.release=%d -X main.updateKeys=%s", u.release+1, update.PublicText(u.key)), "./cmd/appliance"}})
	if p.ExitCode() != 0 {
		u.t.Fatalf("the next release is not built:\n%s", p.Output())
	}
	body, err := os.ReadFile(program)
	if err != nil {
		u.t.Fatal(err)
	}
	slot := filepath.Join(filepath.Dir(u.image), "slot.img")
	u.files = map[string][]byte{}
	for _, name := range []string{"kernel8.img", "cmdline.txt", initramfsName} {
		u.files[name] = readFAT(u.t, slot, 0, slotSize, name)
	}
	u.files[initramfsName] = withProgram(u.t, u.files[initramfsName], body)
	u.t.Logf("the next release was built in %v", time.Since(began).Round(100*time.Millisecond))
}

// withProgram puts another program into an initramfs, where it is the last file.
func withProgram(t *testing.T, packed, program []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.LastIndex(plain, []byte("00000000init\x00")) - 102 // its name follows the last field of the header of 110 octets
	if head < 0 || string(plain[head:head+6]) != "070701" {
		t.Fatal("the initramfs holds no program")
	}
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain[:head]); err != nil {
		t.Fatal(err)
	}
	c := &cpioWriter{w: w, at: head, ino: 10000, made: time.Unix(1795000000, 0)}
	c.file("init", 0o755, program)
	c.add(cpioTrailer, 0, nil, [2]int{})
	if err := errors.Join(c.err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bundle makes an update with the program of the next release. More stands at the end of
// its kernel's command line.
func (u *updated) bundle(name string, later uint64, more string) []byte {
	u.t.Helper()
	slot := filepath.Join(u.t.TempDir(), "slot.img")
	files := maps.Clone(u.files)
	files["cmdline.txt"] = []byte(strings.TrimSpace(string(files["cmdline.txt"])) + " " + more + "\n")
	if err := (&build{}).fat(slot, slotSize, "SLOT", files); err != nil {
		u.t.Fatal(err)
	}
	f, err := os.Open(slot)
	if err != nil {
		u.t.Fatal(err)
	}
	defer f.Close()
	var out bytes.Buffer
	m := update.Manifest{Version: name, Release: u.release + later, Boards: []string{"qemu-virt"}}
	if err := update.Make(&out, m, f, slotSize, u.key); err != nil {
		u.t.Fatal(err)
	}
	return out.Bytes()
}

// overlay adds a file to the program's sources without writing it there.
func overlay(t *testing.T, dir, text string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	fault, list := filepath.Join(dir, "fault.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, "cmd/appliance/fault_linux.go"): fault}})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{fault: []byte(text), list: replace} {
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// send uploads a bundle and returns the status, and the problem that the box tells then.
func (u *updated) send(t *testing.T, bundle []byte) (status int, problem string) {
	t.Helper()
	resp, err := u.web.Post(u.m.page+"api/v1/update", "application/octet-stream", bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if s := u.state(); s.Problem != nil {
		problem = s.Problem.ID
	}
	return resp.StatusCode, problem
}

// state asks the box; nothing while it does not answer.
func (u *updated) state() (s answer) {
	resp, err := u.web.Get(u.m.page + "api/v1/update")
	if err != nil {
		return s
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		_ = json.NewDecoder(resp.Body).Decode(&s) // half an answer is none
	}
	return s
}

// until waits for a state.
func (u *updated) until(t *testing.T, what string, yes func(answer) bool) {
	t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		s := u.state()
		if yes(s) {
			return
		}
		select {
		case <-u.m.Done():
			t.Fatalf("%s: the box stopped; %+v\n%s", what, s, u.m.Output())
		default:
		}
		if time.Since(began) > limit {
			t.Fatalf("%s: %+v\n%s", what, s, u.m.Output())
		}
	}
}

// cuts are how many times a bundle is cut short.
const cuts = 20

// refusals sends what a box must not take; it goes on serving what it serves.
func (u *updated) refusals(t *testing.T, good []byte) {
	before := slotBytes(t, u.image, update.SlotB)
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := u.small(t, u.key, "qemu-virt", u.release)
	unsigned := bytes.Clone(own)
	clear(unsigned[16+8 : 16+8+ed25519.SignatureSize])
	tampered := bytes.Replace(bytes.Clone(own), []byte("qemu-virt"), []byte("qemu-vert"), 1)
	flipped := bytes.Clone(own)
	flipped[len(flipped)-7] ^= 0x20
	for _, c := range []struct {
		name, problem string
		bundle        []byte
	}{
		{"another file", "notABundle", []byte("hello")},
		{"unsigned", "unsigned", unsigned},
		{"signed by a stranger", "foreignKey", u.small(t, stranger, "qemu-virt", u.release)},
		{"another manifest than the signed one", "tampered", tampered},
		{"one bit of a block is another", "damaged", flipped},
		{"for another board", "wrongBoard", u.small(t, u.key, "rpi", u.release+9)},
		{"an older release", "older", u.small(t, u.key, "qemu-virt", u.release-1)},
		{"something follows", "trailing", append(bytes.Clone(own), 0)},
	} {
		if status, problem := u.send(t, c.bundle); status != http.StatusUnprocessableEntity || problem != c.problem {
			t.Errorf("%s: %d, %q, want it refused as %q", c.name, status, problem, c.problem)
		}
	}
	began := time.Now()
	for i := range cuts { // from the head on through the whole of it
		at := 100 + i*i*(len(good)-200)/((cuts-1)*(cuts-1))
		if status, problem := u.send(t, good[:at]); status != http.StatusUnprocessableEntity || problem != "truncated" {
			t.Errorf("cut off after %d octets of %d: %d, %q", at, len(good), status, problem)
		}
	}
	t.Logf("%d bundles that were cut short refused in %.1f s", cuts, time.Since(began).Seconds())
	if !bytes.Equal(before, slotBytes(t, u.image, update.SlotB)) {
		t.Error("the free slot was written")
	}
	if s := u.state(); s.Slots[0].State.ID != "runs" || s.Slots[1].State.ID != "empty" || s.Phase.ID != string(update.Idle) {
		t.Errorf("the box is left at %+v", s)
	}
}

// small is a bundle of a slot that nothing could start from.
func (u *updated) small(t *testing.T, key ed25519.PrivateKey, board string, release uint64) []byte {
	t.Helper()
	var out bytes.Buffer
	slot := bytes.Repeat([]byte("slot"), 1<<14)
	if err := update.Make(&out, update.Manifest{Version: "x", Release: release, Boards: []string{board}}, bytes.NewReader(slot), int64(len(slot)), key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// slotBytes reads the beginning of a slot on the disk.
func slotBytes(t *testing.T, image string, s update.Slot) []byte {
	t.Helper()
	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 32<<20)
	m := masterBootRecord()
	if _, err := f.ReadAt(b, int64(m.Partition(int(s)).Start)*512); err != nil {
		t.Fatal(err)
	}
	return b
}

// keeps installs a version that does what it must.
func (u *updated) keeps(t *testing.T, bundle []byte) {
	began := time.Now()
	if status, problem := u.send(t, bundle); status != http.StatusOK {
		t.Fatalf("the bundle is refused with %d, %q", status, problem)
	}
	t.Logf("taken %.1f s after the upload began", time.Since(began).Seconds())
	u.again()
	t.Logf("started for trial %.1f s after the upload began", time.Since(began).Seconds())
	t.Logf("its page is served %.1f s later", u.served(t).Seconds())
	if sel := u.selector(t); sel.Boot != update.SlotA {
		t.Errorf("the selector names slot %s before the new version has proved itself", sel.Boot)
	}
	u.until(t, "the good version is not committed", func(s answer) bool {
		return s.Phase.ID == string(update.Idle) && s.Last != nil && s.Last.Outcome.ID == string(update.Committed) &&
			s.Slots[1].State.ID == "runs" && s.Slots[1].Version == "next" && s.Slots[0].State.ID == "ready"
	})
	t.Logf("committed %.1f s after the upload began", time.Since(began).Seconds())
	if sel := u.selector(t); sel.Boot != update.SlotB || sel.Try != update.SlotA {
		t.Errorf("the selector names %+v", sel)
	}
	if !strings.Contains(u.m.Output(), "Centralino next is running") {
		t.Error("another version runs")
	}
	if status, problem := u.send(t, u.small(t, u.key, "qemu-virt", u.release)); status != http.StatusUnprocessableEntity || problem != "older" {
		t.Errorf("the version before is answered with %d, %q", status, problem)
	}
}

// selector is what stands on the disk.
func (u *updated) selector(t *testing.T) update.Selector {
	t.Helper()
	p := masterBootRecord().Partition(1)
	sel, err := update.ParseSelector(readFAT(t, u.image, int64(p.Start)*512, int64(p.Len)*512, update.SelectorName))
	if err != nil {
		t.Fatal(err)
	}
	return sel
}

// takesBack installs a version that does not do; the good one must come back by itself.
func (u *updated) takesBack(t *testing.T, name string, bundle []byte) {
	began := time.Now()
	if status, problem := u.send(t, bundle); status != http.StatusOK {
		t.Fatalf("the bundle is refused with %d, %q", status, problem)
	}
	u.again()
	u.again()
	t.Logf("the former version starts %.1f s after the upload began", time.Since(began).Seconds())
	u.served(t)
	u.until(t, "the former version does not tell", func(s answer) bool {
		return s.Last != nil && s.Last.Outcome.ID == string(update.RolledBack) && s.Last.Version == name && s.Slots[1].State.ID == "runs" && s.Slots[0].State.ID == "empty"
	})
	t.Logf("and its page tells of it after %.1f s", time.Since(began).Seconds())
	if sel := u.selector(t); sel.Boot != update.SlotB {
		t.Errorf("the selector names slot %s", sel.Boot)
	}
}
