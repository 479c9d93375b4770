package ui

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/view"
)

// How long drafts wait for their maker's yes or no, and how many.
const (
	draftLasts = 30 * time.Minute
	maxDrafts  = 64
)

// change edits a document; it is run again on a newer document if somebody else
// applied a version meanwhile. Problems are for the form that the change came from.
type change func(doc *office.Document) []office.Problem

// draft is a change that waits for a yes.
type draft struct {
	ticket
	title   string
	edit    change
	base    int
	doc     *office.Document
	names   map[journal.SubjectID]string // of people who are being made or renamed
	renamed bool                         // names differ though the document may not
	with    func(tx *sql.Tx) error
	note    string
	undo    int        // the version that is brought back
	back    string     // address of the form
	values  url.Values // what stood in it
	done    string     // where to go afterwards; empty: back
	moved   bool       // the office was changed by somebody else meanwhile
}

// form is the path of the form that the draft came from.
func (n *draft) form() string {
	path, _, _ := strings.Cut(n.back, "?")
	return path
}

// propose runs a change on the current document. With problems (not warnings) it
// returns them and keeps nothing; else the draft waits under its address.
func (v *visit) propose(n *draft) ([]office.Problem, error) {
	cur := v.s.d.Office.Current()
	doc := cur.Doc.Clone()
	if problems := n.edit(doc); len(problems) > 0 {
		return problems, nil
	}
	p := v.s.d.Office.Propose(cur.Version, doc)
	if bad := serious(append(p.Problems, scriptCheck(cur.Doc, doc)...)); len(bad) > 0 {
		return bad, nil
	}
	n.base, n.doc = cur.Version, doc
	return nil, v.wait(n)
}

// wait puts a draft under its address and goes there.
func (v *visit) wait(n *draft) error {
	n.ticket = v.ticket()
	v.s.drafts.put(n.ticket, *n)
	return v.goTo("/draft/" + n.id)
}

// theDraft is the reader's draft of the address.
func (v *visit) theDraft() (*draft, bool) {
	n, ok := v.s.drafts.get(v.ticketOf(v.r.PathValue("id")))
	return &n, ok
}

// typed is what stood in the form of the address when the draft was made that the
// address names; nil without one.
func (v *visit) typed() url.Values {
	n, ok := v.s.drafts.get(v.ticketOf(v.r.URL.Query().Get("draft")))
	if !ok || n.form() != v.r.URL.Path {
		return nil
	}
	return n.values
}

// serious leaves the warnings out.
func serious(list []office.Problem) []office.Problem {
	var out []office.Problem
	for _, p := range list {
		if !p.Warning {
			out = append(out, p)
		}
	}
	return out
}

// draft shows what a change would do.
func (v *visit) draft() error {
	n, ok := v.theDraft()
	if !ok {
		return v.draftGone()
	}
	return v.showDraft(http.StatusOK, n)
}

func (v *visit) draftGone() error {
	v.flash("flash.draft.gone", "warn", 0)
	return v.goTo("/versions")
}

func (v *visit) showDraft(status int, n *draft) error {
	cur := v.s.d.Office.Current()
	if n.base != cur.Version {
		// Somebody else was faster: make the same change on what holds now.
		doc := cur.Doc.Clone()
		if problems := n.edit(doc); len(problems) > 0 {
			v.s.drafts.drop(n.ticket)
			v.flash("flash.draft.moved", "warn", 0)
			return v.goTo(n.back)
		}
		n.base, n.doc, n.moved = cur.Version, doc, true
	}
	v.s.drafts.set(n.ticket, *n)
	p := v.s.d.Office.Propose(n.base, n.doc)
	page := view.Draft{Frame: v.frame(n.title), ID: n.id, Moved: n.moved, Undo: n.undo,
		Changes: v.changes(cur.Doc, n.doc, p.Changes, n.names)}
	if n.values != nil {
		sep := "?"
		if strings.Contains(n.back, "?") {
			sep = "&"
		}
		page.Back = n.back + sep + "draft=" + n.id
	}
	if n.renamed {
		page.Changes = append(v.renames(n), page.Changes...)
	}
	names := v.namer(n.doc, n.names)
	for _, x := range append(p.Problems, scriptCheck(cur.Doc, n.doc)...) {
		text := v.problemText(names, x)
		if x.Object != "" || x.Kind != "" {
			text = names.titled(x.Kind, x.Object) + ": " + text
		}
		if x.Warning {
			page.Warnings = append(page.Warnings, text)
		} else {
			page.Problems = append(page.Problems, text)
		}
	}
	if key := v.overreach(n.doc); key != "" {
		page.Problems = append(page.Problems, v.p.T(key))
	}
	return v.show(status, "draft", page)
}

