package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/internal/testbed"
	"centralino/ui/api"
)

var (
	reportAgents  = flag.Int("report-agents", 3, "how many agents with telephones TestReportsEqualTheCapture has")
	reportCallers = flag.Int("report-callers", 12, "how many call them")
	reportFor     = flag.Duration("report-for", 24*time.Second, "the time over which they call")
	reportSeed    = flag.Uint64("report-seed", 7, "of who calls when and does what")
)

// between is a range of which a time is drawn.
type between struct{ least, most time.Duration }

func (b between) draw(r *rand.Rand) time.Duration {
	return b.least + time.Duration(r.Int64N(int64(b.most-b.least)+1))
}

// traffic is how an office is called and how it answers.
type traffic struct {
	agents, callers       int
	span                  time.Duration // over which they call
	ring, wrap, limit     time.Duration // rules of the queue: an offer, wrap-up, the longest wait
	threshold, short      time.Duration // … and how it is judged
	answer, talk          between       // of the agents
	pause                 time.Duration // of the one who takes one
	hasty, patient, loyal between       // until callers hang up: before anybody can answer, while they wait, not at all
	again                 between       // from the end of a call until the same caller calls once more
	pressers              int           // beside the others: they press for a call back
	apart, past           time.Duration // in the rush: from one call to the next; by how much the last one's patience exceeds the threshold
}

// trafficOf is what the flags ask for: half a minute's for who has no time, else times
// as in an office.
func trafficOf(agents, callers int, span time.Duration) traffic {
	s := func(a, b float64) between {
		return between{time.Duration(a * float64(time.Second)), time.Duration(b * float64(time.Second))}
	}
	x := traffic{agents: agents, callers: callers, span: span, ring: 5 * time.Second, wrap: 2 * time.Second, limit: 15 * time.Second,
		threshold: 6 * time.Second, short: 3 * time.Second, answer: s(0.9, 2), talk: s(5, 9), pause: 5 * time.Second,
		hasty: s(0.3, 0.7), patient: s(4.5, 9), loyal: s(50, 60), again: s(1, 2), pressers: 6,
		apart: 100 * time.Millisecond, past: 600 * time.Millisecond}
	if span >= 2*time.Minute {
		x.ring, x.wrap, x.limit, x.threshold, x.short = 8*time.Second, 4*time.Second, 45*time.Second, 20*time.Second, 5*time.Second
		x.answer, x.talk, x.pause = s(1.5, 5), s(20, 55), 20*time.Second
		x.hasty, x.patient, x.loyal = s(0.5, 1.3), s(7, 35), s(110, 120)
		x.again, x.pressers = s(3, 10), 10
		x.apart, x.past = 150*time.Millisecond, 1500*time.Millisecond
	}
	return x
}

// planned is one caller to be.
type planned struct {
	number   string        // as the box writes it
	at       time.Duration // since the beginning
	line     string        // empty: the trunk
	patience time.Duration // hangs up so long after the answer of the box
	again    time.Duration // calls once more so long after his call; 0: does not
	presses  bool          // asks by keys to be called back
}

// wish is how one who asks to be called back fares.
type wish int

const (
	wishQueue     wish = iota // the queue calls him, and his telephone answers
	wishVain                  // … and is busy
	wishTelephone             // an operator dials his number, while all agents talk
	wishPage                  // … takes him from the list on the page, unless the queue is faster
)

// presser is the number of one who asks to be called back. From the second of them on who
// is called by hand is taken from the list, where the queue makes way: agents may be free.
func presser(i int) (number string, w wish) {
	w = wish(i % 4)
	if w == wishTelephone && i > 4 {
		w = wishPage
	}
	return fmt.Sprintf("331201%04d", i), w
}

