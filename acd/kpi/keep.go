package kpi

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
)

// Version is the form in which facts are kept; another one is not read, and the
// facts are made anew from the journal.
const Version = 3

// ErrKept says that kept bytes are no facts.
var ErrKept = errors.New("kept facts can't be read")

// Kept is what must be on disk, all of it in one transaction, for Resume to go on
// from event Seq.
type Kept struct {
	Seq    uint64
	State  []byte           // what goes on
	Blocks map[int64][]byte // the blocks that changed since the last Keep
}

// Keep books what goes on up to the last event and returns what must be written.
// The caller gives it to Saved once it is on disk.
func (f *Fold) Keep() Kept {
	f.settle(f.at)
	maps.DeleteFunc(f.callers, func(_ journal.SubjectID, l lastCall) bool { return f.at.Sub(l.at) > RepeatWithin })
	k := Kept{Seq: f.seq, State: f.writeState(), Blocks: map[int64][]byte{}}
	for n, b := range f.blocks {
		if b.dirty {
			k.Blocks[n] = b.write()
			b.dirty = false
		}
	}
	return k
}

// NotSaved takes back a Keep that could not be written.
func (f *Fold) NotSaved(k Kept) {
	for n := range k.Blocks {
		if b := f.blocks[n]; b != nil {
			b.dirty = true
		}
	}
}

// heldDays is how long a block is held although something in it never ended.
const heldDays = 8

// Evict lets go of blocks before t that are on disk and in which nothing goes on.
func (f *Fold) Evict(before time.Time) {
	limit := BlockOf(before)
	for n, b := range f.blocks {
		open := slices.ContainsFunc(b.visits, func(v Visit) bool { return v.Open })
		if n >= limit || b.dirty || open && n+heldDays >= limit {
			continue
		}
		for i := range b.visits {
			v := &b.visits[i]
			delete(f.visits, visitKey{v.Contact, v.Queue})
			delete(f.spoken, v.Contact)
			delete(f.backs, v.Back)
			if f.current[v.Contact] == (place{n, i}) {
				delete(f.current, v.Contact)
			}
		}
		delete(f.blocks, n)
	}
}

// Resume reads a kept state; blocks that were held come through fetch.
func Resume(state []byte, fetch func(block int64) ([]byte, bool)) (*Fold, error) {
	f := NewFold(fetch)
	r, err := newReader(state)
	if err != nil {
		return nil, err
	}
	f.readState(r)
	if r.err != nil || len(r.b) != 0 {
		return nil, fmt.Errorf("%w: state", ErrKept)
	}
	return f, f.broken
}

func (f *Fold) writeState() []byte {
	var w writer
	w.uint(f.seq)
	w.time(f.at)
	w.time(f.died)
	w.uint(uint64(len(f.blocks)))
	for _, n := range slices.Sorted(maps.Keys(f.blocks)) {
		w.int(n)
	}
	w.uint(uint64(len(f.agents)))
	for _, id := range slices.Sorted(maps.Keys(f.agents)) {
		a := f.agents[id]
		for _, s := range []string{string(id), string(a.state), a.reason, a.queue, string(a.served.contact), a.served.queue} {
			w.string(s)
		}
		w.time(a.since)
	}
	w.uint(uint64(len(f.calls)))
	for _, id := range slices.Sorted(maps.Keys(f.calls)) {
		c := f.calls[id]
		w.string(string(id))
		w.uint(uint64(len(c.legs)))
		for _, leg := range slices.Sorted(maps.Keys(c.legs)) {
			w.string(string(leg))
			w.string(c.legs[leg])
		}
	}
	w.uint(uint64(len(f.lines)))
	for _, id := range slices.Sorted(maps.Keys(f.lines)) {
		w.string(id)
		w.int(int64(f.lines[id].busy))
		w.time(f.lines[id].since)
	}
	w.uint(uint64(len(f.callers)))
	for _, id := range slices.Sorted(maps.Keys(f.callers)) {
		l := f.callers[id]
		w.string(string(id))
		w.string(string(l.contact))
		w.time(l.at)
		w.int(int64(l.before))
	}
	w.uint(uint64(len(f.spoken)))
	for _, id := range slices.Sorted(maps.Keys(f.spoken)) {
		w.string(string(id))
		w.uint(uint64(len(f.spoken[id])))
		for _, until := range f.spoken[id] {
			w.time(until)
		}
	}
	return w.bytes()
}

func (f *Fold) readState(r *reader) {
	f.seq, f.at, f.died = r.uint(), r.time(), r.time()
	held := make([]int64, r.count())
	for i := range held {
		held[i] = r.int()
	}
	for range r.count() {
		id := journal.SubjectID(r.string())
		a := &agentNow{state: journal.AgentStateName(r.string()), reason: r.string(), queue: r.string()}
		a.served = visitKey{journal.ContactID(r.string()), r.string()}
		a.since = r.time()
		f.agents[id] = a
	}
	for range r.count() {
		id := journal.CallID(r.string())
		c := &callNow{legs: map[journal.LegID]string{}}
		for range r.count() {
			leg := journal.LegID(r.string())
			c.legs[leg] = r.string()
		}
		f.calls[id] = c
	}
	for range r.count() {
		id := r.string()
		f.lines[id] = &lineNow{busy: int(r.int()), since: r.time()}
	}
	for range r.count() {
		id := journal.SubjectID(r.string())
		f.callers[id] = lastCall{journal.ContactID(r.string()), r.time(), time.Duration(r.int())}
	}
	for range r.count() {
		id := journal.ContactID(r.string())
		for range r.count() {
			f.spoken[id] = append(f.spoken[id], r.time())
		}
	}
	if r.err != nil {
		return
	}
	for _, n := range held {
		f.block(n)
	}
}

