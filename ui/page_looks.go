package ui

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// How many looks a page lists.
const (
	looksOnMe    = 10
	looksPerPage = 100
)

// looksModel lists who looked at the reader, and tells where older looks begin.
func (v *visit) looksModel(before string, limit int) (list []api.Look, older string, err error) {
	var from time.Time
	if before != "" {
		ns, err := strconv.ParseInt(before, 10, 64)
		if err != nil || ns <= 0 {
			return nil, "", errBad
		}
		from = time.Unix(0, ns)
	}
	looks, err := v.s.d.People.Looks(v.ctx(), v.me.Person, from, limit+1)
	if err != nil {
		return nil, "", err
	}
	list = []api.Look{}
	for i, l := range looks {
		if i == limit {
			older = strconv.FormatInt(looks[i-1].At.UnixNano(), 10)
			break
		}
		m := api.Look{Time: l.At, Who: v.p.T("looks.program"), What: v.p.T("looks.what." + l.What)}
		if l.Who != "" {
			m.Who = v.name(privacy.Looked, l.Who)
		}
		list = append(list, m)
	}
	return list, older, nil
}

// myLooks fills what the reader's own page says of looks.
func (v *visit) myLooks(page *view.MyPage) error {
	list, older, err := v.looksModel("", looksOnMe)
	if err != nil {
		return err
	}
	page.Looks = list
	if older != "" {
		page.More = "/me/looks"
	}
	page.Open = v.agreementWords("desk.watched")
	return nil
}

// agreementWords says with a text on which ground people are shown to others; empty
// while there is none.
func (v *visit) agreementWords(text string) string {
	a := v.s.d.People.Agreement()
	if a.Kind == privacy.NoAgreement {
		return ""
	}
	return v.p.T(text, "ground", v.p.T("privacy.kind."+string(a.Kind)), "date", v.p.Day(a.Date))
}

func (v *visit) looks() error {
	list, older, err := v.looksModel(v.r.URL.Query().Get("before"), looksPerPage)
	if err != nil {
		return err
	}
	page := view.Looks{Frame: v.frame(v.p.T("looks.title")), Looks: list}
	_, page.Older = v.pager(older, "before")
	return v.show(http.StatusOK, "looks", page)
}

func (v *visit) apiLooks() error {
	list, older, err := v.looksModel(v.r.URL.Query().Get("before"), looksPerPage)
	if err != nil {
		return err
	}
	return v.jsonList(list, older)
}

// agreementsRecord lists all agreements that were recorded.
func (v *visit) agreementsRecord() ([]view.Item, error) {
	all, err := v.s.d.People.Agreements(v.ctx())
	if err != nil {
		return nil, err
	}
	var out []view.Item
	for _, a := range all {
		item := view.Item{Title: v.p.T("privacy.kind." + cmp.Or(string(a.Kind), "none"))}
		if a.Date != "" {
			item.Title += " · " + v.p.Day(a.Date)
		}
		item.Text = v.p.T("privacy.recorded", "time", v.p.Short(a.Set.In(v.s.zone())), "by", v.name(privacy.Account, a.SetBy))
		if a.Note != "" {
			item.Text += " · " + a.Note
		}
		out = append(out, item)
	}
	return out, nil
}
