//go:build imagetest

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/board/boot"
	"centralino/internal/testbed"
	"centralino/pbx/pbxtest"
	"centralino/ui/api"
)

var (
	logCuts   = flag.Int("logcuts", 30, "power cuts that are taken from the log of a box's writes")
	logRounds = flag.Int("logrounds", 40, "rounds of five things each that the box acknowledges meanwhile")
)

// cardSize is that of the disk whose writes are logged.
const cardSize = 1 << 30

// TestImageWriteLog logs every write and flush of a box's disk while it acknowledges
// changes, cards, notes, agreements and calls, and cuts the power afterwards, as often as
// wanted: at any entry of the log, with what no flush had settled written, half written
// or torn. Whatever was acknowledged before is there. The same box with a database that
// does not wait for the disk must lose something, or the rig sees nothing.
func TestImageWriteLog(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck", "debugfs", "ip")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	fresh := builtImage(t, "qemu-virt", t.TempDir())
	t.Run("as shipped", func(t *testing.T) {
		l := liveLogged(t, fresh)
		sum := l.cuts(t, rand.New(rand.NewPCG(seed, 1)))
		testbed.Figure(t, "QEMU: power cuts in a log of the disk's writes", *logCuts, "cuts")
		testbed.Figure(t, "QEMU: cuts that lost something acknowledged, as shipped (goal 0)", sum.losing, "cuts")
		if sum.losing+sum.unrepaired+sum.corrupt > 0 {
			t.Errorf("%+v", sum)
		}
	})
	t.Run("with a database that does not wait for the disk", func(t *testing.T) {
		careless(t, fresh)
		l := liveLogged(t, fresh)
		sum := l.cuts(t, rand.New(rand.NewPCG(seed, 2)))
		testbed.Figure(t, "QEMU: cuts that lost something acknowledged, synchronous=OFF (goal: some)", sum.losing, "cuts")
		testbed.Figure(t, "QEMU: most acknowledged things lost by one cut, synchronous=OFF", sum.worst, "things")
		if sum.losing == 0 {
			t.Error("the rig does not see what is lost")
		}
	})
}

// careless puts a program into the slot of an image that differs by one word.
func careless(t *testing.T, image string) {
	t.Helper()
	const source = "internal/store/open.go"
	root, err := os.Getwd()
	want(t, "sources", err)
	text, err := os.ReadFile(source)
	want(t, "source", err)
	changed := strings.Replace(string(text), "synchronous(FULL)", "synchronous(OFF)", 1)
	if changed == string(text) {
		t.Fatalf("%s has no synchronous(FULL)", source)
	}
	dir := t.TempDir()
	program, overlay := filepath.Join(dir, "appliance"), filepath.Join(dir, "overlay.json")
	want(t, "source", os.WriteFile(filepath.Join(dir, "open.go"), []byte(changed), 0o600))
	list, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, source): filepath.Join(dir, "open.go")}})
	want(t, "overlay", err)
	want(t, "overlay", os.WriteFile(overlay, list, 0o600))
	args := []string{"build", "-trimpath", "-overlay", overlay, "-o", program, "-ldflags", "-s -w -X main.image=qemu-virt"}
	for _, cold := range strings.Fields(os.Getenv(coldKey)) { // as the program is built: most is there already
		args = append(args, "-gcflags", cold+"=-l")
	}
	p := testbed.Start(t, nil, testbed.Command{Path: "go", Env: []string{"GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0"}, Args: append(args, "./cmd/appliance")})
	if p.ExitCode() != 0 {
		t.Fatalf("the careless program is not built:\n%s", p.Output())
	}
	body, err := os.ReadFile(program)
	want(t, "program", err)
	part := masterBootRecord().Partition(boot.PartSlotA)
	files := map[string][]byte{}
	for _, name := range []string{"kernel8.img", "cmdline.txt", initramfsName} {
		files[name] = readFAT(t, image, int64(part.Start)*boot.Sector, int64(part.Len)*boot.Sector, name)
	}
	files[initramfsName] = withProgram(t, files[initramfsName], body)
	slot := filepath.Join(dir, "slot.img")
	want(t, "slot", (&build{}).fat(slot, slotSize, "SLOT", files))
	to, err := os.OpenFile(image, os.O_RDWR, 0)
	want(t, "image", err)
	defer to.Close()
	from, err := os.Open(slot)
	want(t, "slot", err)
	defer from.Close()
	_, err = io.Copy(io.NewOffsetWriter(to, int64(part.Start)*boot.Sector), from)
	want(t, "slot", err)
}

// logged is the life of a box whose writes are logged.
type logged struct {
	*guest
	fresh string // the image that it began with
	log   string
	acks  []ack
	tech  *http.Client // Tina, who follows no redirection, and Dario, the manager
	boss  *http.Client
}

// ack is something that the box has acknowledged.
type ack struct {
	size int64 // of the log, when the answer was there
	kind kindOfAck
	what string
}

// kindOfAck says what is acknowledged.
type kindOfAck string

const (
	ackEdit      kindOfAck = "edit"      // of the office; what: its number
	ackCard      kindOfAck = "card"      // of a customer; its id
	ackNote      kindOfAck = "note"      // on a card; its text
	ackAgreement kindOfAck = "agreement" // its note
	ackCall      kindOfAck = "call"      // that has ended; its id
)

