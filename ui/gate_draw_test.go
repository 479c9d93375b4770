package ui_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// world is an office with people, and what they did, as data: it can be played into a
// box with anybody in anybody's place. Its names, extensions and lengths of time are
// such as nothing else has, so that whoever finds one on a page knows whose it is.
type world struct {
	sample    office.SampleOffice
	agents    []journal.SubjectID // operators; the leader and the manager may be in queues, too
	events    []worldEvent
	kind      privacy.AgreementKind
	withdrawn bool // an agreement was on record, and is no more
	talks     []worldTalk
	shifts    []worldShift

	lot     *rand.Rand
	lengths *rand.Rand   // … of time alone
	used    map[int]bool // lengths of time
}

type worldEvent struct {
	at      time.Time
	call    journal.CallID
	payload journal.Payload
}

// worldTalk is one conversation of a day that is over.
type worldTalk struct {
	call         journal.CallID
	queue        string
	caller       int
	agent        journal.SubjectID
	arrived      time.Time
	waited       time.Duration
	talked, wrap time.Duration
	answered     bool // by keys afterwards
}

// worldShift is one day of one agent.
type worldShift struct {
	agent            journal.SubjectID
	day              time.Time
	loggedIn, paused time.Duration
}

// worldStart is when the last day of worlds begins: a working day, in the morning.
var worldStart = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// worldDays are the days before it on which people worked: in two months before, and
// yesterday.
var worldDays = []time.Time{
	time.Date(2026, 1, 26, 6, 0, 0, 0, time.UTC), time.Date(2026, 2, 24, 6, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC),
}

// worldCallers call; cards know some of them.
const worldCallers = 4

func callerNumber(i int) string { return fmt.Sprintf("+39021111110%d", i) }

// withdrawn is an agreement that was on record, and is no more.
const withdrawn privacy.AgreementKind = "withdrawn"

// drawWorld draws an office of least to most operators, two or more, in one to three
// queues of one to all of them that may overlap, and what they did on some days and this
// morning. The same seed gives the same world; another number of lengths the one in which
// everything took other lengths of time.
func drawWorld(seed, lengths uint64, least, most int, kinds ...privacy.AgreementKind) world {
	w := world{sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: worldStart}), lot: rand.New(rand.NewPCG(seed, 4)), lengths: rand.New(rand.NewPCG(seed, 100+lengths)), used: map[int]bool{}}
	w.kind = oneOf(w.lot, kinds...)
	if w.kind == withdrawn {
		w.kind, w.withdrawn = privacy.NoAgreement, true
	}
	doc := w.sample.Doc
	doc.Reasons = []office.PauseReason{{ID: "reason-1", Name: "Pranzo", Digit: "1", Break: true}, {ID: "reason-2", Name: "Personale", Digit: "2"}}
	doc.Surveys = []office.Survey{{ID: "survey-1", Name: "Gradimento", Questions: []office.ID{"prompt-menu"}, Keys: "12345"}}
	w.agents = []journal.SubjectID{bruno, carla}
	for i := range least - 2 + w.lot.IntN(most-least+1) {
		w.hire(journal.SubjectID(fmt.Sprintf("p-agent%02dx", i)), fmt.Sprintf("Nomeagente%02d Cognome%02d", i, i), i)
	}
	for i := range doc.Extensions { // what people dial is as good as a name
		if e := &doc.Extensions[i]; e.Target.Kind == office.TargetPerson {
			e.Digits = fmt.Sprintf("870%02d", 40+i)
		}
	}
	for i := range doc.Devices {
		doc.Devices[i].Username = fmt.Sprintf("utente870%02d", 60+i)
	}
	for i := range doc.Numbers { // no figure looks like one
		doc.Numbers[i].Number = numbering.E164(fmt.Sprintf("+39021111120%d", i))
	}
	w.drawQueues()
	for _, what := range []string{"day", "queue", "outcome", "unserved", "lines"} {
		doc.Reports = append(doc.Reports, office.Report{ID: office.ID("report-" + what), Name: "Rapporto " + what, What: what, Days: []string{"mon"}, At: 480, To: []string{"capo@example.org"}})
	}
	for i, day := range worldDays {
		for n, a := range w.members() {
			if w.lot.IntN(8) > 0 {
				w.shift(a, day.Add(time.Duration(17*n)*time.Second), fmt.Sprint(i, "-", n))
			}
		}
	}
	w.morning()
	slices.SortStableFunc(w.events, func(a, b worldEvent) int { return a.at.Compare(b.at) })
	return w
}

