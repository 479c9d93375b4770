package pbx_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/dialog"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sip"
)

func TestEchoCodeLetsThePhoneHearItself(t *testing.T) {
	inWorld(t, func(w *world) {
		w.feature = func(office.Feature, journal.SubjectID, string) string { return "" }
		c, err := w.phones["dev-1"].Dial(w.doc.Code(office.FeatureEcho))
		if err != nil {
			t.Fatal(err)
		}
		within(t, "answer", c.Up(), 5*time.Second)
		pass(10 * time.Second)
		if st := c.Stats(); st.Received < 450 {
			t.Errorf("%d packets came back in 10 s", st.Received)
		}
		c.HangUp()
		within(t, "end", c.End(), 5*time.Second)
	})
}

func TestAFaultInACallIsItsEndAndStandsInTheJournal(t *testing.T) {
	inWorld(t, func(w *world) {
		w.feature = func(office.Feature, journal.SubjectID, string) string { panic("fault") }
		c, err := w.phones["dev-1"].Dial(w.doc.Code(office.FeatureEcho))
		if err != nil {
			t.Fatal(err)
		}
		within(t, "end", c.End(), 5*time.Second)
		pass(time.Second)
		if e := w.ended(); len(e) != 1 || e[0].Cause != "failed" || e[0].By != "box" {
			t.Errorf("ended: %+v", e)
		}
	})
}

// A feature that waits for a disk that hangs does not keep its call from ending, by its
// limit or because the phone hangs up.
func TestAFeatureThatHangsDoesNotHoldItsCall(t *testing.T) {
	inWorld(t, func(w *world) {
		hangs := make(chan struct{})
		w.feature = func(office.Feature, journal.SubjectID, string) string {
			<-hangs
			return ""
		}
		for _, patient := range []bool{true, false} {
			c, err := w.phones["dev-1"].Dial(w.doc.Code(office.FeatureEcho))
			if err != nil {
				t.Fatal(err)
			}
			within(t, "answer", c.Up(), 5*time.Second)
			pass(time.Second)
			if !patient {
				c.HangUp()
			}
			within(t, "end", c.End(), 20*time.Second)
			pass(time.Second)
			if n := w.pbx.Calls(); n != 0 {
				t.Errorf("%d calls wait for the feature", n)
			}
		}
		close(hangs)
	})
}

// Who dials a code while as many as may be are under way hears at once that it was not
// performed, and the next one after them works again.
func TestOneFeatureTooManyIsRefusedInWords(t *testing.T) {
	inWorld(t, func(w *world) {
		hangs := make(chan struct{})
		w.feature = func(office.Feature, journal.SubjectID, string) string {
			<-hangs
			return "login-ok"
		}
		dial := func(patience time.Duration) *pbxtest.Call {
			c, err := w.phones["dev-1"].Dial(w.doc.Code(office.FeatureLogin))
			if err != nil {
				t.Fatal(err)
			}
			within(t, "answer", c.Up(), 5*time.Second)
			if patience == 0 {
				c.HangUp()
			}
			within(t, "end", c.End(), 5*time.Second+patience)
			return c
		}
		for range pbx.MaxFeatures {
			dial(0)
		}
		if heard := dial(5 * time.Second).Stats().Received; heard < 50 {
			t.Errorf("%d packets of a sentence were heard", heard)
		}
		close(hangs)
		pass(time.Second)
		dial(5 * time.Second)
	})
}

func TestEscapesAndParametersOfADialledNumberMeanNothing(t *testing.T) {
	for _, dialled := range []string{"11%32", "112;phone-context=+39"} {
		t.Run(dialled, func(t *testing.T) {
			inWorld(t, func(w *world) {
				number := w.dials()
				c, err := w.phones["dev-1"].Dial(dialled)
				if err != nil {
					t.Fatal(err)
				}
				within(t, "answer", c.Up(), 20*time.Second)
				if n := <-number; n != "112" {
					t.Errorf("dialled %q", n)
				}
			})
		})
	}
}

func TestAPhoneThatIsNewInTheOfficeRingsForACallThatWaits(t *testing.T) {
	inWorld(t, func(w *world) {
		full := w.doc
		w.setDoc(func(d *office.Document) { d.Devices = d.Devices[:1] })
		p, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		within(t, "box answers", p.Answered(), 12*time.Second)
		w.setDoc(func(d *office.Document) { *d = *full })
		pass(4 * time.Second)
		p.Key("1")
		pass(8 * time.Second)
		if w.phones["dev-2"].Current() == nil {
			t.Errorf("the agent's phone does not ring; queue did %v", w.queue.log)
		}
		p.HangUp()
		pass(8 * time.Second)
	})
}

// callers are those who became known by their numbers, so far.
func (w *world) callers() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.events {
		switch e := p.(type) {
		case journal.CallCaller:
			n++
		case journal.CallStarted:
			if e.From != "" {
				n++
			}
		}
	}
	return n
}

