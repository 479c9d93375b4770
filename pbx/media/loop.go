package media

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
)

// frameTime is the period of the tick: one frame.
const frameTime = 20 * time.Millisecond

// houseTime is how often silence and RTCP are looked after.
const houseTime = time.Second

// readBytes is the longest datagram that is read: G.711 with a packet time of
// 200 ms is 1612 octets.
const readBytes = 2048

// headroom is kept free before what is read, for a header of our own.
const headroom = rtpHeader

// loop moves the packets of the streams that belong to it, by one goroutine.
// Before and after run, commands are done by whoever posts them.
type loop struct {
	index  int
	o      *Options
	poller Poller
	epoch  time.Time // what the NTP time stamps of RTCP count from

	mu      sync.Mutex // the four below; never held while a packet moves
	running bool
	ending  bool
	todo    []*Stream // have commands waiting; as many as there are streams
	spare   []*Stream

	held    atomic.Int32 // streams given to the loop, attached or not
	woken   atomic.Bool  // Wake was called and not yet heeded
	now     time.Time    // of the present round
	current *Stream      // whose packet or command is worked on, for recover
	header  rtp.Header   // of the packet being read
	slots   []*Stream    // by token/2; token&1 is RTCP
	free    []uint32
	lines   []*Stream
	ticking []*Stream // RTP streams that something is played to
	tickAt  time.Time
	houseAt time.Time
	count   int // streams attached
	rand    random

	tokens [128]uint32
	buf    [readBytes]byte
	frame  [FrameBytes]byte
	out    [rtpHeader + maxPtimeBytes]byte
}

func newLoop(index int, o *Options) (*loop, error) {
	poller, err := o.Net.NewPoller()
	if err != nil {
		return nil, err
	}
	return &loop{index: index, o: o, poller: poller, epoch: time.Now(), now: time.Now(), rand: newRandom()}, nil
}

// notify has the commands of s done.
func (l *loop) notify(s *Stream) {
	l.mu.Lock()
	if !l.running {
		l.now = time.Now()
		s.drain(l)
		l.mu.Unlock()
		return
	}
	l.todo = append(l.todo, s)
	l.mu.Unlock()
	l.wake()
}

// wake makes the loop look at commands and lines.
func (l *loop) wake() {
	if !l.woken.Swap(true) {
		l.poller.Wake()
	}
}

// start is called before run, so that no command is done beside it.
func (l *loop) start() {
	l.mu.Lock()
	l.running = true
	l.mu.Unlock()
}

func (l *loop) stop() {
	l.mu.Lock()
	l.ending = true
	l.mu.Unlock()
	l.wake()
}

