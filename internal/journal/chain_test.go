package journal_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/internal/store"
	"centralino/internal/testbed"
)

// TestVerifyFindsEachChange changes, removes, swaps or inserts one row and expects
// Verify to name the first row that is wrong.
func TestVerifyFindsEachChange(t *testing.T) {
	folder := t.TempDir()
	db, log, _, _, err := openForCrash(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- log.Run(ctx) }()
	for i := range 30 {
		id := journal.CallID(fmt.Sprint("c", i))
		log.Append(id, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"})
		log.Append(id, journal.CallEnded{Cause: "caller", Talk: time.Second})
	}
	if err := log.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	last := int(log.Durable())
	exec := func(tx *sql.Tx, query string, args ...any) {
		if _, err := tx.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	// within calls act on a changed journal and takes the change back.
	within := func(change func(tx *sql.Tx)) (bad *journal.BadRow) {
		back := fmt.Errorf("take back")
		err := db.Write(context.Background(), func(tx *sql.Tx) error {
			exec(tx, `DROP TRIGGER events_fixed`)
			exec(tx, `DROP TRIGGER events_kept`)
			change(tx)
			var err error
			if _, bad, err = journal.VerifyIn(tx); err != nil {
				t.Fatal(err)
			}
			return back
		})
		if err != back { // the very error
			t.Fatal(err)
		}
		return bad
	}
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.IntRange(1, last).Draw(t, "row")
		column := rapid.SampledFrom([]string{"payload", "hash", "time", "trusted", "call", "kind"}).Draw(t, "column")
		bad := within(func(tx *sql.Tx) {
			switch column {
			case "payload", "hash":
				var b []byte
				q := `SELECT payload FROM events WHERE seq = ?`
				if column == "hash" {
					q = `SELECT hash FROM events WHERE seq = ?`
				}
				if err := tx.QueryRow(q, seq).Scan(&b); err != nil {
					t.Fatal(err)
				}
				b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
				if column == "hash" {
					exec(tx, `UPDATE events SET hash = ? WHERE seq = ?`, b, seq)
				} else {
					exec(tx, `UPDATE events SET payload = ? WHERE seq = ?`, b, seq)
				}
			case "time":
				exec(tx, `UPDATE events SET time = time + 1 WHERE seq = ?`, seq)
			case "trusted":
				exec(tx, `UPDATE events SET trusted = 1 - trusted WHERE seq = ?`, seq)
			case "call":
				exec(tx, `UPDATE events SET call = call || 'x' WHERE seq = ?`, seq)
			case "kind":
				exec(tx, `UPDATE events SET kind = kind || 'x' WHERE seq = ?`, seq)
			}
		})
		if bad == nil || bad.Seq != uint64(seq) || bad.Reason != journal.BadHash {
			t.Fatalf("%s of row %d changed: verify says %v", column, seq, bad)
		}
	})
	if bad := within(func(tx *sql.Tx) { exec(tx, `DELETE FROM events WHERE seq = 7`) }); bad == nil || bad.Seq != 8 || bad.Reason != journal.BadMissing {
		t.Errorf("row 7 removed: %v", bad)
	}
	if bad := within(func(tx *sql.Tx) {
		exec(tx, `UPDATE events SET seq = -1 WHERE seq = 7`)
		exec(tx, `UPDATE events SET seq = 7 WHERE seq = 8`)
		exec(tx, `UPDATE events SET seq = 8 WHERE seq = -1`)
	}); bad == nil || bad.Seq != 7 {
		t.Errorf("rows 7 and 8 swapped: %v", bad)
	}
	if bad := within(func(*sql.Tx) {}); bad != nil {
		t.Errorf("nothing changed: %v", bad)
	}
}

