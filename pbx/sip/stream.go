package sip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// streams are the TCP listeners and connections of a stack.
type streams struct {
	locals []netip.AddrPort // of the listeners, constant

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[netip.AddrPort]*stream
	perHost   map[netip.Addr]int
	closed    bool
}

// stream is one TCP connection, accepted or dialled. Its writer goroutine owns
// writing, its reader reading; whoever closes it first wins.
type stream struct {
	s      *Stack
	remote netip.AddrPort
	dialed bool
	wake   chan struct{} // one token: there is something to write
	done   chan struct{}
	once   sync.Once

	mu   sync.Mutex
	conn net.Conn // nil while dialling
	out  []byte   // for the writer
	last bool     // close when out is written
}

// streamBacklog is how many octets may wait for a peer that does not read: some
// seconds of a busy trunk. With more the connection is closed.
const streamBacklog = 256 << 10

func newStream(s *Stack, remote netip.AddrPort) *stream {
	return &stream{s: s, remote: remote, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// put queues octets for the writer and says false when the peer does not read.
func (c *stream) put(b []byte) bool {
	c.mu.Lock()
	full := len(c.out)+len(b) > streamBacklog
	if !full {
		c.out = append(c.out, b...)
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return !full
}

func (t *streams) init() {
	t.conns = make(map[netip.AddrPort]*stream)
	t.perHost = make(map[netip.Addr]int)
}

// add registers a new connection and says false when a limit is reached. Those that
// we dial and those of known phones, which may have to call for help, find room
// when strangers have taken theirs.
func (t *streams) add(c *stream, l *Limits, u *Urgency) bool {
	t.mu.Lock()
	full, spent := len(t.conns) >= l.Conns, len(t.conns) >= 2*l.Conns
	t.mu.Unlock()
	if spent || full && !c.dialed && (u.Known == nil || !u.Known(c.remote)) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	host := c.remote.Addr()
	if t.closed || !c.dialed && t.perHost[host] >= l.ConnsPerHost {
		return false
	}
	if old := t.conns[c.remote]; old != nil {
		return false
	}
	t.conns[c.remote] = c
	t.perHost[host]++
	return true
}

func (t *streams) remove(c *stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conns[c.remote] != c {
		return
	}
	delete(t.conns, c.remote)
	host := c.remote.Addr()
	if t.perHost[host]--; t.perHost[host] <= 0 {
		delete(t.perHost, host)
	}
}

func (t *streams) get(remote netip.AddrPort) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conns[remote]
}

func (t *streams) closeAll() {
	t.mu.Lock()
	t.closed = true
	all := make([]*stream, 0, len(t.conns))
	for _, c := range t.conns {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, c := range all {
		c.close(ErrClosed)
	}
}

func (t *streams) closeListeners() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, l := range t.listeners {
		_ = l.Close()
	}
}

func (t *streams) listener(i int) net.Listener {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.listeners[i]
}

// reopen puts a new listener in the place of a broken one.
func (t *streams) reopen(i int, n Net) {
	l, err := n.ListenTCP(t.locals[i])
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = l.Close()
		return
	}
	t.listeners[i] = l
}

// acceptLoop accepts until the stack ends. A failing listener is tried again after
// a growing pause (out of descriptors, for instance), a closed one opened again.
func (s *Stack) acceptLoop(i int) {
	wait := 5 * time.Millisecond
	for {
		conn, err := s.streams.listener(i).Accept()
		if s.ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return
		}
		if err != nil {
			s.counters.ListenerRestarts.Add(1)
			s.log.note("SIP connection not accepted", "error", err)
			select {
			case <-s.ctx.Done():
			case <-time.After(wait):
			}
			wait = min(2*wait, 5*time.Second)
			if errors.Is(err, net.ErrClosed) {
				s.streams.reopen(i, s.o.Net)
			}
			continue
		}
		wait = 5 * time.Millisecond
		c := newStream(s, addrPortOf(conn.RemoteAddr()))
		c.conn = conn
		if !s.streams.add(c, &s.o.Limits, &s.o.Urgent) {
			s.counters.ConnsRefused.Add(1)
			_ = conn.Close()
			continue
		}
		s.wg.Go(c.write)
		s.wg.Go(c.read)
	}
}

// writeTCP sends over the connection of the flow; without one it dials. An
// accepted connection that is gone cannot be dialled back, which the failing dial
// reports to the transaction.
func (s *Stack) writeTCP(f Flow, b []byte) error {
	c := s.streams.get(f.remote)
	if c == nil {
		if s.ctx.Err() != nil {
			return ErrClosed
		}
		c = newStream(s, f.remote)
		c.dialed = true
		if s.streams.add(c, &s.o.Limits, &s.o.Urgent) {
			s.wg.Go(c.dial)
		} else if c = s.streams.get(f.remote); c == nil { // nobody else dials either
			return fmt.Errorf("too many connections")
		}
	}
	select {
	case <-c.done:
		return net.ErrClosed
	default:
	}
	if !c.put(b) {
		c.close(errors.New("peer does not read"))
		return fmt.Errorf("peer does not read")
	}
	return nil
}

