package media

import "sync/atomic"

// ring is a queue between one goroutine that puts and one that takes, without a
// lock. A full ring refuses: the caller counts what is lost.
type ring[T any] struct {
	slots []T // a power of two of them
	head  atomic.Uint32
	tail  atomic.Uint32
}

func newRing[T any](size int) ring[T] { return ring[T]{slots: make([]T, size)} }

// put returns the slot to be filled, nil if there is none; commit hands it over.
func (r *ring[T]) put() *T {
	tail := r.tail.Load()
	if tail-r.head.Load() == uint32(len(r.slots)) {
		return nil
	}
	return &r.slots[tail&uint32(len(r.slots)-1)]
}

func (r *ring[T]) commit() { r.tail.Store(r.tail.Load() + 1) }

// take returns the oldest slot, nil if there is none; release frees it.
func (r *ring[T]) take() *T {
	head := r.head.Load()
	if head == r.tail.Load() {
		return nil
	}
	return &r.slots[head&uint32(len(r.slots)-1)]
}

func (r *ring[T]) release() { r.head.Store(r.head.Load() + 1) }
