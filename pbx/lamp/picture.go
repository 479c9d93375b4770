package lamp

import (
	"slices"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// State is what a lamp shows, as the state of the one dialog that its watcher is told
// of (RFC 4235 3.7.1).
type State string

// States of a lamp.
const (
	Off      State = "terminated"
	Blinking State = "early"
	On       State = "confirmed"
)

// breakReason is the reason of a pause that is the break from the screen.
const breakReason = "break"

// agent is what the journal said last of one.
type agent struct {
	state, asked        journal.AgentStateName
	reason, askedReason string
	owes                bool
	proposed            bool      // a break, which he has not taken yet
	screen              time.Time // at the screen since, as the journal counts it
}

func (a agent) is(states ...journal.AgentStateName) State {
	if slices.Contains(states, a.state) {
		return On
	}
	return Off
}

// unless shows what is asked for but not yet so as blinking.
func (s State) unless(asked bool) State {
	if s == Off && asked {
		return Blinking
	}
	return s
}

// lamps are the feature codes that have a lamp, which tells the own state: on when
// it is so, blinking when it is asked for after the present call or proposed. reason is
// that of the digit behind the code, if one is there.
var lamps = map[office.Feature]func(a agent, reason string) State{
	office.FeatureLogin: func(a agent, _ string) State {
		if a.state == "" || a.state == journal.AgentLoggedOut {
			return Off
		}
		return On
	},
	office.FeatureLogout: func(a agent, _ string) State {
		return a.is(journal.AgentLoggedOut, "").unless(a.asked == journal.AgentLoggedOut)
	},
	office.FeaturePause: func(a agent, reason string) State {
		if reason != "" {
			return a.away(reason)
		}
		return a.is(journal.AgentPaused).unless(a.asked == journal.AgentPaused)
	},
	office.FeatureReady:   func(a agent, _ string) State { return a.is(journal.AgentReady, journal.AgentOffered) },
	office.FeatureMore:    func(a agent, _ string) State { return a.is(journal.AgentWrapUp) },
	office.FeatureOutcome: func(a agent, _ string) State { return Off.unless(a.owes) },
	office.FeatureBreak:   func(a agent, _ string) State { return a.away(breakReason).unless(a.proposed) },
}

// away says whether the agent is away, or asked to be, for one reason.
func (a agent) away(reason string) State {
	s := a.is(journal.AgentPaused, journal.AgentOtherWork)
	if a.reason != reason {
		s = Off
	}
	return s.unless(a.askedReason == reason && (a.asked == journal.AgentPaused || a.asked == journal.AgentOtherWork))
}

// watch is what one key of a phone watches: telephones, or what a feature code says
// of the phone's own person.
type watch struct {
	devices []office.ID
	feature office.Feature
	person  journal.SubjectID // of the feature; empty: no agent, the lamp stays dark
	reason  string
}

// resolve finds what a phone watches that subscribed to a dialled string. Every
// extension with telephones can be watched, which is a function of telephones; what
// an agent does is told to his own phones alone (law 300/1970 article 4).
func resolve(doc *office.Document, device office.ID, dialled string) (watch, bool) {
	own := doc.DeviceByID(device)
	r, ok := doc.Resolve(dialled)
	if own == nil || own.Disabled || !ok {
		return watch{}, false
	}
	if x := r.Extension; x != nil {
		switch x.Target.Kind {
		case office.TargetDevice:
			return watch{devices: []office.ID{office.ID(x.Target.ID)}}, true
		case office.TargetPerson:
			w := watch{}
			for _, d := range doc.DevicesOf(journal.SubjectID(x.Target.ID)) {
				w.devices = append(w.devices, d.ID)
			}
			return w, true
		}
		return watch{}, false
	}
	if lamps[r.Feature] == nil || own.Owner == "" {
		return watch{}, false
	}
	w := watch{feature: r.Feature}
	if r.Digit != "" {
		why := doc.ReasonByDigit(r.Digit)
		if why == nil || r.Feature != office.FeaturePause {
			return watch{}, false
		}
		w.reason = string(why.ID)
	}
	if slices.ContainsFunc(doc.GroupsOf(own.Owner), func(g *office.Group) bool { return g.Mode == office.GroupQueue }) {
		w.person = own.Owner
	}
	return w, true
}

// picture is what all lamps are drawn from: the dialogs of the telephones and the
// states of the agents.
type picture struct {
	legs   map[legKey]phoneLeg
	phones map[office.ID]phone
	agents map[journal.SubjectID]agent
}

type legKey struct {
	call journal.CallID
	leg  journal.LegID
}

type phoneLeg struct {
	device office.ID
	busy   bool // else ringing
}

// phone counts the dialogs of one telephone.
type phone struct{ ringing, busy int }

func newPicture() picture {
	return picture{legs: map[legKey]phoneLeg{}, phones: map[office.ID]phone{}, agents: map[journal.SubjectID]agent{}}
}

// leg takes the state of one dialog of a telephone and says whether the telephone's
// lamp may have changed.
func (p *picture) leg(k legKey, device office.ID, st journal.LegState) bool {
	before := p.phones[device].state()
	if l, ok := p.legs[k]; ok {
		p.count(l, -1)
		delete(p.legs, k)
	}
	if st != journal.LegEnded {
		l := phoneLeg{device: device, busy: st != journal.LegRinging}
		p.legs[k] = l
		p.count(l, 1)
	}
	return p.phones[device].state() != before
}

func (p *picture) count(l phoneLeg, n int) {
	ph := p.phones[l.device]
	if l.busy {
		ph.busy += n
	} else {
		ph.ringing += n
	}
	p.phones[l.device] = ph
	if ph == (phone{}) {
		delete(p.phones, l.device)
	}
}

func (ph phone) state() State {
	switch {
	case ph.busy > 0:
		return On
	case ph.ringing > 0:
		return Blinking
	}
	return Off
}

// agent takes what the journal says of an agent and whether that may change a lamp.
func (p *picture) agent(e journal.AgentChanged) bool {
	a := agent{state: e.State, asked: e.Asked, reason: e.Reason, askedReason: e.AskedReason, owes: e.Owes != "", screen: e.Screen}
	before, known := p.agents[e.Agent]
	// A proposal stands until he leaves the screen; then his time counts anew.
	a.proposed = before.proposed && e.State != journal.AgentLoggedOut && e.Left.IsZero() && (before.screen.IsZero() || e.Screen.Equal(before.screen))
	p.agents[e.Agent] = a
	before.screen = a.screen // no lamp shows it
	return !known || a != before
}

// propose takes that a break was proposed to an agent and says whether that may change
// a lamp.
func (p *picture) propose(who journal.SubjectID) bool {
	a := p.agents[who]
	changed := !a.proposed
	a.proposed = true
	p.agents[who] = a
	return changed
}

// look is what a lamp shows.
func (p *picture) look(w watch) State {
	if w.feature != "" {
		if w.person == "" {
			return Off
		}
		return lamps[w.feature](p.agents[w.person], w.reason)
	}
	var all phone
	for _, d := range w.devices {
		ph := p.phones[d]
		all.busy += ph.busy
		all.ringing += ph.ringing
	}
	return all.state()
}
