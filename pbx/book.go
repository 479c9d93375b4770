package pbx

import (
	"slices"
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
	// reserved are the lines kept for the call back after an emergency call, also
	// while their drivers are being changed.
	reserved map[office.ID]kept
}

// kept says until when a line is kept, and which phone called for help.
type kept struct {
	until time.Time
	phone office.ID
}

// help is an emergency call that was answered, and the phone that makes it.
type help struct {
	call  journal.CallID
	phone office.ID
}

// entry is one line or trunk.
type entry struct {
	trunk    bool
	state    hal.LineState // of a telephone line
	channels int           // of a trunk
	ready    bool          // of a trunk: in service
	calls    []route.LineCall
	helped   []help           // emergency calls that were answered on it
	noTone   time.Time        // when somebody dialled and found no dial tone; zero: there was one
	promised []journal.CallID // emergency calls for which a call on it is being ended
}

func newBook(now func() time.Time) *book {
	return &book{now: now, entries: make(map[office.ID]*entry), reserved: make(map[office.ID]kept)}
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

// setState records a telephone line's state.
func (b *book) setState(id office.ID, st hal.LineState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[id]; e != nil {
		e.state = st
	}
}

// noToneFor is how long a line without dial tone comes after the others: then the
// next call tries it once more, and goes on to another line if it is still dead.
const noToneFor = 30 * time.Minute

// dialTone records what who dialled on a telephone line found.
func (b *book) dialTone(id office.ID, there bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[id]
	switch {
	case e == nil:
	case there:
		e.noTone = time.Time{}
	default:
		e.noTone = b.now()
	}
}

// take enters a call that came in on a line. A telephone line that is no more is
// not entered again.
func (b *book) take(id office.ID, c journal.CallID, trunk bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[id]
	if e == nil && trunk {
		e = b.trunk(id)
	}
	if e != nil {
		e.calls = append(e.calls, route.LineCall{Call: c, Start: b.now()})
	}
}

// callsBack notes that a call that came in on a line may be the emergency service's.
func (b *book) callsBack(id office.ID, c journal.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[id]; e != nil {
		for i := range e.calls {
			e.calls[i].CallBack = e.calls[i].CallBack || e.calls[i].Call == c
		}
	}
}

func (b *book) trunk(id office.ID) *entry {
	e := b.entries[id]
	if e == nil {
		e = &entry{trunk: true}
		b.entries[id] = e
	}
	return e
}

// look takes over what is known of the trunks. Called with mu held.
func (b *book) look(doc *office.Document, trunks []Trunk) {
	for i := range doc.Lines {
		if l := &doc.Lines[i]; l.Kind == office.LineTrunk {
			e := b.trunk(l.ID)
			e.channels, e.ready = max(l.Channels, 1), ready(trunks, l.ID)
		}
	}
}

// seize takes the first candidate with a free channel for a call.
func (b *book) seize(doc *office.Document, trunks []Trunk, cands []route.Candidate, c route.LineCall) (route.Candidate, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.look(doc, trunks)
	for _, cand := range cands {
		if e := b.entries[cand.Line]; e != nil && e.free(c) > 0 {
			e.calls = append(e.calls, c)
			b.keepPromise(c.Call)
			return cand, true
		}
	}
	return route.Candidate{}, false
}

// free is how many channels a call could take now: those promised to others are
// not among them. An emergency call tries a trunk that is out of service, too.
func (e *entry) free(c route.LineCall) int {
	n := 0
	switch {
	case e.trunk && (e.ready || c.Emergency):
		n = e.channels - len(e.calls)
	case !e.trunk && e.state == hal.LineIdle && len(e.calls) == 0:
		n = 1
	}
	for _, p := range e.promised {
		if p != c.Call {
			n--
		}
	}
	return n
}

// answered notes that somebody picked up the call that a phone makes: after an
// emergency call that was answered its line is kept for the call back.
func (b *book) answered(id office.ID, c journal.CallID, phone office.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[id]
	if e == nil || e.help(c) >= 0 {
		return
	}
	if slices.ContainsFunc(e.calls, func(held route.LineCall) bool { return held.Call == c && held.Emergency }) {
		e.helped = append(e.helped, help{c, phone})
	}
}

// help finds an emergency call among those that were answered, -1 if it is not there.
func (e *entry) help(c journal.CallID) int {
	return slices.IndexFunc(e.helped, func(h help) bool { return h.call == c })
}

// reserve keeps a line for a call back.
func (b *book) reserve(id office.ID, k kept) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k.until.After(b.reserved[id].until) {
		b.reserved[id] = k
	}
}

// keeps says whether a line is kept for a call back now.
func (b *book) keeps(id office.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now().Before(b.reserved[id].until)
}

// hand makes another call hold the channel that one holds. Had that one been asked to end
// for an emergency call, the other one has not.
func (b *book) hand(id office.ID, from, to journal.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[id]; e != nil {
		if i := slices.IndexFunc(e.calls, func(held route.LineCall) bool { return held.Call == from }); i >= 0 {
			e.calls[i].Call, e.calls[i].Ending = to, false
		}
	}
}

// release gives a channel back.
func (b *book) release(id office.ID, c journal.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[id]
	if e == nil {
		return
	}
	i := slices.IndexFunc(e.calls, func(held route.LineCall) bool { return held.Call == c })
	if i < 0 {
		return
	}
	if h := e.help(c); h >= 0 {
		b.reserved[id] = kept{b.now().Add(route.CallBackWindow), e.helped[h].phone}
		e.helped = slices.Delete(e.helped, h, h+1)
	}
	e.calls = slices.Delete(e.calls, i, i+1)
}

// promise keeps a line for an emergency call, for which a call on it is ended.
func (b *book) promise(id office.ID, ended, emergency journal.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keepPromise(emergency) // a former one did not help
	e := b.entries[id]
	if e == nil {
		return
	}
	e.promised = append(e.promised, emergency)
	for i := range e.calls {
		if e.calls[i].Call == ended {
			e.calls[i].Ending = true
		}
	}
}

// promisedTo returns the line on which a call is being ended for this one, empty
// if there is none.
func (b *book) promisedTo(c journal.CallID) office.ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, e := range b.entries {
		if slices.Contains(e.promised, c) {
			return id
		}
	}
	return ""
}

// keepPromise takes out what is promised to an emergency call. Called with mu held.
func (b *book) keepPromise(c journal.CallID) {
	for _, e := range b.entries {
		e.promised = slices.DeleteFunc(e.promised, func(p journal.CallID) bool { return p == c })
	}
}

// cancel forgets what was promised to a call.
func (b *book) cancel(c journal.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keepPromise(c)
}

// state is what route.Decide needs to know now.
func (b *book) state(doc *office.Document, trunks []Trunk) route.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.look(doc, trunks)
	st := route.State{Lines: make(map[office.ID]route.LineState, len(doc.Lines))}
	for i := range doc.Lines {
		id := doc.Lines[i].ID
		e := b.entries[id]
		if e == nil {
			continue // out of service
		}
		st.Lines[id] = route.LineState{
			InService: e.ready || !e.trunk && e.state != hal.LineOutOfService,
			Free:      e.free(route.LineCall{}), Calls: slices.Clone(e.calls), ReservedUntil: b.reserved[id].until, CallBack: b.reserved[id].phone,
			NoDialTone: !e.noTone.IsZero() && b.now().Sub(e.noTone) < noToneFor,
		}
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
