package journal

import "time"

// Kind names what an event reports. Its payload type is the struct of the same
// name below; the schema of a kind only grows, a field never changes meaning.
type Kind string

// Payload is the body of an event. Every payload is a struct of this file with
// JSON tags, holds pseudonyms and ids only, never a name or a caller's number.
type Payload interface{ JournalKind() Kind }

// Direction of a call, seen from the office.
type Direction string

// Directions of a call.
const (
	Inbound  Direction = "in"
	Outbound Direction = "out"
	Internal Direction = "internal"
)

// LegKind is what a leg of a call ends on.
type LegKind string

// Kinds of leg.
const (
	LegPhone LegKind = "phone"
	LegLine  LegKind = "line"
	LegTrunk LegKind = "trunk"
)

// TraceStep is one step of a decision, for people: Rule is a text id of ui/i18n
// ("route.emergency"), Args fill its placeholders, Object is the office object
// that decided ("path-main"), if any.
type TraceStep struct {
	Rule   string            `json:"rule"`
	Args   map[string]string `json:"args,omitempty"`
	Object string            `json:"object,omitempty"`
}

// Calls ---------------------------------------------------------------------

// CallStarted opens a call. Line is the line or trunk it came in on; From and To
// are subjects (people or outside numbers) where known; Dialled is the short
// number, feature code or own number that was called, never an outside number.
type CallStarted struct {
	Direction Direction `json:"dir"`
	Line      string    `json:"line,omitempty"`
	From      SubjectID `json:"from,omitempty"`
	To        SubjectID `json:"to,omitempty"`
	Extension string    `json:"ext,omitempty"`
	Dialled   string    `json:"dialled,omitempty"`
	Emergency bool      `json:"emergency,omitempty"`
}

// CallCaller reports the caller once it becomes known after CallStarted.
type CallCaller struct {
	From SubjectID `json:"from"`
}

// CallRouted reports a decision about the call with its reasons.
type CallRouted struct {
	Action string      `json:"action"`
	Trace  []TraceStep `json:"trace"`
}

// CallAnswered reports that the box or a person took the call; from here it
// costs the caller money.
type CallAnswered struct {
	By SubjectID `json:"by,omitempty"`
}

// CallStep reports that the call entered a step of its path ("message", "menu",
// "queue" …). Key is the key pressed in a menu.
type CallStep struct {
	Path string `json:"path"`
	Step string `json:"step"`
	Key  string `json:"key,omitempty"`
}

// LegState is where a leg stands.
type LegState string

// States of a leg.
const (
	LegRinging  LegState = "ringing"
	LegAnswered LegState = "answered"
	LegHeld     LegState = "held"
	LegResumed  LegState = "resumed"
	LegEnded    LegState = "ended"
)

// CallLeg reports a change of one leg. Cause is given with LegEnded.
type CallLeg struct {
	Leg       LegID     `json:"leg"`
	Kind      LegKind   `json:"kind"`
	State     LegState  `json:"state"`
	Line      string    `json:"line,omitempty"`
	Device    string    `json:"device,omitempty"`
	Person    SubjectID `json:"person,omitempty"`
	Extension string    `json:"ext,omitempty"`
	Cause     string    `json:"cause,omitempty"`
	SIPCode   int       `json:"sip,omitempty"`
	Moved     bool      `json:"moved,omitempty"` // it has come from another call by a transfer
}

// CallBridged reports that two legs hear each other.
type CallBridged struct {
	A LegID `json:"a"`
	B LegID `json:"b"`
}

// TransferState is how far handing a call on has come.
type TransferState string

// States of a transfer.
const (
	TransferAsked    TransferState = "asked"
	TransferRefused  TransferState = "refused"
	TransferHanded   TransferState = "handed"   // who hands on is out of it
	TransferAnswered TransferState = "answered" // somebody has taken the caller
	TransferFailed   TransferState = "failed"   // nobody has
	TransferBack     TransferState = "back"     // who handed on is called back
	TransferReturned TransferState = "returned" // he has answered
)

// CallTransfer reports that By, at the leg, hands the other side of the call on. Asked
// says to whom: a person or the pseudonym of an outside number (To), the digits of an
// extension, or a queue or path (Object); Action is that of CallRouted. By is who
// answers with answered and returned. Why is a text id, of refused and failed. Where two
// calls are joined, asked of the one that goes on and handed of the one that ends name each
// other (Call).
type CallTransfer struct {
	State   TransferState `json:"state"`
	Leg     LegID         `json:"leg"`
	By      SubjectID     `json:"by,omitempty"`
	Action  string        `json:"action,omitempty"`
	To      SubjectID     `json:"to,omitempty"`
	Dialled string        `json:"dialled,omitempty"`
	Object  string        `json:"object,omitempty"`
	Why     string        `json:"why,omitempty"`

	Attended bool   `json:"attended,omitempty"` // they had talked before
	Call     CallID `json:"call,omitempty"`     // the other of the two calls that are joined
}

