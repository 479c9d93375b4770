package outcome_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/office"
)

func TestAnOutcomeIsSetAndCorrected(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		s := r.gate.Number(mario)
		id := r.save(outcome.Customer{Name: "Mario"}, mario)
		for name, bad := range map[string]outcome.Result{
			"of no call":           {Agent: "p-anna", Outcome: "outcome-fixed"},
			"of nobody":            {Call: "c-1", Outcome: "outcome-fixed"},
			"unknown":              {Call: "c-1", Agent: "p-anna", Outcome: "outcome-x"},
			"of another queue":     {Call: "c-1", Agent: "p-anna", Queue: "group-1", Outcome: "outcome-big"},
			"called back too late": {Call: "c-1", Agent: "p-anna", Outcome: "outcome-later", CallBack: time.Now().AddDate(3, 0, 0)},
			"called back before":   {Call: "c-1", Agent: "p-anna", Outcome: "outcome-later", CallBack: time.Now().Add(-2 * time.Hour)},
		} {
			if _, err := r.Set(ctx, bad); err == nil {
				t.Errorf("an outcome %s was kept", name)
			}
		}
		got, err := r.Set(ctx, outcome.Result{Call: "c-1", Subject: s, Agent: "p-anna", Queue: "group-1", Outcome: "outcome-later", Script: "script-1", Answers: map[string]string{"x": "y"}, Note: " call me "})
		if err != nil {
			t.Fatal(err)
		}
		if got.Customer != id || got.Version != 7 || !got.CallBack.Equal(got.Time.AddDate(0, 0, 1).Truncate(time.Minute)) {
			t.Errorf("kept %+v", got)
		}
		if due := r.due(time.Now().AddDate(0, 0, 2)); len(due) != 1 || due[0].Note != "call me" || due[0].Answers["x"] != "y" {
			t.Errorf("due: %+v", due)
		}
		if due := r.due(time.Now()); len(due) != 0 {
			t.Errorf("due already: %+v", due)
		}
		r.later(time.Second)
		if _, err := r.Set(ctx, outcome.Result{Call: "c-1", Subject: s, Agent: "p-anna", Queue: "group-1", Outcome: "outcome-fixed", CallBack: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		now, ok, err := r.Of(ctx, "c-1")
		if err != nil || !ok || now.Outcome != "outcome-fixed" || now.Corrected != 1 || !now.CallBack.IsZero() {
			t.Errorf("corrected: %+v %v %v", now, ok, err)
		}
		if d := cmp.Diff([]string{"created by p-anna", "outcome outcome-later of c-1 call back", "outcome outcome-fixed of c-1 again"}, r.said()); d != "" {
			t.Error(d)
		}
		if len(r.told) != 2 || r.told[1].Outcome != "outcome-fixed" {
			t.Errorf("told %+v", r.told)
		}
	})
}

