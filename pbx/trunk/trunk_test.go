package trunk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
	"centralino/pbx/trunk"

	"github.com/google/go-cmp/cmp"
)

// provider is a Sender whose far end is scripted: by default every server is a
// registrar of ours, which checks the digest by its own arithmetic.
type provider struct {
	mu       sync.Mutex
	reg      *registrar.Registrar
	answer   func(req *sip.Request, to netip.AddrPort) *sip.Response // nil answer: registrar
	silent   map[netip.AddrPort]bool
	local    netip.AddrPort // the box's address
	requests []string       // "REGISTER 10.0.0.1:5060 600"
	sent     []*sip.Request
}

const user, password = "390212345678", "s3cret of the trunk"

func newProvider(t *testing.T) *provider {
	t.Helper()
	reg, err := registrar.New(registrar.Options{Now: time.Now, Realm: "provider.test", MinExpires: 60 * time.Second,
		Account: func(u string) (registrar.Account, bool) {
			return registrar.Account{Device: "account", Secret: password}, u == user
		}})
	if err != nil {
		t.Fatal(err)
	}
	return &provider{reg: reg, silent: map[netip.AddrPort]bool{}, local: netip.MustParseAddrPort("192.168.1.2:5060")}
}

func (p *provider) LocalAddrFor(string, netip.Addr) netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.local
}

func (p *provider) Do(ctx context.Context, req *sip.Request, to sip.Destination) (*sip.Response, error) {
	target := to.(sip.Target)
	addr := netip.MustParseAddrPort(target.String())
	p.mu.Lock()
	exp, _ := req.Header("Expires")
	p.requests = append(p.requests, strings.TrimSpace(fmt.Sprintf("%s %s %s", req.Method(), addr, exp)))
	p.sent = append(p.sent, req)
	silent, answer := p.silent[addr], p.answer
	p.mu.Unlock()
	if silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	req.SetHeader("Via", "SIP/2.0/UDP 192.168.1.2:5060;rport;branch=z9hG4bK1")
	asRead, err := sip.ParseRequest([]byte(req.String()))
	if err != nil {
		return nil, err
	}
	here := asRead.WithFlow(sip.NewFlow(sip.UDP, addr, netip.MustParseAddrPort("192.168.1.2:5060")))
	var resp *sip.Response
	if answer != nil {
		resp = answer(here, addr)
	}
	switch {
	case resp != nil:
	case req.Method() == sip.REGISTER:
		resp = p.reg.Register(here, time.Now())
	default:
		resp = sip.NewResponse(here, 200, "")
	}
	return from(resp, addr), nil
}

// from gives a response the flow that it would have at the trunk.
func from(resp *sip.Response, server netip.AddrPort) *sip.Response {
	return resp.WithFlow(sip.NewFlow(sip.UDP, netip.MustParseAddrPort("192.168.1.2:5060"), server))
}

func (p *provider) log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.requests
	p.requests = nil
	return out
}

// silence makes exactly these servers silent.
func (p *provider) silence(servers ...netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = map[netip.AddrPort]bool{}
	for _, s := range servers {
		p.silent[s] = true
	}
}

// names is a Resolver out of a table.
type names struct {
	srv   map[string][]*net.SRV
	hosts map[string][]netip.Addr
}

var errNoName = errors.New("no such name")

func (n names) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	r, ok := n.srv["_"+service+"._"+proto+"."+name]
	if !ok {
		return "", nil, errNoName
	}
	return name, r, nil
}

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	a, ok := n.hosts[host]
	if !ok {
		return nil, errNoName
	}
	return a, nil
}

var italy = func() numbering.Plan {
	p, err := numbering.New("IT", "02")
	if err != nil {
		panic(err)
	}
	return p
}()

// rig is a trunk that runs in a bubble.
type rig struct {
	*trunk.Trunk
	p      *provider
	mu     sync.Mutex
	states []string
	stop   func()
}

func (r *rig) take() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.states
	r.states = nil
	return out
}

