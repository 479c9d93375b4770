package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Fold is the kept state of a fold of the journal, so that starting does not read
// everything again.
type Fold struct {
	Name    string // of the fold: "acd", "calls by hour" …
	Version int    // of the state's form
	Seq     uint64 // last event that is in the state
	State   []byte
}

const (
	sqlSaveFold = `INSERT INTO folds (name, version, seq, state) VALUES (?, ?, ?, ?)
	ON CONFLICT (name) DO UPDATE SET version = excluded.version, seq = excluded.seq, state = excluded.state`
	sqlLoadFold = `SELECT version, seq, state FROM folds WHERE name = ?`
)

// SaveFold keeps a state. It waits until every event in it is on disk: a state
// never knows more than the journal.
func (l *Log) SaveFold(ctx context.Context, f Fold) error { return l.SaveFolds(ctx, f) }

// SaveFolds keeps several states that belong together, in one transaction.
func (l *Log) SaveFolds(ctx context.Context, folds ...Fold) error {
	if len(folds) == 0 {
		return nil
	}
	for _, f := range folds {
		if f.Seq > l.Durable() {
			if err := l.Flush(ctx); err != nil {
				return fmt.Errorf("save fold %s: %w", f.Name, err)
			}
		}
	}
	err := l.o.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, f := range folds {
			if _, err := tx.ExecContext(ctx, sqlSaveFold, f.Name, f.Version, int64(f.Seq), f.State); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save fold %s: %w", folds[0].Name, err)
	}
	return nil
}

// LoadFold returns the kept state of a fold, to be followed from Seq+1 on; false if
// there is none of that version, or one that knows more than the journal does (an
// older journal was restored).
func (l *Log) LoadFold(ctx context.Context, name string, version int) (Fold, bool, error) {
	f := Fold{Name: name}
	err := l.o.DB.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlLoadFold, name).Scan(&f.Version, &f.Seq, &f.State)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Fold{}, false, nil
	case err != nil:
		return Fold{}, false, fmt.Errorf("load fold %s: %w", name, err)
	case f.Version != version || f.Seq > l.Durable():
		return Fold{}, false, nil
	}
	return f, true, nil
}
