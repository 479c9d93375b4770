package ui

import (
	"cmp"
	"slices"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/cti"
	"centralino/ui/live"
	"centralino/ui/view"
)

// A queue names a page of another program; the desk has a link to it for each call. Who
// wants it may have it opened by itself, always in one window of the browser. That
// window is in another site's hands and can lead the desk's tab elsewhere, as any page
// can that opens another and keeps hold of it: so it is for pages that the office trusts,
// and only for those who turned it on.

// choicePop names what a person wants of the page: "", popRinging or popAnswered.
const choicePop = "pop"

const (
	popRinging  = "ringing"
	popAnswered = "answered"
)

// popWindow is the name of the one window.
const popWindow = "centralino-pop"

// popURL is the address that another program is opened at, empty if there is none.
func (v *visit) popURL(call journal.CallID, queue string, p cti.Place) string {
	g := v.doc().GroupByID(office.ID(queue))
	if g == nil || g.Queue == nil {
		return ""
	}
	p.Call, p.Queue = call, queue
	text, _ := cti.Pop(g.Queue.PopURL, p)
	return text
}

// pops says whether a queue of the reader's has a page to open.
func (v *visit) pops(doc *office.Document) bool {
	return slices.ContainsFunc(doc.GroupsOf(v.me.Person), func(g *office.Group) bool { return g.Queue != nil && g.Queue.PopURL != "" })
}

// deskPop fills in the page of another program for the call on the desk, and how the
// reader wants it opened.
func (v *visit) deskPop(page *view.Desk, name string) {
	if !v.pops(v.doc()) {
		return
	}
	wish := v.s.choice(v.ctx(), v.me.Person, choicePop)
	page.Pop.Offer, page.Pop.Window = true, popWindow
	for _, x := range []string{"", popRinging, popAnswered} {
		page.Pop.When = append(page.Pop.When, view.Option{Value: x, Label: v.p.T("desk.pop." + cmp.Or(x, "never")), Selected: x == wish})
	}
	page.Pop.Auto = wish == popRinging || wish == popAnswered
	c := page.Desk.Call
	if c == nil || c.QueueID == "" {
		return
	}
	number := v.dialled(journal.SubjectID(c.Subject))
	c.Pop = v.popURL(journal.CallID(c.ID), c.QueueID, cti.Place{Number: number, Name: name})
	if c.Pop != "" && popsNow(wish, c) {
		page.Pop.Now = c.ID
	}
}

// popsNow says whether a call is where the reader wants its page opened.
func popsNow(wish string, c *api.DeskCall) bool {
	switch live.Phase(c.Phase.ID) {
	case live.Offered:
		return wish == popRinging
	case live.Talking:
		return wish != ""
	}
	return false
}

// chooseDeskPop keeps when the reader wants the page opened.
func (v *visit) chooseDeskPop() error {
	wish := v.r.PostFormValue("pop")
	if wish != "" && wish != popRinging && wish != popAnswered {
		return errBad
	}
	if err := v.s.choose(v.ctx(), v.me.Person, choicePop, wish); err != nil {
		return err
	}
	v.flash("flash.desk.pop", "ok", 0)
	return v.goTo("/desk")
}
