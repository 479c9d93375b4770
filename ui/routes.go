package ui

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/auth"
	"centralino/ui/cti"
)

// Access is who may use a route: a set of roles, or everybody.
type Access uint8

// Who may use a route. A route without Access does not work for anybody.
const (
	Technician Access = 1 << iota
	Manager
	Leader
	Operator
	Anybody // also without login
)

// Common sets.
const (
	Chiefs   = Technician | Manager
	Editors  = Chiefs | Leader // of the office: the schema says which fields
	Everyone = Technician | Manager | Leader | Operator
	Heads    = Manager | Leader
	Callers  = Manager | Leader | Operator
)

var roleAccess = map[office.Role]Access{
	office.RoleTechnician: Technician, office.RoleManager: Manager,
	office.RoleLeader: Leader, office.RoleOperator: Operator,
}

// allows says whether the one who is logged in is in the set.
func (a Access) allows(me auth.Session) bool {
	return a&Anybody != 0 || me.Person != "" && a&roleAccess[me.Role] != 0
}

// Route is one line of the table: what is not in it does not exist, and who is not
// in Who is refused.
type Route struct {
	Method  string
	Pattern string // of http.ServeMux, without the method
	Who     Access
	do      func(*visit) error
	Limit   int64  // octets of body, maxBody if 0
	Doc     string // what it is for, for the OpenAPI document
	Answer  any    // what JSON it gives, nil for pages
	Query   []string
	Cursor  string     // query parameter with which a list of JSON goes on; empty: it is whole
	Leads   bool       // answers with the first part of another route's list, and says where that goes on
	Body    any        // what JSON it takes; nil for a form, or none
	Form    []string   // fields of the form that an API route takes
	Scope   auth.Scope // what a token must be good for; empty: no token opens it
	stream  bool       // answers for as long as the page is open
	slow    bool       // sends a file that takes its time
}

