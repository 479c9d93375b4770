package ui_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/acd/outcome"
	"centralino/acd/report"
	"centralino/acd/survey"
	"centralino/board"
	"centralino/board/health"
	"centralino/board/led"
	"centralino/internal/audio"
	"centralino/internal/audio/prompts"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
	"centralino/ui"
	"centralino/ui/cti"
	"centralino/ui/live"
)

// rig is a box with real database, journal and office, and hand-made rest.
type rig struct {
	t       testing.TB
	db      *store.DB
	log     *journal.Log
	office  *office.Store
	people  *privacy.Gate
	reports *report.Reader
	book    *outcome.Book
	surveys *survey.State
	updates *fakeUpdates
	box     *fakeBox
	server  *ui.Server
	deps    ui.Deps
	http    *httptest.Server
	sample  office.SampleOffice
	stopped chan struct{}
	hooked  chan struct{} // closed once webhooks are told of what happens from then on
}

// fakeBox is the rest of the box: what tests set is what pages show.
type fakeBox struct {
	mu       sync.Mutex
	lamps    []led.Shown
	lines    []ui.LineStatus
	phones   []ui.PhoneStatus
	faults   []health.Entry
	pairing  time.Time
	did      []string // what agents were told
	refuse   error
	atDesk   error // what taking callers is answered with
	restored string
	voices   map[string]audio.WAV
}

func (b *fakeBox) set(f func(b *fakeBox)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b)
}

func get[T any](b *fakeBox, f func(b *fakeBox) T) func() T {
	return func() T {
		b.mu.Lock()
		defer b.mu.Unlock()
		return f(b)
	}
}

func (b *fakeBox) do(what string, who journal.SubjectID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.did = append(b.did, what+" "+string(who))
	return b.refuse
}

func (b *fakeBox) Login(a journal.SubjectID) error  { return b.do("login", a) }
func (b *fakeBox) Logout(a journal.SubjectID) error { return b.do("logout", a) }
func (b *fakeBox) Pause(a journal.SubjectID) error  { return b.do("pause", a) }
func (b *fakeBox) Ready(a journal.SubjectID) error  { return b.do("ready", a) }

// Put keeps what the box's own reader of WAV files accepts.
func (b *fakeBox) Put(wav []byte) (string, error) {
	w, err := audio.ParseWAV(wav)
	if err != nil {
		return "", ui.ErrVoice
	}
	sum := sha256.Sum256(wav)
	name := hex.EncodeToString(sum[:])
	b.set(func(b *fakeBox) {
		if b.voices == nil {
			b.voices = map[string]audio.WAV{}
		}
		b.voices[name] = w
	})
	return name, nil
}

func (b *fakeBox) Has(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.voices[name]
	return ok
}

func (b *fakeBox) WAV(name, builtin, lang string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w, ok := b.voices[name]; ok {
		return audio.AppendWAV(nil, w), true
	}
	alaw, ok := prompts.Prompt(lang, builtin)
	if !ok {
		return nil, false
	}
	pcm := make([]int16, len(alaw))
	audio.ALawToLinear(pcm, alaw)
	return audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVPCM, Samples: pcm}), true
}

// rigDesk stands for the ACD as the keeper of who calls whom: it writes down what it is
// asked for, unless the box is to refuse.
type rigDesk struct{ r *rig }

func (d rigDesk) write(call journal.CallID, payloads ...journal.Payload) error {
	d.r.box.mu.Lock()
	defer d.r.box.mu.Unlock()
	if d.r.box.atDesk != nil {
		return d.r.box.atDesk
	}
	for _, p := range payloads {
		d.r.log.Append(call, p)
	}
	return nil
}

func (d rigDesk) Take(caller, by journal.SubjectID) error {
	return d.write("", journal.RecallTaken{Caller: caller, By: by, Until: d.r.deps.Now().Add(engine.TakenFor)})
}