// run works until stop.
func (l *loop) run() {
	if _, memory := l.o.Net.(*MemNet); !memory { // it waits in the kernel: a thread of its own
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	for !l.rounds() {
	}
}

// rounds works until stop, or until something panicked: then the stream that it
// happened on is closed, and the others go on.
func (l *loop) rounds() (over bool) {
	defer func() {
		if r := recover(); r != nil {
			l.o.Log.Error("media loop", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			l.giveUp()
		}
	}()
	for {
		n, err := l.poller.Wait(l.tokens[:], l.timeout())
		l.now = time.Now()
		if err != nil {
			l.o.Log.Error("media loop", "err", err)
			time.Sleep(frameTime) // a poller that fails at once must not spin
		}
		if l.woken.Swap(false) && l.heed() {
			return true
		}
		for _, token := range l.tokens[:n] {
			l.readable(token)
		}
		if len(l.ticking) > 0 && !l.now.Before(l.tickAt) {
			l.tick()
		}
		if l.count > 0 && !l.now.Before(l.houseAt) {
			l.house()
		}
		l.current = nil
	}
}

// giveUp closes the stream that made the loop panic.
func (l *loop) giveUp() {
	defer func() { _ = recover() }() // its state may be anything: closing it is tried, not promised
	if s := l.current; s != nil && !s.closed {
		l.current = nil
		s.emit(Broken{})
		s.close()
	}
}

// timeout is how long the loop may wait.
func (l *loop) timeout() time.Duration {
	if l.count == 0 {
		return -1
	}
	next := l.houseAt
	if len(l.ticking) > 0 && l.tickAt.Before(next) {
		next = l.tickAt
	}
	return max(0, next.Sub(time.Now()))
}

// heed does what it was woken for, and reports whether the loop is to end.
func (l *loop) heed() (end bool) {
	for {
		l.mu.Lock()
		todo := l.todo
		l.todo, l.spare = l.spare[:0], todo
		if len(todo) == 0 && l.ending {
			l.running = false
			l.mu.Unlock()
			return true
		}
		l.mu.Unlock()
		if len(todo) == 0 {
			break
		}
		for i, s := range todo {
			todo[i] = nil
			s.drain(l)
		}
	}
	for _, s := range l.lines {
		l.current = s
		s.line.collect()
	}
	return false
}

// attach makes s one of the loop's streams.
func (l *loop) attach(s *Stream) {
	if s.closed {
		return
	}
	if l.count == 0 {
		l.houseAt = l.now.Add(houseTime)
	}
	l.count++
	if s.line != nil {
		l.lines = append(l.lines, s)
		return
	}
	if n := len(l.free); n > 0 {
		s.rtp.token, l.free = l.free[n-1], l.free[:n-1]
	} else {
		s.rtp.token = uint32(len(l.slots)) * 2
		l.slots = append(l.slots, nil)
	}
	l.slots[s.rtp.token/2] = s
	if err := l.poller.Add(s.rtp.rtpSock, s.rtp.token); err != nil {
		l.o.Log.Error("media: watch rtp", "port", s.local, "err", err)
	}
	if err := l.poller.Add(s.rtp.rtcpSock, s.rtp.token|1); err != nil {
		l.o.Log.Error("media: watch rtcp", "port", s.local, "err", err)
	}
	l.updateTicking(s)
}

// detach takes s out of the loop.
func (l *loop) detach(s *Stream) {
	if s.closed {
		return
	}
	l.count--
	if s.line != nil {
		l.lines = without(l.lines, s)
		return
	}
	// A socket that the poller no longer has (after Run) is no fault.
	_ = l.poller.Remove(s.rtp.rtpSock)
	_ = l.poller.Remove(s.rtp.rtcpSock)
	l.slots[s.rtp.token/2] = nil
	l.free = append(l.free, s.rtp.token)
	l.ticking = without(l.ticking, s)
	s.rtp.ticking = false
}

func without(list []*Stream, s *Stream) []*Stream {
	for i, x := range list {
		if x == s {
			last := len(list) - 1
			list[i], list[last] = list[last], nil
			return list[:last]
		}
	}
	return list
}

// updateTicking has the loop tick for s while something is played to it.
func (l *loop) updateTicking(s *Stream) {
	want := !s.closed && (s.play.source != nil || s.digits.busy())
	if s.rtp == nil || want == s.rtp.ticking {
		return
	}
	s.rtp.ticking = want
	if !want {
		l.ticking = without(l.ticking, s)
		return
	}
	if len(l.ticking) == 0 {
		l.tickAt = l.now
	}
	l.ticking = append(l.ticking, s)
}

// maxLag is how late the tick may be and still send every frame; after a longer
// pause (a suspended machine) the time is skipped.
const maxLag = 10 * frameTime

// tick sends one frame on each stream that something is played to.
func (l *loop) tick() {
	if l.now.Sub(l.tickAt) > maxLag {
		l.tickAt = l.now
	}
	for !l.now.Before(l.tickAt) && len(l.ticking) > 0 {
		l.tickAt = l.tickAt.Add(frameTime)
		// From the end, since a stream whose source ends leaves the list.
		for i := len(l.ticking) - 1; i >= 0; i-- {
			if i < len(l.ticking) {
				s := l.ticking[i]
				l.current = s
				s.tick(l)
			}
		}
	}
}

// house looks after silence and RTCP, once a second.
func (l *loop) house() {
	l.houseAt = l.now.Add(houseTime)
	for _, s := range l.slots {
		if s != nil {
			l.current = s
			s.house(l)
		}
	}
}

// readable reads one packet and reports whether there was one; the poller reports a
// socket again that has more.
func (l *loop) readable(token uint32) bool {
	if int(token/2) >= len(l.slots) {
		return false
	}
	s := l.slots[token/2]
	if s == nil {
		return false
	}
	l.current = s
	sock := s.rtp.rtpSock
	if token&1 != 0 {
		sock = s.rtp.rtcpSock
	}
	b := l.buf[:]
	n, from, err := sock.Read(b)
	if err != nil {
		return false // nothing there, or an ICMP report of an earlier packet
	}
	if token&1 != 0 {
		s.receiveRTCP(l, b[:n], from)
		return true
	}
	s.receiveRTP(l, b[:n], from)
	return true
}

// samplesBetween is the time from a to b in samples at 8 kHz.
func samplesBetween(a, b time.Time) int64 {
	return int64(math.Round(b.Sub(a).Seconds() * 8000))
}
