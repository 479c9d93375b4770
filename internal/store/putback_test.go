package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"centralino/internal/store"
)

// TestPutBack is a version of the program that was taken back after it had migrated the
// database.
func TestPutBack(t *testing.T) {
	older, newer := options(t.TempDir()), options("")
	newer.Folder = older.Folder
	older.Migrations = notes[:1]
	db, _ := open(t, older)
	add(t, db, "before the update")
	name, err := db.Copy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	db, _ = open(t, newer)
	add(t, db, "on trial")
	db.Close()
	if _, _, err := store.Open(t.Context(), older); !errors.Is(err, store.ErrNewer) {
		t.Fatalf("the older program opens it: %v", err)
	}
	for _, bad := range []string{"", "../" + name, "centralino.db", "copy-2026-07-01T08-00-00Z.db"} {
		if _, err := store.PutBack(t.Context(), older, bad); err == nil {
			t.Errorf("%q is put back", bad)
		}
	}
	aside, err := store.PutBack(t.Context(), older, name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(older.Folder, aside, "centralino.db")); err != nil {
		t.Error("the newer database is gone")
	}
	db, found := open(t, older)
	if got := texts(t, db); len(got) != 1 || got[0] != "before the update" || found.Damage != nil {
		t.Errorf("the database holds %q, damage %+v", got, found.Damage)
	}
}
