package update

import "time"

// State is what the box remembers of its slots, on the data partition. The selector,
// not State, says which slot is in force: a State that was lost costs a rollback of a
// program that keeps failing, never a start.
//
// Of a trial:
//
//	armed ──the new slot starts──▶ begun ──gate passed──▶ committed
//	  │                              └──crash, hang, gate failed──▶ the old slot starts: rolled back
//	  └──the old slot starts: the firmware's flag was lost, or the kernel died──▶ armed again, once
type State struct {
	Slots map[Slot]Content `json:"slots,omitempty"`
	// Order is the update that waits on the data partition; it is taken up again after
	// a power cut.
	Order *Order `json:"order,omitempty"`
	Trial *Trial `json:"trial,omitempty"`
	// Failures counts starts of the slot in force, in a row, of which none became
	// healthy; Swung says that the other slot was tried for that.
	Failures int     `json:"failures,omitempty"`
	Swung    bool    `json:"swung,omitempty"`
	Last     *Result `json:"last,omitempty"` // how the last trial went
}

// Content is what is known of a slot. Whole is false from before the first block of
// a new content is written until all of it was read back from the medium.
type Content struct {
	Version string `json:"version"`
	Release uint64 `json:"release"`
	Whole   bool   `json:"whole"`
}

// Order is an update that a person asked for.
type Order struct {
	Version   string `json:"version"`
	Downgrade bool   `json:"downgrade,omitempty"` // the button was pressed for it
}

// Trial is a new version between being written and being committed.
type Trial struct {
	From    Slot     `json:"from"`
	To      Slot     `json:"to"`
	Version string   `json:"version"`
	Release uint64   `json:"release"`
	Armed   int      `json:"armed"`            // starts that were asked for
	Begun   string   `json:"begun,omitempty"`  // the start in which the new version ran
	Why     string   `json:"why,omitempty"`    // what its gate lacked
	Copy    string   `json:"copy,omitempty"`   // of the old version's database
	Before  []string `json:"before,omitempty"` // what worked under the old version
	Forced  bool     `json:"forced,omitempty"` // not an update: the slot in force kept failing
}

// Outcome says how a trial ended.
type Outcome string

// Outcomes.
const (
	Committed  Outcome = "committed"
	RolledBack Outcome = "rolledBack"
	NotStarted Outcome = "notStarted"
	Returned   Outcome = "returned" // a version that kept failing gave way to the one before
)

// Result is how a trial ended, for people. Why names the checks that the gate lacked.
type Result struct {
	Outcome Outcome   `json:"outcome"`
	Version string    `json:"version"`
	Why     string    `json:"why,omitempty"`
	Copy    string    `json:"copy,omitempty"` // of the database, from before the trial
	At      time.Time `json:"at"`
}

const (
	maxArmed    = 2 // starts of a new version that may get lost
	maxFailures = 3 // starts of the slot in force in a row that do not become healthy
)

// Start is one start of the program.
type Start struct {
	Slot    Slot   // from which the computer started
	Boot    Slot   // the slot in force, by the selector
	ID      string // of this start of the computer
	Version string // of the program
	Release uint64
	At      time.Time
}

// Verdict is what a start means.
type Verdict string

// Verdicts.
const (
	Ordinary Verdict = "ordinary" // the slot in force: work
	OnTrial  Verdict = "onTrial"  // work, and commit when the gate is passed
	Again    Verdict = "again"    // the trial never began: start the new slot once more
	Back     Verdict = "back"     // a trial is over: start the slot in force
	Swing    Verdict = "swing"    // the slot in force keeps failing: try the other one
	Stuck    Verdict = "stuck"    // both failed: stay, so that a person can help
)

// Started says what a start means. The state it returns must be on disk before
// anything else is done.
func (s State) Started(st Start) (State, Verdict) {
	s = s.clone()
	if !st.Slot.Valid() || !st.Boot.Valid() {
		return s, Ordinary
	}
	s.Slots[st.Slot] = Content{Version: st.Version, Release: st.Release, Whole: true}
	if st.Slot != st.Boot {
		return s.startedOther(st)
	}
	if t := s.Trial; t != nil {
		switch {
		case t.To == st.Slot: // committed, but the power went before State knew
			s = s.committed(st.At)
		case t.Begun == "" && t.Armed < maxArmed:
			t.Armed++
			return s, Again
		case t.Begun == "":
			s = s.ended(NotStarted, st.At)
		default:
			s = s.ended(RolledBack, st.At)
		}
	}
	s.Failures++
	if s.Failures <= maxFailures {
		return s, Ordinary
	}
	s, ok := s.swing(st.Slot)
	if !ok {
		return s, Stuck
	}
	return s, Swing
}

