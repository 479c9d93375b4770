// Package sim lets synthetic callers and agents loose on the real engine of
// acd/engine under a virtual clock, so that its figures can be held against
// queueing theory (acd/kpi). It runs no goroutine and draws its randomness from
// the seed alone: the same setting always gives the same events.
package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"centralino/acd/engine"
)

// Setting is a queue in steady traffic: callers come at random (Poisson), talks
// and patience are exponential, agents answer at once.
type Setting struct {
	PerHour   float64
	Handle    time.Duration // mean
	Patience  time.Duration // mean; 0: nobody hangs up (Erlang C)
	Impatient bool          // nobody waits at all (Erlang B)
	Agents    int
	Threshold time.Duration // of the service level
	Strategy  engine.Strategy
	Calls     int // counted; a tenth more comes before
	Seed      uint64
}

// Estimate is a simulated figure with its standard error, by batch means.
type Estimate struct{ Mean, Error float64 }

// Off returns how many standard errors the estimate is away from theory.
func (e Estimate) Off(theory float64) float64 {
	if e.Error == 0 {
		return math.Abs(e.Mean-theory) * 1e9
	}
	return math.Abs(e.Mean-theory) / e.Error
}

// Result is what a run measured.
type Result struct {
	Abandons Estimate // share of callers
	Waits    Estimate // share of callers who did not get an agent at once
	Wait     Estimate // seconds, mean over all callers
	Level    Estimate // share of callers answered within the threshold
	Calls    int      // simulated, with those before counting began
	Hash     uint64   // of all events
}

// batches is into how many parts a run is cut to know its error.
const batches = 40

// happening is something that will happen to a caller.
type happening struct {
	at   int64 // ns since the start
	slot int32
	what uint32 // the slot's life doubled, and one more if he hangs up; else his talk ends
}

// caller is a slot for one caller at a time.
type caller struct {
	id      engine.ContactID
	life    uint32 // what is planned for an older one is no longer meant
	batch   int    // that the call counts in, -1 if in none
	talking bool
}

type world struct {
	set     Setting
	engine  *engine.State
	cmd     engine.Command // given last; its queue is always the same
	rng     *rand.Rand
	draws   [64]float64 // exponential numbers of mean 1, drawn ahead: many at a time come quicker
	drawn   int         // so many of them are used
	start   time.Time
	coming  []happening // what will happen, the latest first
	callers []caller
	free    []int32
	sums    [batches]batch
	warm    int
	part    int // the batch of the last caller
	hash    uint64
}

type batch struct {
	calls, abandons, waits, level int
	wait                          time.Duration
}

// Run simulates the setting. The error is the engine's, or says that the engine
// did what it must not do.
func Run(set Setting) (Result, error) {
	if set.Strategy == "" {
		set.Strategy = engine.LongestIdle
	}
	w := &world{
		set: set, rng: rand.New(rand.NewPCG(set.Seed, 0x9e3779b97f4a7c15)),
		cmd: engine.Command{Queue: "q"}, drawn: 64, start: time.Unix(1_800_000_000, 0), warm: set.Calls / 10, hash: 14695981039346656037,
	}
	queue := engine.Queue{ID: "q", Strategy: set.Strategy, RingTime: time.Hour}
	for n := range set.Agents {
		queue.Members = append(queue.Members, engine.AgentID(fmt.Sprintf("p-%d", n)))
	}
	var err error
	if w.engine, err = engine.New(engine.Config{Seed: set.Seed, Queues: []engine.Queue{queue}}, w.start); err != nil {
		return Result{}, err
	}
	for _, m := range queue.Members {
		w.engine.Apply(&engine.Command{Kind: engine.Login, Agent: m}, w.start)
	}
	if err := w.play(); err != nil {
		return Result{}, err
	}
	return w.result(), nil
}

