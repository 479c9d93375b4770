package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var (
	mdnsStart = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	boxPrefix = netip.MustParsePrefix("192.168.1.20/24")
	neighbour = netip.MustParseAddrPort("192.168.1.7:5353")
)

// named returns a responder that has its name, and the time by then.
func named(t testing.TB) (*responder, time.Time) {
	r := newResponder("centralino", 80)
	r.chance = func(int) int { return 0 }
	r.setAddress(boxPrefix, mdnsStart)
	now := settle(r, mdnsStart)
	if r.phase != owner || r.label() != "centralino" {
		t.Fatalf("phase %q, name %s", r.phase, r.label())
	}
	return r, now.Add(time.Minute)
}

// settle lets the time go on until nothing is due.
func settle(r *responder, now time.Time) time.Time {
	for due := r.due(); !due.IsZero(); due = r.due() {
		now = due
		r.tick(now)
	}
	return now
}

// says draws a message: questions, "=" answers, "~" what a prober would like, "+" more.
func says(out []outgoing) string {
	var lines []string
	for _, o := range out {
		p, err := parseDNS(o.b)
		if err != nil {
			lines = append(lines, err.Error())
			continue
		}
		var words []string
		for _, q := range p.questions {
			words = append(words, fmt.Sprintf("%s/%d?", q.name, q.kind))
		}
		for i, list := range [][]record{p.answers, p.authority, p.more} {
			for _, rec := range list {
				words = append(words, fmt.Sprintf("%c%s/%d:%d", "=~+"[i], rec.name, rec.kind, rec.ttl))
			}
		}
		to := ""
		if o.to != mdnsGroup {
			to = " to " + o.to.String()
		}
		lines = append(lines, strings.Join(words, " ")+to)
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), httpService, "HTTP")
}

func TestNameIsProbedAndAnnounced(t *testing.T) {
	r := newResponder("centralino", 80)
	r.chance = func(int) int { return 100 }
	r.setAddress(boxPrefix, mdnsStart)
	var got []string
	for due := r.due(); !due.IsZero(); due = r.due() {
		got = append(got, fmt.Sprintf("%v %s", due.Sub(mdnsStart), says(r.tick(due))))
	}
	probe := "centralino.local/255? centralino.HTTP/255? ~centralino.local/1:120 ~centralino.HTTP/33:120 ~centralino.HTTP/16:4500"
	announce := "=centralino.local/1:120 =centralino.HTTP/33:120 =centralino.HTTP/16:4500 =HTTP/12:4500 =_services._dns-sd._udp.local/12:4500"
	want := []string{"100ms " + probe, "350ms " + probe, "600ms " + probe, "850ms " + announce, "1.85s " + announce}
	if !slices.Equal(got, want) {
		t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if bye := says(r.farewell()); bye != "=centralino.local/1:0 =centralino.HTTP/33:0 =centralino.HTTP/16:0 =HTTP/12:0" {
		t.Errorf("good-bye %s", bye)
	}
	if r.setAddress(netip.Prefix{}, mdnsStart); len(r.farewell()) > 0 || !r.due().IsZero() {
		t.Error("without an address it speaks")
	}
}

func TestAnswers(t *testing.T) {
	own := func(kind uint16, ttl uint32) record {
		r, _ := named(t)
		for _, rec := range slices.Concat(r.unique(), r.shared()) {
			if rec.kind == kind {
				rec.ttl = ttl
				return rec
			}
		}
		return record{}
	}
	for _, c := range []struct {
		name  string
		p     packet
		from  string
		now   string // said at once
		later string // said within a moment
	}{
		{name: "its address", p: packet{questions: []question{{"Centralino.LOCAL", typeA, false}}}, now: "=centralino.local/1:120"},
		{name: "to one asker", p: packet{questions: []question{{"centralino.local", typeA, true}}}, now: "=centralino.local/1:120 to 192.168.1.7:5353"},
		{name: "an address of IPv6: none", p: packet{questions: []question{{"centralino.local", 28, false}}}, now: "=centralino.local/47:120"},
		{name: "everything about it", p: packet{questions: []question{{"centralino.local", typeANY, false}}}, now: "=centralino.local/1:120"},
		{name: "pages on the network", p: packet{questions: []question{{httpService, typePTR, false}}}, later: "=HTTP/12:4500 +centralino.local/1:120 +centralino.HTTP/33:120 +centralino.HTTP/16:4500"},
		{name: "kinds of services", p: packet{questions: []question{{allServices, typePTR, false}}}, later: "=_services._dns-sd._udp.local/12:4500"},
		{name: "where the page is", p: packet{questions: []question{{"centralino." + httpService, typeSRV, false}}}, now: "=centralino.HTTP/33:120 +centralino.local/1:120"},
		{name: "what is known already", p: packet{questions: []question{{"centralino.local", typeA, false}}, answers: []record{own(typeA, 60)}}},
		{name: "what is known for a short time only", p: packet{questions: []question{{"centralino.local", typeA, false}}, answers: []record{own(typeA, 59)}}, now: "=centralino.local/1:120"},
		{name: "a page that is known already", p: packet{questions: []question{{httpService, typePTR, false}}, answers: []record{own(typePTR, 4000)}}},
		{name: "a name server's asker", p: packet{id: 7, questions: []question{{"centralino.local", typeA, false}}}, from: "192.168.1.7:40000", now: "centralino.local/1? =centralino.local/1:10 to 192.168.1.7:40000"},
		{name: "somebody else's name", p: packet{questions: []question{{"printer.local", typeA, false}}}},
		{name: "from another network", p: packet{questions: []question{{"centralino.local", typeA, true}}}, from: "10.0.0.1:5353"},
		{name: "from itself", p: packet{questions: []question{{"centralino.local", typeA, true}}}, from: "192.168.1.20:5353"},
		{name: "a probe for its name", p: packet{questions: []question{{"centralino.local", typeANY, false}}, authority: []record{{"centralino.local", typeA, false, 120, []byte{192, 168, 1, 7}}}}, now: "=centralino.local/1:120"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, now := named(t)
			from := neighbour
			if c.from != "" {
				from = netip.MustParseAddrPort(c.from)
			}
			if got := says(r.receive(c.p.marshal(), from, now)); got != c.now {
				t.Errorf("at once %s\nwant %s", got, c.now)
			}
			later := ""
			if due := r.due(); !due.IsZero() {
				if wait := due.Sub(now); wait < 20*time.Millisecond || wait > 120*time.Millisecond {
					t.Errorf("waits %v", wait)
				}
				later = says(r.tick(due))
			}
			if later != c.later {
				t.Errorf("later %s\nwant %s", later, c.later)
			}
		})
	}
}

