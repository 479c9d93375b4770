package sim

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"centralino/hal"
)

// ModemOptions describes a simulated modem.
type ModemOptions struct {
	Profile  Profile
	Link     string        // symbolic link that always leads to the modem's present pty; empty = none
	PPM      float64       // deviation of the codec clock, parts per million
	Stuck    bool          // at the start off hook and in duplex, as a killed driver leaves it
	NoEvents bool          // reports neither keys nor tones: the host must hear them itself
	Latency  time.Duration // of command answers, 20 ms if 0
	TXBuffer int           // samples the modem queues towards the line, 1024 if 0
	NoSense  bool          // does not sense that no current flows on a line
	NoTone   bool          // knows another country's dial tone: NO DIALTONE wherever ATX wants one
}

// Modem is a V.253 DCE connected to a line of the exchange. It ends with its
// context or by Close.
//
// One goroutine owns its state; one reads and one writes the serial line while the
// modem is plugged in. The exchange's callbacks and the methods below hand their
// work to the owner.
type Modem struct {
	line *ExLine
	o    ModemOptions
	mem  bool // in memory, no pty

	wake chan struct{}
	done chan struct{} // the owner has returned
	stop context.CancelFunc
	wg   sync.WaitGroup // readers and writers

	mu       sync.Mutex // guards what follows
	todo     []func()
	conn     io.ReadWriteCloser // nil while unplugged
	path     string
	plugs    int
	received []string
	counts   ModemCounts

	// Below here the owner's own.
	in      chan []byte // from the reader; nil while unplugged
	out     *outbox
	power   int    // counts power cycles: what was planned before one is void
	pending []byte // received and not yet consumed
	fault   Fault
	dce
}

// ModemCounts are the stream engine's counters.
type ModemCounts struct {
	Underruns, Overruns uint64 // u and o events, sent or not
	Commands            uint64
}

// Fault is a misbehaviour of a modem.
type Fault struct {
	Garbage []byte        // sent once, at once
	Error   int           // the next n commands answer ERROR
	Slow    time.Duration // every answer comes this much later
	Mute    bool          // answers nothing at all until a fault without Mute
	Deaf    bool          // does not even read its port until a fault without Deaf
}

var _ device = (*Modem)(nil)

// OpenModem starts a modem behind a new pty.
func OpenModem(ctx context.Context, line *ExLine, o ModemOptions) (*Modem, error) {
	return openModem(ctx, line, o, false)
}

// OpenPortModem starts a modem whose serial port is a pipe in memory, for tests in
// virtual time; the Modem itself is the opener of the other end. The port is that
// of hal/serial in behaviour: 100 ms read timeout, 500 ms write deadline, 4096
// octets of buffer.
func OpenPortModem(ctx context.Context, line *ExLine, o ModemOptions) (*Modem, error) {
	return openModem(ctx, line, o, true)
}

