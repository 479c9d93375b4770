package ui_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/board/health"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui"
)

func TestClaimWithTheCode(t *testing.T) {
	r := newRig(t, false)
	b := r.as("")
	code := r.server.ClaimCode(context.Background())
	if p := b.get("/people"); p.url.Path != "/claim" {
		t.Fatalf("an unclaimed box leads to %s", p.url)
	}
	form := url.Values{"code": {""}, "site": {"Studio Rossi"}, "name": {"Gina Prima"}, "user": {"Gina"}, "password": {"quattro gatti neri"}, "again": {"quattro gatti neri"}}
	b.post("/claim", form).is(t, http.StatusForbidden).has(t, "Serve il codice")
	form.Set("code", "AAAAA-AAAAA")
	b.post("/claim", form).is(t, http.StatusForbidden).has(t, "Il codice non è giusto")
	form.Set("code", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
	form.Set("again", "cinque gatti")
	b.post("/claim", form).is(t, http.StatusUnprocessableEntity).has(t, "sono diverse", `value="Gina Prima"`, `value="Studio Rossi"`)
	form.Set("again", form.Get("password"))
	if p := b.post("/claim", form).is(t, http.StatusOK).has(t, "Il centralino è tuo", "Gina Prima", "Studio Rossi"); p.url.Path != "/" {
		t.Fatalf("claimed and at %s", p.url)
	}
	if r.server.ClaimCode(context.Background()) != "" {
		t.Error("the code outlives the claim")
	}
	if p := r.as("").post("/claim", form); p.url.Path != "/login" {
		t.Errorf("a second claim ends at %s (%d)", p.url, p.status)
	}
	login := url.Values{"name": {"gina"}, "password": {"quattro gatti neri"}, "next": {"/lines"}}
	if p := r.as("").post("/login", login); p.url.Path != "/lines" {
		t.Errorf("log in ends at %s (%d)", p.url, p.status)
	}
}

func TestClaimWithTheButton(t *testing.T) {
	r := newRig(t, false)
	form := url.Values{"site": {"Studio"}, "name": {"Gina"}, "user": {"gina"}, "password": {"quattro gatti neri"}, "again": {"quattro gatti neri"}}
	r.box.set(func(b *fakeBox) { b.pairing = time.Now().Add(-time.Second) })
	r.as("").get("/claim").has(t, "Codice")
	r.as("").post("/claim", form).is(t, http.StatusForbidden)
	r.box.set(func(b *fakeBox) { b.pairing = time.Now().Add(10 * time.Minute) })
	r.as("").get("/claim").has(t, "è stato premuto").lacks(t, "ABCDE")
	r.as("").post("/claim", form).is(t, http.StatusOK).has(t, "Il centralino è tuo")
}

// TestANewOfficeTellsItsOperatorsCountry: the queues of a box that was just claimed say
// from which country they answer; who claims it is asked, and has to change nothing for
// Italy.
func TestANewOfficeTellsItsOperatorsCountry(t *testing.T) {
	for _, c := range []struct{ name, country, works, site string }{
		{"an older form does not ask", "-", "IT", ""},
		{"the form as it stands", "IT", "IT", ""},
		{"people work elsewhere", "AL", "AL", "AL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRigOf(t, false, rigOf{now: time.Now, sample: office.SampleOffice{Doc: office.Empty()}, folder: t.TempDir()})
			b := r.as("")
			code := r.server.ClaimCode(context.Background())
			b.get("/claim?code="+code).has(t, `<select id="f-country" name="country">`, `<option value="IT" selected>Italia`, "DL 83/2012")
			form := url.Values{"code": {code}, "site": {"Studio"}, "name": {"Gina"}, "user": {"gina"}, "password": {"quattro gatti neri"}, "again": {"quattro gatti neri"}, "country": {"XX"}}
			b.post("/claim", form).is(t, http.StatusUnprocessableEntity).has(t, "Scegli un paese", `value="Gina"`)
			form.Set("country", c.country)
			if c.country == "-" {
				form.Del("country")
			}
			b.post("/claim", form).is(t, http.StatusOK).has(t, "Il centralino è tuo")
			doc := r.office.Current().Doc.Clone()
			if p := doc.Add(office.KindGroup, "group-1"); len(p) > 0 {
				t.Fatal(p)
			}
			q := doc.GroupByID("group-1").Queue
			if !doc.Site.ACDNotice || q == nil || q.NoNotice || doc.Site.WorkCountry != c.site || doc.CountryOf(doc.People[0].ID) != c.works {
				t.Errorf("site %+v, queue %+v", doc.Site, q)
			}
		})
	}
}

