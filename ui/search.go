package ui

import (
	"net/http"
	"strings"
	"unicode"

	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// maxHits is how many results a search shows.
const maxHits = 30

// searchPages are the pages that a search finds by their title and a text of
// further words.
var searchPages = []struct{ url, title, words string }{
	{"/", "home.title", "search.words.home"},
	{"/desk", "desk.title", "search.words.desk"},
	{"/board", "board.title", "search.words.board"},
	{"/people", "people.title", "search.words.people"},
	{"/people/new", "people.new", "search.words.people"},
	{"/tokens", "tokens.all", "search.words.tokens"},
	{"/lines", "lines.title", "search.words.lines"},
	{"/office", "office.title", "search.words.office"},
	{"/office/privacy", "privacy.title", "search.words.privacy"},
	{"/prompts", "prompts.title", "search.words.prompts"},
	{"/calls", "calls.title", "search.words.calls"},
	{"/recall", "recall.title", "search.words.recall"},
	{"/reports", "reports.title", "search.words.reports"},
	{"/plan", "plan.title", "search.words.plan"},
	{"/callbacks", "callbacks.title", "search.words.callbacks"},
	{"/customers", "customers.title", "search.words.customers"},
	{"/import", "import.title", "search.words.import"},
	{"/scripts", "scripts.title", "search.words.scripts"},
	{"/surveys", "surveys.title", "search.words.surveys"},
	{"/webhooks", "webhooks.title", "search.words.webhooks"},
	{"/versions", "versions.title", "search.words.versions"},
	{"/system", "system.title", "search.words.system"},
	{"/system/backup", "system.backup", "search.words.backup"},
	{"/system/update", "update.title", "search.words.update"},
	{"/system/log", "system.log", "search.words.log"},
	{"/system/licences", "system.licences", "search.words.licences"},
	{"/me", "me.title", "search.words.me"},
}

// searchModel finds pages, objects, people and settings by words that all have to
// occur, in titles before texts. Nobody finds what he could not open.
func (v *visit) searchModel(query string) []api.Hit {
	words := strings.Fields(fold(query))
	out := []api.Hit{}
	if len(words) == 0 || len(query) > 200 {
		return out
	}
	var behind []api.Hit // those that match in the text only
	add := func(h api.Hit, more string) {
		switch {
		case matches(fold(h.Title), words):
			out = append(out, h)
		case matches(fold(h.Title+" "+h.Text+" "+h.Kind+" "+more), words):
			behind = append(behind, h)
		}
	}
	for _, p := range searchPages {
		if v.opens(p.url) {
			add(api.Hit{Kind: v.p.T("search.page"), Title: v.p.T(p.title), URL: p.url}, v.p.T(p.words))
		}
	}
	if v.may("GET /office") {
		v.searchOffice(add)
	}
	out = append(out, behind...)
	if len(out) > maxHits {
		out = out[:maxHits]
	}
	return out
}

// searchOffice goes through objects and the settings of the schema. Who may open few of
// them, finds those alone.
func (v *visit) searchOffice(add func(api.Hit, string)) {
	doc := v.doc()
	names := v.namer(doc, nil)
	for i := range doc.People {
		if !v.may("GET /people/{id}") {
			break
		}
		p := &doc.People[i]
		var more []string
		for _, e := range doc.ExtensionsOf(office.Target{Kind: office.TargetPerson, ID: string(p.ID)}) {
			more = append(more, e.Digits)
		}
		add(api.Hit{Kind: v.p.T("kind.person"), Title: v.name(privacy.Configure, p.ID), Text: strings.Join(more, ", "), URL: "/people/" + string(p.ID)}, "")
	}
	for _, k := range kinds {
		if k == office.KindPerson {
			continue
		}
		for _, id := range doc.IDs(k) {
			if url := v.editURL(doc, k, id); url != "" {
				add(api.Hit{Kind: v.p.T("kind." + string(k)), Title: names.object(k, id), URL: url}, "")
			}
		}
	}
	for _, f := range office.Schema() {
		if !v.may("GET /people/{id}") && (!v.mayEdit(f.Role) || f.Kind == office.KindPerson) {
			continue
		}
		h := api.Hit{Kind: v.p.T("search.setting") + " · " + v.p.T("kinds."+string(f.Kind)), Title: v.p.T(f.Label()), Text: v.p.T(f.Help()), URL: "/office"}
		switch {
		case singles[f.Kind]:
			h.URL = "/edit/" + string(f.Kind) + "#f-" + strings.ReplaceAll(f.Name, ".", "-")
		case f.Kind == office.KindPerson || f.Kind == office.KindDevice:
			h.URL = "/people"
		case f.Kind == office.KindLine:
			h.URL = "/lines"
		case f.Kind == office.KindPrompt:
			h.URL = "/prompts"
		case len(doc.IDs(f.Kind)) == 1:
			h.URL = objectURL(f.Kind, doc.IDs(f.Kind)[0]) + "#f-" + strings.ReplaceAll(f.Name, ".", "-")
		}
		add(h, "")
	}
}

// matches says whether every word begins a word of the text or stands within one.
func matches(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// fold makes texts comparable: small letters without accents.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); r {
		case 'à', 'á', 'â', 'ä':
			return 'a'
		case 'è', 'é', 'ê', 'ë':
			return 'e'
		case 'ì', 'í', 'î', 'ï':
			return 'i'
		case 'ò', 'ó', 'ô', 'ö':
			return 'o'
		case 'ù', 'ú', 'û', 'ü':
			return 'u'
		case '’':
			return '\''
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func (v *visit) search() error {
	q := strings.TrimSpace(v.r.URL.Query().Get("q"))
	page := view.Search{Frame: v.frame(v.p.T("search.title")), Hits: v.searchModel(q)}
	page.Query = q
	return v.show(http.StatusOK, "search", page)
}

func (v *visit) apiSearch() error { return v.json(v.searchModel(v.r.URL.Query().Get("q"))) }
