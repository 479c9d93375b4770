// Package media carries the sound of calls: RTP ports, the relay between them,
// what the box says and plays, and the joint between RTP and telephone lines.
//
// A Plane owns a few loops, one goroutine each (started and awaited by Run). A
// Stream is one leg's end: an RTP port pair or a telephone line. Each stream
// belongs to one loop; streams that are connected belong to the same one, so a
// packet goes from socket to socket without a lock, an allocation or a log line.
// A line's own goroutine (hal.AudioHandler) takes and gives frames through
// lock-free rings; the jitter buffer towards the line is its own.
//
// Rules: RTP of RFC 3550/3551, one SSRC with continuous sequence numbers and
// monotonic timestamps per leg whatever is heard on it; telephone-event of
// RFC 4733; symmetric RTP of RFC 4961, learned only from the signalled peer. A
// packet from anybody else is counted and goes nowhere.
package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"centralino/internal/audio"
	"centralino/pbx/sdp"
)

// Options are what a Plane is made of. Only Net is required.
type Options struct {
	Net Net // KernelNet(), or a MemNet in tests
	// RTP takes even ports from PortMin to PortMax-1, RTCP the odd ones after
	// them; 0 means 16384 and 32767, below the ephemeral ports of Linux.
	PortMin, PortMax uint16
	Quarantine       time.Duration // before a port is used again; 0: 5 s
	Loops            int           // 0: one per core
	LoopFull         int           // streams that a loop takes before the next one gets any; 0: 256
	FirstPacket      time.Duration // Inactive after so long without a first packet; 0: 30 s
	NoPacket         time.Duration // Inactive after so long without any; 0: 60 s
	LatchWindow      time.Duration // symmetric RTP is learned so long after a change of Remote; 0: 30 s
	Log              *slog.Logger  // faults of sockets and loops; nil: none
}

func (o *Options) check() error {
	if o.Net == nil {
		return errors.New("media: no net")
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Quarantine, 5*time.Second)
	def(&o.FirstPacket, 30*time.Second)
	def(&o.NoPacket, 60*time.Second)
	def(&o.LatchWindow, 30*time.Second)
	if o.PortMin == 0 && o.PortMax == 0 {
		o.PortMin, o.PortMax = 16384, 32767
	}
	if o.PortMin < 1024 || o.PortMax <= o.PortMin {
		return fmt.Errorf("media: ports %d to %d", o.PortMin, o.PortMax)
	}
	if o.Loops <= 0 {
		o.Loops = runtime.GOMAXPROCS(0)
	}
	if o.LoopFull <= 0 {
		o.LoopFull = 256
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Plane is the media of the whole box.
type Plane struct {
	o       Options
	ports   *portPool
	loops   []*loop
	dropped Counters

	mu sync.Mutex // connect: never held while a packet moves
}

// New checks o and prepares a plane; it starts nothing. Streams may be opened
// before Run, packets move while it runs.
func New(o Options) (*Plane, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p := &Plane{o: o, ports: newPortPool(o.PortMin, o.PortMax, o.Quarantine)}
	for i := range o.Loops {
		l, err := newLoop(i, &p.o)
		if err != nil {
			p.closeLoops()
			return nil, fmt.Errorf("media: loop %d: %w", i, err)
		}
		p.loops = append(p.loops, l)
	}
	return p, nil
}

func (p *Plane) closeLoops() {
	for _, l := range p.loops {
		l.poller.Close()
	}
}

// Run moves packets until ctx ends and returns after its loops have. It may be
// called once. Streams that are still open are silent afterwards and must still
// be closed.
func (p *Plane) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, l := range p.loops {
		l.start()
		wg.Go(l.run)
	}
	<-ctx.Done()
	for _, l := range p.loops {
		l.stop()
	}
	wg.Wait()
	p.closeLoops()
	return nil
}

// Codec is an RTP payload type and the G.711 law that it carries.
type Codec struct {
	PT  uint8
	Law audio.Law
}

// Remote is what was agreed with the peer of an RTP stream.
type Remote struct {
	RTP  netip.AddrPort // where the peer wants RTP; invalid or unspecified: nowhere
	RTCP netip.AddrPort // invalid: the port after RTP
	// Signalled is where the peer's SIP comes from. A phone behind a NAT that
	// writes its inner address into the SDP is recognised by it: RTP may come
	// from this address too, and is then learned. Invalid: only from RTP's.
	Signalled netip.Addr
	Codec     Codec         // what we send
	DTMF      uint8         // payload type of telephone-event as we send it; 0: none
	RecvDTMF  uint8         // and as we receive it; 0: as DTMF
	RecvPT    uint8         // payload type of Codec as we receive it; PCMA 8 and PCMU 0 are always understood
	Ptime     time.Duration // length of the packets that we make; 0: 20 ms
	Direction sdp.Direction // ours
}

// RemoteOf translates what SDP agreed on; signalled is where the SIP came from.
func RemoteOf(a sdp.Agreed, signalled netip.Addr) Remote {
	law := audio.ALaw
	if a.Codec.Name == sdp.PCMU.Name {
		law = audio.MuLaw
	}
	return Remote{
		RTP: a.RTP, RTCP: a.RTCP, Signalled: signalled,
		Codec: Codec{PT: a.Codec.PT, Law: law}, RecvPT: a.RecvPT,
		DTMF: a.DTMF, RecvDTMF: a.RecvDTMF,
		Ptime:     time.Duration(a.Ptime) * time.Millisecond,
		Direction: a.Direction,
	}
}

// Event is something that happened on a stream: DTMF, PlayDone, Inactive, Active,
// Broken.
type Event interface{ mediaEvent() }

// DTMF reports one key press of the peer, once, at its beginning (RFC 4733).
type DTMF struct{ Digit byte }

// PlayDone reports that the source given to Play with this id has ended by
// itself. A source that was stopped or replaced reports nothing.
type PlayDone struct{ ID int }

// Inactive reports that neither RTP nor RTCP came while it was expected. It is
// repeated each time the same stretch has passed again.
type Inactive struct{ For time.Duration }

// Active reports the first packet of the peer, and the first after Inactive.
type Active struct{}

// Broken reports that the stream was given up because of a fault of ours: nothing is
// heard on it any more, and no other event comes.
type Broken struct{}

func (Broken) mediaEvent()   {}
func (DTMF) mediaEvent()     {}
func (PlayDone) mediaEvent() {}
func (Inactive) mediaEvent() {}
func (Active) mediaEvent()   {}

// RTPOptions are what an RTP stream is opened with.
type RTPOptions struct {
	Bind netip.Addr // local address; the one that the peer is told
	// On gets the stream's events from its loop. It must not block, and of the
	// stream's methods it may call only those that do not wait (Play, Stop,
	// SendDTMF, SetRemote, Disconnect). Nil: events are lost.
	On func(Event)
	// Near is a stream that this one will probably be connected to: both belong
	// to one loop then, and Connect has less to do. Nil: none is known.
	Near *Stream
	// Urgent: of a call for help, for which some ports are kept.
	Urgent bool
}