func TestGuessingTheClaimCodeIsSlowedDown(t *testing.T) {
	r := newRig(t, false)
	b := r.as("")
	for range 4 {
		b.post("/claim", url.Values{"code": {"AAAAA-AAAAA"}}).is(t, http.StatusForbidden)
	}
	p := b.post("/claim", url.Values{"code": {r.server.ClaimCode(context.Background())}}).is(t, http.StatusTooManyRequests)
	if p.head.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestLogin(t *testing.T) {
	r := newRig(t, true)
	b := r.as("")
	wrong := url.Values{"name": {"tina"}, "password": {"sbagliata sbagliata"}}
	b.post("/login", wrong).is(t, http.StatusUnauthorized).has(t, "non corretti", `value="tina"`).lacks(t, "sbagliata")
	b.post("/login", url.Values{"name": {"nessuno"}, "password": {"sbagliata sbagliata"}}).is(t, http.StatusUnauthorized).has(t, "non corretti")
	right := url.Values{"name": {"Tina"}, "password": {techPassword}, "next": {"//evil.example/"}}
	if p := b.post("/login", right).is(t, http.StatusOK); p.url.Path != "/" || p.url.Host != strings.TrimPrefix(r.http.URL, "http://") {
		t.Fatalf("log in leads to %s", p.url)
	}
	b.get("/me").has(t, "Tina Tecnica")
	b.post("/logout", nil)
	if p := b.get("/me"); p.url.Path != "/login" {
		t.Errorf("after log out: %s", p.url)
	}
	for range 5 {
		r.as("").post("/login", wrong)
	}
	r.as("").post("/login", right).is(t, http.StatusTooManyRequests).has(t, "Troppi tentativi")
}

func TestPasswordOfOnesOwn(t *testing.T) {
	r := newRig(t, true)
	b, other := r.as(tech), r.as(tech)
	b.post("/me/password", url.Values{"old": {"x"}, "password": {"sei pesci rossi"}, "again": {"sei pesci rossi"}}).is(t, http.StatusUnprocessableEntity).has(t, "non è questa")
	b.post("/me/password", url.Values{"old": {techPassword}, "password": {"corta"}, "again": {"corta"}}).is(t, http.StatusUnprocessableEntity).has(t, "Almeno 10 caratteri")
	b.post("/me/password", url.Values{"old": {techPassword}, "password": {"sei pesci rossi"}, "again": {"sei pesci rossi"}}).is(t, http.StatusOK).has(t, "La password è stata cambiata")
	if p := other.get("/me"); p.url.Path != "/login" {
		t.Error("another session of the person outlives the new password")
	}
}

func TestButtonResetsATechniciansPassword(t *testing.T) {
	r := newRig(t, true)
	b := r.as("")
	form := url.Values{"user": {"tina"}, "password": {"sei pesci rossi"}, "again": {"sei pesci rossi"}}
	if p := b.post("/claim", form); p.url.Path != "/login" {
		t.Fatalf("without the button: %s", p.url)
	}
	r.server.OpenPasswordReset()
	b.get("/claim").has(t, "Nuova password del tecnico")
	b.post("/claim", url.Values{"user": {"bruno"}, "password": {"sei pesci rossi"}, "again": {"sei pesci rossi"}}).is(t, http.StatusUnprocessableEntity).has(t, "Nessun tecnico")
	b.post("/claim", form).is(t, http.StatusOK).has(t, "Tina Tecnica")
	r.as("").post("/login", url.Values{"name": {"tina"}, "password": {"sei pesci rossi"}}).is(t, http.StatusOK)
}

// apply says yes to the draft of a page.
func (b *browser) apply(p page) page {
	b.r.t.Helper()
	if !strings.HasPrefix(p.url.Path, "/draft/") {
		b.r.t.Fatalf("no draft but %s (%d):\n%s", p.url, p.status, p.body)
	}
	return b.post(p.url.Path, nil).is(b.r.t, http.StatusOK)
}

func TestCreatePersonWithPhoneAndUndo(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	form := url.Values{"name": {""}, "extension": {"112"}, "role": {"operator"}, "phone": {"true"}, "phonename": {"Snom <sala>"}, "group": {"group-1"}, "profile": {"profile-1"}}
	b.post("/people/new", form).is(t, http.StatusUnprocessableEntity).has(t, "Serve un nome", `value="112"`, `id="summary"`)
	form.Set("name", "Elena Gialli")
	b.post("/people/new", form).is(t, http.StatusUnprocessableEntity).has(t, "numero di emergenza o di servizio", `value="Elena Gialli"`, "Snom &lt;sala&gt;", `href="#f-extension"`)
	form.Set("extension", "201")
	b.post("/people/new", form).is(t, http.StatusUnprocessableEntity).has(t, "201 è già di")
	form.Set("extension", "205")
	before := r.office.Current()
	draft := b.post("/people/new", form).is(t, http.StatusOK).has(t, "Persona Elena Gialli", "Interno 205", "Telefono Snom &lt;sala&gt;", "Assistenza")
	if r.office.Current() != before {
		t.Fatal("a draft changed the office")
	}
	b.get("/people").lacks(t, "Elena Gialli")
	back := regexp.MustCompile(`/people/new\?draft=[0-9a-f]+`).FindString(draft.body)
	b.get(back).has(t, `value="Elena Gialli"`, `value="205"`)
	done := b.apply(draft).has(t, "Applicato", "Snom &lt;sala&gt;", `class="btn ghost small"`)
	b.get("/people").has(t, "Elena Gialli", "205")
	phone := done.url.Path
	b.get(phone).has(t, "••••••••")
	account := b.post(phone+"/account", nil).is(t, http.StatusOK).has(t, "<svg", "192.168.1.20")
	password := regexp.MustCompile(`id="sip-password">([^<]+)<`).FindStringSubmatch(account.body)
	if len(password) != 2 || len(password[1]) != 24 {
		t.Fatalf("no password shown: %v", password)
	}
	if p := b.post(draft.url.Path, nil); !strings.Contains(p.body, "non c&#39;è più") {
		t.Errorf("a draft applied twice: %s", p.body)
	}
	b.post("/versions/1/undo", url.Values{"now": {"1"}}).is(t, http.StatusOK).has(t, "È tornata in vigore", "Versione 3")
	b.get("/people").lacks(t, "Elena Gialli")
	b.get("/versions/2").has(t, "Persona")
	// And forth again.
	d := b.post("/versions/2/undo", nil).has(t, "Si torna alla versione 2", "Elena Gialli")
	b.apply(d)
	b.get("/people").has(t, "Elena Gialli")
}

// TestNobodyTakesAwayHisOwnAccess goes back to a time before somebody was there, and
// lets a manager try to decide who is a technician.
func TestNobodyTakesAwayHisOwnAccess(t *testing.T) {
	r := newRig(t, true)
	before := r.office.Current().Version
	doc := r.office.Current().Doc.Clone()
	doc.People = append(doc.People, office.Person{ID: "p-second", Role: office.RoleTechnician})
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: before, Doc: doc}); err != nil {
		t.Fatal(err)
	}
	now := r.office.Current().Version
	back := "/versions/" + strconv.Itoa(before) + "/undo"
	for who, want := range map[journal.SubjectID]string{"p-second": "perderesti il tuo accesso", dario: "lo può fare solo un tecnico"} {
		b := r.as(who)
		draft := b.post(back, nil).has(t, want).lacks(t, `id="apply"`)
		b.post(draft.url.Path, nil).is(t, http.StatusForbidden)
		b.post(back, url.Values{"now": {"1"}}).has(t, "non si può tornare lì")
	}
	if got := r.office.Current().Version; got != now {
		t.Errorf("the office is at version %d, not %d", got, now)
	}
	r.as(tech).post(back, url.Values{"now": {"1"}}).has(t, "È tornata in vigore")
}

