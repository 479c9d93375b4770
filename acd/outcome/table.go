package outcome

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a file that is imported.
const (
	MaxFile    = 8 << 20 // octets
	MaxRows    = 50000
	maxColumns = 64
	maxCell    = 4000 // characters that are kept of a cell
	maxInside  = 20   // line ends within one quoted cell; more, and the quote was a slip
	sniffRows  = 50
)

// Table is a CSV file as it was understood (RFC 4180, and what spreadsheets make of
// it): every row with the line it began at.
type Table struct {
	Encoding  string // "UTF-8", "UTF-16" or "Windows-1252"
	Delimiter rune
	Header    []string // empty: the first line is data already
	Rows      []Row
	Columns   int // of the widest row
}

// Row is one record. Torn says that a quote was opened in it and never closed: it was
// cut at its delimiters as it stands.
type Row struct {
	Line  int
	Cells []string
	Torn  bool
}

// Errors of ReadTable.
var (
	ErrNoTable  = errors.New("the file is no table of text")
	ErrTooMuch  = errors.New("the file is too large")
	ErrNoRows   = errors.New("the file has no rows")
	delimiters  = []rune{';', ',', '\t', '|'}
	separatorOf = "sep="
)

// ReadTable understands a file: its encoding by its first octets or by being valid
// UTF-8, its delimiter by which one cuts the first rows evenly, and its header by
// holding no number that could be a telephone's.
func ReadTable(b []byte) (*Table, error) {
	if len(b) > MaxFile {
		return nil, ErrTooMuch
	}
	text, encoding, err := decode(b)
	if err != nil {
		return nil, err
	}
	t := &Table{Encoding: encoding}
	line := 1
	if rest, ok := strings.CutPrefix(text, separatorOf); ok { // what spreadsheets write
		first, after, _ := strings.Cut(rest, "\n")
		first = strings.Trim(first, " \r")
		if r, n := utf8.DecodeRuneInString(first); n == len(first) && n > 0 {
			t.Delimiter, text, line = r, after, 2
		}
	}
	if t.Delimiter == 0 {
		t.Delimiter = sniff(text)
	}
	rows, ok := cut(text, t.Delimiter, line, MaxRows+1)
	if !ok {
		return nil, ErrTooMuch
	}
	if len(rows) == 0 {
		return nil, ErrNoRows
	}
	if isHeader(rows[0].Cells) {
		t.Header, rows = rows[0].Cells, rows[1:]
	}
	if len(rows) > MaxRows {
		return nil, ErrTooMuch
	}
	t.Rows, t.Columns = rows, len(t.Header)
	for _, r := range rows {
		t.Columns = max(t.Columns, len(r.Cells))
	}
	if t.Columns > maxColumns {
		return nil, ErrNoTable
	}
	return t, nil
}

// decode turns a file into UTF-8 text.
func decode(b []byte) (text, encoding string, err error) {
	switch {
	case len(b) >= 3 && string(b[:3]) == "\xef\xbb\xbf":
		return strings.ToValidUTF8(string(b[3:]), "\uFFFD"), "UTF-8", nil
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		return decode16(b[2:], binary.LittleEndian), "UTF-16", nil
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		return decode16(b[2:], binary.BigEndian), "UTF-16", nil
	case bytes.IndexByte(b[:min(len(b), 4096)], 0) >= 0:
		return "", "", ErrNoTable
	case utf8.Valid(b):
		return string(b), "UTF-8", nil
	}
	return decode1252(b), "Windows-1252", nil
}

// windows1252 are the characters of 0x80 to 0x9F in that encoding, U+FFFD where an
// octet stands for nothing; the others are those of ISO 8859-1, with which Unicode
// begins. golang.org/x/text/encoding/charmap knows it too, but brings 0.1 MB of other
// encodings along.
var windows1252 = []rune("€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ")

func decode1252(b []byte) string {
	var s strings.Builder
	s.Grow(len(b) + len(b)/8)
	for _, c := range b {
		r := rune(c)
		if c >= 0x80 && c < 0xa0 {
			r = windows1252[c-0x80]
		}
		s.WriteRune(r)
	}
	return s.String()
}

func decode16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, order.Uint16(b[i:]))
	}
	return string(utf16.Decode(units))
}

