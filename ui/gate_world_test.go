package ui_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui"
)

// world is an office with people, and what they did, as data: it can be played into a
// box with anybody in anybody's place.
type world struct {
	sample office.SampleOffice
	agents []journal.SubjectID
	events []worldEvent
	kind   privacy.AgreementKind
}

type worldEvent struct {
	call    journal.CallID
	payload journal.Payload
}

// worldStart is when worlds begin: a working day, in the morning.
var worldStart = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// worlds draws offices of least to most agents, two or more, in one to three queues that may overlap,
// and some hours of what they did.
func worlds(least, most int, kinds ...privacy.AgreementKind) *rapid.Generator[world] {
	return rapid.Custom(func(t *rapid.T) world { return drawWorld(t, least, most, kinds) })
}

func drawWorld(t *rapid.T, least, most int, kinds []privacy.AgreementKind) world {
	w := world{sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: worldStart})}
	w.kind = rapid.SampledFrom(kinds).Draw(t, "agreement")
	doc := w.sample.Doc
	doc.Reasons = []office.PauseReason{{ID: "reason-1", Name: "Pranzo", Digit: "1", Break: true}, {ID: "reason-2", Name: "Personale", Digit: "2"}}
	doc.Outcomes = []office.Outcome{{ID: "outcome-1", Name: "Risolto", Next: office.OutcomeClosed}}
	w.agents = []journal.SubjectID{bruno, carla}
	for i := range rapid.IntRange(least-2, most-2).Draw(t, "more") {
		id := journal.SubjectID(fmt.Sprintf("p-agent%02dx", i))
		doc.People = append(doc.People, office.Person{ID: id, Role: office.RoleOperator, Profile: "profile-1"})
		w.sample.Names[id] = fmt.Sprintf("Nomeagente%02d Cognome%02d", i, i)
		w.agents = append(w.agents, id)
	}
	g := doc.GroupByID("group-1")
	g.Members = slices.Concat([]journal.SubjectID{anna}, w.agents)
	for i := range rapid.IntRange(0, 2).Draw(t, "queues") {
		more := *g
		rules := *g.Queue
		rules.Strategy = rapid.SampledFrom([]office.Strategy{office.LongestIdle, office.Ordered, office.FewestCalls}).Draw(t, "strategy")
		more.ID, more.Name, more.Queue = office.ID(fmt.Sprintf("group-%d", 7+i)), fmt.Sprintf("Coda %d", i), &rules
		more.Members = nil
		for _, a := range w.agents {
			if rapid.Bool().Draw(t, "member") {
				more.Members = append(more.Members, a)
			}
		}
		doc.Groups = append(doc.Groups, more)
	}
	w.live(t)
	return w
}

// live draws what happens.
func (w *world) live(t *rapid.T) {
	add := func(call journal.CallID, p journal.Payload) { w.events = append(w.events, worldEvent{call, p}) }
	agent := rapid.SampledFrom(w.agents)
	states := rapid.SampledFrom([]journal.AgentStateName{journal.AgentReady, journal.AgentPaused, journal.AgentLoggedOut, journal.AgentOtherWork, journal.AgentWrapUp, journal.AgentBusy})
	queues := rapid.SampledFrom(queueIDs(w.sample.Doc))
	for i := range rapid.IntRange(4, 40).Draw(t, "events") {
		call := journal.CallID(fmt.Sprintf("c-%d", i))
		con, queue, a := journal.ContactID(call), queues.Draw(t, "queue"), agent.Draw(t, "agent")
		switch rapid.IntRange(0, 7).Draw(t, "what") {
		case 0, 1, 2:
			add("", journal.AgentChanged{Agent: a, State: states.Draw(t, "state"), Reason: rapid.SampledFrom([]string{"", "reason-1", "reason-2", "missed", "break"}).Draw(t, "reason"), Misses: rapid.IntRange(0, 3).Draw(t, "misses")})
		case 3:
			add("", journal.BreakProposed{Agent: a, Due: worldStart.Add(4 * time.Hour)})
		case 4:
			add(call, journal.CallStarted{Direction: journal.Internal, From: a, To: agent.Draw(t, "to")})
			if rapid.Bool().Draw(t, "over") {
				add(call, journal.CallEnded{Cause: "hangup", By: "caller", Talk: time.Minute, Total: time.Minute})
			}
		case 5:
			add("", journal.RecallTaken{Caller: "n-caller", By: a, Until: worldStart.Add(12 * time.Hour)})
		default:
			w.queueCall(t, add, call, con, queue, a)
		}
	}
}

