package media

import (
	"net/netip"
	"time"

	"centralino/internal/audio"
)

// rtpEnd is the RTP side of a stream. Owned by the loop, once attached.
type rtpEnd struct {
	rtpSock, rtcpSock Socket
	token             uint32
	ticking           bool

	remote      Remote
	packetBytes int // length of the packets that we make
	latch       latch
	rtcpDest    netip.AddrPort
	tx          sender
	rx          receiver
	keys        keyDetector
	rtcp        rtcpState

	active bool      // a first packet was heard, and no Inactive since
	heard  bool      // a packet was ever heard
	since  time.Time // silence is counted from here; zero: nothing is expected
}

func newRTPEnd(rtp, rtcp Socket) *rtpEnd {
	return &rtpEnd{rtpSock: rtp, rtcpSock: rtcp, packetBytes: FrameBytes}
}

func (s *Stream) setRemote(r Remote) {
	l, e := s.loop.Load(), s.rtp
	if e.tx.ssrc == 0 {
		e.tx.start(l.rand)
		e.rtcp.start(l)
	}
	if !r.RTP.IsValid() || r.RTP.Addr().IsUnspecified() || r.RTP.Port() == 0 {
		r.RTP = netip.AddrPort{}
	}
	r.RTP = netip.AddrPortFrom(r.RTP.Addr().Unmap(), r.RTP.Port())
	if !r.RTCP.IsValid() && r.RTP.IsValid() && r.RTP.Port() < 65535 {
		r.RTCP = netip.AddrPortFrom(r.RTP.Addr(), r.RTP.Port()+1)
	}
	r.Signalled = r.Signalled.Unmap()
	e.remote = r
	e.packetBytes = FrameBytes
	if n := audio.Samples(r.Ptime); n > 0 && n%80 == 0 && n <= maxPtimeBytes {
		e.packetBytes = n
	}
	if e.tx.pendN >= e.packetBytes {
		e.tx.pendN = 0
	}
	e.latch.signal(r.RTP, r.Signalled, l.now.Add(l.o.LatchWindow))
	e.rtcpDest = r.RTCP
	e.since = time.Time{}
	if r.RTP.IsValid() && r.Direction.Receives() {
		e.since = l.now
	}
}

// sendTo is where sound may be sent now, and false if nowhere.
func (e *rtpEnd) sendTo() (netip.AddrPort, bool) {
	if !e.remote.RTP.IsValid() || !e.remote.Direction.Sends() {
		return netip.AddrPort{}, false
	}
	return e.latch.dest(), true
}

// write sends one packet. What the kernel refuses is lost, as on any network.
func (e *rtpEnd) write(b []byte, dst netip.AddrPort) {
	if e.rtpSock.Write(b, dst) == nil {
		e.tx.packets++
		e.tx.octets += uint64(len(b) - rtpHeader)
	}
}

// receiveRTP does everything that one packet from the network calls for.
func (s *Stream) receiveRTP(l *loop, b []byte, from netip.AddrPort) {
	e := s.rtp
	h, ok := parseRTP(&l.header, b)
	if !ok {
		s.unknown()
		return
	}
	kind, law := e.remote.classify(h.pt)
	if kind == unknownPayload {
		s.unknown()
		return
	}
	ok, fresh := e.latch.accept(l.now, from, h.ssrc, h.seq)
	if !ok {
		s.foreign()
		return
	}
	if fresh {
		e.rx.restart(h.seq)
		e.keys = keyDetector{}
	}
	e.rx.count(l.now, &h)
	s.alive(l)
	if kind == eventPayload {
		s.receiveKey(l, &h, b)
		return
	}
	switch {
	case s.peer == nil:
		return
	case !e.remote.Direction.Receives() || h.start == h.end:
		s.peer.interrupt()
		return
	}
	s.peer.hearRTP(l, s, &h, b, law)
}

// alive notes that the peer was heard.
func (s *Stream) alive(l *loop) {
	e := s.rtp
	e.heard = true
	if !e.since.IsZero() {
		e.since = l.now
	}
	if !e.active {
		e.active = true
		s.emit(Active{})
	}
}

