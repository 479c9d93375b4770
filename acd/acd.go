// Package acd is the owner of the call distribution: it runs the pure engine of
// acd/engine, performs what it decides on a Switch and writes what happened to
// the journal. It must not know SIP, media or pages. Run is its one goroutine and
// the only one that touches the engine; all other methods hand over commands or
// read published snapshots and may be called from any goroutine.
package acd

import (
	"context"
	"errors"
	"log/slog"
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
	ErrOverloaded = errors.New("acd: too many commands waiting")
	ErrStopped    = errors.New("acd: not running any more")
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
// one after the other in the order of decisions; they must not block, and they
// may call the ACD's reporting methods (Abandon, OfferAnswered …) but none that
// returns an answer.
type Switch interface {
	// Ring makes all phones of the offer's agent ring for the call. The switch
	// answers with OfferAnswered, or OfferFailed when the last phone has refused.
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
}

// Options are what New needs.
type Options struct {
	Switch  Switch
	Journal journal.Appender
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
type ACD struct{}

// New checks the options and returns an ACD that does nothing before Run. The
// error names the queue whose rules cannot be used.
func New(o Options) (*ACD, error) { return &ACD{}, nil }

// Replay takes one event of the journal of earlier runs, in order, before Run.
// Agents keep their states and offers their numbering; Run then ends the contacts
// of calls that died with the box as "restart".
func (a *ACD) Replay(e journal.Event) {}

// Run owns the engine until ctx ends and then returns nil. Calls still waiting
// are left as they are: the switch ends them. It may be called once.
func (a *ACD) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// SetOffice makes the ACD work by doc, which must not change any more. Waiting
// calls stay in line; those of a deleted queue leave it for their path. The error
// names the queue whose rules cannot be used, and then nothing has changed.
func (a *ACD) SetOffice(doc *office.Document) error { return nil }

// Enqueue puts a call in a queue. A call that cannot wait there (no such queue,
// queue full) gets Leave at once. ErrOverloaded or ErrStopped mean that the call
// was not taken and its path must go on.
func (a *ACD) Enqueue(e Entry) error { return nil }

// Abandon reports that the call has ended, whatever it was doing. It is harmless
// for calls that the ACD does not know any more.
func (a *ACD) Abandon(call journal.CallID) {}

// OfferAnswered reports that a phone took the offer. Connect or Refuse follows.
func (a *ACD) OfferAnswered(o journal.OfferID) {}

// OfferFailed reports that no phone takes the offer any more.
func (a *ACD) OfferFailed(o journal.OfferID, why Failure) {}

// TalkEnded reports that caller and agent no longer talk because one of them hung
// up or the agent gave the call away.
func (a *ACD) TalkEnded(call journal.CallID) {}

// TalkLost reports that the agent's phone vanished while the caller is still
// there: the call returns to its place, the agent is paused.
func (a *ACD) TalkLost(call journal.CallID) {}

// AgentBusy reports that a person is in a call outside of the queues. It is a
// level: say it for the first such call, and never for an offer's own leg.
func (a *ACD) AgentBusy(agent journal.SubjectID) {}

// AgentFree reports that the last call outside of the queues has ended.
func (a *ACD) AgentFree(agent journal.SubjectID) {}

// PhoneReachable reports whether any phone of a person is registered. The switch
// says it for everybody at the start and then at each change.
func (a *ACD) PhoneReachable(agent journal.SubjectID, reachable bool) {}

// Login makes a person ready for calls of the queues he is a member of.
func (a *ACD) Login(agent journal.SubjectID, from Source) (AgentStatus, error) {
	return AgentStatus{}, nil
}

// Logout ends that, after the present talk and its wrap-up if there is one; asked
// again in wrap-up it works at once.
func (a *ACD) Logout(agent journal.SubjectID, from Source) (AgentStatus, error) {
	return AgentStatus{}, nil
}

// Pause keeps calls away until Ready, from the end of the present talk and its
// wrap-up on. why is the reason chosen by the agent, or empty.
func (a *ACD) Pause(agent journal.SubjectID, from Source, why Reason) (AgentStatus, error) {
	return AgentStatus{}, nil
}

// Ready ends a pause or wrap-up and takes back a pause or logout that was asked.
func (a *ACD) Ready(agent journal.SubjectID, from Source) (AgentStatus, error) {
	return AgentStatus{}, nil
}

// Snapshot returns what the ACD looks like now. It is never older than the last
// event that reached the journal. The caller must not change it. It names people
// by pseudonym and reaches pages only through internal/privacy.
func (a *ACD) Snapshot() *Snapshot { return &Snapshot{} }
