package engine

import "time"

const minute = int64(time.Minute)

// workload is what LeastOccupied and FewestCalls know of an agent: his handled
// and available time in a ring of 60 whole minutes, and since login.
type workload struct {
	upto    int64      // booked until
	minutes [60]worked // of the hour
	sumBusy int64
	sumOpen int64

	calls int64 // talks since login
	open  int64 // ns logged in and not paused since login
}

// worked is what an agent did in a minute: ms of talk and wrap-up, and ms logged in and
// not paused.
type worked struct{ busy, avail int32 }

const wholeMinute = 60_000 // ms

// class is what a state counts as.
type class uint8

const (
	absent   class = iota
	open           // logged in and not paused
	handling       // and with a contact, or through with it
)

// login starts the count since login anew.
func (w *workload) login(now int64) {
	w.calls, w.open = 0, 0
	w.upto = now
}

// forget empties the window, for a clock that was set back.
func (w *workload) forget(now int64) {
	*w = workload{upto: now, calls: w.calls, open: w.open}
}

// book counts the time from the last booking until now as spent in a state
// of the class.
func (w *workload) book(class class, now int64) {
	from := w.upto
	w.upto = now
	last := now / minute
	first := last
	if from < last*minute {
		first = from / minute
	}
	if class == absent || from == 0 || from >= now {
		w.slide(first, last)
		return
	}
	w.open += now - from
	if first < last-59 {
		w.slide(first, last)
		first, from = last-59, (last-59)*minute
	}
	slot, ms := first%60, from/1e6 // of absolute instants: pieces add up exactly
	if first < last {
		w.add(slot, int32((first+1)*wholeMinute-ms), class)
		slot, ms = w.fill(slot, last-first-1, class), last*wholeMinute
	}
	w.add(slot, int32(now/1e6-ms), class)
}

// fill counts the n whole minutes after that of the slot, empties the one after them
// and returns its slot.
func (w *workload) fill(slot, n int64, class class) int64 {
	busy := int32(0)
	if class == handling {
		busy = wholeMinute
	}
	sumBusy, sumOpen := w.sumBusy+n*int64(busy), w.sumOpen+n*wholeMinute
	for ; ; n-- {
		if slot++; slot == int64(len(w.minutes)) {
			slot = 0
		}
		m := &w.minutes[slot]
		sumBusy -= int64(m.busy)
		sumOpen -= int64(m.avail)
		if n == 0 {
			*m = worked{}
			break
		}
		*m = worked{busy, wholeMinute}
	}
	w.sumBusy, w.sumOpen = sumBusy, sumOpen
	return slot
}

// add counts ms of a class in a minute.
func (w *workload) add(slot int64, ms int32, class class) {
	busy := int32(0)
	if class == handling {
		busy = ms
	}
	m := &w.minutes[slot]
	m.avail += ms
	m.busy += busy
	w.sumOpen += int64(ms)
	w.sumBusy += int64(busy)
}

// slide empties the minutes after last up to now, which leave the window.
func (w *workload) slide(last, now int64) {
	for m := max(last+1, now-59); m <= now; m++ {
		w.empty(m % 60)
	}
}

func (w *workload) empty(slot int64) {
	m := &w.minutes[slot]
	w.sumBusy -= int64(m.busy)
	w.sumOpen -= int64(m.avail)
	*m = worked{}
}

// occupancy is the key of LeastOccupied.
func (w *workload) occupancy() int64 {
	if w.sumOpen == 0 {
		return 0
	}
	return w.sumBusy * 1e6 / w.sumOpen
}

// callRate is the key of FewestCalls.
func (w *workload) callRate() int64 {
	return (w.calls + 1) * 1e9 / (w.open/minute + 15)
}
