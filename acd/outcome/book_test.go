package outcome_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
	"centralino/internal/testbed"
)

var (
	boss   = privacy.Viewer{Subject: "p-boss", Role: office.RoleManager}
	ctx    = context.Background()
	mario  = numbering.E164("+390212345678")
	mobile = numbering.E164("+393331234567")
)

// room is a Book with its database, journal and gate.
type room struct {
	*outcome.Book
	t     testing.TB
	db    *store.DB
	log   *journal.Log
	gate  *privacy.Gate
	snap  *office.Snapshot
	plan  numbering.Plan
	hears sync.Mutex // guards told
	told  []journal.OutcomeSet
	fail  string // operation of the disk that fails
	after int    // … once so many have passed
	full  bool   // … because the disk is full
	close func()
}

func openRoom(t testing.TB, folder string) *room {
	t.Helper()
	r := &room{t: t, snap: &office.Snapshot{Version: 7, Doc: doc()}}
	r.snap.Doc.Groups = []office.Group{
		{ID: "group-1", Name: "Assistenza", Mode: office.GroupQueue, Queue: &office.QueueRules{Outcomes: []office.ID{"outcome-fixed", "outcome-later"}}},
		{ID: "group-2", Name: "Vendite", Mode: office.GroupQueue, Queue: &office.QueueRules{}},
	}
	r.snap.Doc.Outcomes[0].Digit = "1"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	r.plan, err = numbering.New("IT", "02")
	must(err)
	var all []store.Migration
	all = append(append(append(all, journal.Migrations()...), privacy.Migrations()...), outcome.Migrations()...)
	r.db, _, err = store.Open(ctx, store.Options{Folder: folder, Migrations: all, Now: time.Now, Readers: store.OneConnection, Log: slog.New(slog.DiscardHandler),
		Fault: func(op string) error {
			if op == r.fail {
				if r.after--; r.after < 0 && r.full {
					return syscall.ENOSPC
				} else if r.after < 0 {
					return errors.New("the disk says no")
				}
			}
			return nil
		}})
	must(err)
	r.log, _, err = journal.Open(ctx, journal.Options{DB: r.db, Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	must(err)
	r.gate, err = privacy.Open(ctx, privacy.Options{DB: r.db, Journal: r.log, Now: time.Now, Office: func() *office.Document { return r.snap.Doc }})
	must(err)
	r.Book, err = outcome.Open(ctx, outcome.Options{DB: r.db, Journal: r.log, Gate: r.gate, Office: func() *office.Snapshot { return r.snap }, Now: time.Now,
		Told: func(o journal.OutcomeSet) {
			r.hears.Lock()
			defer r.hears.Unlock()
			r.told = append(r.told, o)
		}})
	must(err)
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 2)
	go func() { done <- r.log.Run(run) }()
	go func() { done <- r.gate.Run(run) }()
	r.close = func() {
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
		_ = r.db.Close()
	}
	return r
}

// bubble runs f with a Book in virtual time.
func bubble(t *testing.T, f func(t *testing.T, r *room)) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := openRoom(t, folder)
		defer r.close()
		f(t, r)
	})
}

// later lets time pass in the bubble.
func (r *room) later(d time.Duration) { time.Sleep(d) }

// Snap is the office.
// due returns the open call-backs that fall due until then.
func (r *room) due(until time.Time) (out []outcome.Result) {
	r.t.Helper()
	list, _, err := r.Open(ctx, outcome.Whose{All: true})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, x := range list {
		if !x.Task && !x.CallBack.After(until) {
			out = append(out, x)
		}
	}
	return out
}

func (r *room) Snap() *office.Snapshot { return r.snap }