func oneOf[T any](lot *rand.Rand, of ...T) T { return of[lot.IntN(len(of))] }

// hire adds an operator with extension and phone.
func (w *world) hire(id journal.SubjectID, name string, n int) {
	doc := w.sample.Doc
	doc.People = append(doc.People, office.Person{ID: id, Role: office.RoleOperator, Profile: "profile-1"})
	w.sample.Names[id] = name
	w.agents = append(w.agents, id)
	ref := office.SecretRef(fmt.Sprintf("secret-more-%d", n))
	w.sample.Secrets[ref] = ""
	first, _, _ := strings.Cut(name, " ")
	doc.Devices = append(doc.Devices, office.Device{ID: office.ID(fmt.Sprintf("device-%d", 50+n)), Name: "Telefono " + first, Owner: id,
		Secret: ref, Algorithm: "MD5"})
	doc.Extensions = append(doc.Extensions, office.Extension{ID: office.ID(fmt.Sprintf("extension-%d", 50+n)),
		Target: office.Target{Kind: office.TargetPerson, ID: string(id)}})
}

// drawQueues puts everybody into a queue at least: into one that has all, or into
// several of any size. The leader and the manager answer calls in some offices.
func (w *world) drawQueues() {
	doc := w.sample.Doc
	more := w.lot.IntN(3)
	for i := range more {
		g := *doc.GroupByID("group-1")
		rules := *g.Queue
		rules.Strategy = oneOf(w.lot, office.LongestIdle, office.Ordered, office.FewestCalls)
		g.ID, g.Name, g.Queue = office.ID(fmt.Sprintf("group-%d", 7+i)), fmt.Sprintf("Coda %d", i), &rules
		doc.Groups = append(doc.Groups, g)
	}
	all := more == 0 || w.lot.IntN(2) == 0
	share := 1 + w.lot.IntN(4) // of four
	for i := range doc.Groups {
		g := &doc.Groups[i]
		if g.Mode != office.GroupQueue {
			continue
		}
		g.Queue.Survey, g.Members = "survey-1", nil
		for _, a := range w.agents {
			if g.ID == "group-1" && all || w.lot.IntN(4) < share {
				g.Members = append(g.Members, a)
			}
		}
	}
	for _, a := range w.agents {
		if len(w.queuesOf(a)) == 0 {
			g := doc.GroupByID(office.ID(oneOf(w.lot, queueIDs(doc)...)))
			g.Members = append(g.Members, a)
		}
	}
	for _, boss := range []journal.SubjectID{anna, dario} {
		if g := doc.GroupByID(office.ID(oneOf(w.lot, queueIDs(doc)...))); w.lot.IntN(2) == 0 {
			g.Members = append(g.Members, boss)
		}
	}
}

func queueIDs(doc *office.Document) []string {
	var out []string
	for i := range doc.Groups {
		if doc.Groups[i].Mode == office.GroupQueue {
			out = append(out, string(doc.Groups[i].ID))
		}
	}
	return out
}

// queuesOf lists the queues of an agent.
func (w *world) queuesOf(a journal.SubjectID) []string {
	var out []string
	for _, id := range queueIDs(w.sample.Doc) {
		if slices.Contains(w.sample.Doc.GroupByID(office.ID(id)).Members, a) {
			out = append(out, id)
		}
	}
	return out
}

// members are all people of the queues.
func (w *world) members() []journal.SubjectID {
	var out []journal.SubjectID
	for _, a := range append(slices.Clone(w.agents), anna, dario) {
		if len(w.queuesOf(a)) > 0 {
			out = append(out, a)
		}
	}
	return out
}

