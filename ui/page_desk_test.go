package ui_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui"
	"centralino/ui/api"
)

func (b *fakeBox) PauseFor(a journal.SubjectID, reason string) error { return b.do("pause:"+reason, a) }
func (b *fakeBox) OtherWork(a journal.SubjectID, reason string) error {
	return b.do("other:"+reason, a)
}
func (b *fakeBox) MoreWrapUp(a journal.SubjectID) error { return b.do("more", a) }

// withDesk gives a rig all that the desk can use: figures come from the journal.
func withDesk(d *ui.Deps) {
	d.Desk = d.Agents.(ui.Desk)
	log, now := d.Journal, d.Now
	d.Facts = func(ctx context.Context, i kpi.Interval) (kpi.Facts, error) {
		f := kpi.NewFold(nil)
		err := log.Replay(ctx, 1, func(e journal.Event) error { f.Apply(e); return nil })
		facts, _ := f.Facts(i, now())
		return facts, err
	}
}

// deskRig is a rig with reasons for pauses and a queue with time after the call.
func deskRig(t *testing.T, change ...func(*ui.Deps)) *rig {
	t.Helper()
	r := newRig(t, true, append(change, withDesk)...)
	doc := r.office.Current().Doc.Clone()
	doc.Reasons = []office.PauseReason{{ID: "reason-1", Name: "Pranzo", Digit: "1", Break: true}, {ID: "reason-2", Name: "Pratiche", Digit: "2", Work: true}}
	doc.GroupByID("group-1").Queue.WrapUpMore = time.Minute
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: r.office.Current().Version, Doc: doc, Note: "edit", By: tech}); err != nil {
		t.Fatal(err)
	}
	return r
}

