package registrar_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"

	"github.com/google/go-cmp/cmp"
	"github.com/icholy/digest"
)

// phone is a scripted phone: it makes REGISTERs and answers challenges with an
// independent digest implementation.
type phone struct {
	t        testing.TB
	r        *registrar.Registrar
	clock    *clock
	user     string
	password string
	from     netip.AddrPort
	callID   string
	cseq     int
	nc       int
	chal     *digest.Challenge
}

// clock is a wall clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) Advance(d time.Duration) { c.now = c.now.Add(d) }

var accounts = map[string]registrar.Account{
	"201": {Device: "phone-1", Secret: "correct-horse-battery", Algorithm: "MD5"},
	"202": {Device: "phone-2", Secret: "staple"},
	"203": {Device: "phone-3", Secret: "sha-of-it", Algorithm: "SHA-256"},
}

type bench struct {
	*registrar.Registrar
	clock   *clock
	changes []registrar.Change
}

func newBench(t testing.TB, set func(*registrar.Options)) *bench {
	t.Helper()
	b := &bench{clock: &clock{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}}
	o := registrar.Options{
		Account: func(u string) (registrar.Account, bool) { a, ok := accounts[u]; return a, ok },
		Now:     b.clock.Now, Realm: "box.test",
		OnChange: func(c registrar.Change) { b.changes = append(b.changes, c) },
	}
	if set != nil {
		set(&o)
	}
	r, err := registrar.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b.Registrar = r
	return b
}

func (b *bench) phone(t testing.TB, user, from string) *phone {
	return &phone{t: t, r: b.Registrar, clock: b.clock, user: user, password: accounts[user].Secret,
		from: netip.MustParseAddrPort(from), callID: user + "@" + from}
}

// request parses a request with the given extra header lines.
func (p *phone) request(method, uri string, lines ...string) *sip.Request {
	p.t.Helper()
	p.cseq++
	text := fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@box.test>;tag=a\r\nTo: <sip:%s@box.test>\r\nCall-ID: %s\r\nCSeq: %d %s\r\nUser-Agent: phone/1\r\n",
		method, uri, p.from, p.user, p.cseq, p.user, p.user, p.callID, p.cseq, method)
	for _, l := range lines {
		text += l + "\r\n"
	}
	req, err := sip.ParseRequest([]byte(text + "Content-Length: 0\r\n\r\n"))
	if err != nil {
		p.t.Fatalf("test's own request: %v\n%s", err, text)
	}
	return req.WithFlow(sip.NewFlow(sip.UDP, netip.MustParseAddrPort("10.0.0.1:5060"), p.from))
}

// sign adds credentials for the last challenge.
func (p *phone) sign(req *sip.Request) *sip.Request {
	p.t.Helper()
	p.nc++
	c, err := digest.Digest(p.chal, digest.Options{Method: req.Method(), URI: req.URI().String(),
		Username: p.user, Password: p.password, Count: p.nc, Cnonce: "0a4f113b"})
	if err != nil {
		p.t.Fatal(err)
	}
	req.SetHeader("Authorization", c.String())
	return req
}

func (p *phone) learn(resp *sip.Response) {
	p.t.Helper()
	v, _ := resp.Header("WWW-Authenticate")
	chal, err := digest.ParseChallenge(v)
	if err != nil {
		p.t.Fatalf("challenge %q: %v", v, err)
	}
	p.chal, p.nc = chal, 0
}

// register sends a REGISTER and answers one challenge, as a phone does.
func (p *phone) register(lines ...string) *sip.Response {
	p.t.Helper()
	req := p.request("REGISTER", "sip:box.test", lines...)
	if p.chal != nil {
		p.sign(req)
	}
	resp := p.r.Register(req, p.clock.Now())
	if resp.Status() != 401 {
		return resp
	}
	p.learn(resp)
	return p.r.Register(p.sign(p.request("REGISTER", "sip:box.test", lines...)), p.clock.Now())
}

func contactOf(p *phone, params string) string {
	return "Contact: <sip:" + p.user + "@" + p.from.String() + ">" + params
}

func want(t *testing.T, resp *sip.Response, status int) {
	t.Helper()
	if resp == nil || resp.Status() != status {
		t.Fatalf("answer is %v, want %d", resp, status)
	}
}