// long is a length of time that nothing else has: more than an hour, to the second.
func (w *world) long() time.Duration {
	n := 0
	for n == 0 || w.used[n] {
		n = 3701 + w.lengths.IntN(3300)
	}
	w.used[n] = true
	return time.Duration(n) * time.Second
}

// shift draws one day of an agent: two conversations with what follows them, and a pause.
func (w *world) shift(a journal.SubjectID, at time.Time, name string) {
	begun, paused := at, time.Duration(0)
	state := func(s journal.AgentStateName, reason string) {
		w.events = append(w.events, worldEvent{at, "", journal.AgentChanged{Agent: a, State: s, Reason: reason}})
	}
	state(journal.AgentReady, "")
	for n := range 2 {
		at = at.Add(time.Duration(60+w.lot.IntN(600)) * time.Second)
		talk := worldTalk{call: journal.CallID(fmt.Sprint("c-", name, "-", n)), queue: oneOf(w.lot, w.queuesOf(a)...), caller: w.lot.IntN(worldCallers),
			agent: a, arrived: at, waited: time.Duration(5+w.lot.IntN(15)) * time.Second, talked: w.long(), wrap: w.long(), answered: w.lot.IntN(2) == 0}
		con := journal.ContactID(talk.call)
		add := func(p journal.Payload) { w.events = append(w.events, worldEvent{at, talk.call, p}) }
		caller := journal.SubjectID(fmt.Sprint("n-caller", talk.caller))
		add(journal.CallStarted{Direction: journal.Inbound, Line: oneOf(w.lot, "line-1", "line-2", "line-3"), From: caller})
		add(journal.ContactQueued{Contact: con, Queue: talk.queue, Arrival: at, Caller: caller})
		offer := journal.OfferID(len(w.events))
		add(journal.ContactOffered{Contact: con, Queue: talk.queue, Offer: offer, Agent: a, Strategy: "ordered", Candidates: w.candidates(a)})
		at = at.Add(talk.waited)
		add(journal.OfferEnded{Contact: con, Offer: offer, Agent: a, Outcome: journal.OfferAccepted})
		add(journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegRinging, Person: a})
		add(journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: a})
		add(journal.ContactConnected{Contact: con, Queue: talk.queue, Agent: a, Offer: offer, Waited: talk.waited})
		add(journal.CallAnswered{By: a})
		state(journal.AgentTalking, "")
		at = at.Add(talk.talked)
		add(journal.ContactEnded{Contact: con, Queue: talk.queue, Agent: a, Outcome: "served", Waited: talk.waited, Talked: talk.talked})
		add(journal.CallEnded{Cause: "hangup", By: oneOf(w.lot, "caller", "called"), Talk: talk.talked, Total: talk.talked + talk.waited})
		state(journal.AgentWrapUp, "")
		if talk.answered {
			add(journal.SurveyAnswered{Call: talk.call, Queue: talk.queue, Survey: "survey-1", Question: 1, Answer: fmt.Sprint(1 + w.lot.IntN(5))})
		}
		if w.lot.IntN(2) == 0 {
			add(w.told(talk.call, talk.queue, a, at))
		}
		at = at.Add(talk.wrap)
		state(journal.AgentReady, "")
		w.talks = append(w.talks, talk)
		if n == 0 {
			paused = w.long()
			at = at.Add(time.Minute)
			state(journal.AgentPaused, "reason-1") // everybody: a sum over a team is never one person's
			at = at.Add(paused)
			state(journal.AgentReady, "")
		}
	}
	at = at.Add(time.Minute)
	state(journal.AgentLoggedOut, "")
	w.shifts = append(w.shifts, worldShift{a, worldDay(begun), at.Sub(begun), paused})
}

func worldDay(at time.Time) time.Time { return at.Truncate(24 * time.Hour) }