func options(p *provider) trunk.Options {
	return trunk.Options{Line: "line-3", Stack: p, Plan: italy, Secret: password, Watch: -1,
		Log: slog.New(slog.DiscardHandler), Random: func() float64 { return 1 },
		Config: office.Trunk{Server: "10.0.0.1", Domain: "provider.test", User: user, Transport: "udp",
			Register: true, Expires: 10 * time.Minute, NumberFormat: "e164"}}
}

func start(t *testing.T, p *provider, set func(*trunk.Options)) *rig {
	t.Helper()
	r := &rig{p: p}
	o := options(p)
	o.OnState = func(s trunk.State) {
		r.mu.Lock()
		defer r.mu.Unlock()
		text := string(s.Phase)
		if s.Cause != "" {
			text += " " + string(s.Cause)
		}
		if s.Code != 0 {
			text += fmt.Sprint(" ", s.Code)
		}
		if s.Server.IsValid() {
			text += " " + s.Server.String()
		}
		r.states = append(r.states, text)
	}
	if set != nil {
		set(&o)
	}
	tr, err := trunk.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Trunk = tr
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tr.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return r
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t)
		r := start(t, p, nil)
		same(t, "states", r.take(), []string{"registering", "registered 10.0.0.1:5060"})
		same(t, "requests: one challenge", p.log(), []string{"REGISTER 10.0.0.1:5060 600", "REGISTER 10.0.0.1:5060 600"})
		if !r.Ready() || !r.State().Expires.Equal(time.Now().Add(10*time.Minute)) {
			t.Errorf("state %+v", r.State())
		}
		b := p.reg.Contacts("account")
		if len(b) != 1 || b[0].URI.Host != "192.168.1.2" || !strings.HasPrefix(b[0].URI.User, "line-") {
			t.Fatalf("bindings %v", b)
		}
		time.Sleep(9*time.Minute - time.Second)
		synctest.Wait()
		same(t, "nothing before 90 %", p.log(), nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		same(t, "the refresh may need a new nonce", p.log(), []string{"REGISTER 10.0.0.1:5060 600"})
		same(t, "and is silent", r.take(), nil)
		r.stop()
		same(t, "the registration is taken back", p.log(), []string{"REGISTER 10.0.0.1:5060 0"})
		if got := p.reg.Contacts("account"); len(got) != 0 {
			t.Errorf("bindings after stop: %v", got)
		}
		same(t, "states", r.take(), []string{"stopped"})
	})
}

func TestWhatGoesWrongAndWhatIsDone(t *testing.T) {
	plain := func(status int, headers ...string) func(*sip.Request, netip.AddrPort) *sip.Response {
		return func(req *sip.Request, _ netip.AddrPort) *sip.Response {
			resp := sip.NewResponse(req, status, "")
			for i := 0; i+1 < len(headers); i += 2 {
				resp.AddHeader(headers[i], headers[i+1])
			}
			return resp
		}
	}
	const challenge = `Digest realm="provider.test", nonce="n", algorithm=MD5, qop="auth"`
	tests := []struct {
		name   string
		set    func(*trunk.Options)
		answer func(*sip.Request, netip.AddrPort) *sip.Response
		state  string
		first  int           // requests of the first turn
		again  time.Duration // when the second turn comes, Random being 1
	}{
		{"the wrong password is tried rarely", func(o *trunk.Options) { o.Secret = "wrong" }, nil, "failed password 401", 2, time.Minute},
		{"no password where one is wanted", func(o *trunk.Options) { o.Secret = "" }, nil, "failed secret 401", 1, time.Minute},
		{"an account that is not admitted", nil, plain(403), "failed account 403", 1, time.Minute},
		{"an account that is not known", nil, plain(404), "failed account 404", 1, time.Minute},
		{"a server that has a problem", nil, plain(500), "failed unavailable 500", 1, 4 * time.Second},
		{"a server that says when to come back", nil, plain(503, "Retry-After", "120 (maintenance)"), "failed unavailable 503", 1, 132 * time.Second},
		{"a server that wants to be left alone for ever is asked after an hour", nil, plain(503, "Retry-After", "99999999"), "failed unavailable 503", 1, 66 * time.Minute},
		{"a name that is not found", func(o *trunk.Options) { o.Config.Server = "sip.nowhere.test"; o.Resolver = names{} }, nil, "failed dns", 0, 4 * time.Second},
		{"an algorithm that nobody can do", nil, plain(401, "WWW-Authenticate", `Digest realm="p", nonce="n", algorithm=MD5-sess, qop="auth"`), "failed challenge 401", 1, time.Minute},
		{"body protection that is not done", nil, plain(401, "WWW-Authenticate", `Digest realm="p", nonce="n", qop="auth-int"`), "failed challenge 401", 1, time.Minute},
		{"a server that challenges for ever", nil, plain(401, "WWW-Authenticate", challenge+", stale=true"), "failed challenge", 5, time.Minute},
		{"an expiry that is never long enough", nil, plain(423, "Min-Expires", "600"), "failed refused 423", 1, 4 * time.Second},
		{"an expiry beyond reason", nil, plain(423, "Min-Expires", "4000000000"), "failed refused 423", 1, 4 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider(t)
				p.answer = tt.answer
				r := start(t, p, tt.set)
				defer r.stop()
				same(t, "states", r.take(), []string{"registering", tt.state})
				if got := p.log(); len(got) != tt.first {
					t.Errorf("first turn: %v, want %d requests", got, tt.first)
				}
				if r.Ready() {
					t.Error("ready for calls")
				}
				time.Sleep(tt.again - time.Second)
				if got := p.log(); len(got) != 0 {
					t.Errorf("too early: %v", got)
				}
				time.Sleep(2 * time.Second)
				if got := r.take(); len(got) == 0 || got[0] != "registering" {
					t.Errorf("no second turn: %v", got)
				}
			})
		})
	}
}

