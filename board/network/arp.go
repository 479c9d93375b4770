package network

import (
	"encoding/binary"
	"net/netip"
)

// arpLength is that of an ARP packet for IPv4 on Ethernet (RFC 826).
const arpLength = 28

// arpProbe asks for an address without claiming it: its sender has the address 0.0.0.0
// (RFC 5227 clause 2.1.1).
func arpProbe(hardware [6]byte, a netip.Addr) []byte {
	b := make([]byte, arpLength)
	copy(b, []byte{0, 1, 8, 0, 6, 4, 0, 1})
	copy(b[8:], hardware[:])
	put4(b[24:], a)
	return b
}

// arpConflict reports a packet of somebody who has the address, or who probes for it at
// the same time.
func arpConflict(b []byte, own [6]byte, a netip.Addr) bool {
	if len(b) < arpLength || binary.BigEndian.Uint32(b) != 0x00010800 || b[4] != 6 || b[5] != 4 || [6]byte(b[8:14]) == own {
		return false
	}
	sender, target := netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28]))
	probe := binary.BigEndian.Uint16(b[6:]) == 1 && sender.IsUnspecified()
	return sender == a || probe && target == a
}
