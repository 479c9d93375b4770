package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtcp"
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
	packets := []rtcp.Packet{r.report(l, e), rtcp.NewCNAMESourceDescription(e.tx.ssrc, string(r.cname[:]))}
	if bye {
		packets = append(packets, &rtcp.Goodbye{Sources: []uint32{e.tx.ssrc}})
	}
	r.sent = e.tx.packets
	if b, err := rtcp.Marshal(packets); err == nil {
		_ = e.rtcpSock.Write(b, dst) // lost like any other datagram
	}
}

// report is an SR if something was sent since the last report, else an RR.
func (r *rtcpState) report(l *loop, e *rtpEnd) rtcp.Packet {
	blocks := r.blocks(l, e)
	if e.tx.packets == r.sent {
		return &rtcp.ReceiverReport{SSRC: e.tx.ssrc, Reports: blocks}
	}
	return &rtcp.SenderReport{
		SSRC: e.tx.ssrc, NTPTime: l.ntp(l.now), RTPTime: e.tx.at8k(uint32(samplesBetween(e.tx.at, l.now))),
		PacketCount: uint32(e.tx.packets), OctetCount: uint32(e.tx.octets), Reports: blocks,
	}
}

// blocks reports what was received, nothing before anything was.
func (r *rtcpState) blocks(l *loop, e *rtpEnd) []rtcp.ReceptionReport {
	if !e.rx.begun {
		return nil
	}
	b := rtcp.ReceptionReport{
		SSRC: e.latch.ssrc, FractionLost: e.rx.interval(), TotalLost: uint32(min(e.rx.lost(), 0x7fffff)),
		LastSequenceNumber: e.rx.max - 1<<16, Jitter: uint32(e.rx.jitter),
	}
	if !r.srAt.IsZero() && r.srFrom == e.latch.ssrc {
		b.LastSenderReport, b.Delay = r.lastSR, units16(l.now.Sub(r.srAt))
	}
	return []rtcp.ReceptionReport{b}
}

// units16 is d in units of 1/65536 s.
func units16(d time.Duration) uint32 { return uint32(d.Microseconds() * 65536 / 1e6) }

// receiveRTCP reads what the peer reports. Packets of strangers are dropped.
func (s *Stream) receiveRTCP(l *loop, b []byte, from netip.AddrPort) {
	e := s.rtp
	if !e.latch.knows(from.Addr()) {
		s.foreign()
		return
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil || !reportFirst(packets) {
		s.unknown()
		return
	}
	if e.latch.locked && !e.latch.exact && from.Addr() == e.latch.src.Addr() {
		e.rtcpDest = from // behind a NAT the way back is the way it came
	}
	s.alive(l)
	for _, p := range packets {
		e.rtcp.read(l, e.tx.ssrc, p)
	}
}

// reportFirst checks that a compound packet begins with a report (RFC 3550 appendix
// A.2). One without a source description is taken: phones send them.
func reportFirst(packets []rtcp.Packet) bool {
	if len(packets) == 0 {
		return false
	}
	switch packets[0].(type) {
	case *rtcp.SenderReport, *rtcp.ReceiverReport:
		return true
	}
	return false
}

// read takes what is of use from one packet of a compound.
func (r *rtcpState) read(l *loop, own uint32, p rtcp.Packet) {
	var blocks []rtcp.ReceptionReport
	switch p := p.(type) {
	case *rtcp.SenderReport:
		r.srFrom, r.srAt, r.lastSR = p.SSRC, l.now, uint32(p.NTPTime>>16)
		blocks = p.Reports
	case *rtcp.ReceiverReport:
		blocks = p.Reports
	}
	for i := range blocks {
		r.readBlock(l, own, &blocks[i])
	}
}

func (r *rtcpState) readBlock(l *loop, own uint32, b *rtcp.ReceptionReport) {
	if b.SSRC != own {
		return
	}
	lost := int32(b.TotalLost<<8) >> 8 // a signed number of 24 bits
	r.lost = uint64(max(0, lost))
	r.jitter = time.Duration(b.Jitter) * time.Second / 8000
	if b.LastSenderReport == 0 {
		return
	}
	rtt := uint32(l.ntp(l.now)>>16) - b.LastSenderReport - b.Delay
	if rtt < 60<<16 { // a negative one is the rounding of a short path
		r.rtt = time.Duration(rtt) * time.Second >> 16
	}
}

func (r *rtcpState) figures(st *Stats) {
	st.RTT, st.PeerLost, st.PeerJitter = r.rtt, r.lost, r.jitter
}