func TestSameAnswerIsNotGivenTwiceASecond(t *testing.T) {
	r, now := named(t)
	q := (&packet{questions: []question{{"centralino.local", typeA, false}}}).marshal()
	said := 0
	for i := range 30 {
		said += len(r.receive(q, neighbour, now.Add(time.Duration(i)*100*time.Millisecond)))
	}
	if said != 3 {
		t.Errorf("%d answers in three seconds", said)
	}
}

func TestNameThatSomebodyHas(t *testing.T) {
	taken := func(name string) []byte {
		return (&packet{answer: true, answers: []record{{name, typeA, true, 120, []byte{192, 168, 1, 7}}}}).marshal()
	}
	r := newResponder("centralino", 80)
	r.setAddress(boxPrefix, mdnsStart)
	r.tick(r.due())
	r.receive(taken("CENTRALINO.local"), neighbour, mdnsStart.Add(time.Second))
	r.tick(r.due())
	r.receive(taken("centralino-2.local"), neighbour, mdnsStart.Add(2*time.Second))
	now := settle(r, mdnsStart.Add(2*time.Second))
	if r.label() != "centralino-3" || r.phase != owner {
		t.Errorf("name %s, %q", r.label(), r.phase)
	}
	if r.receive(taken("centralino-3.local"), netip.MustParseAddrPort("10.0.0.1:5353"), now); r.phase != owner {
		t.Error("somebody of another network takes the name away")
	}
	if r.receive(taken("centralino-3.local"), neighbour, now); r.phase != probing || r.label() != "centralino-3" {
		t.Errorf("somebody says later that he has it: it is probed again, not given up; %q %s", r.phase, r.label())
	}
	if settle(r, now); r.label() != "centralino-3" || r.phase != owner {
		t.Errorf("he does not defend it: %s", r.label())
	}
	long := newResponder(strings.Repeat("a", 60)+"-bc", 80)
	if long.tries = 9; len(long.label()) > 63 || !strings.HasSuffix(long.label(), "a-10") {
		t.Errorf("a long name becomes %s", long.label())
	}
}

// Of two boxes that want the same name at the same moment the one whose address comes
// later in order gets it.
func TestTwoBoxesAtOnce(t *testing.T) {
	low, high := newResponder("centralino", 80), newResponder("centralino", 80)
	for _, r := range []*responder{low, high} {
		r.chance = func(int) int { return 0 }
	}
	at := map[*responder]netip.Prefix{low: netip.MustParsePrefix("192.168.1.20/24"), high: netip.MustParsePrefix("192.168.1.200/24")}
	for r, p := range at {
		r.setAddress(p, mdnsStart)
	}
	other := map[*responder]*responder{low: high, high: low}
	now := mdnsStart
	for range 100 {
		next := low
		if d := high.due(); low.due().IsZero() || !d.IsZero() && d.Before(low.due()) {
			next = high
		}
		if next.due().IsZero() {
			break
		}
		now = next.due()
		for _, o := range next.tick(now) {
			for _, back := range other[next].receive(o.b, netip.AddrPortFrom(at[next].Addr(), mdnsPort), now) {
				next.receive(back.b, netip.AddrPortFrom(at[other[next]].Addr(), mdnsPort), now)
			}
		}
	}
	if high.label() != "centralino" || low.label() != "centralino-2" || !high.known() || !low.known() {
		t.Errorf("%s and %s", high.label(), low.label())
	}
}

