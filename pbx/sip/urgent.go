package sip

import (
	"bytes"
	"net/netip"
	"sync"
	"time"
)

// Urgency says which requests are calls for help: no flood budget, full queue or
// limit of transactions stops them, nor what follows on their flow.
type Urgency struct {
	// Known says whether a phone of ours is or was at an address. It is asked for
	// each INVITE that a limit would stop, from reader goroutines.
	Known func(from netip.AddrPort) bool
	// Request says whether an INVITE from such an address calls for help.
	Request func(req *Request) bool
}

// urgentReserve is how many transactions there may be beyond Limits.Transactions,
// for calls for help and for dialogs that stand: a known phone that has gone mad is still bounded.
const urgentReserve = 1000

// urgentFlows bounds the flows that are remembered, and urgentFor how long after
// their last message: a call for help is longer than its INVITE.
const (
	urgentFlows = 256
	urgentFor   = time.Hour
)

// urgents remembers where calls for help came from.
type urgents struct {
	mu    sync.Mutex
	flows map[netip.AddrPort]time.Time // last message
}

// note remembers a flow; the one that has been silent for longest makes room.
func (u *urgents) note(from netip.AddrPort) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.flows == nil {
		u.flows = make(map[netip.AddrPort]time.Time)
	}
	if _, known := u.flows[from]; !known && len(u.flows) >= urgentFlows {
		var oldest netip.AddrPort
		for f, at := range u.flows {
			if !oldest.IsValid() || at.Before(u.flows[oldest]) {
				oldest = f
			}
		}
		delete(u.flows, oldest)
	}
	u.flows[from] = time.Now()
}

// has says whether a call for help came from there within urgentFor.
func (u *urgents) has(from netip.AddrPort) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	at, ok := u.flows[from]
	if !ok {
		return false
	}
	if time.Since(at) > urgentFor {
		delete(u.flows, from)
		return false
	}
	u.flows[from] = time.Now()
	return true
}

// Urgent sets which requests pass every limit, in place of Options.Urgent. It must
// be called before Run.
func (s *Stack) Urgent(u Urgency) { s.o.Urgent = u }

// overBudget decides about a message for which there is no budget: it passes if it
// calls for help or belongs to such a call.
func (s *Stack) overBudget(b []byte, flow Flow) bool {
	if s.urgent.has(flow.remote) {
		return true
	}
	if !bytes.HasPrefix(b, []byte(INVITE+" ")) || s.o.Urgent.Known == nil || !s.o.Urgent.Known(flow.remote) {
		return false
	}
	msg, err := datagram(b, &s.o.Limits)
	if err != nil {
		return false
	}
	req, _, err := parse(msg, flow)
	return err == nil && req != nil && s.callsForHelp(req)
}

// callsForHelp says whether an INVITE is one for help and remembers its flow.
func (s *Stack) callsForHelp(r *Request) bool {
	u := &s.o.Urgent
	if r.method != INVITE || u.Known == nil || u.Request == nil || !u.Request(r) || !u.Known(r.flow.remote) {
		return false
	}
	s.urgent.note(r.flow.remote)
	return true
}

// passesLimit says whether a message may pass where a limit is reached: calls for
// help and what belongs to them.
func (s *Stack) passesLimit(r *Request) bool {
	return s.callsForHelp(r) || s.urgent.has(r.flow.remote)
}

// SetUrgent lets a request of ours pass the limit of transactions: it is a call for
// help, or belongs to a dialog that stands.
func (r *Request) SetUrgent() { r.urgent = true }
