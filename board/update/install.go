package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// spare is what a bundle leaves free on the data partition.
const spare = 64 << 20

// Accept takes a bundle, checks it and keeps it on the data partition, then orders its
// installation, which Run carries out. It returns what the bundle is once it is kept.
// Errors are Refusals; after one nothing of the bundle is left. It may be called from
// any goroutine; only one bundle is taken at a time.
func (u *Updater) Accept(ctx context.Context, r io.Reader) (Manifest, error) {
	if err := u.take(); err != nil {
		return Manifest{}, err
	}
	u.enter(Receiving)
	m, order, err := u.receive(ctx, r)
	if err == nil {
		err = u.keep(func(s State) State { return s.Ordered(order) })
	}
	if err != nil {
		u.fail(err)
		return m, err
	}
	u.change(func(s *Status) { s.Version = m.Version })
	u.orders <- struct{}{} // has room: there was no order, or it would have been busy
	return m, nil
}

// receive checks a bundle while it comes in; what it keeps was signed.
func (u *Updater) receive(ctx context.Context, r io.Reader) (m Manifest, o Order, err error) {
	b, err := Open(r, u.o.Keys)
	if err != nil {
		return m, o, err
	}
	m = b.Manifest()
	box := u.box()
	if err := Admit(m, box); ReasonOf(err) == Older && u.o.Pressed() {
		o.Downgrade, box.Downgrade = true, true
	}
	if err := Admit(m, box); err != nil {
		return m, o, err
	}
	if free := u.o.Free(); free < m.Size+spare {
		return m, o, refuse(NoSpace, "%d octets are free", free)
	}
	o.Version = m.Version
	u.change(func(s *Status) { s.Version, s.Total = m.Version, m.Size })
	if err := os.MkdirAll(u.o.Folder, 0o700); err != nil {
		return m, o, &Refusal{Reason: BadDisk, Err: err}
	}
	return m, o, u.spool(ctx, b)
}

func (u *Updater) box() Box {
	return Box{Board: u.o.Board, Release: u.o.Release, SlotSize: u.o.Disk.Slots[u.o.Booted.Slot.Other()].Size()}
}

// spool keeps a bundle as it came, each block once it was checked. It is on disk when
// it returns; half of one counts for nothing, as State names no order for it.
func (u *Updater) spool(ctx context.Context, b *Bundle) (err error) {
	f, err := os.OpenFile(u.orderFile(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return &Refusal{Reason: BadDisk, Err: err}
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = &Refusal{Reason: BadDisk, Err: e}
		}
	}()
	write := func(p []byte) error {
		if _, err := f.Write(p); errors.Is(err, syscall.ENOSPC) {
			return &Refusal{Reason: NoSpace, Err: err}
		} else if err != nil {
			return &Refusal{Reason: BadDisk, Err: err}
		}
		return nil
	}
	if err := write(b.head); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return &Refusal{Reason: Stopped, Err: err}
		}
		at, block, err := b.Next()
		switch {
		case errors.Is(err, io.EOF):
			if err := f.Sync(); err != nil {
				return &Refusal{Reason: BadDisk, Err: err}
			}
			return nil
		case err != nil:
			return err
		}
		if b.stored {
			if err := write(block); err != nil {
				return err
			}
		}
		u.change(func(s *Status) { s.Done = at + int64(len(block)) })
	}
}

// Cancel calls off the update that waits or is being written. False if there is none,
// or if it is too late: the box is about to start the new version.
func (u *Updater) Cancel() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stop == nil {
		return false
	}
	u.stop()
	return true
}

// carryOut installs the bundle that waits.
func (u *Updater) carryOut(ctx context.Context) {
	job, stop := context.WithCancel(ctx)
	defer stop()
	u.mu.Lock()
	u.stop = stop
	order := u.state.Order
	u.mu.Unlock()
	if order == nil { // called off between
		u.release()
		return
	}
	err := u.install(job, *order)
	switch {
	case err == nil: // the computer is starting anew
	case ctx.Err() != nil: // the box stops: it is taken up again
	default:
		u.fail(err)
		if u.o.Failed != nil {
			u.o.Failed(order.Version, u.Status().Problem)
		}
	}
}