func (d rigDesk) Give(caller, by journal.SubjectID, why string) error {
	return d.write("", journal.RecallDone{Caller: caller, By: by, Why: why})
}

func (d rigDesk) Cancel(call journal.CallID, by journal.SubjectID) error {
	id := journal.ContactID(call)
	return d.write(call, journal.CallbackSettled{Contact: id, Queue: "group-1", By: by, Why: "cancelled"},
		journal.ContactEnded{Contact: id, Queue: "group-1", Outcome: "merged", Reason: "cancelled"})
}

// tech is the technician whom newRig adds to the sample office.
const (
	tech  = journal.SubjectID("p-tech")
	anna  = journal.SubjectID("p-sample-anna")  // leader
	bruno = journal.SubjectID("p-sample-bruno") // operator
	carla = journal.SubjectID("p-sample-carla") // operator
	dario = journal.SubjectID("p-sample-dario") // manager
)

// techPassword is the technician's.
const techPassword = "quattro gatti neri"

// The hash costs 19 MiB and a while: all rigs share one.
var (
	techHash   sync.Once
	techHashed string
)

// newRig starts a box with the sample office. claimed gives it a technician.
func newRig(t testing.TB, claimed bool, change ...func(*ui.Deps)) *rig {
	t.Helper()
	return newRigOf(t, claimed, rigOf{now: time.Now, sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: time.Now()}), folder: t.TempDir()}, change...)
}

// rigOf is what a box is made of: its clock, its office and the folder of its data.
type rigOf struct {
	now    func() time.Time
	sample office.SampleOffice
	folder string
	bubble bool                         // runs in virtual time: nothing listens, and one connection reads and writes
	disk   func(operation string) error // what goes wrong on the disk; nil: nothing
}

