package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"centralino/internal/testbed"
	"centralino/internal/testbed/chrome"
	"centralino/pbx/pbxtest"
)

const (
	passphrase            = "sette draghi verdi"
	elenaPassword         = "otto lune piene"
	webTechnician         = "tina"
	webTechnicianPassword = "quattro gatti neri"
)

// flow is what one run of the whole page carries from step to step.
type flow struct {
	t      *testing.T
	box    *deskBox
	tina   *tab // the technician
	elena  *tab // the operator whom she creates
	person string
	phone  *pbxtest.Phone
	story  string // the path of the call's page
	backup string // file
	secret string // of the first telephone, as the page shows it
}

// The page as people use it, in a real browser against the whole box: claimed by
// button, a person with a telephone created and invited, a call from outside watched
// from ringing to its end while the office is edited, its story read in two
// languages, the creation undone, and everything carried over to an empty box.
func TestTheBoxInChromium(t *testing.T) {
	testbed.Need(t, "chromium")
	t.Parallel()
	f := &flow{t: t, box: startDeskBox(t, "office")}
	ctx := chrome.Start(t, 10*time.Minute)
	f.tina, f.elena = newTab(t, ctx, "Tina", f.box), newTab(t, ctx, "Elena", f.box)
	f.claimByButton()
	f.logOutAndIn()
	f.createPerson()
	f.acceptInvitation()
	f.watchCall()
	f.readStory()
	f.everyPage()
	f.suitsEveryone(ctx)
	f.undoCreation()
	f.makeBackup()
	f.withoutScript()
	f.restoreElsewhere(newTab(t, ctx, "Tina at the new box", startDeskBox(t, "none")))
	f.tina.content()
	f.elena.content()
}

// claim sends the form of claiming as Tina.
func (w *tab) claim(site string) {
	w.fill("f-site", site, "f-name", "Tina Tecnica", "f-user", webTechnician, "f-password", webTechnicianPassword, "f-again", webTechnicianPassword)
	w.click("form.fields .btn")
}

func (f *flow) claimByButton() {
	f.t.Helper()
	f.tina.open("/")
	f.tina.arrives("/claim")
	f.tina.shows("main", "Questo centralino non è ancora di nessuno")
	f.tina.picture("claim")
	f.tina.claim("Studio Rossi")
	f.tina.shows("#summary", "Serve il codice, oppure il pulsante")
	if err := f.box.command("button", "-hold", "4s").Err(); err != nil {
		f.t.Fatal(err)
	}
	if !eventually(f.t, patience, func() bool { // the person reloads
		f.tina.open("/claim")
		return strings.Contains(f.tina.text("main"), "Il pulsante è stato premuto")
	}) {
		f.t.Fatalf("the button opens nothing:\n%s", f.tina.text("main"))
	}
	f.tina.picture("claim-open")
	f.tina.claim("Studio Rossi")
	f.tina.shows("h1", "Studio Rossi")
	if !eventually(f.t, patience, func() bool { return !strings.Contains(f.tina.text("#lamps"), "Aperto") }) {
		f.t.Errorf("a box that is somebody's still says that it can be claimed:\n%s", f.tina.text("#lamps"))
	}
	f.tina.shows(".flash", "Il centralino è tuo")
}

func (f *flow) logOutAndIn() {
	f.t.Helper()
	f.tina.click(".who form[action='/logout'] .btn")
	f.tina.arrives("/login")
	f.tina.open("/people")
	f.tina.arrives("/login")
	f.tina.fill("f-name", webTechnician, "f-password", "sbagliata sbagliata")
	f.tina.click("form.fields .btn")
	f.tina.shows("#summary", "Nome o password non corretti")
	f.tina.picture("login")
	f.tina.logIn()
	f.tina.arrives("/people")
}

func (w *tab) logIn() {
	w.fill("f-name", webTechnician, "f-password", webTechnicianPassword)
	w.click("form.fields .btn")
}