// hearRTP passes a packet of sound of from on to the peer of s.
func (s *Stream) hearRTP(l *loop, from *Stream, h *header, b []byte, law audio.Law) {
	if s.play.source != nil || s.digits.busy() {
		s.interrupt()
		return
	}
	payload := b[h.start:h.end]
	if s.line != nil {
		convert(payload, law, audio.ALaw)
		s.line.push(from, h, payload)
		return
	}
	e := s.rtp
	dst, ok := e.sendTo()
	if !ok {
		s.interrupt()
		return
	}
	seq, ts, marker, ok := e.tx.relay(l.now, from, h, uint32(len(payload)))
	if !ok {
		return
	}
	convert(payload, law, e.remote.Codec.Law)
	out := b[h.start-rtpHeader : h.end]
	putRTP(out, marker, e.remote.Codec.PT, seq, ts, e.tx.ssrc)
	e.write(out, dst)
}

// interrupt says that something of the source was left out: what comes next
// follows in the flow without a gap in the numbers.
func (s *Stream) interrupt() {
	if s.rtp != nil {
		s.rtp.tx.from = nil
	}
}

// hearFrame passes a frame of a line on to the peer of s.
func (s *Stream) hearFrame(l *loop, from *Stream, n uint32, alaw []byte) {
	if s.play.source != nil || s.digits.busy() {
		return
	}
	if s.rtp != nil {
		s.sendFrame(l, from, alaw)
		return
	}
	h := header{seq: uint16(n), ts: n * FrameBytes}
	s.line.push(from, &h, alaw)
}

// setPlaying changes what is played to the peer of s.
func (s *Stream) setPlaying(p playing) {
	if s.closed {
		return
	}
	s.play = p
	if s.line != nil {
		s.line.play(p)
		return
	}
	s.loop.Load().updateTicking(s)
}

// tick sends the next frame of what is played. Digits come first.
func (s *Stream) tick(l *loop) {
	if s.digits.busy() {
		s.tickDigits(l)
		if !s.digits.busy() {
			l.updateTicking(s)
		}
		return
	}
	p := s.play
	if p.source == nil {
		return
	}
	n, more := p.source.ReadFrame(l.frame[:])
	if n > 0 || more {
		fill(l.frame[n:], audio.ALawSilence)
		s.sendFrame(l, fromPlay, l.frame[:])
	}
	if !more {
		s.sendRest(l, fromPlay)
		s.play = playing{}
		l.updateTicking(s)
		s.emit(PlayDone{p.id})
	}
}

// house reports silence and sends RTCP.
func (s *Stream) house(l *loop) {
	e := s.rtp
	e.rtcp.house(l, s)
	if e.since.IsZero() {
		return
	}
	limit := l.o.FirstPacket
	if e.heard {
		limit = l.o.NoPacket
	}
	if quiet := l.now.Sub(e.since); quiet >= limit {
		e.since = l.now
		e.active = false
		s.emit(Inactive{quiet})
	}
}

// close ends the stream; called by the loop.
func (s *Stream) close() {
	s.disconnect()
	s.play = playing{}
	s.digits = digitQueue{}
	l := s.loop.Load()
	if s.rtp != nil {
		s.rtp.rtcp.bye(l, s)
	}
	l.detach(s)
	l.held.Add(-1)
	s.closed = true
	if s.line != nil {
		return
	}
	port := s.rtp.rtpSock.Local().Port()
	s.rtp.rtpSock.Close()
	s.rtp.rtcpSock.Close()
	s.plane.ports.give(port)
}

// figures are the stream's statistics now.
func (s *Stream) figures() Stats {
	st := s.stats
	if s.line != nil {
		s.line.figures(&st)
		return st
	}
	e := s.rtp
	st.Sent, st.SentOctets = e.tx.packets, e.tx.octets
	e.rx.figures(&st)
	e.rtcp.figures(&st)
	return st
}