// An exchange rings the next caller the moment a line is free, while the box still lets
// it rest: that is a ringing of its own, with its own number.
func TestWhoRingsAsSoonAsTheLineIsFreeIsAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		first, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		within(t, "box answers the first", first.Answered(), 12*time.Second)
		first.HangUp()
		next := sim.CallerSpec{Number: "0687654321", NoCLIP: true}
		second, err := w.exchange.Ring("line-1", next)
		for range 200 {
			if err == nil {
				break
			}
			pass(50 * time.Millisecond)
			second, err = w.exchange.Ring("line-1", next)
		}
		if err != nil {
			t.Fatal(err)
		}
		within(t, "box answers the second", second.Answered(), 12*time.Second)
		pass(3 * time.Second)
		if n := w.callers(); n != 1 {
			t.Errorf("%d callers have numbers, only the first sent his", n)
		}
		second.HangUp()
		pass(8 * time.Second)
	})
}

func TestAnOfferThatIsNeverAnsweredEndsTheCall(t *testing.T) {
	inWorld(t, func(w *world) {
		addr := netip.MustParseAddrPort("192.0.2.40:5060")
		w.strangers = map[netip.AddrPort]office.ID{addr: "dev-3"}
		stack, err := sip.New(sip.Options{Net: w.sipNet.Host(addr.Addr()), UDP: []netip.AddrPort{addr}})
		if err != nil {
			t.Fatal(err)
		}
		agent := dialog.New(stack, dialog.Options{Incoming: func(*dialog.Leg) {}})
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { stack.Run(ctx) })
		defer wg.Wait()
		defer cancel()
		ended, ready := make(chan struct{}), make(chan struct{})
		var leg *dialog.Leg
		leg = agent.Invite(dialog.InviteOptions{
			URI: sip.NewURI("201", boxAddr.Addr().String(), boxAddr.Port()), Dest: sip.NewFlow(sip.UDP, addr, boxAddr),
			From: sip.Address{URI: sip.NewURI("u3", "192.0.2.40", 0)}, ContactUser: "u3",
			On: func(ev dialog.Event) {
				<-ready
				switch ev.(type) {
				case dialog.Accepted:
					leg.AnswerOffer(nil)
				case dialog.Ended, dialog.Failed, dialog.Lost:
					close(ended)
				}
			}})
		close(ready)
		within(t, "end", ended, time.Minute)
	})
}

// silentTrunk is in service, and nobody answers there.
type silentTrunk struct{ pbx.Trunk }

func (silentTrunk) Line() office.ID           { return "trunk-1" }
func (silentTrunk) Ready() bool               { return true }
func (silentTrunk) Matches(*sip.Request) bool { return false }
func (silentTrunk) Invite(dial string, _ numbering.E164) dialog.InviteOptions {
	nobody := netip.MustParseAddrPort("192.0.2.99:5060")
	u := sip.NewURI(dial, "192.0.2.99", 5060)
	return dialog.InviteOptions{URI: u, From: sip.Address{URI: u}, Dest: sip.NewFlow(sip.UDP, boxAddr, nobody)}
}

func TestSilentTrunkPassesTheCallToTheNextLine(t *testing.T) {
	for _, number := range []string{"0698765432", "112"} {
		t.Run(number, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.setDoc(func(d *office.Document) {
					d.Lines = append([]office.Line{{ID: "trunk-1", Kind: office.LineTrunk, Channels: 2, Emergency: true,
						Trunk: &office.Trunk{NumberFormat: "e164"}}}, d.Lines...)
					d.Outbound.Default = []office.ID{"trunk-1", "line-1"}
				})
				w.trunks = []pbx.Trunk{silentTrunk{}}
				c, err := w.phones["dev-1"].Dial(number)
				if err != nil {
					t.Fatal(err)
				}
				within(t, "answer over a telephone line", c.Up(), 12*time.Second)
			})
		})
	}
}

// Who dials on a line in the moment in which a caller takes it hears no dial tone.
func TestALineThatRingsIsNotWithoutDialTone(t *testing.T) {
	inWorld(t, func(w *world) {
		mute := func() bool { return w.pbx.Lines().Lines["line-1"].NoDialTone }
		w.exchange.Line("line-1").Cut(true)
		w.talking("0698765432", "dev-1")[0].HangUp() // over the other line
		if !mute() {
			t.Fatal("nobody has noticed that there is no dial tone")
		}
		w.exchange.Line("line-1").Cut(false)
		pass(5 * time.Second)
		p, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if mute() {
			t.Error("the line rings, and comes after the others all the same")
		}
		p.HangUp()
		pass(5 * time.Second)
	})
}

// A line tells nothing of a caller who gives up between two rings: whoever picks up in
// that moment hears dial tone, and the call ends by itself.
func TestACallerWhoIsGoneWhenAPhonePicksUpLeavesNoCall(t *testing.T) {
	inWorld(t, func(w *world) {
		w.setDoc(func(d *office.Document) {
			d.Paths = append([]office.Path{{ID: "path-1", Steps: []office.Step{{Kind: office.StepPerson, Person: "p-2"}}}}, d.Paths[1:]...)
		})
		p, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		pass(6 * time.Second) // the box rings the phone at the second ring, after five
		p.HangUp()
		c := w.picksUp("dev-2")
		within(t, "end at the phone", c.End(), 10*time.Second)
		pass(2 * time.Second)
		if n := w.pbx.Calls(); n != 0 {
			t.Errorf("%d calls are left", n)
		}
		if w.exchange.Line("line-1").OffHook() {
			t.Error("the line is off hook")
		}
	})
}
