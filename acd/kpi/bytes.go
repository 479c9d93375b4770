package kpi

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// The kept form: the version, a table of all texts (their lengths, then all of them
// in one), then numbers as varints; a text is its place in the table, a time its
// nanoseconds since 1970, or the least number for no time.

// writer writes that form.
type writer struct {
	b     []byte
	texts []string
	place map[string]uint64
}

func (w *writer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) int(n int64)   { w.b = binary.AppendVarint(w.b, n) }

func (w *writer) bool(b bool) {
	if b {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.int(math.MinInt64)
		return
	}
	w.int(t.UnixNano())
}

func (w *writer) string(s string) {
	n, ok := w.place[s]
	if !ok {
		if w.place == nil {
			w.place = map[string]uint64{}
		}
		n = uint64(len(w.texts))
		w.place[s] = n
		w.texts = append(w.texts, s)
	}
	w.uint(n)
}

func (w *writer) bytes() []byte {
	out := binary.AppendUvarint(nil, Version)
	out = binary.AppendUvarint(out, uint64(len(w.texts)))
	for _, s := range w.texts {
		out = binary.AppendUvarint(out, uint64(len(s)))
	}
	for _, s := range w.texts {
		out = append(out, s...)
	}
	return append(out, w.b...)
}

// reader reads it. After an error everything it returns is zero.
type reader struct {
	b     []byte
	texts []string
	err   error
}

func newReader(kept []byte) (*reader, error) {
	r := &reader{b: kept}
	if v := r.uint(); v != Version {
		return nil, fmt.Errorf("%w: version %d", ErrKept, v)
	}
	r.texts = make([]string, r.count())
	lengths := make([]int, len(r.texts))
	sum := 0
	for i := range lengths {
		lengths[i] = r.count()
		if sum += lengths[i]; sum > len(r.b) { // at once, before it is more than an int of 32 bits
			r.fail()
		}
	}
	if r.err != nil || sum > len(r.b) {
		return nil, fmt.Errorf("%w: texts", ErrKept)
	}
	all := string(r.b[:sum]) // one allocation for all texts
	r.b = r.b[sum:]
	for i, n := range lengths {
		r.texts[i], all = all[:n], all[n:]
	}
	return r, nil
}

func (r *reader) fail() { r.err, r.b = ErrKept, nil }

func (r *reader) uint() uint64 { return number(r, binary.Uvarint) }
func (r *reader) int() int64   { return number(r, binary.Varint) }

func number[N uint64 | int64](r *reader, read func([]byte) (N, int)) N {
	n, size := read(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads how many things follow; each takes an octet at least.
func (r *reader) count() int { return r.countOf(1) }

// countOf is count of things that take at least so many octets each.
func (r *reader) countOf(octets int) int {
	n := r.uint()
	if n > uint64(len(r.b)/octets) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) bool() bool { return r.uint() != 0 }

func (r *reader) time() time.Time {
	n := r.int()
	if n == math.MinInt64 || r.err != nil {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func (r *reader) string() string {
	n := r.uint()
	if r.err != nil || n >= uint64(len(r.texts)) {
		r.fail()
		return ""
	}
	return r.texts[n]
}
