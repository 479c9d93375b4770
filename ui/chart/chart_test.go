package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"centralino/ui/chart"
)

// whole fails the test where a drawing is not well formed, or does what the page's
// policy stops.
func whole(t interface{ Fatalf(string, ...any) }, s string) {
	in := xml.NewDecoder(strings.NewReader(s))
	for {
		_, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, s)
		}
	}
	for _, bad := range []string{"<script", " style=", " on", "javascript", "NaN", "Inf", "http"} {
		if strings.Contains(s, bad) {
			t.Fatalf("%q in %s", bad, s)
		}
	}
}

func TestChartOfADay(t *testing.T) {
	c := chart.Chart{ID: "day", Title: "Chiamate <ora>", Text: "Il massimo & altro", Series: []string{"Risposti", "Persi", "Altri"}, Columns: []chart.Column{
		{Label: "8", Title: "8:00–8:30: 7", Values: []float64{5, 1, 1}}, {Values: nil}, {Label: "9", Minor: true, Title: "9", Values: []float64{12, 0, 0}},
	}, Target: 8, Of: "obiettivo"}
	s := string(c.SVG())
	whole(t, s)
	for _, want := range []string{"Chiamate &lt;ora&gt;", "Il massimo &amp; altro", `role="img" aria-labelledby="day-t day-d"`, "Risposti", `class="s0"`, `class="s1"`, `class="s2"`, `fill="url(#day-h)"`, `class="minor"`, `class="target"`, ">15<", ">0<"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %s in %s", want, s)
		}
	}
	empty := chart.Chart{Title: "x"}
	if got := empty.SVG(); got != "" {
		t.Errorf("nothing is drawn as %s", got)
	}
}

var rects = regexp.MustCompile(`<rect class="s\d" x="([\d.-]+)" y="([\d.-]+)" width="([\d.-]+)" height="([\d.-]+)"/>`)

// Whatever comes, a drawing is whole and stays within its frame, and a column is as high
// as its share of the highest.
func TestEveryChartFitsItsFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]string{"", "8:30", "<b>", "\"'&", "]]>"})
		c := chart.Chart{ID: "c", Title: words.Draw(t, "title"), Text: words.Draw(t, "text"), Series: []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "series")],
			Max: rapid.SampledFrom([]float64{0, 100}).Draw(t, "max"), Target: rapid.SampledFrom([]float64{0, 80, 1000}).Draw(t, "target")}
		for range rapid.IntRange(1, 96).Draw(t, "columns") {
			col := chart.Column{Label: words.Draw(t, "label"), Title: words.Draw(t, "words"), Below: rapid.Bool().Draw(t, "below")}
			for range c.Series {
				col.Values = append(col.Values, float64(rapid.IntRange(0, 5000).Draw(t, "value")))
			}
			c.Columns = append(c.Columns, col)
		}
		s := string(c.SVG())
		whole(t, s)
		_, most := c.Scale()
		var high []float64 // of each piece, as it should be: on a frame of 174 between the labels
		for _, col := range c.Columns {
			sum := 0.0
			for _, v := range col.Values {
				if v = min(v, most-sum); v > 0 {
					sum += v
					high = append(high, v/most*174)
				}
			}
		}
		all := rects.FindAllStringSubmatch(s, -1)
		if len(all) != len(c.Series)+len(high) {
			t.Fatalf("%d pieces and %d names, want %d and %d", len(all)-len(c.Series), len(c.Series), len(high), len(c.Series))
		}
		for k, m := range all {
			var n [4]float64
			for i := range n {
				n[i], _ = strconv.ParseFloat(m[i+1], 64)
			}
			if n[0] < 0 || n[1] < 0 || n[0]+n[2] > 720.2 || n[1]+n[3] > 220.2 || n[2] <= 0 || n[3] < 0 || math.IsNaN(n[0]) {
				t.Fatalf("%s is outside", m[0])
			}
			if k -= len(c.Series); k >= 0 && math.Abs(n[3]-high[k]) > 0.06 {
				t.Fatalf("%s should be %.1f high", m[0], high[k])
			}
		}
	})
}
