package pbx

import (
	"slices"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"
)

// lineWait is an emergency call that has no line yet. It looks again and again: a
// line may become free in many ways, and nobody else can be trusted to tell.
type lineWait struct {
	out   call.DialOut
	next  time.Time // when to look again
	until time.Time // when it is told that there is none
	freed time.Time // when an ordinary call was ended for it last, zero: none was

	line   office.ID      // of that call
	victim journal.CallID // that call
}

// lost reports that the line is free of the call that was ended and somebody else
// has it: a caller may ring in the very moment in which it clears.
func (w *lineWait) lost(st route.State) bool {
	calls := st.Lines[w.line].Calls
	return w.victim != "" && len(calls) > 0 && !slices.ContainsFunc(calls, func(c route.LineCall) bool { return c.Call == w.victim })
}

const (
	lookAgain   = 100 * time.Millisecond
	freedWithin = call.WarningMost + 4*time.Second // a preempted call hears its warning and the line clears
)

// awaitLine looks for a line until one carries the call.
func (a *actor) awaitLine(x call.DialOut) {
	now := a.p.o.Now()
	a.wait = &lineWait{out: x, until: now.Add(call.EmergencyWait)}
	a.seekLine()
}

// seekLine asks for the lines as they stand now, dials on the first that is free,
// and has an ordinary call ended where none is.
func (a *actor) seekLine() {
	w, now := a.wait, a.p.o.Now()
	if a.st.Phase() != call.Reaching { // its caller has hung up
		a.stopWaiting()
		return
	}
	w.next = now.Add(lookAgain)
	out, hope := a.linesNow()
	if a.dialFirst(call.DialOut{Attempt: w.out.Attempt, Out: out}) {
		a.stopWaiting()
		return
	}
	switch {
	case !hope || !now.Before(w.until):
		a.stopWaiting()
		a.step(call.AttemptStarted{Attempt: w.out.Attempt, Reason: "noLine"})
	case out.Preempt != nil && (w.freed.IsZero() || now.Sub(w.freed) > freedWithin || w.lost(a.p.routeState())):
		w.freed, w.line, w.victim = now, out.Preempt.Line, out.Preempt.Call
		a.p.book.promise(out.Preempt.Line, out.Preempt.Call, a.id)
		if victim := a.p.actor(out.Preempt.Call); victim != nil {
			victim.post(callMail{call.Preempted{}})
		}
	}
}

func (a *actor) stopWaiting() {
	a.wait = nil
	a.p.book.cancel(a.id)
}

// linesNow decides anew about the lines of an emergency call. Those that have
// failed it before count as out of service, until nothing else is left; twice is
// enough. hope says whether waiting makes sense.
func (a *actor) linesNow() (out route.DialOut, hope bool) {
	for tries := 1; tries <= 2; tries++ {
		st := a.p.routeState()
		for line, n := range a.tried {
			if n >= tries {
				delete(st.Lines, line)
			}
		}
		out = a.decideHelp(st)
		if line := a.p.book.promisedTo(a.id); line != "" {
			if w := a.wait; w != nil && a.p.o.Now().Sub(w.freed) <= freedWithin {
				// A call is being ended for this one: it is not to be in vain.
				out.Candidates = slices.DeleteFunc(out.Candidates, func(c route.Candidate) bool { return !a.carriesHelp(c.Line) })
			}
			out.Candidates = append(out.Candidates, route.Candidate{Line: line, Dial: out.Number.Short})
		}
		out.Candidates = slices.DeleteFunc(out.Candidates, func(c route.Candidate) bool { return a.tried[c.Line] >= tries })
		for _, c := range out.Candidates {
			hope = hope || st.Lines[c.Line].InService
		}
		if hope {
			break
		}
	}
	return out, hope
}

// decideHelp decides about the lines of an emergency call. A line that somebody
// took when it had just been freed rings now, which takes longer to clear than a
// talk: another call is ended for it rather than that one.
func (a *actor) decideHelp(st route.State) route.DialOut {
	decide := func() route.DialOut {
		action, _ := route.Decide(a.doc, a.request, a.p.o.Now(), st)
		out, _ := action.(route.DialOut)
		return out
	}
	if w := a.wait; w != nil && w.lost(st) {
		taken := st.Lines[w.line]
		delete(st.Lines, w.line)
		if out := decide(); out.Preempt != nil {
			return out
		}
		st.Lines[w.line] = taken
	}
	return decide()
}

// carriesHelp says whether a line is meant for emergency calls.
func (a *actor) carriesHelp(line office.ID) bool {
	l := a.doc.LineByID(line)
	return l != nil && l.Emergency
}

// try counts that a line is tried for an emergency call.
func (a *actor) try(line office.ID) {
	if a.tried == nil {
		a.tried = make(map[office.ID]int)
	}
	a.tried[line]++
}
