package office_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
)

// desk is an office store on a database of its own.
type desk struct {
	*office.Store
	db    *store.DB
	log   *journal.Log
	fail  error // what the disk answers
	close func()
}

func openDesk(t testing.TB, folder string, first *office.Document) *desk {
	t.Helper()
	k := &desk{}
	ctx := context.Background()
	db, _, err := store.Open(ctx, store.Options{
		Folder: folder, Migrations: append(journal.Migrations(), office.Migrations()...), Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Files: []string{office.KeyFile},
		Fault: func(op string) error {
			if op == "commit" {
				return k.fail
			}
			return nil
		},
		CheckRestored: []func(context.Context, *sql.DB) error{journal.CheckRestored, office.CheckRestored},
	})
	if err != nil {
		t.Fatal(err)
	}
	log, _, err := journal.Open(ctx, journal.Options{DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- log.Run(run) }()
	k.db, k.log = db, log
	closed := false
	k.close = func() {
		if !closed {
			closed = true
			cancel()
			<-done
			db.Close()
		}
	}
	t.Cleanup(k.close)
	if k.Store, err = office.OpenStore(ctx, office.StoreOptions{DB: db, Journal: log, Now: time.Now, First: first}); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *desk) rename(t testing.TB, name string) *office.Snapshot {
	t.Helper()
	now := k.Current()
	d := now.Doc.Clone()
	if p := d.Set(office.KindSite, "", "name", name); len(p) > 0 {
		t.Fatal(p)
	}
	snap, err := k.Apply(context.Background(), office.Edit{Base: now.Version, Doc: d, By: "p-1"})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func TestVersionsAreKeptAndComeBack(t *testing.T) {
	folder := t.TempDir()
	k := openDesk(t, folder, sample())
	ctx := context.Background()
	if v := k.Current(); v.Version != 1 || v.Note != "sample" {
		t.Fatalf("first version %+v", v)
	}
	var told []int
	stop := k.Subscribe(func(s *office.Snapshot) { told = append(told, s.Version) })
	k.rename(t, "Due")
	k.rename(t, "Tre")
	stop()
	if _, err := k.Undo(ctx, 2, "p-1"); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(told) != "[2 3]" {
		t.Errorf("subscriber was told %v", told)
	}
	k.close()
	k = openDesk(t, folder, nil)
	if v := k.Current(); v.Version != 4 || v.Doc.Site.Name != "Due" || v.Note != "undo" || v.By != "p-1" {
		t.Errorf("after a restart: %+v", v)
	}
	list, err := k.Versions(ctx, 0, 10)
	if err != nil || len(list) != 4 || list[0].From != 2 || !list[0].Current || list[3].Note != "sample" {
		t.Errorf("versions %+v %v", list, err)
	}
	if list, err = k.Versions(ctx, 3, 1); err != nil || len(list) != 1 || list[0].Version != 2 {
		t.Errorf("second page %+v %v", list, err)
	}
	if _, err := k.At(ctx, 9); !errors.Is(err, office.ErrNoVersion) {
		t.Errorf("version 9: %v", err)
	}
	var events []string
	err = k.log.Replay(ctx, 1, func(e journal.Event) error {
		if c, ok := e.Payload.(journal.OfficeChanged); ok {
			events = append(events, fmt.Sprint(c.Version, c.Note, c.From))
		}
		return nil
	})
	if err != nil || fmt.Sprint(events) != "[1sample0 2edit0 3edit0 4undo2]" {
		t.Errorf("journal says %v %v", events, err)
	}
}

func TestApplyRefuses(t *testing.T) {
	k := openDesk(t, t.TempDir(), sample())
	ctx := context.Background()
	k.rename(t, "Due")
	draft := k.Current().Doc.Clone()
	draft.Site.Name = "Tardi"
	var conflict *office.Conflict
	if _, err := k.Apply(ctx, office.Edit{Base: 1, Doc: draft}); !errors.As(err, &conflict) || conflict.Current != 2 {
		t.Errorf("an old base: %v", err)
	}
	if p := k.Propose(1, draft); !p.Conflict || len(p.Changes) != 1 || len(p.Problems) != 0 {
		t.Errorf("proposal of an old base: %+v", p)
	}
	bad := k.Current().Doc.Clone()
	bad.Extensions[0].Digits = "112"
	var invalid *office.Invalid
	if _, err := k.Apply(ctx, office.Edit{Base: 2, Doc: bad}); !errors.As(err, &invalid) || invalid.Problems[0].Code != office.ProblemReserved {
		t.Errorf("an invalid draft: %v", err)
	}
	boom := errors.New("boom")
	if _, err := k.Apply(ctx, office.Edit{Base: 2, Doc: draft, With: func(*sql.Tx) error { return boom }}); !errors.Is(err, boom) {
		t.Errorf("a row that can't be written: %v", err)
	}
	k.fail = store.ErrFull
	if _, err := k.Apply(ctx, office.Edit{Base: 2, Doc: draft}); !errors.Is(err, store.ErrFull) {
		t.Errorf("a full disk: %v", err)
	}
	k.fail = nil
	if v := k.Current(); v.Version != 2 || v.Doc.Site.Name != "Due" {
		t.Errorf("something was applied: %+v", v)
	}
	if same, err := k.Apply(ctx, office.Edit{Base: 2, Doc: k.Current().Doc}); err != nil || same.Version != 2 {
		t.Errorf("a draft without changes became a version: %v %v", same, err)
	}
	if snap, err := k.Apply(ctx, office.Edit{Base: 2, Doc: draft}); err != nil || snap.Version != 3 {
		t.Errorf("after all that: %v %v", snap, err)
	}
	draft.Site.Name = "changed by the caller"
	if k.Current().Doc.Site.Name != "Tardi" {
		t.Error("the applied document changed with the draft")
	}
}

func TestUnreadableVersionIsSkipped(t *testing.T) {
	folder := t.TempDir()
	k := openDesk(t, folder, sample())
	k.rename(t, "Due")
	k.rename(t, "Tre")
	err := k.db.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE office_versions SET document = x'00' WHERE version = 3`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	k.close()
	k = openDesk(t, folder, nil)
	if v := k.Current(); v.Version != 2 || !slices.Equal(k.Skipped(), []int{3}) {
		t.Fatalf("current %+v, skipped %v", v, k.Skipped())
	}
	if snap := k.rename(t, "Quattro"); snap.Version != 4 {
		t.Errorf("the next version is %d, want 4", snap.Version)
	}
}

func TestIDsAreNeverGivenTwice(t *testing.T) {
	folder := t.TempDir()
	k := openDesk(t, folder, sample())
	ctx := context.Background()
	seen := map[office.ID]bool{}
	for range 2 {
		for range 3 {
			id, err := k.NewID(ctx, office.KindProfile)
			if err != nil || seen[id] || k.Current().Doc.ProfileByID(id) != nil {
				t.Fatalf("id %s again (%v)", id, err)
			}
			seen[id] = true
		}
		d := k.Current().Doc.Clone()
		d.Add(office.KindProfile, "profile-"+strconv.Itoa(100*len(seen)))
		d.Set(office.KindProfile, "profile-"+strconv.Itoa(100*len(seen)), "name", "Nuovo")
		if _, err := k.Apply(ctx, office.Edit{Base: k.Current().Version, Doc: d}); err != nil {
			t.Fatal(err)
		}
		seen[office.ID("profile-"+strconv.Itoa(100*len(seen)))] = true
		k.close()
		k = openDesk(t, folder, nil)
	}
	if id, _ := k.NewID(ctx, office.KindProfile); id != "profile-601" && id != "profile-701" {
		t.Errorf("after profile-%d came %s", 600, id)
	}
}

// TestUndoOfApplyIsIdentity edits at random through the schema: what was applied is
// valid, and undoing brings the very same document back.
func TestUndoOfApplyIsIdentity(t *testing.T) {
	k := openDesk(t, t.TempDir(), rich())
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		before := k.Current()
		draft := before.Doc.Clone()
		for range rapid.IntRange(1, 6).Draw(t, "edits") {
			randomEdit(t, draft)
		}
		snap, err := k.Apply(ctx, office.Edit{Base: before.Version, Doc: draft})
		var invalid *office.Invalid
		switch {
		case errors.As(err, &invalid):
			if k.Current() != before {
				t.Fatal("an invalid draft changed something")
			}
			return
		case err != nil:
			t.Fatal(err)
		}
		if p := office.Blocking(office.Validate(snap.Doc)); len(p) > 0 {
			t.Fatalf("applied although invalid: %v", p)
		}
		back, err := k.Undo(ctx, before.Version, "")
		if err != nil {
			t.Fatal(err)
		}
		if c := office.Diff(before.Doc, back.Doc); len(c) > 0 {
			t.Fatalf("undo left %v", c)
		}
		a, _ := office.Encode(before.Doc)
		b, _ := office.Encode(back.Doc)
		if string(a) != string(b) {
			t.Fatalf("undo brought back\n%s\nof\n%s", b, a)
		}
	})
}

func randomEdit(t *rapid.T, d *office.Document) {
	f := rapid.SampledFrom(office.Schema()).Draw(t, "field")
	ids := d.IDs(f.Kind)
	if len(ids) == 0 {
		return
	}
	id := rapid.SampledFrom(ids).Draw(t, "object")
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		d.Remove(f.Kind, id)
	case 1:
		d.Add(f.Kind, "x-"+strconv.Itoa(rapid.IntRange(0, 99).Draw(t, "n")))
	case 2: // a value of another object
		if text, ok := d.Get(f.Kind, rapid.SampledFrom(ids).Draw(t, "other"), f.Name); ok {
			d.Set(f.Kind, id, f.Name, text)
		}
	default:
		words := append([]string{"", "0", "1", "7", "30", "true", "false", "Nome", "+390299", "09:00-12:00", "end", "group group=group-1\nend", "205", "*88"}, f.Choices...)
		for _, k := range f.Refs {
			words = append(words, d.IDs(k)...)
		}
		d.Set(f.Kind, id, f.Name, rapid.SampledFrom(words).Draw(t, "text"))
	}
}

func TestSecrets(t *testing.T) {
	folder := t.TempDir()
	k := openDesk(t, folder, sample())
	ctx := context.Background()
	s, err := office.OpenSecrets(ctx, k.db)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := s.Put(ctx, "geheim")
	if err != nil {
		t.Fatal(err)
	}
	staged, write := s.Stage("two")
	if _, ok := s.Get(staged); ok {
		t.Error("a staged secret is known before anybody says yes")
	}
	lost := errors.New("the rest of the change fails")
	if _, err := k.Apply(ctx, office.Edit{Base: 1, Doc: k.Current().Doc, With: func(tx *sql.Tx) error { return errors.Join(write(tx), lost) }}); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	if _, ok := s.Get(staged); ok {
		t.Error("a secret of a change that came to nothing is known")
	}
	draft := k.Current().Doc.Clone()
	draft.Devices[0].Secret = staged
	if _, err := k.Apply(ctx, office.Edit{Base: 1, Doc: draft, With: write}); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Get(staged); !ok || got != "two" {
		t.Errorf("the staged secret is %q %v", got, ok)
	}
	if s, err = office.OpenSecrets(ctx, k.db); err != nil {
		t.Fatal(err)
	}
	for r, want := range map[office.SecretRef]string{ref: "geheim", staged: "two"} {
		if got, ok := s.Get(r); !ok || got != want {
			t.Errorf("%s is %q %v, want %q", r, got, ok, want)
		}
	}
	if _, ok := s.Get("secret-none"); ok {
		t.Error("a secret that nobody kept")
	}
	key := filepath.Join(folder, office.KeyFile)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v", info.Mode(), err)
	}
	if err := os.WriteFile(key, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = office.OpenSecrets(ctx, k.db); err != nil || len(s.Lost()) != 2 {
		t.Errorf("with a lost key: %v, lost %v", err, s.Lost())
	}
	if _, ok := s.Get(ref); ok {
		t.Error("a secret opened under a wrong key")
	}
}

func TestNewSecretsAreLongAndClear(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := office.NewSecret()
		if len(s) < 20 || seen[s] {
			t.Fatalf("secret %q", s)
		}
		for _, c := range s {
			if slices.Contains([]rune("0O1lIi"), c) {
				t.Fatalf("%q has %q, which is taken for another", s, c)
			}
		}
		seen[s] = true
	}
}

func FuzzDecode(f *testing.F) {
	b, err := office.Encode(rich())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := office.Decode(b)
		if err != nil {
			return
		}
		office.Validate(d)
		office.Diff(d, office.Empty())
		if again, err := office.Encode(d); err != nil || len(again) == 0 {
			t.Errorf("can't be written again: %v", err)
		}
	})
}
