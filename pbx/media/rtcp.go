package media

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// RTCP packet types (RFC 3550 section 12.1).
const (
	rtcpSR   = 200
	rtcpRR   = 201
	rtcpSDES = 202
	rtcpBYE  = 203
)

// rtcpState is one stream's side of RTCP (RFC 3550 section 6). Owned by the loop.
type rtcpState struct {
	cname   [16]byte
	next    time.Time // of our next report
	sent    uint64    // packets sent when the last report went out
	lastSR  uint32    // middle of the NTP time of the peer's last SR
	srAt    time.Time // when that came
	srFrom  uint32    // SSRC that sent it
	rtt     time.Duration
	lost    uint64
	jitter  time.Duration
	started bool
}

func (r *rtcpState) start(l *loop) {
	r.cname, r.started = l.rand.name(), true
	r.plan(l)
}

// plan sets the next report between 2.5 and 7.5 s from now (section 6.2).
func (r *rtcpState) plan(l *loop) {
	r.next = l.now.Add(2500*time.Millisecond + time.Duration(l.rand.Uint64()%uint64(5*time.Second)))
}

// ntp is the time since the loop was made in units of 2^-32 s: the uptime that
// section 6.4.1 allows where the wall clock is not to be trusted.
func (l *loop) ntp(t time.Time) uint64 {
	d := t.Sub(l.epoch)
	return uint64(d/time.Second)<<32 | uint64(d%time.Second)<<32/uint64(time.Second)
}

// house sends a report when it is time for one.
func (r *rtcpState) house(l *loop, s *Stream) {
	if !r.started || l.now.Before(r.next) {
		return
	}
	r.plan(l)
	r.send(l, s, false)
}

// bye says goodbye if anything was ever said.
func (r *rtcpState) bye(l *loop, s *Stream) {
	if r.started && s.rtp.tx.packets > 0 {
		r.send(l, s, true)
	}
}

func (r *rtcpState) send(l *loop, s *Stream, bye bool) {
	e := s.rtp
	dst := e.rtcpDest
	if !dst.IsValid() || !e.remote.RTP.IsValid() || e.tx.packets == 0 && !e.rx.begun {
		return
	}
	b := r.report(l.out[:0], l, e)
	b = r.description(b, e.tx.ssrc)
	if bye {
		b = append(b, 0x81, rtcpBYE, 0, 1)
		b = binary.BigEndian.AppendUint32(b, e.tx.ssrc)
	}
	r.sent = e.tx.packets
	_ = e.rtcpSock.Write(b, dst) // lost like any other datagram
}

// report appends an SR if something was sent since the last report, else an RR.
func (r *rtcpState) report(b []byte, l *loop, e *rtpEnd) []byte {
	be := binary.BigEndian
	blocks := byte(0)
	if e.rx.begun {
		blocks = 1
	}
	if e.tx.packets > r.sent {
		b = append(b, 0x80|blocks, rtcpSR, 0, 6+6*blocks)
		b = be.AppendUint32(b, e.tx.ssrc)
		b = be.AppendUint64(b, l.ntp(l.now))
		b = be.AppendUint32(b, e.tx.at8k(uint32(samplesBetween(e.tx.at, l.now))))
		b = be.AppendUint32(b, uint32(e.tx.packets))
		b = be.AppendUint32(b, uint32(e.tx.octets))
	} else {
		b = append(b, 0x80|blocks, rtcpRR, 0, 1+6*blocks)
		b = be.AppendUint32(b, e.tx.ssrc)
	}
	if blocks == 0 {
		return b
	}
	b = be.AppendUint32(b, e.latch.ssrc)
	lost := min(e.rx.lost(), 0x7fffff)
	b = be.AppendUint32(b, uint32(e.rx.interval())<<24|uint32(lost))
	b = be.AppendUint32(b, e.rx.max-1<<16)
	b = be.AppendUint32(b, uint32(e.rx.jitter))
	if r.srAt.IsZero() || r.srFrom != e.latch.ssrc {
		return be.AppendUint64(b, 0)
	}
	b = be.AppendUint32(b, r.lastSR)
	return be.AppendUint32(b, units16(l.now.Sub(r.srAt)))
}

// units16 is d in units of 1/65536 s.
func units16(d time.Duration) uint32 { return uint32(d.Microseconds() * 65536 / 1e6) }

// description appends an SDES with our CNAME, 24 octets of chunk.
func (r *rtcpState) description(b []byte, ssrc uint32) []byte {
	b = append(b, 0x81, rtcpSDES, 0, 6)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	b = append(b, 1, byte(len(r.cname)))
	b = append(b, r.cname[:]...)
	return append(b, 0, 0)
}

// receiveRTCP reads what the peer reports. Packets of strangers are dropped.
func (s *Stream) receiveRTCP(l *loop, b []byte, from netip.AddrPort) {
	e := s.rtp
	if !e.latch.knows(from.Addr()) {
		s.stats.Foreign++
		return
	}
	if !validRTCP(b) {
		s.stats.Unknown++
		return
	}
	if e.latch.locked && !e.latch.exact && from.Addr() == e.latch.src.Addr() {
		e.rtcpDest = from // behind a NAT the way back is the way it came
	}
	s.alive(l)
	for len(b) > 0 {
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		e.rtcp.read(l, e.tx.ssrc, b[:n])
		b = b[n:]
	}
}

// validRTCP checks a compound packet (RFC 3550 appendix A.2): a report first, and
// lengths that add up.
func validRTCP(b []byte) bool {
	if len(b) < 8 || b[0]&0x20 != 0 || b[1] != rtcpSR && b[1] != rtcpRR {
		return false
	}
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 {
			return false
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return false
		}
		b = b[n:]
	}
	return true
}

// read takes what is of use from one packet of a compound.
func (r *rtcpState) read(l *loop, own uint32, b []byte) {
	be := binary.BigEndian
	blocks := 8
	switch b[1] {
	case rtcpSR:
		if len(b) < 28 {
			return
		}
		r.srFrom, r.srAt, r.lastSR = be.Uint32(b[4:]), l.now, be.Uint32(b[10:])
		blocks = 28
	case rtcpRR:
	default:
		return
	}
	for range b[0] & 0x1f {
		if blocks+24 > len(b) {
			return
		}
		r.readBlock(l, own, b[blocks:blocks+24])
		blocks += 24
	}
}

func (r *rtcpState) readBlock(l *loop, own uint32, b []byte) {
	be := binary.BigEndian
	if be.Uint32(b) != own {
		return
	}
	lost := int32(be.Uint32(b[4:])<<8) >> 8
	r.lost = uint64(max(0, lost))
	r.jitter = time.Duration(be.Uint32(b[12:])) * time.Second / 8000
	lsr, dlsr := be.Uint32(b[16:]), be.Uint32(b[20:])
	if lsr == 0 {
		return
	}
	rtt := uint32(l.ntp(l.now)>>16) - lsr - dlsr
	if rtt < 60<<16 { // a negative one is the rounding of a short path
		r.rtt = time.Duration(rtt) * time.Second >> 16
	}
}

func (r *rtcpState) figures(st *Stats) {
	st.RTT, st.PeerLost, st.PeerJitter = r.rtt, r.lost, r.jitter
}
