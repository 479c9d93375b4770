package dialog

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"centralino/pbx/sip"
)

// Leg is one INVITE dialog from its INVITE to its end. All methods may be called
// from any goroutine and never block; a command that does not fit the state is
// ignored (an Accept that crosses a CANCEL, a second Bye).
//
//	incoming:  ringing ─Accept─▶ accepted ─ACK─▶ up ─Bye/BYE─▶ ended
//	              └─Reject / CANCEL─▶ ended
//	outgoing:  calling ─2xx─▶ up ─Bye/BYE─▶ ended
//	              └─Cancel─▶ cancelling ─487─▶ ended (a 2xx that crosses: ACK, BYE)
//
// All fields below the sink are owned by the queue of the Call-ID.
type Leg struct {
	a        *Agent
	callID   string
	localTag string
	in       bool
	identity Identity
	invite   *sip.Request

	mu     sync.Mutex
	on     func(Event)
	early  []Event // before Listen
	remote sip.Flow

	state  legState
	dialog dialogState
	tx     sip.ServerTx // incoming INVITE
	ring   *sip.Response
	ok     *repeater  // our 2xx that waits for its ACK
	call   *outgoing  // outgoing INVITE
	offer  *renewal   // our re-INVITE
	asked  *asked     // theirs
	next   []byte     // the offer that waits for its turn
	bye    *byeWanted // Bye before the ACK came
	sdp    []byte     // what we said last
	timers timers
	probes int // how often Probe was called: an answer to an earlier one is none

	refer     *referral // of the other side, the latest
	referring bool      // we have asked for a transfer and are told how it goes
}

type legState uint8

const (
	ringing legState = iota
	calling
	cancelling
	accepted
	up
	ending
	ended
)

// byeWanted is a Bye that waits until the dialog may be ended (RFC 3261 15).
type byeWanted struct{ reason string }

// timers are the running ones by purpose; each is stopped with the leg.
type timers map[string]func()

func (t timers) stop(name string) {
	if f := t[name]; f != nil {
		f()
		delete(t, name)
	}
}

func newLeg(a *Agent, callID, localTag string) *Leg {
	return &Leg{a: a, callID: callID, localTag: localTag, timers: make(timers)}
}

// ID returns the leg's Call-ID with our tag: unique, for logs and maps.
func (l *Leg) ID() string { return legKey(l.callID, l.localTag) }

// Incoming says whether the other side called.
func (l *Leg) Incoming() bool { return l.in }

// Identity returns who the INVITE was admitted as (incoming legs).
func (l *Leg) Identity() Identity { return l.identity }

// Request returns the INVITE: the received one of an incoming leg, the first one
// of an outgoing leg. Do not change it.
func (l *Leg) Request() *sip.Request { return l.invite }

// Offer returns the SDP of an incoming INVITE, nil when it has none.
func (l *Leg) Offer() []byte { return l.invite.SDP() }

// Remote returns the flow of the other side's latest message (zero before any).
func (l *Leg) Remote() sip.Flow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.remote
}

func (l *Leg) heard(f sip.Flow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remote = f
}

// Listen sets the sink of events. The sink must not block; it may call commands.
// Events that came before Listen are given to it at once. For incoming legs call
// it in Options.Incoming.
func (l *Leg) Listen(on func(Event)) {
	l.mu.Lock()
	early := l.early
	l.on, l.early = on, nil
	l.mu.Unlock()
	for _, e := range early {
		on(e)
	}
}

func (l *Leg) emit(e Event) {
	l.mu.Lock()
	on := l.on
	if on == nil {
		l.early = append(l.early, e)
	}
	l.mu.Unlock()
	if on != nil {
		on(e)
	}
}

// do runs a command in the leg's queue.
func (l *Leg) do(f func()) {
	l.a.stack.Queue(l.callID, func() {
		if l.state != ended {
			f()
		}
	})
}

// finish ends the leg with its one last event.
func (l *Leg) finish(e Event) {
	if l.state == ended {
		return
	}
	l.state = ended
	for name := range l.timers {
		l.timers.stop(name)
	}
	l.refuseAsked(487)
	l.refuseRefer()
	l.a.remove(l)
	l.emit(e)
}

// knows says whether a request within the dialog comes from its other side.
func (l *Leg) knows(req *sip.Request) bool {
	tag := l.dialog.remoteTag()
	return tag == "" || tag == req.From().Tag()
}

// Q850Reason returns a Reason value for a Q.850 cause (16 normal clearing, 17 user
// busy, 19 no answer, 34 no circuit …); text is optional.
func Q850Reason(cause int, text string) string {
	if text == "" {
		return "Q.850;cause=" + strconv.Itoa(cause)
	}
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return fmt.Sprintf(`Q.850;cause=%d;text="%s"`, cause, clean)
}

// ElsewhereReason is the Reason value of a call that another phone took (RFC 3326).
const ElsewhereReason = `SIP;cause=200;text="Call completed elsewhere"`

// reasonOf reads the Reason values of a message: the first one as text, the Q.850
// cause, and whether SIP cause 200 is among them.
func reasonOf(values []string) (text string, q850 int, elsewhere bool) {
	for _, v := range values {
		if text == "" {
			text = v
		}
		protocol, params, _ := strings.Cut(v, ";")
		cause, _ := sip.Params(";" + params).Get("cause")
		n, _ := strconv.Atoi(cause)
		switch {
		case strings.EqualFold(strings.TrimSpace(protocol), "Q.850"):
			q850 = n
		case strings.EqualFold(strings.TrimSpace(protocol), "SIP") && n == 200:
			elsewhere = true
		}
	}
	return text, q850, elsewhere
}
