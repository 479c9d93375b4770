package sip

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Stack is the SIP wire of the box: listeners, queues, transactions.
type Stack struct {
	o        Options
	log      *quietLog
	handler  Handler
	counters Counters
	seed     maphash.Seed
	shards   []*shard
	perAddr  *budgets
	perFlow  *budgets
	urgent   urgents
	live     atomic.Int64 // transactions that still have work to do

	ctx    context.Context // of Run
	cancel context.CancelFunc
	wg     sync.WaitGroup

	udp     []*udpSocket
	streams streams
	locals  localCache
	names   nameCache
}

// New checks the options and opens the listeners; Run serves them. An address in
// use is an error here.
func New(o Options) (*Stack, error) {
	if o.Net == nil || len(o.UDP)+len(o.TCP) == 0 {
		return nil, errors.New("open SIP: no network or no address to listen on")
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Limits.setDefaults()
	s := &Stack{o: o, seed: maphash.MakeSeed()}
	s.log = newQuietLog(o.Log)
	s.perAddr = newBudgets(o.Limits.PerAddress, o.Limits.Sources)
	s.perFlow = newBudgets(o.Limits.PerFlow, o.Limits.Sources)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.streams.init()
	for range min(4*runtime.GOMAXPROCS(0), 32) {
		s.shards = append(s.shards, newShard(s))
	}
	if err := s.listen(); err != nil {
		s.closeListeners()
		return nil, err
	}
	return s, nil
}

func (s *Stack) listen() error {
	for _, a := range s.o.UDP {
		c, err := s.o.Net.ListenUDP(a)
		if err != nil {
			return fmt.Errorf("listen for SIP on UDP %s: %w", a, err)
		}
		s.udp = append(s.udp, newUDPSocket(s, c))
	}
	for _, a := range s.o.TCP {
		if a.Port() == 0 && len(s.udp) > 0 { // the same port as UDP where any will do
			a = netip.AddrPortFrom(a.Addr(), s.udp[0].local.Port())
		}
		l, err := s.o.Net.ListenTCP(a)
		if err != nil {
			return fmt.Errorf("listen for SIP on TCP %s: %w", a, err)
		}
		s.streams.listeners = append(s.streams.listeners, l)
		s.streams.locals = append(s.streams.locals, addrPortOf(l.Addr()))
	}
	return nil
}

func (s *Stack) closeListeners() {
	for _, u := range s.udp {
		u.close()
	}
	s.streams.closeListeners()
}

// Exempt sets which remote addresses the flood budgets do not count, in place of
// Options.Exempt. It must be called before Run.
func (s *Stack) Exempt(f func(netip.AddrPort) bool) { s.o.Exempt = f }

// Handle sets who takes requests. It must be called before Run.
func (s *Stack) Handle(h Handler) { s.handler = h }

// Run serves until ctx ends, then closes listeners and connections, tells what is
// still waiting ErrClosed, and returns nil. It runs once.
func (s *Stack) Run(ctx context.Context) error {
	if s.handler == nil {
		return errors.New("run SIP: no handler")
	}
	stop := context.AfterFunc(ctx, s.cancel)
	defer stop()
	for _, sh := range s.shards {
		s.wg.Go(sh.run)
	}
	for _, u := range s.udp {
		s.wg.Go(u.serve)
	}
	for i := range s.streams.listeners {
		s.wg.Go(func() { s.acceptLoop(i) })
	}
	<-s.ctx.Done()
	s.closeListeners()
	s.streams.closeAll()
	s.wg.Wait()
	return nil
}

// Counters returns the live counters.
func (s *Stack) Counters() *Counters { return &s.counters }

// Transactions returns how many transactions still have work to do.
func (s *Stack) Transactions() int { return int(s.live.Load()) }

// Addrs returns the addresses listened on by the transport, with the ports really
// taken.
func (s *Stack) Addrs(transport string) []netip.AddrPort {
	var out []netip.AddrPort
	if transport == UDP {
		for _, u := range s.udp {
			out = append(out, u.local)
		}
		return out
	}
	return append(out, s.streams.locals...)
}

// LocalAddrFor returns our address and port as remote should see it in Via, Contact
// and SDP: the listener's port, and for a listener on all addresses the address of
// the interface that leads to remote.
func (s *Stack) LocalAddrFor(transport string, remote netip.Addr) netip.AddrPort {
	addrs := s.Addrs(transport)
	if len(addrs) == 0 { // a TCP client without a TCP listener still names its UDP port
		addrs = s.Addrs(UDP)
	}
	var pick netip.AddrPort
	for _, a := range addrs {
		if pick == (netip.AddrPort{}) || a.Addr().Is4() == remote.Is4() && pick.Addr().Is4() != remote.Is4() {
			pick = a
		}
		if a.Addr() == remote { // loopback to itself
			return a
		}
	}
	if !pick.Addr().IsUnspecified() && pick.Addr().IsValid() {
		return pick
	}
	if ip, ok := s.locals.get(remote, s.o.Net); ok {
		return netip.AddrPortFrom(ip, pick.Port())
	}
	return pick
}

// LocalOf returns our address of a flow as the other side should see it: the
// listener's own where it is bound to one address, else as LocalAddrFor.
func (s *Stack) LocalOf(f Flow) netip.AddrPort {
	if f.transport == UDP && f.local.IsValid() && !f.local.Addr().IsUnspecified() {
		return f.local
	}
	return s.LocalAddrFor(f.transport, f.remote.Addr())
}

// Queue runs f in the queue of callID after everything that came before it. f must
// not block.
func (s *Stack) Queue(callID string, f func()) { s.shardOf(callID).push(item{f: f}) }

// After runs f in the queue of callID after d, unless the returned stop is called
// before. f may still run once when stop comes while f waits in the queue.
func (s *Stack) After(callID string, d time.Duration, f func()) (stop func()) {
	sh := s.shardOf(callID)
	t := time.AfterFunc(d, func() { sh.push(item{f: f}) })
	return func() { t.Stop() }
}

// NewCallID makes the Call-ID of a request to a flow. All of them share a queue, so
// that a CANCEL and the INVITE of the next call leave in the order in which they were
// asked for.
func (s *Stack) NewCallID(to Flow) string {
	want := s.shardOf(to.String())
	for {
		if id := NewCallID(); s.shardOf(id) == want {
			return id
		}
	}
}

func (s *Stack) shardOf(callID string) *shard {
	return s.shards[maphash.String(s.seed, callID)%uint64(len(s.shards))]
}

// receive takes one message from the wire: guard, parser, validation, queue. b is
// only read during the call. It returns false when a stream has lost its framing.
func (s *Stack) receive(b []byte, flow Flow) bool {
	s.counters.Received.Add(1)
	if s.o.Exempt == nil || !s.o.Exempt(flow.remote) {
		if !s.perFlow.take(flow.remote) || !s.perAddr.take(netip.AddrPortFrom(flow.remote.Addr(), 0)) {
			if !s.overBudget(b, flow) {
				s.counters.DroppedBudget.Add(1)
				return true
			}
		}
	}
	msg, err := datagram(b, &s.o.Limits)
	if err != nil {
		s.refuseRaw(b, flow, err)
		return false
	}
	req, resp, err := parse(msg, flow)
	if err != nil {
		s.refuseRaw(msg, flow, err)
		return true
	}
	if resp != nil {
		s.receiveResponse(resp)
		return true
	}
	if f := validate(req); f != nil {
		s.counters.Refused.Add(1)
		if req.method != ACK {
			_ = s.writeResponse(f.answer(req))
		}
		return true
	}
	s.shardOf(req.CallID()).offer(item{req: req})
	return true
}

func (s *Stack) receiveResponse(resp *Response) {
	v, _, ok := resp.topVia()
	if _, method, okSeq := parseCSeq(headerOr(resp, "CSeq")); !ok || !okSeq || v.branch() == "" || method == ACK {
		s.counters.DroppedForm.Add(1)
		return
	}
	s.shardOf(resp.CallID()).offer(item{resp: resp})
}

func headerOr(r *Response, name string) string { v, _ := r.Header(name); return v }

// refuseRaw answers what could not be parsed, if anybody could match the answer,
// and counts it. The log gets a short escaped beginning, at a bounded rate.
func (s *Stack) refuseRaw(b []byte, flow Flow, cause error) {
	if !errors.Is(cause, errNoSIP) {
		if req, ok := pick(b[:min(len(b), s.o.Limits.Message)], flow); ok {
			s.counters.Refused.Add(1)
			_ = s.writeResponse(refuseUnparsed(b, cause).answer(req))
			return
		}
	}
	s.counters.DroppedForm.Add(1)
	s.log.refused(flow, cause, b)
}

// writeResponse sends a response where its request came from (RFC 3261 18.2.2).
func (s *Stack) writeResponse(resp *Response) error {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = resp.append((*buf)[:0])
	return s.write(responseFlow(resp), *buf)
}

// responseFlow is where a response goes: back over the connection, or over UDP to
// the source address and, without rport, to the port of the top Via (RFC 3261
// 18.2.2, RFC 3581 4). maddr is not followed: it would send to third parties.
func responseFlow(resp *Response) Flow {
	f := resp.flow
	if f.transport != UDP {
		return f
	}
	v, _, ok := resp.topVia()
	if !ok || v.params.Has("rport") {
		return f
	}
	port := v.port
	if port == 0 {
		port = 5060
	}
	f.remote = netip.AddrPortFrom(f.remote.Addr(), port)
	return f
}

// write sends bytes over a flow without waiting. It copies b if it keeps it.
func (s *Stack) write(f Flow, b []byte) error {
	var err error
	switch f.transport {
	case UDP:
		err = s.writeUDP(f, b)
	case TCP:
		err = s.writeTCP(f, b)
	default:
		err = fmt.Errorf("%w: no transport %q", ErrTransport, f.transport)
	}
	if err != nil {
		s.counters.SendErrors.Add(1)
		s.log.note("SIP message not sent", "flow", f.String(), "error", err)
		return fmt.Errorf("%w: send to %s: %w", ErrTransport, f, err)
	}
	s.counters.Sent.Add(1)
	return nil
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if cap(*b) <= 16384 {
		buffers.Put(b)
	}
}

func addrPortOf(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	case *net.TCPAddr:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	p, _ := netip.ParseAddrPort(a.String())
	return p
}
