package pbx_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/call"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sdp"
	"centralino/pbx/sip"
)

var boxAddr = netip.MustParseAddrPort("192.0.2.1:5060")

// world is a box with three phones and two lines in a bubble.
type world struct {
	t        *testing.T
	doc      *office.Document
	pbx      *pbx.PBX
	exchange *sim.Exchange
	phones   map[office.ID]*pbxtest.Phone
	answer   map[office.ID]func() (time.Duration, int, bool)
	mu       sync.Mutex
	events   []journal.Payload
	last     journal.CallID // of the latest event
	queue    *oneAgent
	feature  pbx.Feature
	lines    []*sim.Line
	sipNet   *sip.MemNet
	trunks   []pbx.Trunk

	stack      *sip.Stack
	rtpNet     *media.MemNet
	plane      *media.Plane
	gone       map[office.ID]bool        // phones that are no longer registered
	also       map[office.ID][]office.ID // further phones that registered for an account
	stopWithin time.Duration             // the box, at the end
	secret     string                    // of every phone

	after     []func()                     // of the test: ends what it has started
	slow      func(journal.CallID)         // called before each event; holds its call up
	strangers map[netip.AddrPort]office.ID // phones that are no pbxtest.Phone
}

// setDoc applies a changed office.
func (w *world) setDoc(change func(d *office.Document)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := *w.doc
	change(&d)
	w.doc = &d
}

func (w *world) office() *office.Document {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.doc
}

func testDoc() *office.Document {
	var week [7][]office.Span
	return &office.Document{
		Site: office.Site{Country: "IT", AreaCode: "02", TimeZone: "Europe/Rome", Language: "it"},
		Lines: []office.Line{
			{ID: "line-1", Name: "uno", Kind: office.LineAnalog, Channels: 1, RingsBeforeAnswer: 2, Emergency: true, Path: "path-1"},
			{ID: "line-2", Name: "due", Kind: office.LineAnalog, Channels: 1, RingsBeforeAnswer: 2, Emergency: true, Path: "path-1"},
		},
		People: []office.Person{{ID: "p-1"}, {ID: "p-2"}, {ID: "p-3"}},
		Extensions: []office.Extension{
			{ID: "ext-1", Digits: "201", Target: office.Target{Kind: office.TargetPerson, ID: "p-1"}},
			{ID: "ext-2", Digits: "202", Target: office.Target{Kind: office.TargetPerson, ID: "p-2"}},
		},
		Devices:   []office.Device{{ID: "dev-1", Owner: "p-1", Username: "u1"}, {ID: "dev-2", Owner: "p-2", Username: "u2"}, {ID: "dev-3", Owner: "p-3", Username: "u3"}},
		Groups:    []office.Group{{ID: "queue-1", Mode: office.GroupQueue, Members: []journal.SubjectID{"p-2"}}},
		Schedules: []office.Schedule{{ID: "hours-1", Week: week}},
		Prompts:   []office.Prompt{{ID: "prompt-1", Builtin: "greeting"}, {ID: "prompt-2", Builtin: "menu"}},
		Menus:     []office.Menu{{ID: "menu-1", Prompt: "prompt-2", Keys: map[string]office.ID{"1": "path-2"}, Timeout: 5 * time.Second, Tries: 2, Else: "path-2"}},
		Paths: []office.Path{
			{ID: "path-1", Steps: []office.Step{{Kind: office.StepMessage, Prompt: "prompt-1"}, {Kind: office.StepMenu, Menu: "menu-1"}}},
			{ID: "path-2", Steps: []office.Step{{Kind: office.StepGroup, Group: "queue-1"}}},
		},
		Outbound: office.Outbound{Default: []office.ID{"line-1", "line-2"}},
		Profiles: []office.Profile{{ID: "profile-1", Allow: []office.NumberClass{office.ClassNational, office.ClassMobile}}},
	}
}

// oneAgent is a queue with a single agent who is always free.
type oneAgent struct {
	w     *world
	agent journal.SubjectID
	mu    sync.Mutex
	next  journal.OfferID
	log   []string

	reached []string // parties whom somebody talks to: person, party

	attempt journal.CallID // that was told of last

	since time.Time // of who was put in a queue last

	refuse error         // of AskCallback
	calls  bool          // nobody is free: calls wait
	slow   time.Duration // to grant an offer
}