func TestSomebodyElseIsFaster(t *testing.T) {
	r := newRig(t, true)
	b, other := r.as(tech), r.as(dario)
	slow := b.post("/edit/path/path-closed", url.Values{"name": {"Chiuso la sera"}, "steps:0": {"end prompt=prompt-closed"}})
	other.apply(other.post("/edit/path/path-break", url.Values{"name": {"Pausa pranzo"}, "steps:0": {"end prompt=prompt-break"}}))
	p := b.post(slow.url.Path, nil).is(t, http.StatusConflict).has(t, "Nel frattempo", "Chiuso la sera").lacks(t, "Pausa pranzo")
	b.apply(p)
	doc := r.office.Current().Doc
	if doc.PathByID("path-closed").Name != "Chiuso la sera" || doc.PathByID("path-break").Name != "Pausa pranzo" {
		t.Error("one of the two changes is lost")
	}
}

func TestFormsOfTheSchema(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	week := url.Values{"name": {"Orario di ufficio"}, "holidays": {"true"}, "override:state": {""}}
	for d := range 7 {
		for i := range 2 {
			week.Set("week."+string(rune('0'+d))+":"+string(rune('0'+i))+":from", "")
			week.Set("week."+string(rune('0'+d))+":"+string(rune('0'+i))+":to", "")
		}
	}
	week.Set("week.6:0:from", "09:00")
	week.Set("week.6:0:to", "12:30")
	b.apply(b.post("/edit/schedule/schedule-1", week).has(t, "Sabato", "09:00–12:30"))
	s := r.office.Current().Doc.ScheduleByID("schedule-1")
	if len(s.Week[6]) != 1 || s.Week[6][0] != (office.Span{From: 540, To: 750}) || s.Override != nil || len(s.Week[1]) != 0 {
		t.Errorf("schedule is %+v", s)
	}
	week.Set("week.6:0:to", "08:00")
	b.post("/edit/schedule/schedule-1", week).is(t, http.StatusUnprocessableEntity).has(t, "devono essere in ordine", `value="08:00"`, `href="#f-week-6"`)

	// A trunk with a secret.
	trunk := url.Values{"name": {"Operatore"}, "kind": {"trunk"}, "channels": {"4"}, "emergency": {"true"}, "path": {"path-main"}, "trunk.server": {"sip.example.it"},
		"trunk.user": {"390212345678"}, "trunk.secret": {"geheim"}, "trunk.transport": {"udp"}, "trunk.register": {"true"}, "trunk.expires": {"600"}, "trunk.numberFormat": {"e164"}}
	p := b.apply(b.post("/edit/line/new?kind=trunk", trunk).has(t, "Operatore", "sip.example.it").lacks(t, "geheim")).has(t, "sip.example.it").lacks(t, "geheim")
	id := strings.TrimPrefix(p.url.Path, "/lines/")
	l := r.office.Current().Doc.LineByID(office.ID(id))
	if l == nil || l.Trunk == nil || l.Trunk.Server != "sip.example.it" || l.Trunk.Secret == "" {
		t.Fatalf("line is %+v", l)
	}
	old := l.Trunk.Secret
	trunk.Set("trunk.secret", "")
	trunk.Set("name", "Operatore nuovo")
	trunk.Del("kind")
	b.get("/edit/line/"+id).has(t, "Lascia vuoto per tenere quella attuale").lacks(t, "geheim")
	b.apply(b.post("/edit/line/"+id, trunk))
	if l := r.office.Current().Doc.LineByID(office.ID(id)); l.Trunk.Secret != old || l.Name != "Operatore nuovo" {
		t.Errorf("an empty password field changed the secret: %+v", l.Trunk)
	}

	// A path of steps.
	steps := url.Values{"name": {"Sera"}, "steps:0": {"hours schedule=schedule-1"}, "steps:0:closed": {"path-closed"}, "steps:0:ring": {"20"}, "steps:1": {""}, "steps:2": {"group group=group-1"}, "steps:2:ring": {"30"}, "steps:2:open": {"path-main"}, "steps:3": {"end"}}
	b.apply(b.post("/edit/path/new", steps).has(t, "Percorso Sera"))
	var made *office.Path
	for i := range r.office.Current().Doc.Paths {
		if p := &r.office.Current().Doc.Paths[i]; p.Name == "Sera" {
			made = p
		}
	}
	if made == nil || len(made.Steps) != 3 || made.Steps[0].On[office.Closed] != "path-closed" || made.Steps[0].Ring != 0 || made.Steps[1].Ring != 30*time.Second || made.Steps[1].On != nil {
		t.Errorf("path is %+v", made)
	}
	b.get("/office").has(t, "Chiama il gruppo «Assistenza»")

	// Members: ticked boxes.
	group := url.Values{"name": {"Assistenza"}, "mode": {"queue"}, "members": {string(carla), string(anna)}, "queue.strategy": {"longestIdle"}}
	b.apply(b.post("/edit/group/group-1", group).has(t, "<del>Bruno Bianchi</del>"))
	if got := r.office.Current().Doc.GroupByID("group-1").Members; len(got) != 2 || got[0] != anna || got[1] != carla {
		t.Errorf("members are %v", got)
	}
}

