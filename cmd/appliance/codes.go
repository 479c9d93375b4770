package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"centralino/acd"
	"centralino/acd/engine"
	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// feature performs a feature code and names the sentence that tells how it went.
// args is the digit after a code that takes one.
func (b *box) feature(f office.Feature, person journal.SubjectID, args string) string {
	var st acd.AgentStatus
	var err error
	done := ""
	switch f {
	case office.FeatureLogin:
		_, err = b.acd.Login(person, engine.FromPhone)
		done = "login-ok"
	case office.FeatureLogout:
		st, err = b.acd.Logout(person, engine.FromPhone)
		done = later(st, journal.AgentLoggedOut, "logout-ok", "logout-asked")
	case office.FeaturePause:
		return b.pause(person, args)
	case office.FeatureBreak:
		st, err = b.acd.Break(person, engine.FromPhone)
		done = later(st, journal.AgentPaused, "paused", "pause-asked")
	case office.FeatureReady:
		_, err = b.acd.Ready(person, engine.FromPhone)
		done = "ready"
	case office.FeatureMore:
		_, err = b.acd.ExtendWrapUp(person, engine.FromPhone)
		done = "more-time"
	case office.FeatureOutcome:
		return b.outcome(person, args)
	case office.FeatureEcho:
		return ""
	case office.FeatureStatus:
		return b.statusPrompt()
	default:
		return "unknown-number"
	}
	if err != nil {
		return refused(err)
	}
	return done
}

// refused names the sentence for what the ACD did not do.
func refused(err error) string {
	switch {
	case errors.Is(err, acd.ErrNoWrapUp):
		return "no-more-time"
	case errors.Is(err, acd.ErrOutcome):
		return "outcome-first"
	case errors.Is(err, acd.ErrNotOver):
		return "break-first"
	case errors.Is(err, acd.ErrLoggedOut):
		return "login-first"
	case errors.Is(err, acd.ErrNotAgent):
		return "no-queue"
	}
	return "not-now"
}

// later picks what is said of a wish by whether it holds at once or after the
// present call.
func later(st acd.AgentStatus, want journal.AgentStateName, now, then string) string {
	if st.State != want && st.Asked == want {
		return then
	}
	return now
}

// pause keeps calls away, for the reason that a digit names.
func (b *box) pause(person journal.SubjectID, digit string) string {
	why := engine.ReasonCode
	work := false
	if digit != "" {
		r := b.office.Current().Doc.ReasonByDigit(digit)
		if r == nil {
			return "wrong-code"
		}
		why, work = acd.Reason(r.ID), r.Work
	}
	if work {
		st, err := b.acd.OtherWork(person, engine.FromPhone, why)
		if err != nil {
			return refused(err)
		}
		return later(st, journal.AgentOtherWork, "other-work", "pause-asked")
	}
	st, err := b.acd.Pause(person, engine.FromPhone, why)
	if err != nil {
		return refused(err)
	}
	return later(st, journal.AgentPaused, "paused", "pause-asked")
}

// outcome notes how the person's last conversation of a queue went.
func (b *box) outcome(person journal.SubjectID, digit string) string {
	last, ok := b.lastTalks.of(person)
	if !ok {
		return "no-call"
	}
	o, ok := outcome.ByDigit(b.office.Current().Doc, last.Queue, digit)
	if !ok {
		return "wrong-code"
	}
	ctx, cancel := context.WithTimeout(context.Background(), outcomeLimit)
	defer cancel()
	_, err := b.customers.Set(ctx, outcome.Result{Call: last.Call, Subject: last.Caller, Queue: last.Queue, Agent: person, Owner: person, Outcome: string(o.ID)})
	if err != nil {
		b.log.Error("an outcome was not kept", "call", last.Call, "err", err)
		return "call-failed"
	}
	return "outcome-set"
}

// outcomeLimit is how long a person at a phone waits for the disk.
const outcomeLimit = 3 * time.Second

// lastTalks knows of each agent the conversation that he had last, for its outcome. It
// is a fold of the journal, kept beside the ACD's state: it is filled with what was
// written before the box started and what goes into the journal since.
type lastTalks struct {
	mu      sync.Mutex
	by      map[journal.SubjectID]lastTalk
	callers map[journal.ContactID]journal.SubjectID // of contacts that have not ended
}

type lastTalk struct {
	Call   journal.CallID
	Queue  string
	Caller journal.SubjectID
}

// keptTalks is the form in which lastTalks is kept.
type keptTalks struct {
	By      map[journal.SubjectID]lastTalk
	Callers map[journal.ContactID]journal.SubjectID
}

// keep writes the state down.
func (l *lastTalks) keep() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return json.Marshal(keptTalks{l.by, l.callers})
}

// resume reads what keep wrote; what cannot be read changes nothing.
func (l *lastTalks) resume(state []byte) error {
	var k keptTalks
	if err := json.Unmarshal(state, &k); err != nil {
		return fmt.Errorf("read the last conversations: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.By != nil && k.Callers != nil {
		l.by, l.callers = k.By, k.Callers
	}
	return nil
}

func (l *lastTalks) see(p journal.Payload) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by, l.callers = map[journal.SubjectID]lastTalk{}, map[journal.ContactID]journal.SubjectID{}
	}
	switch p := p.(type) {
	case journal.ContactQueued:
		l.callers[p.Contact] = p.Caller
	case journal.CallbackPromised:
		l.callers[p.Contact] = p.Caller
	case journal.ContactConnected:
		l.by[p.Agent] = lastTalk{journal.CallID(p.Contact), p.Queue, l.callers[p.Contact]}
	case journal.ContactEnded:
		delete(l.callers, p.Contact)
	}
}

func (l *lastTalks) of(agent journal.SubjectID) (lastTalk, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.by[agent]
	return t, ok
}