// install is the way of a bundle from the data partition to its trial.
func (u *Updater) install(ctx context.Context, order Order) error {
	u.change(func(s *Status) { s.Version = order.Version })
	if err := u.quiet(ctx); err != nil {
		return err
	}
	copied, err := u.backup(ctx)
	if err != nil {
		return err
	}
	talked, err := u.write(ctx, order)
	if err != nil {
		return err
	}
	for again := talked; ; again = true {
		if err := u.quiet(ctx); err != nil {
			return err
		}
		if again { // what happened since must be in the copy
			if copied, err = u.backup(ctx); err != nil {
				return err
			}
		}
		if u.o.Calls() == 0 {
			return u.try(copied)
		}
	}
}

// try hands over to the new version; from here on it cannot be called off.
func (u *Updater) try(copied string) error {
	u.mu.Lock()
	u.stop = nil
	u.mu.Unlock()
	here := u.o.Booted.Slot
	if err := u.o.Disk.Select(here); err != nil { // mends the half that names the slot to try
		return err
	}
	if err := u.keep(func(s State) State { return s.Arm(here.Other(), copied, u.o.Works()) }); err != nil {
		return &Refusal{Reason: BadDisk, Err: err}
	}
	if err := os.Remove(u.orderFile()); err != nil {
		u.o.Log.Warn("remove bundle", "err", err)
	}
	u.o.Drain()
	u.enter(Restarting)
	u.o.Restart(true)
	return nil
}

// quiet waits until no call is under way. How long it has waited, and for how many, is
// in the status.
func (u *Updater) quiet(ctx context.Context) error {
	if u.o.Calls() == 0 {
		return nil
	}
	before := u.Status()
	u.enter(Waiting)
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for n := u.o.Calls(); n > 0; n = u.o.Calls() {
		u.change(func(s *Status) { s.Calls = n })
		select {
		case <-ctx.Done():
			return &Refusal{Reason: Stopped, Err: ctx.Err()}
		case <-t.C:
		}
	}
	u.change(func(s *Status) { s.Phase, s.Since, s.Done, s.Calls = before.Phase, u.o.Now(), before.Done, 0 })
	return nil
}

func (u *Updater) backup(ctx context.Context) (string, error) {
	u.enter(BackingUp)
	name, err := u.o.Backup(ctx)
	if err != nil {
		return "", &Refusal{Reason: NoBackup, Err: err}
	}
	return name, nil
}

// write fills the free slot, pausing while people talk, and says whether they did.
func (u *Updater) write(ctx context.Context, order Order) (talked bool, err error) {
	f, err := os.Open(u.orderFile())
	if err != nil {
		return false, &Refusal{Reason: BadDisk, Err: err}
	}
	defer f.Close()
	b, err := Open(f, u.o.Keys)
	if err != nil {
		return false, err
	}
	m := b.Manifest()
	box := u.box()
	box.Downgrade = order.Downgrade
	if err := Admit(m, box); err != nil {
		return false, err
	}
	free := u.o.Booted.Slot.Other()
	if err := u.keep(func(s State) State { return s.Writing(free) }); err != nil {
		return false, &Refusal{Reason: BadDisk, Err: err}
	}
	u.enter(Writing)
	u.change(func(s *Status) { s.Total = m.Size })
	err = writeSlot(ctx, u.o.Disk.Slots[free], b, func(done int64) error {
		if done > m.Size {
			u.enter(Checking)
			done -= m.Size
		}
		u.change(func(s *Status) { s.Done = done })
		talked = talked || u.o.Calls() > 0
		return u.quiet(ctx)
	})
	if err != nil {
		return talked, err
	}
	if err := u.keep(func(s State) State { return s.Written(free, m) }); err != nil {
		return talked, fmt.Errorf("after writing: %w", err)
	}
	return talked, nil
}
