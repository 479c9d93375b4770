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

	"pgregory.net/rapid"
)

// challengeOf registers without credentials and remembers the challenge.
func (p *phone) challengeOf() string {
	p.t.Helper()
	resp := p.r.Register(p.request("REGISTER", "sip:box.test", contactOf(p, "")), p.clock.Now())
	p.learn(resp)
	v, _ := resp.Header("WWW-Authenticate")
	return v
}

func TestDigest(t *testing.T) {
	signed := func(p *phone) *sip.Request {
		return p.sign(p.request("REGISTER", "sip:box.test", contactOf(p, "")))
	}
	edit := func(req *sip.Request, old, new string) *sip.Request {
		v, _ := req.Header("Authorization")
		if !strings.Contains(v, old) {
			panic("credentials have no " + old + ": " + v)
		}
		req.SetHeader("Authorization", strings.Replace(v, old, new, 1))
		return req
	}
	tests := []struct {
		name   string
		status int
		stale  bool
		req    func(b *bench, p *phone) *sip.Request
	}{
		{"right credentials pass", 200, false, func(b *bench, p *phone) *sip.Request { return signed(p) }},
		{"no credentials are challenged", 401, false, func(b *bench, p *phone) *sip.Request {
			return p.request("REGISTER", "sip:box.test", contactOf(p, ""))
		}},
		{"a wrong password is challenged again, not stale", 401, false, func(b *bench, p *phone) *sip.Request {
			p.password = "guess"
			return signed(p)
		}},
		{"an unknown user is challenged again, not stale", 401, false, func(b *bench, p *phone) *sip.Request {
			p.user = "999"
			return signed(p)
		}},
		{"a nonce that is too old is stale", 401, true, func(b *bench, p *phone) *sip.Request {
			b.clock.Advance(11 * time.Minute)
			return signed(p)
		}},
		{"a nonce within its life is good", 200, false, func(b *bench, p *phone) *sip.Request {
			b.clock.Advance(4 * time.Minute)
			return signed(p)
		}},
		{"a nonce given to another address is stale", 401, true, func(b *bench, p *phone) *sip.Request {
			p.from = netip.MustParseAddrPort("10.0.0.66:5060")
			return signed(p)
		}},
		{"a nonce that is not ours is stale", 401, true, func(b *bench, p *phone) *sip.Request {
			p.chal.Nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			return signed(p)
		}},
		{"another realm is no credentials of ours", 401, false, func(b *bench, p *phone) *sip.Request {
			return edit(signed(p), "box.test", "evil.test")
		}},
		{"credentials for another number are wrong", 401, false, func(b *bench, p *phone) *sip.Request {
			req := p.request("INVITE", "sip:333@box.test")
			p.sign(req)
			other := p.request("INVITE", "sip:899123456@box.test")
			v, _ := req.Header("Authorization")
			other.SetHeader("Authorization", v)
			return other
		}},
		{"credentials for another method are wrong", 401, false, func(b *bench, p *phone) *sip.Request {
			req := signed(p)
			v, _ := req.Header("Authorization")
			other := p.request("INVITE", "sip:box.test")
			other.SetHeader("Authorization", v)
			return other
		}},
		{"a weaker algorithm than the account's is wrong", 401, false, func(b *bench, p *phone) *sip.Request {
			p.user, p.password = "203", accounts["203"].Secret
			p.chal.Algorithm = "MD5"
			return signed(p)
		}},
		{"an unknown qop is wrong", 401, false, func(b *bench, p *phone) *sip.Request {
			return edit(signed(p), "qop=auth", "qop=auth-int")
		}},
		{"a field given twice is no credentials", 401, false, func(b *bench, p *phone) *sip.Request {
			return edit(signed(p), "uri=", `username="202", uri=`)
		}},
		{"an unclosed quote is no credentials", 401, false, func(b *bench, p *phone) *sip.Request {
			return edit(signed(p), `realm="box.test"`, `realm="box.test`)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil)
			p := b.phone(t, "201", "10.0.0.11:5060")
			p.challengeOf()
			req := tt.req(b, p)
			var resp *sip.Response
			if req.Method() == "REGISTER" {
				resp = b.Register(req, b.clock.Now())
			} else if _, resp = b.Authenticate(req, b.clock.Now()); resp == nil {
				t.Fatal("passed")
			}
			want(t, resp, tt.status)
			v, _ := resp.Header("WWW-Authenticate")
			if got := strings.Contains(v, "stale=true"); got != tt.stale {
				t.Errorf("stale is %v: %s", got, v)
			}
		})
	}
}

