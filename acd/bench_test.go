package acd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"centralino/acd"
	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// nobody is a switch that only hands over what rings.
type nobody struct{ rings chan acd.Offer }

func (n nobody) Ring(o acd.Offer) {
	select {
	case n.rings <- o:
	default:
	}
}
func (n nobody) StopRing(journal.OfferID, acd.Reason) {}
func (n nobody) Connect(journal.OfferID)              {}
func (n nobody) Refuse(journal.OfferID)               {}
func (n nobody) Leave(journal.CallID, acd.Reason)     {}

func (n nobody) Announce(journal.CallID, acd.Announcement) {}
func (n nobody) CallBack(acd.Offer, journal.SubjectID)     {}

type bin struct{}

func (bin) Append(journal.CallID, journal.Payload) {}
func (bin) Flush(context.Context) error            { return nil }

// BenchmarkAgentFreeToRing measures, through the owner's loop, from TalkEnded in
// one goroutine to Ring of the next waiting call, and gives its quantiles.
func BenchmarkAgentFreeToRing(b *testing.B) {
	for _, size := range []struct{ waiting, agents int }{{10, 10}, {1000, 200}} {
		b.Run(fmt.Sprintf("%dx%d", size.waiting, size.agents), func(b *testing.B) {
			members := make([]journal.SubjectID, size.agents)
			for i := range members {
				members[i] = journal.SubjectID(fmt.Sprintf("p-%04d", i))
			}
			x := nobody{make(chan acd.Offer, 1)} // one ring at a time is waited for
			doc := &office.Document{Groups: []office.Group{queue("sales", nil, members...)}}
			a, err := acd.New(acd.Options{Switch: x, Journal: bin{}, Office: doc})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- a.Run(ctx) }()
			defer func() { cancel(); <-ended }()
			next := 0
			enqueue := func() {
				next++
				if err := a.Enqueue(acd.Entry{Call: journal.CallID(fmt.Sprintf("c-%09d", next)), Queue: "sales"}); err != nil {
					b.Fatal(err)
				}
			}
			for range size.waiting {
				enqueue()
			}
			var talks []journal.CallID
			for _, m := range members {
				enqueue()
				if _, err := a.Login(m, engine.FromPhone); err != nil {
					b.Fatal(err)
				}
				o := <-x.rings
				a.OfferAnswered(o.ID)
				talks = append(talks, o.Call)
			}
			times := make([]time.Duration, 0, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				b.StopTimer()
				enqueue()
				settle(b, a)
				b.StartTimer()
				from := time.Now()
				a.TalkEnded(talks[i%len(talks)])
				o := <-x.rings
				times = append(times, time.Since(from))
				b.StopTimer()
				a.OfferAnswered(o.ID)
				talks[i%len(talks)] = o.Call
				b.StartTimer()
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "p50-ns")
			b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "p99-ns")
		})
	}
}

// settle waits until the loop is through with what came before.
func settle(b *testing.B, a *acd.ACD) {
	if _, err := a.Ready("nobody", engine.FromPage); !errors.Is(err, acd.ErrNotAgent) {
		b.Fatal(err)
	}
}

// BenchmarkSnapshot measures making one with 20 waiting and with 1,000.
func BenchmarkSnapshot(b *testing.B) {
	for _, size := range []struct{ waiting, agents int }{{20, 10}, {1000, 200}} {
		b.Run(fmt.Sprintf("%dx%d", size.waiting, size.agents), func(b *testing.B) {
			members := make([]journal.SubjectID, size.agents)
			for i := range members {
				members[i] = journal.SubjectID(fmt.Sprintf("p-%04d", i))
			}
			doc := &office.Document{Groups: []office.Group{queue("sales", nil, members...)}}
			a, err := acd.New(acd.Options{Switch: nobody{make(chan acd.Offer)}, Journal: bin{}, Office: doc})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- a.Run(ctx) }()
			defer func() { cancel(); <-ended }()
			for n := range size.waiting {
				if err := a.Enqueue(acd.Entry{Call: journal.CallID(fmt.Sprint(n)), Queue: "sales"}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := a.Enqueue(acd.Entry{Call: "x", Queue: "sales"}); err != nil {
					b.Fatal(err)
				}
				a.Abandon("x")
				settle(b, a)
				a.Snapshot()
			}
		})
	}
}

// BenchmarkRestart measures a start with a hundred callers in line at the end of a
// day's journal: replay, what the restart ends, and their coming back.
func BenchmarkRestart(b *testing.B) {
	doc := &office.Document{Groups: []office.Group{queue("sales", nil, "p-anna", "p-bruno")}}
	log := &book{now: time.Now}
	first, err := acd.New(acd.Options{Switch: nobody{make(chan acd.Offer, 1)}, Journal: log, Office: doc})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- first.Run(ctx) }()
	enter := func(a *acd.ACD, kind string, n int) {
		e := acd.Entry{Call: journal.CallID(fmt.Sprint(kind, n)), Queue: "sales", Caller: journal.SubjectID(fmt.Sprint("n-", n))}
		if err := a.Enqueue(e); err != nil {
			b.Fatal(err)
		}
	}
	for n := range 3000 { // a day
		enter(first, "a", n)
		if n < 2900 {
			first.Abandon(journal.CallID(fmt.Sprint("a", n)))
		}
		if n%100 == 0 {
			settle(b, first) // no more commands wait than a mailbox holds
		}
	}
	settle(b, first)
	cancel()
	<-ended
	events := log.all()
	b.ReportMetric(float64(len(events)), "events")
	b.ResetTimer()
	for range b.N {
		again, err := acd.New(acd.Options{Switch: nobody{make(chan acd.Offer, 1)}, Journal: bin{}, Office: doc})
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			again.Replay(e)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() { ended <- again.Run(ctx) }()
		for n := 2999; n >= 2900; n-- {
			enter(again, "b", n)
		}
		settle(b, again)
		if w := again.Snapshot().Queues[0].Waiting; len(w) != 100 || w[0].Call != "b2900" {
			b.Fatalf("%d in line, first %+v", len(w), w[0])
		}
		cancel()
		<-ended
	}
}
