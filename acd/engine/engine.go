package engine

import "errors"

// Errors of commands. They are values without details, so that a refused command
// costs no allocation; the caller knows what he asked.
var (
	ErrNotAgent  = errors.New("acd: not an agent of any queue")
	ErrLoggedOut = errors.New("acd: agent is logged out")
)

// Event is filled in next.
type Event struct{}
