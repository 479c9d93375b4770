package sip

import "time"

// serverTx is the server transaction of one request (RFC 3261 17.2, RFC 6026). Its
// shard's mutex guards all but the constant fields.
//
//	proceeding ─2xx to INVITE─▶ accepted ─32 s─▶ forgotten
//	     │ ────300-699 to INVITE─▶ completed (repeats) ─ACK─▶ confirmed ─▶ forgotten
//	     └─────final, not INVITE─▶ completed: only its bytes stay, 32 s
type serverTx struct {
	sh     *shard
	key    string
	merge  string
	req    *Request
	flow   Flow
	invite bool

	state     txState
	cancelled bool
	last      []byte // the latest response, for repeats
	replyFlow Flow
	timer     *time.Timer
	interval  time.Duration // of timer G
	elapsed   time.Duration
}

// Request implements ServerTx.
func (tx *serverTx) Request() *Request { return tx.req }

// Respond implements ServerTx.
func (tx *serverTx) Respond(resp *Response) error {
	tx.sh.mu.Lock()
	defer tx.sh.mu.Unlock()
	success := resp.status/100 == 2
	switch {
	case tx.state == txAccepted && success:
	case tx.state >= txAccepted:
		return errGone
	}
	b := tx.last[:0]
	if cap(b) == 0 {
		b = make([]byte, 0, 512+len(resp.body))
	}
	b = resp.append(b)
	flow := responseFlow(resp)
	err := tx.sh.s.write(flow, b)
	if tx.state == txAccepted {
		return err
	}
	tx.last, tx.replyFlow = b, flow
	tx.sh.s.counters.answered(resp.status)
	switch {
	case resp.status < 200:
		tx.state = txProceeding
	case !tx.invite:
		tx.end(txTerminated, finishedTx{resp: b, flow: flow})
	case success:
		tx.end(txAccepted, finishedTx{accepted: true})
	default:
		tx.state = txCompleted
		tx.repeat()
	}
	return err
}

// end takes the transaction out of the live ones. Reliable transports repeat
// nothing, so nothing is kept for them.
func (tx *serverTx) end(state txState, f finishedTx) {
	tx.state = state
	tx.last = nil
	tx.stop()
	if tx.sh.server[tx.key] != tx {
		return
	}
	delete(tx.sh.server, tx.key)
	if tx.merge != "" {
		delete(tx.sh.merged, tx.merge)
	}
	tx.sh.s.live.Add(-1)
	if tx.flow.transport == UDP || f.accepted {
		if cap(f.resp) > len(f.resp)+64 {
			f.resp = append([]byte(nil), f.resp...)
		}
		tx.sh.done.put(tx.sh, tx.key, f)
	}
}

// repeat starts timer G (over UDP) and H for a refused INVITE.
func (tx *serverTx) repeat() {
	tx.interval = T1
	first := T1
	if tx.flow.transport != UDP {
		first = timerB
	}
	tx.elapsed = first
	tx.timer = time.AfterFunc(first, func() { tx.sh.push(item{f: tx.tick}) })
}

func (tx *serverTx) tick() {
	tx.sh.mu.Lock()
	defer tx.sh.mu.Unlock()
	if tx.state != txCompleted {
		return
	}
	if tx.elapsed >= timerB { // timer H: the ACK never came
		tx.end(txTerminated, finishedTx{})
		return
	}
	_ = tx.sh.s.write(tx.replyFlow, tx.last)
	tx.interval = min(2*tx.interval, T2)
	next := min(tx.interval, timerB-tx.elapsed)
	tx.elapsed += next
	tx.timer.Reset(next)
}

// forgetLater ends a request without INVITE that nobody answers when its sender has
// given up (RFC 4320 4.2). sh.mu is held.
func (tx *serverTx) forgetLater() {
	if tx.state >= txAccepted {
		return
	}
	tx.timer = time.AfterFunc(timerB, func() {
		tx.sh.mu.Lock()
		defer tx.sh.mu.Unlock()
		if tx.state < txAccepted {
			tx.end(txTerminated, finishedTx{})
		}
	})
}

// confirm takes the ACK of a refusal. sh.mu is held.
func (tx *serverTx) confirm() { tx.end(txConfirmed, finishedTx{}) }

func (tx *serverTx) stop() {
	if tx.timer != nil {
		tx.timer.Stop()
	}
}