// plan draws the callers: nearly half of them in the middle third of the time, so that
// they find everybody busy; every fifth over a telephone line, the others over the trunk.
// A few of these call once more, after they gave up or talked. Who wants to be called back
// comes when most are waiting: in the rush.
func (x traffic) plan(r *rand.Rand) []planned {
	at := make([]time.Duration, x.callers)
	for i := range at {
		third := x.span / 3
		at[i] = time.Duration(r.Int64N(int64(x.span)))
		if r.IntN(10) < 2 {
			at[i] = third + time.Duration(r.Int64N(int64(third)))
		}
	}
	slices.Sort(at)
	lines := []string{"line-1", "line-3", "line-2"}
	out := make([]planned, x.callers)
	for i, k := 0, 0; i < x.callers; i++ {
		p := planned{number: fmt.Sprintf("331200%04d", i), at: at[i], patience: x.loyal.draw(r)}
		if i%5 == 2 {
			p.line = lines[k%len(lines)]
			k++
		}
		switch {
		case p.line != "" && k%4 == 2, p.line == "" && i%6 == 3:
			p.patience = x.patient.draw(r)
		case p.line == "" && i%10 == 4:
			p.patience = x.hasty.draw(r)
		}
		if p.line == "" && (i%12 == 3 || i%24 == 1) {
			p.again = x.again.draw(r)
		}
		out[i] = p
	}
	x.rush(out)
	for i := range x.pressers {
		number, _ := presser(i)
		out = append(out, planned{number: number, at: x.span/2 + time.Duration(i)*x.span/48, patience: x.loyal.draw(r), presses: true})
	}
	slices.SortStableFunc(out, func(a, b planned) int { return cmp.Compare(a.at, b.at) })
	return out
}

// rush makes some of the callers come together half way through: those who do not hang up
// before they are served, more of them than there are agents, and behind them two who do.
// Before either of these could be served an agent must have served two of the rush, which
// takes him an answer, a talk and a wrap-up at the least: so the one hangs up before the
// threshold and the other after it, whatever the others do.
func (x traffic) rush(list []planned) {
	at := x.span/2 - 2*time.Second
	var stay, leave []*planned // those whose time is the nearest first
	for i := range list {
		switch p := &list[i]; {
		case p.line != "" || p.again > 0 && p.patience >= x.loyal.least:
		case p.patience >= x.loyal.least:
			stay = append(stay, p)
		case p.patience >= x.patient.least:
			leave = append(leave, p)
		}
	}
	nearest := func(a, b *planned) int { return cmp.Compare((a.at - at).Abs(), (b.at - at).Abs()) }
	slices.SortStableFunc(stay, nearest)
	slices.SortStableFunc(leave, nearest)
	stay = stay[:min(len(stay), x.agents+x.agents/5+1)]
	for i, p := range stay {
		p.at = at + time.Duration(i)*x.apart
	}
	for i, patience := range []time.Duration{(x.short + x.threshold) / 2, x.threshold + x.past} {
		if i < len(leave) {
			leave[i].at, leave[i].patience = at+time.Duration(len(stay)+i)*x.apart, patience
		}
	}
}

// Real telephones answer real callers over lines and a trunk; what went over the wires
// is recorded by programs that are not ours, every figure of the reports is computed
// anew from that record alone, and the reports say the same: counts equal, each time
// within 100 ms. make verify has ten agents and sixty callers in five minutes.
func TestReportsEqualTheCapture(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "kamailio", "sipp", "tshark", "dumpcap")
	t.Parallel()
	x := trafficOf(*reportAgents, *reportCallers, *reportFor)
	t.Logf("seed %d, %d agents, %d callers in %v", *reportSeed, x.agents, x.callers, x.span)
	o := openOffice(t, x)
	o.staff()
	o.hires()
	wire := testbed.StartCapture(t, o.box.net.Box())
	o.watchLines()
	o.logIn()
	stop := o.byHand()
	began := time.Now()
	o.run(x.plan(rand.New(rand.NewPCG(*reportSeed, 1))))
	o.promisesKept()
	stop()
	o.w.quiet(90 * time.Second)
	o.stopWork()
	truth := truthOf(t, wireFacts{messages: wire.Stop(), lines: o.lines(), agents: o.agentAddrs(), hand: o.hand.addr, provider: o.provider.Addr.Addr(), ring: x.ring, wrap: x.wrap})
	o.compare(truth, began)
}

// reportOffice is the office whose reports are judged.
type reportOffice struct {
	t        *testing.T
	x        traffic
	box      *running
	w        *web // the technician's
	manager  *web
	provider *testbed.Provider
	desks    []*desk
	hand     *hand
	silence  string // file that callers say
	stopWork func()
	lines    func() []lineMoment // what the exchange has seen so far
}