func TestReplayIsRefused(t *testing.T) {
	b := newBench(t, nil)
	p := b.phone(t, "201", "10.0.0.11:5060")
	p.challengeOf()
	captured := p.sign(p.request("REGISTER", "sip:box.test", contactOf(p, "")))
	want(t, b.Register(captured, b.clock.Now()), 200)
	want(t, b.Register(captured, b.clock.Now()), 200) // a retransmission gets its answer again
	b.clock.Advance(33 * time.Second)
	want(t, b.Register(captured, b.clock.Now()), 401)

	moved := captured.WithFlow(sip.NewFlow(sip.UDP, netip.AddrPort{}, netip.MustParseAddrPort("10.0.0.66:5060")))
	want(t, b.Register(moved, b.clock.Now()), 401)

	b2 := newBench(t, nil)
	p2 := b2.phone(t, "201", "10.0.0.11:5060")
	p2.challengeOf()
	first := p2.sign(p2.request("REGISTER", "sip:box.test", contactOf(p2, "")))
	want(t, b2.Register(first, b2.clock.Now()), 200)
	stolen := first.Clone()
	stolen.SetHeader("Contact", "<sip:201@10.0.0.66>")
	want(t, b2.Register(stolen, b2.clock.Now()), 401) // at once, from the same address
	if n := b2.Counters().Replayed.Load(); n != 1 {
		t.Errorf("%d replays counted", n)
	}
}

func TestCountsMayArriveOutOfOrderButOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, nil)
		p := b.phone(t, "201", "10.0.0.11:5060")
		p.challengeOf()
		used := map[int]bool{}
		high := 0
		for range rapid.IntRange(1, 60).Draw(rt, "requests") {
			nc := rapid.IntRange(1, 200).Draw(rt, "nc")
			p.nc = nc - 1
			req := p.sign(p.request("INVITE", "sip:0212345678@box.test"))
			_, resp := b.Authenticate(req, b.clock.Now())
			fresh := !used[nc] && nc > high-64
			if passed := resp == nil; passed != fresh {
				rt.Fatalf("count %d passed=%v, used=%v, highest %d", nc, passed, used[nc], high)
			}
			used[nc] = used[nc] || fresh
			high = max(high, nc)
		}
	})
}

func TestARequestWithoutQopUsesItsNonceUp(t *testing.T) {
	b := newBench(t, nil)
	p := b.phone(t, "201", "10.0.0.11:5060")
	p.challengeOf()
	p.chal.QOP = nil
	req := p.sign(p.request("INVITE", "sip:1@box.test"))
	if id, resp := b.Authenticate(req, b.clock.Now()); resp != nil || id != "phone-1" {
		t.Fatalf("old phone refused: %v", resp)
	}
	if _, resp := b.Authenticate(p.sign(p.request("INVITE", "sip:1@box.test")), b.clock.Now()); resp == nil {
		t.Error("the nonce served twice")
	}
}

// headersBut returns what a stranger sees of an answer, without what differs in
// every one.
func headersBut(resp *sip.Response, nonce string) string {
	return strings.ReplaceAll(strings.ReplaceAll(resp.String(), nonce, "NONCE"), "201", "USER")
}

