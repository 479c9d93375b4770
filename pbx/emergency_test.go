package pbx_test

import (
	"net/netip"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
)

// helped dials 112 at a phone and waits until somebody answers.
func helped(t *testing.T, w *world, id office.ID, d time.Duration) *pbxtest.Call {
	t.Helper()
	c, err := w.phones[id].Dial("112")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Up():
	case <-c.End():
		t.Fatalf("emergency call refused with %d", c.Code)
	case <-time.After(d):
		t.Fatalf("emergency call not answered within %s", d)
	}
	return c
}

// rings lets callers ring both lines.
func rings(t *testing.T, w *world) []*sim.Party {
	t.Helper()
	var list []*sim.Party
	for _, id := range []hal.LineID{"line-1", "line-2"} {
		p, err := w.exchange.Ring(id, sim.CallerSpec{Number: "0612345678", GiveUp: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func TestTwoEmergencyCallsAtOnceGetALineEach(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, p := range rings(t, w) {
			within(t, "box answers", p.Answered(), 12*time.Second)
		}
		first, err := w.phones["dev-1"].Dial("112")
		if err != nil {
			t.Fatal(err)
		}
		second, err := w.phones["dev-3"].Dial("118")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "first emergency call", first.Up(), 20*time.Second)
		within(t, "second emergency call", second.Up(), 20*time.Second)
	})
}

func TestEmergencyCallTakesALineThatRings(t *testing.T) {
	inWorld(t, func(w *world) {
		rings(t, w)
		pass(time.Second) // nobody has answered yet
		helped(t, w, "dev-1", 20*time.Second)
	})
}

func TestEmergencyCallWaitsForALineThatIsBeingCleared(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, c := range w.talking("0698765432", "dev-1", "dev-2") {
			c.HangUp()
		}
		pass(200 * time.Millisecond) // the lines keep their guard time
		helped(t, w, "dev-3", 20*time.Second)
	})
}

func TestEmergencyCallWithoutAnyLineIsToldSoSoon(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, l := range w.lines {
			l.Unplug()
		}
		pass(time.Second)
		c, err := w.phones["dev-1"].Dial("112")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "end", c.End(), 30*time.Second)
		if c.Code != 503 {
			t.Errorf("refused with %d", c.Code)
		}
	})
}

func TestEmergencyCallTriesAnotherLineWhenTheFirstOneFails(t *testing.T) {
	inWorld(t, func(w *world) {
		w.exchange.OnDial(func(id hal.LineID, _ string) sim.DialOutcome {
			if id == "line-1" {
				return sim.DialOutcome{Result: sim.IsBusy}
			}
			return sim.DialOutcome{Delay: time.Second}
		})
		p, err := w.exchange.Ring("line-2", sim.CallerSpec{Number: "0612345678", GiveUp: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		within(t, "box answers", p.Answered(), 12*time.Second)
		helped(t, w, "dev-1", 40*time.Second) // the ordinary call on line-2 is ended for it
	})
}

func TestEmergencyCallWhoseFreedLineIsTakenByACallerTakesAnother(t *testing.T) {
	inWorld(t, func(w *world) {
		calls := w.talking("0698765432", "dev-1", "dev-2")
		e, err := w.phones["dev-3"].Dial("112")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "youngest ordinary call ends", calls[1].End(), 12*time.Second)
		for rung := false; !rung; pass(time.Millisecond) { // in the very moment in which its line is free
			for _, id := range []hal.LineID{"line-1", "line-2"} {
				_, err := w.exchange.Ring(id, sim.CallerSpec{Number: "0612345678", GiveUp: 5 * time.Minute})
				rung = rung || err == nil
			}
			select {
			case <-e.Up():
				t.Fatal("nobody could take the line away")
			default:
			}
		}
		within(t, "emergency call", e.Up(), 20*time.Second)
	})
}

// takePorts takes every RTP port that is not kept for calls for help.
func (w *world) takePorts() (taken []*media.Stream) {
	for {
		s, err := w.plane.OpenRTP(media.RTPOptions{Bind: boxAddr.Addr()})
		if err != nil {
			return taken
		}
		taken = append(taken, s)
	}
}

// The last ports are for calls for help, on the phone's side.
func TestEmergencyCallHasAPortWhenOthersHaveNone(t *testing.T) {
	inWorldOf(t, func(*world) worldOptions { return worldOptions{ports: 32} }, func(w *world) {
		taken := w.takePorts()
		if len(taken) != 28 {
			t.Errorf("ordinary calls get %d of 32 pairs of ports", len(taken))
		}
		ordinary, err := w.phones["dev-1"].Dial("0698765432")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "an ordinary call is refused", ordinary.End(), 5*time.Second)
		if ordinary.Code != 503 {
			t.Errorf("an ordinary call is refused with %d", ordinary.Code)
		}
		helped(t, w, "dev-1", 20*time.Second)
		helped(t, w, "dev-3", 20*time.Second)
		for _, s := range taken {
			s.Close()
		}
	})
}

// Over a trunk the provider's side has one, too.
func TestEmergencyCallHasAPortTowardsTheProvider(t *testing.T) {
	inWorldOf(t, func(*world) worldOptions { return worldOptions{ports: 32} }, func(w *world) {
		w.setDoc(func(d *office.Document) {
			d.Lines = append([]office.Line{{ID: "trunk-1", Kind: office.LineTrunk, Channels: 2, Emergency: true,
				Trunk: &office.Trunk{NumberFormat: "e164"}}}, d.Lines...)
			d.Outbound.Default = []office.ID{"trunk-1", "line-1"}
		})
		w.trunks = []pbx.Trunk{silentTrunk{}}
		taken := w.takePorts()
		heard := w.listen(netip.MustParseAddr("192.0.2.99"))
		if _, err := w.phones["dev-1"].Dial("112"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if what, _ := heard.heard(); len(what) == 0 || what[0] != "INVITE" {
			t.Errorf("the provider heard %v", what)
		}
		for _, s := range taken {
			s.Close()
		}
	})
}

func TestEmergencyCallWaitsForTheLineThatIsFreedForIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.setDoc(func(d *office.Document) {
			d.Lines = append([]office.Line(nil), d.Lines...)
			d.Lines[1].Emergency = false // free, but not meant for emergency calls
		})
		on := make(chan hal.LineID, 2)
		w.exchange.OnDial(func(id hal.LineID, _ string) sim.DialOutcome {
			on <- id
			return sim.DialOutcome{}
		})
		ordinary := w.talking("0698765432", "dev-1")[0]
		helped(t, w, "dev-3", 20*time.Second)
		within(t, "ordinary call ends", ordinary.End(), time.Second)
		if first, second := <-on, <-on; first != second {
			t.Errorf("the emergency call is on %s although %s was freed for it", second, first)
		}
	})
}