func openOffice(t *testing.T, x traffic) *reportOffice {
	t.Helper()
	var sides []string
	for i := range x.agents {
		sides = append(sides, fmt.Sprintf("a%d", i+1))
	}
	net := testbed.NewNet(t, append(sides, "hand", "wan")...)
	o := &reportOffice{t: t, x: x, box: startBox(t, net)}
	o.w = o.box.claim()
	wan := net.Side("wan")
	numbers := map[string]string{reportNumber: trunkAccount, closedNumber: trunkAccount}
	for i := range x.pressers {
		number, w := presser(i)
		numbers["+39"+number] = []string{wishQueue: partyAccount, wishVain: earlyAccount, wishTelephone: handAccount, wishPage: handAccount}[w]
	}
	o.provider = testbed.StartProvider(t, testbed.ProviderOptions{Namespace: wan, Addr: netip.AddrPortFrom(wan.Addr(11), 5060), Expires: 600,
		Accounts: map[string]string{trunkAccount: trunkSecret, partyAccount: partySecret, earlyAccount: partySecret, handAccount: partySecret}, Numbers: numbers})
	seconds := func(d time.Duration) []string { return []string{strconv.Itoa(int(d / time.Second))} }
	o.w.edit("/edit/group/group-1", url.Values{"name": {"Assistenza"}, "mode": {"queue"}, "members": {"p-sample-anna", "p-sample-bruno", "p-sample-carla"},
		"queue.strategy": {"longestIdle"}, "queue.missesToPause": {"0"}, "queue.joinEmpty": {"true"}, "queue.ringTime": seconds(x.ring),
		"queue.wrapUp": seconds(x.wrap), "queue.maxWait": seconds(x.limit), "queue.threshold": seconds(x.threshold), "queue.shortAbandon": seconds(x.short), "queue.callbackKey": {"5"}, "queue.callbackTries": {"1"}})
	o.w.edit("/edit/path/path-queue", url.Values{"name": {"Assistenza"}, "steps:0": {"group group=group-1"}, "steps:1": {"end"}})
	at := o.w.edit("/edit/line/new?kind=trunk", url.Values{"name": {"Operatore VoIP"}, "kind": {"trunk"}, "channels": {"100"},
		"path": {"path-queue"}, "trunk.server": {o.provider.Addr.String()}, "trunk.user": {trunkAccount}, "trunk.secret": {trunkSecret},
		"trunk.transport": {"udp"}, "trunk.register": {"true"}, "trunk.expires": {"600"}, "trunk.numberFormat": {"e164"}})
	id := strings.TrimPrefix(at, "/lines/")
	o.w.edit("/edit/number/new", url.Values{"number": {"+39" + reportNumber}, "line": {id}, "path": {"path-queue"}})
	o.w.edit("/edit/number/new", url.Values{"number": {"+39" + closedNumber}, "line": {id}, "path": {"path-closed"}})
	o.w.edit("/edit/outbound", url.Values{"default:0": {id}})
	for i, line := range []string{"line-1", "line-2", "line-3"} {
		o.w.edit("/edit/line/"+line, url.Values{"path": {"path-queue"}})
		o.w.edit(fmt.Sprintf("/edit/number/number-%d", i+1), url.Values{"path": {"path-queue"}})
	}
	(&outside{r: o.box, provider: o.provider}).registered(o.w, id, 15*time.Second)
	o.box.linesReady()
	o.manager = o.invite("p-sample-dario", "dario")
	o.parties()
	return o
}

// The numbers of the trunk: one leads to the queue, the other to a message that says
// that the office is closed.
const (
	reportNumber = "0245678900"
	closedNumber = "0245678901"
)

// invite gives a person an account as the technician does, and returns his browser.
func (o *reportOffice) invite(person, user string) *web {
	o.t.Helper()
	link := inviteLink.FindString(o.w.post("/people/"+person+"/invite", nil).body)
	w := o.box.browser()
	w.get(link)
	a := w.post("/invite/set", url.Values{"code": {strings.TrimPrefix(link, "/invite/")}, "user": {user}, "password": {webPassword}, "again": {webPassword}})
	if a.status != http.StatusOK || a.path != "/" {
		o.t.Fatalf("the invitation of %s ends at %s with %d:\n%s", person, a.path, a.status, a.body)
	}
	return w
}

var (
	shownUser     = regexp.MustCompile(`<dd class="mono">([^<]+)</dd><dt>[^<]*</dt><dd><span class="secret"`)
	shownPassword = regexp.MustCompile(`id="sip-password">([^<]+)<`)
	phoneOwner    = regexp.MustCompile(`<a href="/people/(p-[^"/]+)">`)
)

