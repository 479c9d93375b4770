package privacy_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// write runs f in a transaction.
func (r *room) write(t *testing.T, f func(tx *sql.Tx) error) {
	t.Helper()
	if err := r.db.Write(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func TestLookingANumberUpKeepsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		const n = numbering.E164("+390212345678")
		boss := privacy.Viewer{Subject: "p-boss", Role: office.RoleManager}
		s := r.Pseudonym(n)
		if s == "" || r.Pseudonym("") != "" {
			t.Fatal("no pseudonym")
		}
		if got, known := r.Name(boss, privacy.CallDetail, s); known {
			t.Errorf("the number was kept: %s", got)
		}
		var kept journal.SubjectID
		var fresh, again bool
		r.write(t, func(tx *sql.Tx) (err error) { kept, fresh, err = r.KeepNumber(tx, n); return err })
		r.write(t, func(tx *sql.Tx) (err error) { _, again, err = r.KeepNumber(tx, n); return err })
		if kept != s || !fresh || again || r.Number(n) != s {
			t.Errorf("kept %s fresh %v, again %v; looked up %s", kept, fresh, again, s)
		}
		if got, _ := r.Name(boss, privacy.CallDetail, s); got != string(n) {
			t.Errorf("the number is %q", got)
		}
	})
}

func TestADroppedNumberIsGoneAndKeepsItsPseudonym(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		const n = numbering.E164("+390212345678")
		s := r.Pseudonym(n)
		r.write(t, func(tx *sql.Tx) error { _, _, err := r.KeepNumber(tx, n); return err })
		r.write(t, func(tx *sql.Tx) error { return r.DropNumber(tx, s) })
		if r.NumberForRouting(s) != "" || r.Pseudonym(n) != s {
			t.Error("the number is still there, or has another pseudonym")
		}
		r.people(t, "p-anna")
		if err := r.db.Write(context.Background(), func(tx *sql.Tx) error { return r.DropNumber(tx, "p-anna") }); !errors.Is(err, privacy.ErrUnknown) {
			t.Errorf("a person was dropped: %v", err)
		}
	})
}

// An import that comes to nothing takes no number away from somebody who called
// meanwhile: his calls stand in the journal.
func TestADroppedNumberThatCalledStays(t *testing.T) {
	const n = numbering.E164("+390212345678")
	keep := func(t *testing.T, r *room) (s journal.SubjectID, fresh bool) {
		r.write(t, func(tx *sql.Tx) (err error) { s, fresh, err = r.KeepNumber(tx, n); return err })
		return s, fresh
	}
	for name, play := range map[string]func(t *testing.T, r *room){
		"called a moment before": func(t *testing.T, r *room) {
			r.Number(n)
			if _, fresh := keep(t, r); fresh {
				t.Error("a number that called is the import's own")
			}
		},
		"called in between": func(t *testing.T, r *room) {
			s, _ := keep(t, r)
			r.Number(n)
			time.Sleep(time.Second)
			r.write(t, func(tx *sql.Tx) error { return r.DropNumber(tx, s) })
		},
		"was looked at and called in between": func(t *testing.T, r *room) {
			s, _ := keep(t, r)
			r.NumberForRouting(s)
			r.Number(n)
			r.write(t, func(tx *sql.Tx) error { return r.DropNumber(tx, s) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				r := openRoom(t, folder)
				play(t, r)
				time.Sleep(time.Second)
				r.close()
				r = openRoom(t, folder)
				defer r.close()
				if got := r.NumberForRouting(r.Pseudonym(n)); got != n {
					t.Errorf("who called is %q", got)
				}
			})
		})
	}
}

func TestErasingWithinAChange(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		const n = numbering.E164("+390212345678")
		s := r.Number(n)
		boss := privacy.Viewer{Subject: "p-boss", Role: office.RoleManager}
		if _, err := r.EraseWith(privacy.Viewer{Subject: "p-x", Role: office.RoleTechnician}, s); !errors.Is(err, privacy.ErrForbidden) {
			t.Errorf("a technician may erase: %v", err)
		}
		write, err := r.EraseWith(boss, s)
		if err != nil {
			t.Fatal(err)
		}
		r.write(t, write)
		if r.NumberForRouting(s) != "" || r.Pseudonym(n) == s {
			t.Error("the number is still known, or has its old pseudonym")
		}
		if write, err = r.EraseWith(boss, s); err != nil {
			t.Errorf("erasing again: %v", err)
		} else {
			r.write(t, write)
		}
	})
}

func TestAnErasureThatCameToNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		const n = numbering.E164("+390212345678")
		boss := privacy.Viewer{Subject: "p-boss", Role: office.RoleManager}
		var kept journal.SubjectID
		r.write(t, func(tx *sql.Tx) (err error) { kept, _, err = r.KeepNumber(tx, n); return err })
		r.people(t, "p-gone")
		for s, want := range map[journal.SubjectID]string{kept: string(n), "p-gone": "Name of p-gone"} {
			write, err := r.EraseWith(boss, s)
			if err != nil {
				t.Fatal(err)
			}
			no := errors.New("no")
			if err := r.db.Write(context.Background(), func(tx *sql.Tx) error { return errors.Join(write(tx), no) }); !errors.Is(err, no) {
				t.Fatal(err)
			}
			if got, _ := r.Name(boss, privacy.Configure, s); s != kept && got != want {
				t.Errorf("%s is %q", s, got)
			}
		}
		if r.Number(n) != kept || r.NumberForRouting(kept) != n {
			t.Error("the number is known no more, or under another pseudonym")
		}
	})
}