// Quality is what RTCP and the ports counted for one leg.
type Quality struct {
	Leg         LegID   `json:"leg"`
	Received    uint64  `json:"rx"`
	Sent        uint64  `json:"tx"`
	Lost        uint64  `json:"lost"`
	JitterMS    float64 `json:"jitterMS"`
	RoundTripMS float64 `json:"rttMS,omitempty"`
	// What the far end reported of our packets by RTCP.
	PeerLost     uint64  `json:"peerLost,omitempty"`
	PeerJitterMS float64 `json:"peerJitterMS,omitempty"`
}

// CallEnded closes a call; exactly one comes for each CallStarted, also after a
// restart (Cause "restart").
type CallEnded struct {
	Cause   string        `json:"cause"`
	By      string        `json:"by,omitempty"` // "caller", "called", "box"
	Talk    time.Duration `json:"talk"`         // both legs joined
	Total   time.Duration `json:"total"`
	Quality []Quality     `json:"quality,omitempty"`
}

// ACD -----------------------------------------------------------------------

// AgentStateName is what an agent does.
type AgentStateName string

// States of an agent.
const (
	AgentLoggedOut AgentStateName = "loggedOut"
	AgentReady     AgentStateName = "ready"
	AgentOffered   AgentStateName = "offered"
	AgentTalking   AgentStateName = "talking"
	AgentWrapUp    AgentStateName = "wrapUp"
	AgentPaused    AgentStateName = "paused"
	AgentBusy      AgentStateName = "busy"      // in a call that is not of a queue
	AgentOtherWork AgentStateName = "otherWork" // back office: no calls of queues, and no break
)

// AgentChanged reports an agent's new state. Reason is a text id ("missed",
// "asked", "code", "page", "phone unreachable").
//
// It carries all that the engine must know of the agent after a restart: Until is
// the end of wrap-up, Idle since when he waits for a call by the engine's count,
// Asked what he asked for after the present call (paused or logged out) and
// AskedReason why, Outside whether he is in a call outside of the queues, Gone
// whether no phone of his can be reached. Owes is the contact whose outcome he has yet to
// tell, Extended whether he has lengthened his wrap-up. Screen is since when he has
// been at the screen, as if without interruption, Left when he left it for a break
// or logged out. So an event may repeat the state before.
type AgentChanged struct {
	Agent       SubjectID      `json:"agent"`
	State       AgentStateName `json:"state"`
	Reason      string         `json:"reason,omitempty"`
	Misses      int            `json:"misses,omitempty"`
	Until       time.Time      `json:"until,omitzero"`
	Idle        time.Time      `json:"idle,omitzero"`
	Asked       AgentStateName `json:"asked,omitempty"`
	AskedReason string         `json:"askedReason,omitempty"`
	Outside     bool           `json:"outside,omitempty"`
	Gone        bool           `json:"gone,omitempty"`
	Owes        ContactID      `json:"owes,omitempty"`
	Extended    bool           `json:"extended,omitempty"`
	Screen      time.Time      `json:"screen,omitzero"`
	Left        time.Time      `json:"left,omitzero"`
}

// ContactQueued reports that a contact waits. Arrival carries its rank key, so
// that its place survives offers and restarts.
// Urgent contacts rank before all others. Again says why a contact that
// talked already is back in line ("lost": the agent vanished) and is empty when
// the contact enters the queue. Until KeepUntil it is kept for Keep, the agent who
// last served the caller, as long as he may come free.
type ContactQueued struct {
	Contact ContactID `json:"contact"`
	Queue   string    `json:"queue"`
	Arrival time.Time `json:"arrival"`
	Caller  SubjectID `json:"caller,omitempty"`
	Urgent  bool      `json:"urgent,omitempty"`
	Again   string    `json:"again,omitempty"`

	Keep      SubjectID `json:"keep,omitempty"`
	KeepUntil time.Time `json:"keepUntil,omitzero"`
}

