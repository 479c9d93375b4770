package privacy_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
	"centralino/internal/testbed"
)

// room is a gate with its database.
type room struct {
	*privacy.Gate
	db      *store.DB
	log     *journal.Log
	doc     *office.Document
	commits atomic.Int64
	close   func()
}

func openRoom(t *testing.T, folder string) *room {
	t.Helper()
	ctx := context.Background()
	r := &room{doc: office.Empty()}
	r.doc.People = []office.Person{{ID: "p-anna", Role: office.RoleLeader}}
	db, _, err := store.Open(ctx, store.Options{
		Folder: folder, Migrations: append(journal.Migrations(), privacy.Migrations()...), Now: time.Now,
		Readers: store.OneConnection, Log: slog.New(slog.DiscardHandler), Fault: func(operation string) error {
			if operation == "commit" {
				r.commits.Add(1)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	log, _, err := journal.Open(ctx, journal.Options{DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r.db, r.log = db, log
	if r.Gate, err = privacy.Open(ctx, privacy.Options{DB: db, Journal: log, Now: time.Now, Office: func() *office.Document { return r.doc }}); err != nil {
		t.Fatal(err)
	}
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 2)
	go func() { done <- log.Run(run) }()
	go func() { done <- r.Run(run) }()
	closed := false
	r.close = func() {
		if closed {
			return
		}
		closed = true
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
		db.Close()
	}
	return r
}

func bubble(t *testing.T, f func(t *testing.T, r *room)) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := openRoom(t, folder)
		defer r.close()
		f(t, r)
	})
}

func (r *room) people(t *testing.T, ids ...journal.SubjectID) {
	t.Helper()
	for _, id := range ids {
		if err := r.SetName(context.Background(), id, "Name of "+string(id)); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *room) agree(t *testing.T, kind privacy.AgreementKind) {
	t.Helper()
	boss := privacy.Viewer{Subject: "p-boss", Role: office.RoleManager}
	if err := r.Record(context.Background(), boss, privacy.Agreement{Kind: kind, Date: "1999-03-01", Note: "protocol 7"}); err != nil {
		t.Fatal(err)
	}
}

func (r *room) looks(t *testing.T) []string {
	t.Helper()
	ctx := context.Background()
	time.Sleep(time.Second) // Run keeps looks a moment later
	if err := r.log.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	var out []string
	err := r.log.Replay(ctx, 1, func(e journal.Event) error {
		if a, ok := e.Payload.(journal.AccessEvent); ok {
			out = append(out, fmt.Sprintf("%s %s %s", a.What, a.Who, a.About))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWhoSeesWhom walks every purpose, role, kind of subject and state of the
// agreement, so that the table can be proof-read.
func TestWhoSeesWhom(t *testing.T) {
	// t, m, l, o: technician, manager, leader, operator see it.
	want := map[string]string{
		"configure person closed": "tml", "configure person open": "tml", "configure number closed": "", "configure number open": "",
		"route person closed": "tmlo", "route person open": "tmlo", "route number closed": "tmlo", "route number open": "tmlo",
		"liveState person closed": "", "liveState person open": "ml", "liveState number closed": "tmlo", "liveState number open": "tmlo",
		"figures person closed": "", "figures person open": "ml", "figures number closed": "", "figures number open": "",
		"export person closed": "", "export person open": "m", "export number closed": "m", "export number open": "m",
		"callDetail person closed": "", "callDetail person open": "ml", "callDetail number closed": "tmlo", "callDetail number open": "tmlo",
		"explain person closed": "", "explain person open": "ml", "explain number closed": "tml", "explain number open": "tml",
		"account person closed": "tm", "account person open": "tm", "account number closed": "", "account number open": "",
		"looked person closed": "tmlo", "looked person open": "tmlo", "looked number closed": "", "looked number open": "",
	}
	bubble(t, func(t *testing.T, r *room) {
		r.people(t, "p-anna", "p-me")
		number := r.Number("+390212345678")
		got := map[string]string{}
		for _, state := range []string{"closed", "open"} {
			if state == "open" {
				r.agree(t, privacy.UnionDeal)
			}
			for _, p := range privacy.Purposes() {
				for kind, subject := range map[string]journal.SubjectID{"person": "p-anna", "number": number} {
					key := fmt.Sprintf("%s %s %s", p, kind, state)
					got[key] = ""
					for _, role := range []office.Role{office.RoleTechnician, office.RoleManager, office.RoleLeader, office.RoleOperator, "", "root"} {
						v := privacy.Viewer{Subject: "p-me", Role: role}
						if name, ok := r.Name(v, p, subject); ok {
							got[key] += string(role[0])
							if name == "" {
								t.Errorf("%s: allowed without a name", key)
							}
						}
						if name, ok := r.Name(v, p, "p-me"); !ok || name != "Name of p-me" {
							t.Errorf("%s as %q does not see himself", key, role)
						}
					}
				}
				if _, ok := r.Name(privacy.Viewer{}, p, "p-anna"); ok {
					t.Errorf("%s: nobody sees somebody", p)
				}
				if _, ok := r.Name(privacy.Viewer{}, p, ""); ok {
					t.Errorf("%s: nobody is nobody", p)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFiguresAndTheirLooks(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		lead := privacy.Viewer{Subject: "p-lead", Role: office.RoleLeader}
		op := privacy.Viewer{Subject: "p-op", Role: office.RoleOperator}
		six := []journal.SubjectID{"p-1", "p-2", "p-3", "p-4", "p-5", "p-6"}
		r.doc.Groups = []office.Group{{ID: "g", Mode: office.GroupQueue, Members: append(six[:5:5], lead.Subject)}}
		type may struct{ person, himself, four, five, doubled bool }
		check := func(v privacy.Viewer) may {
			return may{r.MaySeeFigures(v, "p-1"), r.MaySeeFigures(v, v.Subject), r.MaySeeGroupFigures(v, six[:4]), r.MaySeeGroupFigures(v, six[:5]),
				r.MaySeeGroupFigures(v, []journal.SubjectID{"p-1", "p-1", "p-1", "p-2", "p-2"})}
		}
		if got, want := check(lead), (may{himself: true, five: true}); got != want {
			t.Errorf("closed, leader: %+v", got)
		}
		if got, want := check(op), (may{himself: true}); got != want {
			t.Errorf("closed, operator: %+v", got)
		}
		r.agree(t, privacy.Authorisation)
		if got, want := check(lead), (may{true, true, true, true, true}); got != want {
			t.Errorf("open, leader: %+v", got)
		}
		if got, want := check(op), (may{himself: true}); got != want {
			t.Errorf("open, operator: %+v", got)
		}
		if r.MaySeeGroupFigures(privacy.Viewer{}, six) || r.MaySeeGroupFigures(lead, nil) {
			t.Error("nobody, or a group of nobody")
		}
		want := []string{
			"figures.refused p-lead p-1", "figures.refused p-op p-1", "agreement.authorisation p-boss ",
			"figures p-lead p-1", "figures p-lead p-2", "figures p-lead p-3", "figures p-lead p-4", "figures p-lead p-5",
		}
		got := r.looks(t)
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" { // looks wait for Run
			t.Error(diff)
		}
		time.Sleep(6 * time.Minute)
		r.MaySeeFigures(lead, "p-1")
		if again := r.looks(t); len(again) != len(got)+1 {
			t.Errorf("a look after six minutes is not in the journal: %q", again)
		}
	})
}

// TestLooksOfOnePageAreOneCommit: who draws a page with forty people wears the card out
// once.
func TestLooksOfOnePageAreOneCommit(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		lead := privacy.Viewer{Subject: "p-lead", Role: office.RoleLeader}
		r.agree(t, privacy.UnionDeal)
		time.Sleep(time.Second)
		before := r.commits.Load()
		for i := range 40 {
			r.MaySeeState(lead, journal.SubjectID(fmt.Sprintf("p-%02d", i)))
		}
		time.Sleep(time.Second)
		if n := r.commits.Load() - before; n != 1 {
			t.Errorf("%d commits", n)
		}
		for i, said := range r.looks(t)[1:] {
			if want := fmt.Sprintf("state p-lead p-%02d", i); said != want {
				t.Errorf("entry %d is %q", i, said)
			}
			if l, err := r.Looks(t.Context(), journal.SubjectID(fmt.Sprintf("p-%02d", i)), time.Time{}, 5); err != nil || len(l) != 1 {
				t.Errorf("person %d reads %+v, %v", i, l, err)
			}
		}
		if n := len(r.looks(t)); n != 41 {
			t.Errorf("%d entries", n)
		}
	})
}

// TestEachLookIsReadByWhomItWasAt: what the leader saw stands in the log of the one
// who was seen, and in nobody else's.
func TestEachLookIsReadByWhomItWasAt(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		r.people(t, crowd("ab")...)
		ctx := context.Background()
		lead := privacy.Viewer{Subject: "p-lead", Role: office.RoleLeader}
		r.agree(t, privacy.UnionDeal)
		begin := time.Now()
		r.MaySeeState(lead, "p-a")
		r.MaySeeState(lead, "p-a") // the page draws itself anew
		r.Name(lead, privacy.CallDetail, "p-a")
		r.Name(lead, privacy.Configure, "p-a") // sets up: no look
		r.Name(lead, privacy.CallDetail, r.Number("+390212345678"))
		r.MaySeeState(privacy.Viewer{Subject: "p-a", Role: office.RoleOperator}, "p-a")
		r.MaySeeFigures(privacy.Viewer{Subject: "p-b", Role: office.RoleOperator}, "p-a")
		time.Sleep(6 * time.Minute)
		r.MaySeeState(lead, "p-a")
		time.Sleep(time.Second)
		got, err := r.Looks(ctx, "p-a", time.Time{}, 50)
		if err != nil {
			t.Fatal(err)
		}
		want := []privacy.Look{
			{At: begin.Add(6 * time.Minute).UTC(), Who: "p-lead", What: privacy.LookState},
			{At: begin.UTC(), Who: "p-b", What: privacy.LookRefused},
			{At: begin.UTC(), Who: "p-lead", What: privacy.LookCalls},
			{At: begin.UTC(), Who: "p-lead", What: privacy.LookState},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if older, err := r.Looks(ctx, "p-a", begin.Add(time.Minute), 2); err != nil || len(older) != 2 || older[0].Who != "p-b" {
			t.Errorf("the older ones: %+v %v", older, err)
		}
		if none, err := r.Looks(ctx, "p-b", time.Time{}, 50); err != nil || len(none) != 0 {
			t.Errorf("looks at the other: %+v %v", none, err)
		}
		if n := len(r.looks(t)); n != 5 { // four looks and the agreement
			t.Errorf("%d entries in the journal", n)
		}
	})
}

func TestOnlyAManagerRecordsAnAgreement(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		boss := privacy.Viewer{Subject: "p-boss", Role: office.RoleManager}
		for name, tt := range map[string]struct {
			by   privacy.Viewer
			a    privacy.Agreement
			want error
		}{
			"the technician":    {privacy.Viewer{Subject: "p-t", Role: office.RoleTechnician}, privacy.Agreement{Kind: privacy.UnionDeal, Date: "1999-01-01"}, privacy.ErrForbidden},
			"nobody":            {privacy.Viewer{}, privacy.Agreement{Kind: privacy.NoAgreement}, privacy.ErrForbidden},
			"without a date":    {boss, privacy.Agreement{Kind: privacy.UnionDeal}, privacy.ErrAgreement},
			"in the future":     {boss, privacy.Agreement{Kind: privacy.UnionDeal, Date: "2100-01-01"}, privacy.ErrAgreement},
			"of unknown kind":   {boss, privacy.Agreement{Kind: "handshake", Date: "1999-01-01"}, privacy.ErrAgreement},
			"with a book in it": {boss, privacy.Agreement{Kind: privacy.UnionDeal, Date: "1999-01-01", Note: strings.Repeat("x", 501)}, privacy.ErrAgreement},
		} {
			if err := r.Record(context.Background(), tt.by, tt.a); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
		if r.Agreement().Kind != privacy.NoAgreement {
			t.Error("the gate opened")
		}
	})
}

func TestNamesNumbersAndTheAgreementOutliveARestart(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := openRoom(t, folder)
		anna := journal.SubjectID("p-anna")
		if err := r.SetName(ctx, anna, "  Anna Rossi "); err != nil {
			t.Fatal(err)
		}
		n := r.Number("+390212345678")
		if n != r.Number("+390212345678") || n == r.Number("+390212345679") || !strings.HasPrefix(string(n), "n-") || strings.Contains(string(n), "0212") {
			t.Errorf("pseudonym of a number is %s", n)
		}
		r.agree(t, privacy.UnionDeal)
		r.close()
		r = openRoom(t, folder)
		defer r.close()
		if got := r.NameForRouting(anna); got != "Anna Rossi" {
			t.Errorf("name is %q", got)
		}
		if got := r.NumberForRouting(n); got != "+390212345678" {
			t.Errorf("number is %q", got)
		}
		if r.Number("+390212345678") != n {
			t.Error("the caller is somebody else after a restart")
		}
		if a := r.Agreement(); a.Kind != privacy.UnionDeal || a.Date != "1999-03-01" || a.SetBy != "p-boss" || a.Note != "protocol 7" {
			t.Errorf("agreement is %+v", a)
		}
		if r.Number("") != "" || r.NumberForRouting("p-anna") != "" || r.NumberForRouting("n-unknown") != "" {
			t.Error("something out of nothing")
		}
	})
}

func TestErasing(t *testing.T) {
	folder := t.TempDir()
	boss := privacy.Viewer{Subject: "p-boss", Role: office.RoleManager}
	number := numbering.E164("+390299887766")
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := openRoom(t, folder)
		r.people(t, "p-anna", "p-left")
		n := r.Number(number)
		time.Sleep(time.Second)
		for s, want := range map[journal.SubjectID]error{"p-anna": privacy.ErrInUse, "p-unknown": privacy.ErrUnknown, "p-left": nil, n: nil} {
			if err := r.Erase(ctx, boss, s); !errors.Is(err, want) {
				t.Errorf("erase %s: %v, want %v", s, err, want)
			}
		}
		if err := r.Erase(ctx, privacy.Viewer{Subject: "p-t", Role: office.RoleTechnician}, "p-anna"); !errors.Is(err, privacy.ErrForbidden) {
			t.Errorf("the technician erases: %v", err)
		}
		again := r.Number(number)
		if again == n {
			t.Error("an erased caller is recognised again")
		}
		time.Sleep(time.Second)
		r.close()
		r = openRoom(t, folder)
		defer r.close()
		if r.NameForRouting("p-left") != "" || r.NumberForRouting(n) != "" {
			t.Error("came back after a restart")
		}
		if r.Number(number) != again || r.NumberForRouting(again) != number {
			t.Error("the new pseudonym did not last")
		}
		if _, bad, err := r.log.Verify(ctx); bad != nil || err != nil {
			t.Errorf("chain: %v %v", bad, err)
		}
	})
}

func TestNothingReadableOnDisk(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := openRoom(t, folder)
		if err := r.SetName(context.Background(), "p-anna", "Annamaria Castelfranchi"); err != nil {
			t.Fatal(err)
		}
		r.Number("+390299887766")
		r.close()
	})
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"Castelfranchi", "99887766"} {
			if bytes.Contains(b, []byte(word)) {
				t.Errorf("%s holds %q", filepath.Base(f), word)
			}
		}
	}
}

