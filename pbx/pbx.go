// Package pbx is the switch: it joins telephone lines, SIP phones and trunks, and
// hands callers to the ACD. It owns the calls under way and the book of lines; it
// never decides where a call goes (pbx/route, pbx/ivr and pbx/call do) and never
// parses what comes off a wire (pbx/sip, pbx/dialog and the line drivers do).
//
// Goroutines: Run, one for each telephone line that reads its events, and one for
// each call, which is the only one that touches the call's state. Everything that
// happens to a call comes through its mailbox.
package pbx

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/dialog"
	"centralino/pbx/media"
	"centralino/pbx/route"
	"centralino/pbx/sip"
)

// Queue is what the switch needs of the ACD. No method blocks but AskCallback. A
// call is named by the id under which it entered the queue.
type Queue interface {
	// Enqueue puts a call in a queue, as one that came since then if that is not zero. An
	// error means that it was not taken.
	Enqueue(id journal.CallID, queue office.ID, caller journal.SubjectID, since time.Time) error
	// Exit reports that a call has left its queue by a key.
	Exit(id journal.CallID)
	// AskCallback makes of a waiting call a promise to call caller back in its turn;
	// nil once that is on disk. From then on the call's end does not end its place.
	// queue is given for a call that does not wait in it.
	AskCallback(id journal.CallID, queue office.ID, caller journal.SubjectID) error
	// CallbackResult reports what came of an offer to call back that was granted:
	// call.ResultAnswered and its sisters. The attempt is the call that was made for
	// it, empty if none was.
	CallbackResult(id, attempt journal.CallID, result string)
	// Reached reports that a person talks to an outside party whom he called by hand:
	// in which call.
	Reached(party, person journal.SubjectID, in journal.CallID)
	// Abandon reports that a call waits no more.
	Abandon(id journal.CallID)
	OfferAnswered(o journal.OfferID)
	OfferFailed(o journal.OfferID, why call.Cause)
	TalkEnded(id journal.CallID)
	TalkLost(id journal.CallID)
	// HandedOn reports that the agent has handed his caller on, who keeps his place
	// should he come to a queue again.
	// attended: he has talked with who takes him.
	HandedOn(id journal.CallID, attended bool)
	// AgentBusy and AgentFree tell of the first and the last call of a person
	// outside of the queues.
	AgentBusy(p journal.SubjectID)
	AgentFree(p journal.SubjectID)
}

// Contact is a place where a phone can be reached now.
type Contact struct {
	URI  sip.URI
	Flow sip.Flow        // over which the phone registered
	Dest sip.Destination // where requests go
}

// Phones is what the switch needs of the registrar. Now is the wall clock.
type Phones interface {
	// Authenticate proves who sends a request, or says what to answer.
	Authenticate(req *sip.Request) (device office.ID, answer *sip.Response)
	// KnownSource finds the phone with a current or expired binding at a source.
	KnownSource(from netip.AddrPort) (device office.ID, known bool)
	Contacts(device office.ID) []Contact
}

// Trunk is one SIP trunk.
type Trunk interface {
	Line() office.ID
	// Ready says whether calls can be placed now.
	Ready() bool
	// Matches says whether a request comes from the trunk's provider.
	Matches(req *sip.Request) bool
	// Invite prepares a call to a number as the trunk wants to have it. From is
	// our own number to show, empty for the trunk's.
	Invite(dial string, from numbering.E164) dialog.InviteOptions
	// Caller is the calling number as the trunk presents it, and the own number
	// called.
	Caller(req *sip.Request) (caller, called string)
}

// Names is what the switch needs of the table behind the pseudonyms: telephones
// show names and numbers, which is a telephone function.
type Names interface {
	// Number returns the pseudonym of an outside number.
	Number(n numbering.E164) journal.SubjectID
	// NumberForRouting returns the number behind a pseudonym, empty if it is not
	// known (any more). It may wait for the disk.
	NumberForRouting(s journal.SubjectID) numbering.E164
	NameForRouting(p journal.SubjectID) string
}

// Feature performs a feature code for a person and returns the built-in sentence
// that tells how it went, "" to let the caller hear himself (echo). It may wait: it is
// called beside the call, and the call does not wait for it longer than its limit.
type Feature func(f office.Feature, person journal.SubjectID, args string) (prompt string)

