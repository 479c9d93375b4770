//go:build imagetest

package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/board/health"
	"centralino/internal/testbed"
	"centralino/pbx/pbxtest"
	"centralino/ui/api"

	"golang.org/x/sys/unix"
)

// usedCard is a card on which a box was set up: two telephones, a technician, one call.
type usedCard struct {
	image   string
	secrets [2]string // of the telephones 201 and 202
}

// smallCard leaves a data partition that is filled in a moment, and has a second group of
// blocks, in which copies of the superblock stand.
const smallCard = diskSize + 192*mib

// TestImageTroubledCards starts a box whose card is full, takes nothing, fails when it is
// written to, at once or after a while, or has lost its superblock: it serves its page,
// says there what is wrong, telephones call each other, and nothing starts again and again.
func TestImageTroubledCards(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck", "debugfs", "ip")
	c := useCard(t, builtImage(t, "qemu-virt", t.TempDir()))
	plain := func(image string) []string { return nil }
	for _, trouble := range []struct {
		name  string
		spoil func(t *testing.T, image string)
		disk  func(image string) []string // what is given to QEMU in place of the plain disk
		says  string                      // on the console
		fault health.Kind                 // on the page; empty: none of the card, which was repaired
	}{
		{"no block is free", fillCard, plain, "centralino: data partition", health.StorageFailed},
		{"nothing can be written", untouched, readOnlyDisk, "works with a copy in memory", health.StorageFailed},
		{"each write fails", untouched, failingDisk, "works with a copy in memory", health.StorageFailed},
		{"the superblock is gone", spoilSuperblock, plain, "the data partition was repaired", ""},
	} {
		t.Run(trouble.name, func(t *testing.T) {
			image := filepath.Join(t.TempDir(), "card.img")
			want(t, "card", copySparse(image, c.image))
			trouble.spoil(t, image)
			cable := testbed.NewTap(t)
			g := startGuest(t, cable, image, 1, trouble.disk(image)...)
			testbed.Figure(t, "QEMU: page served by a card on which "+trouble.name, strconv.FormatFloat(time.Since(g.began).Seconds(), 'f', 1, 64), "s after power-on")
			g.logIn()
			g.tells(trouble.fault)
			g.repaired(trouble.fault == "")
			g.calls(c.phones(t, cable))
			g.holdsStill(15 * time.Second)
			if !strings.Contains(g.Output(), trouble.says) {
				t.Errorf("%q was not said:\n%s", trouble.says, g.Output())
			}
			g.powerButton(t)
		})
	}
	t.Run("writes fail from a moment on", c.fails)
}

// useCard sets a box up and switches it off.
func useCard(t *testing.T, image string) *usedCard {
	t.Helper()
	enlarge(t, image, smallCard)
	c := &usedCard{image: image}
	cable := testbed.NewTap(t)
	g := startGuest(t, cable, image, 1)
	g.claim()
	c.secrets[0], _ = g.person("Anna Rossi", "201")
	c.secrets[1], _ = g.person("Bruno Bianchi", "202")
	g.calls(c.phones(t, cable))
	g.powerButton(t)
	checkData(t, image)
	return c
}

// phones connects both telephones.
func (c *usedCard) phones(t *testing.T, cable *testbed.Namespace) (phones [2]*pbxtest.Phone) {
	t.Helper()
	for i, secret := range c.secrets {
		phones[i] = phoneOn(t, cable, strconv.Itoa(201+i), secret, byte(11+i))
	}
	return phones
}

// calls registers both telephones; 201 calls 202.
func (g *guest) calls(phones [2]*pbxtest.Phone) {
	g.t.Helper()
	for _, p := range phones {
		want(g.t, "register", p.Register(within(g.t, time.Minute)))
	}
	call, err := phones[0].Dial("202")
	want(g.t, "dial", err)
	select {
	case <-call.Up():
	case <-call.End():
		g.t.Fatalf("202 answers %d\n%s", call.Code, g.Output())
	case <-within(g.t, time.Minute).Done():
		g.t.Fatalf("202 does not answer\n%s", g.Output())
	}
	call.HangUp()
	<-call.End()
}