func TestWaitsGrowAndEndWithTheFirstSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t)
		server := netip.MustParseAddrPort("10.0.0.1:5060")
		p.silent[server] = true
		begin := time.Now()
		r := start(t, p, nil)
		defer r.stop()
		var at []time.Duration
		for len(at) < 8 {
			time.Sleep(time.Second / 2)
			synctest.Wait()
			for range p.log() {
				at = append(at, time.Since(begin).Truncate(time.Second))
			}
		}
		// Each attempt takes 5 s, then 4, 8, 16, 32, 64, 120, 120 s.
		want := []time.Duration{0, 9, 22, 43, 80, 149, 274, 399}
		for i := range want {
			want[i] *= time.Second
		}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		p.silence()
		time.Sleep(2*time.Minute + 6*time.Second)
		if !r.Ready() {
			t.Fatal("not back")
		}
		r.take()
		p.silence(server)
		time.Sleep(9*time.Minute + 10*time.Second)
		same(t, "states", r.take(), []string{"failed unreachable", "registering"})
	})
}

func TestExpiryIsTheServers(t *testing.T) {
	tests := []struct {
		name    string
		asked   time.Duration
		headers func(contact string) []string
		want    time.Duration
	}{
		{"of our contact", 10 * time.Minute, func(c string) []string {
			return []string{"Contact", "<sip:other@h>;expires=9", "Contact", c + ";expires=120", "Expires", "77"}
		}, 2 * time.Minute},
		{"of the answer", 10 * time.Minute, func(c string) []string { return []string{"Contact", c, "Expires", "300"} }, 5 * time.Minute},
		{"as asked", 10 * time.Minute, func(c string) []string { return nil }, 10 * time.Minute},
		{"not for ever", 10 * time.Minute, func(c string) []string { return []string{"Contact", c + ";expires=4294967295"} }, 24 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider(t)
				p.answer = func(req *sip.Request, _ netip.AddrPort) *sip.Response {
					resp := sip.NewResponse(req, 200, "")
					h := tt.headers(sip.Address{URI: req.Contacts()[0].URI}.String())
					for i := 0; i < len(h); i += 2 {
						resp.AddHeader(h[i], h[i+1])
					}
					return resp
				}
				r := start(t, p, nil)
				defer r.stop()
				r.take()
				if got := time.Until(r.State().Expires); got != tt.want {
					t.Errorf("granted %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestTooShortAnExpiryIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t)
		r := start(t, p, func(o *trunk.Options) { o.Config.Expires = 20 * time.Second })
		defer r.stop()
		same(t, "states", r.take(), []string{"registering", "registered 10.0.0.1:5060"})
		same(t, "requests", p.log(), []string{"REGISTER 10.0.0.1:5060 20", "REGISTER 10.0.0.1:5060 20", "REGISTER 10.0.0.1:5060 60"})
	})
}

func TestServersOfAName(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	table := names{
		srv: map[string][]*net.SRV{"_sip._udp.provider.test": {
			{Target: "one.provider.test.", Port: 5080, Priority: 1}, {Target: "two.provider.test.", Port: 5060, Priority: 2}}},
		hosts: map[string][]netip.Addr{"one.provider.test": {a}, "two.provider.test": {b}, "provider.test": {b}},
	}
	first, second := netip.AddrPortFrom(a, 5080), netip.AddrPortFrom(b, 5060)
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t)
		p.silent[first] = true
		begin := time.Now()
		r := start(t, p, func(o *trunk.Options) {
			o.Config.Server, o.Resolver, o.Watch = "provider.test", table, 30*time.Second
		})
		defer r.stop()
		time.Sleep(6 * time.Second)
		same(t, "states", r.take(), []string{"registering", "registered 10.0.0.2:5060"})
		if d := r.State().Since.Sub(begin); d > 5*time.Second {
			t.Errorf("the second server was found after %v", d)
		}
		p.log()
		// The server in use stays in use, though the first is back.
		p.silence()
		time.Sleep(9*time.Minute + time.Second)
		for _, l := range p.log() {
			if strings.Contains(l, first.String()) {
				t.Errorf("went to another server: %s", l)
			}
		}
		// It falls silent: the next sign of life asked for finds out, and the first
		// takes over.
		p.silence(second)
		time.Sleep(41 * time.Second)
		synctest.Wait()
		if got := r.State().Server; got != first {
			t.Errorf("registered at %s after %s fell silent: %v", got, second, p.log())
		}
		if !r.Exempt(netip.AddrPortFrom(b, 1234)) || r.Exempt(netip.MustParseAddrPort("10.0.0.3:5060")) {
			t.Error("exempt are not exactly the servers' addresses")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t)
		r := start(t, p, func(o *trunk.Options) { o.Config.Server, o.Resolver = "provider.test:5070", table })
		defer r.stop()
		same(t, "a port asks for no records", r.take(), []string{"registering", "registered 10.0.0.2:5070"})
	})
}

func TestATrunkWithoutRegistrationIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t)
		server := netip.MustParseAddrPort("10.0.0.1:5060")
		r := start(t, p, func(o *trunk.Options) { o.Config.Register, o.Watch = false, 30*time.Second })
		same(t, "states", r.take(), []string{"registering", "idle 10.0.0.1:5060"})
		same(t, "requests", p.log(), []string{"OPTIONS 10.0.0.1:5060"})
		p.silence(server)
		time.Sleep(36 * time.Second)
		same(t, "states", r.take(), []string{"failed unreachable"})
		p.silence()
		time.Sleep(10 * time.Second)
		same(t, "states", r.take(), []string{"registering", "idle 10.0.0.1:5060"})
		p.log()
		r.stop()
		same(t, "nothing to take back", p.log(), nil)
	})
}

func TestAnotherAddressOfTheBoxIsRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t)
		r := start(t, p, func(o *trunk.Options) { o.Watch = 5 * time.Second })
		defer r.stop()
		r.take()
		p.log()
		p.mu.Lock()
		p.local = netip.MustParseAddrPort("192.168.7.7:5060")
		p.mu.Unlock()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		same(t, "requests", p.log(), []string{"REGISTER 10.0.0.1:5060 600"})
		if got := p.reg.Contacts("account"); got[0].URI.Host != "192.168.7.7" {
			t.Errorf("contacts %v", got)
		}
		same(t, "states", r.take(), nil)
	})
}

func TestAKickRegistersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t)
		r := start(t, p, nil)
		defer r.stop()
		r.take()
		p.log()
		r.Kick()
		synctest.Wait()
		same(t, "requests", p.log(), []string{"REGISTER 10.0.0.1:5060 600"})
	})
}
