package ui

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

const customersPerPage = 50

// customersModel is one page of cards. What is typed may be words, or a number in
// full.
func (v *visit) customersModel(q url.Values) (api.Customers, error) {
	out := api.Customers{Customers: []api.Customer{}}
	book, err := v.book()
	if err != nil {
		return out, err
	}
	if out.Total, err = book.Count(v.ctx()); err != nil {
		return out, err
	}
	text := strings.TrimSpace(q.Get("q"))
	if len(text) > 200 {
		return out, errBad
	}
	ask := outcome.Query{Text: text, After: fromCursor(q.Get("after")), Limit: customersPerPage}
	if likeNumber(text) && len(text) > 3 {
		if s, ok := v.subjectOf(v.doc(), text); ok {
			ask.Number = s
		}
	}
	list, next, err := book.Search(v.ctx(), ask)
	if err != nil {
		return out, err
	}
	for i := range list {
		out.Customers = append(out.Customers, v.customerModel(&list[i], privacy.CallDetail))
	}
	if next != "" {
		out.Next = cursor(next)
	}
	return out, nil
}

// likeNumber says whether a text is written as telephone numbers are.
func likeNumber(s string) bool { return strings.Trim(s, "+0123456789 -./()") == "" }

func (v *visit) customers() error {
	q := v.r.URL.Query()
	m, err := v.customersModel(q)
	if err != nil {
		return err
	}
	page := view.Customers{Frame: v.frame(v.p.T("customers.title")), List: m, Text: q.Get("q"), Tabs: v.tabs(), Manager: v.me.Role == office.RoleManager}
	page.First, page.Older = v.pager(m.Next, "after", "q")
	return v.show(http.StatusOK, "customers", page)
}

func (v *visit) apiCustomers() error {
	m, err := v.customersModel(v.r.URL.Query())
	if err != nil {
		return err
	}
	return v.jsonList(m, m.Next)
}

// apiCustomer answers who a number is: the card with its calls, or the number alone.
func (v *visit) apiCustomer() error {
	book, err := v.book()
	if err != nil {
		return err
	}
	m := api.Customer{Numbers: []string{}}
	s, ok := v.subjectOf(v.doc(), v.r.URL.Query().Get("number"))
	if !ok {
		return v.json(m)
	}
	card, found, err := cardOf(v.ctx(), book, s)
	if err != nil {
		return err
	}
	if may, err := v.mayCard(card.Numbers); err != nil || !may {
		return cmp.Or(err, error(errNotFound))
	}
	m = v.customerModel(&card, privacy.CallDetail)
	if !found {
		m.ID = ""
	}
	if m.Calls, err = v.customerCalls(&card, historyCalls); err != nil {
		return err
	}
	return v.json(m)
}

// cardOf reads the card of a number; without one, the number alone.
func cardOf(ctx context.Context, book *outcome.Book, s journal.SubjectID) (c outcome.Customer, found bool, err error) {
	c, found, err = book.ByNumber(ctx, s)
	if err == nil && found {
		c, err = book.ByID(ctx, c.ID)
	} else {
		c = outcome.Customer{Numbers: []journal.SubjectID{s}}
	}
	return c, found, err
}

func (v *visit) customer() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	if c.ID != "" && v.r.PathValue("id") != c.ID { // the number got a card meanwhile
		return v.goTo("/customers/" + c.ID)
	}
	m := v.customerModel(&c, privacy.CallDetail)
	if m.Calls, err = v.customerCalls(&c, historyCalls); err != nil {
		return err
	}
	page := view.Customer{Frame: v.frame(v.customerTitle(&m)), Card: m, Merge: v.may("POST /customers/{id}/merge"), Manager: v.me.Role == office.RoleManager, Back: "/callbacks"}
	if v.may("GET /customers") {
		page.Back = "/customers"
	}
	if v.s.d.Dial != nil {
		doc := v.doc()
		for i, s := range c.Numbers {
			if n, ok := v.s.d.People.Name(v.viewer(), privacy.CallDetail, s); ok {
				d := view.DialNumber{Text: v.number(doc, numbering.E164(n)), At: i, May: v.asked(s)}
				if d.Taken, d.Mine, d.By = v.taker(s); v.may("POST /recall/done") {
					d.Give = view.GiveBack{Caller: string(s), Back: "/customers/" + m.ID}
				}
				page.Dial = append(page.Dial, d)
			}
		}
	}
	return v.show(http.StatusOK, "customer", page)
}

