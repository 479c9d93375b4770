package export_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/ui/chart"
	"centralino/ui/export"
)

var (
	reStream = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`)
	reFilled = regexp.MustCompile(`([\d.-]+) ([\d.-]+) ([\d.-]+) ([\d.-]+) re (f|B)\n`)
)

// drawn is what is written and drawn on the pages of a PDF.
func drawn(t *testing.T, file []byte) string {
	t.Helper()
	var b strings.Builder
	for _, m := range reStream.FindAllSubmatch(file, -1) {
		in, err := zlib.NewReader(bytes.NewReader(m[1]))
		if err != nil {
			continue // fonts
		}
		text, _ := io.ReadAll(in)
		b.Write(text)
	}
	return b.String()
}

// dayCharts are the charts of a day of so many half hours from seven o'clock on.
func dayCharts(slots int) []chart.Chart {
	calls := chart.Chart{Title: "Contatti ogni 30 minuti", Series: []string{"Risposti", "Persi", "Altri"}}
	level := chart.Chart{Title: "Livello di servizio", Series: []string{"Livello di servizio"}, Max: 100, Unit: "%", Target: 80, Of: "obiettivo 80 %"}
	for i := range slots {
		col := chart.Column{Values: []float64{float64(10 + 7*i%9), float64(i % 4), float64(i % 2)}}
		if i%2 == 0 {
			col.Label, col.Minor = fmt.Sprint((7+i/2)%24), i/2%2 == 1
		}
		calls.Columns = append(calls.Columns, col)
		col.Values = []float64{float64(60 + 7*i%41)}
		col.Below = col.Values[0] < 80
		level.Columns = append(level.Columns, col)
	}
	return []chart.Chart{calls, level}
}

// TestChartsOnPaper: what is drawn is as high as its number says, stays within the page,
// and makes no second page of one. PDF_CHARTS names a folder for files to look at.
func TestChartsOnPaper(t *testing.T) {
	made := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		rows, slots, pages int
		charts             bool
	}{{0, 4, 1, true}, {11, 20, 1, true}, {25, 48, 1, true}, {30, 48, 1, true}, {33, 48, 1, false}, {120, 48, 3, true}} {
		s := sheet(c.rows)
		s.Charts = dayCharts(c.slots)
		var a, b bytes.Buffer
		if err := export.PDF(&a, s, made); err != nil {
			t.Fatal(err)
		}
		_ = export.PDF(&b, s, made)
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Error("the same sheet is another file")
		}
		if dir := os.Getenv("PDF_CHARTS"); dir != "" {
			_ = os.WriteFile(fmt.Sprintf("%s/%d.pdf", dir, c.rows), a.Bytes(), 0o644)
		}
		text := drawn(t, a.Bytes())
		if n := bytes.Count(a.Bytes(), []byte("/Type /Page\n")); n != c.pages || strings.Contains(text, "(Contatti ogni 30 minuti)") != c.charts {
			t.Errorf("%d rows: %d pages, want %d, charts %v", c.rows, n, c.pages, strings.Contains(text, "(Contatti ogni 30 minuti)"))
		}
	}
	s := export.Sheet{Title: "x", Charts: []chart.Chart{{Title: "(a) & è", Series: []string{"a", "b"}, Columns: []chart.Column{{Label: "8", Values: []float64{5}}, {}, {Values: []float64{2.5, 7.5}}}}}}
	var a bytes.Buffer
	if err := export.PDF(&a, s, made); err != nil {
		t.Fatal(err)
	}
	var high []float64
	for _, m := range reFilled.FindAllStringSubmatch(drawn(t, a.Bytes()), -1) {
		var n [4]float64
		for i := range n {
			n[i], _ = strconv.ParseFloat(m[i+1], 64)
		}
		if n[0] < 0 || n[1] < 0 || n[0]+n[2] > 595.3 || n[1] > 841.9 {
			t.Errorf("%s is outside of the page", m[0])
		}
		high = append(high, math.Abs(n[3]))
	}
	if len(high) != 5 || math.Abs(high[2]-2*high[3]) > 0.1 || math.Abs(high[4]-3*high[3]) > 0.1 || math.Abs(high[3]+high[4]-2*high[2]) > 0.1 {
		t.Errorf("heights %v: two of the legend, and of 5, 2.5 and 7.5", high)
	}
}
