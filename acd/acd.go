// Package acd is the owner of the call distribution: it runs the pure engine of
// acd/engine, performs what it decides on a Switch and writes what happened to
// the journal. It must not know SIP, media or pages. Run is its one goroutine and
// the only one that touches the engine; all other methods hand over commands or
// read published snapshots and may be called from any goroutine.
package acd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// Reason is a text id that says why a phone stops ringing or a call leaves its
// queue. The values are the Reason constants of acd/engine.
type Reason = engine.Reason

// Source says where an agent asked from: engine.FromPhone or engine.FromPage.
type Source = engine.Source

// Errors of the methods that agents use; test with errors.Is.
var (
	ErrNotAgent   = engine.ErrNotAgent  // the person is in no queue
	ErrLoggedOut  = engine.ErrLoggedOut // pause or ready asked while logged out
	ErrNotOver    = engine.ErrNotOver   // ready asked before a break that was due is over
	ErrOutcome    = engine.ErrOutcome   // ready asked in a wrap-up whose outcome is owed
	ErrNoWrapUp   = engine.ErrNoWrapUp  // there is no wrap-up that could be lengthened (once more)
	ErrOverloaded = errors.New("acd: too many commands waiting")
	ErrStopped    = errors.New("acd: not running any more")
)

// Errors about callers; test with errors.Is.
var (
	ErrNoCaller   = engine.ErrNoCaller // nobody knows the caller's number
	ErrHisTurn    = engine.ErrHisTurn  // an agent is being rung for him at this moment
	ErrNotWaiting = engine.ErrStray    // he does not wait in a queue (any more)
	ErrTaken      = engine.ErrTaken    // somebody else calls him
)

// Results of an attempt to call back, for CallbackResult.
const (
	DialAnswered = engine.DialAnswered
	DialBusy     = engine.DialBusy
	DialNoAnswer = engine.DialNoAnswer
	DialFailed   = engine.DialFailed
)

// Offer is a reservation of an agent for a call until Deadline.
type Offer struct {
	ID       journal.OfferID
	Call     journal.CallID
	Queue    office.ID
	Agent    journal.SubjectID
	Deadline time.Time // for display; the ACD itself calls StopRing when it passes
}

// Switch is what the ACD needs of the exchange. The methods are called by Run,
// one after the other in the order of decisions, after the journal has heard of
// the decision; they must not block, and they may call the ACD's reporting methods
// (Abandon, OfferAnswered …) but none that returns an answer, nor Snapshot.
type Switch interface {
	// Ring makes all phones of the offer's agent ring for the call. The switch
	// answers with OfferAnswered, or with OfferFailed when the last phone has
	// refused or none could be rung.
	Ring(o Offer)
	// StopRing ends the ringing of an offer. The offer is over: an answer that
	// comes now is refused.
	StopRing(o journal.OfferID, why Reason)
	// Connect joins the caller with the agent who answered the offer.
	Connect(o journal.OfferID)
	// Refuse hangs up on an agent whose answer came after the offer was over.
	Refuse(o journal.OfferID)
	// Leave gives the call back to its path, which goes on with its next step.
	Leave(call journal.CallID, why Reason)
	// Announce tells a waiting caller where he stands. He may ring at an agent
	// before it is said.
	Announce(call journal.CallID, a Announcement)
	// CallBack makes the phones of the offer's agent ring like Ring, for a caller who
	// is not on the line; the offer's call is the one that he made. When the agent has
	// answered, Connect follows, which means: call this caller now and join the two.
	// The switch answers with CallbackResult, and from DialAnswered on with TalkEnded,
	// TalkLost or Abandon for the same call, whatever the id of the call it makes.
	CallBack(o Offer, caller journal.SubjectID)
}

// Announcement is what a waiting caller is to hear.
type Announcement struct {
	Position  int           // place in line, from 1; 0: not said
	Low, High time.Duration // range of his remaining wait (P50 to P90), rounded up: half minutes up to five, then whole ones; High 0: not said
	Periodic  bool          // the queue's periodic message too
}

// Journal is where the ACD writes what happened (*journal.Log).
type Journal interface {
	journal.Appender
	// Flush returns once everything appended before is on disk: a promise may be
	// spoken only then.
	Flush(ctx context.Context) error
}