// createPerson makes Elena with extension and telephone, reads the account off the
// page and registers with it.
func (f *flow) createPerson() {
	f.t.Helper()
	w := f.tina
	w.click(".head a.btn[href='/people/new']")
	w.fill("f-name", "Elena Gialli", "f-extension", "205")
	w.click("input[name=group][value=group-1]")
	w.picture("person-new")
	w.click("form[data-guard] .btn")
	w.shows("#changes", "Persona Elena Gialli")
	w.picture("person-draft")
	w.click("#apply")
	w.arrives("/phones/device-")
	w.shows(".flash", "Applicato")
	page := w.at()
	w.shows("#phonestate", "non collegato")
	w.click("#account form[data-swap] .btn")
	w.shows("#account", "Il codice QR contiene")
	w.picture("phone-account")
	values := strings.Split(strings.TrimSpace(w.text("#account dl dd:nth-of-type(1)")+"\n"+w.text("#account dl dd:nth-of-type(2)")), "\n")
	password := w.text("#sip-password")
	if len(values) != 2 || values[0] != f.box.addr(1, 5060).String() && values[0] != f.box.addr(1, 5060).Addr().String() || len(password) < 20 {
		f.t.Fatalf("the page shows the account %q with password %q; the box listens at %s", values, password, f.box.addr(1, 5060))
	}
	if side, ok := ask[float64](w, "document.querySelector('.qr svg').getBoundingClientRect().width"); !ok || side < 100 {
		f.t.Errorf("the QR code is %v pixels wide", side)
	}
	f.phone = f.box.phone(11, values[1], password)
	if err := f.phone.Register(limit(f.t, 5*time.Second)); err != nil {
		f.t.Fatalf("register with the account of the page: %v", err)
	}
	if !eventually(f.t, patience, func() bool { return strings.TrimSpace(w.text("#phonestate")) == "collegato" }) {
		f.t.Errorf("the open page of the phone does not follow it: %q", w.text("#phonestate"))
	}
	w.open(page)
	w.shows("#phonestate", "collegato")
	w.lacks("#phonestate", "non collegato")
	w.click(".crumbs a[href^='/people/']")
	w.arrives("/people/p-")
	f.person = w.at()
}

// acceptInvitation has Elena choose her own password with the one-time link.
func (f *flow) acceptInvitation() {
	f.t.Helper()
	f.tina.click("form[action$='/invite'] .btn")
	f.tina.shows("#invite", "Invito pronto")
	f.tina.picture("invite")
	link, _, _ := strings.Cut(f.tina.text("#invite a"), "\n")
	path := strings.TrimPrefix(link, f.box.url(""))
	f.elena.open(path)
	f.elena.shows("h1", "Ciao Elena Gialli")
	f.elena.picture("invited")
	f.elena.fill("f-password", elenaPassword, "f-again", elenaPassword)
	f.elena.click("form.fields .btn")
	f.elena.arrives("/")
	f.elena.shows("#me", "Il mio stato")
	f.elena.shows("#me", "assente")
	f.tina.open(path)
	f.tina.shows("#summary", "non esiste, è già stato usato o è scaduto")
}

