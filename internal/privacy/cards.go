package privacy

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
)

const sqlDropNumber = `DELETE FROM privacy_subjects WHERE subject = ?`

// Pseudonym is what Number returns, but keeps nothing: for looking somebody up whose
// number was typed or stands in a file.
func (g *Gate) Pseudonym(n numbering.E164) journal.SubjectID {
	if n == "" {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pseudonymLocked(n)
}

func (g *Gate) pseudonymLocked(n numbering.E164) journal.SubjectID {
	generation := 0
	if len(g.erased) > 0 {
		generation = g.erased[g.tag(n)]
	}
	sum := g.hash("subject "+strconv.Itoa(generation), string(n))
	return journal.SubjectID(numberPrefix + letters.EncodeToString([]byte(sum[:10])))
}

// KeepNumber keeps a number within the transaction of what refers to it. fresh says
// that it was not on disk before, nor on its way there from a call.
func (g *Gate) KeepNumber(tx *sql.Tx, n numbering.E164) (s journal.SubjectID, fresh bool, err error) {
	if s = g.Pseudonym(n); s == "" {
		return "", false, ErrUnknown
	}
	res, err := tx.Exec(sqlAddNumber, string(s), g.seal(s, string(n)))
	if err != nil {
		return "", false, fmt.Errorf("keep number: %w", err)
	}
	rows, err := res.RowsAffected()
	return s, rows > 0 && !g.hasCalled(s), err
}

// hasCalled says whether a call of this number was seen lately.
func (g *Gate) hasCalled(s journal.SubjectID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, _ := g.numbers.get(s)
	_, waits := g.unwritten[s]
	return n.called || waits
}

// DropNumber takes back a number that KeepNumber found fresh, for a change that came
// to nothing; one that has called meanwhile stays. It is no erasure: the number keeps
// its pseudonym.
func (g *Gate) DropNumber(tx *sql.Tx, s journal.SubjectID) error {
	if !isNumber(s) {
		return ErrUnknown
	}
	if g.hasCalled(s) {
		return nil
	}
	if _, err := tx.Exec(sqlDropNumber, string(s)); err != nil {
		return fmt.Errorf("drop number: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.numbers.remove(s)
	return nil
}

// EraseWith is Erase for the transaction of an event that reports it: write runs in
// it, and memory forgets once it is on disk. What is behind s may have been erased
// before.
func (g *Gate) EraseWith(by Viewer, s journal.SubjectID) (write func(tx *sql.Tx) error, err error) {
	if by.Role != office.RoleManager {
		return nil, fmt.Errorf("erase %s: %w", s, ErrForbidden)
	}
	if g.o.Office().PersonByID(s) != nil {
		return nil, fmt.Errorf("erase %s: %w", s, ErrInUse)
	}
	behind, ok := g.behind(s)
	if !ok {
		return func(*sql.Tx) error { return nil }, nil
	}
	return func(tx *sql.Tx) error { return g.erase(tx, s, behind) }, nil
}

// erase deletes a row and gives a number a new generation.
func (g *Gate) erase(tx *sql.Tx, s journal.SubjectID, behind string) error {
	tag, generation := "", 0
	if isNumber(s) {
		tag = g.tag(numbering.E164(behind))
		g.mu.Lock()
		generation = g.erased[tag] + 1
		g.mu.Unlock()
		if _, err := tx.Exec(sqlSetErased, []byte(tag), generation); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(sqlErase, string(s)); err != nil {
		return err
	}
	g.o.DB.AfterCommit(func() { g.forget(s, tag, generation) })
	return nil
}

// Left lists the people who left the office and whose names are kept still, for a
// manager, who may erase them; nobody for others.
func (g *Gate) Left(v Viewer) []journal.SubjectID {
	if v.Role != office.RoleManager {
		return nil
	}
	doc := g.o.Office()
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []journal.SubjectID
	for s := range g.names {
		if doc.PersonByID(s) == nil {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// Erase deletes the name or number behind a pseudonym; the journal stays whole. A
// manager may erase; a person must have left the office first.
func (g *Gate) Erase(ctx context.Context, by Viewer, s journal.SubjectID) error {
	if _, known := g.behind(s); !known && by.Role == office.RoleManager && g.o.Office().PersonByID(s) == nil {
		return fmt.Errorf("erase %s: %w", s, ErrUnknown)
	}
	write, err := g.EraseWith(by, s)
	if err != nil {
		return err
	}
	event := journal.AccessEvent{What: "erase", Who: by.Subject, About: s, Source: "page"}
	if _, err := g.o.Journal.AppendWith(ctx, "", event, write); err != nil {
		return fmt.Errorf("erase %s: %w", s, err)
	}
	return nil
}
