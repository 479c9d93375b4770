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
// that it was not on disk before.
func (g *Gate) KeepNumber(tx *sql.Tx, n numbering.E164) (s journal.SubjectID, fresh bool, err error) {
	if s = g.Pseudonym(n); s == "" {
		return "", false, ErrUnknown
	}
	res, err := tx.Exec(sqlAddNumber, string(s), g.seal(s, string(n)))
	if err != nil {
		return "", false, fmt.Errorf("keep number: %w", err)
	}
	rows, err := res.RowsAffected()
	return s, rows > 0, err
}

// DropNumber takes back a number that KeepNumber found fresh, for a change that came
// to nothing. It is no erasure: the number keeps its pseudonym.
func (g *Gate) DropNumber(tx *sql.Tx, s journal.SubjectID) error {
	if !isNumber(s) {
		return ErrUnknown
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
// it, and undo must be called if the transaction came to nothing. What is behind s
// may have been erased before.
func (g *Gate) EraseWith(by Viewer, s journal.SubjectID) (write func(tx *sql.Tx) error, undo func(), err error) {
	if by.Role != office.RoleManager {
		return nil, nil, fmt.Errorf("erase %s: %w", s, ErrForbidden)
	}
	if g.o.Office().PersonByID(s) != nil {
		return nil, nil, fmt.Errorf("erase %s: %w", s, ErrInUse)
	}
	behind, ok := g.behind(s)
	if !ok {
		return func(*sql.Tx) error { return nil }, func() {}, nil
	}
	e := &erasing{g: g, s: s, behind: behind}
	return e.write, e.undo, nil
}

// erasing is one name or number on its way out.
type erasing struct {
	g          *Gate
	s          journal.SubjectID
	behind     string
	tag        string // of a number
	generation int    // that it gets; 0: not written
}

// write deletes the row and gives a number a new generation.
func (e *erasing) write(tx *sql.Tx) error {
	generation := 0
	if isNumber(e.s) {
		e.tag = e.g.tag(numbering.E164(e.behind))
		e.g.mu.Lock()
		generation = e.g.erased[e.tag] + 1
		e.g.mu.Unlock()
		if _, err := tx.Exec(sqlSetErased, []byte(e.tag), generation); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(sqlErase, string(e.s)); err != nil {
		return err
	}
	e.generation = generation
	e.g.forget(e.s, e.tag, generation)
	return nil
}

// undo gives the name or number back to memory, since it is on disk still.
func (e *erasing) undo() {
	e.g.mu.Lock()
	defer e.g.mu.Unlock()
	switch {
	case !isNumber(e.s):
		e.g.names[e.s] = e.behind
	case e.generation == 1:
		delete(e.g.erased, e.tag)
	case e.generation > 1:
		e.g.erased[e.tag] = e.generation - 1
	}
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
	write, undo, err := g.EraseWith(by, s)
	if err != nil {
		return err
	}
	event := journal.AccessEvent{What: "erase", Who: by.Subject, About: s, Source: "page"}
	if _, err := g.o.Journal.AppendWith(ctx, "", event, write); err != nil {
		undo()
		return fmt.Errorf("erase %s: %w", s, err)
	}
	return nil
}