// table is every route of the box.
func (s *Server) table() []Route {
	const get, post = http.MethodGet, http.MethodPost
	return []Route{
		// Before anybody is logged in.
		{Method: get, Pattern: "/assets/{name}", Who: Anybody, do: (*visit).asset},
		{Method: get, Pattern: "/ca.crt", Who: Anybody, do: (*visit).caFile},
		{Method: get, Pattern: "/claim", Who: Anybody, do: (*visit).claimForm},
		{Method: post, Pattern: "/claim", Who: Anybody, do: (*visit).claim},
		{Method: get, Pattern: "/pair", Who: Anybody, do: (*visit).pairForm},
		{Method: post, Pattern: "/pair", Who: Anybody, do: (*visit).pair},
		{Method: get, Pattern: "/login", Who: Anybody, do: (*visit).loginForm},
		{Method: post, Pattern: "/login", Who: Anybody, do: (*visit).login},
		{Method: get, Pattern: "/invite", Who: Anybody, do: (*visit).inviteForm},
		{Method: post, Pattern: "/invite", Who: Anybody, do: (*visit).inviteCode},
		{Method: get, Pattern: "/invite/{code}", Who: Anybody, do: (*visit).inviteLink},
		{Method: post, Pattern: "/invite/set", Who: Anybody, do: (*visit).inviteSet},
		{Method: post, Pattern: "/language", Who: Anybody, do: (*visit).language},

		// Everybody of the office.
		{Method: get, Pattern: "/{$}", Who: Everyone, do: (*visit).home},
		{Method: get, Pattern: "/live", Who: Everyone, do: (*visit).live, stream: true},
		{Method: post, Pattern: "/logout", Who: Everyone, do: (*visit).logout},
		{Method: get, Pattern: "/me", Who: Everyone, do: (*visit).myPage},
		{Method: post, Pattern: "/me/password", Who: Everyone, do: (*visit).myPassword},
		{Method: post, Pattern: "/me/sessions", Who: Everyone, do: (*visit).mySessions},
		{Method: post, Pattern: "/me/tokens", Who: Everyone, do: (*visit).makeToken},
		{Method: post, Pattern: "/me/tokens/{id}/revoke", Who: Everyone, do: (*visit).revokeMine},
		{Method: post, Pattern: "/me/state", Who: Everyone, do: (*visit).myState},
		{Method: get, Pattern: "/me/looks", Who: Everyone, do: (*visit).looks},
		{Method: get, Pattern: "/desk", Who: Everyone, do: (*visit).desk},
		{Method: post, Pattern: "/desk/state", Who: Everyone, do: (*visit).deskState},
		{Method: post, Pattern: "/desk/pop", Who: Everyone, do: (*visit).chooseDeskPop},
		{Method: get, Pattern: "/board", Who: Chiefs | Leader, do: (*visit).board},
		{Method: get, Pattern: "/search", Who: Everyone, do: (*visit).search},
		{Method: get, Pattern: "/calls", Who: Everyone, do: (*visit).calls},
		{Method: get, Pattern: "/calls/{id}", Who: Everyone, do: (*visit).call},
		{Method: get, Pattern: "/system", Who: Everyone, do: (*visit).system},
		{Method: get, Pattern: "/system/licences", Who: Everyone, do: (*visit).licences},

		// Who answers, and who leads them.
		{Method: get, Pattern: "/recall", Who: Callers, do: (*visit).recall},
		{Method: post, Pattern: "/recall/take", Who: Callers, do: (*visit).recallTake},
		{Method: post, Pattern: "/recall/done", Who: Callers, do: (*visit).recallDone},
		{Method: post, Pattern: "/recall/cancel", Who: Callers, do: (*visit).recallCancel},
		{Method: get, Pattern: "/reports", Who: Heads, do: (*visit).reports},
		{Method: get, Pattern: "/reports/contacts", Who: Heads, do: (*visit).reportContacts},
		{Method: get, Pattern: "/reports/file", Who: Heads, do: (*visit).reportFile},
		{Method: get, Pattern: "/reports/queuelog", Who: Manager, do: (*visit).queueLog},
		{Method: get, Pattern: "/plan", Who: Heads, do: (*visit).planning},

		// After the call. Inside of these routes who does not lead sees his own calls'
		// customers only.
		{Method: get, Pattern: "/calls/{id}/after", Who: Everyone, do: (*visit).afterCall},
		{Method: post, Pattern: "/calls/{id}/script", Who: Everyone, do: (*visit).callScript},
		{Method: post, Pattern: "/calls/{id}/outcome", Who: Everyone, do: (*visit).callOutcome},
		{Method: get, Pattern: "/callbacks", Who: Callers, do: (*visit).callBacks},
		{Method: post, Pattern: "/callbacks/{id}/done", Who: Callers, do: (*visit).callBackDone},
		{Method: post, Pattern: "/callbacks/{id}/dial", Who: Callers, do: (*visit).callBackDial},
		{Method: get, Pattern: "/customers", Who: Heads, do: (*visit).customers},
		{Method: get, Pattern: "/customers/new", Who: Everyone, do: (*visit).newCustomerForm},
		{Method: post, Pattern: "/customers/new", Who: Everyone, do: (*visit).newCustomer},
		{Method: get, Pattern: "/customers/{id}", Who: Everyone, do: (*visit).customer},
		{Method: get, Pattern: "/customers/{id}/edit", Who: Everyone, do: (*visit).editCustomerForm},
		{Method: post, Pattern: "/customers/{id}/edit", Who: Everyone, do: (*visit).editCustomer},
		{Method: post, Pattern: "/customers/{id}/note", Who: Everyone, do: (*visit).customerNote},
		{Method: post, Pattern: "/customers/{id}/dial", Who: Everyone, do: (*visit).customerDial},
		{Method: post, Pattern: "/customers/{id}/merge", Who: Heads, do: (*visit).customerMerge},
		{Method: post, Pattern: "/customers/{id}/export", Who: Manager, do: (*visit).customerExport},
		{Method: get, Pattern: "/customers/{id}/erase", Who: Manager, do: (*visit).customerEraseForm},
		{Method: post, Pattern: "/customers/{id}/erase", Who: Manager, do: (*visit).customerErase},
		{Method: get, Pattern: "/import", Who: Manager, do: (*visit).importForm},
		{Method: post, Pattern: "/import", Who: Manager, do: (*visit).importFile, Limit: maxImport},
		{Method: get, Pattern: "/import/{id}", Who: Manager, do: (*visit).importPreview},
		{Method: post, Pattern: "/import/{id}", Who: Manager, do: (*visit).importGo},
		{Method: get, Pattern: "/import/{id}/rejected", Who: Manager, do: (*visit).importRejected},
		{Method: post, Pattern: "/import/{id}/drop", Who: Manager, do: (*visit).importDrop},
		{Method: get, Pattern: "/surveys", Who: Heads, do: (*visit).surveys},
		{Method: get, Pattern: "/scripts", Who: Heads, do: (*visit).scripts},
		{Method: get, Pattern: "/scripts/{id}", Who: Heads, do: (*visit).script},
		{Method: post, Pattern: "/scripts/{id}", Who: Manager, do: (*visit).scriptWrite},
		{Method: get, Pattern: "/scripts/{id}/try", Who: Heads, do: (*visit).scriptTry},
		{Method: post, Pattern: "/scripts/{id}/try", Who: Heads, do: (*visit).scriptTry},
		{Method: get, Pattern: "/webhooks", Who: Chiefs, do: (*visit).webhooks},
		{Method: post, Pattern: "/webhooks/{id}", Who: Chiefs, do: (*visit).webhookDo},

		// Who runs the office.
		{Method: get, Pattern: "/people", Who: Chiefs, do: (*visit).people},
		{Method: get, Pattern: "/people/new", Who: Chiefs, do: (*visit).newPersonForm},
		{Method: post, Pattern: "/people/new", Who: Chiefs, do: (*visit).newPerson},
		{Method: get, Pattern: "/people/{id}", Who: Chiefs, do: (*visit).person},
		{Method: post, Pattern: "/people/{id}/invite", Who: Chiefs, do: (*visit).invite},
		{Method: post, Pattern: "/people/{id}/sessions", Who: Chiefs, do: (*visit).personSessions},
		{Method: get, Pattern: "/tokens", Who: Chiefs, do: (*visit).tokens},
		{Method: post, Pattern: "/tokens/{id}/revoke", Who: Chiefs, do: (*visit).revokeToken},
		{Method: get, Pattern: "/people/{id}/erase", Who: Manager, do: (*visit).eraseNameForm},
		{Method: post, Pattern: "/people/{id}/erase", Who: Manager, do: (*visit).eraseName},
		{Method: get, Pattern: "/phones/{id}", Who: Chiefs, do: (*visit).phone},
		{Method: get, Pattern: "/lines", Who: Chiefs, do: (*visit).lines},
		{Method: get, Pattern: "/lines/{id}", Who: Chiefs, do: (*visit).line},
		{Method: get, Pattern: "/office", Who: Editors, do: (*visit).office},
		{Method: get, Pattern: "/office/privacy", Who: Chiefs, do: (*visit).privacyForm},
		{Method: post, Pattern: "/office/privacy", Who: Manager, do: (*visit).privacySet},
		{Method: get, Pattern: "/prompts", Who: Chiefs, do: (*visit).prompts},
		{Method: get, Pattern: "/prompts/{id}", Who: Chiefs, do: (*visit).prompt},
		{Method: get, Pattern: "/prompts/{id}/{lang}", Who: Chiefs, do: (*visit).promptSound},
		{Method: post, Pattern: "/prompts/{id}/{lang}", Who: Chiefs, do: (*visit).promptUpload, Limit: maxVoice},
		{Method: post, Pattern: "/prompts/{id}/{lang}/remove", Who: Chiefs, do: (*visit).promptRemove},
		{Method: get, Pattern: "/edit/{kind}", Who: Chiefs, do: (*visit).editForm},
		{Method: post, Pattern: "/edit/{kind}", Who: Chiefs, do: (*visit).edit},
		{Method: get, Pattern: "/edit/{kind}/{id}", Who: Editors, do: (*visit).editForm},
		{Method: post, Pattern: "/edit/{kind}/{id}", Who: Editors, do: (*visit).edit},
		{Method: get, Pattern: "/delete/{kind}/{id}", Who: Chiefs, do: (*visit).deleteForm},
		{Method: post, Pattern: "/delete/{kind}/{id}", Who: Chiefs, do: (*visit).delete},
		{Method: get, Pattern: "/draft/{id}", Who: Editors, do: (*visit).draft},
		{Method: post, Pattern: "/draft/{id}", Who: Editors, do: (*visit).apply},
		{Method: post, Pattern: "/draft/{id}/drop", Who: Editors, do: (*visit).drop},
		{Method: get, Pattern: "/versions", Who: Chiefs, do: (*visit).versions},
		{Method: get, Pattern: "/versions/{n}", Who: Chiefs, do: (*visit).version},
		{Method: post, Pattern: "/versions/{n}/undo", Who: Chiefs, do: (*visit).undo},

		// The technician.
		{Method: post, Pattern: "/phones/{id}/account", Who: Technician, do: (*visit).phoneAccount},
		{Method: post, Pattern: "/phones/{id}/secret", Who: Technician, do: (*visit).phoneSecret},
		{Method: post, Pattern: "/lines/{id}/test", Who: Technician, do: (*visit).testRing},
		{Method: get, Pattern: "/system/backup", Who: Technician, do: (*visit).backupForm},
		{Method: post, Pattern: "/system/backup", Who: Technician, do: (*visit).backup, slow: true},
		{Method: post, Pattern: "/system/restore", Who: Technician, do: (*visit).restore, Limit: maxUpload},
		{Method: get, Pattern: "/system/update", Who: Chiefs, do: (*visit).updateForm},
		{Method: post, Pattern: "/system/update", Who: Chiefs, do: (*visit).updateUpload, Limit: maxUpload},
		{Method: post, Pattern: "/system/update/stick", Who: Chiefs, do: (*visit).updateStick, slow: true},
		{Method: post, Pattern: "/system/update/cancel", Who: Chiefs, do: (*visit).updateCancel},
		{Method: post, Pattern: "/system/clock", Who: Technician, do: (*visit).clockSet},
		{Method: post, Pattern: "/system/restart", Who: Technician, do: (*visit).restart},
		{Method: post, Pattern: "/system/faults/{kind}/read", Who: Technician, do: (*visit).faultRead},
		{Method: get, Pattern: "/system/log", Who: Technician, do: (*visit).log},

		// The same as JSON.
		{Method: get, Pattern: "/api/v1/openapi.json", Who: Everyone, Scope: anyScope, do: (*visit).apiDocument, Doc: "This description."},
		{Method: get, Pattern: "/api/v1/home", Who: Everyone, do: (*visit).apiHome, Doc: "What the box is doing now.", Answer: api.Home{}},
		{Method: get, Pattern: "/api/v1/health", Who: Everyone, do: (*visit).apiHealth, Doc: "What is wrong, if anything.", Answer: api.Health{}},
		{Method: get, Pattern: "/api/v1/calls", Who: Everyone, do: (*visit).apiCalls, Doc: "Calls, newest first. Operators get their own.", Answer: api.Calls{}, Query: []string{"line", "number"}, Cursor: "before"},
		{Method: get, Pattern: "/api/v1/calls/{id}", Who: Everyone, do: (*visit).apiCall, Doc: "One call as a timeline with the reasons of each decision.", Answer: api.CallStory{}},
		{Method: get, Pattern: "/api/v1/calls/{id}/why", Who: Everyone, do: (*visit).apiWhy, Doc: "Why a call went where it went, and why it waited.", Answer: api.Explanation{}},
		{Method: get, Pattern: "/api/v1/me", Who: Everyone, do: (*visit).apiMe, Doc: "The reader: extensions, phones, open sessions, who looked.", Answer: api.Me{}},
		{Method: get, Pattern: "/api/v1/office/privacy", Who: Chiefs, do: (*visit).apiPrivacy, Doc: "On which ground states and figures of people are shown, and what was recorded before.", Answer: api.Privacy{}},
		{Method: get, Pattern: "/api/v1/me/looks", Who: Everyone, do: (*visit).apiLooks, Doc: "Who looked at the reader's state or figures, newest first.", Answer: []api.Look{}, Cursor: "before"},
		{Method: get, Pattern: "/api/v1/desk", Who: Everyone, do: (*visit).apiDesk, Doc: "The reader's own desk: state, call, break and figures of the day.", Answer: api.Desk{}},
		{Method: post, Pattern: "/api/v1/desk/state", Who: Everyone, do: (*visit).apiDeskState, Doc: "Changes the reader's own state, by the form fields do and reason.", Form: []string{"do", "reason"}, Answer: api.Desk{}},
		{Method: get, Pattern: "/api/v1/board", Who: Chiefs | Leader, do: (*visit).apiBoard, Doc: "The queues as they stand and went today; people only as the gate shows them.", Answer: api.Board{}},
		{Method: get, Pattern: "/api/v1/recall", Who: Callers, do: (*visit).apiRecall, Doc: "People to call back: those whom a queue has promised a call, and those who were not served.", Answer: api.Recall{}, Query: []string{"closed", "unanswered"}},
		{Method: post, Pattern: "/api/v1/recall/take", Who: Callers, do: (*visit).apiRecallTake, Doc: "Takes one of them, by the form field caller, and calls; 409 while somebody else calls him, he is on the line, or no own phone is connected, 403 if the reader may not dial him.", Form: []string{"caller"}, Answer: api.Recall{}},
		{Method: post, Pattern: "/api/v1/recall/done", Who: Callers, do: (*visit).apiRecallDone, Doc: "Closes it, by the form fields caller and why (reached, gaveUp, noNeed, returned).", Form: []string{"caller", "why"}, Answer: api.Recall{}},
		{Method: post, Pattern: "/api/v1/recall/cancel", Who: Callers, do: (*visit).apiRecallCancel, Doc: "Takes a promise to call back out of its queue, by the form field call; 409 while he is being called.", Form: []string{"call"}, Answer: api.Recall{}},
		{Method: get, Pattern: "/api/v1/reports", Who: Heads, do: (*visit).apiReport, Doc: "A report: what is day, interval, queue, outcome, unserved, lines, team or people; from and to are days, step is 15 or 30.", Answer: api.Report{}, Query: []string{"what", "from", "to", "queue", "step"}},
		{Method: get, Pattern: "/api/v1/reports/contacts", Who: Heads, do: (*visit).apiContacts, Doc: "The contacts behind a number of a report; from and to are seconds since 1970.", Answer: api.Contacts{}, Query: []string{"from", "to", "queue", "count", "outcome"}, Cursor: "after"},
		{Method: get, Pattern: "/api/v1/plan", Who: Heads, do: (*visit).apiPlan, Doc: "How many people a day's traffic needs.", Answer: api.Plan{}, Query: []string{"queue", "weekday", "calls", "handle", "patience", "abandons", "level", "threshold"}},
		{Method: get, Pattern: "/api/v1/customers", Who: Heads, Scope: auth.ScopeCustomers, do: (*visit).apiCustomers, Doc: "Cards of customers, by words or by a number in full.", Answer: api.Customers{}, Query: []string{"q"}, Cursor: "after"},
		{Method: get, Pattern: "/api/v1/customer", Who: Callers, Scope: auth.ScopeCustomers, do: (*visit).apiCustomer, Doc: "Who a number is: the card with its newest 50 calls and their outcomes. Operators get those whom they talk with.", Answer: api.Customer{}, Query: []string{"number"}},
		{Method: get, Pattern: "/api/v1/callbacks", Who: Callers, Scope: auth.ScopeCustomers, do: (*visit).apiCallBacks, Doc: "Calls that customers asked for and what else is to be done after calls: the reader's and his queues'; who leads gets all. What falls due first comes first.", Answer: []api.CallBack{}, Cursor: "after"},
		{Method: post, Pattern: "/api/v1/callbacks/done", Who: Callers, do: (*visit).apiCallBackDone, Doc: "Takes one of them off the list, by the form field call, and answers with the first of the rest.", Form: []string{"call"}, Answer: []api.CallBack{}, Leads: true},
		{Method: post, Pattern: "/api/v1/dial", Who: Everyone, Scope: auth.ScopeDial, do: (*visit).apiDial, Doc: "Click to dial: the reader's own phone rings, and once it is answered a customer is called who called or asked for it. 404 for one who is not the reader's to call, 403 for one who never called or asked or whom the reader may not dial, 409 while somebody else calls him, he is on the line, or no own phone is connected.", Body: api.DialWish{}, Answer: api.Dialled{}},
		{Method: get, Pattern: "/api/v1/scripts", Who: Heads, do: (*visit).apiScripts, Doc: "Scripts with what is wrong with them.", Answer: []api.ScriptState{}},
		{Method: get, Pattern: "/api/v1/surveys", Who: Heads, do: (*visit).apiSurveys, Doc: "What callers of each queue answered; nothing below ten answers.", Answer: []api.SurveyResult{}},
		{Method: get, Pattern: "/api/v1/webhooks", Who: Chiefs, do: (*visit).apiWebhooks, Doc: "Webhooks with their last deliveries.", Answer: []api.Webhook{}},
		{Method: get, Pattern: "/api/v1/events", Who: Callers, Scope: auth.ScopeEvents, do: (*visit).events, Doc: "Server-sent events: ringing, answered, ended, outcome. Who leads hears all calls, operators their own. Each event's data is this.", Answer: cti.Message{}, stream: true},
		{Method: get, Pattern: "/api/v1/people", Who: Chiefs, do: (*visit).apiPeople, Doc: "People of the office with their phones.", Answer: []api.Person{}},
		{Method: get, Pattern: "/api/v1/tokens", Who: Chiefs, do: (*visit).apiTokens, Doc: "Tokens of the people of the office: whose, what for, until when. A person's own stand under me.", Answer: []api.Token{}},
		{Method: get, Pattern: "/api/v1/phones", Who: Chiefs, do: (*visit).apiPhones, Doc: "All phones with their registration.", Answer: []api.Phone{}},
		{Method: get, Pattern: "/api/v1/lines", Who: Chiefs, do: (*visit).apiLines, Doc: "Lines and trunks with their state.", Answer: []api.Line{}},
		{Method: get, Pattern: "/api/v1/office", Who: Chiefs, do: (*visit).apiOffice, Doc: "The office document in force; people are pseudonyms, secrets are handles.", Answer: office.Document{}},
		{Method: get, Pattern: "/api/v1/schema", Who: Editors, do: (*visit).apiSchema, Doc: "Every field of the office's settings with its limits, unit and the role that may change it.", Answer: []api.Field{}},
		{Method: get, Pattern: "/api/v1/prompts", Who: Chiefs, do: (*visit).apiPrompts, Doc: "What the box says: messages of the office and sentences of its own, per language.", Answer: api.Prompts{}},
		{Method: get, Pattern: "/api/v1/versions", Who: Chiefs, do: (*visit).apiVersions, Doc: "Versions of the office, newest first.", Answer: []api.Version{}, Cursor: "before"},
		{Method: get, Pattern: "/api/v1/versions/{n}", Who: Chiefs, do: (*visit).apiVersion, Doc: "What a version changed.", Answer: api.Difference{}},
		{Method: get, Pattern: "/api/v1/search", Who: Everyone, do: (*visit).apiSearch, Doc: "Pages, settings and people by words: the best 30.", Answer: []api.Hit{}, Query: []string{"q"}},
		{Method: get, Pattern: "/api/v1/system", Who: Everyone, do: (*visit).apiSystem, Doc: "What the box is and how it is reached.", Answer: api.System{}},
		{Method: post, Pattern: "/api/v1/system/clock", Who: Technician, do: (*visit).apiClockSet, Doc: "Sets the box's clock where no time server tells the time, by the form field time: a local time of the office (2026-11-22T23:45:00) or an instant of RFC 3339. 409 while a server tells it, 422 for a time that cannot be, 404 on a computer whose clock the box may not set.", Form: []string{"time"}, Answer: api.System{}},
		{Method: get, Pattern: "/api/v1/update", Who: Chiefs, do: (*visit).apiUpdate, Doc: "What runs in which slot, and the update that is under way.", Answer: api.Update{}},
		{Method: post, Pattern: "/api/v1/update", Who: Chiefs, do: (*visit).apiUpdateUpload, Limit: maxUpload, Doc: "Takes an update bundle, which is the whole body; it is installed when no call is under way. 409 while another one is, 422 for one that this box does not take.", Answer: api.Update{}},
		{Method: get, Pattern: "/api/v1/log", Who: Technician, do: (*visit).apiLog, Doc: "The newest 300 lines of the log.", Answer: []api.LogLine{}, Query: []string{"level", "text", "call"}},
	}
}