// Candidate is an agent as the engine saw him when it decided.
type Candidate struct {
	Agent  SubjectID `json:"agent"`
	Key    int64     `json:"key"`
	Reason string    `json:"reason,omitempty"` // why not, empty for those chosen
}

// ContactOffered reports an offer: a reservation of the agent until Deadline.
type ContactOffered struct {
	Contact    ContactID   `json:"contact"`
	Queue      string      `json:"queue"`
	Offer      OfferID     `json:"offer"`
	Agent      SubjectID   `json:"agent"`
	Deadline   time.Time   `json:"deadline"`
	Strategy   string      `json:"strategy,omitempty"` // gives the candidates' keys their meaning
	Candidates []Candidate `json:"candidates,omitempty"`
}

// OfferOutcome says how an offer ended.
type OfferOutcome string

// Outcomes of an offer.
const (
	OfferAccepted  OfferOutcome = "accepted"
	OfferMissed    OfferOutcome = "missed"    // deadline passed
	OfferRefused   OfferOutcome = "refused"   // agent pressed reject, phone busy
	OfferFailed    OfferOutcome = "failed"    // no phone could be reached
	OfferWithdrawn OfferOutcome = "withdrawn" // another agent answered, caller left
)

// OfferEnded reports how an offer ended.
type OfferEnded struct {
	Contact ContactID    `json:"contact"`
	Offer   OfferID      `json:"offer"`
	Agent   SubjectID    `json:"agent"`
	Outcome OfferOutcome `json:"outcome"`
}

// ContactConnected reports that caller and agent talk.
type ContactConnected struct {
	Contact ContactID     `json:"contact"`
	Queue   string        `json:"queue"`
	Agent   SubjectID     `json:"agent"`
	Offer   OfferID       `json:"offer"`
	Waited  time.Duration `json:"waited"`
}

// ContactEnded closes a contact. Outcome is "served", "abandoned", "overflow",
// "restart", "unreached" (a call back was tried as often as the queue tries) or
// "merged" (the same caller's other contact took its place); Reason says why the
// queue gave it up ("max wait").
type ContactEnded struct {
	Contact ContactID     `json:"contact"`
	Queue   string        `json:"queue"`
	Agent   SubjectID     `json:"agent,omitempty"`
	Outcome string        `json:"outcome"`
	Reason  string        `json:"reason,omitempty"`
	Waited  time.Duration `json:"waited"`
	Talked  time.Duration `json:"talked,omitempty"`
}

// ContactAnnounced reports what a waiting caller was told: his position, and the
// range in which his remaining wait was expected to lie (P50 to P90 of it), both
// zero where nothing was said of it. With the contact's end it is the ledger of
// promises kept: one is kept if the caller was served High after it at the latest.
// Agents is how many took calls of the queue then.
type ContactAnnounced struct {
	Contact  ContactID     `json:"contact"`
	Queue    string        `json:"queue"`
	Position int           `json:"position,omitempty"`
	Low      time.Duration `json:"low,omitempty"`
	High     time.Duration `json:"high,omitempty"`
	Agents   int           `json:"agents,omitempty"`
}

// NoticeSaid reports that the caller heard, before he was joined with an agent, in
// which country the agent works (Italian law decree 83/2012 article 24-bis).
type NoticeSaid struct {
	Contact ContactID `json:"contact"`
	Queue   string    `json:"queue"`
	Country string    `json:"country"` // ISO 3166-1 alpha-2
}

// CallbackPromised reports that a caller gave up waiting on the line for a promise
// to be called back in his turn. It is on disk before the caller hears so. The
// contact goes on under the same id and rank key.
type CallbackPromised struct {
	Contact ContactID `json:"contact"`
	Queue   string    `json:"queue"`
	Caller  SubjectID `json:"caller"`
	Arrival time.Time `json:"arrival"`
}

// CallbackTried reports one attempt to call back: the call that it was, empty if it
// came to none, and its result ("answered", "busy", "noAnswer", "failed"). The next
// one is not made before Next; zero if there will be none.
type CallbackTried struct {
	Contact ContactID `json:"contact"`
	Queue   string    `json:"queue"`
	Agent   SubjectID `json:"agent,omitempty"`
	Call    CallID    `json:"call,omitempty"`
	Try     int       `json:"try"`
	Result  string    `json:"result"`
	Next    time.Time `json:"next,omitzero"`
}