// asked says whether somebody called the office, or asked to be called: nobody else is
// called from these pages.
func (v *visit) asked(s journal.SubjectID) bool {
	calls, _, err := v.s.d.Journal.Calls(v.ctx(), journal.CallQuery{Subject: s, Limit: 200})
	if err != nil {
		return false
	}
	if slices.ContainsFunc(calls, func(c journal.Call) bool { return c.Direction == journal.Inbound && c.From == s }) {
		return true
	}
	results, err := v.s.d.Customers.History(v.ctx(), string(s))
	return err == nil && slices.ContainsFunc(results, func(r outcome.Result) bool { return !r.CallBack.IsZero() && r.Done.IsZero() })
}

// customerDial calls a customer who called or asked: the reader's phone rings first.
func (v *visit) customerDial() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	at, err := strconv.Atoi(v.r.PostFormValue("at"))
	if err != nil || at < 0 || at >= len(c.Numbers) || v.s.d.Dial == nil {
		return errBad
	}
	if !v.asked(c.Numbers[at]) {
		v.flash("flash.dial.never", "warn", 0)
	} else {
		if _, err := v.callParty(c.Numbers[at]); err != nil {
			return err
		}
	}
	return v.goTo("/customers/" + cardID(&c))
}

// --- the form ----------------------------------------------------------------

// newCustomerForm makes a card: for a number that called, or for one that is typed by
// who leads.
func (v *visit) newCustomerForm() error {
	if _, err := v.book(); err != nil {
		return err
	}
	number := v.r.URL.Query().Get("number")
	if err := v.mayNewCard(number); err != nil {
		return err
	}
	return v.showCustomerEdit(http.StatusOK, view.CustomerEdit{New: true, Number: number})
}

// mayNewCard says whether the reader may make a card for a number (a pseudonym; empty: for
// one that is typed).
func (v *visit) mayNewCard(number string) error {
	if number == "" {
		if !v.seesAll() {
			return errNotFound
		}
		return nil
	}
	if !isNumber(number) {
		return errBad
	}
	may, err := v.mayCard([]journal.SubjectID{journal.SubjectID(number)})
	if err == nil && !may {
		err = errNotFound
	}
	return err
}

func (v *visit) editCustomerForm() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	if c.ID == "" {
		return v.goTo("/customers/new?number=" + url.QueryEscape(cardID(&c)))
	}
	m := v.customerModel(&c, privacy.CallDetail)
	page := view.CustomerEdit{ID: c.ID, Name: c.Name, Company: c.Company, Numbers: strings.Join(m.Numbers, "\n")}
	for _, f := range m.Fields {
		page.Fields += f.Label + ": " + f.Value + "\n"
	}
	return v.showCustomerEdit(http.StatusOK, page)
}

func (v *visit) showCustomerEdit(status int, page view.CustomerEdit) error {
	title := v.p.T("customers.edit")
	page.Back = "/customers/" + page.ID
	if page.New {
		title, page.Back = v.p.T("customers.new"), "/customers"
		if page.Number != "" {
			page.NumberText = v.name(privacy.CallDetail, journal.SubjectID(page.Number))
			page.Back = "/customers/" + page.Number
		}
	}
	page.Frame = v.frame(title)
	return v.show(status, "customeredit", page)
}

func (v *visit) newCustomer() error {
	book, err := v.book()
	if err != nil {
		return err
	}
	number := v.r.PostFormValue("number")
	if err := v.mayNewCard(number); err != nil {
		return err
	}
	page, c, numbers := v.readCustomer(view.CustomerEdit{New: true, Number: number})
	if number != "" {
		c.Numbers = []journal.SubjectID{journal.SubjectID(number)}
	} else if len(numbers) == 0 && page.Problem("numbers") == "" {
		page.Problems = append(page.Problems, v.wrongCustomer(outcome.Wrong{Field: "numbers", Code: outcome.WrongNumbers}))
	}
	return v.saveCustomer(book, page, c, numbers)
}

func (v *visit) editCustomer() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	if c.ID == "" {
		return errBad
	}
	page, typed, numbers := v.readCustomer(view.CustomerEdit{ID: c.ID})
	typed.ID = c.ID
	// Numbers that the reader was not shown stay.
	for _, s := range c.Numbers {
		if _, shown := v.s.d.People.Name(v.viewer(), privacy.CallDetail, s); !shown {
			typed.Numbers = append(typed.Numbers, s)
		}
	}
	return v.saveCustomer(v.s.d.Customers, page, typed, numbers)
}

