package sip

import "time"

// finished keeps what is needed to answer repeats of transactions that are over:
// the response's bytes by key, for 32 s (timers H, J, L), within a share of
// Limits.FinishedBytes; beyond it the oldest are forgotten. The owner's mutex
// guards it.
type finished struct {
	txs   map[string]finishedTx
	order []finishedRef // oldest first from head on
	head  int
	size  int
	peak  int
	timer *time.Timer
}

type finishedTx struct {
	resp     []byte // nil: absorb the repeat without an answer
	flow     Flow
	accepted bool // an INVITE that got a 2xx
}

type finishedRef struct {
	key string
	end time.Time
}

// finishedCost is what map and slice need for one entry besides key and response.
const finishedCost = 260

func (f *finished) get(key string) (finishedTx, bool) {
	tx, ok := f.txs[key]
	return tx, ok
}

func (f *finished) put(sh *shard, key string, tx finishedTx) {
	if f.txs == nil {
		f.txs = make(map[string]finishedTx)
	}
	if _, twice := f.txs[key]; twice {
		return
	}
	f.txs[key] = tx
	f.order = append(f.order, finishedRef{key, time.Now().Add(timerB)})
	f.size += f.cost(key, tx)
	f.peak = max(f.peak, len(f.txs))
	limit := sh.s.o.Limits.FinishedBytes / len(sh.s.shards)
	for f.size > limit && f.head < len(f.order)-1 {
		sh.s.counters.FinishedEvicted.Add(1)
		f.drop()
	}
	if f.timer == nil {
		f.timer = time.AfterFunc(timerB, func() {
			sh.mu.Lock()
			defer sh.mu.Unlock()
			f.sweep()
		})
	}
}

func (f *finished) cost(key string, tx finishedTx) int {
	return finishedCost + len(key) + cap(tx.resp)
}

// drop forgets the oldest.
func (f *finished) drop() {
	key := f.order[f.head].key
	f.size -= f.cost(key, f.txs[key])
	delete(f.txs, key)
	f.order[f.head] = finishedRef{}
	f.head++
	if f.head > 256 && f.head > len(f.order)/2 {
		f.order = append([]finishedRef(nil), f.order[f.head:]...)
		f.head = 0
	}
}

// sweep forgets what is over and sets the timer for the next. Maps never shrink,
// so an empty one that has been large is given back.
func (f *finished) sweep() {
	if f.timer == nil {
		return
	}
	now := time.Now()
	for f.head < len(f.order) && !f.order[f.head].end.After(now) {
		f.drop()
	}
	if f.head == len(f.order) {
		f.order, f.head, f.timer = nil, 0, nil
		if f.peak > 1024 {
			f.txs = nil
		}
		f.peak = 0
		return
	}
	// Half a second later than the next end: one sweep takes many.
	f.timer.Reset(f.order[f.head].end.Sub(now) + T1)
}

func (f *finished) stop() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}