// Options are what New needs. All fields but Log are required, lists may be empty.
type Options struct {
	Office  func() *office.Document // the current snapshot
	Journal journal.Appender
	Stack   *sip.Stack
	Plane   *media.Plane
	Phones  Phones
	Trunks  func() []Trunk
	Lines   []hal.Line // at the start; SetLines changes them
	Queue   Queue
	Names   Names
	Feature Feature
	Audio   func(sha256 string) []byte // uploaded prompts as A-law; nil if unknown
	Other   func(tx sip.ServerTx)      // requests outside of dialogs that are no INVITE
	// Subscriptions keeps what phones subscribe to; nil: nothing can be.
	Subscriptions dialog.Subscriptions
	// PhoneLeg hears what each dialog with a telephone does: LegRinging, LegAnswered
	// (in use, from the start where the telephone calls), and LegEnded once, at the
	// end. It must not block.
	PhoneLeg  func(call journal.CallID, leg journal.LegID, device office.ID, st journal.LegState)
	Stateless func(req *sip.Request) *sip.Response
	// DialTone hears how a telephone line's last attempt to dial went: false when the
	// line had no dial tone, true when the number went out. It must not block.
	DialTone func(line office.ID, there bool)
	Now      func() time.Time // wall clock
	Log      *slog.Logger     // slog.Default if nil
}

func (o *Options) check() error {
	switch {
	case o.Office == nil, o.Journal == nil, o.Stack == nil, o.Plane == nil, o.Phones == nil,
		o.Queue == nil, o.Names == nil, o.Now == nil:
		return errors.New("pbx: an option is missing")
	}
	if o.Trunks == nil {
		o.Trunks = func() []Trunk { return nil }
	}
	if o.Feature == nil {
		o.Feature = func(office.Feature, journal.SubjectID, string) string { return route.PromptUnknown }
	}
	if o.PhoneLeg == nil {
		o.PhoneLeg = func(journal.CallID, journal.LegID, office.ID, journal.LegState) {}
	}
	if o.DialTone == nil {
		o.DialTone = func(office.ID, bool) {}
	}
	if o.Audio == nil {
		o.Audio = func(string) []byte { return nil }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return nil
}

// PBX is the switch. Make it with New, then Run it.
type PBX struct {
	o       Options
	dialogs *dialog.Agent
	book    *book
	people  *occupation

	badAnswers atomic.Uint64

	mu           sync.Mutex // guards what follows, for lookups only
	calls        map[journal.CallID]*actor
	offers       map[journal.OfferID]*actor
	back         map[journal.OfferID]journal.CallID // offers to call back the maker of a call
	readers      map[office.ID]*lineReader
	ctx          context.Context // of Run, nil before it
	closing      bool
	draining     bool                         // before an orderly restart: no new calls
	rang         map[journal.SubjectID]*actor // the call that rang a person's phones last
	commands     context.Context              // of commands to line drivers; ends when the box stops
	stopCommands context.CancelFunc
	dialogLegs   map[string]*sipLeg // by dialog.Leg.ID
	features     chan struct{}      // a place each for those under way
	wg           sync.WaitGroup     // call actors, line readers, features
}

// New checks the options and makes the switch the handler of the SIP stack.
func New(o Options) (*PBX, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p := &PBX{o: o, calls: make(map[journal.CallID]*actor), offers: make(map[journal.OfferID]*actor),
		back: make(map[journal.OfferID]journal.CallID), features: make(chan struct{}, maxFeatures),
		rang: make(map[journal.SubjectID]*actor), dialogLegs: make(map[string]*sipLeg)}
	p.commands, p.stopCommands = context.WithCancel(context.Background())
	p.book = newBook(o.Now)
	p.people = newOccupation(o.Queue)
	p.dialogs = dialog.New(o.Stack, dialog.Options{
		Admit: p.admit, Incoming: p.incoming, Stateless: o.Stateless,
		Subscriptions: o.Subscriptions, Other: o.Other, Log: o.Log,
	})
	o.Stack.Urgent(sip.Urgency{Known: p.known, Request: func(r *sip.Request) bool { return p.isEmergency(dialled(r)) }})
	p.readers = make(map[office.ID]*lineReader, len(o.Lines))
	p.SetLines(o.Lines)
	return p, nil
}

// Run reads the lines' events until ctx ends, then ends every call in order and
// returns when the last one is over.
func (p *PBX) Run(ctx context.Context) error {
	p.mu.Lock()
	p.ctx = ctx
	for _, r := range p.readers {
		p.read(r)
	}
	p.mu.Unlock()
	<-ctx.Done()
	p.stopCommands() // a driver that does not answer does not hold up the end
	p.mu.Lock()
	p.closing = true
	actors := make([]*actor, 0, len(p.calls))
	for _, a := range p.calls {
		actors = append(actors, a)
	}
	p.mu.Unlock()
	for _, a := range actors {
		a.post(callMail{call.Shutdown{Cause: call.CauseShutdown}})
	}
	p.wg.Wait()
	return nil
}

// SetLines makes the switch use exactly these telephone lines from now on. A line
// that is taken away carries its call to the end: whoever runs its driver stops it
// only when it is idle.
func (p *PBX) SetLines(lines []hal.Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := make(map[office.ID]hal.Line, len(lines))
	for _, l := range lines {
		wanted[office.ID(l.ID())] = l
	}
	for id, r := range p.readers {
		if wanted[id] == r.line {
			continue
		}
		if r.stop != nil {
			r.stop()
		}
		delete(p.readers, id)
		p.book.removeLine(id)
	}
	for id, l := range wanted {
		if p.readers[id] != nil {
			continue
		}
		r := &lineReader{p: p, line: l, id: id}
		p.readers[id] = r
		p.book.addLine(id, l.State())
		if p.ctx != nil && !p.closing {
			p.read(r)
		}
	}
}

// read starts a line's reader. Called with mu held while Run runs.
func (p *PBX) read(r *lineReader) {
	ctx, stop := context.WithCancel(p.ctx)
	r.stop = stop
	p.wg.Go(func() { r.run(ctx) })
}

// newActor starts a call, or returns nil when the box is closing.
func (p *PBX) newActor() *actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil
	}
	a := newActor(p, newCallID(p.o.Now()))
	p.calls[a.id] = a
	p.wg.Go(a.run)
	return a
}