// watchCall follows a call from outside on the home page, which nobody reloads.
func (f *flow) watchCall() {
	f.t.Helper()
	w := f.tina
	w.open("/")
	w.showsWithin(30*time.Second, "#lines", "Linea 1 Linea analogica libera")
	w.shows("#calls", "Nessuna chiamata in questo momento")
	w.shows("#lamps", "Linee pronte e libere")
	w.shows("#lamps", "Pronto, nessuna chiamata")
	if _, ok := ask[string](w, "document.body.dataset.mark = 'kept'"); !ok {
		f.t.Fatal("the page cannot be marked")
	}
	ring := f.box.command("call", "-line", "line-1", "-from", "0612345678", "-keys", "111", "-for", "90s")
	w.shows("#lamps", "Una linea squilla")
	w.shows("#lamps .led-blink", "")
	w.shows("#lines", "squilla")
	w.shows("#calls", "06 1234 5678")
	w.shows("#calls", "ascolta il menu")
	w.shows("#lamps", "Linee pronte, chiamate in corso")
	w.shows("#lamps", "Chiamate in corso")
	w.showsWithin(30*time.Second, "#calls", "in coda")
	w.shows("#queues", "1 in attesa")
	w.shows("#lamps", "Qualcuno aspetta in coda")
	f.elena.shows("#queues", "1 in attesa")
	w.picture("home-waiting")
	f.elena.click("#me-login")
	f.elena.arrives("/")
	w.shows("#calls", "parlano")
	w.shows("#queues", "nessuno in attesa")
	w.shows("#queues", "le persone da contare sono meno di cinque")
	w.shows("#lamps", "Chiamate in corso")
	w.shows("#calls .time", "0:")
	w.lacks("main", "Elena") // who talks is nobody's business without an agreement
	f.elena.shows("#me", "al telefono")
	f.elena.shows("#calls", "Elena Gialli")
	w.picture("home-talking")
	f.elena.picture("home-operator")
	f.editDuringCall()
	call := f.phone.Current()
	if call == nil {
		f.t.Fatal("the call is gone after the edit")
	}
	call.HangUp()
	w.shows("#calls", "Nessuna chiamata in questo momento")
	w.shows("#lamps", "Linee pronte e libere")
	w.shows("#lamps", "Pronto, nessuna chiamata") // CALLS
	w.lacks("#lamps", "Chiamate in corso")
	if kept, _ := ask[string](w, "document.body.dataset.mark ?? ''"); kept != "kept" {
		f.t.Error("the home page was loaded anew while the call went on")
	}
	if err := ring.Err(); err != nil {
		f.t.Errorf("the outside caller: %v\n%s", err, ring.Output())
	}
}

// editDuringCall applies a new version in another tab while the call goes on.
func (f *flow) editDuringCall() {
	f.t.Helper()
	before := f.phone.Current()
	if before == nil {
		f.t.Fatal("Elena's phone is in no call")
	}
	heard := before.Stats().Received
	edit := &tab{t: f.t, who: "Tina in a second tab", home: f.tina.home}
	ctx, stop := chromedp.NewContext(f.tina.ctx) // the same cookies
	defer stop()
	edit.ctx = ctx
	if err := chromedp.Listen(ctx, edit.note); err != nil {
		f.t.Fatal(err)
	}
	edit.screen(1280, 860, "light")
	edit.open("/edit/line/line-1")
	edit.picture("edit-line")
	edit.fill("f-name", "Linea principale")
	edit.click("form[data-guard] .btn")
	edit.shows("#changes", "Linea principale")
	edit.click("#apply")
	edit.shows(".flash", "Applicato")
	edit.content()
	f.tina.shows("#lines", "Linea principale")
	f.tina.shows("#calls", "Linea principale")
	f.tina.shows("#calls", "parlano")
	if f.phone.Current() != before {
		f.t.Fatal("the call was dropped by a new version of the office")
	}
	if !eventually(f.t, 3*time.Second, func() bool { return before.Stats().Received > heard+50 }) {
		f.t.Errorf("after the new version the phone hears nothing: %d packets before, %d after", heard, before.Stats().Received)
	}
}

// readStory opens the call's page from the list and reads it in both languages.
func (f *flow) readStory() {
	f.t.Helper()
	w := f.tina
	w.open("/calls")
	w.shows("table tbody tr", "06 1234 5678")
	w.shows("table tbody tr", "risposta")
	w.picture("calls")
	for number, want := range map[string]string{"06 1234 5678": "un operatore", "06 8765 4321": "Nessuna chiamata"} {
		w.open("/calls")
		w.fill("f-number", number)
		w.click("#callslist form .btn")
		if !w.until(patience, "location.search.includes('number=')") {
			f.t.Fatalf("the list is not filtered: %s", w.at())
		}
		w.shows("#callslist .card", want)
	}
	w.open("/calls")
	w.click("table tbody tr a")
	w.arrives("/calls/")
	f.story = w.at()
	for _, want := range []string{
		"Arriva una chiamata (Linea principale)", "Chi chiama: 06 1234 5678", "La chiamata arriva dalla linea «Linea principale».",
		"Orario «Orario di ufficio»: aperto.", "Preme il tasto 1", "Entra nella coda «Assistenza»", "La chiamata viene offerta a un operatore", "Parla con un operatore",
	} {
		w.shows(".timeline", want)
	}
	w.lacks("main", "Elena")
	w.picture("call")
	w.click(".lang button[value=en]")
	w.shows("html[lang=en] .timeline", "The caller is 06 1234 5678")
	for _, want := range []string{"The call comes in on the line “Linea principale”.", "Presses key 1", "Enters the queue “Assistenza”", "The box decides", "Talks to an operator"} {
		w.shows(".timeline", want)
	}
	w.picture("call-en")
	w.click(".lang button[value=it]")
	w.shows("html[lang=it] .timeline", "Preme il tasto 1")
}

