package pbx

import (
	"log/slog"
	"runtime"
	"testing"

	"centralino/hal"
	"centralino/pbx/call"
	"centralino/pbx/media"
)

func deafActor(room int) *actor {
	return &actor{mail: make(chan mail, room), done: make(chan struct{}), log: slog.New(slog.DiscardHandler)}
}

func TestFullMailboxEndsTheCallOnceAndKeepsNoGoroutines(t *testing.T) {
	a := deafActor(1)
	before := runtime.NumGoroutine()
	for range 1000 {
		a.post(wakeUp{})
	}
	if n := runtime.NumGoroutine() - before; n > 1 {
		t.Errorf("%d goroutines for one call", n)
	}
	close(a.done)
}

func TestLineThatRingsIntoAnOutgoingCallBeginsNoOther(t *testing.T) {
	out := &lineLeg{owned: in(deafActor(1))}
	r := &lineReader{} // its switch is not asked
	if !r.attach(out) {
		t.Fatal("the line is not free")
	}
	if got := r.arrived(); got != out {
		t.Errorf("a second call on the line: %+v", got)
	}
	r.rang(hal.Ring{N: 1})
	if len(out.a.mail) != 0 {
		t.Error("an outgoing call is told of rings")
	}
}

// endless is a leg that notes why it is hung up.
type endless struct {
	leg
	of  *actor
	why call.Cause
}

func (l *endless) owner() *actor  { return l.of }
func (l *endless) hasMoved() bool { return false }

func (l *endless) hangUp(cause call.Cause, _ int) { l.why = cause }

func TestALegWhoseMediaIsBrokenIsHungUp(t *testing.T) {
	l := &endless{of: deafActor(1)}
	mediaMail{l, media.Broken{}}.deliver(l.of)
	if l.why != call.CauseFailed {
		t.Errorf("hung up because of %q", l.why)
	}
}
