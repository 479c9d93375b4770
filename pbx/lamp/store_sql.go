package lamp

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"

	"centralino/internal/store"
	"centralino/pbx/dialog"
)

// Migrations of the table of subscriptions, for store.Open.
var Migrations = []store.Migration{
	{Domain: "lamp", Version: 1, SQL: []string{`CREATE TABLE subscriptions (
	call_id TEXT NOT NULL,
	tag TEXT NOT NULL, -- ours
	local TEXT NOT NULL,
	remote TEXT NOT NULL,
	target TEXT NOT NULL,
	address TEXT NOT NULL,
	PRIMARY KEY (call_id, tag)
) STRICT, WITHOUT ROWID`}},
}

const (
	sqlPeers  = `SELECT call_id, tag, local, remote, target, address FROM subscriptions`
	sqlPut    = `INSERT OR REPLACE INTO subscriptions (call_id, tag, local, remote, target, address) VALUES (?, ?, ?, ?, ?, ?)`
	sqlRemove = `DELETE FROM subscriptions WHERE call_id = ? AND tag = ?`
)

// SQLStore keeps the subscriptions' dialogs in the box's database.
type SQLStore struct{ db *store.DB }

// NewSQLStore returns the store over a database that was opened with Migrations.
func NewSQLStore(db *store.DB) *SQLStore { return &SQLStore{db} }

// Load returns all stored dialogs; a row that can't be read comes without an address.
func (s *SQLStore) Load(ctx context.Context) ([]dialog.PeerRecord, error) {
	var out []dialog.PeerRecord
	err := s.db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlPeers)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r dialog.PeerRecord
			var address string
			if err := rows.Scan(&r.CallID, &r.Tag, &r.Local, &r.Remote, &r.Target, &address); err != nil {
				return err
			}
			r.Address, _ = netip.ParseAddrPort(address)
			out = append(out, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("load subscriptions: %w", err)
	}
	return out, nil
}

// Save puts and removes dialogs in one transaction.
func (s *SQLStore) Save(ctx context.Context, put, remove []dialog.PeerRecord) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		for _, r := range remove {
			if _, err := tx.Exec(sqlRemove, r.CallID, r.Tag); err != nil {
				return err
			}
		}
		for _, r := range put {
			if _, err := tx.Exec(sqlPut, r.CallID, r.Tag, r.Local, r.Remote, r.Target, r.Address.String()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save %d subscriptions, remove %d: %w", len(put), len(remove), err)
	}
	return nil
}
