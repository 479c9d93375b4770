package sip_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/sip"
)

// zone is a Resolver of fixed records.
type zone struct {
	srv     map[string][]*net.SRV // "udp example.com"
	hosts   map[string][]netip.Addr
	lookups int
}

func (z *zone) LookupSRV(_ context.Context, _, proto, name string) (string, []*net.SRV, error) {
	z.lookups++
	if r := z.srv[proto+" "+name]; r != nil {
		return name, r, nil
	}
	return "", nil, errors.New("no such host")
}

func (z *zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	z.lookups++
	if a := z.hosts[host]; a != nil {
		return a, nil
	}
	return nil, errors.New("no such host")
}

func TestServersOfAName(t *testing.T) {
	first, second := netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.12")
	records := []*net.SRV{{Target: "a.example.com.", Port: 5060, Priority: 1}, {Target: "b.example.com.", Port: 5060, Priority: 2}}
	hosts := map[string][]netip.Addr{"a.example.com": {first}, "b.example.com": {second}, "c.example.com": {netip.MustParseAddr("2001:db8::1"), second}}
	cases := []struct {
		name, target string
		zone         zone
		up           []netip.Addr // servers that answer
		busy         bool         // the first answers 503
		want         string       // who answered, after what time
	}{
		{"SRV over UDP, the first record", "example.com", zone{srv: map[string][]*net.SRV{"udp example.com": records}}, []netip.Addr{first, second}, false, "192.0.2.11 0s"},
		{"the first server is silent: the second after 3.5 s", "example.com", zone{srv: map[string][]*net.SRV{"udp example.com": records}}, []netip.Addr{second}, false, "192.0.2.12 3.5s"},
		{"the first server is overloaded: the second at once", "example.com", zone{srv: map[string][]*net.SRV{"udp example.com": records}}, []netip.Addr{first, second}, true, "192.0.2.12 0s"},
		{"only TCP records", "example.com", zone{srv: map[string][]*net.SRV{"tcp example.com": records}}, []netip.Addr{first}, false, "192.0.2.11 0s"},
		{"no records: addresses of our family", "c.example.com", zone{}, []netip.Addr{second}, false, "192.0.2.12 0s"},
		{"with a port no SRV is asked", "b.example.com:5060", zone{}, []netip.Addr{second}, false, "192.0.2.12 0s"},
		{"an address needs no resolver", "192.0.2.12", zone{}, []netip.Addr{second}, false, "192.0.2.12 0s"},
		{"no server answers at all", "example.com", zone{srv: map[string][]*net.SRV{"udp example.com": records}}, nil, false, "no answer in time 35.5s"},
		{"the name is unknown", "nowhere.example.com", zone{}, nil, false, "transport failed 0s"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sip.NewMemNet()
				for i, ip := range c.up {
					startStack(t, m, ip, &handler{stateless: func(r *sip.Request) *sip.Response {
						if c.busy && i == 0 {
							return sip.NewResponse(r, 503, "")
						}
						resp := sip.NewResponse(r, 200, "")
						resp.AddHeader("X-Server", ip.String())
						return resp
					}}, nil)
				}
				c.zone.hosts = hosts
				box := startStack(t, m, boxIP, &handler{}, func(o *sip.Options) { o.Resolver = &c.zone })
				to, err := sip.ParseTarget(c.target)
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				resp, err := box.Do(t.Context(), sip.NewRequest(sip.OPTIONS, sip.NewURI("", "example.com", 0)), to)
				got := ""
				if err != nil {
					got, _, _ = strings.Cut(err.Error(), ":")
				} else {
					got, _ = resp.Header("X-Server")
				}
				if got = fmt.Sprint(got, " ", time.Since(begin)); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				lookups := c.zone.lookups
				if _, err := box.Do(t.Context(), sip.NewRequest(sip.OPTIONS, sip.NewURI("", "example.com", 0)), to); err == nil && c.zone.lookups != lookups {
					t.Errorf("asked again within 30 s")
				}
				if n := box.Transactions(); n != 0 {
					t.Errorf("%d transactions left", n)
				}
			})
		})
	}
}

func TestParseTarget(t *testing.T) {
	cases := []struct {
		in   string
		want sip.Target
		ok   bool
	}{
		{"sip.example.com", sip.Target{Host: "sip.example.com"}, true},
		{"sip.example.com:5070", sip.Target{Host: "sip.example.com", Port: 5070}, true},
		{"10.0.0.1", sip.Target{Host: "10.0.0.1"}, true},
		{"10.0.0.1:5080;transport=TCP", sip.Target{Transport: "tcp", Host: "10.0.0.1", Port: 5080}, true},
		{"2001:db8::1", sip.Target{Host: "2001:db8::1"}, true},
		{"[2001:db8::1]:5060", sip.Target{Host: "2001:db8::1", Port: 5060}, true},
		{"example.com;transport=tls", sip.Target{}, false},
		{"example.com:70000", sip.Target{}, false},
		{"a b", sip.Target{}, false},
		{"", sip.Target{}, false},
	}
	for _, c := range cases {
		got, err := sip.ParseTarget(c.in)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%q: %+v, %v", c.in, got, err)
		}
	}
}

func TestFlowsReuseTheirConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		var flow sip.Flow
		box := startStack(t, m, boxIP, &handler{stateless: func(r *sip.Request) *sip.Response {
			flow = r.Flow()
			return sip.NewResponse(r, 200, "")
		}}, nil)
		phone := startStack(t, m, phoneIP, &handler{stateless: func(r *sip.Request) *sip.Response {
			return sip.NewResponse(r, 202, "")
		}}, nil)
		do := func(s *sip.Stack, to sip.Destination) (*sip.Response, error) {
			return s.Do(t.Context(), sip.NewRequest(sip.OPTIONS, sip.NewURI("", "x", 0)), to)
		}
		if _, err := do(phone, target(boxIP, sip.TCP)); err != nil {
			t.Fatal(err)
		}
		if flow.Transport() != sip.TCP || flow.Remote().Addr() != phoneIP || flow.Remote().Port() == 5060 {
			t.Fatalf("flow %v", flow)
		}
		resp, err := do(box, flow) // back over the phone's connection, not to its listener
		if err != nil || resp.Status() != 202 || resp.Flow().Remote() != flow.Remote() {
			t.Errorf("%v, %v", resp, err)
		}
		gone := sip.NewFlow(sip.TCP, netip.AddrPort{}, netip.AddrPortFrom(phoneIP, 40000))
		if _, err := do(box, gone); !errors.Is(err, sip.ErrTransport) {
			t.Errorf("over a dead flow: %v", err)
		}
	})
}

func TestLocalContactNamesTheWayTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		box := startStack(t, m, boxIP, &handler{}, func(o *sip.Options) {
			o.UDP = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:5060")}
		})
		req := sip.NewRequest(sip.REGISTER, sip.NewURI("", phoneIP.String(), 0))
		req.LocalContact("39 02", ";expires=60")
		if _, err := box.Send(req, target(phoneIP, sip.UDP), func(*sip.Response, error) {}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got, err := sip.ParseRequest([]byte(peer.take()[0].text))
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := got.Header("Contact"); c != "<sip:39%2002@192.0.2.1:5060>;expires=60" {
			t.Errorf("Contact %s", c)
		}
		if v, _ := got.Header("Via"); !strings.HasPrefix(v, "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK") {
			t.Errorf("Via %s", v)
		}
	})
}
