package ui_test

import (
	"testing"
	"time"

	"centralino/ui"
)

// TestAShelf: what waits is found for a while, changes do not prolong it, and the oldest
// makes room.
func TestAShelf(t *testing.T) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	now := start
	s := ui.NewShelf(func() time.Time { return now }, time.Hour, 3)
	has := func(when, k string, want int) {
		t.Helper()
		if got, ok := s.Get(k); ok != (want != 0) || got != want {
			t.Errorf("%s: %s is %d (%v), want %d", when, k, got, ok, want)
		}
	}
	at := func(minutes int) { now = start.Add(time.Duration(minutes) * time.Minute) }
	s.Put("a", 1)
	at(10)
	s.Put("b", 2)
	at(50)
	s.Set("a", 3)
	s.Set("z", 9)
	has("changed", "a", 3)
	has("what is not there cannot be changed", "z", 0)
	at(61)
	has("changed and too old", "a", 0)
	has("younger", "b", 2)
	if n := s.Sweep(); n != 1 {
		t.Errorf("%d are left", n)
	}
	s.Put("c", 4)
	at(62)
	s.Put("d", 5)
	s.Put("c", 6) // again: it needs no room
	has("with room", "b", 2)
	s.Put("e", 7)
	has("the oldest makes room", "b", 0)
	has("put again", "c", 6)
	has("the newest", "e", 7)
	s.Drop("e")
	has("dropped", "e", 0)
	at(121)
	has("it lasts from when it was put again", "c", 6)
}
