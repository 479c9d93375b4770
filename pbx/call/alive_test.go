package call_test

import (
	"slices"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/pbx/call"

	"pgregory.net/rapid"
)

// duties are what the world around a call owes it: what is played comes to its end,
// phones that nobody answers stop ringing, the ACD answers and gives back who waits.
// Nobody hangs up.
type duties struct {
	*disorder
	playing map[journal.LegID]int // id of what a leg hears, and how it ends
	up      map[journal.LegID]bool
	asked   bool // the answer to Decide or DoFeature is due
	decide  bool
	refers  bool // … to DecideTransfer
	joins   bool // … to AskJoin
}

func (w *duties) noted(acts []call.Action) {
	for _, a := range acts {
		switch a := a.(type) {
		case call.Play:
			w.playing[a.Leg] = a.ID
		case call.PlayLoop:
			delete(w.playing, a.Leg)
		case call.StopPlay:
			delete(w.playing, a.Leg)
		case call.Echo:
			delete(w.playing, a.Leg)
		case call.Connect:
			delete(w.playing, a.A)
			delete(w.playing, a.B)
		case call.DoFeature:
			w.asked = true
		case call.Decide:
			w.decide = true
		case call.DecideTransfer:
			w.refers = true
		case call.AskJoin:
			w.joins = true
		}
	}
}

// pay does everything that is due now.
func (w *duties) pay() {
	for n := 1; n <= w.attempts; n++ {
		w.feed(call.AttemptStarted{Attempt: n, Legs: 1})
	}
	if w.decide {
		w.decide = false
		w.feed(call.Decided{Action: w.anyAction()})
	}
	if w.refers {
		w.refers = false
		w.feed(call.TransferDecided{Action: w.anyAction()})
	}
	if w.joins {
		w.joins = false
		w.feed(call.JoinRefused{})
	}
	if w.asked {
		w.asked = false
		w.feed(call.FeatureDone{Prompt: "login-ok"})
	}
	w.promise()
	for o := journal.OfferID(1); o <= w.offers; o++ {
		if w.answered[o] == 1 {
			w.grantOffer(o)
		}
	}
	for _, leg := range w.sorted() {
		switch l := w.legs[leg]; {
		case l.over:
		case l.dropped, !w.up[leg]: // hung up, or rang for long enough
			w.feed(call.LegEnded{Leg: leg, Cause: call.CauseNoAnswer})
		case w.playing[leg] != 0:
			id := w.playing[leg]
			delete(w.playing, leg)
			w.feed(call.Played{ID: id})
		}
	}
	for o := journal.OfferID(1); o <= w.offers; o++ {
		if w.answered[o] == 0 && w.failed[o] == 0 {
			w.feed(call.OfferStopped{Offer: o})
		}
	}
	if w.waits && !w.talks {
		w.feed(call.QueueLeft{Reason: "maxWait"})
	}
}

func (w *duties) sorted() []journal.LegID {
	ids := make([]journal.LegID, 0, len(w.legs))
	for id := range w.legs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// TestNothingWaitsForever: whatever has happened before, a call in which nobody hangs
// up comes to a conversation or to its end.
func TestNothingWaitsForever(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &duties{disorder: newDisorder(t), playing: map[journal.LegID]int{}, up: map[journal.LegID]bool{}}
		w.see = w.noted
		w.hear = func(ev call.Event) {
			if e, ok := ev.(call.LegAnswered); ok && w.legs[e.Leg] != nil {
				w.up[e.Leg] = true
			}
		}
		w.start()
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			w.step()
		}
		for range 200 {
			if w.finished || w.st.Phase() == call.Talking {
				return
			}
			w.pay()
			w.now = w.now.Add(2 * time.Minute)
			if at, ok := w.st.Deadline(); ok && !w.now.Before(at) {
				w.feed(call.Tick{})
			}
		}
		w.fail("nothing happens any more in %s", w.st.Phase())
	})
}
