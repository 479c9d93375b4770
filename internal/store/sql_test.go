package store_test

import (
	"fmt"
	"testing"

	"centralino/internal/store"
	"centralino/internal/testbed"
)

func TestEveryStatementPrepares(t *testing.T) {
	db, _ := open(t, options(t.TempDir()))
	if n := testbed.PrepareAll(t, db, "."); n < 8 {
		t.Errorf("only %d statements were found", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	db, _, err := store.Open(b.Context(), options(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := db.Write(b.Context(), insert("x")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a database of about 14 MB, which is checked whole.
func BenchmarkOpen(b *testing.B) {
	o := options(b.TempDir())
	db, _, err := store.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	for range 14 {
		if err := db.Write(b.Context(), insert(fmt.Sprintf("%01000000d", 0))); err != nil {
			b.Fatal(err)
		}
	}
	db.Close()
	for b.Loop() {
		db, _, err := store.Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		db.Close()
	}
}
