package privacy

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"centralino/internal/journal"
)

// What somebody saw of somebody else, as the journal and the log of looks name it.
const (
	LookState   = "state"           // what he does now
	LookFigures = "figures"         // his counts and times
	LookRefused = "figures.refused" // wanted to see them and was not let
	LookCalls   = "calls"           // which calls he had
	LookWhy     = "why"             // why a call went to him or not
	LookExport  = "export"          // in a file
)

// lookOf says which purposes of a name are a look at the person. The others set
// people up, or are the telephone itself.
var lookOf = map[Purpose]string{
	LiveState: LookState, Figures: LookFigures, CallDetail: LookCalls, Explain: LookWhy, Export: LookExport,
}

// Look is one entry of the log that everybody reads about himself.
type Look struct {
	At   time.Time
	Who  journal.SubjectID // empty: no person
	What string            // one of the Look constants
}

// lookAgain is how long one look covers further ones of the same viewer at the
// same person for the same: a page that draws itself anew is one look.
const (
	lookAgain   = 5 * time.Minute
	maxLooks    = 1000
	maxUnlogged = 1000 // looks that wait for the disk; more are in the journal alone
	lookBatch   = 250  // looks that are kept together
	lookWait    = 500 * time.Millisecond
)

// look is somebody's look at somebody.
type look struct {
	who, about journal.SubjectID
	what       string
}

// seen is a look that waits for the disk.
type seen struct {
	look
	at time.Time
}

const (
	sqlAgreements = `SELECT kind, date, note, recorded, recorder FROM privacy_agreements ORDER BY id DESC LIMIT 100`

	sqlLook  = `INSERT INTO privacy_looks (about, at, who, what) VALUES (?, ?, ?, ?)`
	sqlLooks = `SELECT at, who, what FROM privacy_looks WHERE about = ? AND at < ? ORDER BY at DESC, id DESC LIMIT ?`
)

// noteLook keeps that somebody saw something of a person of the office: in the
// journal and, in one transaction with it, in the log of looks. It does not wait
// for the disk. Oneself, numbers and purposes that are no look count for nothing.
func (g *Gate) noteLook(v Viewer, what string, s journal.SubjectID) {
	if what == "" || s == "" || v.Subject == s || isNumber(s) {
		return
	}
	now := g.o.Now()
	key := look{v.Subject, s, what}
	g.mu.Lock()
	defer g.mu.Unlock()
	if last, ok := g.looks[key]; ok && now.Sub(last) >= 0 && now.Sub(last) < lookAgain {
		return
	}
	if len(g.looks) >= maxLooks {
		clear(g.looks) // costs an entry more, never one less
	}
	g.looks[key] = now
	if len(g.unlogged) >= maxUnlogged {
		g.o.Journal.Append("", key.event())
		return
	}
	g.unlogged = append(g.unlogged, seen{key, now})
	select {
	case g.wake <- struct{}{}:
	default: // a reminder is there already
	}
}

func (l look) event() journal.AccessEvent {
	return journal.AccessEvent{What: l.what, Who: l.who, About: l.about, Source: "page"}
}

// writeLooks keeps the looks that wait, in order and many at a time; what can't be kept
// waits on.
func (g *Gate) writeLooks(ctx context.Context) error {
	for {
		g.mu.Lock()
		batch := slices.Clone(g.unlogged[:min(len(g.unlogged), lookBatch)])
		g.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		entries := make([]journal.Entry, len(batch))
		for i, s := range batch {
			entries[i] = journal.Entry{Payload: s.event(), Write: func(tx *sql.Tx) error {
				_, err := tx.Exec(sqlLook, string(s.about), s.at.UnixNano(), string(s.who), s.what)
				return err
			}}
		}
		var waiting []seen
		var refusal error
		for i, err := range g.o.Journal.AppendAllWith(ctx, entries) {
			if err != nil {
				waiting, refusal = append(waiting, batch[i]), err
			}
		}
		g.mu.Lock()
		g.unlogged = append(waiting, g.unlogged[len(batch):]...)
		g.mu.Unlock()
		if refusal != nil {
			return fmt.Errorf("keep %d looks: %w", len(waiting), refusal)
		}
	}
}

// Agreements returns all that was recorded, newest first, with what was taken back.
func (g *Gate) Agreements(ctx context.Context) ([]Agreement, error) {
	var out []Agreement
	err := g.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlAgreements)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Agreement
			var at int64
			if err := rows.Scan(&a.Kind, &a.Date, &a.Note, &at, &a.SetBy); err != nil {
				return err
			}
			a.Set = time.Unix(0, at).UTC()
			out = append(out, a)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read agreements: %w", err)
	}
	return out, nil
}

// Looks returns who looked at a person, newest first, from before an instant on (zero:
// from now). It is for that person alone.
func (g *Gate) Looks(ctx context.Context, about journal.SubjectID, before time.Time, limit int) ([]Look, error) {
	at := int64(1<<63 - 1)
	if !before.IsZero() {
		at = before.UnixNano()
	}
	var out []Look
	err := g.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlLooks, string(about), at, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var l Look
			var ns int64
			if err := rows.Scan(&ns, &l.Who, &l.What); err != nil {
				return err
			}
			l.At = time.Unix(0, ns).UTC()
			out = append(out, l)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("looks at %s: %w", about, err)
	}
	return out, nil
}
