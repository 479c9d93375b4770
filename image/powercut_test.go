//go:build imagetest

package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"centralino/board/update"
	"centralino/internal/testbed"
)

var powerCuts = flag.Int("powercuts", 5, "power cuts while updates are under way")

// TestImagePowerCuts cuts the power of an updating box at any moment, also while it takes
// up what the cut before has interrupted: it comes up from the slot that the selector
// names, which is always a whole one, goes on, and takes the next update in the end.
func TestImagePowerCuts(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	u := newUpdated(t, builtImage(t, "qemu-virt", t.TempDir()))
	bundle := u.bundle("next", 1, "fault=haste")
	u.start()
	u.claim()
	began := time.Now()
	u.installs(t, bundle)
	whole := time.Since(began)
	fmt.Printf("PROGRESS\tan update that nobody disturbs is in force after %.1f s\n", whole.Seconds())
	seen := map[string]int{}
	for i := range *powerCuts {
		before, at := u.selector(t), rand.N(whole)
		phase := u.cut(t, at, bundle)
		seen[phase]++
		cut, found := time.Now(), u.selector(t)
		u.start()
		u.up(t)
		fmt.Printf("PROGRESS\tpower cut %d after %.1f s (%s): the selector named slot %s before and %s at the cut; the page is there %.1f s after it\n",
			i+1, at.Seconds(), phase, before.Boot, found.Boot, time.Since(cut).Seconds())
	}
	u.settle(t)
	u.installs(t, bundle)
	u.m.powerButton(t)
	checkData(t, u.image)
	t.Logf("the power was cut while the box was: %v", seen)
	testbed.Figure(t, "QEMU: power cuts while the image updates itself, none left a box that does not start", *powerCuts, "cuts")
}

// brings uploads a bundle to a page, whatever becomes of it.
func (u *updated) brings(page string, bundle []byte, sent chan<- struct{}) {
	defer close(sent)
	resp, err := u.web.Post(page+"api/v1/update", "application/octet-stream", bytes.NewReader(bundle))
	if err == nil {
		resp.Body.Close()
	}
}

// installs brings a bundle and waits until its slot is in force.
func (u *updated) installs(t *testing.T, bundle []byte) {
	t.Helper()
	before := u.selector(t)
	if status, problem := u.send(t, bundle); status != http.StatusOK {
		t.Fatalf("the bundle is refused with %d, %q", status, problem)
	}
	u.settle(t)
	if after := u.selector(t); after.Boot != before.Try {
		t.Fatalf("slot %s is in force: %+v", after.Boot, u.state())
	}
}

// cut cuts the power after a time in which the box updates itself: it starts anew when it is
// reset, and gets the bundle whenever it has nothing to do. It returns what the updater did
// last.
func (u *updated) cut(t *testing.T, after time.Duration, bundle []byte) (phase string) {
	t.Helper()
	over := time.NewTimer(after)
	defer over.Stop()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	sent := make(chan struct{})
	close(sent)
	defer func() { <-sent }() // ends with the machine
	for {
		if s := u.state(); s.Phase.ID != "" {
			phase = s.Phase.ID
		}
		if phase == string(update.Idle) {
			phase = string(update.Receiving) // or about to
			select {
			case <-sent:
				sent = make(chan struct{})
				go u.brings(u.m.page, bundle, sent)
			default:
			}
		}
		select {
		case <-over.C:
			u.m.Kill()
			return phase
		case <-u.m.Done():
			phase = "starting"
			u.again(t)
		case <-tick.C:
		}
	}
}

// up waits until the box answers, starting the board anew when it is reset, and holds it to
// the slot that it says it runs: that in force, unless it proves the other one.
func (u *updated) up(t *testing.T) answer {
	t.Helper()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		select {
		case <-u.m.Done():
			u.again(t)
		case <-tick.C:
		}
		if s := u.state(); s.Phase.ID != "" {
			if sel, runs := u.selector(t), s.runs(); runs != sel.Boot && s.Phase.ID != string(update.Proving) {
				t.Fatalf("slot %s runs, the selector names %s: %+v", runs, sel.Boot, s)
			}
			return s
		}
		if time.Since(began) > limit {
			t.Fatalf("the box does not come up:\n%s", u.m.Output())
		}
	}
}

// runs is the slot that the box says it runs; 0 if it does not say.
func (s answer) runs() update.Slot {
	for i, slot := range s.Slots {
		if slot.State.ID == "runs" {
			return update.SlotA + update.Slot(i)
		}
	}
	return 0
}

// settle waits until the updater rests and has nothing left to do, starting the board anew
// when it is reset.
func (u *updated) settle(t *testing.T) {
	t.Helper()
	const rest = 5 * time.Second // between the phases of an update it is idle for less
	rests := time.Now()
	for began := time.Now(); time.Since(rests) < rest; {
		if s := u.up(t); s.Phase.ID != string(update.Idle) {
			rests = time.Now()
		}
		if time.Since(began) > 2*limit {
			t.Fatalf("the updater does not come to rest: %+v\n%s", u.state(), u.m.Output())
		}
	}
	if s, sel := u.state(), u.selector(t); s.runs() != sel.Boot {
		t.Fatalf("the selector names %s: %+v", sel.Boot, s)
	}
}