// liveLogged starts a box from an image of the builder, has it acknowledge things and cuts
// its power. The image stays as it is.
func liveLogged(t *testing.T, fresh string) *logged {
	t.Helper()
	dir := t.TempDir()
	image := filepath.Join(dir, "card.img")
	want(t, "card", copySparse(image, fresh))
	enlarge(t, image, cardSize)
	l := &logged{fresh: fresh, log: filepath.Join(dir, "writes.log")}
	want(t, "log", os.WriteFile(l.log, nil, 0o600))
	cable := testbed.NewTap(t)
	// In the log, requests that write zeros have two parts, between which QEMU lets others
	// come, and those that it joins may have more parts than the system takes in one call.
	l.guest = startGuest(t, cable, image, 1, "-blockdev", "driver=blklogwrites,node-name=disk,file.driver=file,file.filename="+image+
		",file.cache.no-flush=on,log.driver=file,log.cache.no-flush=on,log.filename="+l.log, "-device", diskSocket+",write-zeroes=off,discard=off,request-merging=off")
	l.claim()
	secret, _ := l.person("Anna Rossi", "201")
	l.edit("/people/new", url.Values{"name": {"Dario Neri"}, "extension": {"204"}, "role": {"manager"}})
	l.edit("/edit/path/new", url.Values{"name": {"Chiuso 0"}, "steps:0": {"end"}})
	path := (&office{guest: l.guest}).pathNamed("Chiuso 0")
	l.tech = &http.Client{Jar: l.web.Jar, Transport: l.reach, Timeout: time.Minute, CheckRedirect: noRedirect}
	l.boss = l.invited(l.personNamed("Dario Neri"), "dario")
	phone := phoneOn(t, cable, "201", secret, 11)
	want(t, "register", phone.Register(within(t, time.Minute)))
	began := time.Now()
	for n := 1; n <= *logRounds; n++ {
		l.round(n, path, phone)
	}
	t.Logf("%d things acknowledged in %.1f s", len(l.acks), time.Since(began).Seconds())
	l.Kill()
	return l
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

var inviteLink = regexp.MustCompile(`/invite/[A-Z2-7-]{23}`)

// invited gives a person an account and returns the browser in which he is logged in.
func (l *logged) invited(person, user string) *http.Client {
	l.t.Helper()
	_, body := l.post("/people/"+person+"/invite", nil)
	code := strings.TrimPrefix(inviteLink.FindString(body), "/invite/")
	jar, err := cookiejar.New(nil)
	want(l.t, "cookies", err)
	web := &http.Client{Jar: jar, Transport: l.reach, Timeout: time.Minute, CheckRedirect: noRedirect}
	l.sends(web, "/invite/set", url.Values{"code": {code}, "user": {user}, "password": {techPassword}, "again": {techPassword}})
	return web
}

// sends posts a form and returns where it leads: the box has done what it asks for.
func (l *logged) sends(web *http.Client, path string, form url.Values) string {
	l.t.Helper()
	r, err := web.PostForm(strings.TrimSuffix(l.page, "/")+path, form)
	if err != nil {
		l.t.Fatalf("%s: %v\n%s", path, err, l.Output())
	}
	body, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if r.StatusCode != http.StatusSeeOther {
		l.t.Fatalf("%s: %s\n%.2000s", path, r.Status, body)
	}
	return r.Header.Get("Location")
}

// acked notes that something was acknowledged, with how long the log was then.
func (l *logged) acked(kind kindOfAck, what string) {
	l.t.Helper()
	info, err := os.Stat(l.log)
	want(l.t, "log", err)
	l.acks = append(l.acks, ack{info.Size(), kind, what})
}

// round has one of each kind acknowledged.
func (l *logged) round(n int, path string, phone *pbxtest.Phone) {
	l.t.Helper()
	draft := l.sends(l.tech, "/edit/path/"+path, url.Values{"name": {fmt.Sprintf("Chiuso %d", n)}, "steps:0": {"end"}})
	l.sends(l.tech, draft, nil)
	l.acked(ackEdit, fmt.Sprint(n))
	card := l.sends(l.boss, "/customers/new", url.Values{"name": {fmt.Sprintf("Cliente %d", n)}, "numbers": {fmt.Sprintf("0298%06d", n)}})
	l.acked(ackCard, strings.TrimPrefix(card, "/customers/"))
	note := fmt.Sprintf("Nota %d", n)
	l.sends(l.boss, card+"/note", url.Values{"text": {note}})
	l.acked(ackNote, note)
	agreement := fmt.Sprintf("Accordo %d", n)
	l.sends(l.boss, "/office/privacy", url.Values{"kind": {"union"}, "date": {"2026-03-01"}, "note": {agreement}})
	l.acked(ackAgreement, agreement)
	call, err := phone.Dial("*43")
	want(l.t, "dial", err)
	select {
	case <-call.Up():
	case <-call.End():
		l.t.Fatalf("the echo answers %d\n%s", call.Code, l.Output())
	case <-within(l.t, time.Minute).Done():
		l.t.Fatalf("the echo does not answer\n%s", l.Output())
	}
	call.HangUp()
	<-call.End()
	l.until(time.Minute, "the call is over", func() bool { return l.lookAtCalls() })
}

// lookAtCalls notes the calls that the box says have ended, and reports whether there was
// a new one.
func (l *logged) lookAtCalls() (found bool) {
	l.t.Helper()
	r, err := l.tech.Get(l.page + "api/v1/calls")
	want(l.t, "calls", err)
	defer r.Body.Close()
	var list api.Calls
	want(l.t, "calls", json.NewDecoder(r.Body).Decode(&list))
	for _, c := range list.Calls {
		known := slices.ContainsFunc(l.acks, func(a ack) bool { return a.kind == ackCall && a.what == c.ID })
		if c.Outcome.ID != "running" && !known {
			l.acked(ackCall, c.ID)
			found = true
		}
	}
	return found
}
