package pbx_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/call"
	"centralino/pbx/pbxtest"
)

func (q *oneAgent) did(what string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, l := range q.log {
		if strings.HasPrefix(l, what) {
			n++
		}
	}
	return n
}

// started are the calls that the journal knows of.
func (w *world) started() []journal.CallStarted {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []journal.CallStarted
	for _, p := range w.events {
		if e, ok := p.(journal.CallStarted); ok {
			out = append(out, e)
		}
	}
	return out
}

func TestClickToDialRingsThePersonFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		dialled := w.dials()
		id, err := w.pbx.Originate("p-1", pbx.Called{Subject: "n-+390698765432"})
		if err != nil || id == "" {
			t.Fatal(id, err)
		}
		pass(3 * time.Second)
		c := w.picksUp("dev-1")
		pass(40 * time.Second)
		if n := <-dialled; n != "0698765432" {
			t.Errorf("dialled %q", n)
		}
		if c.Stats().Received < 500 {
			t.Errorf("the person received %d packets", c.Stats().Received)
		}
		c.HangUp()
		pass(5 * time.Second)
		if e := w.ended(); len(e) != 1 || e[0].Cause != "normal" || e[0].Talk < 5*time.Second {
			t.Errorf("ended: %+v", e)
		}
		if s := w.started(); len(s) != 1 || s[0].Direction != journal.Outbound || s[0].From != "p-1" || s[0].To != "n-+390698765432" {
			t.Errorf("started: %+v", s)
		}
		if w.queue.did("busy p-1") != 1 || w.queue.did("free p-1") != 1 {
			t.Errorf("the ACD heard %v", w.queue.log)
		}
		if got := w.queue.hasReached(); len(got) != 1 || got[0] != "p-1 n-+390698765432" {
			t.Errorf("reached by hand: %q", got)
		}
	})
}

func TestOriginateRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, tt := range []struct {
			name   string
			person journal.SubjectID
			to     pbx.Called
			want   error
		}{
			{"a number that was erased", "p-1", pbx.Called{Subject: "n-"}, pbx.ErrNoNumber},
			{"nobody", "p-1", pbx.Called{}, pbx.ErrNoNumber},
			{"somebody without a phone", "p-none", pbx.Called{Number: "+390698765432"}, pbx.ErrNoPhone},
			{"a number that his profile does not allow", "p-1", pbx.Called{Number: "+442079460000"}, pbx.ErrNotAllowed},
			{"no number of the plan", "p-1", pbx.Called{Number: "+3911"}, pbx.ErrNotAllowed},
			{"an emergency number", "p-1", pbx.Called{Number: "112"}, pbx.ErrNotAllowed},
		} {
			if _, err := w.pbx.Originate(tt.person, tt.to); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			}
		}
		pass(3 * time.Second)
		if len(w.started()) != 0 || w.phones["dev-1"].Rings() != 0 {
			t.Error("something rang nevertheless")
		}
	})
}

// A caller gives up his place on the line for a promise, by keys; the call back
// rings the agent, then him.
func TestCallBackByKey(t *testing.T) {
	inWorld(t, func(w *world) {
		w.setDoc(func(d *office.Document) {
			d.Site.ACDNotice = true
			d.Groups = slices.Clone(d.Groups)
			d.Groups[0].Queue = &office.QueueRules{CallbackKey: "5", Announce: time.Minute}
		})
		w.queue.calls = true // everybody is busy
		p, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		within(t, "box answers", p.Answered(), 12*time.Second)
		pass(4 * time.Second)
		p.Key("1")
		pass(3 * time.Second)
		p.Key("5")
		pass(12 * time.Second) // the number is read aloud
		p.Key("1")
		pass(20 * time.Second)
		if e := w.ended(); len(e) != 1 || e[0].Cause != string(call.CauseCallback) {
			t.Fatalf("ended %+v; the ACD heard %v", e, w.queue.log)
		}
		if w.queue.did("ask callback n-+390612345678") != 1 || w.queue.did("abandon") != 0 {
			t.Errorf("the ACD heard %v", w.queue.log)
		}
		dialled := w.dials()
		w.pbx.CallBack(pbx.CallbackOffer{Offer: 9, Call: "call-1", Queue: "queue-1", Agent: "p-2", Caller: "n-+390612345678"})
		pass(5 * time.Second)
		c := w.picksUp("dev-2")
		pass(25 * time.Second)
		if n := <-dialled; n != "0612345678" {
			t.Errorf("dialled %q", n)
		}
		if w.queue.did("called back call-1 answered") != 1 || w.queue.did("busy p-2") != 0 || w.queue.attempt != w.latest() {
			t.Errorf("the ACD heard %v", w.queue.log)
		}
		c.HangUp()
		pass(5 * time.Second)
		if w.queue.did("talk ended") != 1 {
			t.Errorf("the ACD heard %v", w.queue.log)
		}
		var notices []journal.NoticeSaid
		w.mu.Lock()
		for _, e := range w.events {
			if n, ok := e.(journal.NoticeSaid); ok {
				notices = append(notices, n)
			}
		}
		w.mu.Unlock()
		if len(notices) != 1 || notices[0] != (journal.NoticeSaid{Contact: "call-1", Queue: "queue-1", Country: "IT"}) {
			t.Errorf("notices: %+v", notices)
		}
	})
}

// The ACD hears of an attempt even where the agent hangs up before its word reaches
// him.
func TestAgentOfACallBackHangsUpAtOnce(t *testing.T) {
	for name, end := range map[string]func(w *world, c *pbxtest.Call){
		"he hangs up":           func(_ *world, c *pbxtest.Call) { c.HangUp() },
		"the call is cut short": func(w *world, _ *pbxtest.Call) { w.pbx.EndCall(w.last) },
	} {
		t.Run(name, func(t *testing.T) { endsBeforeTheGrant(t, end) })
	}
}

func endsBeforeTheGrant(t *testing.T, end func(w *world, c *pbxtest.Call)) {
	inWorld(t, func(w *world) {
		w.queue.slow = 6 * time.Second
		w.pbx.CallBack(pbx.CallbackOffer{Offer: 9, Call: "call-1", Queue: "queue-1", Agent: "p-2", Caller: "n-+390612345678"})
		pass(3 * time.Second)
		c := w.picksUp("dev-2")
		end(w, c)
		pass(12 * time.Second)
		if w.queue.did("called back call-1 failed") != 1 || w.queue.did("failed") != 0 {
			t.Errorf("the ACD heard %v", w.queue.log)
		}
	})
}

// The same where the ACD's word waits for the promise that is still being spoken.
func TestCallBackThatIsCutShortWhileThePromiseIsSpoken(t *testing.T) {
	inWorld(t, func(w *world) {
		p, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		within(t, "box answers", p.Answered(), 12*time.Second)
		pass(time.Second)
		promised := w.latest() // what its caller hears does not matter
		w.pbx.CallBack(pbx.CallbackOffer{Offer: 9, Call: promised, Queue: "queue-1", Agent: "p-2", Caller: "n-+390612345678"})
		pass(time.Millisecond)
		back := w.latest()
		if promised == "" || back == "" || back == promised {
			t.Fatalf("calls %q and %q", promised, back)
		}
		pass(3 * time.Second)
		w.picksUp("dev-2")
		pass(time.Second)
		w.pbx.EndCall(back)
		pass(5 * time.Second)
		p.HangUp()
		pass(10 * time.Second)
		if w.queue.did("called back "+string(promised)+" failed") != 1 {
			t.Errorf("the ACD heard %v", w.queue.log)
		}
	})
}
