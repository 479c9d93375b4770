package outcome

import (
	"slices"
	"strings"

	"centralino/internal/numbering"
)

// Column says what a column of a file holds.
type Column string

// What columns may hold. Several may be numbers, notes or further fields; of the
// others each may stand once.
const (
	ColSkip    Column = ""
	ColName    Column = "name"
	ColFirst   Column = "first"
	ColLast    Column = "last"
	ColCompany Column = "company"
	ColNumber  Column = "number"
	ColNote    Column = "note"
	ColField   Column = "field" // under the column's own title
)

// ColumnChoices lists what may be chosen, in the order of the form.
func ColumnChoices() []Column {
	return []Column{ColSkip, ColName, ColFirst, ColLast, ColCompany, ColNumber, ColNote, ColField}
}

// Mapping says for each column of a table what it holds.
type Mapping []Column

// titles are the words by which columns call themselves, without capitals and accents;
// a title matches if it begins with one of them.
var titles = []struct {
	what  Column
	words []string
}{
	{ColNumber, []string{"telefon", "tel", "cell", "mobil", "phone", "numero di tel", "numero tel", "recapito", "contatto tel", "smartphone", "handy", "fisso", "numero"}},
	{ColFirst, []string{"nome di battesimo", "first", "given", "vorname"}},
	{ColLast, []string{"cognome", "last", "surname", "family", "nachname"}},
	{ColCompany, []string{"azienda", "ragione", "societa", "ditta", "company", "organi", "firma", "impresa"}},
	{ColNote, []string{"note", "annotazion", "comment", "osservazion", "remark"}},
	{ColName, []string{"nome", "nominativo", "name", "cliente", "customer", "intestatario", "display name", "full name", "contatto"}},
}

// Guess proposes a mapping by the titles, and by what looks like a telephone number
// where there are none. plan is the office's.
func Guess(t *Table, plan numbering.Plan) Mapping {
	m := make(Mapping, t.Columns)
	used := map[Column]bool{}
	for i := range m {
		if i < len(t.Header) {
			m[i] = guessTitle(t.Header[i])
		}
		if m[i] == ColSkip {
			m[i] = guessCells(t, i, plan)
		}
		if once(m[i]) && used[m[i]] {
			m[i] = ColField
		}
		used[m[i]] = true
		if m[i] == ColField && (i >= len(t.Header) || t.Header[i] == "") {
			m[i] = ColSkip
		}
	}
	// Where no title speaks of a telephone, the cells do.
	if !slices.Contains(m, ColNumber) {
		for i := range m {
			if (m[i] == ColField || m[i] == ColSkip) && guessCells(t, i, plan) == ColNumber {
				m[i] = ColNumber
			}
		}
	}
	// A name beside a surname is a first name.
	if i, j := slices.Index(m, ColName), slices.Index(m, ColLast); i >= 0 && j >= 0 && !used[ColFirst] {
		m[i] = ColFirst
	}
	return m
}

func guessTitle(title string) Column {
	title = strings.Join(strings.Fields(fold(title)), " ")
	if title == "" {
		return ColSkip
	}
	for _, t := range titles {
		for _, w := range t.words {
			if strings.HasPrefix(title, w) {
				return t.what
			}
		}
	}
	return ColField
}

// guessCells looks at the first rows of a column that does not say what it is.
func guessCells(t *Table, column int, plan numbering.Plan) Column {
	numbers, words, seen := 0, 0, 0
	for _, r := range t.Rows[:min(len(t.Rows), sniffRows)] {
		if column >= len(r.Cells) || r.Cells[column] == "" {
			continue
		}
		seen++
		if _, err := parseNumber(r.Cells[column], plan); err == nil {
			numbers++
		} else if strings.Trim(r.Cells[column], "0123456789.,/-+ ") != "" {
			words++
		}
	}
	switch {
	case seen == 0:
		return ColSkip
	case numbers*2 > seen:
		return ColNumber
	case words*2 > seen && len(t.Header) == 0:
		return ColName
	}
	return ColField
}

func once(c Column) bool {
	return c == ColName || c == ColFirst || c == ColLast || c == ColCompany
}

// Check says whether a mapping can be used: it fits the table, names a number, and
// names nothing twice that may stand once.
func (m Mapping) Check(t *Table) bool {
	if len(m) != t.Columns || !slices.Contains(m, ColNumber) {
		return false
	}
	seen := map[Column]bool{}
	for _, c := range m {
		if !slices.Contains(ColumnChoices(), c) || once(c) && seen[c] {
			return false
		}
		seen[c] = true
	}
	return true
}

// numberSigns are the signs that programs for texts put in numbers, and what they are.
var numberSigns = strings.NewReplacer("\u00a0", " ", "\u2011", "-", "\u2013", "-", "(0)", "")

// parseNumber reads a telephone number as people and spreadsheets write it. It adds
// nothing and guesses nothing: a number that the plan does not know is an error.
func parseNumber(s string, plan numbering.Plan) (numbering.E164, error) {
	s = numberSigns.Replace(s)
	s = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(s), "'=\""))
	s = strings.TrimSuffix(s, `"`)
	if len(s) > 4 && strings.EqualFold(s[:4], "tel:") {
		s = s[4:]
	}
	n, err := plan.Parse(s)
	if err != nil {
		if c := plan.Caller(s); c.Number != "" { // 39… without a plus
			return c.Number, nil
		}
		return "", err
	}
	if n.E164 == "" {
		return "", numbering.ErrNotInPlan
	}
	return n.E164, nil
}