func TestRowsCanNotBeChangedByMistake(t *testing.T) {
	db, _, _, _, err := openForCrash(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{`UPDATE events SET payload = x'00'`, `DELETE FROM events`} {
		err := db.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(q); return err })
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestEveryStatementPrepares(t *testing.T) {
	db, _, _, _, err := openForCrash(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n := testbed.PrepareAll(t, db, "."); n < 15 {
		t.Errorf("only %d statements were found", n)
	}
}

// TestEveryKindComesBack fills each payload at random: what is decoded is what was
// encoded, and encoding it again gives the same bytes.
func TestEveryKindComesBack(t *testing.T) {
	for kind, typ := range journal.Kinds() {
		rapid.Check(t, func(t *rapid.T) {
			v := reflect.New(typ).Elem()
			fill(t, v)
			p := v.Interface().(journal.Payload)
			if p.JournalKind() != kind {
				t.Fatalf("%T says it is %s, want %s", p, p.JournalKind(), kind)
			}
			b, err := journal.Encode(p)
			if err != nil {
				t.Fatal(err)
			}
			back := journal.Decode(kind, b)
			if _, raw := back.(journal.Raw); raw {
				t.Fatalf("%s was not understood", b)
			}
			again, err := journal.Encode(back)
			if err != nil || !bytes.Equal(b, again) {
				t.Fatalf("%s became %s (%v)", b, again, err)
			}
		})
	}
}

func fill(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "s"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "b"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "i"))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "u"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(-1e9, 1e9).Draw(t, "f"))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "n"), 3))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, k)
			fill(t, e)
			v.SetMapIndex(k, e)
		}
	default:
		t.Fatalf("a payload has a %s", v.Kind())
	}
}

func TestPayloadsHoldNoFreeText(t *testing.T) {
	// What a name or a number could slip into: fields of plain string, by hand.
	allowed := map[string]bool{}
	for _, f := range strings.Fields(`CallStarted.Line CallStarted.Extension CallStarted.Dialled CallRouted.Action
		TraceStep.Rule TraceStep.Object CallStep.Path CallStep.Step CallStep.Key CallLeg.Line CallLeg.Device
		CallLeg.Extension CallLeg.Cause CallEnded.Cause CallEnded.By AgentChanged.Reason ContactQueued.Queue
		Candidate.Reason ContactOffered.Queue ContactConnected.Queue ContactEnded.Queue ContactEnded.Outcome
		LineChanged.Line LineChanged.State LineChanged.Reason PhoneChanged.Device OfficeChanged.Note
		BoxStarted.Version BoxStarted.Board BoxStopped.Reason FaultChanged.Code FaultChanged.Subject AccessEvent.What
		AccessEvent.Source ContactEnded.Reason ContactQueued.Again AgentChanged.AskedReason ContactOffered.Strategy
		ContactAnnounced.Queue NoticeSaid.Queue NoticeSaid.Country CallbackPromised.Queue CallbackTried.Queue CallbackTried.Result
		CallTransfer.Action CallTransfer.Dialled CallTransfer.Object CallTransfer.Why
		CallbackSettled.Queue CallbackSettled.Why
		OutcomeSet.Queue OutcomeSet.Customer OutcomeSet.Outcome OutcomeSet.Script SurveyAnswered.Queue SurveyAnswered.Survey
		SurveyAnswered.Answer RecallDone.Why ReportMailed.Report ReportMailed.Result CustomerChanged.Customer CustomerChanged.What
		UpdateChanged.What UpdateChanged.Version UpdateChanged.Reason UpdateChanged.Source ClockSet.Source`) {
		allowed[f] = true
	}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Type == reflect.TypeFor[string]() && !allowed[typ.Name()+"."+f.Name] {
				t.Errorf("%s.%s is a string: may a name or a number get into it? If not, add it here", typ.Name(), f.Name)
			}
			walk(f.Type)
		}
	}
	for _, typ := range journal.Kinds() {
		walk(typ)
	}
}

func TestUnknownKindsAreKeptAsTheyStand(t *testing.T) {
	b := []byte(`{"a":1,"b":[2]}`)
	p := journal.Decode("future.kind", b)
	again, err := journal.Encode(p)
	if err != nil || !bytes.Equal(b, again) || p.JournalKind() != "future.kind" {
		t.Errorf("became %s %s (%v)", p.JournalKind(), again, err)
	}
	if _, raw := journal.Decode("call.ended", []byte(`{"talk":"long"}`)).(journal.Raw); !raw {
		t.Error("what can't be read is not kept raw")
	}
}