// TestWhatIsToBeDone stays open with its date and its owner until somebody has done it,
// whatever is said in later conversations.
func TestWhatIsToBeDone(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		s := r.gate.Number(mario)
		set := func(x outcome.Result) {
			t.Helper()
			x.Subject, x.Agent = s, "p-anna"
			if _, err := r.Set(ctx, x); err != nil {
				t.Fatal(err)
			}
			r.later(time.Second)
		}
		open := func() string {
			t.Helper()
			list, _, err := r.Open(ctx, outcome.Whose{All: true})
			if err != nil {
				t.Fatal(err)
			}
			out := ""
			for _, x := range list {
				out += string(x.Call)
				if x.Task {
					out += " task of " + string(x.Owner)
				}
				if at := x.When(); !at.IsZero() {
					out += fmt.Sprint(" in ", time.Until(at).Round(time.Hour))
				}
				out += "; "
			}
			return out
		}
		set(outcome.Result{Call: "c-1", Queue: "group-9", Outcome: "outcome-big"})
		set(outcome.Result{Call: "c-2", Queue: "group-9", Owner: "p-anna", Outcome: "outcome-big", CallBack: time.Now().Add(48 * time.Hour)})
		set(outcome.Result{Call: "c-3", Outcome: "outcome-big", CallBack: time.Now().Add(3 * time.Hour)})
		want := "c-3 task of p-anna in 3h0m0s; c-2 task of p-anna in 48h0m0s; c-1 task of ; "
		if got := open(); got != want {
			t.Errorf("open: %s, want %s", got, want)
		}
		if due := r.due(time.Now().AddDate(1, 0, 0)); len(due) != 0 {
			t.Errorf("a task is a call-back: %+v", due)
		}
		set(outcome.Result{Call: "c-4", Outcome: "outcome-later"})
		if err := r.Kept(ctx, "p-anna", s); err != nil || !strings.Contains(open(), "c-4 in 24h") {
			t.Errorf("a call of today keeps what is due tomorrow: %s %v", open(), err)
		}
		r.later(23*time.Hour + 30*time.Minute)
		if err := r.Kept(ctx, "p-anna", s); err != nil || strings.Contains(open(), "c-4") || !strings.Contains(open(), "c-1 ") {
			t.Errorf("the call that was due is not kept, or more than that: %s %v", open(), err)
		}
		set(outcome.Result{Call: "c-5", Outcome: "outcome-fixed"})
		if ok, err := r.Settle(ctx, "p-bruno", "c-2"); !ok || err != nil {
			t.Error(ok, err)
		}
		if ok, _ := r.Settle(ctx, "p-bruno", "c-2"); ok || !strings.HasSuffix(open(), "c-1 task of ; ") || strings.Contains(open(), "c-2") {
			t.Errorf("done twice, or open: %s", open())
		}
		if _, err := r.Set(ctx, outcome.Result{Call: "c-6", Agent: "p-anna", Outcome: "outcome-big", CallBack: time.Now().AddDate(-1, 0, 0)}); !errors.Is(err, outcome.ErrCallBack) {
			t.Errorf("something is to be done last year: %v", err)
		}
		if _, err := r.Set(ctx, outcome.Result{Call: "c-1", Subject: s, Agent: "p-anna", Queue: "group-9", Outcome: "outcome-fixed"}); err != nil || strings.Contains(open(), "c-1") {
			t.Errorf("corrected and open: %s %v", open(), err)
		}
	})
}

// TestACorrectionLeavesWhatFollows: somebody mends the note of a colleague's call.
func TestACorrectionLeavesWhatFollows(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name          string
		first, second outcome.Result
		date          time.Duration // of the second, from the first's date; 0: none given
		after         time.Duration
		done          bool
		want          string
	}{
		{"a task that is done stays done", outcome.Result{Outcome: "outcome-big"}, outcome.Result{Outcome: "outcome-big"}, 0, day, true, "done, owner p-anna"},
		{"a task with a date that is done stays done", outcome.Result{Outcome: "outcome-big", CallBack: time.Now()}, outcome.Result{Outcome: "outcome-big"}, 0, 3 * day, true, "done, owner p-anna"},
		{"a call-back that was made stays made", outcome.Result{Outcome: "outcome-later"}, outcome.Result{Outcome: "outcome-later"}, 0, 3 * day, true, "done, owner "},
		{"a new date opens it again", outcome.Result{Outcome: "outcome-later"}, outcome.Result{Outcome: "outcome-later"}, 5 * day, 3 * day, true, "open, owner "},
		{"another outcome opens it again", outcome.Result{Outcome: "outcome-later"}, outcome.Result{Outcome: "outcome-big"}, 0, day, true, "open, owner p-boss"},
		{"an open task stays its owner's", outcome.Result{Outcome: "outcome-big"}, outcome.Result{Outcome: "outcome-big"}, 0, day, false, "open, owner p-anna"},
		{"an open task is given to the queue", outcome.Result{Queue: "group-2", Outcome: "outcome-big", Owner: "p-anna"}, outcome.Result{Queue: "group-2", Outcome: "outcome-big"}, 0, day, false, "open, owner "},
		{"a task of the queue is taken", outcome.Result{Queue: "group-2", Outcome: "outcome-big"}, outcome.Result{Queue: "group-2", Outcome: "outcome-big", Owner: "p-boss"}, 0, day, false, "open, owner p-boss"},
		{"an overdue task is corrected with its date", outcome.Result{Outcome: "outcome-big", CallBack: time.Now()}, outcome.Result{Outcome: "outcome-big"}, time.Nanosecond, 5 * day, false, "open, owner p-anna"},
		{"an overdue call-back gets another date that is past", outcome.Result{Outcome: "outcome-later"}, outcome.Result{Outcome: "outcome-later"}, time.Hour, 5 * day, false, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *room) {
				c.first.Call, c.first.Agent = "c-1", "p-anna"
				if !c.first.CallBack.IsZero() {
					c.first.CallBack = time.Now().Add(day + 30*time.Second)
				}
				first, err := r.Set(ctx, c.first)
				if err != nil {
					t.Fatal(err)
				}
				r.later(c.after)
				if c.done {
					if ok, err := r.Settle(ctx, "p-anna", "c-1"); !ok || err != nil {
						t.Fatal(ok, err)
					}
				}
				r.later(time.Minute)
				c.second.Call, c.second.Agent, c.second.Note = "c-1", "p-boss", "better said"
				if c.date != 0 {
					c.second.CallBack = first.When().Add(c.date).Truncate(time.Minute)
				}
				if _, err := r.Set(ctx, c.second); err != nil {
					if c.want != "refused" || !errors.Is(err, outcome.ErrCallBack) {
						t.Fatal(err)
					}
					return
				}
				now, _, err := r.Of(ctx, "c-1")
				if err != nil {
					t.Fatal(err)
				}
				got := "done"
				if now.Open() {
					got = "open"
				}
				if got += ", owner " + string(now.Owner); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				if now.Agent != "p-anna" || now.Note != "better said" || r.told[len(r.told)-1].Agent != "p-boss" {
					t.Errorf("outcome of %s, corrected by %s: %q", now.Agent, r.told[len(r.told)-1].Agent, now.Note)
				}
				if list, _, _ := r.Open(ctx, outcome.Whose{All: true}); len(list) == 1 != now.Open() {
					t.Errorf("to be done: %+v", list)
				}
			})
		})
	}
}

func TestAPromiseIsKeptOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		s := r.gate.Number(mario)
		set := func(call journal.CallID, what string) {
			t.Helper()
			if _, err := r.Set(ctx, outcome.Result{Call: call, Subject: s, Agent: "p-anna", Outcome: what}); err != nil {
				t.Fatal(err)
			}
			r.later(time.Second)
		}
		open := func() string {
			t.Helper()
			out := ""
			for _, x := range r.due(time.Now().AddDate(1, 0, 0)) {
				out += string(x.Call) + " "
			}
			return out
		}
		set("c-1", "outcome-later")
		set("c-2", "outcome-later") // not reached: later again
		if open() != "c-2 " {
			t.Errorf("open: %q", open())
		}
		set("c-3", "outcome-fixed")
		if open() != "" {
			t.Errorf("open after the conversation: %q", open())
		}
		set("c-4", "outcome-later")
		if ok, err := r.Settle(ctx, "p-anna", "c-4"); !ok || err != nil {
			t.Error(ok, err)
		}
		if ok, _ := r.Settle(ctx, "p-anna", "c-4"); ok || open() != "" {
			t.Error("settled twice, or still open")
		}
		if said := r.said(); said[len(said)-1] != "outcome outcome-later of c-4 again" {
			t.Errorf("said %v", said)
		}
	})
}