// told draws how a conversation ended by its agent's word: with something to follow, and
// for himself or for his queue.
func (w *world) told(call journal.CallID, queue string, a journal.SubjectID, at time.Time) journal.OutcomeSet {
	o := journal.OutcomeSet{Call: call, Queue: queue, Agent: a, Outcome: oneOf(w.lot, "outcome-1", "outcome-2", "outcome-3", "outcome-4")}
	switch o.Outcome {
	case "outcome-2":
		o.CallBack = at.Add(time.Duration(2+w.lot.IntN(60*24)) * time.Hour).Truncate(time.Minute)
	case "outcome-3":
		if w.lot.IntN(2) == 0 {
			o.Owner = a
		}
		if w.lot.IntN(2) == 0 {
			o.CallBack = at.Add(time.Duration(2+w.lot.IntN(60*24)) * time.Hour).Truncate(time.Minute)
		}
	}
	return o
}

// candidates are those whom the queue looked at when it chose an agent.
func (w *world) candidates(chosen journal.SubjectID) []journal.Candidate {
	list := []journal.Candidate{{Agent: chosen}}
	for i, c := range w.agents {
		if c != chosen && len(list) < 8 {
			list = append(list, journal.Candidate{Agent: c, Key: int64(100 + i), Reason: oneOf(w.lot, "not best", "paused", "talking")})
		}
	}
	return list
}

// morning draws what happens today, up to the moment at which the pages are read.
func (w *world) morning() {
	at := worldStart
	add := func(call journal.CallID, p journal.Payload) {
		at = at.Add(37 * time.Second)
		w.events = append(w.events, worldEvent{at, call, p})
	}
	members := w.members()
	states := []journal.AgentStateName{journal.AgentReady, journal.AgentPaused, journal.AgentLoggedOut, journal.AgentOtherWork, journal.AgentWrapUp, journal.AgentBusy}
	for i := range 4 + w.lot.IntN(36) {
		a := oneOf(w.lot, members...)
		call := journal.CallID(fmt.Sprintf("c-%d", i))
		caller := journal.SubjectID(fmt.Sprint("n-caller", w.lot.IntN(worldCallers)))
		switch w.lot.IntN(9) {
		case 0, 1, 2:
			add("", journal.AgentChanged{Agent: a, State: oneOf(w.lot, states...), Reason: oneOf(w.lot, "", "reason-1", "reason-2", "missed", "break"), Misses: w.lot.IntN(4)})
		case 3:
			add("", journal.BreakProposed{Agent: a, Due: worldStart.Add(4 * time.Hour)})
		case 4:
			w.within(add, call, a, oneOf(w.lot, members...))
		case 5:
			add("", journal.RecallTaken{Caller: caller, By: a, Until: worldStart.Add(12 * time.Hour)})
		default:
			w.queueCall(add, call, oneOf(w.lot, w.queuesOf(a)...), a, caller)
		}
	}
}

// within is a call inside of the office, by the digits that were dialled or not.
func (w *world) within(add func(journal.CallID, journal.Payload), call journal.CallID, from, to journal.SubjectID) {
	p := journal.CallStarted{Direction: journal.Internal, From: from, To: to}
	if w.lot.IntN(2) == 0 {
		p.Dialled = w.sample.Doc.ExtensionsOf(office.Target{Kind: office.TargetPerson, ID: string(to)})[0].Digits
		p.To = ""
	}
	add(call, p)
	if w.lot.IntN(2) == 0 {
		add(call, journal.CallEnded{Cause: "hangup", By: "caller", Talk: time.Minute, Total: time.Minute})
	}
}