func TestNothingChangesNothing(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	for _, path := range []string{"/edit/site", "/edit/schedule/schedule-1", "/edit/menu/menu-1", "/edit/path/path-main", "/edit/group/group-1", "/edit/line/line-1", "/edit/outbound", "/edit/profile/profile-1", "/edit/person/p-sample-anna", "/edit/device/device-1", "/edit/extension/extension-1", "/edit/number/number-1", "/edit/prompt/prompt-menu", "/edit/codes"} {
		form := readForm(t, b.get(path).is(t, http.StatusOK).body)
		p := b.post(path, form).is(t, http.StatusOK)
		p.has(t, "Non cambia nulla")
	}
}

func TestDeleteShowsWhereItIsUsed(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	b.get("/delete/path/path-closed").has(t, "è usato qui", "Percorso Principale")
	b.get("/delete/person/p-sample-bruno").has(t, "è usato qui", "Gruppo Assistenza")
	b.post("/delete/person/p-sample-bruno", nil).has(t, "è usato qui")
	b.apply(b.post("/edit/group/group-2", url.Values{"name": {"Amministrazione"}, "mode": {"ring"}}))
	p := b.get("/delete/person/p-sample-dario").has(t, "eliminato insieme a", "Telefono Dario", "Interno 204")
	b.apply(b.post(p.url.Path, nil).has(t, "Dario Neri"))
	if p := r.office.Current().Doc.PersonByID(dario); p != nil {
		t.Error("Dario is still there")
	}
	b.post("/versions/2/undo", url.Values{"now": {"1"}}).is(t, http.StatusOK)
	b.get("/people").has(t, "Dario Neri", "204")
	b.post("/delete/person/p-tech", nil).is(t, http.StatusForbidden) // oneself
}

