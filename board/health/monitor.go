package health

import (
	"context"
	"sync"
	"time"
)

// Monitor keeps the list of the running box. Its methods may be called from any
// goroutine at any time, also before Run.
type Monitor struct {
	on   func(all []Entry, changes []Change)
	wake chan struct{} // capacity 1: one pending look is enough

	mu      sync.Mutex // guards the fields below
	list    *List
	changes []Change // not yet told
}

// NewMonitor returns a monitor that tells on about every change of the list, from
// Run's goroutine; on must not block and may be nil.
func NewMonitor(on func(all []Entry, changes []Change)) *Monitor {
	return &Monitor{on: on, wake: make(chan struct{}, 1), list: NewList()}
}

// Raise reports that a fault is seen now; subject is empty for the box.
func (m *Monitor) Raise(k Kind, subject string) {
	m.change(func(now time.Time) []Change { return m.list.Raise(k, subject, now) })
}

// Clear reports that a fault is not seen any more.
func (m *Monitor) Clear(k Kind, subject string) {
	m.change(func(now time.Time) []Change { return m.list.Clear(k, subject, now) })
}

// ClearSubject reports that a subject is not there any more.
func (m *Monitor) ClearSubject(subject string) {
	m.change(func(now time.Time) []Change { return m.list.ClearSubject(subject, now) })
}

func (m *Monitor) change(f func(now time.Time) []Change) {
	m.mu.Lock()
	m.changes = append(m.changes, f(time.Now())...)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default: // Run will look anyway
	}
}

// All returns the faults that count, the worst first.
func (m *Monitor) All() []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list.All()
}

// Worst is the fault that the STATUS lamp stands for, and false if there is none.
func (m *Monitor) Worst() (Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list.Worst()
}

// Run lets faults begin and cease to count as time passes, until ctx ends.
func (m *Monitor) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		m.mu.Lock()
		now := time.Now()
		changes := append(m.changes, m.list.Tick(now)...)
		m.changes = nil
		all, next := m.list.All(), m.list.Next()
		m.mu.Unlock()
		if len(changes) > 0 && m.on != nil {
			m.on(all, changes)
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = next.Sub(now)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-m.wake:
		case <-timer.C:
		}
	}
}
