package sip

import (
	"context"
	"net/netip"
	"time"
)

// Stack is the SIP wire of the box.
type Stack struct{}

// New opens the listeners; Run serves them.
func New(o Options) (*Stack, error) { return &Stack{}, nil }

// Handle sets who takes requests. It must be called before Run.
func (s *Stack) Handle(h Handler) {}

// Run serves until ctx ends, then closes everything and returns nil.
func (s *Stack) Run(ctx context.Context) error { return nil }

// Counters returns the live counters.
func (s *Stack) Counters() *Counters { return nil }

// Addrs returns the addresses listened on, with the ports really taken.
func (s *Stack) Addrs(transport string) []netip.AddrPort { return nil }

// LocalAddrFor returns our address and port as remote should see it in Contact and
// SDP: the listener's port, and for a listener on all addresses the interface's
// address that leads to remote.
func (s *Stack) LocalAddrFor(transport string, remote netip.Addr) netip.AddrPort {
	return netip.AddrPort{}
}

// Send sends req in a client transaction and returns without waiting; name lookup
// and connecting happen behind. on is called in order in the queue of the request's
// Call-ID: any number of provisional responses, then one final response or one
// error (ErrTimeout, ErrTransport, ErrClosed); for INVITE each further 2xx (forks
// and repeats, RFC 6026) within 32 s comes too. on must not block. ACKs for
// non-2xx answers are sent by the transaction, those for 2xx by the caller with
// SendAck. req belongs to the stack from here on.
func (s *Stack) Send(req *Request, to Destination, on func(*Response, error)) (ClientTx, error) {
	return nil, ErrClosed
}

// Do sends req and waits for its final response.
func (s *Stack) Do(ctx context.Context, req *Request, to Destination) (*Response, error) {
	return nil, ErrClosed
}

// SendAck sends an ACK for a 2xx (or a request that has no transaction) once.
func (s *Stack) SendAck(req *Request, to Destination) error { return ErrClosed }

// Queue runs f in the queue of callID after everything that came before it. f must
// not block.
func (s *Stack) Queue(callID string, f func()) {}

// After runs f in the queue of callID after d, unless the returned stop is called
// before. f may still run once when stop comes while f waits in the queue.
func (s *Stack) After(callID string, d time.Duration, f func()) (stop func()) { return func() {} }
