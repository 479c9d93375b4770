package ui

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// callsPerPage is how many calls a page lists.
const callsPerPage = 50

// callsModel is one page of calls as the reader may see them. Who only answers sees
// the own calls.
func (v *visit) callsModel(q url.Values) (api.Calls, error) {
	doc := v.doc()
	ask := journal.CallQuery{Limit: callsPerPage}
	if b := q.Get("before"); b != "" {
		first, err := strconv.ParseUint(b, 10, 64)
		if err != nil {
			return api.Calls{}, errBad
		}
		ask.Before.First = first
	}
	if l := q.Get("line"); l != "" {
		if doc.LineByID(office.ID(l)) == nil {
			return api.Calls{}, errBad
		}
		ask.Line = l
	}
	out := api.Calls{Calls: []api.Call{}}
	if v.ownOnly() {
		ask.Subject = v.me.Person
	} else if n := strings.TrimSpace(q.Get("number")); n != "" {
		s, ok := v.subjectOf(doc, n)
		if !ok {
			return out, nil
		}
		ask.Subject = s
	}
	calls, next, err := v.s.d.Journal.Calls(v.ctx(), ask)
	if err != nil {
		return out, err
	}
	for i := range calls {
		out.Calls = append(out.Calls, v.callModel(doc, &calls[i]))
	}
	if next.First != 0 {
		out.Next = strconv.FormatUint(next.First, 10)
	}
	return out, nil
}

// ownOnly says whether the person sees only the own calls.
func (v *visit) ownOnly() bool { return v.me.Role == office.RoleOperator }

// subjectOf finds whose calls a typed number means: an outside number. People's
// calls are not listed by person; that would be a figure.
func (v *visit) subjectOf(doc *office.Document, typed string) (journal.SubjectID, bool) {
	plan, err := numbering.New(doc.Site.Country, doc.Site.AreaCode)
	if err != nil {
		return "", false
	}
	n, err := plan.Parse(typed)
	if err != nil || n.E164 == "" || v.s.d.SubjectOf == nil {
		return "", false
	}
	return v.s.d.SubjectOf(n.E164), true
}

// callModel describes a call for the list.
func (v *visit) callModel(doc *office.Document, c *journal.Call) api.Call {
	m := api.Call{ID: string(c.ID), Start: c.Start, Direction: string(c.Direction), Emergency: c.Emergency,
		Talk: c.Talk.Seconds(), Total: c.Total.Seconds(), Outcome: v.outcome(c)}
	if l := doc.LineByID(office.ID(c.Line)); l != nil {
		m.Line = l.Name
	}
	if c.Talk > 0 && c.Total > c.Talk {
		m.Waited = (c.Total - c.Talk).Seconds()
	}
	m.Caller = v.party(c.From)
	switch {
	case c.By != "":
		m.Called = v.party(c.By)
	case c.To != "":
		m.Called = v.party(c.To)
	default:
		m.Called = cmp.Or(v.dialledWords(doc, c.Dialled), doc.Site.Name)
	}
	return m
}

// party names one side of a call: an outside number, or somebody of the office if
// the gate allows it.
func (v *visit) party(s journal.SubjectID) string { return v.name(privacy.CallDetail, s) }

// dialledWords says what was dialled. An extension names its person, so it is shown
// as that person may be.
func (v *visit) dialledWords(doc *office.Document, digits string) string {
	if digits == "" {
		return ""
	}
	if n := doc.NumberByE164(numbering.E164(digits)); n != nil {
		return v.number(doc, n.Number)
	}
	r, ok := doc.Resolve(digits)
	if !ok || r.Extension == nil {
		return digits
	}
	switch t := r.Extension.Target; t.Kind {
	case office.TargetPerson:
		return v.party(journal.SubjectID(t.ID))
	case office.TargetDevice:
		if d := doc.DeviceByID(office.ID(t.ID)); d != nil && d.Owner != "" {
			return v.party(d.Owner)
		}
	}
	return v.namer(doc, nil).target(r.Extension.Target)
}

