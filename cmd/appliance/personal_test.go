package main

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/internal/store"
)

// userAgents are what the phones of the tests call themselves.
var userAgents = []string{"baresip", "pbxtest", "User-Agent"}

// sampleNames are the names and surnames of the sample office's people.
func sampleNames() []string {
	var words []string
	for _, name := range office.Sample(office.SampleOptions{Now: time.Now()}).Names {
		words = append(words, strings.Fields(name)...)
	}
	return words
}

var digitRuns = regexp.MustCompile(`[0-9]{6,}`)

// nothingPersonal reads every payload of a journal as it lies on the disk and fails
// the test for each that holds a person's name, a number of the outside world or
// what a telephone calls itself. A number counts in every form that ends in it.
func nothingPersonal(t *testing.T, db *store.DB, words, numbers []string) {
	t.Helper()
	events := 0
	err := db.Read(t.Context(), func(tx *sql.Tx) error {
		rows, err := tx.Query("SELECT seq, kind, payload FROM events ORDER BY seq")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var seq int64
			var kind string
			var payload []byte
			if err := rows.Scan(&seq, &kind, &payload); err != nil {
				return err
			}
			events++
			if mark := personal(string(payload), words, numbers); mark != "" {
				t.Errorf("event %d (%s) holds %q: %s", seq, kind, mark, payload)
			}
		}
		return rows.Err()
	})
	if err != nil || events == 0 {
		t.Errorf("%d events read: %v", events, err)
	}
}

// personal returns the first mark that a payload holds.
func personal(payload string, words, numbers []string) string {
	for _, w := range words {
		if strings.Contains(payload, w) {
			return w
		}
	}
	for _, run := range digitRuns.FindAllString(payload, -1) {
		for _, n := range numbers {
			if strings.HasSuffix(run, n) {
				return n
			}
		}
	}
	return ""
}

func TestPersonal(t *testing.T) {
	for payload, want := range map[string]string{
		`{"from":"s-4f1c","to":"p-sample-anna"}`: "",
		`{"name":"Anna"}`:                        "Anna",
		`{"from":"+390612345678"}`:               "0612345678",
		`{"to":"06123456789"}`:                   "",
		`{"agent":"baresip v1.0.0"}`:             "baresip",
	} {
		if got := personal(payload, append(userAgents, "Anna"), []string{"0612345678"}); got != want {
			t.Errorf("%s: %q, want %q", payload, got, want)
		}
	}
}

// leftBehind opens a copy of the database that a box left, until the test ends.
func leftBehind(t *testing.T, data string) *store.DB {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"centralino.db", "centralino.db-wal"} {
		if err := copyOf(filepath.Join(data, name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	db, _, err := store.Open(context.Background(), store.Options{Folder: folder, Migrations: migrations(), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