func TestManagerDoesNotReachAboveHimself(t *testing.T) {
	r := newRig(t, true)
	b := r.as(dario)
	b.get("/edit/person/p-tech").is(t, http.StatusForbidden)
	b.post("/people/p-tech/invite", nil).is(t, http.StatusForbidden)
	b.post("/delete/person/p-tech", nil).is(t, http.StatusForbidden)
	b.post("/people/new", url.Values{"name": {"Ugo"}, "extension": {"209"}, "role": {"technician"}}).is(t, http.StatusUnprocessableEntity).has(t, "Non puoi assegnare questo ruolo")
	b.post("/edit/person/p-sample-bruno", url.Values{"name:person": {"Bruno Bianchi"}, "role": {"technician"}}).has(t, "Non cambia nulla")
	b.post("/edit/line/line-1", url.Values{"name": {"Mia"}, "port": {"/dev/null"}, "path": {"path-main"}}).has(t, "Non cambia nulla")
	b.post("/phones/device-1/account", nil).is(t, http.StatusForbidden)
	b.get("/phones/device-1").has(t, "può mostrare un tecnico").lacks(t, "/phones/device-1/account")
}

func TestInvitation(t *testing.T) {
	r := newRig(t, true)
	p := r.as(dario).post("/people/p-sample-bruno/invite", nil).is(t, http.StatusOK).has(t, "Invito pronto", "<svg")
	link := regexp.MustCompile(`/invite/[A-Z2-7-]{23}`).FindString(p.body)
	r.as(dario).get("/people/p-sample-bruno").lacks(t, strings.TrimPrefix(link, "/invite/"))
	b := r.as("")
	b.get(link).is(t, http.StatusOK).has(t, "Ciao Bruno Bianchi", `value="bruno.bianchi"`)
	form := url.Values{"code": {strings.TrimPrefix(link, "/invite/")}, "user": {"tina"}, "password": {"sei pesci rossi"}, "again": {"sei pesci rossi"}}
	b.post("/invite/set", form).is(t, http.StatusUnprocessableEntity).has(t, "già preso")
	form.Set("user", "bruno")
	b.post("/invite/set", form).is(t, http.StatusOK).has(t, "Bruno Bianchi")
	r.as("").get(link).is(t, http.StatusForbidden).has(t, "non esiste, è già stato usato o è scaduto")
	r.as("").post("/login", url.Values{"name": {"202"}, "password": {"sei pesci rossi"}}).is(t, http.StatusOK).has(t, "Bruno Bianchi")
}

