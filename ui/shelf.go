package ui

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"centralino/internal/journal"
)

// shelf keeps in memory what waits for a person's next step, or was worked out and is
// asked for often; a restart of the box forgets it, and nothing has changed then. What
// is longer there than lasts is not found any more, and above most the oldest goes. Its
// methods may be called from any goroutine: they give and take copies, so a thing that
// was changed is set again.
type shelf[K comparable, V any] struct {
	now   func() time.Time
	lasts time.Duration
	most  int
	mu    sync.Mutex
	by    map[K]shelved[V]
}

// shelved is a thing on a shelf, and since when.
type shelved[V any] struct {
	thing V
	since time.Time
}

func newShelf[K comparable, V any](now func() time.Time, lasts time.Duration, most int) *shelf[K, V] {
	return &shelf[K, V]{now: now, lasts: lasts, most: most, by: map[K]shelved[V]{}}
}

// put keeps a thing from now on.
func (s *shelf[K, V]) put(k K, thing V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.by[k]; !there && len(s.by) >= s.most {
		var oldest K
		first := true
		for key, x := range s.by {
			if first || x.since.Before(s.by[oldest].since) {
				oldest, first = key, false
			}
		}
		delete(s.by, oldest)
	}
	s.by[k] = shelved[V]{thing, s.now()}
}

// set keeps a change of a thing that is there; it does not last longer by it.
func (s *shelf[K, V]) set(k K, thing V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x, there := s.by[k]; there {
		s.by[k] = shelved[V]{thing, x.since}
	}
}

// get returns a thing, and false if there is none or it is too old.
func (s *shelf[K, V]) get(k K) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, there := s.by[k]
	if !there || s.now().Sub(x.since) > s.lasts {
		var none V
		return none, false
	}
	return x.thing, true
}

func (s *shelf[K, V]) drop(k K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, k)
}

// sweep drops what is too old.
func (s *shelf[K, V]) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, x := range s.by {
		if s.now().Sub(x.since) > s.lasts {
			delete(s.by, k)
		}
	}
}

// ticket names what waits for the yes of the one who made it: nobody else finds it.
type ticket struct {
	id    string
	owner journal.SubjectID
}

// ticket is a new one of the reader's.
func (v *visit) ticket() ticket {
	b := make([]byte, 12)
	rand.Read(b)
	return ticket{hex.EncodeToString(b), v.me.Person}
}

// ticketOf is the reader's ticket of an id.
func (v *visit) ticketOf(id string) ticket { return ticket{id, v.me.Person} }
