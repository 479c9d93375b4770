package led

import "centralino/board"

// State is what a lamp has to say. Each belongs to one lamp.
type State string

// States of the three lamps.
const (
	StatusFault   State = "status.fault"
	StatusWarning State = "status.warning"
	StatusWorking State = "status.working"
	StatusPairing State = "status.pairing"
	StatusNobodys State = "status.nobodys"
	StatusReady   State = "status.ready"

	LinesFault    State = "lines.fault"
	LinesRinging  State = "lines.ringing"
	LinesWorking  State = "lines.working"
	LinesInUse    State = "lines.inUse"
	LinesDisabled State = "lines.disabled"
	LinesReady    State = "lines.ready"
	LinesNone     State = "lines.none"

	CallsFault     State = "calls.fault"
	CallsEmergency State = "calls.emergency"
	CallsWaiting   State = "calls.waiting"
	CallsActive    State = "calls.active"
	CallsNight     State = "calls.night"
	CallsReady     State = "calls.ready"
)

// Row says how a state looks. Of several states of a lamp the one that stands
// first in the table is shown: fault before warning before working before normal.
// The text for people has the id "led." + State.
type Row struct {
	Lamp    board.Lamp
	State   State
	Pattern Pattern
}

// Table is the one table of lamps.
var Table = []Row{
	{board.Status, StatusFault, Pattern{Kind: Double}},
	{board.Status, StatusWarning, Pattern{Kind: Blink}},
	{board.Status, StatusWorking, Pattern{Kind: Breathe}},
	{board.Status, StatusPairing, Pattern{Kind: Breathe}}, // waits for a person at the page
	{board.Status, StatusNobodys, Pattern{Kind: Blink}},
	{board.Status, StatusReady, Pattern{Kind: Solid}},

	{board.Lines, LinesFault, Pattern{Kind: Double}},
	{board.Lines, LinesRinging, Pattern{Kind: Blink}},
	{board.Lines, LinesWorking, Pattern{Kind: Breathe}},
	{board.Lines, LinesInUse, Pattern{Kind: Wink}},
	{board.Lines, LinesReady, Pattern{Kind: Solid}},
	{board.Lines, LinesDisabled, Pattern{Kind: Pulse}},
	{board.Lines, LinesNone, Pattern{Kind: Off}},

	{board.Calls, CallsFault, Pattern{Kind: Double}},
	{board.Calls, CallsEmergency, Pattern{Kind: Blink}},
	{board.Calls, CallsWaiting, Pattern{Kind: Blink}},
	{board.Calls, CallsActive, Pattern{Kind: Wink}},
	{board.Calls, CallsNight, Pattern{Kind: Pulse}},
	{board.Calls, CallsReady, Pattern{Kind: Solid}},
}

// rank is a state's place in the table, smaller for more urgent; unknown states
// come last.
func rank(s State) int {
	for i, r := range Table {
		if r.State == s {
			return i
		}
	}
	return len(Table)
}

// Pick returns the row that is shown of several states of a lamp, and false if
// none of them is in the table for it.
func Pick(lamp board.Lamp, states ...State) (Row, bool) {
	best := len(Table)
	for _, s := range states {
		if r := rank(s); r < best && Table[r].Lamp == lamp {
			best = r
		}
	}
	if best == len(Table) {
		return Row{}, false
	}
	return Table[best], true
}
