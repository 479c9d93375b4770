package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"centralino/acd"
	"centralino/internal/audio/prompts"
	"centralino/internal/journal"
	"centralino/internal/store"
	"centralino/pbx/media"
	"centralino/pbx/sip"
)

// What an agent talked last is known after a restart, for its outcome by digits: from
// the events, and from what was kept of them once there were many.
func TestOutcomeByDigitsAfterARestart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		start := func(work func(*box)) {
			var disk simDisk
			addr := netip.MustParseAddrPort("192.0.2.1:5060")
			o := options{data: folder, board: "sim", sim: true, sample: "office", sip: addr, seams: seams{sip: sip.NewMemNet().Host(addr.Addr()),
				media: &media.MemNet{}, loops: 1, readers: store.OneConnection, disk: disk.fault, log: io.Discard, virtual: true, modem: modemLine}}
			ctx, stop := context.WithCancel(t.Context())
			b, err := newBox(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- b.run(ctx) }()
			time.Sleep(time.Second)
			work(b)
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		knows := func(b *box) {
			t.Helper()
			last, ok := b.lastTalks.of("p-sample-anna")
			if want := (lastTalk{"c-1", "group-1", "n-1"}); !ok || last != want {
				t.Errorf("known of the last conversation: %+v", last)
			}
		}
		const bruno = "p-sample-bruno"
		start(func(b *box) {
			if got := b.outcome(bruno, "1"); got != "no-call" {
				t.Errorf("at first: %s", got)
			}
			b.record.Append("c-1", journal.ContactQueued{Contact: "c-1", Queue: "group-1", Caller: "n-1", Arrival: b.now()})
			b.record.Append("c-1", journal.ContactConnected{Contact: "c-1", Queue: "group-1", Agent: "p-sample-anna"})
			b.record.Append("c-1", journal.ContactEnded{Contact: "c-1", Queue: "group-1", Agent: "p-sample-anna", Outcome: "served"})
			b.record.Append("c-2", journal.ContactQueued{Contact: "c-2", Queue: "group-1", Caller: "n-2", Arrival: b.now()})
		})
		start(func(b *box) {
			knows(b)
			if got := b.outcome("p-sample-anna", "1"); got == "no-call" {
				t.Errorf("by digits: %s", got)
			}
			for range acdFoldEvents {
				b.record.Append("", journal.PhoneChanged{Device: "dev-1"})
			}
		})
		start(knows) // keeps the state
		start(func(b *box) {
			knows(b)
			if f, ok, err := b.journal.LoadFold(t.Context(), talksFold, talksFoldVersion); !ok || err != nil || f.Seq < acdFoldEvents {
				t.Errorf("nothing was kept: %+v, %v", f.Seq, err)
			}
			if len(b.lastTalks.callers) > 1 {
				t.Errorf("callers of contacts that are over are kept: %v", b.lastTalks.callers)
			}
		})
	})
}

// What a code of an agent is refused for is said in a sentence of its own, in every
// language.
func TestRefusedCodesSayWhy(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		acd.ErrNoWrapUp: "no-more-time", acd.ErrOutcome: "outcome-first", acd.ErrNotOver: "break-first", acd.ErrLoggedOut: "login-first",
		acd.ErrNotAgent: "no-queue", acd.ErrOverloaded: "not-now", acd.ErrStopped: "not-now",
	} {
		got := refused(fmt.Errorf("agent: %w", err))
		if got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
		for _, lang := range prompts.Languages() {
			if _, ok := prompts.Prompt(lang, got); !ok {
				t.Errorf("%s can't be said in %s", got, lang)
			}
		}
	}
}
