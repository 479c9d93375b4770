package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/testbed"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sip"
	"centralino/ui/api"
)

// The phones of the sample office.
const (
	anna  = iota // agent of the queue
	bruno        // is called by dario
	carla        // calls the queue
	dario
)

var persons = []journal.SubjectID{"p-sample-anna", "p-sample-bruno", "p-sample-carla", "p-sample-dario"}

// lane is one box with its phones, its telephone exchange and its person at the
// page, all of which outlive it.
type lane struct {
	t        *testing.T
	rng      *rand.Rand
	data     string
	args     []string
	addr     netip.AddrPort
	page     string
	exchange *sim.Exchange
	lines    []*sim.ExLine
	phones   []*pbxtest.Phone
	client   *http.Client
	manager  *http.Client // of dario, who records agreements
	proc     *testbed.Process
	born     bool // the box has been claimed and its phones have registered
	wasOff   bool // a line was off hook when the box was started
	edit     int  // number of the edit that was tried last
	agreed   int  // number of the agreement that was tried last

	// The contact that carla's phone registered last is numbered; moved are those
	// before it that may still be known to the box.
	contact int
	kept    int // number of the one that is on disk at least
	moved   []string

	figures
	back, hook []time.Duration
	unwritten  []time.Duration // of each kill and phone, how old its oldest answered call was that is not in the journal
	acked      acked
}

// acked is what the box has told the outside.
type acked struct {
	sync.Mutex
	edit     int                       // number of the last edit that was confirmed
	finished map[journal.CallID]string // outcome that the API showed
	answered [4][]time.Time            // calls of each phone in this life, when they were answered
	contacts map[int]time.Time         // of this life by number, when the box confirmed it for carla's phone
	agreed   int                       // number of the last agreement that was confirmed
	promised int                       // promises to call back that callers heard, of all lives
}

// newLane prepares a box whose lines are modems of an exchange of the test's own.
func newLane(t *testing.T, n int, rng *rand.Rand) *lane {
	return newLaneOn(t, n, rng, t.TempDir())
}

func newLaneOn(t *testing.T, n int, rng *rand.Rand, data string) *lane {
	t.Helper()
	subnet := [2]byte{byte(64 + os.Getpid()%128), byte(n + 1)}
	at := func(host byte, port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, subnet[0], subnet[1], host}), port)
	}
	l := &lane{t: t, rng: rng, data: data, addr: at(1, 5060), acked: acked{finished: map[journal.CallID]string{}, contacts: map[int]time.Time{}}}
	l.page = "http://" + at(1, 8080).String()
	l.args = []string{"serve", "-board", "sim", "-data", l.data, "-sip", l.addr.String(), "-http", at(1, 8080).String(), "-https", ""}
	l.exchange = sim.NewExchange(sim.ExchangeOptions{Seed: rng.Uint64()})
	t.Cleanup(l.exchange.Close)
	l.exchange.OnDial(func(hal.LineID, string) sim.DialOutcome { return sim.DialOutcome{Delay: 100 * time.Millisecond} })
	ports := map[string]string{}
	for _, x := range []struct {
		id      hal.LineID
		kind    hal.LineKind
		profile sim.Profile
	}{{"line-1", hal.Analog, sim.CX93001}, {"line-2", hal.Analog, sim.USR5637}, {"line-3", hal.ISDN, sim.TTYI}} {
		line := l.exchange.AddLine(x.id, sim.LineOptions{Kind: x.kind})
		m, err := sim.OpenModem(context.Background(), line, sim.ModemOptions{Profile: x.profile, Link: filepath.Join(t.TempDir(), "modem")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		l.lines = append(l.lines, line)
		ports[string(x.id)] = "path:" + m.Path()
	}
	secrets := furnishFolder(t, l.data, ports)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() { stop(); running.Wait() })
	for i := range persons {
		p, err := pbxtest.New(pbxtest.PhoneOptions{User: fmt.Sprint(201 + i), Password: secrets[i], Addr: at(byte(11+i), 5060), Box: l.addr,
			Wire: sip.KernelNet{}, Ports: media.KernelNet(), Log: slog.New(slog.DiscardHandler),
			Answer: func() (time.Duration, int, bool) { return 30 * time.Millisecond, 0, true }})
		if err != nil {
			t.Fatal(err)
		}
		l.phones = append(l.phones, p)
		running.Go(func() { p.Run(ctx) })
	}
	l.client, l.manager = newVisitor(t), newVisitor(t)
	return l
}