func TestMessagesReadBack(t *testing.T) {
	name := rapid.StringMatching(`[a-z]{1,20}(\.[a-z_]{1,20}){1,3}`)
	rec := rapid.Custom(func(t *rapid.T) record {
		return record{name.Draw(t, "name"), rapid.SampledFrom([]uint16{typeA, typeTXT, 28}).Draw(t, "kind"), rapid.Bool().Draw(t, "flush"),
			rapid.Uint32().Draw(t, "ttl"), rapid.SliceOfN(rapid.Byte(), 1, 30).Draw(t, "data")}
	})
	rapid.Check(t, func(t *rapid.T) {
		p := packet{id: rapid.Uint16().Draw(t, "id"), answer: rapid.Bool().Draw(t, "answer"),
			answers: rapid.SliceOfN(rec, 0, 4).Draw(t, "answers"), authority: rapid.SliceOfN(rec, 0, 4).Draw(t, "authority")}
		got, err := parseDNS(p.marshal())
		if err != nil || got.id != p.id || got.answer != p.answer || fmt.Sprint(got.answers) != fmt.Sprint(p.answers) || fmt.Sprint(got.authority) != fmt.Sprint(p.authority) {
			t.Errorf("%+v became %+v: %v", p, got, err)
		}
	})
}

func FuzzNames(f *testing.F) {
	f.Add((&packet{questions: []question{{"centralino.local", typeA, false}}}).marshal())
	r, _ := named(f)
	f.Add(r.farewell()[0].b)
	f.Add([]byte("\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"))                             // a name that leads to itself
	f.Add([]byte("\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01a\x00\x00\x21\x00\x01\x00\x00\x00\x01\x00\x03abc")) // half a place of a service
	f.Fuzz(func(t *testing.T, b []byte) {
		r, now := named(t)
		for _, o := range r.receive(b, neighbour, now) {
			if _, err := parseDNS(o.b); err != nil || len(o.b) > 9000 {
				t.Errorf("the answer cannot be read: %v", err)
			}
		}
		settle(r, now)
	})
}

// memGroup is a cable in memory.
type memGroup struct {
	mu       sync.Mutex
	said     []string
	received chan Datagram
	closed   bool
}

func (g *memGroup) Send(b []byte, to netip.AddrPort) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errors.New("closed")
	}
	g.said = append(g.said, says([]outgoing{{b, to}}))
	return nil
}

func (g *memGroup) Received() <-chan Datagram { return g.received }

func (g *memGroup) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

func TestAnnouncer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups []*memGroup
		var names []string
		var refuse atomic.Bool
		refuse.Store(true)
		a := NewAnnouncer(NameOptions{Name: "centralino", Port: 80, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Open: func(string) (Group, error) {
				if refuse.Load() {
					return nil, errors.New("no such device")
				}
				g := &memGroup{received: make(chan Datagram)}
				groups = append(groups, g)
				return g, nil
			},
			Changed: func(name string) { names = append(names, name) }})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = a.Run(ctx) }()
		a.Set(State{Interface: "eth0", Cable: true, Address: boxPrefix})
		time.Sleep(7 * time.Second)
		refuse.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(groups) != 1 || len(groups[0].said) != 5 || fmt.Sprint(names) != "[centralino]" {
			t.Fatalf("%d groups, names %v", len(groups), names)
		}
		groups[0].received <- Datagram{(&packet{questions: []question{{"centralino.local", typeA, false}}}).marshal(), neighbour}
		synctest.Wait()
		if last := groups[0].said[len(groups[0].said)-1]; last != "=centralino.local/1:120" {
			t.Errorf("answered %s", last)
		}
		a.Set(State{Interface: "eth0", Cable: true, Address: netip.MustParsePrefix("192.168.1.30/24")})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if last := groups[0].said[len(groups[0].said)-1]; !groups[0].closed || !strings.HasPrefix(last, "=centralino.local/1:0 ") || len(groups) != 2 {
			t.Errorf("another address: %d groups, the last word of the first one %s", len(groups), last)
		}
		a.Set(State{Interface: "eth0", Address: netip.MustParsePrefix("192.168.1.30/24")})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !groups[1].closed {
			t.Error("it speaks without a cable")
		}
		a.Set(State{Interface: "eth0", Cable: true, Address: netip.MustParsePrefix("192.168.1.30/24")})
		time.Sleep(5 * time.Second)
		stop()
		<-done
		g := groups[len(groups)-1]
		if last := g.said[len(g.said)-1]; len(groups) != 3 || !g.closed || !strings.HasPrefix(last, "=centralino.local/1:0 ") {
			t.Errorf("at the end: %d groups, last word %s", len(groups), last)
		}
	})
}