func openModem(ctx context.Context, line *ExLine, o ModemOptions, mem bool) (*Modem, error) {
	if o.Latency == 0 {
		o.Latency = 20 * time.Millisecond
	}
	if o.TXBuffer == 0 {
		o.TXBuffer = 1024
	}
	ctx, stop := context.WithCancel(ctx)
	m := &Modem{
		line: line, o: o, mem: mem, stop: stop,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := line.connect(m); err != nil {
		stop()
		return nil, fmt.Errorf("connect modem to line %s: %w", line.id, err)
	}
	if err := m.plugIn(); err != nil {
		stop()
		line.connect(nil)
		return nil, err
	}
	if o.Stuck {
		m.stick()
	}
	go m.run(ctx)
	return m, nil
}

// plugIn powers the modem on behind a new serial line.
func (m *Modem) plugIn() error {
	m.mu.Lock()
	old := m.path
	m.plugs++
	name := fmt.Sprintf("sim-%s-%d", m.line.id, m.plugs)
	m.mu.Unlock()
	var conn io.ReadWriteCloser = newWire(name)
	if !m.mem {
		p, err := openPTY(old)
		if err != nil {
			return err
		}
		if m.o.Link != "" {
			if err := relink(m.o.Link, p.path); err != nil {
				p.Close()
				return err
			}
		}
		conn, name = p, p.path
	}
	m.mu.Lock()
	m.conn, m.path = conn, name
	m.mu.Unlock()
	m.power++
	m.dce.reset(&m.o)
	m.pending = nil
	m.in = make(chan []byte)
	m.out = newOutbox()
	m.wg.Add(2)
	go m.read(conn, m.in)
	go m.write(conn, m.out)
	return nil
}

// pullOut takes power and serial line away.
func (m *Modem) pullOut() {
	m.mu.Lock()
	conn := m.conn
	m.conn = nil
	m.mu.Unlock()
	if conn == nil {
		return
	}
	m.power++
	m.onHook()
	m.out.close()
	conn.Close()
	if m.in != nil {
		for range m.in { // until the reader has seen it
		}
	}
	m.in, m.out, m.pending = nil, nil, nil
}

func (m *Modem) read(conn io.Reader, in chan<- []byte) {
	defer m.wg.Done()
	defer close(in)
	for {
		b := make([]byte, 512)
		n, err := conn.Read(b)
		if n > 0 {
			in <- b[:n]
		}
		if err != nil {
			return
		}
	}
}

func (m *Modem) write(conn io.Writer, out *outbox) {
	defer m.wg.Done()
	b := make([]byte, 512)
	for {
		n := out.take(b)
		if n == 0 {
			return
		}
		if _, err := conn.Write(b[:n]); err != nil {
			return
		}
	}
}

// run is the owner.
func (m *Modem) run(ctx context.Context) {
	defer close(m.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		m.consume()
		in := m.in
		if len(m.pending) > 0 || m.fault.Deaf {
			in = nil // back-pressure: the serial line fills up
		}
		timer.Stop()
		if m.ticking() {
			timer.Reset(time.Until(m.nextTick))
		}
		select {
		case <-ctx.Done():
			m.pullOut()
			m.wg.Wait()
			m.line.connect(nil)
			return
		case <-m.wake:
			for _, f := range m.take() {
				f()
			}
		case b, ok := <-in:
			if !ok {
				m.in = nil
				continue
			}
			m.pending = b
		case <-timer.C:
			m.ticks()
		}
	}
}

// post hands f to the owner.
func (m *Modem) post(f func()) {
	m.mu.Lock()
	m.todo = append(m.todo, f)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *Modem) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.todo
	m.todo = nil
	return t
}

// call runs f in the owner and waits for it.
func (m *Modem) call(f func()) {
	ok := make(chan struct{})
	m.post(func() { f(); close(ok) })
	select {
	case <-ok:
	case <-m.done:
	}
}

// after runs f in the owner once d is over, unless the modem was unplugged since.
func (m *Modem) after(d time.Duration, f func()) {
	power := m.power
	time.AfterFunc(d, func() {
		m.post(func() {
			if m.power == power {
				f()
			}
		})
	})
}

// Path is the device to open: Link if there is one, else the pty's own name.
func (m *Modem) Path() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.o.Link != "" {
		return m.o.Link
	}
	return m.path
}

// Unplug takes the modem's port away; a call in progress ends.
func (m *Modem) Unplug() { m.call(m.pullOut) }

// Replug brings the modem back, freshly powered on and under another device name.
func (m *Modem) Replug() error {
	var err error
	m.call(func() {
		m.pullOut()
		m.fault = Fault{}
		err = m.plugIn()
	})
	return err
}

// Inject makes the modem misbehave from now on.
func (m *Modem) Inject(f Fault) {
	m.call(func() {
		m.fault = f
		if len(f.Garbage) > 0 && m.out != nil {
			m.out.put(f.Garbage)
		}
	})
}

// Received returns a copy of every command line that the modem was given, from
// its "AT" to the carriage return.
func (m *Modem) Received() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.received)
}

// Counts returns what the modem has counted since it was opened.
func (m *Modem) Counts() ModemCounts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}

func (m *Modem) count(f func(*ModemCounts)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.counts)
}

// Kind is the kind of line that the modem's profile is made for.
func (m *Modem) Kind() hal.LineKind { return m.o.Profile.Kind }

// Close unplugs the modem for good and waits for its goroutines.
func (m *Modem) Close() error {
	m.stop()
	<-m.done
	return nil
}
