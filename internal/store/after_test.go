package store_test

import (
	"database/sql"
	"errors"
	"slices"
	"testing"

	"centralino/internal/store"
)

func TestWhatFollowsACommitRunsOnlyAfterIt(t *testing.T) {
	o := options(t.TempDir())
	var refuse error
	o.Fault = func(operation string) error {
		if operation == "commit" {
			return refuse
		}
		return nil
	}
	db, _ := open(t, o)
	var ran []string
	note := func(text string) func() { return func() { ran = append(ran, text) } }
	lost := errors.New("lost")
	cases := []struct {
		name   string
		commit error
		fn     func(tx *sql.Tx) error
		want   []string
	}{
		{"what is on disk is told in order", nil, func(*sql.Tx) error {
			db.AfterCommit(note("one"))
			db.AfterCommit(note("two"))
			if len(ran) > 0 {
				t.Error("told before the commit")
			}
			return nil
		}, []string{"one", "two"}},
		{"nothing of a function that fails", nil, func(*sql.Tx) error { db.AfterCommit(note("no")); return lost }, nil},
		{"nothing of a commit that fails", store.ErrIO, func(*sql.Tx) error { db.AfterCommit(note("no")); return nil }, nil},
		{"nothing of a part that is undone", nil, func(*sql.Tx) error {
			db.AfterCommit(note("before"))
			err := db.Undoable(func() error { db.AfterCommit(note("no")); return lost })
			db.AfterCommit(note("behind"))
			if !errors.Is(err, lost) {
				t.Errorf("the part's error is %v", err)
			}
			return nil
		}, []string{"before", "behind"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ran, refuse = nil, c.commit
			_ = db.Write(t.Context(), c.fn)
			if !slices.Equal(ran, c.want) {
				t.Errorf("told %v, want %v", ran, c.want)
			}
		})
	}
}
