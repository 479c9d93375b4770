package lamp

import "time"

// Reasons for which a subscription ends (RFC 6665 4.1.3). To whom probation is said
// comes back later by himself.
const (
	reasonTimeout    = "timeout"
	reasonRejected   = "rejected"
	reasonNoResource = "noresource"
	reasonProbation  = "probation;retry-after=10"
)

// machine is one subscription as a state machine: what has been told, what is owed,
// and whether an answer is awaited. At most one NOTIFY is under way; what changes
// meanwhile is told in one after it (RFC 6665 4.2.2). Times count from any one instant.
//
//	owing ──Next──▶ told, unanswered ──OK──▶ content ──Look, Subscribe──▶ owing
//	                     │   └──Retry──▶ owing, not before a time
//	                     └──Failed, or the last one answered──▶ over
type machine struct {
	until   time.Duration // when it expires
	state   State         // of the lamp
	told    State         // last
	dialog  uint32        // counts the dialogs that the watcher was told of
	version uint32        // of the next document
	must    bool          // tell even if nothing has changed
	flying  bool          // a NOTIFY is not answered yet
	ending  string        // reason, once it ends
	last    bool          // the one under way is the last
	wait    time.Duration // nothing is sent before
	over    bool
}

// notice is one NOTIFY.
type notice struct {
	state   State
	version uint32
	dialog  uint32
	left    time.Duration // until it expires
	ended   string        // the reason, empty while it lives
}

// subscribe begins or renews for d from now; 0 ends it after one more notice. It is
// not for one that is ending.
func (m *machine) subscribe(now, d time.Duration) {
	m.until, m.must = now+d, true
	if d <= 0 {
		m.end(reasonTimeout)
	}
}

// look takes what the lamp shows now.
func (m *machine) look(s State) { m.state = s }

// end ends the subscription with one more notice.
func (m *machine) end(reason string) {
	if m.ending == "" {
		m.ending = reason
	}
}

// next returns the NOTIFY to be sent now, and false if there is none.
func (m *machine) next(now time.Duration) (notice, bool) {
	if now >= m.until {
		m.end(reasonTimeout)
	}
	if m.over || m.flying || now < m.wait && m.ending == "" || m.ending == "" && !m.must && m.state == m.told {
		return notice{}, false
	}
	if m.state != Off && (m.told == Off || m.told == "") || m.dialog == 0 {
		m.dialog++
	}
	n := notice{state: m.state, version: m.version, dialog: m.dialog, left: max(m.until-now, 0), ended: m.ending}
	m.told, m.must, m.flying, m.last = m.state, false, true, m.ending != ""
	m.version++
	return n, true
}

// outcome of a NOTIFY.
type outcome uint8

const (
	delivered outcome = iota
	refused           // for good, or nobody answered
	tryLater
)

// answered takes the outcome of the NOTIFY under way; after is how long tryLater
// wants to be left alone.
func (m *machine) answered(now time.Duration, o outcome, after time.Duration) {
	m.flying = false
	switch {
	case o == refused || m.last:
		m.over = true
	case o == tryLater:
		m.must, m.wait = true, now+after
	}
}

// deadline is when next is to be asked again though nothing happens; false: never.
func (m *machine) deadline() (time.Duration, bool) {
	switch {
	case m.over || m.flying:
		return 0, false
	case m.must || m.state != m.told:
		return min(m.wait, m.until), true
	}
	return m.until, true
}
