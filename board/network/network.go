// Package network gives the box its address: by DHCP, by what a technician wrote into
// centralino.txt, or, when nobody on the cable gives one, a link-local address. It
// speaks to the kernel and to the cable; what an answer means is decided in functions
// that touch neither.
//
// Run is the only goroutine that changes the interface. A DHCP exchange has a second
// one, which reads the socket and ends with it.
package network

import (
	"net/netip"
	"time"
)

// How an address was come by.
type How string

// Ways to an address.
const (
	None      How = ""
	ByDHCP    How = "dhcp"
	Static    How = "static"
	LinkLocal How = "linkLocal" // RFC 3927: nobody gave one
)

// Settings are what a technician fixed. The zero value asks by DHCP for everything.
type Settings struct {
	Address netip.Prefix // invalid: DHCP
	Gateway netip.Addr   // invalid: none
	DNS     []netip.Addr
	NTP     []string // hosts or addresses
}

// State is what the interface has now.
type State struct {
	Interface string       `json:"interface,omitempty"`
	Cable     bool         `json:"cable"`
	How       How          `json:"how,omitempty"`
	Address   netip.Prefix `json:"address,omitzero"`
	Gateway   netip.Addr   `json:"gateway,omitzero"`
	DNS       []netip.Addr `json:"dns,omitempty"`
	NTP       []string     `json:"ntp,omitempty"`
	Until     time.Time    `json:"until,omitzero"` // end of the lease
}

// Lease is what a DHCP server granted (RFC 2131, 2132).
type Lease struct {
	Address netip.Prefix
	Server  netip.Addr
	Routers []netip.Addr
	DNS     []netip.Addr
	NTP     []netip.Addr
	Lasts   time.Duration // option 51
	Renew   time.Duration // T1, option 58; half of Lasts if the server does not say
	Rebind  time.Duration // T2, option 59; 7/8 of Lasts
}

// leaseOf reads a lease out of an offer or acknowledgement and says false for one that
// cannot be used: without an address of a host, or without its server.
func leaseOf(m *message) (Lease, bool) {
	l := Lease{Server: m.server, Routers: m.routers, DNS: m.dns, NTP: m.ntp}
	bits := m.mask
	if bits <= 0 || bits > 30 && bits < 32 {
		bits = 24 // a server that names no network: the smallest that such routers use
	}
	if !usable(m.your) || !m.server.IsValid() {
		return Lease{}, false
	}
	l.Address = netip.PrefixFrom(m.your, bits)
	l.Lasts = min(max(m.lease, shortestLease), longestLease)
	l.Renew, l.Rebind = l.Lasts/2, l.Lasts*7/8
	if m.renew > 0 && m.renew < l.Lasts && m.rebind > m.renew && m.rebind < l.Lasts {
		l.Renew, l.Rebind = max(m.renew, shortestLease/4), max(m.rebind, shortestLease/2)
	}
	return l, true
}

// A lease is believed within these bounds: a server that grants seconds would have the
// box ask without end, and one that grants 2^32-1 seconds means for ever.
const (
	shortestLease = time.Minute
	longestLease  = 365 * 24 * time.Hour
)

// usable reports an address that a host may have on a cable.
func usable(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && a.As4()[0] < 240 && a.As4()[0] != 0
}

// linkLocal is the n-th link-local address that the owner of a hardware address tries,
// 169.254.1.0 to 169.254.254.255 (RFC 3927 clause 2.1): always the same ones, so that a
// box keeps its address.
func linkLocal(hardware [6]byte, n int) netip.Prefix {
	h := uint32(2166136261) // FNV-1a
	for _, b := range append(hardware[:], byte(n), byte(n>>8)) {
		h = (h ^ uint32(b)) * 16777619
	}
	h %= 254 * 256
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254, byte(1 + h>>8), byte(h)}), 16)
}
