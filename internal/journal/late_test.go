package journal_test

import (
	"slices"
	"testing"

	"centralino/internal/journal"
)

// Whatever comes late is fresh once, what came already is not, and what a fold that begins
// in the middle never asked for is not late.
func TestWhatComesLateIsFreshOnce(t *testing.T) {
	var last uint64
	var late []uint64
	for i, c := range []struct {
		seq   uint64
		fresh bool
		late  []uint64
	}{
		{7, true, nil}, {7, false, nil}, {3, false, nil}, {8, true, nil}, {11, true, []uint64{9, 10}}, {0, true, []uint64{9, 10}}, {12, true, []uint64{9, 10}},
		{10, true, []uint64{9}}, {10, false, []uint64{9}}, {9, true, nil}, {9, false, nil}, {14, true, []uint64{13}}, {99999, true, []uint64{13}}, {99998, false, []uint64{13}},
	} {
		before := slices.Clone(late)
		kept := late // of a copy of the fold
		if got := journal.Fresh(c.seq, &last, &late); got != c.fresh || !slices.Equal(late, c.late) {
			t.Errorf("%d: event %d is fresh: %v, late are %v; want %+v", i, c.seq, got, late, c)
		}
		if !slices.Equal(kept, before) {
			t.Errorf("%d: a copy's list has changed to %v", i, kept)
		}
	}
}
