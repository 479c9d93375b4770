package live

import (
	"context"
	"sync"

	"centralino/internal/journal"
)

// Topics is a set of things that pages show.
type Topics uint16

// The topics. A page's fragments belong to one topic each.
const (
	Calls Topics = 1 << iota
	Lines
	Queues
	Phones
	Health
	Lamps
	Office
	Log
	Updates
	// All is every topic.
	All Topics = 1<<iota - 1
)

// Hub holds the state that the journal tells and wakes the streams that show it.
// A stream never gets a list of changes, only the topics that changed since it
// looked last; it then draws the newest state. So a slow reader skips what lies
// between and can never hold anybody up. All methods may be called from any
// goroutine; the hub starts none.
type Hub struct {
	mu      sync.Mutex
	state   *State
	shown   *State // clone handed out, nil when state moved on
	watches map[*Watch]struct{}
	limit   int
}

// NewHub returns a hub that admits limit streams at once.
func NewHub(limit int) *Hub {
	return &Hub{state: New(), watches: map[*Watch]struct{}{}, limit: limit}
}

// Apply folds an event of the journal and wakes who shows it.
func (h *Hub) Apply(e journal.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.state.Apply(e)
	h.shown = nil
	h.wake(t)
}

// Restore puts a kept state in place of the empty one, before the first Apply.
func (h *Hub) Restore(s *State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state, h.shown = s, nil
	h.wake(All)
}

// Notify wakes the streams of topics that changed outside of the journal.
func (h *Hub) Notify(t Topics) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake(t)
}

func (h *Hub) wake(t Topics) {
	if t == 0 {
		return
	}
	for w := range h.watches {
		if d := t & w.topics; d != 0 {
			w.dirty |= d
			select {
			case w.ring <- struct{}{}:
			default: // it is awake already
			}
		}
	}
}

// State returns the present state. It is shared and must not be changed.
func (h *Hub) State() *State {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shown == nil {
		h.shown = h.state.Clone()
	}
	return h.shown
}

// Watch is one stream's view of the hub.
type Watch struct {
	hub    *Hub
	topics Topics
	dirty  Topics        // guarded by hub.mu
	ring   chan struct{} // room for 1: being woken twice is the same as once
}

// Watch admits a stream for topics; all of them count as changed at first, so
// that a new stream draws everything once. It returns nil when the hub is full.
func (h *Hub) Watch(topics Topics) *Watch {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watches) >= h.limit {
		return nil
	}
	w := &Watch{hub: h, topics: topics, dirty: topics, ring: make(chan struct{}, 1)}
	w.ring <- struct{}{}
	h.watches[w] = struct{}{}
	return w
}

// Watching counts the streams.
func (h *Hub) Watching() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watches)
}

// Ring is readable when topics changed; Take says which.
func (w *Watch) Ring() <-chan struct{} { return w.ring }

// Take returns the topics that changed since the last Take.
func (w *Watch) Take() Topics {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	t := w.dirty
	w.dirty = 0
	return t
}

// Next waits for a change and returns its topics, or 0 when ctx ends.
func (w *Watch) Next(ctx context.Context) Topics {
	for {
		select {
		case <-ctx.Done():
			return 0
		case <-w.ring:
			if t := w.Take(); t != 0 {
				return t
			}
		}
	}
}

// Close leaves the hub. It may be called twice.
func (w *Watch) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	delete(w.hub.watches, w)
}