func (b *block) write() []byte {
	var w writer
	w.uint(uint64(len(b.visits)))
	for i := range b.visits {
		b.visits[i].write(&w)
	}
	w.uint(uint64(len(b.agents)))
	keys := slices.SortedFunc(maps.Keys(b.agents), func(x, y agentKey) int {
		return cmp.Or(cmp.Compare(x.slot, y.slot), strings.Compare(string(x.agent), string(y.agent)),
			strings.Compare(string(x.state), string(y.state)), strings.Compare(x.queue, y.queue), strings.Compare(x.reason, y.reason))
	})
	for _, k := range keys {
		w.int(int64(k.slot))
		for _, s := range []string{string(k.agent), string(k.state), k.queue, k.reason} {
			w.string(s)
		}
		w.int(int64(b.agents[k]))
	}
	w.uint(uint64(len(b.lines)))
	lines := slices.SortedFunc(maps.Keys(b.lines), func(x, y lineKey) int {
		return cmp.Or(cmp.Compare(x.slot, y.slot), strings.Compare(x.line, y.line))
	})
	for _, k := range lines {
		u := b.lines[k]
		w.int(int64(k.slot))
		w.string(k.line)
		for _, n := range []int64{int64(u.Busy), int64(u.In), int64(u.Out), int64(u.Peak)} {
			w.int(n)
		}
	}
	w.uint(uint64(len(b.said)))
	for _, s := range b.said {
		for _, x := range []string{string(s.Call), s.Queue, string(s.Agent), s.Outcome} {
			w.string(x)
		}
		w.time(s.At)
	}
	return w.bytes()
}

func readBlock(kept []byte) (*block, error) {
	r, err := newReader(kept)
	if err != nil {
		return nil, err
	}
	b := newBlock()
	b.visits = make([]Visit, r.countOf(leastVisit))
	for i := range b.visits {
		b.visits[i].read(r)
	}
	for range r.count() {
		k := agentKey{slot: Slot(r.int()), agent: journal.SubjectID(r.string()), state: journal.AgentStateName(r.string()), queue: r.string(), reason: r.string()}
		b.agents[k] = time.Duration(r.int())
	}
	for range r.count() {
		u := LineUse{Slot: Slot(r.int()), Line: r.string(), Busy: time.Duration(r.int()), In: int(r.int()), Out: int(r.int()), Peak: int(r.int())}
		b.lines[lineKey{u.Slot, u.Line}] = &u
	}
	for range r.count() {
		b.said = append(b.said, Said{Call: journal.CallID(r.string()), Queue: r.string(), Agent: journal.SubjectID(r.string()), Outcome: r.string(), At: r.time()})
	}
	if r.err != nil || len(r.b) != 0 {
		return nil, fmt.Errorf("%w: block", ErrKept)
	}
	return b, nil
}

// Flags of a kept visit.
const (
	keptOpen = 1 << iota
	keptUrgent
	keptReached
	keptStale
	keptByAgent
	keptBack // Back and BackIn follow
	keptByHand
)

// leastVisit is how many octets a kept visit takes at least: one a number.
const leastVisit = 18

func (v *Visit) write(w *writer) {
	for _, s := range []string{string(v.Contact), v.Queue, string(v.Caller), string(v.Agent), v.Reason, v.Outcome} {
		w.string(s)
	}
	w.time(v.Arrived)
	w.time(v.since)
	flags := uint64(0)
	for i, on := range []bool{v.Open, v.Urgent, v.Reached, v.stale, v.ByAgent, v.hasBack(), v.ByHand} {
		if on {
			flags |= 1 << i
		}
	}
	w.uint(flags)
	w.uint(uint64(v.Result))
	for _, n := range []int64{int64(v.Waited), int64(v.Talked), int64(v.Wrap), int64(v.base), int64(v.Before), int64(v.Misses), int64(v.Kept), int64(v.Broken)} {
		w.int(n)
	}
	if v.hasBack() {
		w.string(string(v.Back))
		w.int(int64(v.BackIn))
	}
}

func (v *Visit) hasBack() bool { return v.Back != "" || v.BackIn != 0 }

func (v *Visit) read(r *reader) {
	v.Contact, v.Queue, v.Caller = journal.ContactID(r.string()), r.string(), journal.SubjectID(r.string())
	v.Agent, v.Reason, v.Outcome = journal.SubjectID(r.string()), r.string(), r.string()
	v.Arrived, v.since = r.time(), r.time()
	flags := r.uint()
	v.Open, v.Urgent, v.Reached, v.stale = flags&keptOpen != 0, flags&keptUrgent != 0, flags&keptReached != 0, flags&keptStale != 0
	v.ByAgent, v.ByHand = flags&keptByAgent != 0, flags&keptByHand != 0
	v.Result = Result(r.uint())
	v.Waited, v.Talked, v.Wrap = time.Duration(r.int()), time.Duration(r.int()), time.Duration(r.int())
	v.base, v.Before = time.Duration(r.int()), time.Duration(r.int())
	v.Misses, v.Kept, v.Broken = int(r.int()), int(r.int()), int(r.int())
	if flags&keptBack != 0 {
		v.Back, v.BackIn = journal.CallID(r.string()), time.Duration(r.int())
	}
}