// CallbackSettled reports that a person has settled a promise to call back: Why is "by
// hand" (they talked, in Call if it was a call of the box; the promise is kept) or
// "cancelled" (it was taken back). The end of the contact follows, at once or with the
// attempt that is being made.
type CallbackSettled struct {
	Contact ContactID `json:"contact"`
	Queue   string    `json:"queue"`
	By      SubjectID `json:"by,omitempty"`
	Call    CallID    `json:"call,omitempty"`
	Why     string    `json:"why"`
}

// BreakProposed reports that the break guard asked an agent to take the break that
// is due at Due (legislative decree 81/2008 article 175).
type BreakProposed struct {
	Agent SubjectID `json:"agent"`
	Due   time.Time `json:"due"`
}

// After the call ------------------------------------------------------------

// OutcomeSet reports how a conversation ended by its agent's word.
type OutcomeSet struct {
	Call     CallID    `json:"call"`
	Queue    string    `json:"queue,omitempty"`
	Agent    SubjectID `json:"agent"`
	Customer string    `json:"customer,omitempty"` // id of the customer's card
	Outcome  string    `json:"outcome"`            // id of the office's outcome
	CallBack time.Time `json:"callBack,omitzero"`  // when the customer is to be called
	Task     bool      `json:"task,omitempty"`     // something is to be done
	Due      time.Time `json:"due,omitzero"`       // … by then, if at all
	Owner    SubjectID `json:"owner,omitempty"`    // … by whom; empty: any agent of the queue
	Script   string    `json:"script,omitempty"`   // id of the script that was followed
	Version  int       `json:"version,omitempty"`  // office version that held the script
	Again    bool      `json:"again,omitempty"`    // corrects the one before, or only ends what was to follow it
}

// SurveyAnswered reports a caller's answer to one question of a survey; Question
// counts from 1.
type SurveyAnswered struct {
	Call     CallID `json:"call"`
	Queue    string `json:"queue,omitempty"`
	Survey   string `json:"survey"`
	Question int    `json:"question"`
	Answer   string `json:"answer"` // the key
}

// RecallTaken reports that somebody took it on himself to call a caller, so that until
// Until nobody else does, nor the queue that promised to. RecallDone closes it: Why is
// "reached", "gaveUp", "noNeed", "called in" or "returned" (back on the lists).
type RecallTaken struct {
	Caller SubjectID `json:"caller"`
	By     SubjectID `json:"by"`
	Until  time.Time `json:"until,omitzero"` // not given in old events
}

// RecallDone: see RecallTaken.
type RecallDone struct {
	Caller SubjectID `json:"caller"`
	By     SubjectID `json:"by,omitempty"`
	Why    string    `json:"why"`
}

// ReportMailed reports one try to send a report by mail. Result is "trying", on
// disk before the first octet leaves, then "sent", "failed" (it is tried again),
// "unknown" (it is not, so that it never comes twice) or "gaveUp".
type ReportMailed struct {
	Report string    `json:"report"` // id of the office's report
	Due    time.Time `json:"due"`
	Try    int       `json:"try"`
	Result string    `json:"result"`
	Code   int       `json:"code,omitempty"` // the server's answer (RFC 5321 section 4.2), 0 if there was none
}

// CustomerChanged reports that a customer's card was written, merged, exported or
// erased; what it says stands in its own table.
type CustomerChanged struct {
	Customer string    `json:"customer"`
	What     string    `json:"what"` // "created", "changed", "merged", "imported", "exported", "erased"
	By       SubjectID `json:"by,omitempty"`
}

// Box -----------------------------------------------------------------------

// LineChanged reports the state of a line or trunk (hal.LineState, or
// "registered", "registering", "failed" of a trunk).
type LineChanged struct {
	Line   string `json:"line"`
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
}

// PhoneChanged reports that a phone registered for the first time or is gone.
// Refreshed registrations do not enter the journal, nor does what the phone calls
// itself: people write their names there.
type PhoneChanged struct {
	Device string `json:"device"`
	Online bool   `json:"online"`
}

// OfficeChanged reports that a version of the office document was applied. It is
// written in one transaction with that version.
type OfficeChanged struct {
	Version int       `json:"version"`
	By      SubjectID `json:"by,omitempty"`
	Note    string    `json:"note,omitempty"` // text id: "edit", "undo", "restore", "sample"
	From    int       `json:"from,omitempty"` // the version that undo brought back
}

// BoxStarted reports a start. Unclean is true after a crash or power cut, Repaired how the
// file system of the data was repaired just before.
type BoxStarted struct {
	Version  string `json:"version"`
	Board    string `json:"board"`
	Unclean  bool   `json:"unclean"`
	Repaired Repair `json:"repaired,omitempty"`
}

