//go:build imagetest

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/audio/prompts"
	"centralino/internal/testbed"
	"centralino/ui/api"
)

// idleFor is how long the writes to the card of an idle box are counted.
var idleFor = flag.Duration("idle", time.Minute, "how long an idle box's writes are counted")

// The box on its cable, and who sets it up.
var boxAddr = netip.MustParseAddr("10.77.0.1")

const (
	techUser     = "tina"
	techPassword = "quattro gatti neri"
)

// guest is a box in QEMU on a cable of its own, with lamps, a button and a socket for a
// serial adapter.
type guest struct {
	*machine
	*pins
	t     *testing.T
	cable *testbed.Namespace
	line  net.Conn // the far end of the serial adapter
	web   *http.Client
	began time.Time
}

// startGuest switches a box on that has a fixed address, and waits for its page. mac ends
// the address of its network card; more is as in switchOn.
func startGuest(t *testing.T, cable *testbed.Namespace, image string, mac int, more ...string) *guest {
	t.Helper()
	writeSettings(t, image, fmt.Sprintf("indirizzo = %v/24\r\nrouter = %v\r\n", boxAddr, cable.Addr(2)))
	dir := t.TempDir()
	qtest, socket, notes := filepath.Join(dir, "qtest"), filepath.Join(dir, "line"), filepath.Join(dir, "pins")
	g := &guest{t: t, cable: cable, began: time.Now()}
	g.machine = switchOn(t, cable, image, append(append(pinNotes(notes),
		"-netdev", "tap,id=lan,ifname="+cable.Link+",script=no,downscript=no", "-device", fmt.Sprintf("virtio-net-pci,netdev=lan,romfile=,mac=52:54:00:00:00:%02x", mac),
		"-qtest", "unix:"+qtest+",server=on,wait=off", "-qtest-log", "none",
		"-device", "qemu-xhci,id=xhci", "-chardev", "socket,id="+lineCable+",path="+socket+",server=on,wait=off"), more...)...)
	g.page = fmt.Sprintf("http://%v/", boxAddr)
	reach := &http.Transport{DialContext: func(ctx context.Context, _, at string) (net.Conn, error) {
		addr, err := netip.ParseAddrPort(at)
		if err != nil {
			return nil, err
		}
		return cable.DialTCP(ctx, addr)
	}}
	t.Cleanup(reach.CloseIdleConnections)
	g.reach = reach
	g.until(limit, "QEMU's sockets", func() bool {
		var err error
		g.line, err = net.Dial("unix", socket)
		return err == nil
	})
	t.Cleanup(func() { g.line.Close() })
	t.Logf("page served %.1f s after power-on", g.served(t, limit).Seconds())
	g.pins = openPins(t, g.machine, qtest, notes)
	g.browse()
	return g
}

// browse opens a browser that nobody has logged in with.
func (g *guest) browse() {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	g.web = &http.Client{Jar: jar, Timeout: 2 * time.Minute, Transport: g.reach}
}

// until waits for something that the running box does.
func (g *guest) until(d time.Duration, what string, yes func() bool) time.Duration {
	g.t.Helper()
	return await(g.t, d, what, func() bool {
		select {
		case <-g.Done():
			g.t.Fatalf("%s: the machine stopped: %v\n%s", what, g.Err(), g.Output())
		default:
		}
		return yes()
	})
}

// soon reports whether the running box does something in a time.
func (g *guest) soon(d time.Duration, yes func() bool) bool {
	g.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		if yes() {
			return true
		}
	}
	return false
}

// await asks every 50 ms until the answer is yes, and returns how long it took.
func await(t *testing.T, d time.Duration, what string, yes func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		if time.Since(began) > d {
			t.Fatalf("%s: not within %v", what, d)
		}
		<-tick.C
	}
	return time.Since(began)
}

// post sends a form and returns where the browser is led and what it shows there.
func (g *guest) post(path string, form url.Values) (at, body string) {
	g.t.Helper()
	r, err := g.web.PostForm(strings.TrimSuffix(g.page, "/")+path, form)
	return g.read(path, r, err)
}

func (g *guest) get(path string) (at, body string) {
	g.t.Helper()
	r, err := g.web.Get(strings.TrimSuffix(g.page, "/") + path)
	return g.read(path, r, err)
}

func (g *guest) read(path string, r *http.Response, err error) (at, body string) {
	g.t.Helper()
	if err != nil {
		g.t.Fatalf("%s: %v\n%s", path, err, g.Output())
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		g.t.Fatalf("%s: %s %v\n%.2000s", path, r.Status, err, b)
	}
	return r.Request.URL.Path, string(b)
}

// edit sends a form of settings, applies the draft that it makes and returns where the
// browser is led then.
func (g *guest) edit(path string, form url.Values) string {
	g.t.Helper()
	at, body := g.post(path, form)
	if !strings.HasPrefix(at, "/draft/") {
		g.t.Fatalf("%s with %v makes no draft but leads to %s:\n%.3000s", path, form, at, body)
	}
	if at, body = g.post(at, nil); strings.HasPrefix(at, "/draft/") {
		g.t.Fatalf("the draft of %s is not applied:\n%.3000s", path, body)
	}
	return at
}

