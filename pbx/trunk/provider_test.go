package trunk_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/internal/testbed"
	"centralino/pbx/dialog"
	"centralino/pbx/sip"
	"centralino/pbx/trunk"
)

// outside is a box with one trunk to a real provider (Kamailio) on the other end of
// a cable, where a real phone (baresip) is a subscriber too.
type outside struct {
	net      *testbed.Net
	provider *testbed.Provider
	agent    *dialog.Agent
	trunk    *trunk.Trunk
	states   chan trunk.State
	calls    chan *dialog.Leg
	events   chan dialog.Event // of incoming legs
	stop     func()            // ends the trunk in order, the SIP wire still up
}

const account, phoneUser = "390212345678", "393331234567"

func providerOptions(net *testbed.Net) testbed.ProviderOptions {
	return testbed.ProviderOptions{
		Namespace: net.Side("wan"), Addr: netip.AddrPortFrom(net.Side("wan").Addr(11), 5060),
		Accounts: map[string]string{account: password, phoneUser: "phone-secret"},
		Numbers:  map[string]string{"0212345678": account, "0212345679": account, "+393331234567": phoneUser},
	}
}

func connect(t *testing.T, setProvider func(*testbed.ProviderOptions), setTrunk func(*trunk.Options)) *outside {
	t.Helper()
	testbed.Need(t, "kamailio")
	o := &outside{net: testbed.NewNet(t, "wan"),
		states: make(chan trunk.State, 100), calls: make(chan *dialog.Leg, 10), events: make(chan dialog.Event, 100)}
	po := providerOptions(o.net)
	if setProvider != nil {
		setProvider(&po)
	}
	o.provider = testbed.StartProvider(t, po)
	quiet := slog.New(slog.DiscardHandler)
	here := netip.AddrPortFrom(o.net.BoxAddr("wan"), 5060)
	var stack *sip.Stack
	var err error
	if e := testbed.InNamespace(o.net.Box(), func() {
		stack, err = sip.New(sip.Options{Net: sip.KernelNet{}, UDP: []netip.AddrPort{here}, Log: quiet})
	}); e != nil || err != nil {
		t.Fatal(e, err)
	}
	o.agent = dialog.New(stack, dialog.Options{Log: quiet, Admit: func(req *sip.Request) (dialog.Identity, *sip.Response) {
		if o.trunk.Matches(req) {
			return dialog.Identity{Trunk: o.trunk.Line()}, nil
		}
		return dialog.Identity{}, sip.NewResponse(req, 403, "")
	}, Incoming: func(l *dialog.Leg) {
		l.Listen(func(e dialog.Event) { o.events <- e })
		o.calls <- l
	}})
	to := trunk.Options{Line: "line-3", Stack: stack, Plan: italy, Secret: password, Log: quiet,
		OnState: func(s trunk.State) { o.states <- s },
		Config: office.Trunk{Server: po.Addr.String(), Domain: po.Addr.Addr().String(), User: account, Transport: "udp",
			Register: true, Expires: time.Minute, NumberFormat: "e164"}}
	if setTrunk != nil {
		setTrunk(&to)
	}
	if o.trunk, err = trunk.New(to); err != nil {
		t.Fatal(err)
	}
	o.run(t, stack)
	return o
}

func (o *outside) run(t *testing.T, stack *sip.Stack) {
	wire, closeWire := context.WithCancel(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	wireDone, done := make(chan error, 1), make(chan error, 1)
	go func() { wireDone <- stack.Run(wire) }()
	go func() { done <- o.trunk.Run(ctx) }()
	ended := false
	o.stop = func() {
		if !ended {
			ended = true
			cancel()
			<-done
		}
	}
	t.Cleanup(func() {
		o.stop()
		closeWire()
		<-wireDone
	})
}

// await waits for a state.
func (o *outside) await(t *testing.T, phase trunk.Phase) trunk.State {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case s := <-o.states:
			if s.Phase == phase {
				return s
			}
		case <-late:
			t.Fatalf("no state %s; it is %+v", phase, o.trunk.State())
		}
	}
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (o *outside) phone(t *testing.T) *testbed.Phone {
	t.Helper()
	testbed.Need(t, "baresip")
	wan := o.net.Side("wan")
	p := testbed.StartPhone(t, testbed.PhoneOptions{Namespace: wan, Addr: wan.Addr(12), User: phoneUser,
		Password: "phone-secret", Registrar: o.provider.Addr})
	check(t, p.WaitRegistered(soon(t)))
	return p
}

func TestARealProviderTakesTheRegistration(t *testing.T) {
	t.Parallel()
	o := connect(t, func(p *testbed.ProviderOptions) { p.ServiceRoute = true }, func(o *trunk.Options) { o.Config.Expires = 4 * time.Second })
	s := o.await(t, trunk.Registered)
	if s.Server != o.provider.Addr {
		t.Errorf("registered at %s", s.Server)
	}
	first, err := o.provider.WaitBinding(soon(t), account)
	check(t, err)
	if !strings.HasPrefix(first.Contact, "sip:line-") || !strings.Contains(first.Contact, "@10.77.0.1:5060") {
		t.Errorf("contact %s", first.Contact)
	}
	route := fmt.Sprintf("<sip:%s;lr>", o.provider.Addr)
	if h := o.trunk.Invite("112", "").Headers; len(h) != 1 || h[0].Value != route {
		t.Errorf("route of calls: %v", h)
	}
	for { // a refresh shows in the sequence number
		b, err := o.provider.WaitBinding(soon(t), account)
		check(t, err)
		if b.CSeq > first.CSeq {
			break
		}
	}
	o.stop()
	check(t, o.provider.WaitNoBinding(soon(t), account))
}

