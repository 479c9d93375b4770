package pbx

import (
	"sync/atomic"
	"time"

	"centralino/internal/journal"
	"centralino/pbx/call"
	"centralino/pbx/media"
	"centralino/pbx/route"
)

// owned is what a leg knows of the call that it is in. Calls may hand a leg over
// (transfer.go).
type owned struct {
	a     *actor // for the call's own goroutine
	first *actor // which the leg was made by
	at    atomic.Pointer[actor]
	// request is with what who is at the leg came in, once another call has handed it over.
	request route.Request
	moved   atomic.Bool // read by any call that gets its mail
}

func in(a *actor) owned { return owned{a: a, first: a} }

// owner is the call that hears what happens to the leg. It may be asked by anybody.
func (o *owned) owner() *actor {
	if a := o.at.Load(); a != nil {
		return a
	}
	return o.first
}

func (o *owned) cameWith() route.Request   { return o.request }
func (o *owned) comesWith(r route.Request) { o.request = r }

func (o *owned) hasMoved() bool { return o.moved.Load() }

// leg is one side of a call at the edge: a SIP dialog or a telephone line, with
// its media. Only the call's actor uses it.
type leg interface {
	name() journal.LegID
	owner() *actor
	hasMoved() bool
	// comesWith notes what cameWith tells the next call of who is at the leg.
	comesWith(r route.Request)
	cameWith() route.Request
	// moveTo makes another call the leg's; enter gives it its name there.
	moveTo(a *actor)
	enter(id journal.LegID)
	// sound is the leg's media, nil before there is any.
	sound() *media.Stream
	// ringing tells the caller that somebody is being called.
	ringing(early bool)
	// answer takes the caller's leg; LegAnswered follows.
	answer()
	// hangUp ends the leg in whatever state it is; LegEnded follows, once.
	hangUp(cause call.Cause, code int)
	// abort lets go of everything at once, at the end of the call.
	abort()
}

// quality turns a stream's figures into what the journal keeps.
func quality(id journal.LegID, st media.Stats) journal.Quality {
	q := journal.Quality{Leg: id, Received: st.Received, Sent: st.Sent, Lost: st.Lost,
		JitterMS: ms(st.Jitter), RoundTripMS: ms(st.RTT),
		PeerLost: st.PeerLost, PeerJitterMS: ms(st.PeerJitter)}
	if st.LineFrames > 0 {
		q.Received, q.Sent = st.LineFrames, st.LineFrames
	}
	return q
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// mediaMail is an event of a leg's stream.
type mediaMail struct {
	leg leg
	ev  media.Event
}

func (m mediaMail) deliver(a *actor) {
	if a.passesOn(m.leg, m) {
		return
	}
	switch ev := m.ev.(type) {
	case media.DTMF:
		a.step(call.Digit{Leg: m.leg.name(), Digit: ev.Digit})
	case media.PlayDone:
		if ev.ID != 0 {
			a.step(call.Played{ID: ev.ID})
		}
	case media.Broken: // its PlayDone, for which the call may wait, will never come
		m.leg.hangUp(call.CauseFailed, 0)
	case media.Inactive:
		if l, ok := m.leg.(*sipLeg); ok {
			l.silent()
		}
	}
}
