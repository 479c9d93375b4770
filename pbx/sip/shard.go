package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// shard is one queue with its goroutine and the transactions of the Call-IDs that
// fall to it. mu guards the transactions, because responses may be given from any
// goroutine; handlers and callbacks are called without it.
type shard struct {
	s *Stack

	qmu   sync.Mutex
	queue []item
	spare []item
	wake  chan struct{} // one token: the queue has become non-empty

	mu     sync.Mutex
	server map[string]*serverTx // by server key
	merged map[string]*serverTx // live ones outside of dialogs, by merge key
	client map[string]*clientTx // by branch and method
	done   finished
}

// item is one thing to do, in order: a request, a response, or a function.
type item struct {
	req  *Request
	resp *Response
	f    func()
}

func newShard(s *Stack) *shard {
	sh := &shard{s: s, wake: make(chan struct{}, 1)}
	sh.server = make(map[string]*serverTx)
	sh.merged = make(map[string]*serverTx)
	sh.client = make(map[string]*clientTx)
	return sh
}

// push queues what must not be lost: timers, commands.
func (sh *shard) push(it item) {
	sh.qmu.Lock()
	sh.queue = append(sh.queue, it)
	first := len(sh.queue) == 1
	sh.qmu.Unlock()
	if first {
		select {
		case sh.wake <- struct{}{}:
		default:
		}
	}
}

// offer queues a message from the wire; beyond the limit it is dropped and counted,
// and the sender's repeat tries again.
func (sh *shard) offer(it item) {
	sh.qmu.Lock()
	full := len(sh.queue) >= sh.s.o.Limits.Queue
	sh.qmu.Unlock()
	if full && (it.req == nil || !sh.s.passesLimit(it.req)) && (it.resp == nil || !sh.s.urgent.has(it.resp.flow.remote)) {
		sh.s.counters.DroppedQueue.Add(1)
		return
	}
	sh.push(it)
}

func (sh *shard) run() {
	for {
		select {
		case <-sh.s.ctx.Done():
			sh.shutdown()
			return
		case <-sh.wake:
		}
		sh.drain()
	}
}

func (sh *shard) drain() {
	for {
		sh.qmu.Lock()
		batch := sh.queue
		sh.queue = sh.spare[:0]
		sh.spare = nil
		sh.qmu.Unlock()
		for i := range batch {
			sh.handle(batch[i])
			batch[i] = item{}
		}
		sh.qmu.Lock()
		if cap(batch) <= 1024 {
			sh.spare = batch[:0]
		}
		empty := len(sh.queue) == 0
		sh.qmu.Unlock()
		if empty {
			return
		}
	}
}

// handle does one thing; a panic costs that thing alone.
func (sh *shard) handle(it item) {
	defer func() {
		if p := recover(); p != nil {
			sh.s.counters.Panics.Add(1)
			sh.s.o.Log.Error("SIP handler panicked", "panic", clip(fmt.Sprint(p)), "stack", string(debug.Stack()))
			if it.req != nil && it.req.method != ACK {
				sh.panicked(it.req)
			}
		}
	}()
	switch {
	case it.f != nil:
		it.f()
	case it.req != nil:
		sh.request(it.req)
	case it.resp != nil:
		sh.response(it.resp)
	}
}

// panicked answers the request whose handler panicked.
func (sh *shard) panicked(r *Request) {
	sh.mu.Lock()
	tx := sh.server[serverKey(r, r.method)]
	sh.mu.Unlock()
	resp := NewResponse(r, 500, "")
	if tx == nil || tx.Respond(resp) != nil {
		_ = sh.s.writeResponse(resp)
	}
}

// shutdown tells the client transactions that nothing will come any more.
func (sh *shard) shutdown() {
	sh.drain()
	sh.mu.Lock()
	var waiting []*clientTx
	for _, tx := range sh.client {
		if tx.state < txAccepted {
			waiting = append(waiting, tx)
		}
		tx.stop()
	}
	for _, tx := range sh.server {
		tx.stop()
	}
	sh.done.stop()
	clear(sh.client)
	clear(sh.server)
	sh.mu.Unlock()
	for _, tx := range waiting {
		tx.on(nil, ErrClosed)
	}
	sh.drain()
}

// streamClosed fails what waits for an answer on a broken connection.
func (sh *shard) streamClosed(remote netip.AddrPort, cause error) {
	var failed []*clientTx
	sh.mu.Lock()
	for _, tx := range sh.client {
		if tx.flow.transport == TCP && tx.flow.remote == remote && tx.state < txAccepted {
			failed = append(failed, tx)
		}
	}
	sh.mu.Unlock()
	for _, tx := range failed {
		tx.fail(fmt.Errorf("%w: connection to %s: %w", ErrTransport, remote, cause))
	}
}

// serverKey names the transaction of a request (RFC 3261 17.2.3). ACK and CANCEL
// are looked up with the INVITE's method. Requests of RFC 2543 senders, without
// the magic cookie, are named by their fields.
func serverKey(r *Request, method string) string {
	v, top, _ := r.topVia()
	if b := v.branch(); b != "" {
		return b + "|" + v.host + ":" + itoa(v.port) + "|" + method
	}
	n, _ := r.CSeq()
	to := ""
	if r.method != INVITE && r.method != ACK && r.method != CANCEL {
		to = r.To().Tag()
	}
	return strings.Join([]string{r.CallID(), r.From().Tag(), to, itoa(uint16(n)) + itoa(uint16(n>>16)), r.uri.String(), top, method}, "|")
}

func itoa(n uint16) string {
	var b [5]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return string(b[i:])
		}
	}
}

