package export

import (
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Measures of a page, in millimetres.
const (
	pdfMargin = 14.0
	pdfLine   = 5.2
	pdfWide   = 9 // more columns turn the page
)

// PDF writes a sheet for paper (A4). The fonts are those that every reader of PDF
// has, so letters beyond Western European ones (Windows-1252) become points. made is
// the date in the file.
func PDF(w io.Writer, s Sheet, made time.Time) error {
	p := &paper{f: fpdf.New(orientation(s), "mm", "A4", ""), line: pdfLine}
	p.tr = p.f.UnicodeTranslatorFromDescriptor("")
	f := p.f
	f.SetCatalogSort(true) // the same sheet is the same file
	f.SetCreationDate(made)
	f.SetModificationDate(made)
	f.SetTitle(s.Title, true)
	f.SetProducer("Centralino", false)
	f.SetMargins(pdfMargin, pdfMargin, pdfMargin)
	f.SetAutoPageBreak(true, pdfMargin+6)
	f.SetFooterFunc(func() {
		f.SetY(-pdfMargin)
		p.font("", 8, 110)
		p.cell(0, 4, fmt.Sprintf("%s  ·  %d", s.Footer, f.PageNo()), "R")
	})
	f.AddPage()
	p.font("B", 17, 20)
	p.cell(0, 8, s.Title, "L")
	f.Ln(8)
	p.font("", 10, 90)
	p.cell(0, 5, s.Subtitle, "L")
	f.Ln(9)
	p.big(s.Big)
	p.font("", 11, 20)
	for _, t := range s.Text {
		f.MultiCell(0, 6, p.tr(t), "", "L", false)
		f.Ln(1)
	}
	p.charts(s.Charts, p.fit(s))
	for _, g := range s.Grids {
		p.grid(g)
	}
	if err := f.Output(w); err != nil {
		return fmt.Errorf("write PDF %q: %w", s.Title, err)
	}
	return nil
}

func orientation(s Sheet) string {
	for _, g := range s.Grids {
		if len(g.Head) > pdfWide {
			return "L"
		}
	}
	return "P"
}

// paper is a PDF in the making.
type paper struct {
	f    *fpdf.Fpdf
	tr   func(string) string
	line float64 // height of a table's row
}

func (p *paper) font(style string, size float64, grey int) {
	p.f.SetFont("Helvetica", style, size)
	p.f.SetTextColor(grey, grey, grey)
}

// cell writes one line, cut to its width.
func (p *paper) cell(w, h float64, text, align string) {
	text = p.tr(strings.Join(strings.Fields(text), " "))
	if w > 0 {
		for len(text) > 1 && p.f.GetStringWidth(text) > w-1.5 {
			text = text[:len(text)-1]
		}
	}
	p.f.CellFormat(w, h, text, "", 0, align, false, 0, "")
}

func (p *paper) width() float64 {
	w, _ := p.f.GetPageSize()
	return w - 2*pdfMargin
}

// big writes the few numbers in boxes side by side.
func (p *paper) big(list []Pair) {
	if len(list) == 0 {
		return
	}
	f, gap := p.f, 3.0
	w := (p.width() - gap*float64(len(list)-1)) / float64(len(list))
	y := f.GetY()
	for i, b := range list {
		x := pdfMargin + float64(i)*(w+gap)
		f.SetDrawColor(200, 200, 200)
		f.Rect(x, y, w, 20, "D")
		f.SetXY(x, y+3)
		p.font("B", 15, 20)
		if b.Warn {
			f.SetTextColor(170, 50, 20)
		}
		p.cell(w, 8, b.Value, "C")
		f.SetXY(x+1, y+12)
		p.font("", 7.5, 90)
		p.cell(w-2, 5, b.Name, "C")
	}
	f.SetXY(pdfMargin, y+25)
}

// grid writes one table; its head stands again on each further page.
func (p *paper) grid(g Grid) {
	f := p.f
	if _, h := f.GetPageSize(); f.GetY() > h-45 {
		f.AddPage()
	}
	f.Ln(4)
	p.font("B", 12, 20)
	p.cell(0, 7, g.Title, "L")
	f.Ln(8)
	widths := p.columns(g)
	p.head(g, widths)
	for _, r := range g.Rows {
		if _, h := f.GetPageSize(); f.GetY() > h-pdfMargin-12 {
			f.AddPage()
			p.head(g, widths)
		}
		style := ""
		if r.Sum {
			style = "B"
			f.Line(pdfMargin, f.GetY(), pdfMargin+p.width(), f.GetY())
		}
		for i, c := range r.Cells {
			if i >= len(widths) {
				break
			}
			p.font(style, 8.5, 30)
			if c.Warn {
				f.SetTextColor(170, 50, 20)
			}
			p.cell(widths[i], p.line, c.Text, align(c, i))
		}
		f.Ln(p.line)
	}
	p.font("I", 8, 90)
	f.Ln(1)
	for _, n := range g.Notes {
		f.MultiCell(0, 4, p.tr(n), "", "L", false)
	}
}

func align(c Field, column int) string {
	if c.Number && column > 0 {
		return "R"
	}
	return "L"
}

// columns shares the page's width out by what the columns hold.
func (p *paper) columns(g Grid) []float64 {
	p.font("B", 8.5, 30)
	want, sum := make([]float64, len(g.Head)), 0.0
	for i, h := range g.Head {
		for word := range strings.FieldsSeq(h) { // heads break at blanks
			want[i] = max(want[i], p.f.GetStringWidth(p.tr(word)))
		}
		for _, r := range g.Rows {
			if i < len(r.Cells) {
				want[i] = max(want[i], p.f.GetStringWidth(p.tr(r.Cells[i].Text)))
			}
		}
		want[i] = min(want[i]+3, 70)
		sum += want[i]
	}
	for i := range want {
		want[i] *= p.width() / max(sum, 1)
	}
	return want
}

// head writes the names of the columns, in as many lines as the longest needs.
func (p *paper) head(g Grid, widths []float64) {
	lines, most := p.wrapped(g, widths)
	y := p.f.GetY()
	x := pdfMargin
	for i := range g.Head {
		number := len(g.Rows) > 0 && i < len(g.Rows[0].Cells) && g.Rows[0].Cells[i].Number
		for n, l := range lines[i] {
			p.f.SetXY(x, y+float64(n+most-len(lines[i]))*4)
			p.cell(widths[i], 4, l, align(Field{Number: number}, i))
		}
		x += widths[i]
	}
	p.f.SetXY(pdfMargin, y+float64(most)*4+1)
	p.f.SetDrawColor(150, 150, 150)
	p.f.Line(pdfMargin, p.f.GetY(), pdfMargin+p.width(), p.f.GetY())
	p.f.Ln(0.6)
}

// wrapped breaks the names of the columns into lines; most is how many the longest takes.
func (p *paper) wrapped(g Grid, widths []float64) (lines [][]string, most int) {
	p.font("B", 8, 90)
	lines, most = make([][]string, len(g.Head)), 1
	for i, h := range g.Head {
		for word := range strings.FieldsSeq(h) {
			n := len(lines[i])
			if n > 0 && p.f.GetStringWidth(p.tr(lines[i][n-1]+" "+word)) < widths[i]-2 {
				lines[i][n-1] += " " + word
			} else {
				lines[i] = append(lines[i], word)
			}
		}
		most = max(most, len(lines[i]))
	}
	return lines, most
}