// TestOnlyALaterConversationSettlesAPromise: neither the correction of an earlier call, nor
// an earlier call whose outcome is told late, takes a later promise off the list.
func TestOnlyALaterConversationSettlesAPromise(t *testing.T) {
	for _, c := range []struct {
		name string
		sets string // call and outcome, in the order in which they are told
		want string
		came string // calls in the order in which they came
	}{
		{"the next call settles it", "1 later, 2 fixed", "", "1 2 3"},
		{"the next call promises anew", "1 later, 2 later", "c-2 ", "1 2 3"},
		{"an earlier call is corrected", "1 fixed, 2 later, 1 fixed", "c-2 ", "1 2 3"},
		{"an earlier call is corrected twice", "1 fixed, 2 later, 1 fixed, 1 fixed", "c-2 ", "1 2 3"},
		{"an earlier call gets a promise by its correction", "1 fixed, 2 later, 1 later", "c-1 c-2 ", "1 2 3"},
		{"an earlier call's outcome is told late", "2 later, 1 fixed", "c-2 ", "1 2 3"},
		{"what a correction promised stands though the next call is corrected", "1 later, 2 fixed, 1 fixed, 1 later, 2 fixed", "c-1 ", "1 2 3"},
		{"a third call settles both", "1 fixed, 2 later, 1 later, 3 fixed", "", "1 2 3"},
		{"a task is nothing that a conversation settles", "1 big, 2 fixed", "c-1 ", "1 2 3"},
		{"the wall clock was set back before the next call", "2 later, 1 fixed", "", "2 1"},
		{"the wall clock was set back, and the earlier call's outcome is told late", "1 later, 2 fixed", "c-1 ", "2 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *room) {
				s := r.gate.Number(mario)
				for call := range strings.FieldsSeq(c.came) {
					r.log.Append(journal.CallID("c-"+call), journal.CallStarted{Direction: journal.Inbound, From: s})
				}
				for step := range strings.SplitSeq(c.sets, ", ") {
					call, what, _ := strings.Cut(step, " ")
					if _, err := r.Set(ctx, outcome.Result{Call: journal.CallID("c-" + call), Subject: s, Agent: "p-anna", Outcome: "outcome-" + what}); err != nil {
						t.Fatal(err)
					}
					r.later(time.Minute)
				}
				list, _, err := r.Open(ctx, outcome.Whose{All: true})
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				for _, x := range list {
					got += string(x.Call) + " "
				}
				if len(list) == 2 && list[0].Call > list[1].Call {
					got = string(list[1].Call) + " " + string(list[0].Call) + " "
				}
				if got != c.want {
					t.Errorf("open: %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestOutcomesByKeysOfTheTelephone(t *testing.T) {
	d := doc()
	d.Outcomes[0].Digit, d.Outcomes[1].Digit = "1", "2"
	d.Groups = []office.Group{{ID: "group-1", Mode: office.GroupQueue, Queue: &office.QueueRules{Outcomes: []office.ID{"outcome-big", "outcome-gone"}}}}
	for _, c := range []struct {
		queue, digit, want string
	}{{"group-1", "2", "outcome-big"}, {"group-1", "1", ""}, {"", "1", "outcome-fixed"}, {"", "", ""}, {"group-none", "2", "outcome-big"}} {
		if o, ok := outcome.ByDigit(d, c.queue, c.digit); string(o.ID) != c.want || ok != (c.want != "") {
			t.Errorf("queue %q, key %q: %q", c.queue, c.digit, o.ID)
		}
	}
}

// TestTheListOfWhatIsOpenGoesOn: it comes in parts of a thousand, in order, each once, and
// goes on at the same place though the last one of a part is done meanwhile.
func TestTheListOfWhatIsOpenGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		const all = 2300
		var wg sync.WaitGroup
		for n := range 50 {
			wg.Go(func() {
				for i := n; i < all; i += 50 {
					what := "outcome-later"
					if i%3 == 0 {
						what = "outcome-big" // without a date
					}
					x := outcome.Result{Call: journal.CallID(fmt.Sprintf("c-%04d", i)), Queue: "group-2", Agent: "p-anna", Outcome: what}
					if i%3 == 1 {
						x.CallBack = time.Now().Add(time.Duration(1+i%7) * time.Hour)
					}
					if _, err := r.Set(ctx, x); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		w := outcome.Whose{Person: "p-bruno", Queues: []string{"group-2"}}
		list, total, err := r.Open(ctx, w)
		if err != nil || total != all || len(list) != 1000 {
			t.Fatalf("%d of %d, %v", len(list), total, err)
		}
		got := slices.Clone(list)
		if _, err := r.Settle(ctx, "p-anna", list[999].Call); err != nil {
			t.Fatal(err)
		}
		for more, parts := true, 1; more; parts++ {
			if list, more, err = r.OpenAfter(ctx, w, got[len(got)-1]); err != nil || parts > 2 || more != (parts == 1) {
				t.Fatalf("part %d: %d, more %v, %v", parts, len(list), more, err)
			}
			got = append(got, list...)
		}
		seen := map[journal.CallID]bool{}
		for i := range got {
			seen[got[i].Call] = true
			if i == 0 {
				continue
			}
			a, b := got[i-1].When(), got[i].When()
			if a.IsZero() && !b.IsZero() || !b.IsZero() && b.Before(a) {
				t.Fatalf("%d: %v stands before %v", i, a, b)
			}
		}
		if len(got) != all || len(seen) != all {
			t.Errorf("%d, %d different ones, want %d", len(got), len(seen), all)
		}
		if list, more, err := r.OpenAfter(ctx, outcome.Whose{Person: "p-carla"}, got[0]); len(list) != 0 || more || err != nil {
			t.Errorf("of somebody else: %d, %v", len(list), err)
		}
	})
}
