package network

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// Group is the cable as multicast DNS uses it: everybody at once.
type Group interface {
	Send(b []byte, to netip.AddrPort) error
	// Received gives what came to port 5353. It is closed with the group.
	Received() <-chan Datagram
	Close()
}

// Datagram is a message with its sender.
type Datagram struct {
	B    []byte
	From netip.AddrPort
}

// NameOptions of NewAnnouncer.
type NameOptions struct {
	Name string // wished for, a label
	Port uint16 // of the page
	Open func(name string) (Group, error)
	Now  func() time.Time
	Log  *slog.Logger
	// Changed is told of the label that the box has on the network, from Run's goroutine.
	Changed func(label string)
}

// Announcer gives the box its name.local by multicast DNS (RFC 6762), and tells of its
// page by service discovery (RFC 6763). Run is its only goroutine.
type Announcer struct {
	o    NameOptions
	wake chan struct{} // capacity 1: one look at the newest state is enough

	mu    sync.Mutex
	state State
}

// NewAnnouncer returns an announcer that says nothing before Set and Run.
func NewAnnouncer(o NameOptions) *Announcer {
	return &Announcer{o: o, wake: make(chan struct{}, 1)}
}

// Set tells it what the interface has now. It may be called from any goroutine.
func (a *Announcer) Set(s State) {
	a.mu.Lock()
	a.state = s
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Run keeps the name until ctx ends; then it takes it back.
func (a *Announcer) Run(ctx context.Context) error {
	r := newResponder(a.o.Name, a.o.Port)
	run := &nameRun{a: a, r: r}
	defer func() {
		run.send(r.farewell())
		run.close()
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var received <-chan Datagram
		if run.group != nil {
			received = run.group.Received()
		}
		now := a.o.Now()
		timer.Reset(run.wait(now))
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
			run.follow()
		case <-timer.C:
			run.follow()
			run.send(r.tick(a.o.Now()))
		case d, ok := <-received:
			if !ok {
				run.close()
				continue
			}
			run.send(r.receive(d.B, d.From, a.o.Now()))
		}
		run.tell()
	}
}

// nameRun is the state of Run.
type nameRun struct {
	a      *Announcer
	r      *responder
	group  Group
	in     State // the state that the group is open in
	told   string
	failed time.Time // when the group could not be opened
}

// wait is how long nothing is due.
func (n *nameRun) wait(now time.Time) time.Duration {
	d := time.Minute
	if due := n.r.due(); !due.IsZero() {
		d = min(d, due.Sub(now))
	}
	if n.group == nil {
		d = min(d, openAgain)
	}
	return max(d, time.Millisecond)
}

// follow opens the group anew where interface, cable or address are others.
func (n *nameRun) follow() {
	n.a.mu.Lock()
	s := n.a.state
	n.a.mu.Unlock()
	usable := s.Cable && s.Address.IsValid()
	same := n.group != nil && s.Interface == n.in.Interface && s.Address == n.in.Address && s.Cable == n.in.Cable
	if same || n.group == nil && !usable {
		return
	}
	if n.group == nil && n.in.Address == s.Address && n.a.o.Now().Sub(n.failed) < openAgain {
		return
	}
	if n.group != nil {
		n.send(n.r.farewell())
		n.close()
	}
	n.in = s
	if !usable {
		return
	}
	group, err := n.a.o.Open(s.Interface)
	if err != nil {
		n.failed = n.a.o.Now()
		n.a.o.Log.Warn("the box's name cannot be told", "interface", s.Interface, "err", err)
		return
	}
	n.group = group
	n.r.setAddress(s.Address, n.a.o.Now())
}

// close ends the group; the responder begins anew with the next one.
func (n *nameRun) close() {
	if n.group != nil {
		n.group.Close()
		n.group = nil
	}
	n.r.setAddress(netip.Prefix{}, n.a.o.Now())
}

func (n *nameRun) send(list []outgoing) {
	if n.group == nil {
		return
	}
	for _, o := range list {
		_ = n.group.Send(o.b, o.to) // a cable that is out; who needs an answer asks again
	}
}

// tell says which name the box has, once it is its own.
func (n *nameRun) tell() {
	if name := n.r.label(); n.r.known() && name != n.told {
		n.told = name
		n.a.o.Log.Info("name on the network", "name", n.r.host())
		n.a.o.Changed(name)
	}
}
