package media

import (
	"sync/atomic"
	"time"
)

// Counters of a plane count what it dropped, all since start.
type Counters struct {
	Foreign atomic.Uint64 // packets from anybody but a stream's peer
	Unknown atomic.Uint64 // malformed packets, or with a payload type that was not agreed
}

// Counters returns the live counters.
func (p *Plane) Counters() *Counters { return &p.dropped }

// foreign counts a packet of a stranger.
func (s *Stream) foreign() {
	s.stats.Foreign++
	s.plane.dropped.Foreign.Add(1)
}

// unknown counts a packet that means nothing.
func (s *Stream) unknown() {
	s.stats.Unknown++
	s.plane.dropped.Unknown.Add(1)
}

// Stats are the figures of one stream since it was opened. Received counts what
// was accepted from the peer; loss and jitter are RFC 3550 appendix A.3 and A.8.
type Stats struct {
	Received, ReceivedOctets uint64 // RTP packets and octets of payload
	Sent, SentOctets         uint64
	Lost                     uint64        // expected and never received
	Jitter                   time.Duration // of what we receive, now
	Foreign                  uint64        // packets from anybody but the peer: dropped
	Unknown                  uint64        // malformed packets, or with a payload type that was not agreed
	RTT                      time.Duration // from the last RTCP report, 0 if none came
	PeerLost                 uint64        // what the peer reports
	PeerJitter               time.Duration
	Digits                   uint64 // key presses received

	// Of line streams:
	LineFrames uint64        // frames the line took and gave
	Concealed  uint64        // samples made up because nothing was there in time
	Late       uint64        // packets that came too late to be played
	Buffer     time.Duration // present depth of the jitter buffer
	Overflow   uint64        // frames lost because loop or line was not there in time
}
