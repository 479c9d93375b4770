package export_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"centralino/ui/export"
)

func sheet(rows int) export.Sheet {
	s := export.Sheet{Title: "Giornata di lunedì 23 novembre 2026", Subtitle: "Studio Rossi – perché così è più chiaro", Footer: "Centralino",
		Big:   []export.Pair{{Name: "chiamate", Value: "128"}, {Name: "livello di servizio", Value: "81,9 %", Warn: true}, {Name: "attesa media", Value: "0:17"}, {Name: "abbandoni", Value: "4,7 %"}, {Name: "mai serviti", Value: "3"}},
		Text:  []string{"Sono arrivate 128 chiamate, il 12 % in più del solito lunedì.", "Fra le 10:00 e le 11:00 hanno rinunciato in 4 su 22.", "Una persona in più in quell'ora avrebbe ridotto gli abbandoni."},
		Grids: []export.Grid{{Title: "Per ora", Head: []string{"Quando", "Entrate", "Risposte", "Perse", "Livello di servizio"}, Notes: []string{"Chi riattacca entro 5 s non conta."}}}}
	for i := range rows {
		s.Grids[0].Rows = append(s.Grids[0].Rows, export.Row{Sum: i == rows-1, Cells: []export.Field{{Text: fmt.Sprintf("%02d:00–%02d:00", i%24, i%24+1)}, {Text: "22", Number: true}, {Text: "18", Number: true}, {Text: "4", Number: true, Warn: true}, {Text: "78,3 %", Number: true}}})
	}
	return s
}

// TestPDF: a sheet of a day is one page, a long table several; the same sheet is the
// same file. PDF_FILE names a file to look at.
func TestPDF(t *testing.T) {
	made := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	for rows, pages := range map[int]int{0: 1, 11: 1, 120: 3} {
		var a, b bytes.Buffer
		if err := export.PDF(&a, sheet(rows), made); err != nil {
			t.Fatal(err)
		}
		_ = export.PDF(&b, sheet(rows), made)
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Error("the same sheet is another file")
		}
		if n := bytes.Count(a.Bytes(), []byte("/Type /Page\n")); !bytes.HasPrefix(a.Bytes(), []byte("%PDF-1.")) || n != pages {
			t.Errorf("%d rows: %d pages, want %d", rows, n, pages)
		}
		if f := os.Getenv("PDF_FILE"); f != "" && rows == 11 {
			_ = os.WriteFile(f, a.Bytes(), 0o644)
		}
	}
	wide := sheet(3)
	wide.Grids[0].Head = append(wide.Grids[0].Head, "f", "g", "h", "i", "j", "k")
	var b bytes.Buffer
	if err := export.PDF(&b, wide, made); err != nil || !bytes.Contains(b.Bytes(), []byte("/MediaBox [0 0 841.89 595.28]")) {
		t.Errorf("a wide table does not turn the page: %v", err)
	}
}
