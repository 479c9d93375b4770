package sip

import (
	"context"
	"net/netip"
	"strconv"
)

// Send sends req in a client transaction and returns without waiting; name lookup
// and connecting happen behind. on is called in order in the queue of the request's
// Call-ID: any number of provisional responses, then one final response or one
// error (ErrTimeout, ErrTransport, ErrClosed); for INVITE each further 2xx (forks
// and repeats, RFC 6026) within 32 s comes too. on must not block. ACKs for
// non-2xx answers are sent by the transaction, those for 2xx by the caller with
// SendAck. A name with several servers is tried one after the other when one is
// silent for 3.5 s, unreachable or answers 503. req belongs to the stack from here
// on.
func (s *Stack) Send(req *Request, to Destination, on func(*Response, error)) (ClientTx, error) {
	if s.ctx.Err() != nil {
		return nil, ErrClosed
	}
	most := s.o.Limits.Transactions
	if req.urgent {
		most += urgentReserve
	}
	if s.live.Load() >= int64(most) {
		s.counters.TransactionsOverloaded.Add(1)
		return nil, ErrOverload
	}
	complete(req)
	tx := &clientTx{sh: s.shardOf(req.CallID()), req: req, on: on, invite: req.method == INVITE}
	s.live.Add(1)
	if flows, ok := s.direct(to); ok {
		tx.sh.mu.Lock()
		defer tx.sh.mu.Unlock()
		tx.servers = flows
		tx.next(nil)
		return tx, nil
	}
	s.wg.Go(func() {
		flows, err := s.resolve(s.ctx, to.destination())
		tx.sh.mu.Lock()
		defer tx.sh.mu.Unlock()
		tx.servers = flows
		tx.next(err)
	})
	return tx, nil
}

// Do sends req and waits for its final response.
func (s *Stack) Do(ctx context.Context, req *Request, to Destination) (*Response, error) {
	type result struct {
		resp *Response
		err  error
	}
	done := make(chan result, 1) // one final result comes; later 2xx are dropped
	tx, err := s.Send(req, to, func(resp *Response, err error) {
		if err != nil || resp.status >= 200 {
			select {
			case done <- result{resp, err}:
			default:
			}
		}
	})
	if err != nil {
		return nil, err
	}
	select {
	case r := <-done:
		return r.resp, r.err
	case <-ctx.Done():
		tx.Cancel("")
		return nil, ctx.Err()
	case <-s.ctx.Done():
		return nil, ErrClosed
	}
}

// SendAck sends an ACK for a 2xx (or a request that has no transaction) once.
func (s *Stack) SendAck(req *Request, to Destination) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	complete(req)
	if flows, ok := s.direct(to); ok {
		return s.sendOnce(req, flows[0])
	}
	s.wg.Go(func() {
		if flows, err := s.resolve(s.ctx, to.destination()); err == nil && len(flows) > 0 {
			_ = s.sendOnce(req, flows[0])
		}
	})
	return nil
}

func (s *Stack) sendOnce(req *Request, f Flow) error {
	s.stamp(req, f, newBranch())
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = req.append((*buf)[:0])
	return s.write(f, *buf)
}

// complete adds what a request must have (RFC 3261 8.1.1).
func complete(req *Request) {
	if !req.HasHeader("To") {
		req.AddHeader("To", Address{URI: req.uri}.String())
	}
	if !req.HasHeader("From") {
		req.AddHeader("From", Address{URI: req.uri}.WithTag(NewTag()).String())
	}
	if !req.HasHeader("Call-ID") {
		req.AddHeader("Call-ID", NewCallID())
	}
	if !req.HasHeader("CSeq") {
		req.AddHeader("CSeq", "1 "+req.method)
	}
}

// stamp writes Via, and Contact if LocalContact was asked for, for the way taken.
func (s *Stack) stamp(req *Request, f Flow, branch string) {
	local := s.LocalOf(f)
	b := make([]byte, 0, 80)
	if f.transport == TCP {
		b = append(b, "SIP/2.0/TCP "...)
	} else {
		b = append(b, "SIP/2.0/UDP "...)
	}
	b = appendAddrPort(b, local)
	b = append(append(b, ";rport;branch="...), branch...)
	req.RemoveHeader("Via")
	req.prepend("Via", string(b))
	if c := req.contact; c != nil {
		u := NewURI(c.user, local.Addr().String(), local.Port())
		if f.transport == TCP {
			u.Params = ";transport=tcp"
		}
		req.SetHeader("Contact", Address{URI: u, Params: c.params}.String())
	}
}

func appendAddrPort(b []byte, a netip.AddrPort) []byte {
	b = appendHost(b, a.Addr().String())
	return strconv.AppendUint(append(b, ':'), uint64(a.Port()), 10)
}