// staff gives every agent a person, an account and a telephone on a cable of its own.
func (o *reportOffice) staff() {
	o.t.Helper()
	names := []string{"Anna Rossi", "Bruno Bianchi", "Carla Verdi"}
	o.box.accounts = o.box.accounts[:3]
	for n := len(names); n < o.x.agents; n++ {
		names = append(names, "Agente "+string(rune('D'+n-3)))
		o.hire(names[n], 208+n)
	}
	for n := range o.x.agents {
		side := fmt.Sprintf("a%d", n+1)
		phone := o.box.phone(n, side, testbed.PhoneOptions{Manual: true, Life: o.x.span + 5*time.Minute})
		o.desks = append(o.desks, &desk{phone: phone, name: names[n], addr: o.box.net.Side(side).Addr(2), x: o.x,
			misses: n == 0, pauses: n == 1, draw: rand.New(rand.NewPCG(*reportSeed, uint64(100+n)))})
	}
}

// hire makes an operator of the queue with a telephone, whose account comes last among the
// box's, and returns the page that showed it.
func (o *reportOffice) hire(name string, extension int) (page string) {
	o.t.Helper()
	at := o.w.edit("/people/new", url.Values{"name": {name}, "role": {"operator"}, "extension": {strconv.Itoa(extension)}, "profile": {"profile-1"}, "phone": {"true"}, "group": {"group-1"}})
	page = o.w.post(at+"/account", nil).body
	user, password := shownUser.FindStringSubmatch(page), shownPassword.FindStringSubmatch(page)
	if user == nil || password == nil {
		o.t.Fatalf("%s shows no account:\n%s", at, page)
	}
	o.box.accounts = append(o.box.accounts, account{user[1], password[1]})
	return page
}

// parties are the telephones of those who are to be called back: one answers the queue and
// one who calls by hand, one is busy.
func (o *reportOffice) parties() {
	o.t.Helper()
	wan := o.box.net.Side("wan")
	phone := func(n byte, user string, busy bool) *testbed.Phone {
		p := testbed.StartPhone(o.t, testbed.PhoneOptions{Namespace: wan, Addr: wan.Addr(n), User: user, Password: partySecret, Registrar: o.provider.Addr,
			Expires: 600, Manual: busy, Life: o.x.span + 5*time.Minute})
		if err := p.WaitRegistered(limit(o.t, 15*time.Second)); err != nil {
			o.t.Fatalf("who is to be called back: %v", err)
		}
		return p
	}
	phone(2, partyAccount, false)
	phone(14, handAccount, false)
	busy := phone(13, earlyAccount, true)
	ctx, stop := context.WithCancel(o.t.Context())
	ended := make(chan error, 1) // its one end
	go func() {
		for {
			if _, err := busy.Wait(ctx, "CALL_INCOMING"); err != nil {
				ended <- unless(ctx, err)
				return
			}
			if err := busy.Hangup(ctx); err != nil {
				ended <- unless(ctx, err)
				return
			}
		}
	}()
	o.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			o.t.Errorf("who is busy: %v", err)
		}
	})
}

// promisesKept waits until everybody who was promised a call was called.
func (o *reportOffice) promisesKept() {
	o.t.Helper()
	var r api.Recall
	if !eventually(o.t, 2*time.Minute, func() bool {
		o.manager.json("recall", &r)
		return len(r.Promises) == 0
	}) {
		o.t.Fatalf("still to be called back: %+v\n%s", r.Promises, o.box.proc.Output())
	}
}

// agentAddrs tells whose telephone has which address.
func (o *reportOffice) agentAddrs() map[netip.Addr]string {
	out := map[netip.Addr]string{}
	for _, d := range o.desks {
		out[d.addr] = d.name
	}
	return out
}

// logIn logs every agent in by code and lets them work until stopWork.
func (o *reportOffice) logIn() {
	o.t.Helper()
	ctx, stop := context.WithCancel(o.t.Context())
	ready, ended := make(chan error, len(o.desks)), make(chan error, len(o.desks)) // one of each desk
	for _, d := range o.desks {
		go func() {
			err := d.code(ctx, "*70")
			ready <- err
			if err == nil {
				err = d.serve(ctx)
			}
			ended <- err
		}()
	}
	stopped := false
	o.stopWork = func() {
		if stopped {
			return
		}
		stopped = true
		stop()
		for range o.desks {
			if err := <-ended; err != nil {
				o.t.Errorf("an agent: %v", err)
			}
		}
	}
	o.t.Cleanup(o.stopWork)
	for range o.desks {
		if err := <-ready; err != nil {
			o.t.Fatalf("log in: %v\n%s", err, o.box.proc.Output())
		}
	}
}
