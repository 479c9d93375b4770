package outcome

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/store"
)

// stageChunk is how many cards are prepared in one transaction: the journal never
// waits long behind it.
const stageChunk = 500

const (
	sqlImports     = `SELECT id, time, by, source, date, created, merged, rejected FROM outcome_imports ORDER BY time DESC LIMIT 50`
	sqlPutImport   = `INSERT INTO outcome_imports (id, time, by, source, date, created, merged, rejected) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	sqlStage       = `INSERT INTO outcome_staged (customer, name, company, fields, search, created, note, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	sqlStageNumber = `INSERT INTO outcome_staged_numbers (subject, customer, place, fresh) VALUES (?, ?, ?, ?)`
	sqlStageMoved  = `SELECT count(*) FROM outcome_staged s WHERE s.seen <> coalesce((SELECT c.changed FROM outcome_customers c WHERE c.id = s.customer), 0)`
	sqlStageTaken  = `SELECT count(*) FROM outcome_staged_numbers s JOIN outcome_numbers n ON n.subject = s.subject WHERE n.customer <> s.customer`
	sqlFlipCards   = `INSERT INTO outcome_customers (id, name, company, fields, search, created, changed)
	SELECT customer, name, company, fields, search, created, ? FROM outcome_staged WHERE true
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, company = excluded.company, fields = excluded.fields, search = excluded.search, changed = excluded.changed`
	sqlFlipNumbers = `INSERT INTO outcome_numbers (subject, customer, place) SELECT subject, customer, place FROM outcome_staged_numbers WHERE true ON CONFLICT (subject) DO NOTHING`
	sqlFlipNotes   = `INSERT INTO outcome_notes (customer, time, by, text) SELECT customer, ?, '', note FROM outcome_staged s WHERE note <> ''
	AND NOT EXISTS (SELECT 1 FROM outcome_notes n WHERE n.customer = s.customer AND n.text = s.note)`
	sqlFlipOrigins    = `INSERT INTO outcome_origins (customer, import, source, date, time) SELECT customer, ?, ?, ?, ? FROM outcome_staged WHERE true ON CONFLICT DO NOTHING`
	sqlUnstage        = `DELETE FROM outcome_staged`
	sqlUnstageNumbers = `DELETE FROM outcome_staged_numbers`
	sqlStagedFresh    = `SELECT subject FROM outcome_staged_numbers WHERE fresh = 1 AND subject NOT IN (SELECT subject FROM outcome_numbers) LIMIT ?`
	sqlUnstageNumber  = `DELETE FROM outcome_staged_numbers WHERE subject = ?`
)

// Import makes or adds to the cards of a table, all of them or none: they are
// prepared aside in small transactions, which hold nobody up, and come into force in
// one. It plans anew, so the numbers may differ from a Plan that was looked at.
func (b *Book) Import(ctx context.Context, by journal.SubjectID, t *Table, m Mapping, plan numbering.Plan, from ImportSource) (Import, *Plan, error) {
	now := b.now()
	imp := Import{ID: newID("i-"), Time: now, By: by, Source: strings.TrimSpace(from.Source), Date: from.Date}
	if wrong := from.Check(now); len(wrong) > 0 {
		return imp, nil, fmt.Errorf("import: %s: %w", wrong[0].Code, ErrLong)
	}
	b.importing.Lock()
	defer b.importing.Unlock()
	p, err := b.Plan(ctx, t, m, plan)
	if err != nil {
		return imp, nil, err
	}
	imp.Created, imp.Merged = p.New, p.Merged
	for _, r := range p.Rejected {
		if !r.Kept {
			imp.Rejected++
		}
	}
	if len(p.cards) == 0 {
		return imp, p, fmt.Errorf("import: %w", ErrNoRows)
	}
	if err = b.unstage(ctx); err == nil { // of an import that could not be cleared away
		err = b.stage(ctx, p, now)
	}
	if err == nil {
		event := journal.CustomerChanged{Customer: imp.ID, What: "imported", By: by}
		_, err = b.o.Journal.AppendWith(ctx, "", event, func(tx *sql.Tx) error { return flip(tx, imp) })
	}
	if err != nil {
		err = fmt.Errorf("import: %w", err)
		if gone := b.unstage(context.WithoutCancel(ctx)); gone != nil {
			err = fmt.Errorf("%w; clear it away: %w", err, gone)
		}
		return imp, p, err
	}
	return imp, p, nil
}

// stage prepares the cards aside.
func (b *Book) stage(ctx context.Context, p *Plan, now time.Time) error {
	for chunk := range slices.Chunk(p.cards, stageChunk) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := b.o.DB.Write(ctx, func(tx *sql.Tx) error { return b.stageCards(tx, chunk, now) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) stageCards(tx *sql.Tx, cards []*planned, now time.Time) error {
	putCard, err := tx.Prepare(sqlStage)
	if err != nil {
		return err
	}
	defer putCard.Close()
	putNumber, err := tx.Prepare(sqlStageNumber)
	if err != nil {
		return err
	}
	defer putNumber.Close()
	for _, c := range cards {
		if err := b.stageCard(tx, putCard, putNumber, c, now); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) stageCard(tx *sql.Tx, putCard, putNumber *sql.Stmt, c *planned, now time.Time) error {
	card := c.card
	if c.seen.IsZero() {
		card.ID, card.Created = newID("k-"), now
	}
	fields, err := json.Marshal(card.Fields)
	if err != nil {
		return err
	}
	if _, err := putCard.Exec(card.ID, card.Name, card.Company, string(fields), searchText(card), store.Nanos(card.Created), c.note, store.Nanos(c.seen)); err != nil {
		return err
	}
	for i, n := range c.numbers {
		s, fresh, err := b.o.Gate.KeepNumber(tx, n)
		if err != nil {
			return err
		}
		if _, err := putNumber.Exec(string(s), card.ID, len(c.have)+i, fresh); err != nil {
			return err
		}
	}
	return nil
}

// flip brings what was prepared into force.
func flip(tx *sql.Tx, imp Import) error {
	for _, q := range []string{sqlStageMoved, sqlStageTaken} {
		n := 0
		if err := tx.QueryRow(q).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return ErrMoved
		}
	}
	at := imp.Time.UnixNano()
	for _, step := range []struct {
		query string
		args  []any
	}{
		{sqlFlipCards, []any{at}}, {sqlFlipNumbers, nil}, {sqlFlipNotes, []any{at}}, {sqlFlipOrigins, []any{imp.ID, imp.Source, imp.Date, at}},
		{sqlPutImport, []any{imp.ID, at, string(imp.By), imp.Source, imp.Date, imp.Created, imp.Merged, imp.Rejected}},
		{sqlUnstage, nil}, {sqlUnstageNumbers, nil},
	} {
		if _, err := tx.Exec(step.query, step.args...); err != nil {
			return err
		}
	}
	return nil
}

// unstage clears away what an import left behind, with the numbers that only it
// knew.
func (b *Book) unstage(ctx context.Context) error {
	for {
		n := 0
		err := b.o.DB.Write(ctx, func(tx *sql.Tx) error {
			fresh, err := stagedFresh(tx)
			if err != nil {
				return err
			}
			for _, s := range fresh {
				if err := b.o.Gate.DropNumber(tx, s); err != nil {
					return err
				}
				if _, err := tx.Exec(sqlUnstageNumber, string(s)); err != nil {
					return err
				}
			}
			if n = len(fresh); n > 0 {
				return nil
			}
			if _, err := tx.Exec(sqlUnstage); err != nil {
				return err
			}
			_, err = tx.Exec(sqlUnstageNumbers)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

func stagedFresh(tx *sql.Tx) ([]journal.SubjectID, error) {
	rows, err := tx.Query(sqlStagedFresh, stageChunk)
	return all(rows, err, scanSubject)
}

// Imports lists the last imports, the newest first.
func (b *Book) Imports(ctx context.Context) ([]Import, error) {
	var out []Import
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlImports)
		out, err = all(rows, err, func(rows *sql.Rows, i *Import) error {
			var at int64
			err := rows.Scan(&i.ID, &at, &i.By, &i.Source, &i.Date, &i.Created, &i.Merged, &i.Rejected)
			i.Time = store.Instant(at)
			return err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	return out, nil
}