func (p *PBX) forget(a *actor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, a.id)
	for o, b := range p.offers {
		if a == b {
			delete(p.offers, o)
		}
	}
	for who, b := range p.rang {
		if a == b {
			delete(p.rang, who)
		}
	}
}

func (p *PBX) actor(id journal.CallID) *actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[id]
}

// BadAnswers is how many answers to our offers could not be used, since start. What
// other sides offer and cannot be used is answered, and counted by the SIP stack.
func (p *PBX) BadAnswers() uint64 { return p.badAnswers.Load() }

// Calls returns how many calls are under way.
func (p *PBX) Calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

// Drain takes no new calls from now on but those for help and, where a line is kept for
// it, the emergency service's call back; those under way go on. It precedes an orderly
// restart.
func (p *PBX) Drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
}

func (p *PBX) drains() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.draining
}

// EndCall ends a call because a person asked for it.
func (p *PBX) EndCall(id journal.CallID) {
	if a := p.actor(id); a != nil {
		a.post(callMail{call.Shutdown{Cause: call.CauseNormal}})
	}
}

// Lines returns the state of lines and trunks as route.Decide sees them.
func (p *PBX) Lines() route.State { return p.routeState() }

func (p *PBX) routeState() route.State {
	return p.book.state(p.o.Office(), p.o.Trunks())
}

// newCallID makes a name that sorts by time: 10 characters of milliseconds and 8
// of randomness, both in base 32.
func newCallID(now time.Time) journal.CallID {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	var id [18]byte
	ms := uint64(now.UnixMilli())
	for i := 9; i >= 0; i-- {
		id[i] = digits[ms&31]
		ms >>= 5
	}
	var r [8]byte
	rand.Read(r[:])
	for i, b := range r {
		id[10+i] = digits[b&31]
	}
	return journal.CallID(id[:])
}
