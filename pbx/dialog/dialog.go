// Package dialog keeps INVITE dialogs (RFC 3261 12 to 15): one Leg for each
// incoming INVITE and each target called, with early media, delayed offers,
// CANCEL in both directions, repeats of 2xx and ACK, forked answers, re-INVITE and
// UPDATE with glare, BYE, INFO digits and session refreshes. Of the dialogs that a
// SUBSCRIBE makes it keeps only what every dialog has (Peer). It knows nothing of
// calls: who owns a leg sends it commands and hears typed events.
//
// Commands never block and may come from any goroutine; they run in the queue of
// the leg's Call-ID in pbx/sip, in the order given, among the messages of that
// dialog. Events come from that queue, one after the other. The package starts no
// goroutine.
package dialog

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"centralino/internal/office"
	"centralino/pbx/sip"
)

// Identity is who an incoming request was admitted as. Exactly one of Device and
// Trunk is set for a known sender.
type Identity struct {
	Device office.ID // the phone, by digest or (emergency) by its binding
	Trunk  office.ID // the line of kind trunk
	// ByBinding: admitted without a digest because its source has a binding, so
	// only emergency numbers may be called.
	ByBinding bool
}

// Options of an Agent. Incoming is needed.
type Options struct {
	// Admit decides who sends an INVITE outside of dialogs or a REFER within one,
	// before anything is kept for it: either an identity or the response to send (a challenge, a
	// refusal). nil admits everybody as nobody. It must not block.
	Admit func(req *sip.Request) (Identity, *sip.Response)
	// Incoming brings a new call. It must set the leg's sink with Listen before it
	// returns and must not block; 100 Trying has been sent.
	Incoming func(in *Leg)
	// Stateless answers REGISTER, OPTIONS and other requests outside of dialogs
	// (never INVITE) before a transaction is made, if it wants to (see sip.Handler).
	// What it leaves goes on: OPTIONS gets 200, the rest goes to Other.
	Stateless func(req *sip.Request) *sip.Response
	// Subscriptions takes every SUBSCRIBE that belongs to no INVITE dialog. nil: it is
	// answered 489, or 481 within a dialog.
	Subscriptions Subscriptions
	// Other takes requests outside of dialogs that are no INVITE (REGISTER,
	// MESSAGE …). nil: they get 405 or 481. A REFER outside of dialogs is refused
	// with 603 before.
	Other func(tx sip.ServerTx)
	// Log: slog.Default if nil.
	Log *slog.Logger
	// Random in [0,n) for glare waits; math/rand/v2 if nil.
	Random func(n int64) int64
}

// Subscriptions is who keeps what phones subscribe to (RFC 6665).
type Subscriptions interface {
	// Admit decides who sends a SUBSCRIBE, in or out of a dialog, before anything is
	// kept for it; see Options.Admit.
	Admit(req *sip.Request) (Identity, *sip.Response)
	// Subscribe brings what was let in. It answers tx before it returns.
	Subscribe(tx sip.ServerTx, from Identity)
}

// Agent keeps all legs of the box. It is the sip.Handler of its stack.
type Agent struct {
	stack *sip.Stack
	o     Options

	mu       sync.Mutex
	legs     map[string]*Leg           // by legKey
	byTx     map[sip.ServerTx]*Leg     // unanswered incoming ones
	admitted map[*sip.Request]Identity // between Stateless and Request
	closed   bool
}

// New makes the agent and sets it as the handler of stack, which must not run yet.
func New(stack *sip.Stack, o Options) *Agent {
	if o.Random == nil {
		o.Random = rand.Int64N
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	a := &Agent{
		stack: stack, o: o,
		legs:     make(map[string]*Leg),
		byTx:     make(map[sip.ServerTx]*Leg),
		admitted: make(map[*sip.Request]Identity),
	}
	stack.Handle(a)
	return a
}

// legKey names a dialog by Call-ID and our tag. The other side's tag is compared
// afterwards, because it changes while a call that we made is forked.
func legKey(callID, localTag string) string { return callID + "|" + localTag }

func (a *Agent) add(l *Leg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.legs[legKey(l.callID, l.localTag)] = l
	if l.tx != nil {
		a.byTx[l.tx] = l
	}
}

func (a *Agent) remove(l *Leg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.legs, legKey(l.callID, l.localTag))
	if l.tx != nil {
		delete(a.byTx, l.tx)
	}
}

// find returns the leg that a request within a dialog belongs to, nil if none.
func (a *Agent) find(req *sip.Request) *Leg {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.legs[legKey(req.CallID(), req.To().Tag())]
}

// Legs returns how many legs are alive, for tests and figures.
func (a *Agent) Legs() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.legs)
}

// Close ends all legs with BYE, CANCEL or 503 and refuses new ones with 503; the
// caller then waits a moment for the answers before the stack ends. reason, if not
// empty, is the value of a Reason header.
func (a *Agent) Close(reason string) {
	a.mu.Lock()
	a.closed = true
	legs := make([]*Leg, 0, len(a.legs))
	for _, l := range a.legs {
		legs = append(legs, l)
	}
	a.mu.Unlock()
	for _, l := range legs {
		l.Reject(503, "")
		l.Bye(reason)
	}
}

// Header is one extra header field of a request or response.
type Header struct{ Name, Value string }

// InviteOptions describes one outgoing leg.
type InviteOptions struct {
	URI  sip.URI         // Request-URI: the contact of the phone, or number@trunk
	Dest sip.Destination // the phone's flow or the trunk's server; nil: where URI leads
	From sip.Address     // who calls; a tag is added
	To   sip.Address     // who is called; URI if zero
	// SDP is the offer; nil sends an INVITE without one: the offer then comes in
	// Accepted and AnswerOffer must be called.
	SDP []byte
	// ContactUser is the user part of our Contact.
	ContactUser string
	Headers     []Header // Alert-Info, Call-Info, P-Asserted-Identity, Diversion, Supported …
	// Authorize is asked on 401 and 407: it adds credentials to req, the next
	// attempt, and returns true, or false to give up. At most 3 attempts. nil gives
	// up: no challenge of an unknown peer is ever answered.
	Authorize func(challenge *sip.Response, req *sip.Request) bool
	// Limit ends the attempt when no final answer came: Failed with code 408. 0
	// means 3 minutes (RFC 3261 Timer C).
	Limit time.Duration
	// Silence ends the attempt when nothing at all has come by then, not even 100
	// Trying: Failed with code 408 and no Response. 0 means never: the transaction's
	// own 32 s.
	Silence time.Duration
	// Urgent: a call for help, which no limit of ours stops.
	Urgent bool
	// On is the sink of events; see Leg.Listen.
	On func(Event)
}