// settle waits until the pages have seen all of the journal.
func (r *rig) settle() {
	r.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	if err := r.log.Flush(ctx); err != nil {
		r.t.Fatal(err)
	}
	for want := r.log.Durable(); r.server.Live().Seq < want; {
		select {
		case <-ctx.Done():
			r.t.Fatal("the pages do not follow")
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (r *rig) agent(a journal.AgentChanged) {
	r.t.Helper()
	r.log.Append("", a)
	r.settle()
}

func (b *browser) desk(t *testing.T) api.Desk {
	t.Helper()
	var d api.Desk
	if err := json.Unmarshal([]byte(b.get("/api/v1/desk").is(t, http.StatusOK).body), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func actions(d api.Desk) []string {
	var out []string
	for _, a := range d.Do {
		out = append(out, strings.TrimSuffix(a.Do+":"+a.Reason, ":"))
	}
	return out
}

// TestDeskOffersWhatMayBeDone: in each state the buttons that make sense, and no others.
func TestDeskOffersWhatMayBeDone(t *testing.T) {
	r := deskRig(t)
	b := r.as(bruno)
	b.lang = "en"
	for _, tt := range []struct {
		name string
		now  journal.AgentChanged
		want string
	}{
		{"logged out", journal.AgentChanged{State: journal.AgentLoggedOut}, "login"},
		{"ready", journal.AgentChanged{State: journal.AgentReady}, "pause:break pause:reason-1 other:reason-2 logout"},
		{"talking", journal.AgentChanged{State: journal.AgentTalking}, "pause:break pause:reason-1 other:reason-2 logout"},
		{"talking, a break was asked", journal.AgentChanged{State: journal.AgentTalking, Asked: journal.AgentPaused}, "ready pause:break pause:reason-1 other:reason-2 logout"},
		{"wrap-up", journal.AgentChanged{State: journal.AgentWrapUp, Until: time.Now().Add(time.Minute)}, "ready more pause:break pause:reason-1 other:reason-2 logout"},
		{"wrap-up, lengthened", journal.AgentChanged{State: journal.AgentWrapUp, Extended: true}, "ready pause:break pause:reason-1 other:reason-2 logout"},
		{"on a break", journal.AgentChanged{State: journal.AgentPaused, Reason: "break"}, "ready pause:reason-1 other:reason-2 logout"},
		{"at lunch", journal.AgentChanged{State: journal.AgentPaused, Reason: "reason-1"}, "ready other:reason-2 logout"},
		{"other work", journal.AgentChanged{State: journal.AgentOtherWork, Reason: "reason-2"}, "ready pause:break pause:reason-1 logout"},
	} {
		tt.now.Agent = bruno
		r.log.Append("c-d", journal.ContactConnected{Contact: "c-d", Queue: "group-1", Agent: bruno})
		r.agent(tt.now)
		if got := strings.Join(actions(b.desk(t)), " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		p := b.get("/desk").is(t, http.StatusOK)
		for do := range strings.FieldsSeq(tt.want) {
			p.has(t, `name="do" value="`+do+`"`)
		}
		p.lacks(t, "[desk.", "[agent.")
	}
	b.get("/desk").has(t, "Pratiche", "other work")
}

// TestDeskDoes: each button of the page and each press of a program does one thing, and
// a refusal is said.
func TestDeskDoes(t *testing.T) {
	r := deskRig(t)
	b := r.as(bruno)
	b.lang = "en"
	for form, want := range map[string]string{
		"do=login": "login", "do=ready": "ready", "do=pause": "pause", "do=pause:break": "pause:break", "do=pause:reason-1": "pause:reason-1",
		"do=other:reason-2": "other:reason-2", "do=other": "other:", "do=more": "more", "do=logout": "logout", "do=pause&reason=reason-1": "pause:reason-1",
	} {
		for _, path := range []string{"/desk/state", "/api/v1/desk/state"} {
			r.box.set(func(b *fakeBox) { b.did = nil })
			v, err := url.ParseQuery(form)
			if err != nil {
				t.Fatal(err)
			}
			b.post(path, v).is(t, http.StatusOK)
			r.box.set(func(box *fakeBox) {
				if want := want + " " + string(bruno); !slices.Equal(box.did, []string{want}) {
					t.Errorf("%s on %s did %q, want %q", form, path, box.did, want)
				}
			})
		}
	}
	for _, bad := range []string{"", "do=dance", "do=pause:reason-9", "do=pause&reason=p-sample-anna"} {
		v, _ := url.ParseQuery(bad)
		b.post("/desk/state", v).is(t, http.StatusBadRequest)
	}
	r.box.set(func(b *fakeBox) { b.refuse = engine.ErrLoggedOut })
	b.post("/desk/state", url.Values{"do": {"ready"}}).is(t, http.StatusOK).has(t, "First say that you are here")
	b.post("/api/v1/desk/state", url.Values{"do": {"ready"}}).is(t, http.StatusConflict).has(t, "First say that you are here")
}

// TestDeskThroughACall walks one call: it rings, is talked with, is finished.
func TestDeskThroughACall(t *testing.T) {
	r := deskRig(t)
	b := r.as(bruno)
	b.lang = "en"
	now := time.Now()
	r.log.Append("c-d", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390298765432")})
	r.log.Append("c-d", journal.ContactQueued{Contact: "c-d", Queue: "group-1", Arrival: now, Caller: r.people.Number("+390298765432")})
	r.settle()
	if d := b.desk(t); d.Call != nil || len(d.Queues) != 1 || d.Queues[0].Waiting != 1 {
		t.Errorf("before it rings: %+v", d)
	}
	r.log.Append("c-d", journal.ContactOffered{Contact: "c-d", Queue: "group-1", Offer: 5, Agent: bruno, Strategy: "longestIdle",
		Candidates: []journal.Candidate{{Agent: bruno, Key: now.Add(-4 * time.Minute).UnixMicro()}, {Agent: carla, Reason: "paused"}}})
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentOffered})
	d := b.desk(t)
	if d.Call == nil || d.Call.Caller != "02 9876 5432" || d.Call.Queue != "Assistenza" || d.Call.Language != "Italian" || d.Call.Phase.ID != "offered" || d.Call.Line != "Linea 1" || d.Call.Waiting.IsZero() ||
		len(d.Call.Why) != 2 || !strings.Contains(d.Call.Why[1], "You: free for 4:0") {
		t.Fatalf("it rings: %+v", d.Call)
	}
	b.get("/desk").has(t, "02 9876 5432", "Why here", "The queue calls whoever").lacks(t, "Carla", "on a break")
	if r.as(carla).desk(t).Call != nil {
		t.Error("it rings on a colleague's desk")
	}
	r.log.Append("c-d", journal.OfferEnded{Contact: "c-d", Offer: 5, Agent: bruno, Outcome: journal.OfferAccepted})
	r.log.Append("c-d", journal.ContactConnected{Contact: "c-d", Queue: "group-1", Agent: bruno, Offer: 5, Waited: 83 * time.Second})
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentTalking})
	if d := b.desk(t); d.Call == nil || d.Call.Waited != 83 || d.Call.Since.IsZero() || d.Call.Phase.ID != "talking" || len(d.Call.Why) != 0 {
		t.Errorf("they talk: %+v", d.Call)
	}
	b.get("/desk").has(t, "Talking for", "1:23")
	r.log.Append("c-d", journal.ContactEnded{Contact: "c-d", Queue: "group-1", Agent: bruno, Outcome: "served", Talked: time.Minute})
	r.log.Append("c-d", journal.CallEnded{Cause: "hangup", By: "caller", Talk: time.Minute})
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentWrapUp, Until: time.Now().Add(30 * time.Second), Owes: "c-d"})
	d = b.desk(t)
	if d.Call == nil || d.Call.ID != "c-d" || d.Call.Caller != "02 9876 5432" || d.Until.IsZero() || len(d.Notes) != 1 {
		t.Errorf("wrap-up: %+v", d)
	}
	b.get("/desk").has(t, "data-until=", "outcome is missing", "Done: free again")
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentReady})
	d = b.desk(t)
	if d.Call != nil || d.Today == nil || d.Today.Contacts != 1 {
		t.Errorf("after it: %+v, figures %+v", d.Call, d.Today)
	}
	if d := r.as(carla).desk(t); d.Today == nil || d.Today.Contacts != 0 {
		t.Errorf("a colleague's figures: %+v", d.Today)
	}
	// Who was promised a call and reached is a contact like the others.
	r.log.Append("c-e", journal.ContactQueued{Contact: "c-e", Queue: "group-1", Caller: r.people.Number("+390298765433")})
	r.log.Append("c-e", journal.CallbackPromised{Contact: "c-e", Queue: "group-1"})
	r.log.Append("", journal.ContactConnected{Contact: "c-e", Queue: "group-1", Agent: bruno})
	r.log.Append("", journal.ContactEnded{Contact: "c-e", Queue: "group-1", Agent: bruno, Outcome: "served", Talked: time.Minute})
	r.settle()
	if d := b.desk(t); d.Today == nil || d.Today.Contacts != 2 {
		t.Errorf("after a call-back: %+v", d.Today)
	}
	r.as(dario).get("/desk").is(t, http.StatusOK).has(t, "Non rispondi a nessuna coda").lacks(t, "La mia giornata")
}

