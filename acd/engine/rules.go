package engine

import (
	"fmt"
	"time"
)

// SkillID names a skill of the office document.
type SkillID string

// Config is what the engine knows of the office.
type Config struct {
	Seed    uint64 // read by New only
	Queues  []Queue
	Skills  map[AgentID]map[SkillID]int // levels, 1 and more; what is missing is 0
	Reasons map[Reason]PauseRule        // ReasonBreak is a break without being listed

	// Nobody works at the screen longer than BreakEvery without BreakFor off it;
	// 0: nobody is sent to a break.
	BreakEvery time.Duration
	BreakFor   time.Duration
}

// PauseRule says what a reason to pause stands for.
type PauseRule struct {
	Break bool // time off the screen
	Work  bool // other work: the agent's state is otherWork, not paused
}

// Queue is a queue and its rules. Members are in the order that Ordered and
// RoundRobin use; those whom a ring adds follow them.
type Queue struct {
	ID            QueueID
	Strategy      Strategy
	Members       []AgentID
	RingTime      time.Duration // an offer's deadline; DefaultRingTime if 0
	MissesToPause int           // in a row, of any queue; 0 never
	WrapUp        time.Duration // after each talk; 0 none
	WrapUpMore    time.Duration // by how much it may be lengthened once
	MustOutcome   bool          // wrap-up ends only with an outcome or its time
	MaxWait       time.Duration // 0 no limit; a ringing agent may still answer after it
	MaxLength     int           // contacts on the line; 0 no limit; urgent ones are always taken
	MaxExpected   time.Duration // takes nobody who would wait longer (median); 0 no limit; urgent ones are always taken
	RefuseEmpty   bool          // takes nobody while none of its agents is logged in
	LeaveEmpty    bool          // gives everybody back when the last of them logs out
	Step          int           // Progressive: agents per step, 1 if 0
	Every         time.Duration // Progressive: 5 s if 0

	Bonus       time.Duration   // how much earlier than they arrived its contacts rank
	Urgent      bool            // its contacts rank before all that are not urgent
	Redial      time.Duration   // who hangs up while he waits and is back within it has his old place
	LastAgent   time.Duration   // how long a contact is kept for the agent who served the caller last
	LastAgentOf time.Duration   // if that was within this time; DefaultLastAgentOf if 0
	Needs       map[SkillID]int // the lowest level of each skill
	Rings       []Ring          // by After, the smallest first

	Announce      time.Duration // tells position and wait so often; 0 never
	AnnounceFirst bool          // and at once to those for whom nobody is free
	SayPosition   bool
	SayWait       bool
	Periodic      time.Duration // the periodic message so often; 0 never
	CallbackTries int           // DefaultTries if 0
	CallbackRetry time.Duration // between attempts; DefaultRetry if 0
}

// Ring says what a queue settles for once a contact has waited After in it, beyond
// what earlier rings gave up. Who is added must meet the needs that are left.
type Ring struct {
	After   time.Duration
	Lower   int       // so much off every level needed
	Without []SkillID // needed no more
	Members []AgentID // asked besides
}

// ConfigError names a queue that cannot be used as configured.
type ConfigError struct {
	Queue QueueID
	What  string // "strategy", "ringTime", …: the field
	Value string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("acd: queue %s: %s %q is not possible", e.Queue, e.What, e.Value)
}

// Check reports the first queue of c that cannot be used, as *ConfigError.
func (c Config) Check() error {
	seen := make(map[QueueID]bool, len(c.Queues))
	for i := range c.Queues {
		q := &c.Queues[i]
		if q.ID == "" || seen[q.ID] {
			return &ConfigError{q.ID, "id", string(q.ID)}
		}
		seen[q.ID] = true
		if err := q.check(); err != nil {
			return err
		}
	}
	if c.BreakEvery < 0 || c.BreakFor < 0 {
		return &ConfigError{"", "breakEvery", fmt.Sprint(c.BreakEvery, c.BreakFor)}
	}
	return nil
}

func (q *Queue) check() error {
	bad := func(what string, value any) error {
		return &ConfigError{q.ID, what, fmt.Sprint(value)}
	}
	if _, ok := strategies[q.Strategy]; !ok {
		return bad("strategy", q.Strategy)
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{
		{"ringTime", q.RingTime}, {"wrapUp", q.WrapUp}, {"wrapUpMore", q.WrapUpMore}, {"maxWait", q.MaxWait},
		{"maxExpected", q.MaxExpected}, {"bonus", q.Bonus}, {"every", q.Every}, {"redial", q.Redial},
		{"lastAgent", q.LastAgent}, {"lastAgentOf", q.LastAgentOf}, {"announce", q.Announce},
		{"periodicEvery", q.Periodic}, {"callbackRetry", q.CallbackRetry},
		{"missesToPause", time.Duration(q.MissesToPause)}, {"maxLength", time.Duration(q.MaxLength)},
		{"step", time.Duration(q.Step)}, {"callbackTries", time.Duration(q.CallbackTries)},
	} {
		if d.d < 0 {
			return bad(d.name, d.d)
		}
	}
	if twice(q.Members) {
		return bad("members", q.Members)
	}
	for skill, level := range q.Needs {
		if skill == "" || level < 1 {
			return bad("needs", skill)
		}
	}
	last := time.Duration(0)
	for _, r := range q.Rings {
		if r.After < last || r.After == 0 || r.Lower < 0 || twice(r.Members) {
			return bad("rings", r.After)
		}
		last = r.After
	}
	return nil
}

// twice reports whether an agent is listed twice or without a name.
func twice(list []AgentID) bool {
	seen := make(map[AgentID]bool, len(list))
	for _, m := range list {
		if m == "" || seen[m] {
			return true
		}
		seen[m] = true
	}
	return false
}