func (v *visit) saveCustomer(book *outcome.Book, page view.CustomerEdit, c outcome.Customer, numbers []numbering.E164) error {
	for _, w := range c.Check() {
		page.Problems = append(page.Problems, v.wrongCustomer(w))
	}
	if len(page.Problems) > 0 {
		return v.showCustomerEdit(http.StatusUnprocessableEntity, page)
	}
	id, err := book.Save(v.ctx(), v.me.Person, c, numbers)
	switch {
	case errors.Is(err, outcome.ErrTaken):
		page.Problems = append(page.Problems, view.FieldProblem{Field: "numbers", Label: v.p.T("customers.numbers"), Text: v.p.T("customers.taken")})
		return v.showCustomerEdit(http.StatusConflict, page)
	case errors.Is(err, outcome.ErrLong):
		return errBad
	case err != nil:
		return err
	}
	v.flash("flash.customer.saved", "ok", 0)
	return v.goTo("/customers/" + id)
}

// readCustomer reads the form; page keeps what was typed and what is wrong with it.
func (v *visit) readCustomer(page view.CustomerEdit) (view.CustomerEdit, outcome.Customer, []numbering.E164) {
	f := v.r.PostForm
	page.Name, page.Company, page.Numbers, page.Fields = strings.TrimSpace(f.Get("name")), strings.TrimSpace(f.Get("company")), f.Get("numbers"), f.Get("fields")
	c := outcome.Customer{Name: page.Name, Company: page.Company, Fields: map[string]string{}}
	plan := v.plan()
	var numbers []numbering.E164
	for line := range strings.Lines(page.Numbers) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		n, err := plan.Parse(line)
		if err != nil || n.E164 == "" {
			page.Problems = append(page.Problems, view.FieldProblem{Field: "numbers", Label: v.p.T("customers.numbers"), Text: v.p.T("customers.number.bad", "value", line)})
			continue
		}
		if !slices.Contains(numbers, n.E164) {
			numbers = append(numbers, n.E164)
		}
	}
	for line := range strings.Lines(page.Fields) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		label, value, ok := strings.Cut(line, ":")
		if label, value = strings.TrimSpace(label), strings.TrimSpace(value); !ok || label == "" {
			page.Problems = append(page.Problems, view.FieldProblem{Field: "fields", Label: v.p.T("customers.fields"), Text: v.p.T("customers.field.bad", "value", line)})
			continue
		}
		if value != "" {
			c.Fields[label] = value
		}
	}
	return page, c, numbers
}

// wrongCustomer says in words what is wrong with a card.
func (v *visit) wrongCustomer(w outcome.Wrong) view.FieldProblem {
	return view.FieldProblem{Field: w.Field, Label: v.p.T("customers." + w.Field), Text: v.p.Args(w.Code, w.Args)}
}

func (v *visit) customerNote() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	if c.ID == "" {
		return errBad
	}
	err = v.s.d.Customers.AddNote(v.ctx(), v.me.Person, c.ID, v.r.PostFormValue("text"))
	switch {
	case errors.Is(err, outcome.ErrLong):
		v.flash("flash.note.bad", "warn", 0)
	case err != nil:
		return err
	default:
		v.flash("flash.note.kept", "ok", 0)
	}
	return v.goTo(cmp.Or(backTo(v.r.PostFormValue("back")), "/customers/"+c.ID))
}

// backTo accepts the pages that forms about a call stand on.
func backTo(path string) string {
	if path == "/desk" || strings.HasPrefix(path, "/calls/") && strings.HasSuffix(path, "/after") {
		return safePath(path)
	}
	return ""
}

// customerMerge puts another card, named by one of its numbers, into this one.
func (v *visit) customerMerge() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	if c.ID == "" {
		return errDenied
	}
	s, ok := v.subjectOf(v.doc(), strings.TrimSpace(v.r.PostFormValue("number")))
	var other outcome.Customer
	if ok {
		if other, ok, err = v.s.d.Customers.ByNumber(v.ctx(), s); err != nil {
			return err
		}
	}
	switch {
	case !ok || other.ID == c.ID:
		v.flash("flash.merge.none", "warn", 0)
	default:
		if err := v.s.d.Customers.Merge(v.ctx(), v.me.Person, c.ID, other.ID); errors.Is(err, outcome.ErrLong) {
			v.flash("flash.merge.none", "warn", 0)
		} else if err != nil {
			return err
		} else {
			v.flash("flash.merged", "ok", 0)
		}
	}
	return v.goTo("/customers/" + c.ID)
}