func (w *world) queueCall(t *rapid.T, add func(journal.CallID, journal.Payload), call journal.CallID, con journal.ContactID, queue string, a journal.SubjectID) {
	add(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-caller"})
	add(call, journal.ContactQueued{Contact: con, Queue: queue, Arrival: worldStart, Caller: "n-caller"})
	var list []journal.Candidate
	for i, c := range w.agents {
		if c == a {
			list = slices.Insert(list, 0, journal.Candidate{Agent: c, Key: int64(i)})
		} else if len(list) < 7 {
			list = append(list, journal.Candidate{Agent: c, Key: int64(100 + i), Reason: rapid.SampledFrom([]string{"not best", "paused", "talking"}).Draw(t, "why")})
		}
	}
	add(call, journal.ContactOffered{Contact: con, Queue: queue, Offer: journal.OfferID(len(w.events)), Agent: a, Strategy: "ordered", Candidates: list})
	if rapid.IntRange(0, 3).Draw(t, "rings") == 0 {
		return
	}
	offer := journal.OfferID(len(w.events) - 1)
	if rapid.Bool().Draw(t, "missed") {
		add(call, journal.OfferEnded{Contact: con, Offer: offer, Agent: a, Outcome: journal.OfferMissed})
		add(call, journal.ContactEnded{Contact: con, Queue: queue, Outcome: "abandoned", Waited: 40 * time.Second})
		add(call, journal.CallEnded{Cause: "hangup", By: "caller", Total: 40 * time.Second})
		return
	}
	add(call, journal.OfferEnded{Contact: con, Offer: offer, Agent: a, Outcome: journal.OfferAccepted})
	add(call, journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: a})
	add(call, journal.ContactConnected{Contact: con, Queue: queue, Agent: a, Offer: offer, Waited: 9 * time.Second})
	add(call, journal.CallAnswered{By: a})
	add("", journal.AgentChanged{Agent: a, State: journal.AgentTalking})
	if rapid.IntRange(0, 3).Draw(t, "talks") == 0 {
		return
	}
	add(call, journal.ContactEnded{Contact: con, Queue: queue, Agent: a, Outcome: "served", Waited: 9 * time.Second, Talked: time.Minute})
	add(call, journal.CallEnded{Cause: "hangup", By: "caller", Talk: time.Minute, Total: 70 * time.Second})
	add("", journal.AgentChanged{Agent: a, State: journal.AgentWrapUp})
	if rapid.Bool().Draw(t, "told") {
		add("", journal.OutcomeSet{Call: call, Queue: queue, Agent: a, Outcome: "outcome-1"})
	}
	add("", journal.AgentChanged{Agent: a, State: journal.AgentReady})
}

func queueIDs(doc *office.Document) []string {
	var out []string
	for i := range doc.Groups {
		if doc.Groups[i].Mode == office.GroupQueue {
			out = append(out, string(doc.Groups[i].ID))
		}
	}
	return out
}

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
	case journal.ContactEnded:
		p.Agent = put(p.Agent) // nobody stays nobody
		return p
	case journal.OutcomeSet:
		p.Agent = put(p.Agent)
		return p
	}
	return p
}