func (w *world) queueCall(add func(journal.CallID, journal.Payload), call journal.CallID, queue string, a, caller journal.SubjectID) {
	con := journal.ContactID(call)
	add(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: caller})
	add(call, journal.ContactQueued{Contact: con, Queue: queue, Caller: caller})
	if w.lot.IntN(5) == 0 { // wants to be called back, and perhaps was, in vain
		add(call, journal.ContactAnnounced{Contact: con, Queue: queue, Position: 1, Low: time.Minute, High: 3 * time.Minute, Agents: 1})
		add(call, journal.CallbackPromised{Contact: con, Queue: queue, Caller: caller})
		if w.lot.IntN(2) == 0 {
			add(call, journal.CallbackTried{Contact: con, Queue: queue, Agent: a, Try: 1, Result: "noAnswer", Next: worldStart.Add(3 * time.Hour)})
		}
		return
	}
	offer := journal.OfferID(len(w.events))
	add(call, journal.ContactOffered{Contact: con, Queue: queue, Offer: offer, Agent: a, Strategy: "ordered", Candidates: w.candidates(a)})
	if w.lot.IntN(4) == 0 {
		return // rings
	}
	if w.lot.IntN(2) == 0 {
		add(call, journal.OfferEnded{Contact: con, Offer: offer, Agent: a, Outcome: journal.OfferMissed})
		add(call, journal.ContactEnded{Contact: con, Queue: queue, Outcome: "abandoned", Waited: 40 * time.Second})
		add(call, journal.CallEnded{Cause: "hangup", By: "caller", Total: 40 * time.Second})
		return
	}
	add(call, journal.OfferEnded{Contact: con, Offer: offer, Agent: a, Outcome: journal.OfferAccepted})
	add(call, journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: a})
	add(call, journal.ContactConnected{Contact: con, Queue: queue, Agent: a, Offer: offer, Waited: 9 * time.Second})
	add(call, journal.CallAnswered{By: a})
	add("", journal.AgentChanged{Agent: a, State: journal.AgentTalking})
	if w.lot.IntN(4) == 0 {
		return // talks
	}
	if w.lot.IntN(3) == 0 {
		w.handsOn(add, call, queue, a, caller)
		return
	}
	add(call, journal.ContactEnded{Contact: con, Queue: queue, Agent: a, Outcome: "served", Waited: 9 * time.Second, Talked: time.Minute})
	add(call, journal.CallEnded{Cause: "hangup", By: "caller", Talk: time.Minute, Total: 70 * time.Second})
	add("", journal.AgentChanged{Agent: a, State: journal.AgentWrapUp})
	if w.lot.IntN(2) == 0 {
		add(call, w.told(call, queue, a, worldStart.Add(2*time.Hour)))
	}
	add("", journal.AgentChanged{Agent: a, State: journal.AgentReady})
}

// handsOn is an agent who hands his caller on: to a colleague, who takes him, or to a queue.
func (w *world) handsOn(add func(journal.CallID, journal.Payload), call journal.CallID, queue string, a, caller journal.SubjectID) {
	con := journal.ContactID(call)
	asked := journal.CallTransfer{State: journal.TransferAsked, Leg: "b", By: a, Action: "ring", To: oneOf(w.lot, w.members()...)}
	if w.lot.IntN(2) == 0 {
		asked.Action, asked.To, asked.Object = "queue", "", oneOf(w.lot, queueIDs(w.sample.Doc)...)
	}
	add(call, asked)
	add(call, journal.CallRouted{Action: asked.Action, Trace: []journal.TraceStep{{Rule: "transfer.by", Object: string(a)}}})
	add(call, journal.ContactEnded{Contact: con, Queue: queue, Agent: a, Outcome: "served", Reason: "transferred", Waited: 9 * time.Second, Talked: time.Minute})
	add(call, journal.CallTransfer{State: journal.TransferHanded, Leg: "b", By: a})
	add(call, journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegEnded, Person: a})
	add("", journal.AgentChanged{Agent: a, State: journal.AgentWrapUp})
	if asked.Object != "" {
		add(call, journal.ContactQueued{Contact: con, Queue: asked.Object, Caller: caller})
		return
	}
	add(call, journal.CallLeg{Leg: "c", Kind: journal.LegPhone, State: journal.LegRinging, Person: asked.To})
	if w.lot.IntN(3) == 0 {
		add(call, journal.CallTransfer{State: journal.TransferFailed, Leg: "b", By: a, Why: "cause.noAnswer"})
		add(call, journal.CallTransfer{State: journal.TransferBack, Leg: "b", By: a})
		return // rings at who has handed him on
	}
	add(call, journal.CallLeg{Leg: "c", Kind: journal.LegPhone, State: journal.LegAnswered, Person: asked.To})
	add(call, journal.CallTransfer{State: journal.TransferAnswered, Leg: "c", By: asked.To})
}
