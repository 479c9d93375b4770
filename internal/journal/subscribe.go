package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
)

// ErrClosed is the error of Next after Close.
var ErrClosed = errors.New("journal subscription is closed")

// keptRecent is how many events on disk stay in memory for subscribers; who is
// further behind reads pages of pageRows from disk.
const (
	keptRecent = 1024
	pageRows   = 256
)

// Subscription reads the journal from a place on and then follows it. It holds a
// place and no queue, so a slow reader costs nothing and loses nothing.
//
// Order is that of sequence numbers. Ends of calls and promises come when they are
// on disk, and what follows them waits for that moment; only while the disk stalls
// (more than a second) others go ahead and those come late. Gaps do not come.
type Subscription struct {
	l      *Log
	notify chan struct{} // capacity 1: a reminder to look; full means one is there already
	closed chan struct{}

	next uint64   // place: the event to be given next; used by Next alone
	late []uint64 // events that others went ahead of
	page []Event  // read from disk, not yet given
}

// Subscribe follows the journal: first every event from seq on (1: all), then what
// comes. from 0 means only what comes from now on. Close it.
func (l *Log) Subscribe(from uint64) *Subscription {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from == 0 || from > l.next {
		from = l.next
	}
	s := &Subscription{l: l, next: from, notify: make(chan struct{}, 1), closed: make(chan struct{})}
	l.subs[s] = struct{}{}
	return s
}

// Close ends the subscription. It may be called again and while Next waits.
func (s *Subscription) Close() {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if _, open := s.l.subs[s]; open {
		delete(s.l.subs, s)
		close(s.closed)
	}
}

// Next waits for the next event. One goroutine at a time may call it. Hash is zero
// for an event that is not on disk yet.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	for {
		ev, found, fromDisk := s.look()
		switch {
		case found:
			return ev, nil
		case fromDisk != 0:
			page, err := s.l.page(ctx, fromDisk, pageRows)
			if err == nil && len(page) == 0 {
				err = fmt.Errorf("event %d is not in the journal", fromDisk)
			}
			if err != nil {
				return Event{}, err
			}
			s.turn(fromDisk, page)
			continue
		}
		select {
		case <-s.notify:
		case <-s.closed:
			return Event{}, ErrClosed
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// turn takes over a page that was read from disk. An event that came late is read
// alone.
func (s *Subscription) turn(from uint64, page []Event) {
	if len(s.late) > 0 && s.late[0] == from {
		s.late = s.late[1:]
		page = page[:min(1, len(page))]
	}
	s.page = page
}

// look finds the next event in memory, or says from where to read the disk.
func (s *Subscription) look() (ev Event, found bool, fromDisk uint64) {
	for len(s.page) > 0 {
		ev, s.page = s.page[0], s.page[1:]
		s.next = max(s.next, ev.Seq+1)
		if given(ev) {
			return ev, true, 0
		}
	}
	l := s.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(s.late) > 0 && s.late[0] <= l.durable {
		ev, ok := l.recentLocked(s.late[0])
		if !ok {
			return Event{}, false, s.late[0]
		}
		s.late = s.late[1:]
		if given(ev) {
			return ev, true, 0
		}
	}
	for s.next < l.next {
		if s.next <= l.durable {
			ev, ok := l.recentLocked(s.next)
			if !ok {
				return Event{}, false, s.next
			}
			s.next = ev.Seq + 1
			if given(ev) {
				return ev, true, 0
			}
			continue
		}
		it := l.pendingLocked(s.next)
		if it.held() {
			if !l.stalled {
				return Event{}, false, 0
			}
			s.late = append(s.late, it.ev.Seq)
			s.next = it.ev.Seq + 1
			continue
		}
		s.next = it.ev.Seq + 1
		if given(it.ev) {
			return it.ev, true, 0
		}
	}
	return Event{}, false, 0
}

// given says whether subscribers get an event: all but Gaps.
func given(ev Event) bool {
	_, gap := ev.Payload.(Gap)
	return !gap
}

// recentLocked finds an event on disk in memory: the first one from seq on.
func (l *Log) recentLocked(seq uint64) (Event, bool) {
	if len(l.recent) == 0 || seq < l.recent[0].Seq && !coversFirst(l.recent[0], seq) {
		return Event{}, false
	}
	i := sort.Search(len(l.recent), func(i int) bool { return l.recent[i].Seq >= seq })
	return l.recent[i], true
}

// coversFirst says whether an event is a Gap that reaches back to seq.
func coversFirst(ev Event, seq uint64) bool {
	g, ok := ev.Payload.(Gap)
	return ok && g.From <= seq
}

// pendingLocked finds the item that covers seq, which is not on disk.
func (l *Log) pendingLocked(seq uint64) *item {
	i := sort.Search(len(l.pending), func(i int) bool { return l.pending[i].ev.Seq >= seq })
	return l.pending[i]
}

// notifyLocked reminds every subscriber.
func (l *Log) notifyLocked() {
	for s := range l.subs {
		select {
		case s.notify <- struct{}{}:
		default: // a reminder is there already
		}
	}
}

// keepLocked moves what was written to the recent events and tells who waits.
func (l *Log) keepLocked(written []Event) {
	if len(written) == 0 {
		return
	}
	l.durable = written[len(written)-1].Seq
	l.recent = append(l.recent, written...)
	if len(l.recent) > 2*keptRecent {
		l.recent = slices.Clone(l.recent[len(l.recent)-keptRecent:])
	}
	l.waiters = slices.DeleteFunc(l.waiters, func(w waiter) bool {
		if w.seq > l.durable {
			return false
		}
		close(w.done)
		return true
	})
	l.notifyLocked()
}
