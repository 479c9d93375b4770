package engine_test

import (
	"fmt"
	"testing"
	"time"

	"centralino/acd/engine"
)

// crowd is an engine with waiting contacts and agents who all talk.
func crowd(tb testing.TB, strategy engine.Strategy, waiting, agents, queues int) (*engine.State, time.Time) {
	cfg := engine.Config{}
	for q := range queues {
		queue := engine.Queue{ID: engine.QueueID(fmt.Sprintf("q%d", q)), Strategy: strategy, MaxWait: time.Hour}
		for a := range agents {
			queue.Members = append(queue.Members, engine.AgentID(fmt.Sprintf("p-%04d", a)))
		}
		cfg.Queues = append(cfg.Queues, queue)
	}
	s, err := engine.New(cfg, epoch)
	if err != nil {
		tb.Fatal(err)
	}
	now := epoch
	for n := range waiting + agents {
		now = now.Add(time.Millisecond)
		s.Apply(engine.Command{Kind: engine.Enqueue, Contact: contactID(n), Queue: engine.QueueID(fmt.Sprintf("q%d", n%queues))}, now)
	}
	for a := range agents {
		now = now.Add(time.Millisecond)
		r := s.Apply(engine.Command{Kind: engine.Login, Agent: engine.AgentID(fmt.Sprintf("p-%04d", a))}, now)
		s.Apply(engine.Command{Kind: engine.Accept, Offer: r.Actions[0].Offer}, now)
	}
	return s, now
}

func contactID(n int) engine.ContactID { return engine.ContactID(fmt.Sprintf("c-%06d", n)) }

// BenchmarkDecision measures one agent becoming free, the decision, the answer
// and the end of that talk, and a new caller: four commands per round.
func BenchmarkDecision(b *testing.B) {
	for _, size := range []struct{ waiting, agents, queues int }{{20, 10, 1}, {1000, 200, 2}} {
		for _, strategy := range []engine.Strategy{engine.LongestIdle, engine.LeastOccupied, engine.Random} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", strategy, size.waiting, size.agents, size.queues), func(b *testing.B) {
				s, now := crowd(b, strategy, size.waiting, size.agents, size.queues)
				talks := make([]engine.ContactID, size.agents) // who talks, in order
				for i := range talks {
					talks[i] = contactID(i)
				}
				ids := make([]engine.ContactID, size.waiting+size.agents+1)
				for i := range ids {
					ids[i] = contactID(100000 + i)
				}
				queues := []engine.QueueID{"q0", "q1"}[:size.queues]
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					now = now.Add(time.Millisecond)
					r := s.Apply(engine.Command{Kind: engine.TalkEnded, Contact: talks[i%len(talks)]}, now)
					ring := &r.Actions[0]
					talks[i%len(talks)] = ring.Contact
					s.Apply(engine.Command{Kind: engine.Accept, Offer: ring.Offer}, now)
					s.Apply(engine.Command{Kind: engine.Enqueue, Contact: ids[i%len(ids)], Queue: queues[i%len(queues)]}, now)
				}
			})
		}
	}
}

// BenchmarkAgentFree measures the decision alone: an agent takes a break and is
// ready again, which offers him the first of all waiting contacts.
func BenchmarkAgentFree(b *testing.B) {
	s, now := crowd(b, engine.LongestIdle, 1000, 200, 2)
	s.Apply(engine.Command{Kind: engine.TalkEnded, Contact: contactID(0)}, now)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		s.Apply(engine.Command{Kind: engine.Pause, Agent: "p-0000"}, now)
		if r := s.Apply(engine.Command{Kind: engine.Ready, Agent: "p-0000"}, now); len(r.Actions) != 1 {
			b.Fatalf("%+v", r.Actions)
		}
	}
}

// BenchmarkArrival measures a caller who finds all 200 agents free, and is gone.
func BenchmarkArrival(b *testing.B) {
	for _, strategy := range []engine.Strategy{engine.LongestIdle, engine.RingAll} {
		b.Run(string(strategy), func(b *testing.B) {
			s, now := crowd(b, strategy, 0, 200, 1)
			for n := range 200 {
				s.Apply(engine.Command{Kind: engine.TalkEnded, Contact: contactID(n)}, now)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				s.Apply(engine.Command{Kind: engine.Enqueue, Contact: "c", Queue: "q0"}, now)
				s.Apply(engine.Command{Kind: engine.Abandon, Contact: "c"}, now)
			}
		})
	}
}

// TestDecisionsDoNotAllocate holds the engine to its promise.
func TestDecisionsDoNotAllocate(t *testing.T) {
	s, now := crowd(t, engine.LongestIdle, 100, 20, 2)
	s.Apply(engine.Command{Kind: engine.TalkEnded, Contact: contactID(0)}, now)
	n := testing.AllocsPerRun(500, func() {
		s.Apply(engine.Command{Kind: engine.Pause, Agent: "p-0000"}, now)
		s.Apply(engine.Command{Kind: engine.Ready, Agent: "p-0000"}, now)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