// everyPath lists the pages that a technician has.
func everyPath(f *flow) []string {
	return []string{"/", "/people", f.person, "/people/new", "/lines", "/lines/line-1", "/edit/line/new?kind=trunk", "/office", "/office/privacy",
		"/edit/site", "/edit/path/path-main", "/edit/schedule/schedule-1", "/edit/group/group-1", "/edit/menu/menu-1", "/edit/codes", "/edit/outbound",
		"/calls", f.story, "/versions", "/versions/2", "/system", "/system/backup", "/system/log", "/system/licences", "/search?q=orari", "/me", "/nowhere"}
}

// everyPage looks at the pages that no step needs, on a screen and on a telephone.
func (f *flow) everyPage() {
	f.t.Helper()
	for _, path := range everyPath(f) {
		f.tina.open(path)
		f.tina.screen(390, 844, "light")
		if wide, _ := ask[float64](f.tina, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			f.t.Errorf("%s is %v pixels wider than a telephone", path, wide)
		}
		f.tina.screen(1280, 860, "light")
		if raw := regexp.MustCompile(`(?m)%!|<no value>|\bnil\b|\b[a-z]+\.[a-z]+\.[a-zA-Z]+\b`).FindString(strings.NewReplacer("centralino.local", "", "sip.example.it", "").Replace(f.tina.text("main"))); raw != "" && !strings.HasPrefix(path, "/system") {
			f.t.Errorf("%s shows %q:\n%s", path, raw, f.tina.text("main"))
		}
		f.tina.picture("page" + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path))
	}
}

// undoCreation goes back to the version before Elena.
func (f *flow) undoCreation() {
	f.t.Helper()
	w := f.tina
	w.open("/versions")
	w.shows("table", "Versione 5")
	w.click("form[action='/versions/2/undo'] .btn") // before she claimed the box
	w.shows("[role=alert]", "perderesti il tuo accesso")
	w.open("/versions")
	w.click("form[action='/versions/3/undo'] .btn")
	w.arrives("/draft/")
	w.shows("#changes", "Elena Gialli")
	w.picture("undo-draft")
	w.click("#apply")
	w.shows(".flash", "È tornata in vigore")
	w.open("/people")
	w.shows("#people", "Anna Rossi")
	w.lacks("#people", "Elena")
	if err := f.phone.Register(limit(f.t, 5*time.Second)); err == nil {
		f.t.Error("the telephone of a person who is gone registers")
	}
	f.elena.open("/")
	f.elena.arrives("/login")
	f.elena.fill("f-name", "elena.gialli", "f-password", elenaPassword)
	f.elena.click("form.fields .btn")
	f.elena.shows("#summary", "Nome o password non corretti")
}

// makeBackup downloads the box as a file.
func (f *flow) makeBackup() {
	f.t.Helper()
	w := f.tina
	folder := f.t.TempDir()
	w.downloadInto(folder)
	w.open("/system/backup")
	w.fill("f-pass", passphrase)
	w.click("form[action='/system/backup'] .btn")
	if !eventually(f.t, 15*time.Second, func() bool {
		found, _ := filepath.Glob(filepath.Join(folder, "centralino-*.backup"))
		if len(found) == 1 {
			f.backup = found[0]
		}
		return f.backup != ""
	}) {
		left, _ := os.ReadDir(folder)
		f.t.Fatalf("no backup arrives: %v\n%s", left, w.text("main"))
	}
}