// newVisitor is a browser of its own that follows no redirection.
func newVisitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// furnishFolder makes a data folder with the sample office on the given ports and
// returns the phones' passwords.
func furnishFolder(t *testing.T, folder string, ports map[string]string) (secrets []string) {
	t.Helper()
	b := &box{opt: options{data: folder, board: "sim", sample: "office"}, log: slog.New(slog.DiscardHandler), now: time.Now}
	b.trunks.b, b.record.b = b, b
	defer b.close()
	if err := b.openFront(); err != nil {
		t.Fatal(err)
	}
	if err := b.openData(t.Context()); err != nil {
		t.Fatal(err)
	}
	doc := b.office.Current().Doc.Clone()
	for i := range doc.Lines {
		doc.Lines[i].Port = ports[string(doc.Lines[i].ID)]
		doc.Lines[i].RingsBeforeAnswer = 1
	}
	// Who calls line 1 is asked whether he wants to be called back, by people who never
	// log in.
	rules := *doc.GroupByID("group-1").Queue
	doc.Groups = append(doc.Groups, office.Group{ID: "group-9", Name: "Richiamate", Mode: office.GroupQueue, Queue: &rules, Members: []journal.SubjectID{persons[bruno]}})
	doc.Paths = append(doc.Paths, office.Path{ID: "path-9", Name: "Richiamata", Steps: []office.Step{{Kind: office.StepCallback, Group: "group-9"}, {Kind: office.StepEnd}}})
	doc.LineByID("line-1").Path = "path-9"
	if err := apply(t.Context(), b, doc); err != nil {
		t.Fatal(err)
	}
	for i := range doc.Devices {
		secret, _ := b.secrets.Get(doc.Devices[i].Secret)
		secrets = append(secrets, secret)
	}
	return secrets
}

func (l *lane) chance(p float64) bool { return l.rng.Float64() < p }

// wait lets time pass in the world outside: the moment of the next happening is
// what the test is about.
func (l *lane) wait(d time.Duration) { <-time.After(d) }

func (l *lane) start() {
	l.t.Helper()
	l.wasOff = l.anyOffHook()
	l.proc = testbed.Start(l.t, nil, testbed.Command{Path: program4test(l.t), Args: l.args})
}

var claimWith = regexp.MustCompile(`Claim it with +(\S+)`)

// firstSteps claims the box, registers the phones for an hour and logs the agent
// in: none of it is ever done again.
func (l *lane) firstSteps() {
	l.t.Helper()
	code := claimWith.FindStringSubmatch(l.proc.Output())
	if code == nil {
		l.t.Fatalf("no code to claim the box with:\n%s", l.proc.Output())
	}
	const password = "quattro gatti neri"
	status, _, err := l.post("/claim", url.Values{"code": {code[1]}, "site": {"Prova"}, "name": {"Tina"}, "user": {"tina"}, "password": {password}, "again": {password}})
	if err != nil || status != http.StatusSeeOther {
		l.t.Fatalf("claim: %d %v", status, err)
	}
	l.invite()
	for _, p := range l.phones {
		if err := p.Register(limit(l.t, 10*time.Second)); err != nil {
			l.t.Fatal(err)
		}
	}
	c, err := l.phones[anna].Dial("*70")
	if err != nil {
		l.t.Fatal(err)
	}
	<-c.End()
	l.wait(writtenWithin) // an hour's registration and a login are no moment's business
}