func TestDeskBreak(t *testing.T) {
	r := deskRig(t)
	b := r.as(bruno)
	b.lang = "en"
	begin := time.Now().Add(-105 * time.Minute)
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentReady, Screen: begin})
	d := b.desk(t)
	if d.Break == nil || d.Break.Proposed || d.Break.Due.Sub(begin.Add(120*time.Minute)).Abs() > time.Second {
		t.Fatalf("next break: %+v", d.Break)
	}
	r.log.Append("", journal.BreakProposed{Agent: bruno, Due: begin.Add(120 * time.Minute)})
	r.settle()
	b.get("/desk").has(t, "good moment for the break of 15 minutes", `value="pause:break"`, "I take it now")
	if d := r.as(carla).desk(t); d.Break != nil {
		t.Errorf("a colleague's break: %+v", d.Break)
	}
	left := time.Now()
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentPaused, Reason: "break", Screen: begin, Left: left})
	if d := b.desk(t); d.Break == nil || d.Break.Proposed || d.Break.Over.Sub(left.Add(15*time.Minute)).Abs() > time.Second {
		t.Errorf("on the break: %+v", d.Break)
	}
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentReady, Screen: time.Now()})
	if d := b.desk(t); d.Break == nil || d.Break.Proposed || time.Until(d.Break.Due) < 119*time.Minute {
		t.Errorf("after the break: %+v", d.Break)
	}
}

// TestTheUsualDayIsWorkedOutOnce: a desk is drawn all the time, and two weeks are not read
// each time for it.
func TestTheUsualDayIsWorkedOutOnce(t *testing.T) {
	var read atomic.Int64
	r := deskRig(t)
	facts := r.deps.Facts
	d := r.deps
	d.Facts = func(ctx context.Context, i kpi.Interval) (kpi.Facts, error) {
		if i.To.Before(time.Now()) {
			read.Add(1)
		}
		return facts(ctx, i)
	}
	second, err := ui.New(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []journal.SubjectID{bruno, bruno, carla, bruno} {
		token := r.token(who)
		req := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/desk", nil)
		req.AddCookie(&http.Cookie{Name: "centralino", Value: token})
		w := httptest.NewRecorder()
		second.Handler().ServeHTTP(w, req)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"today"`) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if n := read.Load(); n != 2*14 {
		t.Errorf("%d days were read for two people who looked four times", n)
	}
}

// TestDeskTellsWhoMayLook: while an agreement is on record, the operator reads so.
func TestDeskTellsWhoMayLook(t *testing.T) {
	r := deskRig(t)
	b := r.as(bruno)
	b.lang = "en"
	b.get("/desk").lacks(t, "Agreement on record")
	if err := r.people.Record(context.Background(), privacy.Viewer{Subject: dario, Role: office.RoleManager}, privacy.Agreement{Kind: privacy.UnionDeal, Date: "2026-03-01"}); err != nil {
		t.Fatal(err)
	}
	b.get("/desk").has(t, "Agreement on record", "1 March 2026", "may see your state and your times")
}
