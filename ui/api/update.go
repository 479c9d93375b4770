package api

import "time"

// Update is what runs in which slot, and the update that is under way.
type Update struct {
	Phase   State        `json:"phase"`
	Since   time.Time    `json:"since"`             // the phase's begin: so long it has waited
	Calls   int          `json:"calls"`             // for how many calls it waits
	Version string       `json:"version,omitempty"` // the update's
	Percent int          `json:"percent"`           // of the phase
	Problem *State       `json:"problem,omitempty"` // why the last update was refused or given up
	Slots   []UpdateSlot `json:"slots"`
	Last    *UpdateLast  `json:"last,omitempty"`
}

// UpdateSlot is one of the two places of the program.
type UpdateSlot struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"` // empty: nothing is known of it
	State   State  `json:"state"`             // "runs", "ready", "empty"
}

// UpdateLast is how the last new version fared.
type UpdateLast struct {
	Outcome State     `json:"outcome"`
	Version string    `json:"version"`
	Lacking []string  `json:"lacking"` // what its own check missed, in words
	At      time.Time `json:"at"`
}
