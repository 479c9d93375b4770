package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Migration is one step of a domain's schema. Versions of a domain start at 1 and
// have no gaps; a step that was released never changes.
type Migration struct {
	Domain  string // "journal", "office" …
	Version int
	SQL     []string // run in order in one transaction
}

// Migrated is a schema step that ran.
type Migrated struct {
	Domain   string
	From, To int
}

const (
	sqlSchemaTable = `CREATE TABLE IF NOT EXISTS schema_version (
	domain TEXT PRIMARY KEY,
	version INTEGER NOT NULL
) STRICT, WITHOUT ROWID`
	sqlSchemaRead = `SELECT domain, version FROM schema_version`
	sqlSchemaSet  = `INSERT INTO schema_version (domain, version) VALUES (?, ?)
	ON CONFLICT (domain) DO UPDATE SET version = excluded.version`
	sqlSchemaExists = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'`
)

// checkMigrations refuses gaps and repetitions.
func checkMigrations(all []Migration) error {
	next := map[string]int{}
	for _, m := range sorted(all) {
		next[m.Domain]++
		if m.Domain == "" || m.Version != next[m.Domain] || len(m.SQL) == 0 {
			return fmt.Errorf("store: migration %d of %q is empty or out of order", m.Version, m.Domain)
		}
	}
	return nil
}

// sorted orders migrations by version within each domain and keeps the order in
// which the domains were named.
func sorted(all []Migration) []Migration {
	rank := map[string]int{}
	for _, m := range all {
		if _, ok := rank[m.Domain]; !ok {
			rank[m.Domain] = len(rank)
		}
	}
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b Migration) int {
		if a.Domain != b.Domain {
			return rank[a.Domain] - rank[b.Domain]
		}
		return a.Version - b.Version
	})
	return out
}

// targets returns the newest version of each domain.
func targets(all []Migration) map[string]int {
	t := map[string]int{}
	for _, m := range all {
		t[m.Domain] = max(t[m.Domain], m.Version)
	}
	return t
}

// migrate brings every domain to its newest version, each step in a transaction of
// its own, after a copy of a database that is not new.
func (db *DB) migrate(ctx context.Context, found *Opened) error {
	have, err := readSchema(ctx, db.w)
	if err != nil {
		return fmt.Errorf("read schema versions: %w", db.failed(err))
	}
	if err := newer(have, targets(db.o.Migrations)); err != nil {
		return err
	}
	var todo []Migration
	for _, m := range sorted(db.o.Migrations) {
		if m.Version > have[m.Domain] {
			todo = append(todo, m)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if len(have) > 0 {
		if _, err := db.Copy(ctx); err != nil {
			if !errors.Is(err, ErrFull) {
				return fmt.Errorf("copy before migrating: %w", err)
			}
			found.CopyError = err
			db.o.Log.Warn("no space for the copy before migrating", "cause", err)
		}
	}
	for _, m := range todo {
		if err := db.Write(ctx, func(tx *sql.Tx) error { return db.step(tx, m) }); err != nil {
			return fmt.Errorf("migrate %s to version %d: %w", m.Domain, m.Version, err)
		}
		found.Migrated = append(found.Migrated, Migrated{Domain: m.Domain, From: m.Version - 1, To: m.Version})
	}
	return nil
}

func (db *DB) step(tx *sql.Tx, m Migration) error {
	if _, err := tx.Exec(sqlSchemaTable); err != nil {
		return err
	}
	for _, q := range m.SQL {
		if err := db.fault("migrate"); err != nil {
			return err
		}
		if _, err := tx.Exec(q); err != nil {
			return fmt.Errorf("%w in %q", err, firstLine(q))
		}
	}
	_, err := tx.Exec(sqlSchemaSet, m.Domain, m.Version)
	return err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// newer reports a domain whose schema this program does not know.
func newer(have, known map[string]int) error {
	for domain, v := range have {
		if v > known[domain] {
			return fmt.Errorf("%w: %s has schema %d, this program knows %d", ErrNewer, domain, v, known[domain])
		}
	}
	return nil
}

// readSchema returns the version of each domain; none for a new database.
func readSchema(ctx context.Context, conn *sql.DB) (map[string]int, error) {
	var n int
	if err := conn.QueryRowContext(ctx, sqlSchemaExists).Scan(&n); err != nil || n == 0 {
		return nil, err
	}
	rows, err := conn.QueryContext(ctx, sqlSchemaRead)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := map[string]int{}
	for rows.Next() {
		var domain string
		var version int
		if err := rows.Scan(&domain, &version); err != nil {
			return nil, err
		}
		have[domain] = version
	}
	return have, rows.Err()
}
