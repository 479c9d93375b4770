package ui_test

import (
	"cmp"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui"
)

// as is the same world with people in other people's place.
func (w world) as(who map[journal.SubjectID]journal.SubjectID) world {
	put := func(s journal.SubjectID) journal.SubjectID {
		if to, ok := who[s]; ok {
			return to
		}
		return s
	}
	other := w
	other.events = nil
	for _, e := range w.events {
		e.payload = moved(e.payload, put)
		other.events = append(other.events, e)
	}
	return other
}

// moved is what happened, with other people in their place.
func moved(p journal.Payload, put func(journal.SubjectID) journal.SubjectID) journal.Payload {
	switch p := p.(type) {
	case journal.AgentChanged:
		p.Agent = put(p.Agent)
		return p
	case journal.BreakProposed:
		p.Agent = put(p.Agent)
		return p
	case journal.RecallTaken:
		p.By = put(p.By)
		return p
	case journal.CallbackTried:
		p.Agent = put(p.Agent)
		return p
	case journal.CallStarted:
		p.From, p.To = put(p.From), put(p.To)
		return p
	case journal.ContactOffered:
		p.Agent = put(p.Agent)
		p.Candidates = slices.Clone(p.Candidates)
		for i := range p.Candidates {
			p.Candidates[i].Agent = put(p.Candidates[i].Agent)
		}
		return p
	case journal.OfferEnded:
		p.Agent = put(p.Agent)
		return p
	case journal.CallLeg:
		p.Person = put(p.Person)
		return p
	case journal.ContactConnected:
		p.Agent = put(p.Agent)
		return p
	case journal.CallAnswered:
		p.By = put(p.By)
		return p
	case journal.CallTransfer:
		p.By, p.To = put(p.By), put(p.To)
		return p
	case journal.CallRouted:
		p.Trace = slices.Clone(p.Trace)
		for i := range p.Trace {
			p.Trace[i].Object = string(put(journal.SubjectID(p.Trace[i].Object)))
		}
		return p
	case journal.ContactEnded:
		p.Agent = put(p.Agent) // nobody stays nobody
		return p
	case journal.OutcomeSet:
		p.Agent, p.Owner = put(p.Agent), put(p.Owner)
		return p
	}
	return p
}

// played is a box in which a world happened.
type played struct {
	*rig
	callers []journal.SubjectID
	cards   []string
	posts   *postbox
}

// postbox takes what webhooks post.
type postbox struct {
	mu     sync.Mutex
	bodies []string
}

func (b *postbox) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies = append(b.bodies, string(body))
}

func (b *postbox) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(slices.Values(b.bodies))
}

// play puts a world into a box of its own, which stands still afterwards.
func (w world) play(t *testing.T) *played {
	t.Helper()
	var mu sync.Mutex
	now := worldDays[0].Add(-time.Hour)
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, privacy.KeyFile), []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &played{posts: &postbox{}}
	hook := httptest.NewServer(b.posts)
	t.Cleanup(hook.Close)
	sample := office.SampleOffice{Doc: w.sample.Doc.Clone(), Names: maps.Clone(w.sample.Names), Secrets: map[office.SecretRef]string{}}
	sample.Secrets["secret-hook"] = ""
	sample.Doc.Webhooks = []office.Webhook{{ID: "webhook-1", Name: "CRM", URL: hook.URL, Secret: "secret-hook", Events: []string{"ringing", "answered", "ended", "outcome"}}}
	for _, refs := range []map[office.SecretRef]string{w.sample.Secrets, sample.Secrets} {
		for ref := range refs {
			sample.Secrets[ref] = "always the same"
		}
	}
	b.rig = newRigOf(t, true, rigOf{now: clock, sample: sample, folder: folder}, withDesk, func(d *ui.Deps) {
		d.DataDir, d.Facts = "", d.Reports.Facts
		d.Dial = func(context.Context, journal.SubjectID, journal.SubjectID) (journal.CallID, error) {
			return "", ui.ErrNoPhone
		}
	})
	record := func(kind privacy.AgreementKind) {
		a := privacy.Agreement{Kind: kind, Date: worldDays[0].Format(time.DateOnly)}
		if err := b.people.Record(t.Context(), privacy.Viewer{Subject: dario, Role: office.RoleManager}, a); err != nil {
			t.Fatal(err)
		}
	}
	if w.kind != privacy.NoAgreement || w.withdrawn {
		record(cmp.Or(w.kind, privacy.UnionDeal))
	}
	if w.withdrawn {
		record(privacy.NoAgreement)
	}
	for i := range worldCallers {
		b.callers = append(b.callers, b.people.Number(numbering.E164(callerNumber(i))))
	}
	b.cards = append(b.cards, b.card(outcome.Customer{Name: "Ditta Uno"}, numbering.E164(callerNumber(0)), numbering.E164(callerNumber(1))),
		b.card(outcome.Customer{Name: "Ditta Due"}, numbering.E164(callerNumber(2))))
	<-b.hooked // what happened before, the webhook would never be told
	for _, e := range w.events {
		mu.Lock()
		now = e.at
		mu.Unlock()
		b.happen(t, e)
	}
	b.settle()
	if err := b.reports.Await(t.Context(), b.log.Durable()); err != nil {
		t.Fatal(err)
	}
	return b
}

// happen lets one thing happen; numbers and outcomes are kept where the box keeps them.
func (b *played) happen(t *testing.T, e worldEvent) {
	t.Helper()
	caller := func(s journal.SubjectID) journal.SubjectID {
		if n, ok := strings.CutPrefix(string(s), "n-caller"); ok {
			return b.callers[int(n[0]-'0')]
		}
		return s
	}
	switch p := e.payload.(type) {
	case journal.CallStarted:
		p.From = caller(p.From)
		e.payload = p
	case journal.ContactQueued:
		p.Arrival, p.Caller = e.at, caller(p.Caller)
		e.payload = p
	case journal.CallbackPromised:
		p.Arrival, p.Caller = e.at, caller(p.Caller)
		e.payload = p
	case journal.RecallTaken:
		p.Caller = caller(p.Caller)
		e.payload = p
	case journal.OutcomeSet:
		if err := b.log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, _, err := b.deps.Journal.CallByID(t.Context(), p.Call)
		if err != nil {
			t.Fatal(err)
		}
		r := outcome.Result{Call: p.Call, Subject: c.From, Queue: p.Queue, Agent: p.Agent, Outcome: p.Outcome, CallBack: p.CallBack, Owner: p.Owner, Note: "si è parlato di tutto"}
		if _, err := b.book.Set(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return
	}
	b.log.Append(e.call, e.payload)
	if _, ended := e.payload.(journal.CallEnded); ended { // what follows must not go ahead of it on a machine that stalls
		if err := b.log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
