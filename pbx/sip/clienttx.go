package sip

import (
	"fmt"
	"strconv"
	"time"
)

// clientTx is the client transaction of one request (RFC 3261 17.1, RFC 6026). Its
// shard's mutex guards it; on is called in the shard's queue without it.
//
//	calling ─1xx─▶ proceeding ─2xx to INVITE─▶ accepted ─32 s─▶ over
//	   │ timer B/F   │ └─300-699 to INVITE, any final─▶ completed ─▶ over
//	   ▼             ▼
//	next server, or over with an error
type clientTx struct {
	sh     *shard
	req    *Request
	on     func(*Response, error)
	invite bool

	key      string
	state    txState
	flow     Flow
	servers  []Flow // still to be tried (RFC 3263 4.3)
	bytes    []byte
	ackBytes []byte
	timer    *time.Timer
	interval time.Duration
	elapsed  time.Duration
	limit    time.Duration
	cancel   cancelState
	reason   string
}

type cancelState uint8

const (
	cancelNone   cancelState = iota
	cancelWanted             // waits for a provisional response
	cancelSent
)

func clientKey(branch, method string) string { return branch + "|" + method }

// failoverAfter is how long a server may stay silent when another one is left.
const failoverAfter = 3500 * time.Millisecond

// Request implements ClientTx.
func (tx *clientTx) Request() *Request { return tx.req }

// next sends the request to the next server; without one it ends with cause. sh.mu
// is held.
func (tx *clientTx) next(cause error) {
	s := tx.sh.s
	for {
		if tx.state == txTerminated {
			return
		}
		delete(tx.sh.client, tx.key)
		if tx.cancel != cancelNone {
			tx.finish(nil, ErrTimeout)
			return
		}
		if len(tx.servers) == 0 {
			if cause == nil {
				cause = fmt.Errorf("%w: no server", ErrTransport)
			}
			tx.finish(nil, cause)
			return
		}
		tx.flow, tx.servers = tx.servers[0], tx.servers[1:]
		branch := newBranch()
		s.stamp(tx.req, tx.flow, branch)
		if tx.bytes == nil {
			tx.bytes = make([]byte, 0, 768+len(tx.req.body))
		}
		tx.bytes = tx.req.append(tx.bytes[:0])
		tx.key = clientKey(branch, tx.req.method)
		tx.sh.client[tx.key] = tx
		tx.state = txCalling
		if cause = s.write(tx.flow, tx.bytes); cause == nil {
			tx.arm()
			return
		}
	}
}

// arm starts timers A and B, or E and F.
func (tx *clientTx) arm() {
	tx.limit = timerB
	if len(tx.servers) > 0 {
		tx.limit = failoverAfter
	}
	tx.interval, tx.elapsed = T1, 0
	if tx.flow.transport != UDP {
		tx.interval = tx.limit
	}
	tx.after(tx.interval)
}

func (tx *clientTx) after(d time.Duration) {
	tx.elapsed += d
	if tx.timer == nil {
		tx.timer = time.AfterFunc(d, func() { tx.sh.push(item{f: tx.tick}) })
		return
	}
	tx.timer.Reset(d)
}

func (tx *clientTx) tick() {
	tx.sh.mu.Lock()
	defer tx.sh.mu.Unlock()
	switch {
	case tx.state == txAccepted || tx.state == txCompleted:
		tx.forget()
		return
	case tx.state == txTerminated:
		return
	case tx.state == txProceeding && tx.invite:
		if tx.cancel == cancelSent && tx.elapsed >= tx.limit { // RFC 3261 9.1
			tx.finish(nil, ErrTimeout)
		}
		return
	case tx.elapsed >= tx.limit:
		tx.next(ErrTimeout)
		return
	}
	_ = tx.sh.s.write(tx.flow, tx.bytes)
	tx.interval *= 2
	if !tx.invite && (tx.interval > T2 || tx.state == txProceeding) {
		tx.interval = T2
	}
	tx.after(min(tx.interval, tx.limit-tx.elapsed))
}

