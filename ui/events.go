package ui

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"centralino/internal/journal"
	"centralino/internal/privacy"
	"centralino/ui/cti"
)

// Limits of the event stream for other programs.
const (
	keptEvents = 1000 // for those who come back with Last-Event-ID
	maxHearers = 64
)

// announcer translates the journal once for all event streams. A stream holds a place
// among the last events and no queue: a slow one loses nothing until it is keptEvents
// behind, and then is told so.
type announcer struct {
	mu    sync.Mutex
	state *cti.State
	from  uint64                     // what happened behind this number is in last
	last  []cti.Event                // the newest, as they came
	gone  int                        // how many came before them
	turn  int                        // grows with each event that may end somebody's right to hear
	bells map[chan struct{}]struct{} // capacity 1 each: a reminder to look; full means one is there already
}

func newAnnouncer() *announcer {
	return &announcer{state: cti.New(), bells: map[chan struct{}]struct{}{}}
}

// apply takes one event of the journal.
func (a *announcer) apply(e journal.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state.Seq == 0 { // the journal is followed from here on
		a.from = e.Seq - 1
	}
	out, ok := a.state.Apply(e)
	if ends(e.Payload) {
		a.turn++
		a.ring()
	}
	if !ok {
		return
	}
	a.last = append(a.last, out)
	if len(a.last) > 2*keptEvents {
		old := len(a.last) - keptEvents
		for _, e := range a.last[:old] {
			a.from = max(a.from, e.Seq)
		}
		a.gone, a.last = a.gone+old, slices.Clone(a.last[old:])
	}
	a.ring()
}

func (a *announcer) ring() {
	for b := range a.bells {
		select {
		case b <- struct{}{}:
		default:
		}
	}
}

// ends says whether an event may end somebody's right to hear: a token was revoked, a
// login ended, or the office changed and with it a role.
func ends(p journal.Payload) bool {
	switch p := p.(type) {
	case journal.OfficeChanged:
		return true
	case journal.AccessEvent:
		return p.What == "token.revoked" || p.What == "session.end" || p.What == "password.set" || p.What == "password.reset"
	}
	return false
}

// hear admits a stream; nil when there are too many.
func (a *announcer) hear() chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.bells) >= maxHearers {
		return nil
	}
	b := make(chan struct{}, 1)
	a.bells[b] = struct{}{}
	return b
}

func (a *announcer) leave(b chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.bells, b)
}

// place is how far a stream has come.
type place struct {
	seq   uint64 // at first: what is behind this number is news
	old   uint64 // what comes and is not behind this one is none
	count int    // afterwards: how many events had come; 0: at first
}

// after returns the events behind a place and the one behind them, whether some between
// them are not kept, or not any more, and the turn they were read in.
func (a *announcer) after(p place) (list []cti.Event, next place, missed bool, turn int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next = place{p.seq, p.old, a.gone + len(a.last) + 1}
	news, from := a.last, p.seq
	if missed = p.seq < a.from; p.count > 0 {
		missed, from = p.count-1 < a.gone, p.old
		news = a.last[max(0, p.count-1-a.gone):]
	}
	for _, e := range news {
		if e.Seq > from {
			list = append(list, e)
		}
	}
	return list, next, missed, a.turn
}

// newest is the number of the last event of the journal that was seen.
func (a *announcer) newest() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Seq
}

// events streams what happens to calls, for a program at a person's desk: server-sent
// events whose names are "ringing", "answered", "ended" and "outcome" and whose data is
// a cti.Message. Who leads hears all calls, others their own. Last-Event-ID takes up
// where a stream broke off; "missed" says that it was too long ago. It ends with "gone"
// as soon as the right to it does.
func (v *visit) events() error {
	bell := v.s.announcer.hear()
	if bell == nil {
		return errFull
	}
	defer v.s.announcer.leave(bell)
	// Right after a start the journal is still being read: that is no news.
	at := place{old: v.s.d.Journal.Durable()}
	at.seq = max(v.s.announcer.newest(), at.old)
	if n, err := strconv.ParseUint(v.r.Header.Get("Last-Event-ID"), 10, 64); err == nil && n <= at.seq {
		at.seq, at.old = n, min(n, at.old)
	}
	if err := http.NewResponseController(v.w).SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	v.w.WriteHeader(http.StatusOK)
	if v.send("alive", "") != nil {
		return nil
	}
	alive := time.NewTicker(streamAlive)
	defer alive.Stop()
	route, checked := "GET "+v.route.Pattern, -1
	var again <-chan time.Time
	for {
		list, next, missed, turn := v.s.announcer.after(at)
		at = next
		if turn != checked {
			if err := v.stillMay(route); err != nil {
				return v.gone(err)
			}
			checked, again = turn, time.After(time.Second) // the office is in force a moment after the journal tells of it
		}
		if missed && v.send("missed", "") != nil {
			return nil
		}
		for _, e := range list {
			if v.sendMessage(e) != nil {
				return nil
			}
		}
		select {
		case <-v.ctx().Done():
			return nil
		case <-bell:
			continue
		case <-again:
		case <-alive.C:
		}
		if err := v.stillMay(route); err != nil {
			return v.gone(err)
		}
		if v.send("alive", "") != nil {
			return nil
		}
	}
}

// sendMessage sends an event as this reader may see it.
func (v *visit) sendMessage(e cti.Event) error {
	viewer := v.viewer()
	if !v.seesAll() && e.Agent != v.me.Person && !slices.Contains(e.Rang, v.me.Person) {
		return nil
	}
	m, ok := cti.Fill(e, v.doc(), v.s.d.People, viewer, privacy.LiveState)
	if !ok {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return v.send(m.Event+"\nid: "+m.ID, string(b))
}