// swing lets the other slot be tried in place of the one in force, once, if it is whole.
func (s State) swing(from Slot) (State, bool) {
	other := s.Slots[from.Other()]
	if s.Swung || !other.Whole {
		return s, false
	}
	s.Swung = true
	s.Trial = &Trial{From: from, To: from.Other(), Version: other.Version, Release: other.Release, Armed: 1, Forced: true}
	return s, true
}

// GivenUp says that the program of the slot in force does not stay up, not even for
// Started; true if the other slot is to be tried.
func (s State) GivenUp(st Start) (State, bool) {
	s = s.clone()
	if !st.Slot.Valid() || st.Slot != st.Boot {
		return s, false
	}
	return s.swing(st.Slot)
}

// startedOther is a start of the slot that is not in force: a trial, with or without
// a memory of it. The second start in a row is a crash.
func (s State) startedOther(st Start) (State, Verdict) {
	if s.Trial == nil || s.Trial.To != st.Slot {
		s.Trial = &Trial{From: st.Boot, To: st.Slot, Version: st.Version, Release: st.Release, Armed: maxArmed}
	}
	if s.Trial.Begun != "" {
		return s, Back
	}
	s.Trial.Begun = st.ID
	if st.ID == "" {
		s.Trial.Begun = "start"
	}
	return s, OnTrial
}

// Ordered says that a bundle lies whole on the data partition.
func (s State) Ordered(o Order) State {
	s = s.clone()
	s.Order = &o
	return s
}

// Dropped says that no bundle waits any more.
func (s State) Dropped() State {
	s = s.clone()
	s.Order = nil
	return s
}

// Writing says that the free slot is about to be written.
func (s State) Writing(free Slot) State {
	s = s.clone()
	s.Slots[free] = Content{}
	return s
}

// Written says that a slot was written and read back whole.
func (s State) Written(slot Slot, m Manifest) State {
	s = s.clone()
	s.Slots[slot] = Content{Version: m.Version, Release: m.Release, Whole: true}
	return s
}

// Arm says that the written slot is about to be started for trial. Backup names the
// copy of the database that the version in force can read, before names what works under
// it and must work again. The order is carried out.
func (s State) Arm(to Slot, backup string, before []string) State {
	s = s.Dropped()
	c := s.Slots[to]
	s.Trial = &Trial{From: to.Other(), To: to, Version: c.Version, Release: c.Release, Armed: 1, Copy: backup, Before: before}
	return s
}

// Healthy says that the slot that runs works: a trial of it is committed, which must
// be in the selector first; a slot in force has no failures any more.
func (s State) Healthy(runs Slot, at time.Time) State {
	s = s.clone()
	if s.Trial != nil && s.Trial.To == runs {
		s = s.committed(at)
	}
	s.Failures, s.Swung = 0, false
	return s
}

// Unwell notes what a trial's gate lacked, before the box goes back to the old slot.
func (s State) Unwell(why string) State {
	s = s.clone()
	if s.Trial != nil {
		s.Trial.Why = why
	}
	return s
}

// Stopping says that the program ends because somebody wished so: no failure.
func (s State) Stopping() State {
	s = s.clone()
	s.Failures = 0
	return s
}

func (s State) committed(at time.Time) State {
	how := Committed
	if s.Trial.Forced {
		how = Returned
	}
	s = s.ended(how, at)
	s.Failures, s.Swung = 0, false
	return s
}

// ended closes the trial. A slot that did not do is not gone back to.
func (s State) ended(how Outcome, at time.Time) State {
	t := s.Trial
	s.Trial = nil
	s.Last = &Result{Outcome: how, Version: t.Version, Why: t.Why, Copy: t.Copy, At: at}
	switch how {
	case RolledBack, NotStarted:
		c := s.Slots[t.To]
		c.Whole = false
		s.Slots[t.To] = c
	case Returned:
		c := s.Slots[t.From]
		c.Whole = false
		s.Slots[t.From] = c
	}
	return s
}

func (s State) clone() State {
	slots := map[Slot]Content{}
	for k, v := range s.Slots {
		slots[k] = v
	}
	s.Slots = slots
	if s.Trial != nil {
		t := *s.Trial
		s.Trial = &t
	}
	return s
}
