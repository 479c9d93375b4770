package registrar_test

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"centralino/internal/testbed"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
)

// switchboard is the least of a box: a registrar on a real wire that refuses every
// call after asking who makes it.
type switchboard struct {
	r      *registrar.Registrar
	caller atomic.Value // device of the last INVITE with good credentials
}

func (s *switchboard) Stateless(req *sip.Request) *sip.Response {
	switch req.Method() {
	case sip.REGISTER:
		return s.r.Register(req, time.Now())
	case sip.INVITE:
		device, resp := s.r.Authenticate(req, time.Now())
		if resp == nil {
			s.caller.Store(string(device))
			resp = sip.NewResponse(req, 486, "")
		}
		return resp
	}
	return sip.NewResponse(req, 405, "")
}

func (s *switchboard) Request(sip.ServerTx)              {}
func (s *switchboard) Ack(*sip.Request)                  {}
func (s *switchboard) Cancel(sip.ServerTx, *sip.Request) {}

type site struct {
	net     *testbed.Net
	box     *switchboard
	addr    netip.AddrPort
	changes chan registrar.Change
}

func openSite(t *testing.T) *site {
	t.Helper()
	o := &site{net: testbed.NewNet(t, "lan"), box: &switchboard{}, changes: make(chan registrar.Change, 100)}
	o.addr = netip.AddrPortFrom(o.net.BoxAddr("lan"), 5060)
	quiet := slog.New(slog.DiscardHandler)
	r, err := registrar.New(registrar.Options{Now: time.Now, Log: quiet, MinExpires: time.Second,
		Account:  func(u string) (registrar.Account, bool) { a, ok := accounts[u]; return a, ok },
		OnChange: func(c registrar.Change) { o.changes <- c }})
	if err != nil {
		t.Fatal(err)
	}
	o.box.r = r
	var stack *sip.Stack
	if e := testbed.InNamespace(o.net.Box(), func() {
		stack, err = sip.New(sip.Options{Net: sip.KernelNet{}, Log: quiet, Exempt: r.Exempt,
			UDP: []netip.AddrPort{o.addr}, TCP: []netip.AddrPort{o.addr}})
	}); e != nil || err != nil {
		t.Fatal(e, err)
	}
	stack.Handle(o.box)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- stack.Run(ctx) }()
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; <-done })
	return o
}

func (o *site) phone(t *testing.T, user, secret, transport string) *testbed.Phone {
	t.Helper()
	testbed.Need(t, "baresip")
	lan := o.net.Side("lan")
	return testbed.StartPhone(t, testbed.PhoneOptions{Namespace: lan, Addr: lan.Addr(11), User: user, Password: secret,
		Registrar: o.addr, Transport: transport, Expires: 5})
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (o *site) await(t *testing.T, online bool) registrar.Change {
	t.Helper()
	select {
	case c := <-o.changes:
		if c.Online != online {
			t.Fatalf("change %+v, want online=%v", c, online)
		}
		return c
	case <-soon(t).Done():
		t.Fatalf("no change to online=%v", online)
	}
	return registrar.Change{}
}

func TestARealPhoneRegistersRefreshesCallsAndLeaves(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			o := openSite(t)
			p := o.phone(t, "201", accounts["201"].Secret, transport)
			check(t, p.WaitRegistered(soon(t)))
			c := o.await(t, true)
			if c.Device != "phone-1" || !strings.Contains(c.Agent, "baresip") {
				t.Errorf("announced %+v", c)
			}
			b := o.box.r.Contacts("phone-1")
			// Over TCP baresip connects from its machine's first address.
			from := map[string]string{"udp": "10.77.0.11", "tcp": "10.77.0.2"}[transport]
			if len(b) != 1 || b[0].Flow.Transport() != transport || b[0].Flow.Remote().Addr().String() != from {
				t.Fatalf("bindings %+v", b)
			}
			check(t, p.Dial(soon(t), "202"))
			e, err := p.Wait(soon(t), "CALL_CLOSED")
			check(t, err)
			if got := o.box.caller.Load(); got != "phone-1" || !strings.Contains(e.Param, "486") {
				t.Errorf("call by %v, answered %q", got, e.Param)
			}
			_, err = p.WaitFor(soon(t), "refresh", func(testbed.PhoneEvent) bool {
				return o.box.r.Counters().Refreshed.Load() > 0
			})
			check(t, err)
			p.Stop()
			o.await(t, false)
		})
	}
}

func TestARealPhoneWithTheWrongPasswordStaysOut(t *testing.T) {
	t.Parallel()
	o := openSite(t)
	p := o.phone(t, "201", "wrong", "udp")
	check(t, p.Process.WaitOutput(soon(t), "401 Unauthorized")) // its second
	if b := o.box.r.Contacts("phone-1"); len(b) != 0 {
		t.Errorf("bindings %v", b)
	}
}

func TestManyRealRegistrationsAndGuesses(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "sipp")
	o := openSite(t)
	lan := o.net.Side("lan")
	run := func(secret string) testbed.SIPpResult {
		got, err := testbed.RunSIPp(soon(t), t, testbed.SIPpOptions{Namespace: lan, Scenario: testbed.Register,
			Local: netip.AddrPortFrom(lan.Addr(12), 0), Target: o.addr, Calls: 200, Rate: 200,
			Inject: testbed.SIPpUsers(t, map[string]string{"202": secret})})
		check(t, err)
		return got
	}
	if got := run(accounts["202"].Secret); got.Successful != 200 {
		t.Errorf("good registrations: %+v", got)
	}
	if got := run("guess"); got.Failed != 200 {
		t.Errorf("guesses: %+v", got)
	}
}
