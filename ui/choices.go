package ui

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"centralino/internal/journal"
	"centralino/internal/store"
)

// What people choose for themselves alone, on their own pages. It is no part of the
// office: nobody else reads it, and changing it makes no version.
const (
	sqlChoice      = `SELECT value FROM ui_choice WHERE person = ? AND name = ?`
	sqlPutChoice   = `INSERT INTO ui_choice (person, name, value) VALUES (?, ?, ?) ON CONFLICT (person, name) DO UPDATE SET value = excluded.value`
	sqlDropChoices = `DELETE FROM ui_choice WHERE person = ?`
)

// choiceTable keeps them.
var choiceTable = store.Migration{Domain: "ui", Version: 1, SQL: []string{
	`CREATE TABLE ui_choice (
		person TEXT NOT NULL,
		name   TEXT NOT NULL,
		value  TEXT NOT NULL,
		PRIMARY KEY (person, name)
	) STRICT, WITHOUT ROWID`,
}}

// Statements lists every statement, so that a test can prepare each.
func Statements() []string { return []string{sqlChoice, sqlPutChoice, sqlDropChoices} }

// choice is what a person chose; empty: nothing, or it can't be read.
func (s *Server) choice(ctx context.Context, person journal.SubjectID, name string) string {
	var value string
	err := s.d.DB.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlChoice, string(person), name).Scan(&value)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) && ctx.Err() == nil {
		s.d.Log.Warn("read a person's choice", "name", name, "err", err)
	}
	return value
}

func (s *Server) choose(ctx context.Context, person journal.SubjectID, name, value string) error {
	err := s.d.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlPutChoice, string(person), name, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a person's choice of %s: %w", name, err)
	}
	return nil
}

// forgetChoices deletes what somebody chose who left.
func (s *Server) forgetChoices(ctx context.Context, person journal.SubjectID) error {
	err := s.d.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlDropChoices, string(person))
		return err
	})
	if err != nil {
		return fmt.Errorf("forget a person's choices: %w", err)
	}
	return nil
}
