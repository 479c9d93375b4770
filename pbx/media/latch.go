package media

import (
	"net/netip"
	"time"
)

// latch decides whose packets are the peer's.
//
//	         packet from the signalled address
//	open ─────────────────────────────────────────▶ locked (exact)
//	  │ 3 consecutive packets of one source,              ▲
//	  │ from a signalled host, within the window          │ packet from the signalled
//	  └───────────────────────────────▶ locked (learned) ─┘ address, within the window
//
// A locked source is an address, port and SSRC; another SSRC of the same source
// needs three consecutive packets. A change of the signalled address opens the
// latch again. Hosts that were not signalled are never heard (RTP bleed).
type latch struct {
	signalled netip.AddrPort
	via       netip.Addr
	until     time.Time

	locked bool
	exact  bool
	src    netip.AddrPort
	ssrc   uint32

	cand     netip.AddrPort
	candSSRC uint32
	candSeq  uint16
	candN    int
}

// consecutive packets make a source believed.
const consecutive = 3

// signal tells what the peer's SDP and SIP say now.
func (l *latch) signal(rtp netip.AddrPort, via netip.Addr, until time.Time) {
	if rtp == l.signalled && via == l.via {
		return
	}
	*l = latch{signalled: rtp, via: via, until: until}
}

// dest is where to send: the learned source, else the signalled address.
func (l *latch) dest() netip.AddrPort {
	if l.locked {
		return l.src
	}
	return l.signalled
}

// knows reports whether host may speak to us at all.
func (l *latch) knows(host netip.Addr) bool {
	return host == l.signalled.Addr() || host == l.via && host.IsValid()
}

// accept decides about one packet, of a payload type that was agreed. Fresh is
// true for the first packet of an SSRC.
func (l *latch) accept(now time.Time, from netip.AddrPort, ssrc uint32, seq uint16) (ok, fresh bool) {
	if l.locked && from == l.src && ssrc == l.ssrc {
		return true, false
	}
	exact := from == l.signalled
	inWindow := now.Before(l.until)
	switch {
	case !l.knows(from.Addr()):
		return false, false
	case exact && !l.locked, exact && !l.exact && inWindow:
		l.lock(from, ssrc, true)
		return true, true
	case l.locked && from != l.src, !l.locked && !inWindow:
		return false, false
	}
	if from != l.cand || ssrc != l.candSSRC || seq != l.candSeq+1 {
		l.cand, l.candSSRC, l.candN = from, ssrc, 0
	}
	l.candSeq = seq
	l.candN++
	if l.candN < consecutive {
		return false, false
	}
	l.lock(from, ssrc, exact)
	return true, true
}

func (l *latch) lock(src netip.AddrPort, ssrc uint32, exact bool) {
	l.locked, l.exact, l.src, l.ssrc, l.candN = true, exact, src, ssrc, 0
}
