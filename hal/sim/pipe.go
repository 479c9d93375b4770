package sim

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"centralino/hal"
)

// pipeSize is what a pty of Linux holds in one direction.
const pipeSize = 4096

// Timeouts of the in-memory port, those of hal/serial.
const (
	portReadTimeout  = 100 * time.Millisecond
	portWriteTimeout = 500 * time.Millisecond
)

var errStalled = errors.New("write stalled: the device does not read")

// stream is one direction of an in-memory serial line.
type stream struct {
	mu     sync.Mutex
	buf    []byte
	closed bool
	turn   chan struct{} // closed and replaced whenever buf or closed changes
}

func newStream() *stream {
	return &stream{buf: make([]byte, 0, pipeSize), turn: make(chan struct{})}
}

func (s *stream) changed() {
	close(s.turn)
	s.turn = make(chan struct{})
}

// read waits for octets, at most until expiry; a nil channel waits for ever.
func (s *stream) read(p []byte, expiry <-chan time.Time) (int, error) {
	for {
		s.mu.Lock()
		if len(s.buf) > 0 {
			n := copy(p, s.buf)
			s.buf = s.buf[:copy(s.buf, s.buf[n:])]
			s.changed()
			s.mu.Unlock()
			return n, nil
		}
		if s.closed {
			s.mu.Unlock()
			return 0, io.EOF
		}
		turn := s.turn
		s.mu.Unlock()
		select {
		case <-turn:
		case <-expiry:
			return 0, nil
		}
	}
}

// write waits for room, at most until expiry.
func (s *stream) write(p []byte, expiry <-chan time.Time) (int, error) {
	done := 0
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return done, io.ErrClosedPipe
		}
		if n := min(pipeSize-len(s.buf), len(p)); n > 0 {
			s.buf = append(s.buf, p[:n]...)
			p, done = p[n:], done+n
			s.changed()
		}
		turn := s.turn
		s.mu.Unlock()
		if len(p) == 0 {
			return done, nil
		}
		select {
		case <-turn:
		case <-expiry:
			return done, errStalled
		}
	}
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.changed()
	}
}

// wire is an in-memory serial line: the modem's end is the wire itself, the
// host's end a port made by OpenPort.
type wire struct {
	name          string
	toHost, toDCE *stream
}

func newWire(name string) *wire {
	return &wire{name: name, toHost: newStream(), toDCE: newStream()}
}

func (w *wire) Read(p []byte) (int, error)  { return w.toDCE.read(p, nil) }
func (w *wire) Write(p []byte) (int, error) { return w.toHost.write(p, nil) }

func (w *wire) Close() error {
	w.toHost.close()
	w.toDCE.close()
	return nil
}

// hostPort is the host's end of a wire.
type hostPort struct {
	w      *wire
	once   sync.Once
	closed chan struct{}
}

var _ hal.Port = (*hostPort)(nil)

func (p *hostPort) Read(b []byte) (int, error) {
	t := time.NewTimer(portReadTimeout)
	defer t.Stop()
	select {
	case <-p.closed:
		return 0, io.ErrClosedPipe
	default:
		return p.w.toHost.read(b, t.C)
	}
}

func (p *hostPort) Write(b []byte) (int, error) {
	t := time.NewTimer(portWriteTimeout)
	defer t.Stop()
	return p.w.toDCE.write(b, t.C)
}

// Close leaves the wire as it is: the modem stays, as on a real port.
func (p *hostPort) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// SetDTR does nothing: the wire has no modem lines, like a pty.
func (p *hostPort) SetDTR(on bool) error { return nil }

func (p *hostPort) ResetInput() error {
	s := p.w.toHost
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = s.buf[:0]
	s.changed()
	return nil
}

// OpenPort implements hal.PortOpener for a modem in memory.
func (m *Modem) OpenPort(ctx context.Context) (hal.Port, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w, ok := m.conn.(*wire)
	if !ok {
		return nil, "", hal.ErrGone
	}
	return &hostPort{w: w, closed: make(chan struct{})}, w.name, nil
}
