package engine_test

import (
	"encoding/json"
	"fmt"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
)

// replay folds the journal into a new engine and compares it with the live one.
func (o *observer) replay(s *engine.State) error {
	fresh, err := engine.New(o.cfg, epoch)
	if err != nil {
		return err
	}
	for i := range o.log {
		e, err := throughJournal(&o.log[i])
		if err != nil {
			return err
		}
		fresh.Fold(&e)
	}
	got, want := dump(fresh, o.last), dump(s, o.last)
	if got != want {
		return fmt.Errorf("replay differs:\n%s\nlive:\n%s", got, want)
	}
	kept, err := engine.New(o.cfg, epoch)
	if err != nil {
		return err
	}
	var d engine.Dump
	if err := json.Unmarshal([]byte(want), &d); err != nil {
		return err
	}
	kept.Load(&d)
	if got := dump(kept, o.last); got != want {
		return fmt.Errorf("loaded dump differs:\n%s\nlive:\n%s", got, want)
	}
	if _, err := kept.Configure(o.cfg, o.last); err != nil {
		return err
	}
	if got := dump(kept, o.last); got != want {
		return fmt.Errorf("loaded dump differs once configured:\n%s\nlive:\n%s", got, want)
	}
	r, err := fresh.Configure(o.cfg, o.last)
	if err != nil {
		return err
	}
	// What is said to callers on the line may differ: what was not said, because an
	// agent rang or by the rules of then, leaves no trace.
	for i := range r.Events {
		if r.Events[i].Kind != engine.ContactAnnounced {
			return fmt.Errorf("replayed engine did %s", describe(&r.Events[i]))
		}
	}
	for _, a := range r.Actions {
		if a.Kind != engine.Announce {
			return fmt.Errorf("replayed engine acts: %+v", a)
		}
	}
	return nil
}

func dump(s *engine.State, at time.Time) string {
	b, err := json.MarshalIndent(s.Dump(at), "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// throughJournal writes the event's payload as JSON and reads it back.
func throughJournal(e *engine.Event) (engine.Event, error) {
	p := e.Payload()
	b, err := json.Marshal(p)
	if err != nil {
		return engine.Event{}, err
	}
	back, err := readPayload(p, b)
	if err != nil {
		return engine.Event{}, err
	}
	got, ok := engine.FromPayload(back, e.At.Time())
	if !ok {
		return got, fmt.Errorf("%T is not of the engine", back)
	}
	return got, nil
}

func readPayload(like journal.Payload, b []byte) (journal.Payload, error) {
	switch like.(type) {
	case journal.AgentChanged:
		return read[journal.AgentChanged](b)
	case journal.ContactQueued:
		return read[journal.ContactQueued](b)
	case journal.ContactOffered:
		return read[journal.ContactOffered](b)
	case journal.OfferEnded:
		return read[journal.OfferEnded](b)
	case journal.ContactConnected:
		return read[journal.ContactConnected](b)
	case journal.ContactEnded:
		return read[journal.ContactEnded](b)
	case journal.ContactAnnounced:
		return read[journal.ContactAnnounced](b)
	case journal.CallbackPromised:
		return read[journal.CallbackPromised](b)
	case journal.CallbackTried:
		return read[journal.CallbackTried](b)
	case journal.BreakProposed:
		return read[journal.BreakProposed](b)
	case journal.CallbackSettled:
		return read[journal.CallbackSettled](b)
	case journal.RecallTaken:
		return read[journal.RecallTaken](b)
	case journal.RecallDone:
		return read[journal.RecallDone](b)
	}
	return nil, fmt.Errorf("unknown payload %T", like)
}

func read[P journal.Payload](b []byte) (P, error) {
	var p P
	err := json.Unmarshal(b, &p)
	return p, err
}

func describe(e *engine.Event) string {
	return fmt.Sprintf("%T %+v", e.Payload(), e.Payload())
}
