package network

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

var compareAddrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestMessageIsReadAsItWasWritten(t *testing.T) {
	host := rapid.Custom(func(t *rapid.T) netip.Addr {
		return netip.AddrFrom4([4]byte{byte(rapid.IntRange(1, 126).Draw(t, "a")), rapid.Byte().Draw(t, "b"), rapid.Byte().Draw(t, "c"), byte(rapid.IntRange(1, 254).Draw(t, "d"))})
	})
	rapid.Check(t, func(t *rapid.T) {
		m := &message{
			kind: kind(rapid.IntRange(1, 8).Draw(t, "kind")), reply: rapid.Bool().Draw(t, "reply"), xid: rapid.Uint32().Draw(t, "xid"),
			secs: rapid.Uint16().Draw(t, "secs"), broadcast: rapid.Bool().Draw(t, "broadcast"), client: host.Draw(t, "client"), your: host.Draw(t, "your"),
			hardware: [6]byte(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "hardware")), requested: host.Draw(t, "requested"), server: host.Draw(t, "server"),
			mask: rapid.IntRange(1, 32).Draw(t, "mask"), routers: rapid.SliceOfN(host, 1, 3).Draw(t, "routers"), dns: rapid.SliceOfN(host, 1, 3).Draw(t, "dns"),
			ntp: rapid.SliceOfN(host, 1, 3).Draw(t, "ntp"), lease: time.Duration(rapid.Uint32Min(1).Draw(t, "lease")) * time.Second,
			renew: time.Second, rebind: 2 * time.Second, host: "centralino", vendor: "v",
		}
		got, err := parse(m.marshal())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, got, cmp.AllowUnexported(message{}), compareAddrs); d != "" {
			t.Error(d)
		}
	})
}

// offer is an answer of a common home router: options in its own order, the time server
// in two parts, padding between.
func offer(kind byte) []byte {
	b := make([]byte, dhcpHeader)
	b[0], b[1], b[2] = 2, 1, 6
	copy(b[4:], []byte{1, 2, 3, 4})
	copy(b[16:], []byte{192, 168, 1, 77})
	copy(b[28:], []byte{2, 0, 0, 0, 0, 1})
	b = append(b, 0x63, 0x82, 0x53, 0x63)
	return append(b, 53, 1, kind, 0, 0, 54, 4, 192, 168, 1, 1, 51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0,
		3, 4, 192, 168, 1, 1, 6, 8, 192, 168, 1, 1, 9, 9, 9, 9, 42, 2, 192, 168, 42, 2, 1, 5, 255, 1, 2, 3)
}

func TestLeaseOfARouter(t *testing.T) {
	m, err := parse(offer(5))
	if err != nil {
		t.Fatal(err)
	}
	l, ok := leaseOf(m)
	want := Lease{Address: netip.MustParsePrefix("192.168.1.77/24"), Server: addr("192.168.1.1"), Routers: []netip.Addr{addr("192.168.1.1")},
		DNS: []netip.Addr{addr("192.168.1.1"), addr("9.9.9.9")}, NTP: []netip.Addr{addr("192.168.1.5")},
		Lasts: time.Hour, Renew: 30 * time.Minute, Rebind: 3150 * time.Second}
	if d := cmp.Diff(want, l, compareAddrs, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" || !ok {
		t.Errorf("%v %s", ok, d)
	}
}

func TestLeaseIsBelievedWithinBounds(t *testing.T) {
	base := func() *message {
		return &message{kind: kindAck, your: addr("10.0.0.5"), server: addr("10.0.0.1"), mask: 24, lease: time.Hour}
	}
	for _, c := range []struct {
		name string
		edit func(*message)
		ok   bool
		want string
		last time.Duration
	}{
		{"as it should be", func(*message) {}, true, "10.0.0.5/24", time.Hour},
		{"no address", func(m *message) { m.your = netip.Addr{} }, false, "", 0},
		{"an address of everybody", func(m *message) { m.your = addr("255.255.255.255") }, false, "", 0},
		{"loopback", func(m *message) { m.your = addr("127.0.0.1") }, false, "", 0},
		{"no server", func(m *message) { m.server = netip.Addr{} }, false, "", 0},
		{"no network", func(m *message) { m.mask = 0 }, true, "10.0.0.5/24", time.Hour},
		{"a network of one", func(m *message) { m.mask = 32 }, true, "10.0.0.5/32", time.Hour},
		{"a second only", func(m *message) { m.lease = time.Second }, true, "10.0.0.5/24", time.Minute},
		{"for ever", func(m *message) { m.lease = (1<<32 - 1) * time.Second }, true, "10.0.0.5/24", longestLease},
		{"no time at all", func(m *message) { m.lease = 0 }, true, "10.0.0.5/24", time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := base()
			c.edit(m)
			l, ok := leaseOf(m)
			if ok != c.ok || ok && (l.Address.String() != c.want || l.Lasts != c.last || l.Renew <= 0 || l.Renew >= l.Rebind || l.Rebind >= l.Lasts) {
				t.Errorf("%v %+v", ok, l)
			}
		})
	}
}

func TestLinkLocalAddresses(t *testing.T) {
	seen := map[netip.Prefix]bool{}
	for n := range 200 {
		p := linkLocal([6]byte{2, 0, 0, 0, 0, byte(n)}, n)
		a := p.Addr().As4()
		if p.Bits() != 16 || a[0] != 169 || a[1] != 254 || a[2] == 0 || a[2] == 255 {
			t.Errorf("%v is not of RFC 3927 clause 2.1", p)
		}
		if p != linkLocal([6]byte{2, 0, 0, 0, 0, byte(n)}, n) {
			t.Error("the address of a box changes")
		}
		seen[p] = true
	}
	if len(seen) < 190 {
		t.Errorf("only %d different addresses of 200 boxes", len(seen))
	}
}

func TestARPConflict(t *testing.T) {
	own, other, a := [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 0, 2}, addr("169.254.7.7")
	answer := arpProbe(other, addr("0.0.0.0"))
	answer[7] = 2
	copy(answer[14:], []byte{169, 254, 7, 7})
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"its owner answers", answer, true},
		{"somebody else probes for it", arpProbe(other, a), true},
		{"our own probe comes back", arpProbe(own, a), false},
		{"a probe for another address", arpProbe(other, addr("169.254.7.8")), false},
		{"half a packet", answer[:20], false},
		{"nothing", nil, false},
	} {
		if got := arpConflict(c.b, own, a); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(offer(2))
	f.Add((&message{kind: kindDiscover, hardware: [6]byte{1}}).marshal())
	overload := offer(5)
	overload = append(overload[:len(overload)-4], 52, 1, 3, 255)
	f.Add(overload)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		if l, ok := leaseOf(m); ok && (!usable(l.Address.Addr()) || l.Renew <= 0 || l.Rebind <= l.Renew || l.Lasts <= l.Rebind) {
			t.Errorf("lease %+v", l)
		}
		again, err := parse(m.marshal())
		if err != nil && len(m.host) < 256 {
			t.Fatalf("what was read is not read again: %v", err)
		}
		if err == nil && !bytes.Equal(again.marshal(), m.marshal()) {
			t.Error("writing is not stable")
		}
	})
}
