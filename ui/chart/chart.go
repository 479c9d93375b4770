// Package chart draws small charts as SVG that stands in a page: no script, no inline
// style, colours by the classes of the style sheet, in the light, in the dark and on
// paper. A series is told by its colour and by its pattern. What is drawn has been
// allowed before it comes here; the numbers stand in a table beside the chart, which is
// what those read who do not see. It starts no goroutine.
package chart

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Column is one step of a chart.
type Column struct {
	Label  string    // under it; empty: none
	Minor  bool      // the label may be left out where there is little room
	Title  string    // its numbers in words, for the pointer
	Values []float64 // of each series, from the bottom; none: nothing is known
	Below  bool      // it misses the target
}

// Chart is columns of stacked values.
type Chart struct {
	ID      string // letters and digits, one of its kind on the page
	Title   string
	Text    string   // what is to be seen, in words
	Series  []string // names, from the bottom; three at most
	Columns []Column
	Max     float64 // of the scale; 0: of the values
	Unit    string  // behind the numbers of the scale
	Target  float64 // a line across; 0: none
	Of      string  // name of that line
}

// The drawing in its own units: the page scales it.
const (
	width, height = 720, 220
	left, right   = 62, 6
	top, bottom   = 18, 28
	maxSeries     = 3
)

// SVG draws the chart; empty without columns.
func (c *Chart) SVG() template.HTML {
	if len(c.Columns) == 0 {
		return ""
	}
	var b strings.Builder
	text := html.EscapeString
	fmt.Fprintf(&b, `<figure class="chart"><figcaption><b>%s</b><span class="legend">`, text(c.Title))
	for i, name := range c.Series[:min(len(c.Series), maxSeries)] {
		fmt.Fprintf(&b, `<span><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">%s</svg>%s</span>`, c.bar(i, 1, 1, 12, 12, ""), text(name))
	}
	if c.Target > 0 {
		fmt.Fprintf(&b, `<span><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><path class="target" d="M0 7h14"/></svg>%s</span>`, text(c.Of))
	}
	fmt.Fprintf(&b, `</span></figcaption><svg viewBox="0 0 %d %d" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		width, height, c.ID, c.ID, c.ID, text(c.Title), c.ID, text(c.Text))
	fmt.Fprintf(&b, `<defs><pattern id="%s-h" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0v6"/></pattern></defs>`, c.ID)
	c.draw(&b)
	b.WriteString("</svg></figure>")
	return template.HTML(b.String())
}

// draw writes the scale, the columns and the target.
func (c *Chart) draw(b *strings.Builder) {
	step, most := c.Scale()
	y := func(v float64) float64 { return height - bottom - v/most*(height-bottom-top) }
	b.WriteString(`<g class="grid">`)
	for v := 0.0; v <= most+step/2; v += step {
		fmt.Fprintf(b, `<path d="M%d %sH%d"/><text x="%d" y="%s" text-anchor="end">%s%s</text>`, left, num(y(v)), width-right, left-6, num(y(v)+4), num(v), html.EscapeString(c.Unit))
	}
	b.WriteString("</g>")
	slot := float64(width-left-right) / float64(len(c.Columns))
	wide := min(slot*0.72, 40)
	for i, col := range c.Columns {
		x := left + slot*(float64(i)+0.5)
		fmt.Fprintf(b, `<g><title>%s</title>`, html.EscapeString(col.Title))
		sum := 0.0
		for n, v := range col.Values[:min(len(col.Values), maxSeries)] {
			if v = min(v, most-sum); v > 0 {
				hatch := c.ID + "-h"
				if n != 1 && !col.Below {
					hatch = ""
				}
				b.WriteString(c.bar(n, x-wide/2, y(sum+v), wide, y(sum)-y(sum+v), hatch))
				sum += v
			}
		}
		b.WriteString("</g>")
		if col.Label != "" {
			class := ""
			if col.Minor {
				class = ` class="minor"`
			}
			fmt.Fprintf(b, `<text%s x="%s" y="%d" text-anchor="middle">%s</text>`, class, num(x), height-bottom+19, html.EscapeString(col.Label))
		}
	}
	if c.Target > 0 && c.Target <= most {
		fmt.Fprintf(b, `<path class="target" d="M%d %sH%d"/>`, left, num(y(c.Target)), width-right)
	}
}

// bar is one piece of a column; the second series, and what misses the target, is hatched.
func (c *Chart) bar(series int, x, y, w, h float64, hatch string) string {
	r := fmt.Sprintf(`x="%s" y="%s" width="%s" height="%s"`, num(x), num(y), num(w), num(h))
	s := fmt.Sprintf(`<rect class="s%d" %s/>`, series, r)
	if hatch != "" {
		s += fmt.Sprintf(`<rect fill="url(#%s)" %s/>`, hatch, r)
	} else if series == 1 { // in the legend, where patterns can't be named
		s += fmt.Sprintf(`<path class="hatch" d="M%s %sl%s %s"/>`, num(x), num(y+h), num(w), num(-h))
	}
	return s
}

// Scale is the distance of the lines and the top one: whole numbers, five lines at most.
func (c *Chart) Scale() (step, most float64) {
	high := c.Max
	for _, col := range c.Columns {
		sum := 0.0
		for _, v := range col.Values {
			sum += v
		}
		if c.Max == 0 {
			high = max(high, sum)
		}
	}
	high = max(high, 1)
	step = math.Pow(10, math.Floor(math.Log10(high)))
	for _, n := range []float64{0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5} {
		if d := step * n; d >= 1 && d == math.Trunc(d) && high/d <= 4 {
			step = d
			break
		}
	}
	return step, step * math.Ceil(high/step)
}

// num writes a coordinate with one decimal at most.
func num(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
