package engine

import "time"

// Strategy says which of the free agents a contact is offered to first. Before its
// key count, in this order: who has let this contact ring in vain less often, whom
// an earlier ring of the queue admits, and who can do less beyond what the queue
// needs, so that specialists stay free (the sum of his levels above those needed,
// in skills that any queue needs). What is equal in the key goes to the agent who
// has been idle longest, then to the smaller id.
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
	// DefaultLastAgentOf is how long it is remembered who served a caller.
	DefaultLastAgentOf = 30 * 24 * time.Hour
	// DefaultTries and DefaultRetry are of calls back.
	DefaultTries = 3
	DefaultRetry = 10 * time.Minute
	// RestartRedial is how long after a restart a caller whom it cut off still has
	// his old place, if the queue's Redial is not longer.
	RestartRedial = 10 * time.Minute
	// PromiseRest is how long nobody is called after he was promised a call: he
	// hears the promise confirmed and hangs up.
	PromiseRest = 15 * time.Second
	// DialLimit is how long the switch may take to call somebody back before the
	// attempt counts as failed.
	DialLimit = 3 * time.Minute
	// RetryDelay is how long an agent who refused, or whose phone could not be
	// rung, is left alone.
	RetryDelay = 5 * time.Second
)