func (r *room) save(c outcome.Customer, numbers ...numbering.E164) string {
	r.t.Helper()
	id, err := r.Save(ctx, "p-anna", c, numbers)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// said lists the events of the journal about customers and outcomes.
func (r *room) said() []string {
	r.t.Helper()
	if err := r.log.Flush(ctx); err != nil {
		r.t.Fatal(err)
	}
	var out []string
	err := r.log.Replay(ctx, 1, func(e journal.Event) error {
		switch p := e.Payload.(type) {
		case journal.CustomerChanged:
			out = append(out, p.What+" by "+string(p.By))
		case journal.OutcomeSet:
			s := "outcome " + p.Outcome + " of " + string(p.Call)
			if !p.CallBack.IsZero() {
				s += " call back"
			}
			if p.Again {
				s += " again"
			}
			out = append(out, s)
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// everything is the text of every table, for looking for what must not be there.
func (r *room) everything() string {
	r.t.Helper()
	var b strings.Builder
	err := r.db.Read(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{
			`SELECT quote(payload) || CAST(payload AS TEXT) FROM events`, `SELECT id || name || company || fields || search FROM outcome_customers`,
			`SELECT text FROM outcome_notes`, `SELECT source FROM outcome_origins`, `SELECT subject || customer FROM outcome_numbers`,
			`SELECT subject || customer || answers || note FROM outcome_results`, `SELECT subject FROM privacy_subjects`,
			`SELECT name || company || fields || search || note FROM outcome_staged`, `SELECT subject FROM outcome_staged_numbers`,
		} {
			rows, err := tx.Query(q)
			if err != nil {
				return err
			}
			for rows.Next() {
				var s string
				if err := rows.Scan(&s); err != nil {
					return err
				}
				b.WriteString(s + "\n")
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

func TestEveryStatementPrepares(t *testing.T) {
	r := openRoom(t, t.TempDir())
	defer r.close()
	if n := testbed.PrepareAll(t, r.db, "."); n < 30 {
		t.Errorf("only %d statements were found", n)
	}
}

func TestACardIsFoundByItsNumberAndItsWords(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		id := r.save(outcome.Customer{Name: "Mario Perù", Company: "Ferramenta 100%", Fields: map[string]string{"Città": "Roma"}}, mario, mobile)
		other := r.save(outcome.Customer{Name: "Anna Bianchi"}, "+390698765432")
		c, ok, err := r.ByNumber(ctx, r.gate.Number(mobile))
		if err != nil || !ok || c.ID != id || len(c.Numbers) != 2 {
			t.Fatalf("by number: %+v %v %v", c, ok, err)
		}
		for text, want := range map[string]string{
			"": other + id, "peru": id, "MARIO roma": id, "100%": id, "%": id, "_": "", "bianchi mario": "", "ferramenta": id, `\`: "", "x' OR 1=1": "",
		} {
			list, _, err := r.Search(ctx, outcome.Query{Text: text})
			got := ""
			for _, c := range list {
				got += c.ID
			}
			if err != nil || got != want {
				t.Errorf("%q finds %q (%v), want %q", text, got, err, want)
			}
		}
		if _, ok, _ := r.ByNumber(ctx, r.gate.Pseudonym("+390255555555")); ok {
			t.Error("an unknown number has a card")
		}
		if d := cmp.Diff([]string{"created by p-anna", "created by p-anna"}, r.said()); d != "" {
			t.Error(d)
		}
		if all := r.everything(); strings.Contains(all, string(mario)) || strings.Contains(all, string(mobile[1:])) {
			t.Error("a number stands outside of the gate")
		}
	})
}

func TestPagesOfCardsMissNobody(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		want := map[string]bool{}
		for i := range 23 {
			want[r.save(outcome.Customer{Name: "Same Name"}, numbering.E164(fmt.Sprintf("+3902123450%02d", i)))] = true
		}
		after := ""
		for range 10 {
			list, next, err := r.Search(ctx, outcome.Query{Text: "same", After: after, Limit: 5})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				if !want[c.ID] {
					t.Errorf("%s comes twice", c.ID)
				}
				delete(want, c.ID)
			}
			if after = next; next == "" {
				break
			}
		}
		if len(want) > 0 {
			t.Errorf("%d were missed", len(want))
		}
	})
}

func TestANumberStandsOnOneCard(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		id := r.save(outcome.Customer{Name: "Mario"}, mario)
		if _, err := r.Save(ctx, "p-anna", outcome.Customer{Name: "Other"}, []numbering.E164{mario}); !errors.Is(err, outcome.ErrTaken) {
			t.Errorf("the number went on a second card: %v", err)
		}
		if n, _ := r.Count(ctx); n != 1 {
			t.Errorf("%d cards: half of it was kept", n)
		}
		other := r.save(outcome.Customer{Name: "", Company: "Rossi srl", Fields: map[string]string{"Via": "Po"}}, mobile)
		if err := r.AddNote(ctx, "p-anna", other, "likes coffee"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Set(ctx, outcome.Result{Call: "c-1", Subject: r.gate.Number(mobile), Agent: "p-anna", Outcome: "outcome-fixed"}); err != nil {
			t.Fatal(err)
		}
		if err := r.Merge(ctx, "p-anna", id, other); err != nil {
			t.Fatal(err)
		}
		c, err := r.ByID(ctx, id)
		if err != nil || c.Name != "Mario" || c.Company != "Rossi srl" || c.Fields["Via"] != "Po" || len(c.Numbers) != 2 || len(c.Notes) != 1 {
			t.Errorf("merged: %+v %v", c, err)
		}
		if h, _ := r.History(ctx, id); len(h) != 1 {
			t.Errorf("history: %v", h)
		}
		if _, err := r.ByID(ctx, other); !errors.Is(err, outcome.ErrUnknown) {
			t.Errorf("the other card is still there: %v", err)
		}
		if err := r.Merge(ctx, "p-anna", id, id); err == nil {
			t.Error("a card was merged with itself")
		}
	})
}

func TestBadCardsAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		for name, c := range map[string]outcome.Customer{
			"nobody":            {Name: "  "},
			"too long":          {Name: strings.Repeat("x", 121)},
			"a hidden sign":     {Name: "Mario\u202e"},
			"no text":           {Name: "\xff"},
			"a nameless field":  {Name: "Mario", Fields: map[string]string{" ": "x"}},
			"an unknown card":   {ID: "k-none", Name: "Mario"},
			"too long a field":  {Name: "Mario", Fields: map[string]string{"x": strings.Repeat("x", 501)}},
			"a control in text": {Name: "Mario\x00"},
		} {
			if _, err := r.Save(ctx, "p-anna", c, nil); err == nil {
				t.Errorf("%s was saved", name)
			}
		}
		if err := r.AddNote(ctx, "p-anna", "k-none", "x"); !errors.Is(err, outcome.ErrUnknown) {
			t.Errorf("a note on no card: %v", err)
		}
		if n, _ := r.Count(ctx); n != 0 {
			t.Errorf("%d cards", n)
		}
	})
}

func TestErasingLeavesNothingButCounts(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		id := r.save(outcome.Customer{Name: "Segreto Rossi", Company: "Ditta Segreta", Fields: map[string]string{"Codice": "SGRRSS"}}, mario, mobile)
		r.save(outcome.Customer{Name: "Anna Bianchi"}, "+390698765432")
		s := r.gate.Number(mario)
		if err := r.AddNote(ctx, "p-anna", id, "nota segreta"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Set(ctx, outcome.Result{Call: "c-1", Subject: s, Agent: "p-anna", Outcome: "outcome-later", Answers: map[string]string{"x": "risposta segreta"}, Note: "richiamo segreto"}); err != nil {
			t.Fatal(err)
		}
		for _, role := range []office.Role{office.RoleTechnician, office.RoleLeader, office.RoleOperator, ""} {
			if err := r.Erase(ctx, privacy.Viewer{Subject: "p-x", Role: role}, id); !errors.Is(err, outcome.ErrForbidden) {
				t.Errorf("%s may erase: %v", role, err)
			}
			if _, err := r.Export(ctx, privacy.Viewer{Subject: "p-x", Role: role}, id); !errors.Is(err, outcome.ErrForbidden) {
				t.Errorf("%s may export: %v", role, err)
			}
		}
		d, err := r.Export(ctx, boss, id)
		if err != nil || d.Card.Name != "Segreto Rossi" || len(d.Card.Notes) != 1 || len(d.Results) != 1 || len(d.Numbers) != 2 || d.Numbers[0] != string(mario) {
			t.Fatalf("export: %+v %v", d, err)
		}
		if err := r.Erase(ctx, boss, id); err != nil {
			t.Fatal(err)
		}
		all := strings.ToLower(r.everything())
		// The journal keeps the pseudonym; nothing stands behind it any more.
		for _, no := range []string{"segret", "sgrrss", strings.TrimPrefix(string(mario), "+")} {
			if i := strings.Index(all, no); i >= 0 {
				t.Errorf("%q is still there: …%s…", no, all[max(0, i-40):min(len(all), i+40)])
			}
		}
		if n, ok := r.gate.Name(boss, privacy.CallDetail, s); ok {
			t.Errorf("the number is still known: %s", n)
		}
		if got, ok, _ := r.Of(ctx, "c-1"); !ok || got.Outcome != "outcome-later" || got.Subject != "" || got.Customer != "" || got.Note != "" {
			t.Errorf("the count: %+v", got)
		}
		if due := r.due(time.Now().AddDate(1, 0, 0)); len(due) != 0 {
			t.Errorf("an erased customer is to be called back: %+v", due)
		}
		if _, bad, err := r.log.Verify(ctx); bad != nil || err != nil {
			t.Errorf("the chain: %v %v", bad, err)
		}
		if n, _ := r.Count(ctx); n != 1 {
			t.Errorf("%d cards left, want Anna's", n)
		}
		if s2 := r.gate.Number(mario); s2 == s {
			t.Error("the number has its old pseudonym")
		}
	})
}

func TestErasingANumberWithoutACard(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		s := r.gate.Number(mario)
		if _, err := r.Set(ctx, outcome.Result{Call: "c-1", Subject: s, Agent: "p-anna", Outcome: "outcome-later", Note: "segreto"}); err != nil {
			t.Fatal(err)
		}
		if d, err := r.Export(ctx, boss, string(s)); err != nil || len(d.Numbers) != 1 || len(d.Results) != 1 {
			t.Errorf("export: %+v %v", d, err)
		}
		if err := r.Erase(ctx, boss, string(s)); err != nil {
			t.Fatal(err)
		}
		if _, ok := r.gate.Name(boss, privacy.CallDetail, s); ok || strings.Contains(r.everything(), "segreto") {
			t.Error("something is left")
		}
	})
}

// TestAnExportIsWhole, however much there is.
func TestAnExportIsWhole(t *testing.T) {
	r := openRoom(t, t.TempDir())
	defer r.close()
	const n = 501
	id := r.save(outcome.Customer{Name: "Mario"}, mario)
	err := r.db.Write(ctx, func(tx *sql.Tx) error {
		for i := range n {
			if _, err := tx.Exec(`INSERT INTO outcome_notes (customer, time, by, text) VALUES (?, ?, '', 'x')`, id, i); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO outcome_results (call, subject, customer, queue, agent, outcome, time, callback, done, script, version, answers, note, corrected) VALUES (?, ?, ?, '', 'p-anna', 'outcome-fixed', ?, 0, 0, '', 0, '{}', '', 0)`, fmt.Sprint("c-", i), string(r.gate.Number(mario)), id, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, whose := range []string{id, string(r.gate.Number(mario))} {
		d, err := r.Export(ctx, boss, whose)
		if err != nil || len(d.Results) != n || whose == id && len(d.Card.Notes) != n {
			t.Errorf("%s: %d outcomes, %d notes, %v", whose, len(d.Results), len(d.Card.Notes), err)
		}
	}
	if c, err := r.ByID(ctx, id); err != nil || len(c.Notes) != 500 {
		t.Errorf("a page gets %d notes, %v", len(c.Notes), err)
	}
}

// TestErasingIsAllOrNothing: the disk refuses in the middle.
func TestErasingIsAllOrNothing(t *testing.T) {
	r := openRoom(t, t.TempDir())
	defer r.close()
	id := r.save(outcome.Customer{Name: "Mario"}, mario)
	r.fail, r.after = "commit", 0
	err := r.Erase(ctx, boss, id)
	r.fail = ""
	if err == nil {
		t.Fatal("the disk's refusal was not told")
	}
	if c, err := r.ByID(ctx, id); err != nil || len(c.Numbers) != 1 {
		t.Errorf("half erased: %+v %v", c, err)
	}
	if c, ok, err := r.ByNumber(ctx, r.gate.Number(mario)); !ok || c.ID != id || err != nil {
		t.Errorf("the number does not find its card any more: %v", err)
	}
}