// Routes lists the table, for tests and the OpenAPI document.
func (s *Server) Routes() []Route { return s.routes }

// Methods that are answered at all.
var methods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true}

// mux joins the table to net/http. Whatever it does not match is refused.
func (s *Server) mux() http.Handler {
	m := http.NewServeMux()
	for i := range s.routes {
		route := &s.routes[i]
		m.HandleFunc(route.Method+" "+route.Pattern, func(w http.ResponseWriter, r *http.Request) { s.enter(route, w, r) })
	}
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		v := s.visit(nil, w, r)
		if v.barred != nil {
			v.fail(v.barred)
			return
		}
		if !methods[r.Method] {
			v.refuse(http.StatusMethodNotAllowed, "E-405")
			return
		}
		v.refuse(http.StatusNotFound, "E-404")
	})
	return m
}

// visit finds out who asks and in which language.
func (s *Server) visit(route *Route, w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{s: s, w: w, r: r, route: route, source: remoteAddr(r.RemoteAddr)}
	if text, ok := bearer(r); ok {
		v.token = text
		v.me, v.barred = v.byToken()
	} else if token := v.cookie(v.cookieName()); token != "" {
		me, err := s.auth.Session(r.Context(), token, route != nil && !route.stream)
		if errors.Is(err, auth.ErrUnread) {
			v.unread = err
		}
		v.me = me
	}
	wish := v.cookie(cookieLang)
	if wish == "" && v.me.Person != "" {
		if p := v.doc().PersonByID(v.me.Person); p != nil {
			wish = p.Language
		}
	}
	v.p = s.texts.Choose(wish, r.Header.Get("Accept-Language"))
	return v
}

