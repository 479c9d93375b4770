package pbx

import (
	"sync"
	"time"

	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/route"
)

// book says which call holds which line. It is small shared data: calls seize and
// release, the line readers report states, decisions read it. A channel is held
// from seize to release, so two calls never dial on one line.
type book struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[office.ID]*entry
	waiting []waiter // emergency calls that wait for a line, in order
}

// entry is one line or trunk.
type entry struct {
	trunk    bool
	state    hal.LineState // of a telephone line
	calls    []route.LineCall
	reserved time.Time      // for the call back after an emergency call
	promised journal.CallID // freed for this emergency call
}

// waiter is an emergency call that is told when one of its lines is free.
type waiter struct {
	call  journal.CallID
	lines []route.Candidate
	free  func()
}

func newBook(now func() time.Time) *book {
	return &book{now: now, entries: make(map[office.ID]*entry)}
}

func (b *book) addLine(id office.ID, st hal.LineState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries[id] = &entry{state: st}
}

// removeLine forgets a telephone line; calls that hold it still release nothing.
func (b *book) removeLine(id office.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.entries, id)
}

// setState records a telephone line's state and wakes who waits for it.
func (b *book) setState(id office.ID, st hal.LineState) {
	b.mu.Lock()
	if e := b.entries[id]; e != nil {
		e.state = st
	}
	wake := b.ready()
	b.mu.Unlock()
	wakeAll(wake)
}

// take enters a call that came in on a line.
func (b *book) take(id office.ID, c journal.CallID, trunk bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(id, trunk)
	e.calls = append(e.calls, route.LineCall{Call: c, Start: b.now()})
}

func (b *book) entry(id office.ID, trunk bool) *entry {
	e := b.entries[id]
	if e == nil {
		e = &entry{trunk: trunk}
		b.entries[id] = e
	}
	return e
}

// seize takes the first candidate with a free channel for a call.
func (b *book) seize(st route.State, cands []route.Candidate, c route.LineCall) (route.Candidate, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cand := range cands {
		e := b.entries[cand.Line]
		if e == nil {
			ls, ok := st.Lines[cand.Line]
			if !ok || !ls.InService {
				continue
			}
			e = b.entry(cand.Line, true)
		}
		if b.free(cand.Line, e, st) && (e.promised == "" || e.promised == c.Call) {
			e.calls = append(e.calls, c)
			e.promised = ""
			return cand, true
		}
	}
	return route.Candidate{}, false
}

// free says whether a call could start now. st brings what the book does not
// know: the channels of trunks and whether they are in service.
func (b *book) free(id office.ID, e *entry, st route.State) bool {
	if !e.trunk {
		return e.state == hal.LineIdle && len(e.calls) == 0
	}
	ls := st.Lines[id]
	return ls.InService && ls.Free+len(ls.Calls)-len(e.calls) > 0
}

// release gives a channel back. After an emergency call the line is kept for the
// call back.
func (b *book) release(id office.ID, c journal.CallID) {
	b.mu.Lock()
	if e := b.entries[id]; e != nil {
		for i, held := range e.calls {
			if held.Call != c {
				continue
			}
			e.calls = append(e.calls[:i:i], e.calls[i+1:]...)
			if held.Emergency {
				e.reserved = b.now().Add(route.CallBackWindow)
			}
			break
		}
	}
	wake := b.ready()
	b.mu.Unlock()
	wakeAll(wake)
}

// promise keeps a line that is about to be freed for one emergency call.
func (b *book) promise(id office.ID, c journal.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[id]; e != nil {
		e.promised = c
	}
}

// await has free called, once, as soon as one of the lines is idle.
func (b *book) await(w waiter) {
	b.mu.Lock()
	b.waiting = append(b.waiting, w)
	wake := b.ready()
	b.mu.Unlock()
	wakeAll(wake)
}

// cancel forgets what a call waits for and what was promised to it.
func (b *book) cancel(c journal.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	keep := b.waiting[:0]
	for _, w := range b.waiting {
		if w.call != c {
			keep = append(keep, w)
		}
	}
	b.waiting = keep
	for _, e := range b.entries {
		if e.promised == c {
			e.promised = ""
		}
	}
}

// ready takes the waiters out whose line is free. Called with mu held.
func (b *book) ready() []func() {
	var wake []func()
	keep := b.waiting[:0]
	for _, w := range b.waiting {
		if b.anyIdle(w) {
			wake = append(wake, w.free)
		} else {
			keep = append(keep, w)
		}
	}
	b.waiting = keep
	return wake
}

func (b *book) anyIdle(w waiter) bool {
	for _, c := range w.lines {
		e := b.entries[c.Line]
		if e == nil || (e.promised != "" && e.promised != w.call) {
			continue
		}
		if len(e.calls) == 0 && (e.trunk || e.state == hal.LineIdle) {
			return true
		}
	}
	return false
}

// state is what route.Decide needs to know now.
func (b *book) state(doc *office.Document, trunks []Trunk) route.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := route.State{Lines: make(map[office.ID]route.LineState, len(doc.Lines))}
	for i := range doc.Lines {
		l := &doc.Lines[i]
		e := b.entries[l.ID]
		var ls route.LineState
		if l.Kind == office.LineTrunk {
			ls.InService = ready(trunks, l.ID)
			ls.Free = max(l.Channels, 1)
			if e != nil {
				ls.Free -= len(e.calls)
			}
		} else if e != nil {
			ls.InService = e.state != hal.LineOutOfService
			if e.state == hal.LineIdle && len(e.calls) == 0 && e.promised == "" {
				ls.Free = 1
			}
		}
		if e != nil {
			ls.Calls = append([]route.LineCall(nil), e.calls...)
			ls.ReservedUntil = e.reserved
		}
		st.Lines[l.ID] = ls
	}
	return st
}

func ready(trunks []Trunk, id office.ID) bool {
	for _, t := range trunks {
		if t.Line() == id {
			return t.Ready()
		}
	}
	return false
}

func wakeAll(list []func()) {
	for _, f := range list {
		f()
	}
}

// occupation counts the calls of people outside of the queues and tells the ACD
// of the first and the last.
type occupation struct {
	queue Queue
	mu    sync.Mutex
	count map[journal.SubjectID]int
}

func newOccupation(q Queue) *occupation {
	return &occupation{queue: q, count: make(map[journal.SubjectID]int)}
}

func (o *occupation) busy(p journal.SubjectID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count[p]++
	if o.count[p] == 1 {
		o.queue.AgentBusy(p)
	}
}

func (o *occupation) free(p journal.SubjectID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count[p]--; o.count[p] <= 0 {
		delete(o.count, p)
		o.queue.AgentFree(p)
	}
}
