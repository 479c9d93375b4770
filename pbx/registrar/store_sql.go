package registrar

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/pbx/sip"
)

// Migrations of the registrar's table, for store.Open.
var Migrations = []store.Migration{
	{Domain: "registrar", Version: 1, SQL: []string{`CREATE TABLE bindings (
	device TEXT NOT NULL,
	contact TEXT NOT NULL,
	username TEXT NOT NULL,
	transport TEXT NOT NULL,
	remote TEXT NOT NULL,
	local TEXT NOT NULL,
	source TEXT NOT NULL,
	instance TEXT NOT NULL,
	reg_id TEXT NOT NULL,
	path TEXT NOT NULL,
	agent TEXT NOT NULL,
	q INTEGER NOT NULL,
	call_id TEXT NOT NULL,
	cseq INTEGER NOT NULL,
	granted INTEGER NOT NULL,
	registered INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	PRIMARY KEY (device, contact)
) STRICT, WITHOUT ROWID`}},
}

const (
	sqlBindings = `SELECT device, contact, username, transport, remote, local, source, instance, reg_id, path,
	agent, q, call_id, cseq, granted, registered, expires FROM bindings`
	sqlPut = `INSERT OR REPLACE INTO bindings (device, contact, username, transport, remote, local, source, instance,
	reg_id, path, agent, q, call_id, cseq, granted, registered, expires)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlRemove = `DELETE FROM bindings WHERE device = ? AND contact = ?`
)

// SQLStore keeps bindings in the box's database.
type SQLStore struct{ db *store.DB }

// NewSQLStore returns the store over a database that was opened with Migrations.
func NewSQLStore(db *store.DB) *SQLStore { return &SQLStore{db} }

// Load returns all stored bindings; a row that can't be read is left out.
func (s *SQLStore) Load(ctx context.Context) ([]Binding, error) {
	var out []Binding
	err := s.db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlBindings)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			b, err := scanBinding(rows)
			if err == nil {
				out = append(out, b)
			} else if !errors.Is(err, errRow) {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("load bindings: %w", err)
	}
	return out, nil
}

var errRow = errors.New("row is no binding")

func scanBinding(rows *sql.Rows) (Binding, error) {
	var b Binding
	var device, contact, transport, remote, local, source, path string
	var granted, registered, expires int64
	if err := rows.Scan(&device, &contact, &b.Username, &transport, &remote, &local, &source, &b.Instance, &b.RegID,
		&path, &b.Agent, &b.Q, &b.CallID, &b.CSeq, &granted, &registered, &expires); err != nil {
		return b, err
	}
	var err error
	if b.URI, err = sip.ParseURI(contact); err != nil {
		return b, errors.Join(errRow, err)
	}
	if b.Source, err = netip.ParseAddrPort(source); err != nil {
		return b, errors.Join(errRow, err)
	}
	if r, err := netip.ParseAddrPort(remote); err == nil && transport != "" {
		l, _ := netip.ParseAddrPort(local) // zero: the stack picks the listener
		b.Flow = sip.NewFlow(transport, l, r)
	}
	if path != "" {
		b.Path = strings.Split(path, "\n")
	}
	b.Device = office.ID(device)
	b.Granted = time.Duration(granted) * time.Millisecond
	b.Registered, b.Expires = time.UnixMilli(registered), time.UnixMilli(expires)
	return b, nil
}

// Save puts and removes bindings in one transaction.
func (s *SQLStore) Save(ctx context.Context, put, remove []Binding) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		for _, b := range remove {
			if _, err := tx.Exec(sqlRemove, string(b.Device), b.URI.String()); err != nil {
				return err
			}
		}
		for _, b := range put {
			local := ""
			if b.Flow.Local().IsValid() {
				local = b.Flow.Local().String()
			}
			if _, err := tx.Exec(sqlPut, string(b.Device), b.URI.String(), b.Username, b.Flow.Transport(),
				b.Flow.Remote().String(), local, b.Source.String(), b.Instance, b.RegID, strings.Join(b.Path, "\n"),
				b.Agent, b.Q, b.CallID, b.CSeq, b.Granted.Milliseconds(), b.Registered.UnixMilli(), b.Expires.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save %d bindings, remove %d: %w", len(put), len(remove), err)
	}
	return nil
}
