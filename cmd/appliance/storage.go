package main

import (
	"fmt"
	"strconv"

	"centralino/board/health"
	"centralino/internal/journal"
	"centralino/internal/store"
	"centralino/pbx/media"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
	"centralino/ui"
)

// watchStore raises the faults of the database: what Open found, and what comes
// while it runs. Called before the store's Run.
func (b *box) watchStore() {
	if d := b.opened.Damage; d != nil {
		b.log.Error("the database was damaged and set aside", "aside", d.SetAside, "copy", d.Copy, "cause", d.Cause)
	}
	if b.opened.Damage != nil || b.db.Recovered() {
		b.front.faults.Raise(health.StorageRecovered, "")
	}
	b.db.OnSpace(func(s store.Space) {
		if s.Level != store.SpaceFine {
			b.front.faults.Raise(health.StorageFull, "")
		} else {
			b.front.faults.Clear(health.StorageFull, "")
		}
	})
	b.db.OnCopy(b.copied)
	if err := b.opened.CopyError; err != nil {
		b.copied(err)
	}
	b.db.OnDamaged(func(cause string) {
		b.log.Error("the database is damaged; at the next start it is set aside and the last good copy taken", "cause", cause)
		b.front.faults.Raise(health.StorageCorrupt, "")
	})
	b.db.OnUnread(func(cause string) {
		if cause == "" {
			b.front.faults.Clear(health.StorageUnread, "")
			return
		}
		b.log.Error("the disk fails when it is read; calls go on", "cause", cause)
		b.front.faults.Raise(health.StorageUnread, "")
	})
}

// copied tells how a copy of the database went.
func (b *box) copied(err error) {
	if err != nil {
		b.front.faults.Raise(health.BackupFailed, "")
	} else {
		b.front.faults.Clear(health.BackupFailed, "")
	}
}

// customersFault tells that the disk refuses customers' cards and outcomes, or takes them
// again.
func (b *box) customersFault(cause error) {
	if cause != nil {
		b.log.Error("the disk refuses customers' cards and outcomes; calls go on", "cause", cause)
		b.front.faults.Raise(health.CustomersFailed, "")
	} else {
		b.front.faults.Clear(health.CustomersFailed, "")
	}
}

// tellRecovery raises the fault of a journal whose chain does not verify.
func (b *box) tellRecovery(rec journal.Recovery) {
	if rec.Bad == nil {
		return
	}
	b.log.Error("the journal's newest rows are not as they were written; it goes on", "row", rec.Bad.Seq, "cause", rec.Bad.Reason)
	b.front.faults.Raise(health.JournalBroken, "")
}

// tellSkipped raises the fault of settings whose newest versions could not be read.
func (b *box) tellSkipped(versions []int) {
	if len(versions) == 0 {
		return
	}
	b.log.Error("versions of the settings could not be read; an earlier one is in force", "versions", fmt.Sprint(versions), "in force", b.office.Current().Version)
	b.front.faults.Raise(health.OfficeSkipped, "")
}

// tellLost raises the fault of secrets that the key file does not open.
func (b *box) tellLost(n int) {
	if n == 0 {
		return
	}
	b.log.Error("passwords of phones and lines can't be opened: the key file is another one", "secrets", n)
	b.front.faults.Raise(health.SecretsLost, strconv.Itoa(n))
}

// acknowledge takes a fault off the list that a person has read.
func (b *box) acknowledge(kind string) error {
	k := health.Kind(kind)
	if !health.Over(k) {
		return ui.ErrNoSuchFault
	}
	if k == health.StorageRecovered {
		if err := b.db.AcknowledgeRecovery(); err != nil {
			return err
		}
	}
	b.front.faults.Clear(k, "")
	return nil
}

// refused is how often the box refused what came from outside since it started.
func (b *box) refused() []ui.Refusal {
	return refusals(counted{sip: b.stack.Counters(), registrar: b.registrar.Counters(), media: b.plane.Counters(),
		answers: b.pbx.BadAnswers(), garbage: b.lines.garbage()})
}

// counted is what the rooms at the box's edges count.
type counted struct {
	sip       *sip.Counters
	registrar *registrar.Counters
	media     *media.Counters
	answers   uint64 // to our offers
	garbage   uint64 // octets of the devices of telephone lines
}

func refusals(c counted) []ui.Refusal {
	s, r, m := c.sip, c.registrar, c.media
	return []ui.Refusal{
		{Where: "sip", What: "budget", Count: s.DroppedBudget.Load()},
		{Where: "sip", What: "form", Count: s.DroppedForm.Load()},
		{Where: "sip", What: "queue", Count: s.DroppedQueue.Load()},
		{Where: "sip", What: "refused", Count: s.Refused.Load()},
		{Where: "sip", What: "connections", Count: s.ConnsRefused.Load()},
		{Where: "sip", What: "stray", Count: s.StrayResponses.Load()},
		{Where: "sip", What: "overload", Count: s.TransactionsOverloaded.Load()},
		{Where: "sip", What: "panic", Count: s.Panics.Load()}, // a message that stopped its handler
		{Where: "sip", What: "content", Count: s.BadContent.Load()},
		{Where: "sip", What: "offer", Count: s.BadOffers.Load()},
		{Where: "sip", What: "answer", Count: c.answers},
		{Where: "line", What: "garbage", Count: c.garbage},
		{Where: "sound", What: "foreign", Count: m.Foreign.Load()},
		{Where: "sound", What: "unknown", Count: m.Unknown.Load()},
		{Where: "register", What: "password", Count: r.WrongPassword.Load()},
		{Where: "register", What: "braked", Count: r.Braked.Load()},
		{Where: "register", What: "replayed", Count: r.Replayed.Load()},
		{Where: "register", What: "refused", Count: r.Refused.Load()},
	}
}
