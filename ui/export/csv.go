package export

import (
	"cmp"
	"io"
	"strings"
)

// CSVOptions say how a program wants its file.
type CSVOptions struct {
	Comma rune // ',' or ';': what a spreadsheet of the reader's language expects
	BOM   bool // begin with U+FEFF, by which spreadsheets know UTF-8
}

// CSV writes one table after RFC 4180: lines end with CR LF, a field with a comma, a
// quote or a line end stands in quotes. A text that a spreadsheet would take for a
// formula gets an apostrophe before it (OWASP, CSV injection): what a caller's
// telephone says must not run in the manager's office.
func CSV(w io.Writer, g Grid, o CSVOptions) error {
	var b strings.Builder
	if o.BOM {
		b.WriteRune('\uFEFF')
	}
	head := make([]Field, len(g.Head))
	for i, h := range g.Head {
		head[i].Text = h
	}
	writeLine(&b, head, o.Comma)
	for _, r := range g.Rows {
		writeLine(&b, r.Cells, o.Comma)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeLine(b *strings.Builder, cells []Field, comma rune) {
	for i, c := range cells {
		if i > 0 {
			b.WriteRune(comma)
		}
		s := c.Plain
		if !c.Number {
			s = harmless(cmp.Or(s, c.Text))
		}
		if strings.ContainsRune(s, comma) || strings.ContainsAny(s, "\",;\r\n") {
			s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		b.WriteString(s)
	}
	b.WriteString("\r\n")
}

// harmless takes the beginnings away by which spreadsheets know formulas, also
// behind blanks and in their wide forms; octet zero goes.
func harmless(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	t := strings.TrimLeft(s, " \u00a0\ufeff\u200b")
	if t != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(t)[0]) {
		return "'" + s
	}
	return s
}
