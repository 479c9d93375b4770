package ui

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/numbering"
	"centralino/internal/privacy"
	"centralino/ui/export"
	"centralino/ui/view"
)

// How long files wait for their sender's yes or no, how many of them, and how much of
// one is shown.
const (
	uploadLasts = 30 * time.Minute
	maxUploads  = 4
	shownCells  = 3 // of a column
	shownRows   = 100
)

// upload is a file that waits for its sender's yes or no.
type upload struct {
	ticket
	table   *outcome.Table
	mapping outcome.Mapping
	source  outcome.ImportSource
}

// plan is how numbers are dialled at the office.
func (v *visit) plan() numbering.Plan {
	site := v.doc().Site
	plan, _ := numbering.New(site.Country, site.AreaCode) // without a plan: numbers of other countries
	return plan
}

func (v *visit) importForm() error { return v.showImportFile(http.StatusOK, "") }

func (v *visit) showImportFile(status int, problem string) error {
	book, err := v.book()
	if err != nil {
		return err
	}
	list, err := book.Imports(v.ctx())
	if err != nil {
		return err
	}
	page := view.ImportFile{Frame: v.frame(v.p.T("import.title")), Problem: problem, Tabs: v.tabs(), MaxRows: outcome.MaxRows}
	for _, i := range list {
		page.Past = append(page.Past, view.PastImport{Time: i.Time, By: v.name(privacy.Account, i.By), Source: i.Source, Date: i.Date, Created: i.Created, Merged: i.Merged, Rejected: i.Rejected})
	}
	return v.show(status, "importfile", page)
}

// importFile takes a file and goes on to its columns.
func (v *visit) importFile() error {
	if _, err := v.book(); err != nil {
		return err
	}
	file, err := v.uploaded("file")
	if err != nil {
		return err
	}
	table, err := outcome.ReadTable(file)
	if err != nil {
		v.s.refused.add("upload", "csv")
	}
	switch {
	case errors.Is(err, outcome.ErrTooMuch):
		return v.showImportFile(http.StatusUnprocessableEntity, v.p.T("import.large", "rows", v.p.Int(outcome.MaxRows)))
	case errors.Is(err, outcome.ErrNoRows):
		return v.showImportFile(http.StatusUnprocessableEntity, v.p.T("import.empty"))
	case err != nil:
		return v.showImportFile(http.StatusUnprocessableEntity, v.p.T("import.notable"))
	}
	x := upload{ticket: v.ticket(), table: table, mapping: outcome.Guess(table, v.plan())}
	v.s.uploads.put(x.ticket, x)
	return v.goTo("/import/" + x.id)
}

// theUpload is the file of the address.
func (v *visit) theUpload() (*upload, error) {
	if _, err := v.book(); err != nil {
		return nil, err
	}
	x, ok := v.s.uploads.get(v.ticketOf(v.r.PathValue("id")))
	if !ok {
		return nil, errNotFound
	}
	return &x, nil
}

func (v *visit) importPreview() error {
	x, err := v.theUpload()
	if err != nil {
		return err
	}
	return v.showImport(http.StatusOK, x, nil)
}

// showImport shows what an import would do with the columns as they are chosen.
func (v *visit) showImport(status int, x *upload, problems []view.FieldProblem) error {
	t := x.table
	page := view.Import{Frame: v.frame(v.p.T("import.preview")), ID: x.id, Encoding: t.Encoding, Rows: len(t.Rows), Source: x.source.Source, Date: x.source.Date,
		Today: v.s.d.Now().In(v.s.zone()).Format(time.DateOnly), Problems: problems,
		Delimiter: v.p.T("import.delimiter." + map[rune]string{';': "semicolon", ',': "comma", '\t': "tab", '|': "bar"}[t.Delimiter])}
	if !strings.ContainsRune(";,\t|", t.Delimiter) {
		page.Delimiter = string(t.Delimiter)
	}
	for i := range t.Columns {
		c := view.ImportColumn{Name: "column:" + strconv.Itoa(i), Title: v.p.T("import.column", "n", i+1)}
		if i < len(t.Header) && t.Header[i] != "" {
			c.Title = t.Header[i]
		}
		for _, r := range t.Rows[:min(shownCells, len(t.Rows))] {
			if i < len(r.Cells) {
				c.Cells = append(c.Cells, r.Cells[i])
			}
		}
		for _, what := range outcome.ColumnChoices() {
			key := "import.as." + string(what)
			if what == outcome.ColSkip {
				key = "import.as.skip"
			}
			c.Options = append(c.Options, view.Option{Value: string(what), Label: v.p.T(key), Selected: x.mapping[i] == what})
		}
		page.Columns = append(page.Columns, c)
	}
	if !x.mapping.Check(t) {
		page.Problems = append(page.Problems, view.FieldProblem{Field: "column:0", Text: v.p.T("import.mapping")})
		return v.show(status, "import", page)
	}
	plan, err := v.s.d.Customers.Plan(v.ctx(), t, x.mapping, v.plan())
	if err != nil {
		return err
	}
	page.New, page.Merged, page.Doubles = plan.New, plan.Merged, plan.Doubles
	for _, r := range plan.Rejected {
		if !r.Kept {
			page.RejectedCount++
		}
		if len(page.Rejected) < shownRows {
			page.Rejected = append(page.Rejected, view.RejectedRow{Line: r.Line, Text: v.p.Args(r.Code, r.Args), Kept: r.Kept})
		}
	}
	page.Ready = plan.New+plan.Merged > 0
	return v.show(status, "import", page)
}