// play puts a world into a box of its own, which stands still afterwards.
func (w world) play(t *testing.T) *rig {
	t.Helper()
	var mu sync.Mutex
	now := worldStart
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, privacy.KeyFile), []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sample := office.SampleOffice{Doc: w.sample.Doc.Clone(), Names: maps.Clone(w.sample.Names), Secrets: map[office.SecretRef]string{}}
	for ref := range w.sample.Secrets {
		sample.Secrets[ref] = "always the same"
	}
	r := newRigOf(t, true, rigOf{now: clock, sample: sample, folder: folder}, withDesk, func(d *ui.Deps) { d.DataDir = "" })
	if w.kind != privacy.NoAgreement {
		r.agree(w.kind, "")
	}
	caller := r.people.Number("+390298765432")
	for _, e := range w.events {
		mu.Lock()
		now = now.Add(37 * time.Second)
		mu.Unlock()
		switch p := e.payload.(type) {
		case journal.CallStarted:
			if p.From == "n-caller" {
				p.From = caller
			}
			e.payload = p
		case journal.ContactQueued:
			p.Arrival, p.Caller = clock(), caller
			e.payload = p
		}
		r.log.Append(e.call, e.payload)
	}
	r.settle()
	return r
}

// reading is all that one person can read of a box: by path, and by part of a stream; and
// what his program can, with a token that is good for everything.
func (r *rig) reading(t *testing.T, who journal.SubjectID, calls []journal.CallID) map[string]string {
	t.Helper()
	token := r.token(who)
	out := map[string]string{}
	read := func(as, path string, sign func(*http.Request)) {
		ctx, stop := context.WithCancel(context.Background())
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
		sign(req)
		req.Header.Set("Accept-Language", "it")
		if !strings.HasPrefix(path, "/live") && path != "/api/v1/events" {
			stop = func() {}
		}
		rec := &tape{head: http.Header{}, stop: stop}
		r.server.Handler().ServeHTTP(rec, req)
		stop()
		if rec.status < 400 || rec.body.Len() > 0 {
			out[as+path] = chance.ReplaceAllString(rec.body.String(), "")
		}
	}
	for _, path := range r.paths(calls) {
		read("", path, func(req *http.Request) { req.AddCookie(&http.Cookie{Name: "centralino", Value: token}) })
	}
	program := r.program(who, every) // after the pages, which tell of it
	for _, route := range r.server.Routes() {
		if route.Scope != "" && route.Method == http.MethodGet {
			read("token ", real(route.Pattern), func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+program) })
		}
	}
	return out
}

// chance is what differs between two boxes by chance.
var chance = regexp.MustCompile(`draft[-/][A-Za-z0-9_-]+|(?s:<section class="card flush" id="sessions">.*?</section>)|"sessions":\[.*?\]`) // and the reader's own logins

// paths is every address of the table that is read, and every page that lives.
func (r *rig) paths(calls []journal.CallID) []string {
	var out []string
	for _, route := range r.server.Routes() {
		if route.Method != http.MethodGet || strings.HasPrefix(route.Pattern, "/assets") {
			continue
		}
		switch {
		case route.Pattern == "/live":
			for _, page := range ui.LivePages() {
				out = append(out, "/live?page="+page+"&id=line-1")
			}
		case strings.Contains(route.Pattern, "/calls/{id}"):
			for _, c := range calls {
				out = append(out, strings.Replace(route.Pattern, "{id}", string(c), 1))
			}
		default:
			out = append(out, real(route.Pattern))
		}
	}
	return out
}

// tape records an answer. A stream ends once it has said all and falls silent.
type tape struct {
	head   http.Header
	status int
	body   bytes.Buffer
	stop   func()
	quiet  *time.Timer
	mu     sync.Mutex
}

func (r *tape) Header() http.Header { return r.head }
func (r *tape) WriteHeader(status int) {
	r.status = status
}

func (r *tape) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(b)
}

// Flush hangs up a little after the last part.
func (r *tape) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.quiet == nil {
		r.quiet = time.AfterFunc(streamQuiet, r.stop)
		return
	}
	r.quiet.Reset(streamQuiet)
}

const streamQuiet = 60 * time.Millisecond

func (r *tape) SetWriteDeadline(time.Time) error { return nil }
func (r *tape) SetReadDeadline(time.Time) error  { return nil }
