package sim

import "sync"

// outboxSize is the modem's buffer towards the host: 256 ms of samples. What does
// not fit is lost and reported as an overrun, as by a modem whose host does not
// read.
const outboxSize = 2048

// outbox is the queue between a modem and the goroutine that writes its port.
type outbox struct {
	mu     sync.Mutex
	full   sync.Cond
	buf    []byte
	closed bool
}

func newOutbox() *outbox {
	o := &outbox{buf: make([]byte, 0, outboxSize)}
	o.full.L = &o.mu
	return o
}

// put queues b whole, or not at all and returns false. Text of commands always
// fits: it may use twice the room.
func (o *outbox) put(b []byte) bool { return o.add(b, 2*outboxSize) }

// putSamples queues b whole, or not at all and returns false.
func (o *outbox) putSamples(b []byte) bool { return o.add(b, outboxSize) }

func (o *outbox) add(b []byte, limit int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || len(o.buf)+len(b) > limit {
		return false
	}
	o.buf = append(o.buf, b...)
	o.full.Signal()
	return true
}

// take waits for octets and moves some to p; 0 means closed.
func (o *outbox) take(p []byte) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) == 0 && !o.closed {
		o.full.Wait()
	}
	if o.closed {
		return 0
	}
	n := copy(p, o.buf)
	o.buf = o.buf[:copy(o.buf, o.buf[n:])]
	return n
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.full.Broadcast()
}