func TestARealProviderRefusesTheWrongPassword(t *testing.T) {
	t.Parallel()
	o := connect(t, nil, func(o *trunk.Options) { o.Secret = "wrong" })
	if s := o.await(t, trunk.Failed); s.Cause != trunk.CausePassword || s.Code != 401 {
		t.Errorf("state %+v", s)
	}
}

func TestARealProviderWithSHA256AndALongestExpiry(t *testing.T) {
	t.Parallel()
	o := connect(t, func(p *testbed.ProviderOptions) { p.Algorithm, p.MinExpires, p.Expires = "SHA-256", 90, 100 },
		func(o *trunk.Options) { o.Config.Expires = 30 * time.Second })
	s := o.await(t, trunk.Registered)
	if left := time.Until(s.Expires); left < 85*time.Second || left > 91*time.Second {
		t.Errorf("granted %v, want the provider's shortest", left)
	}
}

func TestAProviderThatWasAwayIsFoundAgain(t *testing.T) {
	t.Parallel()
	o := connect(t, nil, func(o *trunk.Options) { o.Watch = time.Second })
	o.await(t, trunk.Registered)
	o.provider.Process.Kill()
	if s := o.await(t, trunk.Failed); s.Cause != trunk.CauseUnreachable {
		t.Errorf("state %+v", s)
	}
	o.provider = testbed.StartProvider(t, providerOptions(o.net))
	o.await(t, trunk.Registered)
	_, err := o.provider.WaitBinding(soon(t), account)
	check(t, err)
}

func TestARealSubscriberCallsTheTrunk(t *testing.T) {
	t.Parallel()
	o := connect(t, nil, nil)
	o.await(t, trunk.Registered)
	p := o.phone(t)
	check(t, p.Dial(soon(t), "0212345679"))
	var leg *dialog.Leg
	select {
	case leg = <-o.calls:
	case <-soon(t).Done():
		t.Fatal("no call came")
	}
	if leg.Identity().Trunk != "line-3" {
		t.Errorf("admitted as %+v", leg.Identity())
	}
	caller, called := o.trunk.Caller(leg.Request())
	if caller != phoneUser || called != "0212345679" {
		t.Errorf("%q calls %q", caller, called)
	}
	leg.Reject(486, "")
	e, err := p.Wait(soon(t), "CALL_CLOSED")
	check(t, err)
	if !strings.Contains(e.Param, "486") {
		t.Errorf("the caller is told %q", e.Param)
	}
}

const offer = "v=0\r\no=- 1 1 IN IP4 10.77.0.1\r\ns=-\r\nc=IN IP4 10.77.0.1\r\nt=0 0\r\nm=audio 16384 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"

func TestTheTrunkCallsARealSubscriber(t *testing.T) {
	t.Parallel()
	o := connect(t, nil, nil)
	o.await(t, trunk.Registered)
	p := o.phone(t)
	events := make(chan dialog.Event, 20)
	call := o.trunk.Invite("+393331234567", "+390212345678")
	call.SDP = []byte(offer)
	call.On = func(e dialog.Event) { events <- e }
	leg := o.agent.Invite(call)
	_, err := p.Wait(soon(t), "CALL_ESTABLISHED")
	check(t, err)
	ctx := soon(t)
	for {
		select {
		case e := <-events:
			switch e := e.(type) {
			case dialog.Accepted:
				leg.Bye("")
				continue
			case dialog.Lost:
				if e.Cause != dialog.ByeSent {
					t.Fatalf("ended by %v", e)
				}
			case dialog.Failed:
				t.Fatalf("failed: %d %s", e.Code, e.Reason)
			default:
				continue
			}
		case <-ctx.Done():
			t.Fatal("no end of the call")
		}
		break
	}
	_, err = p.Wait(soon(t), "CALL_CLOSED")
	check(t, err)
}

func TestARealProviderOverTCP(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "kamailio")
	// A connection is opened by a goroutine of the wire's own, which is not in a
	// namespace: this provider is on the loopback interface.
	var here *testbed.Namespace
	free, err := here.ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	check(t, err)
	addr := netip.MustParseAddrPort(free.LocalAddr().String())
	free.Close()
	p := testbed.StartProvider(t, testbed.ProviderOptions{Addr: addr, Accounts: map[string]string{account: password}})
	quiet := slog.New(slog.DiscardHandler)
	loop := netip.MustParseAddrPort("127.0.0.1:0")
	stack, err := sip.New(sip.Options{Net: sip.KernelNet{}, UDP: []netip.AddrPort{loop}, TCP: []netip.AddrPort{loop}, Log: quiet})
	check(t, err)
	dialog.New(stack, dialog.Options{Log: quiet})
	o := &outside{provider: p, states: make(chan trunk.State, 100)}
	o.trunk, err = trunk.New(trunk.Options{Line: "line-4", Stack: stack, Plan: italy, Secret: password, Log: quiet,
		OnState: func(s trunk.State) { o.states <- s },
		Config:  office.Trunk{Server: addr.String(), User: account, Transport: "tcp", Register: true, Expires: time.Minute}})
	check(t, err)
	o.run(t, stack)
	o.await(t, trunk.Registered)
	b, err := p.WaitBinding(soon(t), account)
	check(t, err)
	if !strings.HasSuffix(b.Contact, ";transport=tcp") {
		t.Errorf("contact %s", b.Contact)
	}
	o.stop()
	check(t, p.WaitNoBinding(soon(t), account))
}