func FuzzDecode(f *testing.F) {
	for kind, typ := range journal.Kinds() {
		b, err := journal.Encode(reflect.New(typ).Elem().Interface().(journal.Payload))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(kind), b)
	}
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		p := journal.Decode(journal.Kind(kind), b)
		if p == nil {
			t.Fatal("nothing")
		}
		if _, raw := p.(journal.Raw); raw || !json.Valid(b) {
			return
		}
		if _, err := journal.Encode(p); err != nil {
			t.Errorf("%T can't be written again: %v", p, err)
		}
	})
}

// TestOldJournalIsRead opens a database that version 1 of the schema wrote: every
// kind comes back and the chain holds. -update makes it anew.
func TestOldJournalIsRead(t *testing.T) {
	const fixture = "testdata/db/v1.sqlite"
	if *update {
		makeOldJournal(t, fixture)
	}
	b, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/centralino.db", b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, log, rec, _, err := openForCrash(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, bad, err := log.Verify(t.Context()); bad != nil || err != nil {
		t.Errorf("chain: %v %v", bad, err)
	}
	seen := map[journal.Kind]bool{}
	err = log.Replay(t.Context(), 1, func(e journal.Event) error {
		if _, raw := e.Payload.(journal.Raw); raw {
			t.Errorf("event %d of kind %s is not understood any more", e.Seq, e.Payload.JournalKind())
		}
		seen[e.Payload.JournalKind()] = true
		return nil
	})
	if err != nil || len(seen) < 20 || rec.Head < 20 {
		t.Errorf("%d kinds, head %d, %v", len(seen), rec.Head, err)
	}
}

func makeOldJournal(t *testing.T, path string) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := start(t, folder)
		defer b.stop()
		for _, typ := range journal.Kinds() {
			p := reflect.New(typ).Elem().Interface().(journal.Payload)
			if _, gap := p.(journal.Gap); !gap {
				b.Append("c1", p)
			}
		}
		if err := b.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		name, err := b.db.Copy(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(folder + "/copies/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll("testdata/db", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReplayEqualsLive: a fold fed by a subscriber and one fed by replay are equal.
func TestReplayEqualsLive(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := start(t, folder)
		defer b.stop()
		s := b.Subscribe(1)
		defer s.Close()
		ids := []journal.CallID{"a", "b", "c"}
		for i := range 500 {
			b.Append(ids[i%3], journal.CallStep{Path: "p", Step: fmt.Sprint(i)})
			if i%50 == 0 {
				b.Append(ids[i%3], journal.CallEnded{Cause: "caller"})
			}
			if i%97 == 0 {
				time.Sleep(30 * time.Millisecond)
			}
		}
		replayed := all(t, b)
		for i, want := range replayed {
			got, err := s.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got.Hash == ([32]byte{}) {
				want.Hash = got.Hash // not on disk when it was given
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("event %d: %s", i, diff)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := benchLog(b)
	p := journal.CallLeg{Leg: "a", Kind: journal.LegPhone, State: journal.LegRinging, Device: "device-1", Person: "p-1"}
	b.ReportAllocs()
	for b.Loop() {
		l.Append("0123456789", p)
	}
	if err := l.Flush(b.Context()); err != nil { // the disk's share is in the time, too
		b.Fatal(err)
	}
}

func BenchmarkAppendSync(b *testing.B) {
	l := benchLog(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.AppendSync(b.Context(), "0123456789", journal.AccessEvent{What: "promise"}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchLog(b *testing.B) *journal.Log {
	db, _, err := store.Open(b.Context(), store.Options{
		Folder: b.TempDir(), Migrations: journal.Migrations(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	l, _, err := journal.Open(b.Context(), journal.Options{DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler), QueueRows: 1 << 22})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		db.Close()
	})
	return l
}
