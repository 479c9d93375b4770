package export

import (
	"strconv"

	"centralino/ui/chart"
)

// Measures of charts on paper, in millimetres. They stand side by side, and are as high
// as the page lets them be; rows of tables may stand closer for them.
const (
	chartHigh   = 44.0
	chartLow    = 32.0
	chartGap    = 6.0
	chartHead   = 10.0 // title and legend
	chartFoot   = 5.0  // labels under the columns
	chartScale  = 9.0  // numbers beside the lines
	chartBefore = 2.0
	chartAfter  = 2.0
	closeLine   = 4.4
	legendBox   = 2.4
)

// bottom is how far down a page is written on.
func (p *paper) bottom() float64 {
	_, h := p.f.GetPageSize()
	return h - pdfMargin - 7
}

// fit settles how high charts are: a sheet that takes one page without them takes one
// with them, and has none where that cannot be (0).
func (p *paper) fit(s Sheet) float64 {
	if len(s.Charts) == 0 {
		return 0
	}
	y := p.f.GetY()
	need := func(line float64) (all float64) {
		for _, g := range s.Grids {
			all += p.needs(g, line)
		}
		return all
	}
	if y+need(pdfLine) > p.bottom() {
		return chartHigh
	}
	for _, line := range []float64{pdfLine, closeLine} {
		if room := p.bottom() - y - need(line) - chartBefore - chartAfter; room >= chartLow {
			p.line = line
			return min(room, chartHigh)
		}
	}
	return 0
}

// needs is how much of a page a table takes with rows of a height.
func (p *paper) needs(g Grid, line float64) float64 {
	_, most := p.wrapped(g, p.columns(g))
	high := 4 + 8 + float64(most)*4 + 1.6 + float64(len(g.Rows))*line + 1
	p.font("I", 8, 90)
	for _, n := range g.Notes {
		high += 4 * float64(len(p.f.SplitLines([]byte(p.tr(n)), p.width())))
	}
	return high
}

// charts draws charts side by side.
func (p *paper) charts(list []chart.Chart, high float64) {
	if len(list) == 0 || high == 0 {
		return
	}
	if p.f.GetY()+chartBefore+high > p.bottom() {
		p.f.AddPage()
	}
	y := p.f.GetY() + chartBefore
	w := (p.width() - chartGap*float64(len(list)-1)) / float64(len(list))
	for i := range list {
		p.chart(&list[i], pdfMargin+float64(i)*(w+chartGap), y, w, high)
	}
	p.f.SetXY(pdfMargin, y+high+chartAfter)
}

// chart draws one chart, in the greys and patterns of the page on paper.
func (p *paper) chart(c *chart.Chart, x, y, w, h float64) {
	f := p.f
	f.SetXY(x, y)
	p.font("B", 8.5, 20)
	p.cell(w, 4, c.Title, "L")
	p.legend(c, x, y+4.5, w)
	step, most := c.Scale()
	left, top, floor := x+chartScale, y+chartHead, y+h-chartFoot
	at := func(v float64) float64 { return floor - v/most*(floor-top) }
	f.SetLineWidth(0.1)
	f.SetDrawColor(200, 200, 200)
	p.font("", 6.5, 90)
	for v := 0.0; v <= most+step/2; v += step {
		f.Line(left, at(v), x+w, at(v))
		f.SetXY(x, at(v)-1.5)
		p.cell(chartScale-0.5, 3, strconv.FormatFloat(v, 'f', -1, 64)+c.Unit, "R")
	}
	slot := (x + w - left) / float64(len(c.Columns))
	wide := min(slot*0.72, 8)
	for i, col := range c.Columns {
		middle := left + slot*(float64(i)+0.5)
		sum := 0.0
		for n, v := range col.Values {
			if v = min(v, most-sum); v > 0 {
				p.bar(n, n == 1 || col.Below, middle-wide/2, at(sum+v), wide, at(sum)-at(sum+v))
				sum += v
			}
		}
		if p.label(c, i, slot) {
			f.SetXY(middle-6, floor+0.6)
			p.font("", 6.5, 90)
			p.cell(12, 3, col.Label, "C")
		}
	}
	if c.Target > 0 && c.Target <= most {
		p.target(left, at(c.Target), x+w)
	}
	f.SetLineWidth(0.2)
}

// label says whether there is room for the label of a column: the minor ones make way.
func (p *paper) label(c *chart.Chart, i int, slot float64) bool {
	if c.Columns[i].Label == "" || !c.Columns[i].Minor {
		return c.Columns[i].Label != ""
	}
	next := i + 1
	for next < len(c.Columns) && c.Columns[next].Label == "" {
		next++
	}
	p.font("", 6.5, 90)
	return p.f.GetStringWidth(p.tr(c.Columns[i].Label))+0.8 < slot*float64(next-i)
}

// bar is one piece of a column.
func (p *paper) bar(series int, hatched bool, x, y, w, h float64) {
	f := p.f
	f.SetDrawColor(85, 85, 85)
	f.SetLineWidth(0.15)
	switch series {
	case 0:
		f.SetFillColor(119, 119, 119)
		f.Rect(x, y, w, h, "F")
	case 1:
		f.SetFillColor(17, 17, 17)
		f.Rect(x, y, w, h, "F")
	default:
		f.SetFillColor(255, 255, 255)
		f.Rect(x, y, w, h, "FD")
	}
	if !hatched {
		return
	}
	f.ClipRect(x, y, w, h, false)
	f.SetDrawColor(255, 255, 255)
	f.SetLineWidth(0.35)
	for d := -h; d < w; d += 1.1 {
		f.Line(x+d, y+h, x+d+h, y)
	}
	f.ClipEnd()
}

func (p *paper) target(from, y, to float64) {
	p.f.SetDrawColor(17, 17, 17)
	p.f.SetLineWidth(0.3)
	p.f.SetDashPattern([]float64{1.6, 1}, 0)
	p.f.Line(from, y, to, y)
	p.f.SetDashPattern(nil, 0)
}

// legend names the series and the target, as far as there is room.
func (p *paper) legend(c *chart.Chart, x, y, w float64) {
	end := x + w
	x++ // where the title begins
	name := func(text string, draw func()) {
		p.font("", 7, 90)
		draw()
		p.f.SetXY(x+legendBox+0.5, y)
		p.cell(max(end-x-legendBox-0.5, 4), 3.4, text, "L")
		p.font("", 7, 90)
		x += legendBox + p.f.GetStringWidth(p.tr(text)) + 5
	}
	for i, s := range c.Series {
		name(s, func() { p.bar(i, i == 1, x, y+0.5, legendBox, legendBox) })
	}
	if c.Target > 0 {
		name(c.Of, func() { p.target(x, y+1.7, x+legendBox) })
	}
}
