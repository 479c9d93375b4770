package engine

import "centralino/internal/journal"

// state is a journal.AgentStateName as a number, so that comparing and counting it
// costs next to nothing.
type state uint8

const (
	noState state = iota // none: of what an agent has not asked to be
	stateLoggedOut
	stateReady
	stateOffered
	stateTalking
	stateWrapUp
	statePaused
	stateBusy
	stateOtherWork
)

// stateNames are the names, stateUnasked why somebody in the state is not asked, and
// stateClasses what the states count as.
var (
	stateNames = [...]journal.AgentStateName{
		stateLoggedOut: journal.AgentLoggedOut,
		stateReady:     journal.AgentReady,
		stateOffered:   journal.AgentOffered,
		stateTalking:   journal.AgentTalking,
		stateWrapUp:    journal.AgentWrapUp,
		statePaused:    journal.AgentPaused,
		stateBusy:      journal.AgentBusy,
		stateOtherWork: journal.AgentOtherWork,
	}
	stateUnasked = [len(stateNames)]string{
		stateLoggedOut: string(journal.AgentLoggedOut),
		stateReady:     leftAlone,
		stateOffered:   string(journal.AgentOffered),
		stateTalking:   string(journal.AgentTalking),
		stateWrapUp:    string(journal.AgentWrapUp),
		statePaused:    string(journal.AgentPaused),
		stateBusy:      string(journal.AgentBusy),
		stateOtherWork: string(journal.AgentOtherWork),
	}
	stateClasses = [len(stateNames)]class{
		stateReady: open, stateOffered: open,
		stateTalking: handling, stateWrapUp: handling,
	}
)

func (s state) name() journal.AgentStateName { return stateNames[s] }
func (s state) unasked() string              { return stateUnasked[s] }
func (s state) class() class                 { return stateClasses[s] }

// stateOf returns the state of a name, noState of one that is not known.
func stateOf(name journal.AgentStateName) state {
	for s, n := range stateNames {
		if n == name {
			return state(s)
		}
	}
	return noState
}