// play runs until the last call has come and everybody has left.
func (w *world) play() error {
	gap := float64(time.Hour) / w.set.PerHour
	next, come := w.after(gap), 0
	last := w.warm + w.set.Calls
	for come < last || len(w.coming) > 0 {
		n := len(w.coming) - 1
		if come < last && (n < 0 || next <= w.coming[n].at) {
			if err := w.arrive(next, come); err != nil {
				return err
			}
			come++
			next += w.after(gap)
			continue
		}
		h := w.coming[n]
		w.coming = w.coming[:n]
		c := &w.callers[h.slot]
		kind := engine.TalkEnded
		if h.what&1 == 1 {
			kind = engine.Abandon
		}
		if c.life != h.what>>1 || c.talking == (kind == engine.Abandon) {
			continue
		}
		if err := w.do(kind, c.id, h.at); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) arrive(at int64, number int) error {
	if len(w.free) == 0 {
		slot := int32(len(w.callers))
		w.callers = append(w.callers, caller{id: engine.ContactID(fmt.Sprintf("c%d", slot))})
		w.free = append(w.free, slot)
	}
	slot := w.free[len(w.free)-1]
	w.free = w.free[:len(w.free)-1]
	c := &w.callers[slot]
	c.batch, c.talking = w.batchOf(number), false
	if err := w.do(engine.Enqueue, c.id, at); err != nil {
		return err
	}
	c = &w.callers[slot]
	if c.talking {
		return nil
	}
	if w.set.Impatient {
		return w.do(engine.Abandon, c.id, at)
	}
	if w.set.Patience > 0 {
		w.plan(happening{at + w.after(float64(w.set.Patience)), slot, c.life<<1 | 1})
	}
	return nil
}

// after draws how long something takes, which has this mean (both in ns).
func (w *world) after(mean float64) int64 {
	if w.drawn == len(w.draws) {
		w.draw()
	}
	x := w.draws[w.drawn]
	w.drawn++
	return int64(x * mean)
}

func (w *world) draw() {
	for i := range w.draws {
		w.draws[i] = w.rng.ExpFloat64()
	}
	w.drawn = 0
}

// slotOf returns the slot whose caller has this id ("c17").
func slotOf(id engine.ContactID) (slot int32) {
	for _, digit := range []byte(id[1:]) {
		slot = slot*10 + int32(digit-'0')
	}
	return slot
}

// do gives a command about a caller to the engine, counts what it led to, and answers
// whatever rings.
func (w *world) do(kind engine.CommandKind, caller engine.ContactID, at int64) error {
	now := w.start.Add(time.Duration(at))
	w.cmd.Kind, w.cmd.Contact = kind, caller
	for {
		r := w.engine.Apply(&w.cmd, now)
		if r.Err != nil {
			return fmt.Errorf("%v: %w", now, r.Err)
		}
		w.note(r.Events, at)
		rings := engine.OfferID(0)
		for i := range r.Actions {
			if r.Actions[i].Kind == engine.RingAgent {
				rings = r.Actions[i].Offer
				break
			}
		}
		if rings == 0 {
			return nil
		}
		w.cmd.Kind, w.cmd.Offer = engine.Accept, rings
	}
}

// note counts what happened.
func (w *world) note(events []engine.Event, at int64) {
	for i := range events {
		e := &events[i]
		w.mix(uint64(e.Kind)<<60 ^ uint64(e.Offer)<<32 ^ uint64(at))
		switch e.Kind {
		case engine.ContactConnected:
			slot := slotOf(e.Contact)
			c := &w.callers[slot]
			c.talking = true
			w.plan(happening{at + w.after(float64(w.set.Handle)), slot, c.life << 1})
			w.count(c, e.Waited, true)
		case engine.ContactEnded:
			slot := slotOf(e.Contact)
			c := &w.callers[slot]
			if !c.talking {
				w.count(c, e.Waited, false)
			}
			c.life++
			w.free = append(w.free, slot)
		}
	}
}

// batchOf returns which part of the run a call belongs to. Calls are asked for in order.
func (w *world) batchOf(number int) int {
	if number < w.warm {
		return -1
	}
	for (number-w.warm)*batches >= (w.part+1)*w.set.Calls {
		w.part++
	}
	return w.part
}

func (w *world) count(c *caller, waited time.Duration, answered bool) {
	if c.batch < 0 {
		return
	}
	b := &w.sums[c.batch]
	b.calls++
	b.wait += waited
	if waited > 0 || !answered {
		b.waits++
	}
	switch {
	case !answered:
		b.abandons++
	case waited <= w.set.Threshold:
		b.level++
	}
}

func (w *world) result() Result {
	share := func(of func(*batch) float64) Estimate {
		var sum, squares float64
		for i := range w.sums {
			x := of(&w.sums[i]) / float64(w.sums[i].calls)
			sum += x
			squares += x * x
		}
		mean := sum / batches
		variance := (squares - batches*mean*mean) / (batches - 1)
		return Estimate{mean, math.Sqrt(max(variance, 0) / batches)}
	}
	return Result{
		Abandons: share(func(b *batch) float64 { return float64(b.abandons) }),
		Waits:    share(func(b *batch) float64 { return float64(b.waits) }),
		Wait:     share(func(b *batch) float64 { return b.wait.Seconds() }),
		Level:    share(func(b *batch) float64 { return float64(b.level) }),
		Calls:    w.warm + w.set.Calls,
		Hash:     w.hash,
	}
}

// mix takes x into the hash (FNV-1a over 64-bit words).
func (w *world) mix(x uint64) { w.hash = (w.hash ^ x) * 1099511628211 }

// plan enters what will happen. That is little, one thing or two of everybody who talks
// or waits, so a row is quicker than a heap: it costs nothing to take from its end.
func (w *world) plan(h happening) {
	w.coming = append(w.coming, h)
	row := w.coming
	i := len(row) - 1
	for i > 0 && !h.before(&row[i-1]) {
		row[i] = row[i-1]
		i--
	}
	row[i] = h
}

func (h *happening) before(o *happening) bool {
	if h.at != o.at {
		return h.at < o.at
	}
	return h.slot < o.slot
}
