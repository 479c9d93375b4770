package network

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"time"
)

// Kernel is what Run needs of the system: the socket for the network cable.
type Kernel interface {
	// Find looks for the wired interface, the one with a cable first, and says false
	// while there is none. It switches on those that are off.
	Find() (name string, hardware [6]byte, ok bool)
	// Up switches it on. Cable tells whether something is at the other end.
	Up(name string) error
	Cable(name string) bool
	// Set gives the interface this address and no other of IPv4, and the way out (invalid:
	// none). The invalid prefix takes everything away.
	Set(name string, address netip.Prefix, gateway netip.Addr) error
	// Taken asks the cable whether somebody else has an address (RFC 3927 clause 2.2.1).
	Taken(ctx context.Context, name string, hardware [6]byte, a netip.Addr) bool
	// Open opens the cable for DHCP; close ends it.
	Open(name string) (w Wire, closeWire func(), err error)
}

// Options of Run.
type Options struct {
	Kernel   Kernel
	Settings Settings
	Host     string
	Now      func() time.Time
	Log      *slog.Logger
	// Changed is told of every change, from Run's goroutine.
	Changed func(State)
}

// fallbackAfter is how long nobody on the cable may give an address before the box takes
// a link-local one; DHCP is asked for on beside it.
const fallbackAfter = 10 * time.Second

// openAgain is after how long the cable is opened again for DHCP, when that failed.
const openAgain = 5 * time.Second

// look is how often interface and cable are looked at.
const look = 500 * time.Millisecond

// runner is the state of Run; its goroutine alone touches it.
type runner struct {
	Options
	name     string
	hardware [6]byte
	state    State
	began    time.Time // of asking: when the cable came, or the lease went
	leases   chan *Lease
	broken   chan struct{} // a client that a panic has ended
	stop     func()        // of the client that runs; nil: none does
	opened   time.Time     // when the cable was last opened for DHCP, or would not
	refused  time.Time     // when the kernel would not take the address; zero: it has it
	unsure   bool          // the interface may have lost its address: it was plugged in anew
	last     netip.Addr
}

// Run keeps the interface as the settings say until ctx ends; it leaves the address then,
// for what still says goodbye.
func Run(ctx context.Context, o Options) error {
	// Unbuffered: a client waits until its lease is in force, or its end is known.
	r := &runner{Options: o, leases: make(chan *Lease), broken: make(chan struct{})}
	defer r.stopClient()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		r.step(ctx)
		select {
		case <-ctx.Done():
			return nil
		case l := <-r.leases:
			r.leased(l)
		case <-r.broken:
			r.stopClient() // step begins anew; an address that is in force stays
		case <-tick.C:
		}
	}
}

// step looks at the interface and does what is due.
func (r *runner) step(ctx context.Context) {
	if r.find(); r.name == "" {
		return
	}
	cable := r.Kernel.Cable(r.name)
	came := cable && !r.state.Cable
	r.unsure = r.unsure || came
	if cable != r.state.Cable {
		r.Log.Info("network cable", "interface", r.name, "connected", cable)
		next := r.state
		next.Cable = cable
		r.tell(next)
	}
	switch {
	case r.Settings.Address.IsValid():
		if r.state.How != Static || came {
			r.set(State{How: Static, Address: r.Settings.Address, Gateway: r.Settings.Gateway, DNS: r.Settings.DNS})
		}
	case came: // perhaps another network: ask anew
		r.stopClient()
		r.began = r.Now()
		r.startClient(ctx)
	case r.state.How == ByDHCP && !r.Now().Before(r.state.Until):
		// RFC 2131 clause 4.4.5. A client that was stopped with its lease does not say so:
		// the one after it has had no answer.
		r.leased(nil)
	case cable && r.state.How == None && r.Now().Sub(r.began) >= fallbackAfter:
		r.fallBack(ctx)
	}
	if cable && r.state.Address.IsValid() && !r.refused.IsZero() && r.Now().Sub(r.refused) >= openAgain {
		r.set(r.state)
	}
	if cable && !r.Settings.Address.IsValid() && r.stop == nil && r.Now().Sub(r.opened) >= openAgain {
		r.startClient(ctx)
	}
}