// api reads a path of the API.
func (g *guest) api(path string, into any) {
	g.t.Helper()
	_, body := g.get("/api/v1/" + path)
	if err := json.Unmarshal([]byte(body), into); err != nil {
		g.t.Fatalf("%s: %v in %.500s", path, err, body)
	}
}

// press presses the button shortly: until STATUS has flashed twice for that. If the guest
// is so slow that the button was down for longer than a press, it is pressed again.
func (g *guest) press() (at time.Time) {
	g.t.Helper()
	pressed := strings.Count(g.Output(), "gesture=press")
	for range 4 {
		at = time.Now()
		g.set(g.t, buttonPin, true)
		flashes := g.soon(2*time.Second, func() bool {
			n := 0
			for _, s := range g.stretches(g.t, 1<<statusPin, at, time.Now())[1:] {
				if s.length() < 150*time.Millisecond {
					n++
				}
			}
			return n > 3
		})
		g.set(g.t, buttonPin, false)
		held := time.Since(at)
		if g.soon(10*time.Second, func() bool { return strings.Count(g.Output(), "gesture=press") > pressed }) && flashes {
			return at
		}
		g.t.Logf("the button was down for %v: flashes %v, presses in the log %d", held, flashes, strings.Count(g.Output(), "gesture=press"))
	}
	g.t.Fatalf("STATUS does not flash for a press, or the press is not in the log\n%s", g.Output())
	return at
}

// holdToWindow holds the button until STATUS counts the first window, as a person does:
// it flashes fast for a second, stays dark for longer than in any state, and lights. After
// a darkness that is longer still the first window may be over.
func (g *guest) holdToWindow() (held time.Duration) {
	g.t.Helper()
	at := time.Now()
	g.set(g.t, buttonPin, true)
	g.until(time.Minute, "STATUS counts the first window", func() bool {
		all := g.stretches(g.t, 1<<statusPin, at, time.Now())
		for i, s := range all[1:] {
			if before := all[i].length(); s.lit != 0 && i > 0 && before > 1400*time.Millisecond && before < 5*time.Second {
				return true
			}
		}
		return false
	})
	g.set(g.t, buttonPin, false)
	return time.Since(at)
}

// openWindow holds the button until the box is open for ten minutes. Where the guest was so
// slow that the button was let go before the window or after it, it is held again.
func (g *guest) openWindow() {
	g.t.Helper()
	for range 4 {
		held := g.holdToWindow()
		if g.soon(20*time.Second, func() bool { return strings.Contains(g.Output(), "gesture=pair") }) {
			g.until(time.Minute, "the page asks for no code", func() bool { return !g.asksCode() })
			return
		}
		g.t.Logf("the button was down for %v by the clock here, and the box is not open", held)
		g.served(g.t, limit) // should it have been long enough for a restart
	}
	g.t.Fatalf("the button does not open the box\n%s", g.Output())
}

// rests lets the box run for a time.
func (g *guest) rests(d time.Duration) {
	g.t.Helper()
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-g.Done():
		g.t.Fatalf("the machine stopped: %v\n%s", g.Err(), g.Output())
	}
}

// claim makes the box the technician's, as who stands before it does: by its button.
func (g *guest) claim() {
	g.t.Helper()
	if !g.asksCode() {
		g.t.Error("a box that is nobody's does not ask for a code")
	}
	g.openWindow()
	if at, body := g.post("/claim", url.Values{"site": {"Ufficio"}, "name": {"Tina Tecnica"}, "user": {techUser}, "password": {techPassword}, "again": {techPassword}}); at != "/" {
		g.t.Fatalf("claim ends at %s:\n%.3000s", at, body)
	}
}

// asksCode reports a page that wants the one-time code from whoever claims the box.
func (g *guest) asksCode() bool {
	g.t.Helper()
	_, body := g.get("/claim")
	return strings.Contains(body, `name="code"`)
}

var shownPassword = regexp.MustCompile(`id="sip-password">([^<]+)<`)

// person makes a person with a phone, and returns the phone's password and the person's id.
func (g *guest) person(name, extension string) (password, id string) {
	g.t.Helper()
	phone := g.edit("/people/new", url.Values{"name": {name}, "extension": {extension}, "role": {"operator"}, "phone": {"true"}, "phonename": {"Telefono " + extension}})
	_, body := g.post(phone+"/account", nil)
	found := shownPassword.FindStringSubmatch(body)
	if found == nil {
		g.t.Fatalf("%s shows no password:\n%.3000s", phone, body)
	}
	return found[1], g.personNamed(name)
}

// personNamed finds the id of a person.
func (g *guest) personNamed(name string) string {
	g.t.Helper()
	var people []api.Person
	g.api("people", &people)
	for _, p := range people {
		if p.Name == name {
			return p.ID
		}
	}
	g.t.Fatalf("%s is not among %v", name, people)
	return ""
}