// outcome says in a word how a call went.
func (v *visit) outcome(c *journal.Call) api.State {
	id, tone := "missed", api.ToneBad
	switch {
	case c.Ended.IsZero():
		id, tone = "running", api.ToneBusy
	case c.Talk > 0:
		id, tone = "talked", api.ToneOK
	case c.Cause == "restart":
		id, tone = "restart", api.ToneWarn
	case c.Direction == journal.Internal && !c.Answered.IsZero() && v.isCode(c.Dialled):
		id, tone = "code", api.ToneOff
	case c.Direction == journal.Inbound && !c.Answered.IsZero():
		id, tone = "abandoned", api.ToneWarn
	case c.Direction != journal.Inbound:
		id, tone = "unanswered", api.ToneOff
		if c.Cause == "busy" {
			id = "busy"
		}
	}
	return api.State{ID: id, Word: v.p.T("outcome." + id), Tone: tone}
}

// isCode says whether digits are one of the office's feature codes.
func (v *visit) isCode(digits string) bool {
	r, ok := v.doc().Resolve(digits)
	return ok && r.Feature != ""
}

func (v *visit) calls() error {
	q := v.r.URL.Query()
	m, err := v.callsModel(q)
	if err != nil {
		return err
	}
	page := view.Calls{Frame: v.frame(v.p.T("calls.title")), List: m, Own: v.ownOnly(), Number: q.Get("number"), Line: q.Get("line")}
	page.Filtered = page.Number != "" || page.Line != ""
	page.Lines = []view.Option{{Label: v.p.T("calls.anyline"), Selected: page.Line == ""}}
	doc := v.doc()
	for i := range doc.Lines {
		l := &doc.Lines[i]
		page.Lines = append(page.Lines, view.Option{Value: string(l.ID), Label: l.Name, Selected: string(l.ID) == page.Line})
	}
	page.Newest, page.Older = v.pager(m.Next, "before", "line", "number")
	return v.show(http.StatusOK, "calls", page)
}

// pager gives the addresses of the first page of a list, empty on it, and of the one
// that goes on at next, empty where next is. cursor is the parameter that says where a
// page begins, keep those that say what is listed.
func (v *visit) pager(next, cursor string, keep ...string) (first, older string) {
	asked, q := v.r.URL.Query(), url.Values{}
	for _, k := range keep {
		if asked.Get(k) != "" {
			q.Set(k, asked.Get(k))
		}
	}
	if asked.Get(cursor) != "" {
		first = v.r.URL.Path + "?" + q.Encode()
	}
	if next != "" {
		q.Set(cursor, next)
		older = v.r.URL.Path + "?" + q.Encode()
	}
	return first, older
}

func (v *visit) apiCalls() error {
	m, err := v.callsModel(v.r.URL.Query())
	if err != nil {
		return err
	}
	return v.jsonList(m, m.Next)
}

// storyModel is one call as a timeline.
func (v *visit) storyModel(doc *office.Document, c *journal.Call, events []journal.Event) api.CallStory {
	s := api.CallStory{Call: v.callModel(doc, c), Moments: v.story(doc, events), Quality: []api.Quality{}}
	for _, e := range events {
		if end, ok := e.Payload.(journal.CallEnded); ok {
			for _, q := range end.Quality {
				s.Quality = append(s.Quality, api.Quality{Leg: string(q.Leg), Received: q.Received, Lost: q.Lost, JitterMS: q.JitterMS, RoundMS: q.RoundTripMS,
					PeerLost: q.PeerLost, PeerJitterMS: q.PeerJitterMS})
			}
		}
	}
	return s
}

// tookPart says whether a person spoke or rang in a call.
func tookPart(who journal.SubjectID, c *journal.Call, events []journal.Event) bool {
	if c.From == who || c.To == who || c.By == who {
		return true
	}
	for _, e := range events {
		if l, ok := e.Payload.(journal.CallLeg); ok && l.Person == who {
			return true
		}
	}
	return false
}

func (v *visit) call() error {
	c, events, err := v.callEvents()
	if err != nil {
		return err
	}
	doc := v.doc()
	page := view.Call{Frame: v.frame(v.p.T("call.title")), Story: v.storyModel(doc, &c, events), Erase: v.erasable(&c)}
	if page.Why, err = v.explanation(doc, c.ID, events); err != nil {
		return err
	}
	if v.may("GET /system/log") && v.s.d.Logs != nil {
		page.Log = "/system/log?call=" + url.QueryEscape(string(c.ID))
	}
	return v.show(http.StatusOK, "call", page)
}

func (v *visit) apiCall() error {
	c, events, err := v.callEvents()
	if err != nil {
		return err
	}
	return v.json(v.storyModel(v.doc(), &c, events))
}
