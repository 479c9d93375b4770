package api

import "time"

// Explanation says why a call went where it went and why it waited, from what was
// written down when it was decided.
type Explanation struct {
	Call   string     `json:"call"`
	Waits  []WaitWhy  `json:"waits"`
	Offers []OfferWhy `json:"offers"`
}

// WaitWhy says why a call waited in one queue. The seconds add up to Waited.
type WaitWhy struct {
	Time    time.Time `json:"time"` // when it entered
	Queue   string    `json:"queue"`
	Waited  float64   `json:"waitedSeconds"`
	NoAgent float64   `json:"noAgentSeconds"`    // it rang nowhere
	Vain    float64   `json:"rangInVainSeconds"` // it rang, and nobody took it
	Taken   float64   `json:"rangToTakerSeconds"`
	Before  int       `json:"before"`    // who was before it and left the line before it did
	Passed  int       `json:"overtaken"` // who came later and went first
	Words   []string  `json:"words"`     // all this in words
	Running bool      `json:"running,omitempty"`
}

// OfferWhy says why one offer went to whom it went.
type OfferWhy struct {
	Time       time.Time      `json:"time"`
	Queue      string         `json:"queue"`
	Who        string         `json:"who"`
	Strategy   string         `json:"strategy"`
	Rule       string         `json:"rule"`    // what the strategy means
	Follows    bool           `json:"follows"` // the choice can be derived from the candidates that were stored
	Candidates []CandidateWhy `json:"candidates"`
	Hidden     string         `json:"hidden,omitempty"` // who was considered and may not be shown here
	Outcome    string         `json:"outcome,omitempty"`
}

// CandidateWhy is one of the agents that were considered, whom the reader may see.
type CandidateWhy struct {
	Who    string `json:"who"`
	Chosen bool   `json:"chosen"`
	Key    string `json:"key"` // what counted for him, in words
	Why    string `json:"why"` // why he was chosen, or not
}