func TestAgentsStateFromThePage(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	b := r.as(carla)
	b.get("/").has(t, "Riprendo le chiamate").lacks(t, "Sono qui")
	b.post("/me/state", url.Values{"do": {"ready"}}).is(t, http.StatusOK)
	b.post("/me/state", url.Values{"do": {"explode"}}).is(t, http.StatusBadRequest)
	r.as(tech).get("/").lacks(t, `name="do"`)
	if got := r.box.did; len(got) != 1 || got[0] != "ready "+string(carla) {
		t.Errorf("told: %v", got)
	}
}

func TestAgreementIsTheManagers(t *testing.T) {
	r := newRig(t, true)
	form := url.Values{"kind": {"union"}, "date": {""}, "note": {"prot. 7"}}
	r.as(tech).post("/office/privacy", form).is(t, http.StatusForbidden)
	r.as(dario).post("/office/privacy", form).is(t, http.StatusUnprocessableEntity).has(t, "Serve la data", "prot. 7")
	form.Set("date", "2026-03-01")
	r.as(dario).post("/office/privacy", form).is(t, http.StatusOK).has(t, "Accordo registrato (1 marzo 2026, Dario Neri)")
	r.as(dario).post("/office/privacy", url.Values{"kind": {""}}).is(t, http.StatusOK).has(t, "ognuno vede solo i propri dati")
}

func TestLanguage(t *testing.T) {
	r := newRig(t, true)
	b := r.as("")
	b.get("/login").has(t, `lang="it"`, "Accedi")
	b.lang = "de, fr"
	b.get("/login").has(t, `lang="en"`, "Log in")
	b.lang = "it-IT, it;q=0.9, en;q=0.8"
	b.get("/login").has(t, `lang="it"`)
	b.post("/language", url.Values{"lang": {"en"}, "back": {"/login"}}).has(t, "Log in")
	b.get("/login").has(t, "Log in")
	if p := b.post("/language", url.Values{"lang": {"en"}, "back": {"https://evil.example/"}}); p.url.Host != strings.TrimPrefix(r.http.URL, "http://") {
		t.Errorf("language leads to %s", p.url)
	}
}

func TestSearch(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	b.get("/search?q=anna").has(t, "/people/p-sample-anna")
	b.get("/search?q=203").has(t, "Carla Verdi")
	b.get("/search?q=festivita").has(t, "/office")
	b.get("/search?q=QUANTO+squilla").has(t, "Quanto squilla")
	b.get("/search?q=%3Cscript%3E").has(t, "Nulla per «&lt;script&gt;»")
	r.as(bruno).get("/search?q=anna").lacks(t, "p-sample-anna").has(t, "Nulla per")
	r.as(bruno).get("/search?q=password").has(t, "/me")
}

func TestBackupAndRestore(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	b.post("/system/backup", url.Values{"passphrase": {"kurz"}}).is(t, http.StatusUnprocessableEntity).has(t, "almeno 10 caratteri")
	p := b.post("/system/backup", url.Values{"passphrase": {"una frase lunga"}}).is(t, http.StatusOK)
	if !strings.HasPrefix(p.head.Get("Content-Disposition"), `attachment; filename="centralino-`) || p.body != "backup under una frase lunga" {
		t.Fatalf("backup: %v %q", p.head, p.body)
	}
	up := func(pass, file string) page {
		var body bytes.Buffer
		m := multipart.NewWriter(&body)
		_ = m.WriteField("passphrase", pass)
		if file != "" {
			w, _ := m.CreateFormFile("file", "box.backup")
			_, _ = w.Write([]byte(file))
		}
		_ = m.Close()
		req, _ := http.NewRequest(http.MethodPost, r.http.URL+"/system/restore", &body)
		req.Header.Set("Content-Type", m.FormDataContentType())
		req.Header.Set("Origin", r.http.URL)
		return b.send(req)
	}
	up("una frase lunga", "").is(t, http.StatusUnprocessableEntity).has(t, "Servono la frase segreta e il file")
	up("un'altra frase", p.body).is(t, http.StatusUnprocessableEntity).has(t, "non si può ripristinare")
	up("una frase lunga", p.body).is(t, http.StatusOK).has(t, "Il backup è pronto")
	b.post("/system/restart", nil).is(t, http.StatusOK)
	if got := strings.Join(r.box.did, ","); got != "restart" {
		t.Errorf("done: %s", got)
	}
}

