//go:build imagetest

package main

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"centralino/board/update"
)

var powerCuts = flag.Int("powercuts", 5, "power cuts while an update is under way")

// TestImagePowerCuts cuts the power of an updating box at any moment: it comes up from the
// slot that the selector names, that is before or after the update, and takes the next one.
func TestImagePowerCuts(t *testing.T) {
	t.Chdir("..")
	u := newUpdated(t, builtImage(t, "qemu-virt", t.TempDir()))
	u.start()
	u.claim()
	bundle := u.bundle("next", 1, "")
	began := time.Now()
	u.installs(t, bundle)
	whole := time.Since(began)
	for i := range *powerCuts {
		at, before, page := rand.N(whole), u.selector(t), u.m.page
		began := time.Now()
		go func() { // ends with the machine
			resp, err := u.web.Post(page+"api/v1/update", "application/octet-stream", bytes.NewReader(bundle))
			if err == nil {
				resp.Body.Close()
			}
		}()
		phase := u.cut(t, at)
		found := u.selector(t)
		u.start()
		u.served(t)
		u.settle(t)
		t.Logf("PROGRESS power cut %d after %.1f s (%s): the selector named slot %s before, %s at the cut and %s in the end; at rest %.1f s after the cut",
			i+1, at.Seconds(), phase, before.Boot, found.Boot, u.selector(t).Boot, (time.Since(began) - at).Seconds())
	}
	u.installs(t, bundle)
	u.m.powerButton(t)
	checkData(t, u.image)
	t.Logf("FIGURE\tpower cuts while the image updates itself, none left a box that does not start\t%d\tcuts", *powerCuts)
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

// cut waits, starting the board anew when it is reset, and cuts the power. It returns what
// the updater did last.
func (u *updated) cut(t *testing.T, after time.Duration) (phase string) {
	t.Helper()
	over := time.NewTimer(after)
	defer over.Stop()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over.C:
			u.m.Kill()
			return phase
		case <-u.m.Done():
			phase = "starting"
			u.again()
		case <-tick.C:
			if s := u.state(); s.Phase.ID != "" {
				phase = s.Phase.ID
			}
		}
	}
}

// settle waits until the updater rests for ten seconds, starting the board anew when it is
// reset.
func (u *updated) settle(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	rests := time.Now()
	for began := time.Now(); time.Since(rests) < 10*time.Second; {
		select {
		case <-u.m.Done():
			u.again()
			u.served(t)
			rests = time.Now()
		case <-tick.C:
			if s := u.state(); s.Phase.ID != string(update.Idle) {
				rests = time.Now()
			}
		}
		if time.Since(began) > 2*limit {
			t.Fatalf("the updater does not come to rest: %+v\n%s", u.state(), u.m.Output())
		}
	}
	running := update.Slot(0)
	for i, slot := range u.state().Slots {
		if slot.State.ID == "runs" {
			running = update.SlotA + update.Slot(i)
		}
	}
	if sel := u.selector(t); running != sel.Boot {
		t.Fatalf("slot %s runs, the selector names %s", running, sel.Boot)
	}
}