// Options are what New needs.
type Options struct {
	Switch  Switch
	Journal Journal
	Office  *office.Document
	Now     func() time.Time // time.Now if nil; steps of the wall clock while running do no harm
	Log     *slog.Logger     // discarded if nil
	Seed    uint64           // for the random strategy
}

// Entry is a call that enters a queue.
type Entry struct {
	Call    journal.CallID
	Queue   office.ID
	Caller  journal.SubjectID // if known
	Bonus   time.Duration     // how much earlier than it came the call ranks (priority)
	Arrival time.Time         // when it came first, if it waited in another queue before; else zero
	Urgent  bool              // before every call that is not urgent
}

// Failure says why an offer could not be answered.
type Failure string

// Failures of an offer.
const (
	FailedRefused     Failure = "refused"     // rejected or busy
	FailedUnreachable Failure = "unreachable" // no phone rang
)

// ACD distributes calls to agents. Make it with New, feed Replay, then Run.
type ACD struct {
	o     Options
	log   *slog.Logger
	clock clock

	engine *engine.State // Run's alone once it started
	config engine.Config
	alive  time.Time // when the box was last known to run before, by the journal

	mail    mailbox
	started atomic.Bool
	done    chan struct{} // closed when Run has ended

	version   atomic.Uint64 // counts what changed; moves before the journal hears of it
	published atomic.Pointer[Snapshot]
}

