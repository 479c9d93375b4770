package journal

import "slices"

// latest is how many events may still come late.
const latest = 2000

// Fresh notes the number of an event that comes to a fold, and reports whether it did not
// come before. last is the highest number so far, late are those below it that did not
// come: while the disk stalls, others go ahead of ends of calls and of promises (see
// Subscription). A fold that takes no smaller numbers would lose these. Number 0 is none,
// and always fresh.
func Fresh(seq uint64, last *uint64, late *[]uint64) bool {
	switch {
	case seq == 0:
		return true
	case seq <= *last:
		i, known := slices.BinarySearch(*late, seq)
		if known {
			*late = slices.Delete(slices.Clone(*late), i, i+1)
		}
		return known
	}
	if skipped := seq - *last - 1; *last != 0 && skipped > 0 && skipped < latest {
		more := slices.Clone(*late)
		for n := *last + 1; n < seq; n++ {
			more = append(more, n)
		}
		*late = more[max(0, len(more)-latest):]
	}
	*last = seq
	return true
}
