//go:build imagetest

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"centralino/board/update"
	"centralino/internal/testbed"
)

// updated is a box in QEMU that is updated over its page's interface. The harness plays
// the firmware: after a reset it reads selector and slot anew from the disk.
type updated struct {
	t       *testing.T
	image   string
	m       *machine
	web     *http.Client
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
	enlarge(t, image, 2<<30)
	return u
}

// TestImageUpdates installs a good version, and shows that bad ones are refused or taken
// back.
func TestImageUpdates(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	image := builtImage(t, "qemu-virt", t.TempDir())
	u := newUpdated(t, image)
	good := u.bundle("good", 1, "")
	u.start()
	u.claim()
	if !t.Run("what is not ours is refused", func(t *testing.T) { u.refusals(t, good) }) ||
		!t.Run("a good version is kept", func(t *testing.T) { u.keeps(t, good) }) {
		return // the box does not run what follows expects
	}
	for i, c := range []struct{ name, fault, said string }{
		{"a version that ends is taken back by the first process", "crash", "the program ended: the box restarts"},
		{"a version that hangs is taken back by the first process", "hang", "the program does not answer"},
		{"a version under which the kernel stops is taken back by the watchdog", "freeze", ""},
	} {
		if !t.Run(c.name, func(t *testing.T) { u.takesBack(t, c.fault, c.said, u.bundle(c.fault, uint64(2+i), "fault="+c.fault)) }) {
			return
		}
	}
	u.m.powerButton(t)
	checkData(t, image)
}

// start switches the box on and waits for its page.
func (u *updated) start() {
	u.t.Helper()
	// A second watchdog period of QEMU's own would hide ours: the card's resets the board.
	u.m = start(u.t, u.image, "-no-reboot", "-device", "i6300esb", "-action", "watchdog=reset")
}

// restarting is what the kernel says last when the box restarts by itself, tryIt the
// argument for the firmware.
const (
	restarting = "reboot: Restarting system"
	tryIt      = restarting + " with command '0 tryboot'"
)

// again waits until the board was reset, and starts it as the firmware does. The kernel
// says by what argument it was asked. It returns what the console showed before.
func (u *updated) again(t *testing.T) string {
	t.Helper()
	over := time.NewTimer(limit)
	defer over.Stop()
	select {
	case <-u.m.Done():
	case <-over.C:
		t.Fatalf("the box does not start anew:\n%s", u.m.Output())
	}
	shown := u.m.Output()
	if strings.Contains(shown, tryIt) {
		if err := os.WriteFile(tryFlag(u.image), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u.start()
	return shown
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
	ctx, done := context.WithTimeout(u.t.Context(), 3*time.Second) // a box that starts may take a question and not answer
	defer done()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, u.m.page+"api/v1/update", nil)
	if err != nil {
		return s
	}
	resp, err := u.web.Do(ask)
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

// cutsOf are 20 places where a bundle may be cut off: in each part of its head, around its
// first blocks, and far into them.
func cutsOf(t *testing.T, bundle []byte) []int {
	t.Helper()
	const head, block = 16 + 8 + ed25519.SignatureSize + 4, 256 << 10
	blocks := head + int(binary.BigEndian.Uint32(bundle[head-4:]))
	if len(bundle) < blocks+4*block {
		t.Fatalf("the bundle has only %d octets", len(bundle))
	}
	return []int{17, 24, 56, head - 4, head - 1, head, head + 1, (head + blocks) / 2, blocks - 1, blocks, blocks + 1, blocks + block/2, blocks + block - 1,
		blocks + block, blocks + block + 1, blocks + 2*block, len(bundle) / 4, len(bundle) / 2, len(bundle) - block, len(bundle) - 1}
}

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
	for i, at := range cutsOf(t, good) {
		if i%2 == 0 { // the file is short
			if status, problem := u.send(t, good[:at]); status != http.StatusUnprocessableEntity || problem != "truncated" {
				t.Errorf("cut off after %d octets of %d: %d, %q", at, len(good), status, problem)
			}
			continue
		}
		_, _ = u.send(t, []byte("hello")) // another problem than the one that is waited for
		u.hangUp(t, good, at)
		u.until(t, fmt.Sprintf("%d octets of %d and then nothing", at, len(good)), func(s answer) bool {
			return s.Phase.ID == string(update.Idle) && s.Problem != nil && s.Problem.ID == "truncated"
		})
	}
	t.Logf("bundles that were cut off at 20 places refused in %.1f s", time.Since(began).Seconds())
	if !bytes.Equal(before, slotBytes(t, u.image, update.SlotB)) {
		t.Error("the free slot was written")
	}
	if s := u.state(); s.Slots[0].State.ID != "runs" || s.Slots[1].State.ID != "empty" || s.Phase.ID != string(update.Idle) {
		t.Errorf("the box is left at %+v", s)
	}
}

// errGone is why a browser sends no more.
var errGone = errors.New("the browser is gone")

// hangUp begins to send a whole bundle, and is gone after some octets.
func (u *updated) hangUp(t *testing.T, bundle []byte, after int) {
	t.Helper()
	body := io.MultiReader(bytes.NewReader(bundle[:after]), iotest.ErrReader(errGone))
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.m.page+"api/v1/update", body)
	if err != nil {
		t.Fatal(err)
	}
	ask.ContentLength = int64(len(bundle))
	ask.Header.Set("Content-Type", "application/octet-stream")
	if resp, err := u.web.Do(ask); err == nil {
		resp.Body.Close()
		t.Errorf("%d octets of %d are answered with %s", after, len(bundle), resp.Status)
	} else if !errors.Is(err, errGone) {
		t.Errorf("after %d octets: %v", after, err)
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
	u.proves(t, began)
	if status, problem := u.send(t, u.small(t, u.key, "qemu-virt", u.release)); status != http.StatusUnprocessableEntity || problem != "older" {
		t.Errorf("the version before is answered with %d, %q", status, problem)
	}
}

// proves waits until the version that was taken is in force.
func (u *updated) proves(t *testing.T, began time.Time) {
	t.Helper()
	u.again(t)
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

// takesBack installs a version that does not do; the good one must come back by itself,
// because of what the first process said, or because nobody could say anything.
func (u *updated) takesBack(t *testing.T, name, said string, bundle []byte) {
	began, home := time.Now(), u.selector(t).Boot
	if status, problem := u.send(t, bundle); status != http.StatusOK {
		t.Fatalf("the bundle is refused with %d, %q", status, problem)
	}
	if shown := u.again(t); !strings.Contains(shown, tryIt) {
		t.Fatalf("the box does not ask for its other slot:\n%s", shown)
	}
	trial := time.Now()
	shown := u.again(t)
	t.Logf("on trial %.1f s after the upload began, for %.1f s", trial.Sub(began).Seconds(), time.Since(trial).Seconds())
	if !strings.Contains(shown, "this version is on trial") || strings.Contains(shown, "no fault:") || !strings.Contains(shown, said) || strings.Contains(shown, restarting) != (said != "") {
		t.Fatalf("the trial does not end by %q:\n%s", said, shown)
	}
	u.served(t)
	u.until(t, "the former version does not tell", func(s answer) bool {
		return s.Last != nil && s.Last.Outcome.ID == string(update.RolledBack) && s.Last.Version == name && s.runs() == home && s.Slots[home.Other()-update.SlotA].State.ID == "empty"
	})
	t.Logf("and the page of the former version tells of it after %.1f s", time.Since(began).Seconds())
	if sel := u.selector(t); sel.Boot != home {
		t.Errorf("the selector names slot %s", sel.Boot)
	}
}