// newRigOf starts a box with an office of one's own.
func newRigOf(t testing.TB, claimed bool, of rigOf, change ...func(*ui.Deps)) *rig {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &rig{t: t, surveys: survey.New(), updates: newFakeUpdates(of.now()), box: &fakeBox{}, sample: of.sample, stopped: make(chan struct{}), hooked: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	if os.Getenv("UI_TEST_LOG") != "" {
		log = slog.Default()
	}
	folder := of.folder
	var migrations []store.Migration
	migrations = append(migrations, journal.Migrations()...)
	migrations = append(migrations, office.Migrations()...)
	migrations = append(migrations, privacy.Migrations()...)
	migrations = append(migrations, ui.Migrations()...)
	migrations = append(migrations, outcome.Migrations()...)
	migrations = append(migrations, cti.Migrations()...)
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	var err error
	opt := store.Options{Folder: folder, Migrations: migrations, Now: of.now, Log: log, Fault: of.disk}
	if of.bubble {
		opt.Readers = store.OneConnection
	}
	r.db, _, err = store.Open(ctx, opt)
	must(err)
	r.log, _, err = journal.Open(ctx, journal.Options{DB: r.db, Now: of.now, Trusted: func() bool { return true }, Log: log, Version: "1.2.3", Board: "sim"})
	must(err)
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.log.Run(ctx) })
	doc := r.sample.Doc.Clone()
	if claimed {
		doc.People = append(doc.People, office.Person{ID: tech, Role: office.RoleTechnician})
		r.sample.Names[tech] = "Tina Tecnica"
	}
	r.office, err = office.OpenStore(ctx, office.StoreOptions{DB: r.db, Journal: r.log, Now: of.now, First: doc})
	must(err)
	secrets, err := office.OpenSecrets(ctx, r.db)
	must(err)
	for ref, secret := range r.sample.Secrets {
		must(r.db.Write(ctx, secrets.StageAs(ref, secret)))
	}
	r.people, err = privacy.Open(ctx, privacy.Options{DB: r.db, Journal: r.log, Office: func() *office.Document { return r.office.Current().Doc }, Now: of.now})
	must(err)
	wg.Go(func() { _ = r.people.Run(ctx) })
	for who, name := range r.sample.Names {
		must(r.people.SetName(ctx, who, name))
	}
	r.book, err = outcome.Open(ctx, outcome.Options{DB: r.db, Journal: r.log, Gate: r.people, Office: r.office.Current, Now: of.now})
	must(err)
	var hooked sync.Once
	follow := func(from uint64) cti.Subscription {
		defer hooked.Do(func() { close(r.hooked) })
		return r.log.Subscribe(from)
	}
	hooks, err := cti.NewSender(ctx, cti.Options{DB: r.db, Follow: follow, Gate: r.people, Now: of.now, Log: log,
		Office: func() *office.Document { return r.office.Current().Doc }, Secrets: secrets.Get})
	must(err)
	wg.Go(func() { _ = hooks.Run(ctx) })
	since := of.now()
	r.box.lamps = []led.Shown{
		{Lamp: board.Status, State: led.StatusReady, Pattern: led.Pattern{Kind: led.Solid}, Since: since},
		{Lamp: board.Lines, State: led.LinesReady, Pattern: led.Pattern{Kind: led.Solid}, Since: since},
		{Lamp: board.Calls, State: led.CallsReady, Pattern: led.Pattern{Kind: led.Solid}, Since: since},
	}
	r.box.lines = []ui.LineStatus{{ID: "line-1", State: "idle", Since: since, Port: "/dev/ttyACM0"}, {ID: "line-2", State: "idle", Since: since}, {ID: "line-3", State: "outOfService", Reason: "no such port", Since: since}}
	r.box.phones = []ui.PhoneStatus{{Device: "device-1", Address: netip.MustParseAddrPort("192.168.1.31:5060"), Transport: "udp", Agent: "Yealink SIP-T46S 66.86.0.15", Since: since}}
	b := r.box
	d := ui.Deps{
		Now: of.now, Log: log, DB: r.db, Office: r.office, Secrets: secrets, People: r.people, Journal: ui.FromLog(r.log),
		Lamps:  get(b, func(b *fakeBox) []led.Shown { return b.lamps }),
		Lines:  get(b, func(b *fakeBox) []ui.LineStatus { return b.lines }),
		Phones: get(b, func(b *fakeBox) []ui.PhoneStatus { return b.phones }),
		Faults: get(b, func(b *fakeBox) []health.Entry { return b.faults }),
		Voices: b, Agents: b, PairingUntil: get(b, func(b *fakeBox) time.Time { return b.pairing }),
		TestRing:  func(_ context.Context, l office.ID) error { return b.do("ring", journal.SubjectID(l)) },
		SubjectOf: r.people.Pseudonym, Customers: r.book, Webhooks: hooks, Surveys: func() []survey.Result { return r.surveys.Results(of.now()) },
		Backup: func(_ context.Context, w io.Writer, pass string) error {
			_, err := io.WriteString(w, "backup under "+pass)
			return err
		},
		Restore: func(_ context.Context, in io.Reader, pass string) error {
			body, err := io.ReadAll(in)
			if err != nil {
				return err
			}
			if !bytes.HasPrefix(body, []byte("backup under "+pass)) {
				return errors.New("wrong password")
			}
			b.set(func(b *fakeBox) { b.restored = string(body) })
			return nil
		},
		Restart: func() { b.set(func(b *fakeBox) { b.did = append(b.did, "restart") }) },
		Updates: r.updates,
		Logs: func(f ui.LogFilter) []ui.LogLine {
			return []ui.LogLine{{Time: since, Level: "INFO", Text: "line opened", Attrs: "line=line-1", Call: f.Call}, {Time: since, Level: "WARN", Text: "no such port", Attrs: "line=line-3"}}
		},
		About: ui.About{Version: "1.2.3", Commit: "abcdef0", Board: "sim", Licences: func() []ui.Licence {
			return []ui.Licence{{Module: "golang.org/x/text", Version: "v0.43.0", Name: "BSD-3-Clause", Text: "Copyright"}}
		}},
		Names: func() []string { return []string{"centralino.local"} }, Addresses: func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("192.168.1.20")} },
		SIPPort: 5060, DataDir: folder, HTTPSPort: 8443,
	}
	var pages *ui.Server
	r.reports, err = report.Open(ctx, report.Options{Journal: r.log, Office: func() *office.Document { return r.office.Current().Doc }, Now: func() time.Time { return r.deps.Now() }, Log: log,
		Changed: func() { pages.Notify(live.Queues) }, Desk: rigDesk{r}})
	must(err)
	d.Reports = r.reports
	for _, c := range change {
		c(&d)
	}
	r.deps = d
	pages, err = ui.New(d)
	must(err)
	r.server = pages
	wg.Go(func() { _ = r.reports.Run(ctx) })
	if claimed {
		techHash.Do(func() {
			var err error
			techHashed, err = r.server.Auth().HashPassword(ctx, "tina", techPassword)
			must(err)
		})
		hash := techHashed
		must(r.db.Write(ctx, r.server.Auth().StageAccount(tech, "tina", hash)))
	}
	wg.Go(func() { defer close(r.stopped); _ = pages.Run(ctx) })
	if !of.bubble {
		r.http = httptest.NewServer(r.server.Handler())
	}
	t.Cleanup(func() {
		if r.http != nil {
			r.http.CloseClientConnections()
			r.http.Close()
		}
		stop()
		wg.Wait()
		_ = r.db.Close()
	})
	return r
}

