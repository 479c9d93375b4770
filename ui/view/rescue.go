package view

// Rescue is the page of a box that cannot use its data.
type Rescue struct {
	Frame
	Why     string
	Detail  string // the system's own words
	Able    bool   // a backup can be restored, or everything begun anew
	Open    bool   // the button was held: no code is needed
	Code    bool   // a one-time code stands on the card
	Done    string // what was done; the box restarts
	Problem string
}