// Repair is how a file system was repaired; empty: not at all.
type Repair string

// Repairs.
const (
	RepairSafe   Repair = "safe"   // nothing was lost by it
	RepairForced Repair = "forced" // something may be lost
)

// BoxStopped reports an orderly stop.
type BoxStopped struct {
	Reason string `json:"reason"`
}

// FaultChanged reports that a fault (board/health) was raised or cleared.
type FaultChanged struct {
	Code    string `json:"code"`
	Subject string `json:"subject,omitempty"`
	Raised  bool   `json:"raised"`
}

// UpdateChanged reports a step of an update of the box's program. Version is the
// update's; Reason is why it was refused or given up (board/update.Reason), or what
// the new version's own check lacked.
type UpdateChanged struct {
	What    string    `json:"what"` // "accepted", "refused", "failed", "cancelled", "committed", "rolledBack", "notStarted", "returned"
	Version string    `json:"version,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	By      SubjectID `json:"by,omitempty"`
	Source  string    `json:"source,omitempty"` // "page", "stick", "api"
}

// ClockSet reports that a person has set the clock. The event's own time is by the clock as
// it goes since; Was is what it showed just before.
type ClockSet struct {
	By     SubjectID `json:"by"`
	Was    time.Time `json:"was"`
	Source string    `json:"source"` // "page", "api"
}

// AccessEvent reports logins, refused logins, the claim, new passwords, tokens that
// were made, revoked and refused ("token.made" …), backups and restores, and every look
// at a person's figures: who, what, about whom.
type AccessEvent struct {
	What   string    `json:"what"`
	Who    SubjectID `json:"who,omitempty"`
	About  SubjectID `json:"about,omitempty"`
	Source string    `json:"source,omitempty"` // "page", "phone", "button", "api"
}

// JournalKind names the event kind of each payload.
func (CallStarted) JournalKind() Kind      { return "call.started" }
func (CallCaller) JournalKind() Kind       { return "call.caller" }
func (CallRouted) JournalKind() Kind       { return "call.routed" }
func (CallAnswered) JournalKind() Kind     { return "call.answered" }
func (CallStep) JournalKind() Kind         { return "call.step" }
func (CallLeg) JournalKind() Kind          { return "call.leg" }
func (CallBridged) JournalKind() Kind      { return "call.bridged" }
func (CallTransfer) JournalKind() Kind     { return "call.transfer" }
func (CallEnded) JournalKind() Kind        { return "call.ended" }
func (AgentChanged) JournalKind() Kind     { return "acd.agent" }
func (ContactQueued) JournalKind() Kind    { return "acd.queued" }
func (ContactOffered) JournalKind() Kind   { return "acd.offered" }
func (OfferEnded) JournalKind() Kind       { return "acd.offerEnded" }
func (ContactConnected) JournalKind() Kind { return "acd.connected" }
func (ContactEnded) JournalKind() Kind     { return "acd.ended" }
func (ContactAnnounced) JournalKind() Kind { return "acd.announced" }
func (NoticeSaid) JournalKind() Kind       { return "acd.notice" }
func (CallbackPromised) JournalKind() Kind { return "acd.callback" }
func (CallbackTried) JournalKind() Kind    { return "acd.callbackTried" }
func (CallbackSettled) JournalKind() Kind  { return "acd.callbackSettled" }
func (BreakProposed) JournalKind() Kind    { return "acd.break" }
func (OutcomeSet) JournalKind() Kind       { return "after.outcome" }
func (SurveyAnswered) JournalKind() Kind   { return "after.survey" }
func (RecallTaken) JournalKind() Kind      { return "after.recallTaken" }
func (RecallDone) JournalKind() Kind       { return "after.recallDone" }
func (ReportMailed) JournalKind() Kind     { return "report.mailed" }
func (CustomerChanged) JournalKind() Kind  { return "after.customer" }
func (LineChanged) JournalKind() Kind      { return "line.changed" }
func (PhoneChanged) JournalKind() Kind     { return "phone.changed" }
func (OfficeChanged) JournalKind() Kind    { return "office.changed" }
func (BoxStarted) JournalKind() Kind       { return "box.started" }
func (BoxStopped) JournalKind() Kind       { return "box.stopped" }
func (FaultChanged) JournalKind() Kind     { return "box.fault" }
func (UpdateChanged) JournalKind() Kind    { return "box.update" }
func (ClockSet) JournalKind() Kind         { return "box.clock" }
func (AccessEvent) JournalKind() Kind      { return "access" }