// find looks for the interface. While it has no cable another one may have got one, or it
// was unplugged itself and is back: then it has to be switched on again.
func (r *runner) find() {
	if r.name != "" && r.Kernel.Cable(r.name) {
		return
	}
	name, hardware, ok := r.Kernel.Find()
	if !ok || name == r.name || r.name != "" && !r.Kernel.Cable(name) {
		return // Find has switched on what was off
	}
	if err := r.Kernel.Up(name); err != nil {
		r.Log.Error("switch the network interface on", "interface", name, "err", err)
		return
	}
	if r.name != "" {
		r.Log.Info("the network cable is in another interface", "interface", name)
		r.stopClient()
		_ = r.Kernel.Set(r.name, netip.Prefix{}, netip.Addr{}) // it may be gone
	}
	r.name, r.hardware = name, hardware
	r.tell(State{Interface: name})
}

// startClient begins to ask for an address. If the cable can't be opened, step tries again.
func (r *runner) startClient(ctx context.Context) {
	r.opened = r.Now()
	wire, closeWire, err := r.Kernel.Open(r.name)
	if err != nil {
		r.Log.Error("open the network for DHCP", "interface", r.name, "err", err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	tell := func(l *Lease) {
		select {
		case r.leases <- l:
		case <-ctx.Done():
		}
	}
	c := &Client{Wire: wire, Hardware: r.hardware, Host: r.Host, Before: r.last, Now: r.Now, Log: r.Log,
		Got: func(l Lease) { tell(&l) }, Lost: func() { tell(nil) }}
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		defer r.mourn(ctx)
		_ = c.Run(ctx) // its only error is the end
	}()
	r.stop = func() {
		cancel()
		closeWire()
		<-done
	}
}

// mourn lets no panic of a client through: above it is the first process, whose end would
// be the kernel's.
func (r *runner) mourn(ctx context.Context) {
	p := recover()
	if p == nil {
		return
	}
	r.Log.Error("asking by DHCP stopped by a panic; it begins anew", "panic", p, "at", firstLines(debug.Stack()))
	select {
	case r.broken <- struct{}{}:
	case <-ctx.Done():
	}
}

// firstLines are what the kernel's log takes of a stack.
func firstLines(stack []byte) string { return string(stack[:min(len(stack), 600)]) }

func (r *runner) stopClient() {
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
}

// leased puts a lease in force; nil: it is over.
func (r *runner) leased(l *Lease) {
	if l == nil {
		r.began = r.Now()
		r.set(State{})
		return
	}
	r.last = l.Address.Addr()
	next := State{How: ByDHCP, Address: l.Address, Gateway: first(l.Routers), DNS: l.DNS, Until: r.Now().Add(l.Lasts)}
	for _, a := range l.NTP {
		next.NTP = append(next.NTP, a.String())
	}
	r.set(next)
}

// fallBack takes the first link-local address that nobody else has.
func (r *runner) fallBack(ctx context.Context) {
	for n := range 10 { // RFC 3927 clause 2.2.1: after ten conflicts slowly
		p := linkLocal(r.hardware, n)
		if r.Kernel.Taken(ctx, r.name, r.hardware, p.Addr()) {
			continue
		}
		if ctx.Err() == nil {
			r.set(State{How: LinkLocal, Address: p})
		}
		return
	}
}

// set puts addresses in force. What a technician fixed goes before what a server says.
func (r *runner) set(next State) {
	if len(r.Settings.DNS) > 0 {
		next.DNS = r.Settings.DNS
	}
	if len(r.Settings.NTP) > 0 {
		next.NTP = r.Settings.NTP
	}
	next.Interface, next.Cable = r.state.Interface, r.state.Cable
	if next.Address != r.state.Address || next.Gateway != r.state.Gateway || r.unsure || !r.refused.IsZero() {
		r.unsure, r.refused = false, time.Time{}
		log := r.Log.With("interface", r.name, "how", string(next.How))
		if next.Address.IsValid() {
			log = log.With("address", next.Address)
		}
		if next.Gateway.IsValid() {
			log = log.With("gateway", next.Gateway)
		}
		if err := r.Kernel.Set(r.name, next.Address, next.Gateway); err != nil {
			r.refused = r.Now() // step tries again
			log.Error("set the network address", "err", err)
		} else {
			log.Info("network address")
		}
	}
	r.tell(next)
}

func (r *runner) tell(next State) {
	same := next.Interface == r.state.Interface && next.Cable == r.state.Cable && next.How == r.state.How &&
		next.Address == r.state.Address && next.Gateway == r.state.Gateway && next.Until.Equal(r.state.Until) &&
		slices.Equal(next.DNS, r.state.DNS) && slices.Equal(next.NTP, r.state.NTP)
	r.state = next
	if !same {
		r.Changed(next)
	}
}
