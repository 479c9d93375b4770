package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"time"
)

// kind is a DHCP message type (RFC 2132 clause 9.6).
type kind byte

const (
	kindDiscover kind = 1
	kindOffer    kind = 2
	kindRequest  kind = 3
	kindAck      kind = 5
	kindNak      kind = 6
	kindRelease  kind = 7
)

// message is a DHCP message as this client writes and reads it (RFC 2131 figure 1).
type message struct {
	kind      kind
	reply     bool // op: 1 request, 2 reply
	xid       uint32
	secs      uint16
	broadcast bool       // the answer must not go to an address that we do not have yet
	client    netip.Addr // ciaddr: an address that we have; invalid: none
	your      netip.Addr // yiaddr
	hardware  [6]byte

	requested netip.Addr // option 50
	server    netip.Addr // option 54
	mask      int        // length of the network part, option 1; 0: not said
	routers   []netip.Addr
	dns       []netip.Addr
	ntp       []netip.Addr // option 42
	lease     time.Duration
	renew     time.Duration
	rebind    time.Duration
	host      string // option 12
	vendor    string // option 60
}

// Options of RFC 2132.
const (
	optPad       = 0
	optMask      = 1
	optRouter    = 3
	optDNS       = 6
	optHost      = 12
	optNTP       = 42
	optRequested = 50
	optLease     = 51
	optOverload  = 52
	optType      = 53
	optServer    = 54
	optList      = 55
	optSize      = 57
	optRenew     = 58
	optRebind    = 59
	optVendor    = 60
	optID        = 61
	optEnd       = 255
)

const (
	dhcpHeader = 236
	dhcpCookie = 0x63825363
	maxServers = 8 // of one kind that are kept of an answer
)

// marshal writes the message, padded to the 300 octets that old relays ask for.
func (m *message) marshal() []byte {
	b := make([]byte, dhcpHeader, 576)
	b[0], b[1], b[2] = 1, 1, 6
	if m.reply {
		b[0] = 2
	}
	binary.BigEndian.PutUint32(b[4:], m.xid)
	binary.BigEndian.PutUint16(b[8:], m.secs)
	if m.broadcast {
		b[10] = 0x80
	}
	put4(b[12:], m.client)
	put4(b[16:], m.your)
	copy(b[28:], m.hardware[:])
	b = binary.BigEndian.AppendUint32(b, dhcpCookie)
	b = append(b, optType, 1, byte(m.kind))
	b = append(b, optID, 7, 1)
	b = append(b, m.hardware[:]...)
	b = appendAddrs(b, optRequested, m.requested)
	b = appendAddrs(b, optServer, m.server)
	if m.mask > 0 {
		b = binary.BigEndian.AppendUint32(append(b, optMask, 4), ^uint32(0)<<(32-m.mask))
	}
	b = appendAddrs(b, optRouter, m.routers...)
	b = appendAddrs(b, optDNS, m.dns...)
	b = appendAddrs(b, optNTP, m.ntp...)
	b = appendSeconds(b, optLease, m.lease)
	b = appendSeconds(b, optRenew, m.renew)
	b = appendSeconds(b, optRebind, m.rebind)
	b = appendText(b, optHost, m.host)
	b = appendText(b, optVendor, m.vendor)
	if !m.reply && m.kind != kindRelease {
		b = append(b, optSize, 2, 1500>>8, 1500&0xff)
		b = append(b, optList, 7, optMask, optRouter, optDNS, optNTP, optLease, optRenew, optRebind)
	}
	b = append(b, optEnd)
	for len(b) < 300 {
		b = append(b, optPad)
	}
	return b
}

func put4(b []byte, a netip.Addr) {
	if a.Is4() {
		v := a.As4()
		copy(b, v[:])
	}
}

func appendAddrs(b []byte, option byte, addrs ...netip.Addr) []byte {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !a.Is4() })
	if len(addrs) == 0 {
		return b
	}
	b = append(b, option, byte(4*len(addrs)))
	for _, a := range addrs {
		v := a.As4()
		b = append(b, v[:]...)
	}
	return b
}

func appendSeconds(b []byte, option byte, d time.Duration) []byte {
	if d <= 0 {
		return b
	}
	return binary.BigEndian.AppendUint32(append(b, option, 4), uint32(min(d/time.Second, 1<<32-1)))
}

func appendText(b []byte, option byte, s string) []byte {
	if s == "" || len(s) > 255 {
		return b
	}
	return append(append(b, option, byte(len(s))), s...)
}

var errNotDHCP = errors.New("not a DHCP message")

// parse reads a message that came from the cable. Options that stand more than once are
// joined (RFC 3396), also those in the fields of file and server name (option 52).
// Unknown options and values of a wrong length are ignored.
func parse(b []byte) (*message, error) {
	if len(b) < dhcpHeader+4 || b[1] != 1 || b[2] != 6 || binary.BigEndian.Uint32(b[dhcpHeader:]) != dhcpCookie {
		return nil, errNotDHCP
	}
	m := &message{reply: b[0] == 2, xid: binary.BigEndian.Uint32(b[4:]), secs: binary.BigEndian.Uint16(b[8:]),
		broadcast: b[10]&0x80 != 0, client: addr4(b[12:]), your: addr4(b[16:]), hardware: [6]byte(b[28:34])}
	options := map[byte][]byte{}
	collect(options, b[dhcpHeader+4:])
	if o := options[optOverload]; len(o) == 1 {
		if o[0]&1 != 0 {
			collect(options, b[108:236])
		}
		if o[0]&2 != 0 {
			collect(options, b[44:108])
		}
	}
	if t := options[optType]; len(t) == 1 {
		m.kind = kind(t[0])
	}
	if m.kind == 0 {
		return nil, fmt.Errorf("%w: it has no type", errNotDHCP) // BOOTP
	}
	m.requested, m.server = first(addrs(options[optRequested])), first(addrs(options[optServer]))
	m.routers, m.dns, m.ntp = addrs(options[optRouter]), addrs(options[optDNS]), addrs(options[optNTP])
	if o := options[optMask]; len(o) == 4 {
		mask := binary.BigEndian.Uint32(o)
		if n := bits.LeadingZeros32(^mask); mask == ^uint32(0)<<(32-n) {
			m.mask = n
		}
	}
	m.lease, m.renew, m.rebind = seconds(options[optLease]), seconds(options[optRenew]), seconds(options[optRebind])
	m.host, m.vendor = string(options[optHost]), string(options[optVendor])
	return m, nil
}

// collect adds the options in b to those that there are.
func collect(options map[byte][]byte, b []byte) {
	for len(b) > 0 && b[0] != optEnd {
		if b[0] == optPad {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return
		}
		options[b[0]] = append(options[b[0]], b[2:2+int(b[1])]...)
		b = b[2+int(b[1]):]
	}
}

// addr4 reads an address; none for 0.0.0.0.
func addr4(b []byte) netip.Addr {
	if a := netip.AddrFrom4([4]byte(b[:4])); !a.IsUnspecified() {
		return a
	}
	return netip.Addr{}
}

// addrs reads a list of hosts' addresses, at most maxServers.
func addrs(b []byte) (list []netip.Addr) {
	for ; len(b) >= 4 && len(list) < maxServers; b = b[4:] {
		if a := addr4(b); usable(a) {
			list = append(list, a)
		}
	}
	return list
}

func first(list []netip.Addr) netip.Addr {
	if len(list) == 0 {
		return netip.Addr{}
	}
	return list[0]
}

func seconds(b []byte) time.Duration {
	if len(b) != 4 {
		return 0
	}
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Second
}