// withoutScript uses the page as a browser without JavaScript does.
func (f *flow) withoutScript() {
	f.t.Helper()
	w := f.tina
	w.script(true)
	defer w.script(false)
	for _, path := range []string{"/", "/people", "/lines", "/office", "/calls", f.story, "/versions", "/system"} {
		w.open(path)
		w.shows("nav.nav a[aria-current]", "")
	}
	w.open("/edit/site")
	w.fill("f-name", "Studio Rossi e figli")
	w.click("form[data-guard] .btn")
	w.shows("#changes", "Studio Rossi e figli")
	w.click("#apply")
	w.shows(".flash", "Applicato")
	w.open("/phones/device-1")
	w.click("#account form[data-swap] .btn")
	w.arrives("/phones/device-1/account")
	w.shows("#sip-password", "")
	f.secret = strings.TrimSpace(w.text("#sip-password"))
	w.open("/search?q=carla")
	w.shows("#hits", "Carla Verdi")
	w.open("/")
	w.shows("h1", "Studio Rossi e figli")
	w.picture("home-noscript")
}

// restoreElsewhere claims an empty box by its code and gives it the backup.
func (f *flow) restoreElsewhere(w *tab) {
	f.t.Helper()
	box := w.box
	w.open("/")
	w.arrives("/claim")
	w.fill("f-code", box.code())
	w.fill("f-site", "Vuoto", "f-name", "Ugo Vuoto", "f-user", "ugo", "f-password", "nove sassi tondi", "f-again", "nove sassi tondi")
	w.click("form.fields .btn")
	w.shows("h1", "Vuoto")
	w.picture("home-empty")
	send := func(pass string) {
		w.open("/system/backup")
		w.fill("f-pass2", pass)
		w.do("choose the file", chromedp.SetUploadFiles(chromedp.CSS("#f-file"), []string{f.backup}))
		w.click("form[action='/system/restore'] .btn")
	}
	send("tutt'altra frase")
	w.shows("#summary", "non si può ripristinare")
	w.picture("restore-refused")
	send(passphrase)
	w.shows("main .note.ok", "Il backup è pronto")
	w.picture("restore-ready")
	w.click("form[action='/system/restart'] .btn")
	// It ends and begins anew by itself, as the same process.
	if !eventually(f.t, 20*time.Second, func() bool { return strings.Count(box.proc.Output(), "is running.") == 2 }) {
		f.t.Fatalf("the box does not restart:\n%s", box.proc.Output())
	}
	w.complaints = nil // the box was away
	w.open("/people")
	w.arrives("/login")
	w.fill("f-name", "ugo", "f-password", "nove sassi tondi")
	w.click("form.fields .btn")
	w.shows("#summary", "Nome o password non corretti")
	w.logIn()
	w.arrives("/people")
	for _, name := range []string{"Anna Rossi", "Bruno Bianchi", "Carla Verdi", "Dario Neri", "Tina Tecnica"} {
		w.shows("#people", name)
	}
	w.open("/versions")
	w.shows("table", "Versione 6")
	w.open("/calls")
	w.shows("table tbody tr", "06 1234 5678")
	w.open(f.story)
	w.shows(".timeline", "Preme il tasto 1")
	w.open("/")
	w.shows("h1", "Studio Rossi")
	w.showsWithin(30*time.Second, "#lines", "Linea 1 Linea analogica libera")
	w.picture("home-restored")
	// A telephone that knew the old box needs nothing new.
	old := box.phone(12, "201", f.secret)
	if err := old.Register(limit(f.t, 5*time.Second)); err != nil {
		f.t.Errorf("after the restore a telephone does not register with its old account: %v", err)
	}
	w.open("/phones/device-1")
	w.shows("#phonestate", "collegato")
	w.lacks("#phonestate", "non collegato")
	w.content()
}