func TestNames(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		for _, name := range []string{"", "   ", strings.Repeat("è", 81), "a\nb", "a\u202eb", "a\xffb"} {
			if err := r.SetName(context.Background(), "p-1", name); !errors.Is(err, privacy.ErrName) {
				t.Errorf("name %q: %v", name, err)
			}
		}
		if err := r.SetName(context.Background(), "n-1", "a number's name"); !errors.Is(err, privacy.ErrName) {
			t.Errorf("name of a number: %v", err)
		}
		staged := r.StageName("p-1", "Bruno")
		if r.NameForRouting("p-1") != "" {
			t.Error("known before it is written")
		}
		lost := errors.New("the rest of the change fails")
		if err := r.db.Write(context.Background(), func(tx *sql.Tx) error { return errors.Join(staged(tx), lost) }); !errors.Is(err, lost) || r.NameForRouting("p-1") != "" {
			t.Errorf("a name whose change came to nothing is %q (%v)", r.NameForRouting("p-1"), err)
		}
		if err := r.db.Write(context.Background(), func(tx *sql.Tx) error { return staged(tx) }); err != nil || r.NameForRouting("p-1") != "Bruno" {
			t.Errorf("staged name: %v", err)
		}
	})
}

func TestManyCallers(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		var first journal.SubjectID
		for i := range 9000 { // more than memory keeps
			s := r.Number(numbering.E164(fmt.Sprintf("+39029%07d", i)))
			if i == 0 {
				first = s
			}
			if i%2000 == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(time.Second)
		if got := r.NumberForRouting(first); got != "+390290000000" {
			t.Errorf("first of many callers is %q", got)
		}
	})
}

func TestEveryStatementPrepares(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		if n := testbed.PrepareAll(t, r.db, "."); n < 8 {
			t.Errorf("only %d statements were found", n)
		}
	})
}

func BenchmarkNumber(b *testing.B) {
	folder := b.TempDir()
	db, _, err := store.Open(b.Context(), store.Options{Folder: folder, Migrations: append(journal.Migrations(), privacy.Migrations()...), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	log, _, err := journal.Open(b.Context(), journal.Options{DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	g, err := privacy.Open(b.Context(), privacy.Options{DB: db, Journal: log, Now: time.Now, Office: office.Empty})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		g.Number("+390212345678")
	}
}
