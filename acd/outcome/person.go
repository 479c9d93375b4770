package outcome

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// Dossier is everything that the Book holds about one person, for GDPR articles 15
// and 20. Calls stand in the journal and are added by who asks.
type Dossier struct {
	Card    Customer
	Numbers []string // in clear
	Results []Result
}

const (
	sqlDropCustomer = `DELETE FROM outcome_customers WHERE id = ?`
	sqlDropNotes    = `DELETE FROM outcome_notes WHERE customer = ?`
	sqlDropOrigins  = `DELETE FROM outcome_origins WHERE customer = ?`
	sqlBlank        = `UPDATE outcome_results SET subject = '', customer = '', answers = '{}', note = '', done = CASE WHEN (callback > 0 OR task = 1) AND done = 0 THEN ?2 ELSE done END
	WHERE customer = ?1 AND customer <> '' OR subject <> '' AND subject IN (SELECT subject FROM outcome_numbers WHERE customer = ?1)`
	sqlBlankSubject = `UPDATE outcome_results SET subject = '', customer = '', answers = '{}', note = '', done = CASE WHEN (callback > 0 OR task = 1) AND done = 0 THEN ?2 ELSE done END
	WHERE subject = ?1 AND subject <> ''`
	sqlMoveNotes   = `UPDATE outcome_notes SET customer = ?1 WHERE customer = ?2`
	sqlMoveOrigins = `INSERT INTO outcome_origins (customer, import, source, date, time)
	SELECT ?1, import, source, date, time FROM outcome_origins WHERE customer = ?2 ON CONFLICT DO NOTHING`
	sqlMoveResults = `UPDATE outcome_results SET customer = ?1 WHERE customer = ?2`
	sqlMoveNumbers = `UPDATE outcome_numbers SET customer = ?1, place = place + 100 WHERE customer = ?2`
)

// Export returns everything about a card, or about a number without one (its
// pseudonym). Only a manager may, and it is journalled.
func (b *Book) Export(ctx context.Context, by privacy.Viewer, id string) (Dossier, error) {
	var d Dossier
	if by.Role != office.RoleManager {
		return d, fmt.Errorf("export %s: %w", id, ErrForbidden)
	}
	subjects := []journal.SubjectID{journal.SubjectID(id)}
	if IsCustomer(id) {
		var err error
		if d.Card, err = b.byID(ctx, id, everything); err != nil {
			return d, err
		}
		subjects = d.Card.Numbers
	}
	for _, s := range subjects {
		if n, ok := b.o.Gate.Name(by, privacy.Export, s); ok {
			d.Numbers = append(d.Numbers, n)
		}
	}
	var err error
	if d.Results, err = b.history(ctx, id, everything); err != nil {
		return d, err
	}
	event := journal.CustomerChanged{Customer: id, What: "exported", By: by.Subject}
	if _, err := b.o.Journal.AppendWith(ctx, "", event, nil); err != nil {
		return d, fmt.Errorf("export %s: %w", id, err)
	}
	return d, nil
}

// Erase deletes a card with its notes, answers and numbers, or all that is kept about
// a number without a card (its pseudonym). The outcomes of its calls stay as counts,
// without a word about whose they were; the journal and its chain stay whole. Only a
// manager may. It is one transaction: all is gone or nothing.
func (b *Book) Erase(ctx context.Context, by privacy.Viewer, id string) error {
	if by.Role != office.RoleManager {
		return fmt.Errorf("erase %s: %w", id, ErrForbidden)
	}
	subjects := []journal.SubjectID{journal.SubjectID(id)}
	if IsCustomer(id) {
		c, err := b.ByID(ctx, id)
		if err != nil {
			return err
		}
		subjects = c.Numbers
	}
	var forget []func(tx *sql.Tx) error
	for _, s := range subjects {
		f, err := b.o.Gate.EraseWith(by, s)
		if err != nil {
			return err
		}
		forget = append(forget, f)
	}
	event := journal.CustomerChanged{Customer: id, What: "erased", By: by.Subject}
	defer b.changing()()
	_, err := b.o.Journal.AppendWith(ctx, "", event, func(tx *sql.Tx) error {
		if !IsCustomer(id) {
			if _, err := tx.Exec(sqlBlankSubject, id, b.now().UnixNano()); err != nil {
				return err
			}
		} else if err := b.eraseCard(tx, id, subjects); err != nil {
			return err
		}
		for _, f := range forget {
			if err := f(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("erase %s: %w", id, err)
	}
	return nil
}

func (b *Book) eraseCard(tx *sql.Tx, id string, subjects []journal.SubjectID) error {
	now, err := readNumbers(tx, id)
	if err != nil {
		return err
	}
	if !slices.Equal(now, subjects) { // somebody changed the card meanwhile
		return ErrTaken
	}
	if _, err := tx.Exec(sqlBlank, id, b.now().UnixNano()); err != nil {
		return err
	}
	for _, q := range []string{sqlDropNotes, sqlDropOrigins, sqlDropNumbersOf, sqlDropCustomer} {
		if _, err := tx.Exec(q, id); err != nil {
			return err
		}
	}
	return nil
}

// Merge puts two cards of the same person into one: keep's texts stay and drop's fill
// what is empty; numbers, notes, origins and outcomes come together.
func (b *Book) Merge(ctx context.Context, by journal.SubjectID, keep, drop string) error {
	if keep == drop {
		return fmt.Errorf("merge cards: %w", ErrUnknown)
	}
	event := journal.CustomerChanged{Customer: keep, What: "merged", By: by}
	defer b.changing()()
	_, err := b.o.Journal.AppendWith(ctx, "", event, func(tx *sql.Tx) error {
		into, err := readCustomer(tx, keep)
		if err != nil {
			return err
		}
		from, err := readCustomer(tx, drop)
		if err != nil {
			return err
		}
		if len(into.Numbers)+len(from.Numbers) > maxNumbers {
			return ErrLong
		}
		into.absorb(from)
		if err := putCustomer(tx, into, b.now()); err != nil {
			return err
		}
		for _, q := range []string{sqlMoveNumbers, sqlMoveNotes, sqlMoveOrigins, sqlMoveResults} {
			if _, err := tx.Exec(q, keep, drop); err != nil {
				return err
			}
		}
		for _, q := range []string{sqlDropOrigins, sqlDropCustomer} {
			if _, err := tx.Exec(q, drop); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("merge card %s into %s: %w", drop, keep, err)
	}
	return nil
}

// absorb fills what is empty from another card.
func (c *Customer) absorb(from Customer) {
	if c.Name == "" {
		c.Name = from.Name
	}
	if c.Company == "" {
		c.Company = from.Company
	}
	if c.Fields == nil {
		c.Fields = map[string]string{}
	}
	for k, v := range from.Fields {
		if c.Fields[k] == "" && len(c.Fields) < maxFields {
			c.Fields[k] = v
		}
	}
}
