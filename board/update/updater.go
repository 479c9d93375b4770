package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options of an Updater. All are needed but those marked.
type Options struct {
	Disk   Disk
	Booted Booted
	Memory Memory
	Folder string // on the data partition, for the bundle that waits; made if missing
	Keys   Keys   // none: no update is taken

	Board   string // the image that runs, as bundles name it
	Version string
	Release uint64

	Calls   func() int                                // calls under way
	Drain   func()                                    // take no new calls but those for help; just before a start
	Backup  func(ctx context.Context) (string, error) // copies the database, returns the copy's name
	Works   func() []string                           // lines and what else works now: after the update it must again
	Pressed func() bool                               // the button was pressed lately: an older release may come
	Free    func() int64                              // octets that the bundle may take on the data partition
	Restart func(try bool)                            // starts the computer anew, from the other slot if try; returns at once
	Gate    Gate

	Changed func(Status)                     // optional: hears every change; from any goroutine, must not block
	Failed  func(version string, why Reason) // optional: hears of an update that was taken and then given up
	Ended   func(Result)                     // optional: hears how a trial ended, also of one that this start ended; from Run
	Now     func() time.Time
	Log     *slog.Logger
}

// Phase is what the updater does.
type Phase string

// Phases, in the order of an update.
const (
	Idle       Phase = "idle"
	Proving    Phase = "proving"   // a new version runs on trial
	Receiving  Phase = "receiving" // a bundle comes in and is checked
	Waiting    Phase = "waiting"   // for calls to end
	BackingUp  Phase = "backup"    // the database
	Writing    Phase = "writing"
	Checking   Phase = "checking" // what was written is read back
	Restarting Phase = "restarting"
)

// Status is what the updater does now, for page, lamp and interface.
type Status struct {
	Phase   Phase
	Since   time.Time // the phase's begin: how long it has waited
	Calls   int       // whom it waits for, as a number
	Version string    // the update's
	Done    int64     // octets of Total
	Total   int64
	Problem Reason // why the last update was refused or given up; empty if none was
	Running Slot
	Slots   map[Slot]Content
	Last    *Result // how the last trial went
}

// Updater carries out updates, one at a time.
type Updater struct {
	o       Options
	verdict Verdict       // Ordinary once a trial is committed
	news    *Result       // of a trial that this start ended
	orders  chan struct{} // room for one: no second order comes before the first is carried out

	keeping sync.Mutex // one change of state at a time; held while it is written, before mu

	mu     sync.Mutex // never held while something is written: pages and lamps ask for Status
	state  State      // changed by Begin and keep alone
	status Status
	busy   bool               // receiving, or carrying out
	stop   context.CancelFunc // of what is carried out; nil when it may not be stopped
}

// Begin reads selector and state, and says what this start means; the state with that
// is on disk when it returns. Again, Swing and Back ask for a start of the computer at
// once, before anything else is opened: Restart of Options, with try but for Back.
//
// An error is about the selector; there is no updater then, and the box works without.
func Begin(o Options) (*Updater, Verdict, error) {
	sel, err := o.Disk.ReadSelector()
	if err != nil {
		return nil, Ordinary, fmt.Errorf("begin updates: %w", err)
	}
	state, err := o.Memory.Load()
	if err != nil {
		o.Log.Error("the memory of the slots is lost; it begins anew", "err", err)
	}
	if slot := o.Booted.Slot; slot.Valid() && o.Disk.Slots[slot.Other()] == nil {
		return nil, Ordinary, refuse(NoSlots, "slot %s is missing", slot.Other())
	}
	u := &Updater{o: o, orders: make(chan struct{}, 1)}
	u.state, u.verdict = state.Started(Start{Slot: o.Booted.Slot, Boot: sel.Boot, ID: o.Booted.ID, Version: o.Version, Release: o.Release, At: o.Now()})
	if l := u.state.Last; l != nil && (state.Last == nil || !state.Last.At.Equal(l.At)) {
		u.news = l
	}
	u.status = Status{Phase: Idle, Since: o.Now(), Running: o.Booted.Slot}
	if u.verdict == OnTrial {
		u.status.Phase, u.status.Version = Proving, o.Version
	}
	if err := o.Memory.Save(u.state); err != nil {
		o.Log.Error("the state of the slots was not kept", "err", err)
		if u.verdict == Again || u.verdict == Swing {
			u.verdict = Ordinary // not counted: it could go on for ever
		}
	}
	if u.verdict == Again || u.verdict == Swing {
		if err := o.Disk.Select(sel.Boot); err != nil { // the firmware must find the other slot in it
			return nil, Ordinary, fmt.Errorf("begin updates: %w", err)
		}
	}
	return u, u.verdict, nil
}

// Status is what the updater does now.
func (u *Updater) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.snapshot()
}

// snapshot is the status with what State holds. Called with mu held.
func (u *Updater) snapshot() Status {
	s := u.status
	s.Slots = u.state.clone().Slots
	s.Last = u.state.Last
	return s
}

// change changes the status and tells of it.
func (u *Updater) change(f func(*Status)) {
	u.mu.Lock()
	f(&u.status)
	s := u.snapshot()
	u.mu.Unlock()
	if u.o.Changed != nil {
		u.o.Changed(s)
	}
}