func TestKnownAndUnknownUsersGetTheSameAnswer(t *testing.T) {
	answer := func(user string) []string {
		b := newBench(t, nil)
		p := b.phone(t, "201", "10.0.0.11:5060")
		p.user, p.password = user, "guess"
		var out []string
		for range 12 { // free guesses and then the brake
			resp := b.Register(p.request("REGISTER", "sip:box.test", contactOf(p, "")), b.clock.Now())
			p.learn(resp)
			out = append(out, strings.ReplaceAll(headersBut(resp, p.chal.Nonce), user, "USER"))
			resp = b.Register(p.sign(p.request("REGISTER", "sip:box.test", contactOf(p, ""))), b.clock.Now())
			nonce := p.chal.Nonce
			p.learn(resp)
			out = append(out, strings.ReplaceAll(strings.ReplaceAll(headersBut(resp, p.chal.Nonce), nonce, "NONCE"), user, "USER"))
		}
		return out
	}
	known, unknown := answer("201"), answer("299")
	for i := range known {
		// The tag of To is a hash and differs by nature.
		if cutTag(known[i]) != cutTag(unknown[i]) {
			t.Errorf("answer %d differs:\n%s\n%s", i, known[i], unknown[i])
		}
	}
}

// TestAPhoneThatWasCalledProvesWhoItIs: what it asks for within the call comes from its
// Contact, whose user is not that of the account; the challenge is by the account's
// algorithm all the same. Nobody else learns by it which Contact there is.
func TestAPhoneThatWasCalledProvesWhoItIs(t *testing.T) {
	for user, device := range map[string]office.ID{"201": "phone-1", "203": "phone-3"} {
		b := newBench(t, nil)
		p := b.phone(t, user, "10.0.0.11:5060")
		want(t, p.register("Contact: <sip:"+user+"-0x5576@10.0.0.11:5060>"), 200)
		refer := func(from string) *sip.Request {
			account := p.user
			p.user = user + "-0x5576"
			defer func() { p.user = account }()
			p.from = netip.MustParseAddrPort(from)
			return p.request("REFER", "sip:10.0.0.1:5060")
		}
		_, resp := b.Authenticate(refer("10.0.0.12:5060"), b.clock.Now())
		p.learn(resp)
		if p.chal.Algorithm != "MD5" {
			t.Errorf("%s: a stranger is challenged by %s", user, p.chal.Algorithm)
		}
		_, resp = b.Authenticate(refer("10.0.0.11:5060"), b.clock.Now())
		want(t, resp, 401)
		p.learn(resp)
		if id, resp := b.Authenticate(p.sign(refer("10.0.0.11:5060")), b.clock.Now()); resp != nil || id != device {
			t.Errorf("%s: it is %q, answer %v", user, id, resp)
		}
	}
}

func cutTag(s string) string {
	lines := strings.Split(s, "\r\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "To:") {
			lines[i], _, _ = strings.Cut(l, ";tag=")
		}
	}
	return strings.Join(lines, "\n")
}

func TestGuessesAreBrakedAndTheOwnerIsNot(t *testing.T) {
	var alarms []string
	b := newBench(t, func(o *registrar.Options) {
		o.OnBackoff = func(a netip.Addr, user string) { alarms = append(alarms, a.String()+" "+user) }
	})
	owner := b.phone(t, "201", "10.0.0.11:5060")
	want(t, owner.register(contactOf(owner, ";expires=120")), 200)

	thief := b.phone(t, "201", "10.0.0.66:5060")
	looked := uint64(0)
	for i := range 10000 {
		thief.challengeOf()
		thief.password = fmt.Sprint("guess ", i)
		if i == 7000 {
			thief.password = accounts["201"].Secret // right, but not looked at
		}
		want(t, b.Register(thief.sign(thief.request("REGISTER", "sip:box.test", contactOf(thief, ""))), b.clock.Now()), 401)
		b.clock.Advance(10 * time.Millisecond)
		if i%1000 == 500 {
			want(t, owner.register(contactOf(owner, ";expires=120")), 200)
			if owner.chal == nil {
				t.Fatal("the owner was not let in")
			}
		}
	}
	looked = b.Counters().WrongPassword.Load()
	if looked > 15 {
		t.Errorf("%d of 10,000 guesses in 100 s were looked at", looked)
	}
	if len(alarms) != 1 || alarms[0] != "10.0.0.66 201" {
		t.Errorf("alarms: %v", alarms)
	}
	// From the thief's own address a second owner's phone is let in once it has
	// shown its password after the brake; from elsewhere after at most a minute.
	b.clock.Advance(61 * time.Second)
	away := b.phone(t, "201", "10.0.0.12:5060")
	want(t, away.register(contactOf(away, "")), 200)
}

