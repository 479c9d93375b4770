package media

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"centralino/hal"
	"centralino/internal/audio"
)

// Stream is one leg's end of the media: an RTP port pair or a telephone line.
//
// What the peer of a stream hears is, in this order: digits of SendDTMF, what
// Play gave, what comes from the stream it is connected to (Echo: from itself),
// nothing.
//
// Methods may be called from any goroutine and take effect in the order of the
// calls. Close, Stats and Connect wait for the loop (microseconds) and must not
// be called from an On function; the others return at once.
type Stream struct {
	plane *Plane
	on    func(Event)
	local netip.AddrPort

	loop atomic.Pointer[loop] // changed by the loop that gives s away
	mu   sync.Mutex           // queue; held for a few instructions only
	cmds []func()             // commands in order, done by the loop

	closed bool // by the loop, as everything below
	peer   *Stream
	play   playing
	digits digitQueue
	rtp    *rtpEnd  // of an RTP stream
	line   *lineEnd // of a line stream
	stats  Stats
}

// playing is the source that a stream's peer hears.
type playing struct {
	source Source
	id     int
}

// OpenRTP opens an RTP port pair. Nothing is received or sent before SetRemote.
func (p *Plane) OpenRTP(o RTPOptions) (*Stream, error) {
	if !o.Bind.IsValid() {
		return nil, fmt.Errorf("media: open rtp: no address to bind")
	}
	end, err := p.bindPair(o)
	if err != nil {
		return nil, fmt.Errorf("media: open rtp on %s: %w", o.Bind, err)
	}
	s := &Stream{plane: p, on: o.On, local: end.rtpSock.Local(), rtp: end}
	s.join(o.Near) // the first command of s brings it to the loop's notice
	return s, nil
}

// OpenLine makes a stream of a telephone line and installs it as the line's
// AudioHandler. The line's clock drives it: nothing plays while the line is on
// hook. Closing the stream takes it off the line.
func (p *Plane) OpenLine(l hal.Line, on func(Event)) *Stream {
	s := &Stream{plane: p, on: on}
	s.line = newLineEnd(s, l)
	s.join(nil)
	s.loop.Load().notify(s)
	l.SetAudio(s.line)
	return s
}

// join gives s to the loop of near, or to one that has room. It does not wake it.
func (s *Stream) join(near *Stream) {
	l := s.plane.roomiest()
	if near != nil {
		l = near.loop.Load()
	}
	l.held.Add(1)
	s.loop.Store(l)
	s.cmds = append(s.cmds, func() { s.loop.Load().attach(s) })
}

// roomiest is the first loop that is not full, or the emptiest. Few full loops wake
// less often than many that share the same packets: two half-full ones were
// measured to cost twice the time of one.
func (p *Plane) roomiest() *loop {
	best := p.loops[0]
	for _, l := range p.loops {
		if int(l.held.Load()) < p.o.LoopFull {
			return l
		}
		if l.held.Load() < best.held.Load() {
			best = l
		}
	}
	return best
}

// post has f done by the stream's loop, after what was posted before.
func (s *Stream) post(f func()) {
	s.mu.Lock()
	s.cmds = append(s.cmds, f)
	s.mu.Unlock()
	s.loop.Load().notify(s)
}

// wait has f done by the stream's loop and returns after it.
func (s *Stream) wait(f func()) {
	done := make(chan struct{})
	s.post(func() {
		f()
		close(done)
	})
	<-done
}

// drain does the commands of s in order as long as s belongs to l.
func (s *Stream) drain(l *loop) {
	for s.loop.Load() == l {
		s.mu.Lock()
		if len(s.cmds) == 0 {
			s.mu.Unlock()
			return
		}
		f := s.cmds[0]
		s.cmds[0] = nil
		s.cmds = s.cmds[1:]
		s.mu.Unlock()
		l.current = s
		f()
	}
	s.loop.Load().notify(s) // moved: the new loop does the rest
}

// Local is the RTP port of the stream; the zero value for a line.
func (s *Stream) Local() netip.AddrPort { return s.local }

// SetRemote says what was agreed with the peer. It may be called again at any
// time; an address that changed opens the window of learning anew. It does
// nothing on a line.
func (s *Stream) SetRemote(r Remote) {
	s.post(func() {
		if s.rtp != nil && !s.closed {
			s.setRemote(r)
		}
	})
}

// Connect joins s and peer: each hears the other, unless something is played to
// it. Streams that either was connected to before are let go. Connecting a
// stream to itself or to a closed one leaves s alone.
func (s *Stream) Connect(peer *Stream) {
	if peer == nil || peer == s {
		s.Disconnect()
		return
	}
	p := s.plane
	p.mu.Lock()
	defer p.mu.Unlock()
	s.moveTo(peer.loop.Load())
	s.wait(func() {
		s.disconnect()
		peer.disconnect()
		if s.closed || peer.closed {
			return
		}
		s.peer, peer.peer = peer, s
	})
}

// Echo lets the peer of s hear itself until Connect, Disconnect or Close. Streams
// that s was connected to before are let go.
func (s *Stream) Echo() {
	s.post(func() {
		s.disconnect()
		if !s.closed {
			s.peer = s
		}
	})
}

// moveTo brings s to another loop. Called with plane.mu held, so that nobody
// else moves streams meanwhile.
func (s *Stream) moveTo(to *loop) {
	if s.loop.Load() == to {
		return
	}
	s.wait(func() {
		s.disconnect()
		from := s.loop.Load()
		from.detach(s)
		if !s.closed {
			from.held.Add(-1)
			to.held.Add(1)
		}
		s.loop.Store(to)
	})
	s.wait(func() { to.attach(s) })
}

// Disconnect ends what Connect began, for both.
func (s *Stream) Disconnect() { s.post(s.disconnect) }

func (s *Stream) disconnect() {
	if s.peer != nil {
		s.peer.interrupt()
		s.interrupt()
		s.peer.peer = nil
		s.peer = nil
	}
}

// Play lets the peer of s hear source instead of the connected stream, until the
// source ends (event PlayDone with id), Stop, or another Play.
func (s *Stream) Play(source Source, id int) {
	s.post(func() { s.setPlaying(playing{source, id}) })
}

// Stop ends Play without an event.
func (s *Stream) Stop() { s.post(func() { s.setPlaying(playing{}) }) }

// SendDTMF sends key presses (0-9 * # A-D; others are left out) of 100 ms with
// pauses of 100 ms: as telephone-event where that was agreed, else as tones. At
// most 64 wait to be sent; more are dropped.
func (s *Stream) SendDTMF(digits string) {
	s.post(func() { s.sendDigits(digits) })
}

// Stats are the figures so far.
func (s *Stream) Stats() Stats {
	var st Stats
	s.wait(func() { st = s.figures() })
	return st
}

// Close ends the stream, frees its ports and returns its final figures. Calling
// it again returns the same.
func (s *Stream) Close() Stats {
	if s.line != nil {
		s.line.release()
	}
	var st Stats
	s.wait(func() {
		if !s.closed {
			s.close()
		}
		st = s.figures()
	})
	return st
}

// emit reports e; called by the loop.
func (s *Stream) emit(e Event) {
	if s.on != nil && !s.closed {
		s.on(e)
	}
}

// lawOf is what the peer of s wants to hear: A-law on a line.
func (s *Stream) lawOf() audio.Law {
	if s.rtp != nil {
		return s.rtp.remote.Codec.Law
	}
	return audio.ALaw
}