// New checks the options and returns an ACD that does nothing before Run. The
// error names the queue whose rules cannot be used.
func New(o Options) (*ACD, error) {
	if o.Switch == nil || o.Journal == nil || o.Office == nil {
		return nil, errors.New("acd: Switch, Journal and Office are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &ACD{o: o, log: o.Log, clock: newClock(o.Now), done: make(chan struct{})}
	a.mail.wake = make(chan struct{}, 1)
	a.config = configOf(o.Office)
	a.config.Seed = o.Seed
	var err error
	if a.engine, err = engine.New(a.config, a.clock.now()); err != nil {
		return nil, err
	}
	a.publish()
	return a, nil
}

// SetOffice makes the ACD work by doc, which must not change any more. Waiting
// calls stay in line; those of a deleted queue leave it for their path. The error
// names the queue whose rules cannot be used, and then nothing changes.
func (a *ACD) SetOffice(doc *office.Document) error {
	cfg := configOf(doc)
	if err := cfg.Check(); err != nil {
		return err
	}
	a.mail.put(letter{config: &cfg})
	return nil
}

// Enqueue puts a call in a queue. A call that cannot wait there (no such queue,
// queue full) gets Leave at once. ErrOverloaded or ErrStopped mean that the call
// was not taken and its path must go on.
func (a *ACD) Enqueue(e Entry) error {
	return a.request(letter{cmd: engine.Command{
		Kind: engine.Enqueue, Contact: journal.ContactID(e.Call), Queue: engine.QueueID(e.Queue), Caller: e.Caller,
		Bonus: max(e.Bonus, 0), Arrival: a.clock.engine(e.Arrival), Urgent: e.Urgent,
	}})
}

// Abandon reports that the call has ended, whatever it was doing. It is harmless
// for calls that the ACD does not know any more.
func (a *ACD) Abandon(call journal.CallID) {
	a.report(engine.Command{Kind: engine.Abandon, Contact: journal.ContactID(call)})
}

// AskCallback makes of a waiting caller one who is called back in his turn. Nil
// means that the promise is on disk and may be spoken; then the call ends without
// harm to his place. It waits for the disk. After an error he waits on in his place.
func (a *ACD) AskCallback(call journal.CallID) error { return a.AskCallbackAt(call, "", "") }

// AskCallbackAt is AskCallback for a caller who names another number (caller, if not
// empty), or who does not wait (any more) in the queue that is to call him (queue, if
// not empty): then it takes him whatever its limits.
func (a *ACD) AskCallbackAt(call journal.CallID, queue office.ID, caller journal.SubjectID) error {
	if _, err := a.ask(engine.Command{Kind: engine.AskCallback, Contact: journal.ContactID(call), Queue: engine.QueueID(queue), Caller: caller}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	if err := a.o.Journal.Flush(ctx); err != nil {
		back := engine.CancelCallback
		if queue == "" { // he is on the line
			back = engine.WaitOn
		}
		a.report(engine.Command{Kind: back, Contact: journal.ContactID(call)})
		return fmt.Errorf("keep the promise to call back %s: %w", call, err)
	}
	return nil
}

// Exit reports that a waiting caller has left the queue by a key and goes on in
// another path. It is harmless for calls that wait no more.
func (a *ACD) Exit(call journal.CallID) {
	a.report(engine.Command{Kind: engine.Exit, Contact: journal.ContactID(call)})
}

// flushLimit is how long a caller waits for the disk to confirm a promise.
const flushLimit = 3 * time.Second

// CancelCallback takes a promise to call back out of the line for a person who says
// so. The error is ErrNotWaiting if there is none, or if he is being called at this
// moment.
func (a *ACD) CancelCallback(call journal.CallID, by journal.SubjectID) error {
	_, err := a.ask(engine.Command{Kind: engine.CancelCallback, Contact: journal.ContactID(call), By: by})
	return err
}

// Take takes a caller on a person, who will call him by hand: for engine.TakenFor nobody
// else gets him and no queue calls him. ErrTaken: somebody else has him; ErrHisTurn: he
// is on the line, or an agent is being rung for him at this moment.
func (a *ACD) Take(caller, by journal.SubjectID) error {
	_, err := a.ask(engine.Command{Kind: engine.TakeCaller, Caller: caller, By: by})
	return err
}

// Give ends that, or settles what was promised to a caller whom nobody has taken. why
// is "reached" (they talked: promises are kept), "noNeed" (promises are taken back),
// "gaveUp" or "returned" (promises stand). ErrTaken: somebody else has him;
// ErrNotWaiting: he was to be returned and nobody has him.
func (a *ACD) Give(caller, by journal.SubjectID, why string) error {
	_, err := a.ask(engine.Command{Kind: engine.GiveCaller, Caller: caller, By: by, Reason: Reason(why)})
	return err
}

// Reached reports that a person talks to somebody whom he called, in a call that the
// ACD did not ask for: nobody has to call him any more.
func (a *ACD) Reached(caller, by journal.SubjectID, in journal.CallID) {
	a.report(engine.Command{Kind: engine.Reached, Caller: caller, By: by, Call: in})
}

// CallbackResult reports how the attempt went to call back the maker of a call:
// DialAnswered, DialBusy, DialNoAnswer or DialFailed. The attempt is the call that
// was made for it, empty if none was.
func (a *ACD) CallbackResult(call, attempt journal.CallID, result string) {
	a.report(engine.Command{Kind: engine.CallbackResult, Contact: journal.ContactID(call), Call: attempt, Result: result})
}

// OutcomeKnown reports that an agent has told the outcome of a call.
func (a *ACD) OutcomeKnown(agent journal.SubjectID, call journal.CallID) {
	a.report(engine.Command{Kind: engine.OutcomeKnown, Agent: agent, Contact: journal.ContactID(call)})
}

// OfferAnswered reports that a phone took the offer. Connect or Refuse follows.
func (a *ACD) OfferAnswered(o journal.OfferID) {
	a.report(engine.Command{Kind: engine.Accept, Offer: o})
}

// OfferFailed reports that no phone takes the offer any more.
func (a *ACD) OfferFailed(o journal.OfferID, why Failure) {
	kind := engine.Decline
	if why == FailedUnreachable {
		kind = engine.Fail
	}
	a.report(engine.Command{Kind: kind, Offer: o})
}

// TalkEnded reports that caller and agent no longer talk because one of them hung
// up or the agent gave the call away.
func (a *ACD) TalkEnded(call journal.CallID) {
	a.report(engine.Command{Kind: engine.TalkEnded, Contact: journal.ContactID(call)})
}

// HandedOn reports that the agent has handed the caller on: his talk is over. The
// caller keeps his place should he come to a queue again in the same call.
// attended: after he had talked with who takes him.
func (a *ACD) HandedOn(call journal.CallID, attended bool) {
	why := engine.ReasonTransferred
	if attended {
		why = engine.ReasonConsulted
	}
	a.report(engine.Command{Kind: engine.TalkEnded, Contact: journal.ContactID(call), Reason: why})
}

// TalkLost reports that the agent's phone vanished while the caller is still
// there: the call returns to its place, the agent is paused.
func (a *ACD) TalkLost(call journal.CallID) {
	a.report(engine.Command{Kind: engine.TalkLost, Contact: journal.ContactID(call)})
}

// AgentBusy reports that a person is in a call outside of the queues. It is a
// level: say it for the first such call, and never for an offer's own leg.
func (a *ACD) AgentBusy(agent journal.SubjectID) {
	a.report(engine.Command{Kind: engine.AgentBusy, Agent: agent})
}

// AgentFree reports that the last call outside of the queues has ended.
func (a *ACD) AgentFree(agent journal.SubjectID) {
	a.report(engine.Command{Kind: engine.AgentFree, Agent: agent})
}

// PhoneReachable reports whether any phone of a person is registered. The switch
// says it for everybody at the start and then at each change.
func (a *ACD) PhoneReachable(agent journal.SubjectID, reachable bool) {
	kind := engine.PhoneGone
	if reachable {
		kind = engine.PhoneBack
	}
	a.report(engine.Command{Kind: kind, Agent: agent})
}

// Login makes a person ready for calls of the queues he is a member of.
func (a *ACD) Login(agent journal.SubjectID, from Source) (AgentStatus, error) {
	return a.ask(engine.Command{Kind: engine.Login, Agent: agent, Source: from})
}

// Logout ends that, after the present talk and its wrap-up if there is one; asked
// again in wrap-up it works at once.
func (a *ACD) Logout(agent journal.SubjectID, from Source) (AgentStatus, error) {
	return a.ask(engine.Command{Kind: engine.Logout, Agent: agent, Source: from})
}

// Pause keeps calls away until Ready, from the end of the present talk and its
// wrap-up on; in wrap-up at once. why is the reason chosen by the agent, or empty.
func (a *ACD) Pause(agent journal.SubjectID, from Source, why Reason) (AgentStatus, error) {
	return a.ask(engine.Command{Kind: engine.Pause, Agent: agent, Source: from, Reason: why})
}

// Break is Pause for the break from the screen.
func (a *ACD) Break(agent journal.SubjectID, from Source) (AgentStatus, error) {
	return a.Pause(agent, from, engine.ReasonBreak)
}

// OtherWork is Pause for work that is not of the queues. why is the office's reason
// or empty.
func (a *ACD) OtherWork(agent journal.SubjectID, from Source, why Reason) (AgentStatus, error) {
	return a.ask(engine.Command{Kind: engine.OtherWork, Agent: agent, Source: from, Reason: why})
}

// ExtendWrapUp lengthens the present wrap-up by what its queue allows, once.
func (a *ACD) ExtendWrapUp(agent journal.SubjectID, from Source) (AgentStatus, error) {
	return a.ask(engine.Command{Kind: engine.Extend, Agent: agent, Source: from})
}

// Ready ends a pause or wrap-up and takes back a pause or logout that was asked.
func (a *ACD) Ready(agent journal.SubjectID, from Source) (AgentStatus, error) {
	return a.ask(engine.Command{Kind: engine.Ready, Agent: agent, Source: from})
}

// report hands over a fact. It never waits.
func (a *ACD) report(cmd engine.Command) { a.mail.put(letter{cmd: cmd}) }

// request hands over what may be refused.
func (a *ACD) request(l letter) error {
	select {
	case <-a.done:
		return ErrStopped
	default:
	}
	if !a.mail.offer(l) {
		return ErrOverloaded
	}
	return nil
}

// ask hands over an agent's wish and waits for the answer.
func (a *ACD) ask(cmd engine.Command) (AgentStatus, error) {
	reply := make(chan answer, 1) // one answer, taken or not
	if err := a.request(letter{cmd: cmd, reply: reply}); err != nil {
		return AgentStatus{}, err
	}
	select {
	case ans := <-reply:
		return ans.agent, ans.err
	case <-a.done:
	}
	select { // Run answers what it found in the mailbox before it ends
	case ans := <-reply:
		return ans.agent, ans.err
	default:
		return AgentStatus{}, ErrStopped
	}
}