func TestFailedBackupIsAPageAndNotATorso(t *testing.T) {
	r := newRig(t, true, func(d *ui.Deps) {
		d.Backup = func(context.Context, ioWriter, string) error { return http.ErrBodyNotAllowed }
	})
	r.as(tech).post("/system/backup", url.Values{"passphrase": {"una frase lunga"}}).is(t, http.StatusInternalServerError).has(t, "non è riuscito")
}

func TestFaultsStandOnTop(t *testing.T) {
	r := newRig(t, true)
	r.box.set(func(b *fakeBox) {
		b.faults = []health.Entry{{Kind: health.LineGone, Subject: "line-3", Code: 6, Severity: health.Fault, Since: time.Now()}, {Kind: health.LineNoDialTone, Subject: "line-3", By: health.LineGone}}
	})
	r.as(bruno).get("/").has(t, `class="note bad"`, "linea ISDN non risponde").lacks(t, "tono di centrale")
	r.as(bruno).get("/api/v1/health").has(t, `"ok":false`, `"subject":"ISDN"`)
}

func TestLineTest(t *testing.T) {
	r := newRig(t, true)
	r.as(tech).post("/lines/line-1/test", nil).is(t, http.StatusOK).has(t, "La linea squilla")
	r.box.set(func(b *fakeBox) { b.refuse = http.ErrHandlerTimeout })
	r.as(tech).post("/lines/line-1/test", nil).is(t, http.StatusOK).has(t, "La prova non è possibile")
	r.as(tech).post("/lines/line-9/test", nil).is(t, http.StatusNotFound)
}

func TestCallsArePagedByCursor(t *testing.T) {
	r := newRig(t, true)
	for i := range 120 {
		id := journal.CallID("c-" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		r.log.Append(id, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"})
		r.log.Append(id, journal.CallEnded{Cause: "caller"})
	}
	if err := r.log.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	b := r.as(tech)
	seen := map[string]bool{}
	next := "/calls?line=line-1"
	for pages := 0; next != ""; pages++ {
		if pages > 5 {
			t.Fatal("paging does not end")
		}
		p := b.get(next).is(t, http.StatusOK)
		for _, m := range regexp.MustCompile(`/calls/c-[a-z]+`).FindAllString(p.body, -1) {
			if seen[m] {
				t.Errorf("%s twice", m)
			}
			seen[m] = true
		}
		m := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(p.body)
		next = ""
		if m != nil {
			next = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if len(seen) != 120 {
		t.Errorf("%d calls seen", len(seen))
	}
	b.get("/calls?before=x").is(t, http.StatusBadRequest)
	b.get("/calls?line=line-99").is(t, http.StatusBadRequest)
}

// TestACodeIsNoUnansweredCall: somebody logs in at his phone, and the list does not say
// that nobody answered him.
func TestACodeIsNoUnansweredCall(t *testing.T) {
	r := newRig(t, true)
	r.log.Append("c-code", journal.CallStarted{Direction: journal.Internal, From: anna, Dialled: "*70"})
	r.log.Append("c-code", journal.CallAnswered{})
	r.log.Append("c-code", journal.CallEnded{Cause: "normal", By: "box", Total: time.Second})
	r.log.Append("c-gone", journal.CallStarted{Direction: journal.Internal, From: anna, Dialled: "202"})
	r.log.Append("c-gone", journal.CallEnded{Cause: "caller", By: "caller", Total: time.Second})
	if err := r.log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.as(anna).get("/api/v1/calls").has(t, `"outcome":{"id":"code"`, `"outcome":{"id":"unanswered"`)
}