// sniff finds the delimiter that cuts the most of the first rows into the same number
// of cells, more than one; among equals the one that makes more cells. A file of one
// column has any.
func sniff(text string) rune {
	best, bestShare, bestCells := ';', 0, 1
	for _, d := range delimiters {
		rows, _ := cut(text, d, 1, sniffRows)
		counts := map[int]int{}
		for _, r := range rows {
			counts[len(r.Cells)]++
		}
		for cells, n := range counts {
			if cells < 2 {
				continue
			}
			share := n * 100 / len(rows)
			if share > bestShare || share == bestShare && cells > bestCells {
				best, bestShare, bestCells = d, share, cells
			}
		}
	}
	return best
}

// cut cuts a text into rows, at most limit; empty lines are left out. False if there
// were more.
func cut(text string, delimiter rune, line, limit int) ([]Row, bool) {
	var out []Row
	for len(text) > 0 {
		row, used, lines := record(text, delimiter)
		row.Line = line
		text, line = text[used:], line+lines
		if len(row.Cells) == 1 && row.Cells[0] == "" {
			continue
		}
		if len(out) == limit {
			return out, false
		}
		out = append(out, row)
	}
	return out, true
}

// record reads one row: its cells, the octets it took and the lines it went over. It
// always takes at least one octet.
func record(text string, delimiter rune) (row Row, used, lines int) {
	rest := text
	for {
		cell, n, inside, state := field(rest, delimiter)
		if state == torn {
			return tornRow(text, delimiter)
		}
		lines += inside
		if lines > maxInside {
			return tornRow(text, delimiter)
		}
		row.Cells = append(row.Cells, clean(cell))
		rest = rest[n:]
		if state == lastCell {
			return row, len(text) - len(rest), lines + 1
		}
	}
}

// tornRow takes one line as it stands.
func tornRow(text string, delimiter rune) (Row, int, int) {
	line, used := text, len(text)
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		line, used = text[:i], i+1
	}
	row := Row{Torn: true}
	for c := range strings.SplitSeq(strings.TrimRight(line, "\r"), string(delimiter)) {
		row.Cells = append(row.Cells, clean(strings.Trim(c, `"`)))
	}
	return row, used, 1
}

// How a cell ended.
const (
	moreCells = iota
	lastCell
	torn
)

// field reads one cell: its text, the octets with the delimiter or line end behind
// it, the line ends inside, and how it ended.
func field(s string, delimiter rune) (cell string, used, inside, state int) {
	var b strings.Builder
	i := 0
	if strings.HasPrefix(s, `"`) {
		i = 1
		for {
			n := strings.IndexByte(s[i:], '"')
			if n < 0 {
				return "", 0, 0, torn
			}
			if inside += strings.Count(s[i:i+n], "\n"); inside > maxInside {
				return "", 0, 0, torn
			}
			b.WriteString(s[i : i+n])
			i += n + 1
			if i < len(s) && s[i] == '"' { // a quote that was meant
				b.WriteByte('"')
				i++
				continue
			}
			break
		}
	}
	end := strings.IndexFunc(s[i:], func(r rune) bool { return r == delimiter || r == '\n' })
	if end < 0 {
		b.WriteString(strings.TrimRight(s[i:], "\r"))
		return b.String(), len(s), inside, lastCell
	}
	b.WriteString(strings.TrimRight(s[i:i+end], "\r"))
	if s[i+end] == '\n' {
		return b.String(), i + end + 1, inside, lastCell
	}
	return b.String(), i + end + utf8.RuneLen(delimiter), inside, moreCells
}

// clean takes blanks off a cell and cuts what nobody could read.
func clean(s string) string {
	s = strings.Trim(s, " \t\r\n\u00a0\ufeff")
	if len(s) <= maxCell {
		return s
	}
	n := 0
	for i := range s {
		if n == maxCell {
			return s[:i]
		}
		n++
	}
	return s
}

// isHeader says whether a first row names columns: it has words and nothing that
// could be a telephone number or an address of mail.
func isHeader(cells []string) bool {
	words := false
	for _, c := range cells {
		digits := 0
		for _, r := range c {
			if r >= '0' && r <= '9' {
				digits++
			}
		}
		if digits >= 5 || strings.Contains(c, "@") {
			return false
		}
		words = words || digits < len(c)
	}
	return words
}