// invite gives dario, who is a manager, an account of his own.
func (l *lane) invite() {
	l.t.Helper()
	res, err := l.send(l.client, "/people/"+string(persons[dario])+"/invite", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	link := inviteLink.Find(page)
	if err != nil || link == nil {
		l.t.Fatalf("no invitation: %d %v", res.StatusCode, err)
	}
	const password = "cinque pesci rossi"
	status, _, err := l.postAs(l.manager, "/invite/set", url.Values{"code": {strings.TrimPrefix(string(link), "/invite/")}, "user": {"dario"}, "password": {password}, "again": {password}})
	if err != nil || status != http.StatusSeeOther {
		l.t.Fatalf("take the invitation: %d %v", status, err)
	}
}

// post sends a form and returns status and where the answer leads to.
func (l *lane) post(path string, form url.Values) (status int, location string, err error) {
	return l.postAs(l.client, path, form)
}

func (l *lane) postAs(by *http.Client, path string, form url.Values) (status int, location string, err error) {
	res, err := l.send(by, path, form)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Location"), err
}

func (l *lane) send(by *http.Client, path string, form url.Values) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, l.page+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", l.page)
	return by.Do(req)
}

// traffic keeps everybody busy until the returned function is called.
func (l *lane) traffic() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	seed := l.rng.Uint64()
	loop := func(n uint64, f func(ctx context.Context, rng *rand.Rand)) {
		busy.Go(func() {
			rng := rand.New(rand.NewPCG(seed, n))
			for ctx.Err() == nil {
				f(ctx, rng)
				select {
				case <-time.After(time.Duration(rng.IntN(200)) * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	loop(1, func(ctx context.Context, rng *rand.Rand) { l.callBy(ctx, rng, dario, "202") })
	loop(2, func(ctx context.Context, rng *rand.Rand) { l.callBy(ctx, rng, carla, "600") })
	loop(3, func(ctx context.Context, rng *rand.Rand) { l.callBy(ctx, rng, bruno, "0612345678") })
	loop(4, func(ctx context.Context, rng *rand.Rand) { l.ringIn(ctx, rng) })
	loop(5, func(context.Context, *rand.Rand) { l.change() })
	loop(6, func(context.Context, *rand.Rand) { l.lookAtCalls() })
	loop(7, func(ctx context.Context, _ *rand.Rand) { l.move(ctx) })
	loop(8, func(ctx context.Context, rng *rand.Rand) { l.promise(ctx, rng) })
	loop(9, func(context.Context, *rand.Rand) { l.agree() })
	return func() { cancel(); busy.Wait() }
}

// move registers carla's phone with another contact and notes when it was confirmed.
func (l *lane) move(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	l.moved = append(l.moved, l.contactUser())
	l.contact++
	err := l.phones[carla].RegisterAs(ctx, l.contactUser(), l.moved...)
	if err != nil {
		return // the box died; it may know this one or not
	}
	l.moved = nil
	l.moves++
	l.acked.Lock()
	defer l.acked.Unlock()
	l.acked.contacts[l.contact] = time.Now()
}

// contactUser is the user part of carla's last contact; the first is plain.
func (l *lane) contactUser() string {
	if l.contact == 0 {
		return "203"
	}
	return fmt.Sprintf("203-%d", l.contact)
}

// callBy calls and talks for a moment.
func (l *lane) callBy(ctx context.Context, rng *rand.Rand, phone int, number string) {
	c, err := l.phones[phone].Dial(number)
	if err != nil {
		return // somebody calls him
	}
	select {
	case <-c.Up():
		l.acked.Lock()
		l.acked.answered[phone] = append(l.acked.answered[phone], time.Now())
		l.acked.Unlock()
	case <-c.End():
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-time.After(time.Duration(rng.IntN(800)) * time.Millisecond):
		c.HangUp()
	case <-ctx.Done():
		return
	}
	select {
	case <-c.End():
	case <-time.After(2 * time.Second):
		l.phones[phone].Forget()
	case <-ctx.Done():
	}
}

// ringIn is an outside caller on line 2.
func (l *lane) ringIn(ctx context.Context, rng *rand.Rand) {
	p, err := l.exchange.Ring("line-2", sim.CallerSpec{Number: "0612345678", GiveUp: 10 * time.Second})
	if err != nil {
		return
	}
	select {
	case <-p.Answered():
	case <-p.Done():
	case <-ctx.Done():
	}
	select {
	case <-time.After(time.Duration(rng.IntN(3000)) * time.Millisecond):
	case <-ctx.Done():
	}
	p.HangUp()
}

// promise is an outside caller on line 1 who wants to be called back at a number that he
// types: it counts when he has heard that he will be.
func (l *lane) promise(ctx context.Context, rng *rand.Rand) {
	p, err := l.exchange.Ring("line-1", sim.CallerSpec{Restricted: true, GiveUp: 10 * time.Second})
	if err != nil {
		return
	}
	select {
	case <-p.Answered():
		p.Say(make([]int16, 4000)) // he listens for half a second
		p.Key(fmt.Sprintf("0612%06d#1", rng.IntN(1e6)))
	case <-p.Done():
	case <-ctx.Done():
	}
	select {
	case <-p.Done():
	case <-time.After(15 * time.Second):
	case <-ctx.Done():
	}
	heard := p.Heard()
	p.HangUp()
	if testbed.Judge(heard, said("callback-promised")[:8000]).Median < 0.9 {
		return
	}
	l.acked.Lock()
	defer l.acked.Unlock()
	l.acked.promised++
	l.promises++
}

// agree records an agreement on the page and notes what was confirmed.
func (l *lane) agree() {
	l.agreed++
	status, _, err := l.postAs(l.manager, "/office/privacy", url.Values{"kind": {"union"}, "date": {"2026-03-01"}, "note": {fmt.Sprintf("Accordo %d", l.agreed)}})
	if err != nil || status != http.StatusSeeOther {
		l.refused("agreement", status, err)
		return
	}
	l.agreements++
	l.acked.Lock()
	defer l.acked.Unlock()
	l.acked.agreed = l.agreed
}

// change edits the office on the page and notes what was confirmed.
func (l *lane) change() {
	l.edit++
	form := url.Values{"name": {fmt.Sprintf("Chiuso %d", l.edit)}, "steps:0": {"end prompt=prompt-closed"}}
	status, draft, err := l.post("/edit/path/path-closed", form)
	if err != nil || status != http.StatusSeeOther || !strings.HasPrefix(draft, "/draft/") {
		l.edit--
		l.refused("edit", status, err)
		return
	}
	status, _, err = l.post(draft, nil)
	if err != nil || status != http.StatusSeeOther {
		l.refused("apply", status, err)
		return
	}
	l.acked.Lock()
	l.acked.edit = l.edit
	l.acked.Unlock()
	l.edits++
}

// refused complains about an answer that is not due to the box's death.
func (l *lane) refused(what string, status int, err error) {
	if err == nil {
		l.t.Errorf("%s was answered %d", what, status)
	}
}

// lookAtCalls notes the finished calls that the API shows.
func (l *lane) lookAtCalls() {
	res, err := l.client.Get(l.page + "/api/v1/calls")
	if err != nil {
		return
	}
	defer res.Body.Close()
	var list api.Calls
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return
	}
	l.acked.Lock()
	defer l.acked.Unlock()
	for _, c := range list.Calls {
		if c.Outcome.ID == "running" {
			continue
		}
		if _, known := l.acked.finished[journal.CallID(c.ID)]; !known {
			l.finished++
		}
		l.acked.finished[journal.CallID(c.ID)] = c.Outcome.ID
	}
}
