package ui

import (
	"net/http"
	"strings"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/view"
)

func (v *visit) apiLines() error { return v.json(v.lineModels()) }

func (v *visit) linesPage() view.Lines {
	return view.Lines{Lines: v.lineModels(), Edit: v.me.Role == office.RoleTechnician}
}

func (v *visit) lines() error {
	page := v.linesPage()
	page.Frame = v.frame(v.p.T("lines.title"))
	page.Live = "/live?page=lines"
	return v.show(http.StatusOK, "lines", page)
}

// linePage is one line's page without its frame.
func (v *visit) linePage(id string) (view.Line, bool) {
	doc := v.doc()
	l := doc.LineByID(office.ID(id))
	if l == nil {
		return view.Line{}, false
	}
	page := view.Line{Line: v.lineModel(doc, l), Edit: v.me.Role == office.RoleTechnician, Uses: v.uses(doc, office.KindLine, id)}
	page.Test = page.Edit && v.s.d.TestRing != nil && l.Kind != office.LineTrunk && !l.Disabled
	page.NoTest = page.Edit && v.s.d.TestRing == nil && l.Kind != office.LineTrunk && !l.Disabled
	names := v.namer(doc, nil)
	for _, f := range v.fields(doc, subject{kind: office.KindLine, id: id}) {
		text, _ := doc.Get(office.KindLine, id, f.Name)
		if f.Name == "name" || text == "" {
			continue
		}
		page.Details = append(page.Details, view.Pair{Label: v.p.T(f.Label()), Value: v.fieldWords(names, f, text)})
	}
	if len(page.Line.Numbers) > 0 {
		page.Details = append(page.Details, view.Pair{Label: v.p.T("lines.numbers"), Value: strings.Join(page.Line.Numbers, ", ")})
	}
	return page, true
}

func (v *visit) line() error {
	id := v.r.PathValue("id")
	page, ok := v.linePage(id)
	if !ok {
		return errNotFound
	}
	page.Frame = v.frame(page.Line.Name)
	page.Live = "/live?page=line&id=" + id
	return v.show(http.StatusOK, "line", page)
}

// suggestPorts offers the serial ports that are there now, each with what its device
// says of itself and with the line that has it.
func (v *visit) suggestPorts(w *view.Field, doc *office.Document, line string) {
	if v.s.d.Ports == nil || w.ReadOnly {
		return
	}
	ports, err := v.s.d.Ports()
	if err != nil {
		v.s.d.Log.Warn("serial ports cannot be listed", "err", err)
		w.SuggestHelp = v.p.T("line.ports.failed")
		return
	}
	w.SuggestHelp = v.p.T("line.ports.none")
	if len(ports) > 0 {
		w.SuggestHelp = v.p.N("line.ports", len(ports))
	}
	for _, p := range ports {
		var words []string
		if p.Product != "" {
			words = append(words, p.Product)
		}
		if p.Serial != "" {
			words = append(words, v.p.T("line.ports.serial", "serial", p.Serial))
		}
		words = append(words, p.Device)
		for i := range doc.Lines {
			if l := &doc.Lines[i]; l.Port == p.Identity && string(l.ID) != line {
				words = append(words, v.p.T("line.ports.taken", "line", l.Name))
			}
		}
		w.Suggest = append(w.Suggest, view.Option{Value: p.Identity, Label: strings.Join(words, ", ")})
	}
}

// testRing makes a line ring, where the board can.
func (v *visit) testRing() error {
	l := v.doc().LineByID(office.ID(v.r.PathValue("id")))
	if l == nil || v.s.d.TestRing == nil {
		return errNotFound
	}
	v.s.d.Journal.Append("", journal.AccessEvent{What: "line.test", Who: v.me.Person, Source: "page"})
	if err := v.s.d.TestRing(v.ctx(), l.ID); err != nil {
		v.s.d.Log.Warn("test ring refused", "line", string(l.ID), "err", err)
		v.flash("flash.test.refused", "bad", 0)
	} else {
		v.flash("flash.test.started", "ok", 0)
	}
	return v.goTo("/lines/" + string(l.ID))
}