// enter is the one door to every route.
func (s *Server) enter(route *Route, w http.ResponseWriter, r *http.Request) {
	limit := route.Limit
	if limit == 0 {
		limit = maxBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	v := s.visit(route, w, r)
	if v.barred != nil {
		v.fail(v.barred)
		return
	}
	if !route.Who.allows(v.me) || !route.opensTo(v.me.Scopes) {
		v.keepOut()
		return
	}
	if route.Limit > maxBody || route.slow {
		rc := http.NewResponseController(w)
		_ = rc.SetReadDeadline(time.Now().Add(slowLimit))
		_ = rc.SetWriteDeadline(time.Now().Add(slowLimit))
	}
	if route.Method == http.MethodPost && route.Limit == 0 {
		if err := r.ParseForm(); err != nil {
			v.fail(orTooBig(err))
			return
		}
	}
	if err := route.do(v); err != nil {
		v.fail(err)
	}
}

// orTooBig keeps the error of a body over the limit and calls all else bad.
func orTooBig(err error) error {
	if strings.Contains(err.Error(), "request body too large") {
		return &refusal{http.StatusRequestEntityTooLarge, "E-413"}
	}
	return errBad
}

// keepOut answers somebody who may not use the route: to the login, or a refusal.
func (v *visit) keepOut() {
	switch {
	case v.unread != nil: // he may be logged in: neither 401 nor a page to log in on
		v.fail(v.unread)
	case v.token != "" && !v.route.opensTo(v.me.Scopes):
		v.fail(&scopeError{v.route.Scope})
	case v.me.Person != "":
		v.refuse(http.StatusForbidden, "E-403")
	case strings.HasPrefix(v.r.URL.Path, "/api/"), v.route.stream, v.r.Method != http.MethodGet:
		if strings.HasPrefix(v.r.URL.Path, apiRoot) {
			v.w.Header().Set("WWW-Authenticate", `Bearer realm="centralino"`)
		}
		v.refuse(http.StatusUnauthorized, "E-401")
	default:
		claimed, err := v.s.auth.Claimed(v.ctx())
		if err != nil {
			v.fail(err)
			return
		}
		if !claimed {
			_ = v.goTo("/claim")
			return
		}
		_ = v.goTo("/login?next=" + escapePath(v.r.URL.Path))
	}
}

// asset answers with one of the files.
func (v *visit) asset() error {
	v.s.assets.Serve(v.w, v.r, v.r.PathValue("name"))
	return nil
}

// language keeps the language that a person chose.
func (v *visit) language() error {
	lang := v.r.PostFormValue("lang")
	if lang == "it" || lang == "en" {
		v.setCookie(cookieLang, lang, 365*24*time.Hour)
	}
	return v.goTo(safePath(v.r.PostFormValue("back")))
}