// fails lets a running box's card take what it has room for already and nothing new: the
// page says so to who is logged in, calls go on, and after a start on a good card all is
// well.
func (c *usedCard) fails(t *testing.T) {
	folder := t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=500m"); err != nil {
		testbed.Missing(t, "no right to mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
	image, filler := filepath.Join(folder, "card.img"), filepath.Join(folder, "filler")
	want(t, "card", copySparse(image, c.image))
	cable := testbed.NewTap(t)
	phones := c.phones(t, cable)
	g := startGuest(t, cable, image, 1, "-drive", "if=none,id=disk,format=raw,file="+image, "-device", diskSocket+",werror=report")
	g.logIn()
	g.calls(phones)
	f, err := os.Create(filler)
	want(t, "filler", err)
	for b := make([]byte, mib); err == nil; {
		_, err = f.Write(b)
	}
	f.Close()
	began := time.Now()
	g.calls(phones)
	g.tells(health.StorageFailed)
	testbed.Figure(t, "QEMU: a card that begins to fail is told by the page", strconv.FormatFloat(time.Since(began).Seconds(), 'f', 1, 64), "s after the first call")
	g.calls(phones)
	g.holdsStill(15 * time.Second)
	g.powerButton(t)
	want(t, "filler", os.Remove(filler))
	g = startGuest(t, cable, image, 1)
	g.logIn()
	g.calls(phones)
	g.tells("")
	g.powerButton(t)
	checkData(t, image)
}

func (g *guest) logIn() {
	g.t.Helper()
	if at, body := g.post("/login", url.Values{"name": {techUser}, "password": {techPassword}}); at != "/" {
		g.t.Fatalf("the technician's log-in ends at %s:\n%.2000s", at, body)
	}
}

// tells waits until the page tells a fault in words, with what to do. Without one no fault
// of the card may be told.
func (g *guest) tells(kind health.Kind) {
	g.t.Helper()
	var home api.Home
	told := func() *api.Fault {
		g.api("home", &home)
		i := slices.IndexFunc(home.Health.Faults, func(f api.Fault) bool {
			return f.Code == string(kind) || kind == "" && strings.HasPrefix(f.Code, "storage.")
		})
		if i < 0 {
			return nil
		}
		return &home.Health.Faults[i]
	}
	if kind == "" {
		if f := told(); f != nil {
			g.t.Errorf("the page tells %+v", *f)
		}
		return
	}
	g.until(2*time.Minute, "the page tells "+string(kind), func() bool { return told() != nil })
	f := told()
	g.t.Logf("the page says: %s %s %s", f.Title, f.Effect, f.Action)
	if _, body := g.get("/"); !strings.Contains(body, f.Title) || f.Effect == "" || f.Action == "" {
		g.t.Errorf("the first page does not say %+v", *f)
	}
}

// repaired looks whether the page tells of a repair by which something may be lost.
func (g *guest) repaired(wanted bool) {
	g.t.Helper()
	var s api.System
	if g.api("system", &s); (s.Repair != nil && s.Repair.Forced) != wanted {
		g.t.Errorf("the page tells of the repair %+v", s.Repair)
	}
}

// holdsStill looks for a time whether the page stays and neither box nor program start
// again.
func (g *guest) holdsStill(d time.Duration) {
	g.t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		g.get("/")
	}
	for _, again := range []string{"the program ended", "the box restarts"} {
		if strings.Contains(g.Output(), again) {
			g.t.Errorf("%q was said:\n%s", again, g.Output())
		}
	}
	if n := strings.Count(g.Output(), "centralino: first process"); n != 1 {
		g.t.Errorf("the box has started %d times:\n%s", n, g.Output())
	}
}

// dataAt is the data partition as tools of ext4 are told of it.
func dataAt(image string) string {
	return fmt.Sprintf("%s?offset=%d", image, dataBegin())
}

// debugfs has the data partition of an image looked at or changed, and returns what it says.
func debugfs(t *testing.T, image string, do string) string {
	t.Helper()
	p := testbed.Start(t, nil, testbed.Command{Path: "debugfs", Args: []string{"-w", "-R", do, dataAt(image)}})
	if p.ExitCode() != 0 {
		t.Fatalf("%s: %s", do, p.Output())
	}
	return p.Output()
}

var freeBlocks = regexp.MustCompile(`(?m)^Free blocks: +(\d+)`)

// fillCard writes files into the data partition until no block is free.
func fillCard(t *testing.T, image string) {
	t.Helper()
	free := func() int { return number(t, debugfs(t, image, "stats -h"), freeBlocks.String()) }
	const block = 4096
	for n, left := 0, free(); left > 0; n++ {
		size := left * block
		if n > 0 { // what is left is eaten up one by one: larger files need blocks of their own for their map
			size = block
		}
		filler := filepath.Join(t.TempDir(), "filler")
		b := make([]byte, size)
		_, _ = rand.Read(b)
		want(t, "filler", os.WriteFile(filler, b, 0o600))
		debugfs(t, image, fmt.Sprintf("write %s filler%d", filler, n))
		now := free()
		t.Logf("%d blocks are free, then %d", left, now)
		if now == left {
			t.Fatal("the card does not get full")
		}
		left = now
	}
}

func untouched(*testing.T, string) {}

func readOnlyDisk(image string) []string {
	return []string{"-drive", "if=none,id=disk,format=raw,readonly=on,file=" + image, "-device", diskSocket}
}

// failingDisk is a card that can be read, and fails when it is written to.
func failingDisk(image string) []string {
	return []string{"-blockdev", "driver=blkdebug,node-name=disk,inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno=5,image.driver=file,image.filename=" + image,
		"-device", diskSocket + ",werror=report"}
}

// spoilSuperblock overwrites the superblock and the descriptors behind it; there are copies.
func spoilSuperblock(t *testing.T, image string) {
	t.Helper()
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	want(t, "card", err)
	defer f.Close()
	_, err = f.WriteAt(bytes.Repeat([]byte{0x5a}, 2*4096), dataBegin())
	want(t, "card", err)
}