// dial connects and then serves; it gives up after 5 s.
func (c *stream) dial() {
	ctx, cancel := context.WithTimeout(c.s.ctx, 5*time.Second)
	defer cancel()
	conn, err := c.s.o.Net.DialTCP(ctx, c.remote)
	if err != nil {
		c.close(err)
		return
	}
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	select {
	case <-c.done: // closed meanwhile
		_ = conn.Close()
		return
	default:
	}
	c.s.wg.Go(c.read)
	c.write()
}

func (c *stream) write() {
	var spare []byte
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		}
		c.mu.Lock()
		b, last := c.out, c.last
		c.out = spare[:0]
		c.mu.Unlock()
		if len(b) > 0 {
			_ = c.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
			if _, err := c.conn.Write(b); err != nil {
				c.close(err)
				return
			}
		}
		if last {
			c.close(errors.New("framing lost"))
			return
		}
		if spare = b; cap(spare) > 16384 {
			spare = nil
		}
	}
}

// close ends the connection and tells the transactions that wait on it.
func (c *stream) close(cause error) {
	c.once.Do(func() {
		close(c.done)
		c.mu.Lock()
		if c.conn != nil {
			_ = c.conn.Close()
		}
		c.mu.Unlock()
		c.s.streams.remove(c)
		for _, sh := range c.s.shards {
			sh.push(item{f: func() { sh.streamClosed(c.remote, cause) }})
		}
	})
}

// read takes messages off the stream until it ends or loses its framing.
func (c *stream) read() {
	defer func() { c.close(io.EOF) }()
	flow := Flow{TCP, addrPortOf(c.conn.LocalAddr()), c.remote}
	r := bufio.NewReaderSize(c.conn, 4096)
	l := &c.s.o.Limits
	var buf []byte
	wait := l.FirstMessage
	if c.dialed {
		wait = l.Idle
	}
	for {
		if wait == l.Idle && c.s.o.Exempt != nil && c.s.o.Exempt(c.remote) {
			wait = 0
		}
		c.deadline(wait)
		msg, rest, err := c.next(r, buf, l)
		if err != nil {
			if errors.Is(err, errLimit) || errors.Is(err, errLength) || errors.Is(err, errNoSIP) || errors.Is(err, errHeaderForm) {
				c.s.counters.Received.Add(1)
				c.s.refuseRaw(msg, flow, err)
				c.closeAfterWriting()
			}
			return
		}
		if !c.s.receive(msg, flow) {
			c.closeAfterWriting()
			return
		}
		wait = l.Idle
		if buf = rest; cap(buf) > 16384 {
			buf = nil
		}
	}
}

// closeAfterWriting lets the writer send what is queued, the refusal above all, and
// then close; it waits a second at most.
func (c *stream) closeAfterWriting() {
	c.mu.Lock()
	c.last = true
	c.mu.Unlock()
	c.put(nil)
	select {
	case <-c.done:
	case <-time.After(time.Second):
	}
}

func (c *stream) deadline(d time.Duration) {
	if d == 0 {
		_ = c.conn.SetReadDeadline(time.Time{})
		return
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(d))
}

// next reads one message. buf is scratch; rest is scratch for the next call.
// Line ends between messages are keepalives; a double one is answered by a single
// one (RFC 5626 4.4.1).
func (c *stream) next(r *bufio.Reader, buf []byte, l *Limits) (msg, rest []byte, err error) {
	if err := c.skipKeepalives(r); err != nil {
		return nil, nil, err
	}
	buf = buf[:0]
	for {
		line, err := r.ReadSlice('\n')
		buf = append(buf, line...)
		if len(buf) > l.Message {
			return buf, nil, errLimit
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return buf, nil, err
		}
		if len(line) == 2 && line[0] == '\r' || len(line) == 1 {
			break
		}
	}
	f, err := frameOf(buf, l)
	if err != nil {
		return buf, nil, err
	}
	if f.length < 0 { // RFC 3261 20.14: a stream needs it
		return buf, nil, errLength
	}
	if f.head+f.length > l.Message {
		return buf, nil, errLimit
	}
	head := len(buf)
	buf = append(buf, make([]byte, f.length)...)
	if _, err := io.ReadFull(r, buf[head:]); err != nil {
		return buf[:head], nil, err
	}
	return buf, buf, nil
}

func (c *stream) skipKeepalives(r *bufio.Reader) error {
	ends := 0
	for {
		b, err := r.Peek(1)
		if err != nil {
			return err
		}
		if b[0] != '\r' && b[0] != '\n' {
			return nil
		}
		_, _ = r.Discard(1)
		if b[0] == '\n' {
			if ends++; ends == 2 {
				ends = 0
				c.s.counters.Keepalives.Add(1)
				c.put([]byte("\r\n"))
			}
		}
	}
}