// mergeKey names a request that reaches us over several ways (RFC 3261 8.2.2.2).
func mergeKey(r *Request) string {
	v, _ := r.Header("CSeq")
	return r.CallID() + "|" + r.From().Tag() + "|" + v
}

func (sh *shard) request(r *Request) {
	switch r.method {
	case ACK:
		sh.ack(r)
		return
	case CANCEL:
		sh.cancelRequest(r)
		return
	}
	key := serverKey(r, r.method)
	sh.mu.Lock()
	if sh.absorb(key) {
		sh.mu.Unlock()
		return
	}
	merge := ""
	if r.To().Tag() == "" {
		merge = mergeKey(r)
		if _, twice := sh.merged[merge]; twice {
			sh.mu.Unlock()
			_ = sh.s.writeResponse(NewResponse(r, 482, "Loop Detected: merged request"))
			return
		}
	}
	sh.mu.Unlock()
	// Before the handler is asked, which prepares for an INVITE or SUBSCRIBE that it
	// lets in; after it for the rest, most of which it answers without a transaction.
	prepares := r.method == INVITE || r.method == SUBSCRIBE
	if prepares && sh.overloaded(r) {
		return
	}
	if resp := sh.s.handler.Stateless(r); resp != nil {
		sh.s.counters.StatelessAnswers.Add(1)
		sh.s.counters.answered(resp.status)
		_ = sh.s.writeResponse(resp)
		return
	}
	if !prepares && sh.overloaded(r) {
		return
	}
	tx := &serverTx{sh: sh, key: key, merge: merge, req: r, flow: r.flow, invite: r.method == INVITE}
	sh.mu.Lock()
	sh.server[key] = tx
	if merge != "" {
		sh.merged[merge] = tx
	}
	sh.mu.Unlock()
	sh.s.live.Add(1)
	sh.s.handler.Request(tx)
	if !tx.invite {
		sh.mu.Lock()
		defer sh.mu.Unlock()
		tx.forgetLater()
	}
}

// overloaded refuses a request for which there is no transaction left.
func (sh *shard) overloaded(r *Request) bool {
	live := sh.s.live.Load()
	if live < int64(sh.s.o.Limits.Transactions) ||
		live < int64(sh.s.o.Limits.Transactions+urgentReserve) && (r.To().Tag() != "" || sh.s.passesLimit(r)) {
		return false
	}
	sh.s.counters.TransactionsOverloaded.Add(1)
	resp := NewResponse(r, 503, "")
	resp.AddHeader("Retry-After", "10")
	_ = sh.s.writeResponse(resp)
	return true
}

// absorb answers a repeated request from its transaction and says whether there
// was one. sh.mu is held.
func (sh *shard) absorb(key string) bool {
	if tx := sh.server[key]; tx != nil {
		sh.s.counters.Repeats.Add(1)
		if len(tx.last) > 0 {
			_ = sh.s.write(tx.replyFlow, tx.last)
		}
		return true
	}
	if f, ok := sh.done.get(key); ok {
		sh.s.counters.Repeats.Add(1)
		if len(f.resp) > 0 {
			_ = sh.s.write(f.flow, f.resp)
		}
		return true
	}
	return false
}

func (sh *shard) ack(r *Request) {
	key := serverKey(r, INVITE)
	sh.mu.Lock()
	if tx := sh.server[key]; tx != nil && tx.state == txCompleted {
		tx.confirm()
		sh.mu.Unlock()
		return
	}
	f, ok := sh.done.get(key)
	sh.mu.Unlock()
	if ok && !f.accepted {
		return // a repeat of the ACK for a refusal
	}
	sh.s.handler.Ack(r)
}

func (sh *shard) cancelRequest(r *Request) {
	key := serverKey(r, CANCEL)
	sh.mu.Lock()
	if sh.absorb(key) {
		sh.mu.Unlock()
		return
	}
	inviteKey := serverKey(r, INVITE)
	invite := sh.server[inviteKey]
	_, was := sh.done.get(inviteKey)
	status := 200
	if invite == nil && !was {
		status = 481
	}
	resp := NewResponse(r, status, "")
	b := resp.append(nil)
	flow := responseFlow(resp)
	sh.done.put(sh, key, finishedTx{resp: b, flow: flow})
	pass := invite != nil && invite.state < txCompleted && !invite.cancelled
	if pass {
		invite.cancelled = true
	}
	sh.mu.Unlock()
	_ = sh.s.write(flow, b)
	if pass {
		sh.s.handler.Cancel(invite, r)
	}
}

func (sh *shard) response(r *Response) {
	v, _, _ := r.topVia()
	key := clientKey(v.branch(), r.Method())
	sh.mu.Lock()
	tx := sh.client[key]
	sh.mu.Unlock()
	if tx == nil || len(r.Headers("Via")) > 1 { // RFC 3261 8.1.3.3
		sh.s.counters.StrayResponses.Add(1)
		return
	}
	tx.receive(r)
}

// Timers of RFC 3261 17 and RFC 6026.
const (
	T1 = 500 * time.Millisecond
	T2 = 4 * time.Second
	T4 = 5 * time.Second

	timerB = 64 * T1 // also F, H, J, L, M
	timerD = 32 * time.Second
)

var errGone = errors.New("transaction over")

type txState uint8

// States of transactions. Server: proceeding, then completed (refused, or any
// final answer without INVITE), accepted (2xx to INVITE), confirmed (ACK came).
// Client: calling, proceeding, accepted, completed.
const (
	txCalling txState = iota
	txProceeding
	txAccepted
	txCompleted
	txConfirmed
	txTerminated
)