// receive takes one response in the queue.
func (tx *clientTx) receive(r *Response) {
	tx.sh.mu.Lock()
	switch tx.state {
	case txAccepted:
		tx.sh.mu.Unlock()
		if r.status/100 == 2 {
			tx.on(r, nil)
		}
		return
	case txCompleted:
		if r.status >= 300 && tx.ackBytes != nil {
			_ = tx.sh.s.write(tx.flow, tx.ackBytes)
		}
		tx.sh.mu.Unlock()
		return
	case txTerminated:
		tx.sh.mu.Unlock()
		return
	}
	switch {
	case r.status < 200:
		tx.provisional()
	case r.status == 503 && len(tx.servers) > 0 && tx.cancel == cancelNone:
		tx.acknowledge(r)
		tx.next(nil)
		tx.sh.mu.Unlock()
		return
	case r.status < 300 && tx.invite:
		tx.settle(txAccepted, timerB)
	case tx.invite:
		tx.acknowledge(r)
		tx.settle(txCompleted, timerD)
	default:
		tx.forget()
	}
	tx.sh.mu.Unlock()
	tx.on(r, nil)
}

func (tx *clientTx) provisional() {
	tx.state = txProceeding
	tx.servers = nil
	if !tx.invite {
		tx.limit = timerB
		return
	}
	if tx.cancel != cancelSent {
		tx.timer.Stop()
	}
	if tx.cancel == cancelWanted {
		tx.sendCancel()
	}
}

// settle keeps the transaction for repeats of the final response.
func (tx *clientTx) settle(state txState, d time.Duration) {
	tx.state = state
	tx.bytes = nil
	tx.sh.s.live.Add(-1)
	if state == txCompleted && tx.flow.transport != UDP {
		tx.forget()
		return
	}
	tx.elapsed = 0
	tx.after(d)
}

// forget removes the transaction. sh.mu is held.
func (tx *clientTx) forget() {
	if tx.state < txAccepted {
		tx.sh.s.live.Add(-1)
	}
	tx.state = txTerminated
	tx.stop()
	delete(tx.sh.client, tx.key)
	tx.bytes, tx.ackBytes = nil, nil
}

// finish ends the transaction with a result given in the queue. sh.mu is held.
func (tx *clientTx) finish(r *Response, err error) {
	tx.forget()
	tx.sh.push(item{f: func() { tx.on(r, err) }})
}

// fail ends an attempt because of its transport.
func (tx *clientTx) fail(cause error) {
	tx.sh.mu.Lock()
	defer tx.sh.mu.Unlock()
	if tx.state < txAccepted {
		tx.next(cause)
	}
}

func (tx *clientTx) stop() {
	if tx.timer != nil {
		tx.timer.Stop()
	}
}

// acknowledge sends the ACK for a non-2xx answer (RFC 3261 17.1.1.3).
func (tx *clientTx) acknowledge(r *Response) {
	if !tx.invite {
		return
	}
	ack := tx.derived(ACK)
	if to, ok := r.Header("To"); ok {
		ack.SetHeader("To", to)
	}
	tx.ackBytes = ack.append(nil)
	_ = tx.sh.s.write(tx.flow, tx.ackBytes)
}

// derived makes the ACK or CANCEL of the request: same Via, same fields that name
// it (RFC 3261 9.1, 17.1.1.3), no Contact and no body.
func (tx *clientTx) derived(method string) *Request {
	r := &Request{method: method, uri: tx.req.uri}
	for _, f := range tx.req.fields {
		switch f.name {
		case "Via", "From", "To", "Call-ID", "Route", "Max-Forwards":
			r.fields = append(r.fields, f)
		}
	}
	n, _ := tx.req.CSeq()
	r.AddHeader("CSeq", strconv.FormatUint(uint64(n), 10)+" "+method)
	return r
}

// Cancel implements ClientTx.
func (tx *clientTx) Cancel(reason string) {
	tx.sh.mu.Lock()
	defer tx.sh.mu.Unlock()
	if tx.state >= txAccepted || tx.cancel != cancelNone {
		return
	}
	if !tx.invite {
		tx.forget()
		return
	}
	tx.reason = reason
	tx.cancel = cancelWanted
	if tx.state == txProceeding {
		tx.sendCancel()
	}
}

// sendCancel sends the CANCEL in a transaction of its own, and gives the INVITE 32
// s to end. sh.mu is held.
func (tx *clientTx) sendCancel() {
	tx.cancel = cancelSent
	tx.limit, tx.elapsed = timerB, 0
	tx.after(timerB)
	req := tx.derived(CANCEL)
	if tx.reason != "" {
		req.AddHeader("Reason", tx.reason)
	}
	v, _, _ := req.topVia()
	c := &clientTx{sh: tx.sh, req: req, flow: tx.flow, on: func(*Response, error) {}, key: clientKey(v.branch(), CANCEL)}
	c.bytes = req.append(nil)
	tx.sh.client[c.key] = c
	tx.sh.s.live.Add(1)
	_ = tx.sh.s.write(c.flow, c.bytes)
	c.arm()
}