func (q *oneAgent) note(s string) { q.mu.Lock(); q.log = append(q.log, s); q.mu.Unlock() }

func (q *oneAgent) Enqueue(id journal.CallID, _ office.ID, _ journal.SubjectID, since time.Time) error {
	q.note("enqueue")
	q.mu.Lock()
	q.since = since
	q.next++
	o := q.next
	waits := q.calls
	q.mu.Unlock()
	if waits {
		return nil
	}
	q.w.pbx.RingAgent(id, o, q.agent)
	return nil
}
func (q *oneAgent) AskCallback(id journal.CallID, _ office.ID, caller journal.SubjectID) error {
	q.note("ask callback " + string(caller))
	return q.refuse
}
func (q *oneAgent) Exit(journal.CallID) { q.note("exit") }
func (q *oneAgent) CallbackResult(id, attempt journal.CallID, result string) {
	q.mu.Lock()
	q.attempt = attempt
	q.mu.Unlock()
	q.note("called back " + string(id) + " " + result)
}
func (q *oneAgent) Reached(party, person journal.SubjectID, _ journal.CallID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reached = append(q.reached, string(person)+" "+string(party))
}

// hasReached is whom people have reached by hand.
func (q *oneAgent) hasReached() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.reached)
}

func (q *oneAgent) Abandon(journal.CallID) { q.note("abandon") }
func (q *oneAgent) OfferAnswered(o journal.OfferID) {
	q.note("answered")
	if q.slow > 0 {
		time.AfterFunc(q.slow, func() { q.w.pbx.ConnectOffer(o) })
		return
	}
	q.w.pbx.ConnectOffer(o)
}
func (q *oneAgent) OfferFailed(_ journal.OfferID, why call.Cause) { q.note("failed " + string(why)) }
func (q *oneAgent) TalkEnded(journal.CallID)                      { q.note("talk ended") }
func (q *oneAgent) TalkLost(journal.CallID)                       { q.note("talk lost") }
func (q *oneAgent) HandedOn(journal.CallID, bool)                 { q.note("handed on") }
func (q *oneAgent) AgentBusy(p journal.SubjectID)                 { q.note("busy " + string(p)) }
func (q *oneAgent) AgentFree(p journal.SubjectID)                 { q.note("free " + string(p)) }

// directory lets everybody in and knows where the phones are.
type directory struct{ w *world }

func (d directory) Authenticate(req *sip.Request) (office.ID, *sip.Response) {
	for id, p := range d.w.phones {
		if _, f := p.Contact(); f.Remote() == req.Flow().Remote() {
			return id, nil
		}
	}
	if id := d.w.strangers[req.Flow().Remote()]; id != "" {
		return id, nil
	}
	return "", sip.NewResponse(req, 403, "")
}

func (d directory) KnownSource(from netip.AddrPort) (office.ID, bool) {
	for id, p := range d.w.phones {
		if _, f := p.Contact(); f.Remote() == from {
			return id, true
		}
	}
	return "", false
}

func (d directory) Contacts(id office.ID) []pbx.Contact {
	p := d.w.phones[id]
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if p == nil || d.w.gone[id] {
		return nil
	}
	var list []pbx.Contact
	for _, at := range append([]office.ID{id}, d.w.also[id]...) {
		u, f := d.w.phones[at].Contact()
		list = append(list, pbx.Contact{URI: u, Flow: f, Dest: f})
	}
	return list
}

type names struct{}

func (names) Number(n numbering.E164) journal.SubjectID { return journal.SubjectID("n-" + string(n)) }
func (names) NumberForRouting(s journal.SubjectID) numbering.E164 {
	return numbering.E164(strings.TrimPrefix(string(s), "n-"))
}
func (names) NameForRouting(p journal.SubjectID) string { return string(p) }