// remote is where people log in from.
var remote = netip.MustParseAddr("192.168.1.9")

// token logs a person in, without a password, and returns what a browser keeps of it.
func (r *rig) token(who journal.SubjectID) string {
	r.t.Helper()
	token, _, err := r.server.Auth().Open(context.Background(), who, remote)
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

// browser is one person's browser.
type browser struct {
	r    *rig
	c    *http.Client
	lang string
}

// as opens a browser that is logged in as a person; empty: nobody.
func (r *rig) as(who journal.SubjectID) *browser {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	b := &browser{r: r, c: &http.Client{Jar: jar, Timeout: 10 * time.Second}, lang: "it"}
	if who != "" {
		token := r.token(who)
		u, _ := url.Parse(r.http.URL)
		jar.SetCookies(u, []*http.Cookie{{Name: "centralino", Value: token, Path: "/"}})
	}
	return b
}

// page is an answer.
type page struct {
	status int
	body   string
	url    *url.URL
	head   http.Header
}

func (b *browser) get(path string) page {
	b.r.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.r.http.URL+path, nil)
	if err != nil {
		b.r.t.Fatal(err)
	}
	return b.send(req)
}

func (b *browser) post(path string, form url.Values) page {
	b.r.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.r.http.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.r.http.URL)
	return b.send(req)
}

func (b *browser) send(req *http.Request) page {
	b.r.t.Helper()
	req.Header.Set("Accept-Language", b.lang)
	res, err := b.c.Do(req)
	if err != nil {
		b.r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.r.t.Fatal(err)
	}
	return page{res.StatusCode, string(body), res.Request.URL, res.Header}
}

// has fails the test if the page lacks one of the texts.
func (p page) has(t testing.TB, texts ...string) page {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(p.body, s) {
			t.Fatalf("%s (%d) lacks %q:\n%s", p.url, p.status, s, p.body)
		}
	}
	return p
}

// lacks fails the test if the page has one of the texts.
func (p page) lacks(t testing.TB, texts ...string) page {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(p.body, s) {
			t.Fatalf("%s (%d) has %q:\n%s", p.url, p.status, s, p.body)
		}
	}
	return p
}

// is fails the test for another status.
func (p page) is(t testing.TB, status int) page {
	t.Helper()
	if p.status != status {
		t.Fatalf("%s: status %d, want %d:\n%s", p.url, p.status, status, p.body)
	}
	return p
}