// overreach is the text that says why the reader may not make doc the office, empty
// if he may: nobody takes away his own access, as going back to a time before it
// would, and only technicians decide who is one.
func (v *visit) overreach(doc *office.Document) string {
	me := doc.PersonByID(v.me.Person)
	if me == nil || me.Role != v.me.Role {
		return "draft.overreach.self"
	}
	if v.me.Role != office.RoleTechnician && !slices.Equal(technicians(doc), technicians(v.doc())) {
		return "draft.overreach.technicians"
	}
	return ""
}

// technicians are the ids of those of a document, sorted.
func technicians(doc *office.Document) []journal.SubjectID {
	var out []journal.SubjectID
	for i := range doc.People {
		if doc.People[i].Role == office.RoleTechnician {
			out = append(out, doc.People[i].ID)
		}
	}
	slices.Sort(out)
	return out
}

// apply makes a draft the office's next version.
func (v *visit) apply() error {
	n, ok := v.theDraft()
	if !ok {
		return v.draftGone()
	}
	if v.overreach(n.doc) != "" {
		return v.showDraft(http.StatusForbidden, n)
	}
	var conflict *office.Conflict
	var invalid *office.Invalid
	snap, err := v.s.d.Office.Apply(v.ctx(), office.Edit{Base: n.base, Doc: n.doc, By: v.me.Person, Note: n.note, With: n.with})
	switch {
	case errors.As(err, &conflict), errors.As(err, &invalid):
		n.moved = true
		return v.showDraft(http.StatusConflict, n)
	case err != nil:
		return err
	}
	v.s.drafts.drop(n.ticket)
	if n.undo != 0 {
		v.flash("flash.undone", "ok", snap.Version-1)
	} else {
		v.flash("flash.applied", "ok", snap.Version-1)
	}
	if n.done != "" {
		return v.goTo(n.done)
	}
	return v.goTo(n.back)
}

func (v *visit) drop() error {
	n, ok := v.theDraft()
	if !ok {
		return v.draftGone()
	}
	v.s.drafts.drop(n.ticket)
	v.flash("flash.dropped", "ok", 0)
	return v.goTo(n.back)
}

// undo brings a version back: at once where the page just offered it, else with a
// look at the difference first.
func (v *visit) undo() error {
	number, err := pathInt(v.r, "n")
	if err != nil {
		return errNotFound
	}
	if v.r.PostFormValue("now") == "1" {
		if err := v.bringBack(v.ctx(), number); err != nil {
			return err
		}
		return v.goTo("/versions")
	}
	old, err := v.s.d.Office.At(v.ctx(), number)
	if err != nil {
		return errNotFound
	}
	cur := v.s.d.Office.Current()
	n := &draft{title: v.p.T("draft.undo"), base: cur.Version, doc: old.Clone(), note: "undo", undo: number,
		back: "/versions", edit: func(doc *office.Document) []office.Problem { *doc = *old.Clone(); return nil }}
	return v.wait(n)
}

func (v *visit) bringBack(ctx context.Context, number int) error {
	old, err := v.s.d.Office.At(ctx, number)
	if err != nil {
		return errNotFound
	}
	if v.overreach(old) != "" {
		v.flash("flash.undo.overreach", "bad", 0)
		return nil
	}
	snap, err := v.s.d.Office.Undo(ctx, number, v.me.Person)
	var invalid *office.Invalid
	if errors.As(err, &invalid) {
		v.flash("flash.undo.invalid", "bad", 0)
		return nil
	}
	if err != nil {
		return err
	}
	v.flash("flash.undone", "ok", snap.Version-1)
	return nil
}