func (w *world) Append(id journal.CallID, p journal.Payload) {
	if w.slow != nil {
		w.slow(id)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = id
	w.events = append(w.events, p)
}

func (w *world) ended() []journal.CallEnded {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []journal.CallEnded
	for _, p := range w.events {
		if e, ok := p.(journal.CallEnded); ok {
			out = append(out, e)
		}
	}
	return out
}

// worldOptions are what differs from the usual world.
type worldOptions struct {
	limits sip.Limits
	phones pbx.Phones // nil: directory
	// ports is how many pairs of RTP ports the box has; 0: as ever.
	ports uint16
	// stateless answers what is no call, such as REGISTER.
	stateless func(*sip.Request) *sip.Response
}

// inWorld runs a test in a bubble with the box up.
func inWorld(t *testing.T, f func(w *world)) {
	inWorldOf(t, func(*world) worldOptions { return worldOptions{} }, f)
}

// inWorldOf is inWorld with options, which are made in the bubble.
func inWorldOf(t *testing.T, options func(w *world) worldOptions, f func(w *world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{stopWithin: 4 * time.Second, t: t, doc: testDoc(), phones: map[office.ID]*pbxtest.Phone{}, answer: map[office.ID]func() (time.Duration, int, bool){}}
		for i := range w.doc.People {
			w.doc.People[i].Profile = "profile-1"
		}
		quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
		sipNet, rtpNet := sip.NewMemNet(), &media.MemNet{}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i, id := range []office.ID{"dev-1", "dev-2", "dev-3"} {
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)}), 5060)
			p, err := pbxtest.New(pbxtest.PhoneOptions{User: string(id), Addr: addr, Box: boxAddr, SIP: sipNet, Media: rtpNet, Log: quiet,
				Answer: func() (time.Duration, int, bool) {
					if f := w.answer[id]; f != nil {
						return f()
					}
					return 2 * time.Second, 0, true
				}})
			if err != nil {
				t.Fatal(err)
			}
			w.phones[id] = p
			wg.Go(func() { p.Run(ctx) })
		}
		w.sipNet, w.rtpNet = sipNet, rtpNet
		w.exchange = sim.NewExchange(sim.ExchangeOptions{Seed: 1})
		var lines []hal.Line
		for _, id := range []hal.LineID{"line-1", "line-2"} {
			w.exchange.AddLine(id, sim.LineOptions{})
			l := w.exchange.DirectLine(id)
			lines = append(lines, l)
			w.lines = append(w.lines, l)
			wg.Go(func() { l.Run(ctx) })
		}
		o := options(w)
		if o.phones == nil {
			o.phones = directory{w}
		}
		stack, err := sip.New(sip.Options{Net: sipNet.Host(boxAddr.Addr()), UDP: []netip.AddrPort{boxAddr}, Log: quiet, Limits: o.limits})
		if err != nil {
			t.Fatal(err)
		}
		w.stack = stack
		mo := media.Options{Net: rtpNet, Loops: 1}
		if o.ports > 0 {
			mo.PortMin, mo.PortMax = 20000, 20000+2*o.ports-1
		}
		plane, err := media.New(mo)
		if err != nil {
			t.Fatal(err)
		}
		w.plane = plane
		w.queue = &oneAgent{w: w, agent: "p-2"}
		w.pbx, err = pbx.New(pbx.Options{Office: w.office, Journal: w, Stack: stack, Plane: plane,
			Phones: o.phones, Stateless: o.stateless, Lines: lines, Trunks: func() []pbx.Trunk { return w.trunks }, Queue: w.queue, Names: names{}, Now: time.Now, Log: quiet,
			Feature: func(f office.Feature, p journal.SubjectID, args string) string { return w.feature(f, p, args) }})
		if err != nil {
			t.Fatal(err)
		}
		var box sync.WaitGroup
		boxCtx, stopBox := context.WithCancel(ctx)
		box.Go(func() { w.pbx.Run(boxCtx) })
		wg.Go(func() { stack.Run(ctx) })
		wg.Go(func() { plane.Run(ctx) })
		time.Sleep(time.Second)
		f(w)
		began := time.Now()
		stopBox()
		box.Wait()
		if d := time.Since(began); d > w.stopWithin {
			t.Errorf("stopping took %s", d)
		}
		if n := w.pbx.Calls(); n != 0 {
			t.Errorf("%d calls left", n)
		}
		w.exchange.Close()
		for _, end := range w.after {
			end()
		}
		cancel()
		wg.Wait()
	})
}

// pass lets time pass in the bubble until everybody waits again.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// talking dials an outside number at each of the phones, one after the other, and
// waits until somebody answers.
func (w *world) talking(number string, ids ...office.ID) []*pbxtest.Call {
	w.t.Helper()
	var calls []*pbxtest.Call
	for _, id := range ids {
		c, err := w.phones[id].Dial(number)
		if err != nil {
			w.t.Fatal(err)
		}
		within(w.t, "ordinary call", c.Up(), 30*time.Second)
		calls = append(calls, c)
		pass(time.Second)
	}
	return calls
}

