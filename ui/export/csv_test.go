package export_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"centralino/ui/export"

	"pgregory.net/rapid"
)

func TestCSV(t *testing.T) {
	g := export.Grid{Head: []string{"Coda", "Livello"}, Rows: []export.Row{
		{Cells: []export.Field{{Text: "Assistenza; vendite"}, {Text: "81,9 %", Plain: "81,9", Number: true}}},
		{Cells: []export.Field{{Text: `detta "prima"`}, {Text: "−3", Plain: "-3", Number: true}}},
	}}
	var b bytes.Buffer
	if err := export.CSV(&b, g, export.CSVOptions{Comma: ';', BOM: true}); err != nil {
		t.Fatal(err)
	}
	want := "\uFEFFCoda;Livello\r\n\"Assistenza; vendite\";\"81,9\"\r\n\"detta \"\"prima\"\"\";-3\r\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// TestNoFormulas: whatever a text begins with, a spreadsheet sees a text; a number
// stays one.
func TestNoFormulas(t *testing.T) {
	for _, s := range []string{"=1+1", "+39 02 1234", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1+1", "\u00a0=1", "\ufeff=cmd|' /C calc'!A0", "＝1+1", "|x", "%0A", "\x00=1"} {
		var b bytes.Buffer
		_ = export.CSV(&b, export.Grid{Head: []string{"a"}, Rows: []export.Row{{Cells: []export.Field{{Text: s}}}}}, export.CSVOptions{Comma: ','})
		line := strings.TrimPrefix(b.String(), "a\r\n")
		if !strings.HasPrefix(line, "'") && !strings.HasPrefix(line, `"'`) {
			t.Errorf("%q is written as %q", s, line)
		}
	}
	var b bytes.Buffer
	_ = export.CSV(&b, export.Grid{Head: []string{"a"}, Rows: []export.Row{{Cells: []export.Field{{Text: "x", Plain: "-5", Number: true}}}}}, export.CSVOptions{Comma: ','})
	if b.String() != "a\r\n-5\r\n" {
		t.Errorf("%q", b.String())
	}
}

// TestCSVIsReadBack: another program reads what was written.
func TestCSVIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "columns")
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab;,\"\n =+è漢'")))
		g := export.Grid{Head: rapid.SliceOfN(text, n, n).Draw(t, "head")}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			var r export.Row
			for range n {
				r.Cells = append(r.Cells, export.Field{Text: text.Draw(t, "text")})
			}
			g.Rows = append(g.Rows, r)
		}
		comma := rapid.SampledFrom([]rune{',', ';'}).Draw(t, "comma")
		var b bytes.Buffer
		if err := export.CSV(&b, g, export.CSVOptions{Comma: comma}); err != nil {
			t.Fatal(err)
		}
		if n == 1 && strings.Contains("\r\n"+b.String(), "\r\n\r\n") {
			return // the reader takes an empty line for none
		}
		r := csv.NewReader(&b)
		r.Comma = comma
		lines, err := r.ReadAll()
		if err != nil || len(lines) != len(g.Rows)+1 {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		for i, row := range g.Rows {
			for k, c := range row.Cells {
				if got := strings.TrimPrefix(lines[i+1][k], "'"); got != strings.TrimPrefix(c.Text, "'") {
					t.Fatalf("%q was read as %q", c.Text, got)
				}
			}
		}
	})
}