// importGo takes the columns; with "do" it imports, else it shows what would happen.
func (v *visit) importGo() error {
	x, err := v.theUpload()
	if err != nil {
		return err
	}
	f := v.r.PostForm
	x.mapping = make(outcome.Mapping, x.table.Columns)
	for i := range x.mapping {
		x.mapping[i] = outcome.Column(f.Get("column:" + strconv.Itoa(i)))
	}
	x.source = outcome.ImportSource{Source: strings.TrimSpace(f.Get("source")), Date: f.Get("date")}
	v.s.uploads.set(x.ticket, *x)
	if f.Get("do") != "import" {
		return v.goTo("/import/" + x.id)
	}
	var problems []view.FieldProblem
	for _, w := range x.source.Check(v.s.d.Now()) {
		problems = append(problems, view.FieldProblem{Field: w.Field, Label: v.p.T("import." + w.Field), Text: v.p.Args(w.Code, w.Args)})
	}
	if len(problems) > 0 || !x.mapping.Check(x.table) {
		return v.showImport(http.StatusUnprocessableEntity, x, problems)
	}
	_, plan, err := v.s.d.Customers.Import(v.ctx(), v.me.Person, x.table, x.mapping, v.plan(), x.source)
	switch {
	case errors.Is(err, outcome.ErrMoved), errors.Is(err, outcome.ErrNoRows):
		v.flash("flash.import.again", "warn", 0)
		return v.goTo("/import/" + x.id)
	case err != nil:
		return err
	}
	for _, r := range plan.Rejected {
		if !r.Kept {
			v.s.refused.add("upload", "row")
		}
	}
	v.s.uploads.drop(x.ticket)
	v.flash("flash.imported", "ok", 0)
	return v.goTo("/import")
}

// importRejected gives the rows that are not taken, with the reason, as CSV.
func (v *visit) importRejected() error {
	x, err := v.theUpload()
	if err != nil {
		return err
	}
	if !x.mapping.Check(x.table) {
		return errNotFound
	}
	plan, err := v.s.d.Customers.Plan(v.ctx(), x.table, x.mapping, v.plan())
	if err != nil {
		return err
	}
	rows := map[int][]string{}
	for _, r := range x.table.Rows {
		rows[r.Line] = r.Cells
	}
	g := export.Grid{Head: append([]string{v.p.T("import.line"), v.p.T("import.reason")}, x.table.Header...)}
	for _, r := range plan.Rejected {
		row := export.Row{Cells: []export.Field{{Text: strconv.Itoa(r.Line)}, {Text: v.p.Args(r.Code, r.Args)}}}
		for _, cell := range rows[r.Line] {
			// A telephone's number stays as it is, to be mended.
			row.Cells = append(row.Cells, export.Field{Text: cell, Plain: cell, Number: likeNumber(cell)})
		}
		g.Rows = append(g.Rows, row)
	}
	var file bytes.Buffer
	if err := export.CSV(&file, g, export.CSVOptions{Comma: ';', BOM: true}); err != nil {
		return err
	}
	return v.file("rejected.csv", "text/csv; charset=utf-8", file.Bytes())
}

// importDrop lets go of a file.
func (v *visit) importDrop() error {
	x, err := v.theUpload()
	if err != nil {
		return err
	}
	v.s.uploads.drop(x.ticket)
	v.flash("flash.dropped", "ok", 0)
	return v.goTo("/import")
}