// phone starts a real phone on the cable and waits until it is registered.
func (g *guest) phone(o testbed.PhoneOptions) *testbed.Phone {
	g.t.Helper()
	o.Namespace, o.Registrar, o.Life = g.cable, netip.AddrPortFrom(boxAddr, 5060), time.Hour
	p := testbed.StartPhone(g.t, o)
	if err := p.WaitRegistered(within(g.t, time.Minute)); err != nil {
		g.t.Fatalf("%v\n%s", err, g.Output())
	}
	return p
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, done := context.WithTimeout(t.Context(), d)
	t.Cleanup(done)
	return ctx
}

func want(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// sentence is what the box says, at 8 kHz.
func sentence(t *testing.T, name string) []int16 {
	t.Helper()
	alaw, ok := prompts.Prompt("it", name)
	if !ok {
		t.Fatalf("there is no sentence %s", name)
	}
	pcm := make([]int16, len(alaw))
	audio.ALawToLinear(pcm, alaw)
	return pcm
}

// office is what the tests of one guest share.
type office struct {
	*guest
	anna, prompt string // ids
	secret       string // of Anna's phone
	phone        *testbed.Phone
	says         []int16 // what is said into it
}

// TestImageOffice sets one box up as an installer does, and shows on it what is plugged
// into a box: a telephone, lamps and a button, a telephone line.
func TestImageOffice(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck", "baresip", "ip", "espeak-ng")
	image := builtImage(t, "qemu-virt", t.TempDir())
	enlarge(t, image, 2<<30)
	cable := testbed.NewTap(t)
	o := &office{guest: startGuest(t, cable, image, 1), says: testbed.Speech(t, testbed.VoiceAgent, 10*time.Minute)}
	if !strings.Contains(o.Output(), "centralino: the data partition was grown") {
		t.Errorf("the data partition was not grown:\n%s", o.Output())
	}
	t.Run("a box is claimed with its button", func(t *testing.T) { o.in(t).claim() })
	if t.Failed() {
		return
	}
	t.Run("a person gets a telephone", func(t *testing.T) { o.furnish(t) })
	if t.Failed() {
		return
	}
	o.phone = o.in(t).phone(testbed.PhoneOptions{Addr: cable.Addr(2), User: "201", Password: o.secret, Mic: o.says, Manual: true, Expires: 300})
	t.Run("the telephone calls and both sides hear", func(t *testing.T) { o.calls(t) })
	t.Run("lamps show what the page shows, and answer the button", func(t *testing.T) { o.lamps(t) })
	t.Run("a telephone line on a serial adapter", func(t *testing.T) { o.telephoneLine(t) })
	t.Run("at rest", func(t *testing.T) { o.rest(t) })
	o.in(t).powerButton(t)
	checkData(t, image)
}

// in is the guest whose troubles are those of a test.
func (o *office) in(t *testing.T) *guest {
	o.t = t
	return o.guest
}

// furnish makes Anna with extension 201, and 600 that greets who calls it.
func (o *office) furnish(t *testing.T) {
	g := o.in(t)
	o.secret, o.anna = g.person("Anna Rossi", "201")
	o.prompt = strings.TrimPrefix(g.edit("/edit/prompt/new", url.Values{"name": {"Benvenuto"}, "builtin": {"greeting"}}), "/prompts/")
	g.edit("/edit/path/new", url.Values{"name": {"Saluto"}, "steps:0": {"message prompt=" + o.prompt}, "steps:1": {"end"}})
	g.edit("/edit/extension/new", url.Values{"digits": {"600"}, "target": {"path:" + o.pathNamed("Saluto")}})
}

// pathNamed finds the id of a path.
func (o *office) pathNamed(name string) string {
	o.t.Helper()
	var doc struct{ Paths []struct{ ID, Name string } }
	o.api("office", &doc)
	for _, p := range doc.Paths {
		if p.Name == name {
			return p.ID
		}
	}
	o.t.Fatalf("no path %s in %v", name, doc)
	return ""
}

// calls dials the greeting and the echo.
func (o *office) calls(t *testing.T) {
	want(t, "dial 600", o.phone.Dial(within(t, 10*time.Second), "600"))
	_, err := o.phone.Wait(within(t, time.Minute), "CALL_ESTABLISHED")
	want(t, "600 answers", err)
	_, err = o.phone.Wait(within(t, time.Minute), "CALL_CLOSED")
	want(t, "600 has said all", err)
	heard, err := o.phone.Heard()
	want(t, "recording", err)
	testbed.AssertHolds(t, "the greeting", heard, sentence(t, "greeting"))

	want(t, "dial the echo", o.phone.Dial(within(t, 10*time.Second), "*43"))
	_, err = o.phone.Wait(within(t, time.Minute), "CALL_ESTABLISHED")
	want(t, "the echo answers", err)
	want(t, "talk", o.phone.Talk(within(t, time.Minute), 8*time.Second))
	want(t, "hang up", o.phone.Hangup(within(t, 10*time.Second)))
	_, err = o.phone.Wait(within(t, time.Minute), "CALL_CLOSED")
	want(t, "over", err)
	heard, err = o.phone.Heard()
	want(t, "recording", err)
	testbed.AssertHolds(t, "the echo", heard, o.says[:5*audio.Rate])
}