func TestOneAddressGuessingManyAccountsIsBraked(t *testing.T) {
	b := newBench(t, nil)
	for i := range 200 {
		p := b.phone(t, "201", "10.0.0.66:5060")
		p.user, p.password = fmt.Sprint(300+i), "guess"
		p.challengeOf()
		want(t, b.Register(p.sign(p.request("REGISTER", "sip:box.test", contactOf(p, ""))), b.clock.Now()), 401)
	}
	if n := b.Counters().WrongPassword.Load(); n > 5 {
		t.Errorf("%d guesses were looked at", n)
	}
	// Its neighbour is not held up.
	p := b.phone(t, "202", "10.0.0.12:5060")
	want(t, p.register(contactOf(p, "")), 200)
}

func TestChallengesKeepNothing(t *testing.T) {
	b := newBench(t, nil)
	p := b.phone(t, "201", "10.0.0.66:5060")
	req := p.request("REGISTER", "sip:box.test", contactOf(p, ""))
	seen := map[string]bool{}
	for range 2000 {
		resp := b.Register(req, b.clock.Now())
		want(t, resp, 401)
		v, _ := resp.Header("WWW-Authenticate")
		if seen[v] {
			t.Fatal("a nonce came twice")
		}
		seen[v] = true
	}
}

func FuzzAuthorization(f *testing.F) {
	b := newBench(f, nil)
	p := b.phone(f, "201", "10.0.0.11:5060")
	p.challengeOf()
	good, _ := p.sign(p.request("REGISTER", "sip:box.test")).Header("Authorization")
	for _, s := range []string{good, "Digest", `Digest username="`, `Digest a=b,,c="d\"e",`, "Basic x", `Digest username="201",realm="box.test",nonce="",response=""`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		b := newBench(t, nil)
		p := b.phone(t, "201", "10.0.0.11:5060")
		req := p.request("REGISTER", "sip:box.test", contactOf(p, ""))
		req.SetHeader("Authorization", v)
		want(t, b.Register(req, b.clock.Now()), 401)
	})
}

func BenchmarkRegister(b *testing.B) {
	bn := newBench(b, nil)
	p := bn.phone(b, "201", "10.0.0.11:5060")
	var reqs []*sip.Request
	b.ReportAllocs()
	for b.Loop() {
		if len(reqs) == 0 {
			b.StopTimer()
			p.challengeOf()
			for range 2000 {
				reqs = append(reqs, p.sign(p.request("REGISTER", "sip:box.test", contactOf(p, ";expires=120"))))
			}
			b.StartTimer()
		}
		if resp := bn.Register(reqs[0], bn.clock.Now()); resp.Status() != 200 {
			b.Fatal(resp)
		}
		reqs = reqs[1:]
	}
}

func BenchmarkChallenge(b *testing.B) {
	bn := newBench(b, nil)
	p := bn.phone(b, "201", "10.0.0.11:5060")
	req := p.request("REGISTER", "sip:box.test", contactOf(p, ""))
	b.ReportAllocs()
	for b.Loop() {
		bn.Register(req, bn.clock.Now())
	}
}

// Known and unknown users must cost the same; compare the two figures.
func BenchmarkWrongPassword(b *testing.B) {
	for _, user := range []string{"201", "299"} {
		b.Run(map[string]string{"201": "known", "299": "unknown"}[user], func(b *testing.B) {
			bn := newBench(b, nil)
			p := bn.phone(b, "201", "10.0.0.66:5060")
			p.user, p.password = user, "guess"
			p.challengeOf()
			req := p.sign(p.request("REGISTER", "sip:box.test", contactOf(p, "")))
			b.ReportAllocs()
			for b.Loop() {
				bn.clock.Advance(20 * time.Minute) // no brake
				bn.Register(req, bn.clock.Now())
			}
		})
	}
}