func within(t *testing.T, what string, c <-chan struct{}, d time.Duration) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(d):
		t.Fatalf("%s: not within %s", what, d)
	}
}

// dials has whoever is called outside answer after three seconds, and brings the
// number that the box dials.
func (w *world) dials() <-chan string {
	dialled := make(chan string, 1)
	w.exchange.OnDial(func(_ hal.LineID, number string) sim.DialOutcome {
		dialled <- number
		return sim.DialOutcome{Delay: 3 * time.Second}
	})
	return dialled
}

// picksUp waits until a phone that rings has answered.
func (w *world) picksUp(id office.ID) *pbxtest.Call {
	w.t.Helper()
	c := w.phones[id].Current()
	if c == nil {
		w.t.Fatalf("%s does not ring; queue did %v", id, w.queue.log)
	}
	within(w.t, "answer of "+string(id), c.Up(), 5*time.Second)
	return c
}

func TestPhoneToPhone(t *testing.T) {
	inWorld(t, func(w *world) {
		c, err := w.phones["dev-1"].Dial("202")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "answer", c.Up(), 5*time.Second)
		time.Sleep(10 * time.Second)
		if st := c.Stats(); st.Received < 450 {
			t.Errorf("caller received %d packets in 10 s", st.Received)
		}
		callee := w.phones["dev-2"].Current()
		callee.Hold(sdp.SendOnly)
		time.Sleep(3 * time.Second)
		callee.Hold(sdp.SendRecv)
		time.Sleep(3 * time.Second)
		callee.HangUp()
		within(t, "end at the caller", c.End(), 5*time.Second)
		time.Sleep(time.Second)
		if e := w.ended(); len(e) != 1 || e[0].Cause != "normal" || e[0].By != "called" || e[0].Talk < 15*time.Second {
			t.Errorf("ended: %+v", e)
		}
	})
}

func TestOutsideCallerReachesTheAgent(t *testing.T) {
	inWorld(t, func(w *world) {
		p, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		within(t, "box answers", p.Answered(), 12*time.Second)
		time.Sleep(4 * time.Second)
		p.Key("1")
		time.Sleep(8 * time.Second)
		c := w.picksUp("dev-2")
		time.Sleep(5 * time.Second)
		p.HangUp()
		within(t, "agent's end", c.End(), 8*time.Second)
		time.Sleep(2 * time.Second)
		if e := w.ended(); len(e) != 1 || e[0].Cause != "normal" || e[0].By != "caller" {
			t.Errorf("ended: %+v", e)
		}
	})
}

func TestPhoneDialsOut(t *testing.T) {
	inWorld(t, func(w *world) {
		dialled := w.dials()
		c, err := w.phones["dev-1"].Dial("0698765432")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "answer", c.Up(), 30*time.Second)
		if n := <-dialled; n != "0698765432" {
			t.Errorf("dialled %q", n)
		}
		pass(5 * time.Second)
		if got := w.queue.hasReached(); len(got) != 0 {
			t.Errorf("an analog line presumes at once that %q was reached", got)
		}
		pass(20 * time.Second)
		c.HangUp()
		within(t, "end", c.End(), 5*time.Second)
		if got := w.queue.hasReached(); len(got) != 1 || got[0] != "p-1 n-+390698765432" {
			t.Errorf("reached by hand: %q", got)
		}
		time.Sleep(5 * time.Second)
		if e := w.ended(); len(e) != 1 || e[0].Cause != "normal" || e[0].By != "caller" {
			t.Errorf("ended: %+v", e)
		}
	})
}

func TestEmergencyCallTakesABusyLine(t *testing.T) {
	inWorld(t, func(w *world) {
		calls := w.talking("0698765432", "dev-1", "dev-2")
		e, err := w.phones["dev-3"].Dial("112")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "emergency call", e.Up(), 30*time.Second)
		within(t, "youngest ordinary call ends", calls[1].End(), time.Second)
		select {
		case <-calls[0].End():
			t.Error("the older call was ended too")
		default:
		}
		e.HangUp()
		calls[0].HangUp()
		time.Sleep(5 * time.Second)
	})
}
