package engine

import (
	"fmt"
	"time"
)

// Strategy says which of the free agents a contact is offered to first. Every
// strategy prefers agents who have not yet let this contact ring in vain; what is
// equal goes to the agent who has been idle longest, then to the smaller id.
type Strategy string

// Strategies, with their key; the agent with the smallest key is taken.
const (
	// LongestIdle: since when the agent waits for a contact, that is since his
	// login or the end of his last talk and wrap-up, whichever is later. Pauses,
	// outside calls and missed offers do not start it anew.
	LongestIdle Strategy = "longestIdle"
	// RingAll: every free agent rings at once; who becomes free joins in.
	RingAll Strategy = "ringAll"
	// LeastOccupied: the share of talk and wrap-up in the agent's time logged in
	// and not paused of the last 60 minutes, in millionths; whole minutes leave
	// the window one by one.
	LeastOccupied Strategy = "leastOccupied"
	// FewestCalls: talks since login per minute logged in and not paused, in
	// billionths, counting one talk and 15 minutes more than there were, so that
	// a newcomer is preferred and not flooded.
	FewestCalls Strategy = "fewestCalls"
	// Ordered: the position among the queue's members.
	Ordered Strategy = "ordered"
	// RoundRobin: the distance, in the order of members, from the member this
	// queue offered to last; remembered over restarts.
	RoundRobin Strategy = "roundRobin"
	// Random: a number drawn from seed, offer and agent.
	Random Strategy = "random"
	// Progressive: longest idle, but Step agents at once, and Step more every
	// Every while nobody answers.
	Progressive Strategy = "progressive"
)

// strategies is the table of what exists. parallel is how many agents ring at
// once: 0 means one, all means everybody, steps means by Step and Every.
var strategies = map[Strategy]parallel{
	LongestIdle:   one,
	RingAll:       everybody,
	LeastOccupied: one,
	FewestCalls:   one,
	Ordered:       one,
	RoundRobin:    one,
	Random:        one,
	Progressive:   steps,
}

type parallel uint8

const (
	one parallel = iota
	everybody
	steps
)

// Defaults of a queue.
const (
	DefaultRingTime = 20 * time.Second
	DefaultMisses   = 2
	// RetryDelay is how long an agent who refused, or whose phone could not be
	// rung, is left alone.
	RetryDelay = 5 * time.Second
)

// Config is what the engine knows of the office.
type Config struct {
	Seed   uint64 // read by New only
	Queues []Queue
}

// Queue is a queue and its rules. Members are in the order that Ordered and
// RoundRobin use.
type Queue struct {
	ID            QueueID
	Strategy      Strategy
	Members       []AgentID
	RingTime      time.Duration // an offer's deadline; DefaultRingTime if 0
	MissesToPause int           // in a row, of any queue; 0 never
	WrapUp        time.Duration // after each talk; 0 none
	MaxWait       time.Duration // 0 no limit; a ringing agent may still answer after it
	MaxLength     int           // contacts waiting; 0 no limit; urgent ones are always taken
	Bonus         time.Duration // how much earlier than they arrived its contacts rank
	Step          int           // Progressive: agents per step, 1 if 0
	Every         time.Duration // Progressive: 5 s if 0
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
		bad := func(what string, value any) error {
			return &ConfigError{q.ID, what, fmt.Sprint(value)}
		}
		if q.ID == "" || seen[q.ID] {
			return bad("id", q.ID)
		}
		seen[q.ID] = true
		if _, ok := strategies[q.Strategy]; !ok {
			return bad("strategy", q.Strategy)
		}
		for _, d := range []struct {
			name string
			d    time.Duration
		}{
			{"ringTime", q.RingTime}, {"wrapUp", q.WrapUp}, {"maxWait", q.MaxWait},
			{"bonus", q.Bonus}, {"every", q.Every},
		} {
			if d.d < 0 {
				return bad(d.name, d.d)
			}
		}
		if q.MissesToPause < 0 {
			return bad("missesToPause", q.MissesToPause)
		}
		if q.MaxLength < 0 {
			return bad("maxLength", q.MaxLength)
		}
		if q.Step < 0 {
			return bad("step", q.Step)
		}
		members := make(map[AgentID]bool, len(q.Members))
		for _, m := range q.Members {
			if m == "" || members[m] {
				return bad("members", m)
			}
			members[m] = true
		}
	}
	return nil
}
