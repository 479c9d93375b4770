package ui

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/ui/auth"
)

// Auth lets tests open sessions without a password.
func (s *Server) Auth() *auth.Auth { return s.auth }

// SafePath is what keeps redirects at home.
var SafePath = safePath

// ReadDial reads a wish to call.
var ReadDial = readDial

// Follows says whether an offer went to whom its stored candidates make it go.
func Follows(o journal.ContactOffered) bool { return follows(o) }

// TextID makes a reason of the engine part of a text's id.
func TextID(reason string) string { return textID(reason) }

// Spent is a wait and what its parts add up to.
type Spent struct{ Whole, Parts time.Duration }

// WaitsOf finds the waits of a call.
func WaitsOf(events []journal.Event, now time.Time) []Spent {
	var out []Spent
	for _, w := range waitsOf(events, now) {
		out = append(out, Spent{w.to.Sub(w.from), w.free + w.vain + w.taken})
	}
	return out
}

// LivePages names the pages that an event stream keeps up to date.
func LivePages() []string { return slices.Sorted(maps.Keys(livePages)) }

// Shelf is a shelf of numbers.
type Shelf struct{ s *shelf[string, int] }

// NewShelf makes one.
func NewShelf(now func() time.Time, lasts time.Duration, most int) Shelf {
	return Shelf{newShelf[string, int](now, lasts, most)}
}

func (s Shelf) Put(k string, n int)      { s.s.put(k, n) }
func (s Shelf) Set(k string, n int)      { s.s.set(k, n) }
func (s Shelf) Get(k string) (int, bool) { return s.s.get(k) }
func (s Shelf) Drop(k string)            { s.s.drop(k) }
func (s Shelf) Sweep() int               { s.s.sweep(); return len(s.s.by) }

// HeldSince tells who belonged to the first queue from an instant on: how long after
// start each membership began, and how many people it had.
func HeldSince(t *testing.T, o Office, start, from time.Time) []string {
	t.Helper()
	var m members
	held, err := m.since(t.Context(), o, from)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range held {
		n := "none"
		if len(h.Groups) > 0 {
			n = fmt.Sprint(len(h.Groups[0].People))
		}
		out = append(out, fmt.Sprint(h.From.Sub(start), " ", n))
	}
	return out
}