func (u *Updater) enter(p Phase) {
	u.change(func(s *Status) {
		if s.Phase != p {
			s.Phase, s.Since, s.Done, s.Calls = p, u.o.Now(), 0, 0
		}
	})
}

// keep changes the state and puts it on disk.
func (u *Updater) keep(f func(State) State) error {
	u.keeping.Lock()
	defer u.keeping.Unlock()
	u.mu.Lock()
	next := f(u.state)
	u.mu.Unlock()
	if err := u.o.Memory.Save(next); err != nil {
		return err
	}
	u.mu.Lock()
	u.state = next
	u.mu.Unlock()
	return nil
}

// Run proves the version that runs, and carries out updates, until ctx ends.
func (u *Updater) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	u.tell(u.news)
	wg.Go(func() { u.prove(ctx) })
	u.mu.Lock()
	waits := u.state.Order != nil && u.verdict != OnTrial && !u.busy
	if waits {
		u.busy = true // as if it had just come in
	}
	u.mu.Unlock()
	if waits {
		u.orders <- struct{}{}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-u.orders:
			u.carryOut(ctx)
		}
	}
}

// Stopping says that the program ends because somebody wished so, and not by a
// failure.
func (u *Updater) Stopping() error { return u.keep(State.Stopping) }

// Fallback is the copy of the database that the version in force can read, after a
// version was taken back that may have changed it; empty if there is none. A version on
// trial has none: what is older than the database shall fail, and not lose it.
func (u *Updater) Fallback() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l := u.state.Last; l != nil && l.Outcome == RolledBack && u.verdict != OnTrial {
		return l.Copy
	}
	return ""
}

// Before names what worked before the update that is on trial; nothing outside of one.
func (u *Updater) Before() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.verdict != OnTrial || u.state.Trial == nil {
		return nil
	}
	return u.state.Trial.Before
}

// prove lets the version that runs pass its gate. A trial has one attempt.
func (u *Updater) prove(ctx context.Context) {
	trial := u.verdict == OnTrial
	for {
		lacking := u.o.Gate.pass(ctx, trial)
		switch {
		case ctx.Err() != nil:
			return
		case len(lacking) == 0:
			if err := u.commit(); err != nil {
				u.o.Log.Error("the version that runs is not committed", "err", err)
				lacking = []string{"commit"}
				break
			}
			return
		case !trial:
			u.o.Log.Warn("the box does not pass its own check", "lacking", names(lacking))
		}
		if trial {
			u.o.Log.Error("the new version is given up", "lacking", names(lacking))
			if err := u.keep(func(s State) State { return s.Unwell(names(lacking)) }); err != nil {
				u.o.Log.Error("the state of the slots was not kept", "err", err)
			}
			u.enter(Restarting)
			u.o.Restart(false)
			return
		}
	}
}

// commit makes the slot that runs the one in force.
func (u *Updater) commit() error {
	slot := u.o.Booted.Slot
	if !slot.Valid() {
		return nil
	}
	if err := u.o.Disk.Select(slot); err != nil {
		return err
	}
	u.mu.Lock()
	trial := u.verdict == OnTrial
	u.verdict = Ordinary
	u.mu.Unlock()
	if err := u.keep(func(s State) State { return s.Healthy(slot, u.o.Now()) }); err != nil {
		u.o.Log.Error("the state of the slots was not kept", "err", err) // the selector counts
	}
	if trial {
		u.tell(u.Status().Last)
		u.o.Log.Info("the new version is committed", "version", u.o.Version, "slot", slot.String())
		u.enter(Idle)
	}
	return nil
}

func (u *Updater) tell(r *Result) {
	if r != nil && u.o.Ended != nil {
		u.o.Ended(*r)
	}
}

// orderFile is the bundle that waits.
func (u *Updater) orderFile() string { return filepath.Join(u.o.Folder, "bundle") }

// fail ends an update that was ordered or is being carried out.
func (u *Updater) fail(err error) {
	reason := ReasonOf(err)
	if reason == "" {
		reason = BadDisk
	}
	u.o.Log.Warn("update", "err", err)
	if err := u.keep(State.Dropped); err != nil { // the next start takes the order up, with its bundle
		u.o.Log.Error("the state of the slots was not kept", "err", err)
	} else if err := os.Remove(u.orderFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		u.o.Log.Warn("remove bundle", "err", err)
	}
	u.change(func(s *Status) { s.Problem = reason })
	u.release()
}

// take makes the updater busy; an error if it is, or if the box cannot be updated now.
func (u *Updater) take() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case !u.o.Booted.Slot.Valid():
		return refuse(NoSlots, "")
	case len(u.o.Keys) == 0:
		return refuse(NoKeys, "")
	case u.verdict == OnTrial:
		return refuse(NotSound, "")
	case u.busy:
		return refuse(Busy, "")
	}
	u.busy = true
	u.status.Problem = ""
	return nil
}

// release makes the updater free again.
func (u *Updater) release() {
	u.enter(Idle)
	u.mu.Lock()
	u.busy, u.stop = false, nil
	u.mu.Unlock()
}