func uris(bindings []registrar.Binding) []string {
	var out []string
	for _, b := range bindings {
		out = append(out, b.URI.String())
	}
	return out
}

func TestRegister(t *testing.T) {
	const a, b, c = "10.0.0.11:5060", "10.0.0.12:5060", "10.0.0.13:5060"
	tests := []struct {
		name string
		run  func(t *testing.T, b *bench)
		want map[office.ID][]string
	}{
		{"a phone registers and is told its expiry", func(t *testing.T, b *bench) {
			p := b.phone(t, "201", a)
			resp := p.register(contactOf(p, ""), "Expires: 120")
			want(t, resp, 200)
			if got := resp.Contacts(); len(got) != 1 || string(got[0].Params) != ";expires=120" {
				t.Errorf("contacts in the answer: %v", got)
			}
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.11:5060"}}},
		{"an account with SHA-256 registers by SHA-256", func(t *testing.T, b *bench) {
			p := b.phone(t, "203", a)
			want(t, p.register(contactOf(p, "")), 200)
			if p.chal.Algorithm != "SHA-256" {
				t.Errorf("challenge names %q", p.chal.Algorithm)
			}
		}, map[office.ID][]string{"phone-3": {"sip:203@10.0.0.11:5060"}}},
		{"a REGISTER without contact only asks", func(t *testing.T, b *bench) {
			p := b.phone(t, "201", a)
			want(t, p.register(contactOf(p, ";q=0.5")), 200)
			resp := p.register()
			want(t, resp, 200)
			if got := resp.Headers("Contact"); len(got) != 1 || !strings.Contains(got[0], "q=0.500") {
				t.Errorf("contacts in the answer: %v", got)
			}
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.11:5060"}}},
		{"two phones of one account both stay, higher q first", func(t *testing.T, bn *bench) {
			p, q := bn.phone(t, "201", a), bn.phone(t, "201", b)
			want(t, p.register(contactOf(p, ";q=0.3")), 200)
			want(t, q.register(contactOf(q, ";q=0.7")), 200)
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.12:5060", "sip:201@10.0.0.11:5060"}}},
		{"too short an expiry gets 423 with Min-Expires", func(t *testing.T, b *bench) {
			p := b.phone(t, "201", a)
			resp := p.register(contactOf(p, ";expires=5"))
			want(t, resp, 423)
			if v, _ := resp.Header("Min-Expires"); v != "30" {
				t.Errorf("Min-Expires is %q", v)
			}
		}, nil},
		{"too long an expiry is cut", func(t *testing.T, b *bench) {
			p := b.phone(t, "201", a)
			resp := p.register(contactOf(p, ""), "Expires: 4000000000")
			want(t, resp, 200)
			if got := resp.Contacts()[0].Params; got != ";expires=3600" {
				t.Errorf("granted %q", got)
			}
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.11:5060"}}},
		{"a malformed expiry counts as not given", func(t *testing.T, b *bench) {
			p := b.phone(t, "201", a)
			resp := p.register(contactOf(p, ";expires=soon"), "Expires: later")
			want(t, resp, 200)
			if got := resp.Contacts()[0].Params; got != ";expires=600" {
				t.Errorf("granted %q", got)
			}
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.11:5060"}}},
		{"expires 0 removes that contact alone", func(t *testing.T, bn *bench) {
			p, q := bn.phone(t, "201", a), bn.phone(t, "201", b)
			want(t, p.register(contactOf(p, "")), 200)
			want(t, q.register(contactOf(q, "")), 200)
			want(t, p.register(contactOf(p, ";expires=0")), 200)
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.12:5060"}}},
		{"the wildcard removes all contacts", func(t *testing.T, bn *bench) {
			p, q := bn.phone(t, "201", a), bn.phone(t, "201", b)
			want(t, p.register(contactOf(p, "")), 200)
			want(t, q.register(contactOf(q, "")), 200)
			want(t, p.register("Contact: *", "Expires: 0"), 200)
		}, nil},
		{"the wildcard without Expires 0 is refused", func(t *testing.T, b *bench) {
			p := b.phone(t, "201", a)
			want(t, p.register(contactOf(p, "")), 200)
			want(t, p.register("Contact: *", "Expires: 60"), 400)
			want(t, p.register("Contact: *"), 400)
			want(t, p.register("Contact: *", contactOf(p, ""), "Expires: 0"), 400)
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.11:5060"}}},
		{"one bad contact leaves everything as it was", func(t *testing.T, b *bench) {
			p := b.phone(t, "201", a)
			want(t, p.register(contactOf(p, "")), 200)
			want(t, p.register("Contact: <sip:201@10.0.0.99>", "Contact: <<nonsense"), 400)
			want(t, p.register("Contact: <tel:+39021>"), 400)
			want(t, p.register("Contact: <sip:201@10.0.0.99>, <sip:201@10.0.0.98>;expires=3"), 423)
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.11:5060"}}},
		{"an instance that moved replaces its stale contact", func(t *testing.T, bn *bench) {
			const id = `;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"`
			p, q := bn.phone(t, "201", a), bn.phone(t, "201", b)
			want(t, p.register(contactOf(p, id)), 200)
			resp := q.register(contactOf(q, id))
			want(t, resp, 200)
			if got := resp.Headers("Contact"); len(got) != 1 || !strings.Contains(got[0], id) {
				t.Errorf("contacts in the answer: %v", got)
			}
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.12:5060"}}},
		{"a phone that started anew at its place replaces its old made-up name", func(t *testing.T, bn *bench) {
			p := bn.phone(t, "201", a)
			want(t, p.register("Contact: <sip:201-0x55d2@10.0.0.11:5060>"), 200)
			q := bn.phone(t, "201", a)
			q.callID, q.cseq = "another", 50
			want(t, q.register("Contact: <sip:201-0x9999@10.0.0.11:5060>"), 200)
		}, map[office.ID][]string{"phone-1": {"sip:201-0x9999@10.0.0.11:5060"}}},
		{"one phone may name several contacts", func(t *testing.T, bn *bench) {
			p := bn.phone(t, "201", a)
			want(t, p.register("Contact: <sip:201@10.0.0.11:5060>;q=0.9, <sip:201@10.0.0.11:5060;transport=tcp>;q=0.1"), 200)
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.11:5060", "sip:201@10.0.0.11:5060;transport=tcp"}}},
		{"the least recently refreshed contact makes room", func(t *testing.T, bn *bench) {
			for i := range 8 {
				p := bn.phone(t, "201", fmt.Sprintf("10.0.0.%d:5060", 20+i))
				want(t, p.register(contactOf(p, "")), 200)
				bn.clock.Advance(time.Second)
			}
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.27:5060", "sip:201@10.0.0.26:5060", "sip:201@10.0.0.25:5060",
			"sip:201@10.0.0.24:5060", "sip:201@10.0.0.23:5060", "sip:201@10.0.0.22:5060"}}},
		{"nobody registers another's account", func(t *testing.T, bn *bench) {
			p := bn.phone(t, "201", a)
			req := p.request("REGISTER", "sip:box.test", contactOf(p, ""))
			p.learn(p.r.Register(req, p.clock.Now()))
			req = p.request("REGISTER", "sip:box.test", contactOf(p, ""))
			req.SetHeader("To", "<sip:202@box.test>")
			want(t, p.r.Register(p.sign(req), p.clock.Now()), 403)
		}, nil},
		{"an extension that is not known is named", func(t *testing.T, bn *bench) {
			p := bn.phone(t, "201", a)
			resp := p.register(contactOf(p, ""), "Require: path, outbound")
			want(t, resp, 420)
			if v, _ := resp.Header("Unsupported"); v != "outbound" {
				t.Errorf("Unsupported is %q", v)
			}
		}, nil},
		{"an older REGISTER of the same call changes nothing", func(t *testing.T, bn *bench) {
			p := bn.phone(t, "201", a)
			want(t, p.register(contactOf(p, "")), 200)
			p.cseq = 0
			want(t, p.register(contactOf(p, ";expires=0")), 500)
			p.cseq = 0
			want(t, p.register("Contact: *", "Expires: 0"), 500)
		}, map[office.ID][]string{"phone-1": {"sip:201@10.0.0.11:5060"}}},
		{"a binding ends when it was not refreshed", func(t *testing.T, bn *bench) {
			p, q := bn.phone(t, "201", a), bn.phone(t, "202", c)
			want(t, p.register(contactOf(p, ";expires=60")), 200)
			want(t, q.register(contactOf(q, ";expires=120")), 200)
			bn.clock.Advance(70 * time.Second)
		}, map[office.ID][]string{"phone-2": {"sip:202@10.0.0.13:5060"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil)
			tt.run(t, b)
			for _, id := range []office.ID{"phone-1", "phone-2", "phone-3"} {
				if diff := cmp.Diff(tt.want[id], uris(b.Contacts(id))); diff != "" {
					t.Errorf("contacts of %s (-want +got):\n%s", id, diff)
				}
			}
		})
	}
}

func TestPathIsKeptAndAnswered(t *testing.T) {
	b := newBench(t, nil)
	p := b.phone(t, "201", "10.0.0.5:5060")
	resp := p.register("Contact: <sip:201@192.168.1.4>", "Path: <sip:edge.test;lr>", "Supported: path")
	want(t, resp, 200)
	if got, _ := resp.Header("Path"); got != "<sip:edge.test;lr>" {
		t.Errorf("Path in the answer is %q", got)
	}
	if got := b.Contacts("phone-1")[0].Path; !cmp.Equal(got, []string{"<sip:edge.test;lr>"}) {
		t.Errorf("Path of the binding is %q", got)
	}
}

func TestWhereAContactIsReached(t *testing.T) {
	tests := []struct{ name, from, contact, want string }{
		{"behind NAT: where the REGISTER came from", "93.34.1.2:41000", "sip:201@192.168.1.4:5060", "udp:93.34.1.2:41000"},
		{"its own address: the port it names", "10.0.0.11:49152", "sip:201@10.0.0.11:5060", "udp:10.0.0.11:5060"},
		{"its own address without port: 5060", "10.0.0.11:49152", "sip:201@10.0.0.11", "udp:10.0.0.11:5060"},
		{"a name: where the REGISTER came from", "10.0.0.11:49152", "sip:201@phone.lan", "udp:10.0.0.11:49152"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil)
			p := b.phone(t, "201", tt.from)
			want(t, p.register("Contact: <"+tt.contact+">"), 200)
			got := b.Contacts("phone-1")[0]
			if got.Flow.String() != tt.want || got.Source != p.from {
				t.Errorf("flow %s, source %s, want flow %s", got.Flow, got.Source, tt.want)
			}
			if !b.Exempt(p.from) || b.Exempt(netip.MustParseAddrPort("10.9.9.9:5060")) {
				t.Error("exempt from budgets is not exactly the source")
			}
		})
	}
}

func TestAnnouncements(t *testing.T) {
	b := newBench(t, nil)
	p, q := b.phone(t, "201", "10.0.0.11:5060"), b.phone(t, "201", "10.0.0.12:5060")
	steps := []struct {
		name string
		do   func()
		want []registrar.Change
	}{
		{"the first contact is announced", func() { p.register(contactOf(p, "")) },
			[]registrar.Change{{Device: "phone-1", Online: true, Agent: "phone/1", Source: p.from}}},
		{"a refresh is silent", func() { p.register(contactOf(p, "")) }, nil},
		{"a second contact is silent", func() { q.register(contactOf(q, "")) }, nil},
		{"one contact less is silent", func() { p.register(contactOf(p, ";expires=0")) }, nil},
		{"the last contact less is announced", func() { q.register(contactOf(q, ";expires=0")) },
			[]registrar.Change{{Device: "phone-1", Agent: "phone/1", Source: q.from}}},
	}
	for _, s := range steps {
		b.changes = nil
		s.do()
		if diff := cmp.Diff(s.want, b.changes, cmp.Comparer(func(x, y netip.AddrPort) bool { return x == y })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}

func TestKnownSource(t *testing.T) {
	b := newBench(t, nil)
	p, q := b.phone(t, "201", "192.168.1.11:5060"), b.phone(t, "202", "192.168.1.11:5070")
	out := b.phone(t, "203", "93.34.1.2:5060")
	want(t, p.register(contactOf(p, ";expires=60")), 200)
	b.clock.Advance(time.Second)
	want(t, q.register(contactOf(q, ";expires=600")), 200)
	want(t, out.register(contactOf(out, ";expires=600")), 200)
	type answer struct {
		id             office.ID
		known, expired bool
	}
	tests := []struct {
		name, addr string
		after      time.Duration
		want       answer
	}{
		{"the very phone", "192.168.1.11:5060", 0, answer{"phone-1", true, false}},
		{"the other phone of that address", "192.168.1.11:5070", 0, answer{"phone-2", true, false}},
		{"another port of that address: the last that registered", "192.168.1.11:1024", 0, answer{"phone-2", true, false}},
		{"an address that never registered", "192.168.1.12:5060", 0, answer{}},
		{"a phone outside of the local network", "93.34.1.2:5060", 0, answer{}},
		{"a current binding beats an expired one with the right port", "192.168.1.11:5060", 2 * time.Minute, answer{"phone-2", true, false}},
		{"an expired binding is still known", "192.168.1.11:5060", time.Hour, answer{"phone-1", true, true}},
		{"but not after 31 days", "192.168.1.11:5060", 31 * 24 * time.Hour, answer{}},
	}
	start := b.clock.Now()
	for _, tt := range tests {
		b.clock.now = start.Add(tt.after)
		var got answer
		got.id, got.known, got.expired = b.KnownSource(netip.MustParseAddrPort(tt.addr), b.clock.Now())
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestRecheckDropsPhonesWithoutAccount(t *testing.T) {
	gone := false
	b := newBench(t, func(o *registrar.Options) {
		o.Account = func(u string) (registrar.Account, bool) { a, ok := accounts[u]; return a, ok && !gone }
	})
	p := b.phone(t, "201", "10.0.0.11:5060")
	want(t, p.register(contactOf(p, "")), 200)
	b.Recheck()
	if len(b.Contacts("phone-1")) != 1 {
		t.Fatal("a good account was dropped")
	}
	gone = true
	b.Recheck()
	if got := b.Contacts("phone-1"); len(got) != 0 || len(b.changes) != 2 || b.Exempt(p.from) {
		t.Errorf("contacts %v, changes %v", got, b.changes)
	}
	if _, known, _ := b.KnownSource(p.from, b.clock.Now()); known {
		t.Error("the source of a deleted phone is known")
	}
}

func TestADisabledPhoneCanOnlyCallForHelp(t *testing.T) {
	off := false
	options := func(o *registrar.Options) {
		o.Account = func(u string) (registrar.Account, bool) {
			a, ok := accounts[u]
			a.Disabled = off
			return a, ok
		}
	}
	b := newBench(t, options)
	p := b.phone(t, "201", "10.0.0.11:5060")
	want(t, p.register(contactOf(p, "")), 200)
	off = true
	b.Recheck()
	if got := b.Contacts("phone-1"); len(got) != 0 || b.Exempt(p.from) {
		t.Errorf("contacts %v", got)
	}
	if resp := p.register(contactOf(p, "")); resp.Status() == 200 {
		t.Error("a disabled phone registers")
	}
	if id, known, expired := b.KnownSource(p.from, b.clock.Now()); id != "phone-1" || !known || !expired {
		t.Error("a disabled phone can't call for help")
	}
}

func TestANewSecretEndsTheBindingsOfTheOld(t *testing.T) {
	secret := accounts["201"].Secret
	b := newBench(t, func(o *registrar.Options) {
		o.Account = func(string) (registrar.Account, bool) {
			return registrar.Account{Device: "phone-1", Secret: secret}, true
		}
	})
	p := b.phone(t, "201", "10.0.0.11:5060")
	want(t, p.register(contactOf(p, "")), 200)
	secret = "a new one"
	b.Recheck()
	if got := b.Contacts("phone-1"); len(got) != 0 {
		t.Errorf("contacts %v", got)
	}
	if id, known, expired := b.KnownSource(p.from, b.clock.Now()); id != "phone-1" || !known || !expired {
		t.Error("a phone with the old secret can't call for help")
	}
}
