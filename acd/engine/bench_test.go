package engine_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/internal/testbed"
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
		s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: contactID(n), Queue: engine.QueueID(fmt.Sprintf("q%d", n%queues))}, now)
	}
	for a := range agents {
		now = now.Add(time.Millisecond)
		r := s.Apply(&engine.Command{Kind: engine.Login, Agent: engine.AgentID(fmt.Sprintf("p-%04d", a))}, now)
		s.Apply(&engine.Command{Kind: engine.Accept, Offer: r.Actions[0].Offer}, now)
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
					r := s.Apply(&engine.Command{Kind: engine.TalkEnded, Contact: talks[i%len(talks)]}, now)
					ring := &r.Actions[0]
					talks[i%len(talks)] = ring.Contact
					s.Apply(&engine.Command{Kind: engine.Accept, Offer: ring.Offer}, now)
					s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: ids[i%len(ids)], Queue: queues[i%len(queues)]}, now)
				}
			})
		}
	}
}

// BenchmarkAgentFree measures the decision alone: an agent takes a break and is
// ready again, which offers him the first of all waiting contacts.
func BenchmarkAgentFree(b *testing.B) {
	s, now := crowd(b, engine.LongestIdle, 1000, 200, 2)
	s.Apply(&engine.Command{Kind: engine.TalkEnded, Contact: contactID(0)}, now)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		s.Apply(&engine.Command{Kind: engine.Pause, Agent: "p-0000"}, now)
		if r := s.Apply(&engine.Command{Kind: engine.Ready, Agent: "p-0000"}, now); len(r.Actions) != 1 {
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
				s.Apply(&engine.Command{Kind: engine.TalkEnded, Contact: contactID(n)}, now)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: "c", Queue: "q0"}, now)
				s.Apply(&engine.Command{Kind: engine.Abandon, Contact: "c"}, now)
			}
		})
	}
}

// TestDecisionsDoNotAllocate holds the engine to its promise.
func TestDecisionsDoNotAllocate(t *testing.T) {
	s, now := crowd(t, engine.LongestIdle, 100, 20, 2)
	s.Apply(&engine.Command{Kind: engine.TalkEnded, Contact: contactID(0)}, now)
	n := testing.AllocsPerRun(500, func() {
		s.Apply(&engine.Command{Kind: engine.Pause, Agent: "p-0000"}, now)
		s.Apply(&engine.Command{Kind: engine.Ready, Agent: "p-0000"}, now)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// skilled is an engine with 16 queues that need a skill each, 200 agents with some
// of the 16 skills at some level, all of whom talk, and waiting contacts who have
// come to different rings.
func skilled(tb testing.TB, waiting int) (s *engine.State, now time.Time, talks []engine.ContactID) {
	const agents, skills = 200, 16
	rng := rand.New(rand.NewPCG(1, 2))
	cfg := engine.Config{Skills: map[engine.AgentID]map[engine.SkillID]int{}}
	var members []engine.AgentID
	for a := range agents {
		id := engine.AgentID(fmt.Sprintf("p-%04d", a))
		members = append(members, id)
		cfg.Skills[id] = map[engine.SkillID]int{}
		for range 4 {
			cfg.Skills[id][engine.SkillID(fmt.Sprintf("s%d", rng.IntN(skills)))] = 1 + rng.IntN(9)
		}
	}
	for q := range skills {
		skill := engine.SkillID(fmt.Sprintf("s%d", q))
		cfg.Queues = append(cfg.Queues, engine.Queue{
			ID: engine.QueueID(fmt.Sprintf("q%d", q)), Strategy: engine.LongestIdle, Members: members, MaxWait: time.Hour,
			Needs: map[engine.SkillID]int{skill: 5}, LastAgent: 10 * time.Second,
			Rings: []engine.Ring{{After: 200 * time.Millisecond, Lower: 3}, {After: 500 * time.Millisecond, Without: []engine.SkillID{skill}}},
		})
	}
	s, err := engine.New(cfg, epoch)
	if err != nil {
		tb.Fatal(err)
	}
	now = epoch
	for _, m := range members {
		s.Apply(&engine.Command{Kind: engine.Login, Agent: m}, now)
	}
	for n := 0; len(talks) < agents || waiting > 0; n++ {
		now = now.Add(time.Millisecond)
		r := s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: contactID(n), Queue: cfg.Queues[n%skills].ID, Caller: engine.AgentID(fmt.Sprint("n-", n))}, now)
		ringing := false
		for i := range r.Actions {
			if x := &r.Actions[i]; x.Kind == engine.RingAgent {
				ringing = ringing || x.Contact == contactID(n)
				talks = append(talks, x.Contact)
				s.Apply(&engine.Command{Kind: engine.Accept, Offer: x.Offer}, now)
				break // the actions are the engine's again
			}
		}
		if !ringing && len(talks) == agents {
			waiting--
		}
	}
	return s, now, talks
}

// BenchmarkDecisionWithSkills measures the decision when an agent becomes free among
// 200 with 16 skills and 1,000 waiting contacts in 16 queues with rings, and gives
// its quantiles: by the wall of all decisions (wall), and by the time that the thread
// had a core, less what asking for it takes (cpu); disturbed are those during which
// the wall went on for more than a microsecond longer. ns/op is that with the answer
// and a new caller.
func BenchmarkDecisionWithSkills(b *testing.B) {
	s, now, talks := skilled(b, 1000)
	n := 100_000
	ids := make([]engine.ContactID, 20_000) // each is used again when its contact has long ended
	callers := make([]engine.AgentID, len(ids))
	for i := range ids {
		ids[i], callers[i] = contactID(n+i), engine.AgentID(fmt.Sprint("n-", i))
	}
	queues := make([]engine.QueueID, 16)
	for i := range queues {
		queues[i] = engine.QueueID(fmt.Sprintf("q%d", i))
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	asking, looking := askingTime()
	walls, cpus := make([]time.Duration, 0, b.N), make([]time.Duration, 0, b.N)
	disturbed := 0
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		now = now.Add(time.Millisecond)
		end := engine.Command{Kind: engine.TalkEnded, Contact: talks[i%len(talks)]}
		cpu := testbed.ThreadTime()
		from := time.Now()
		r := s.Apply(&end, now)
		wall := time.Since(from) - looking
		cpu = testbed.ThreadTime() - cpu - asking
		walls, cpus = append(walls, wall), append(cpus, cpu)
		if wall > cpu+time.Microsecond {
			disturbed++
		}
		if len(r.Actions) == 0 || r.Actions[0].Kind != engine.RingAgent {
			b.Fatalf("%+v", r)
		}
		talks[i%len(talks)] = r.Actions[0].Contact
		s.Apply(&engine.Command{Kind: engine.Accept, Offer: r.Actions[0].Offer}, now)
		s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: ids[i%len(ids)], Queue: queues[i%16], Caller: callers[i%len(ids)]}, now)
	}
	for name, times := range map[string][]time.Duration{"wall": walls, "cpu": cpus} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "p50-"+name+"-ns")
		b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "p99-"+name+"-ns")
	}
	b.ReportMetric(1000*float64(disturbed)/float64(b.N), "disturbed-‰")
}

// askingTime returns how long it takes to ask for the thread's time with a look at
// the clock in between, and that look itself: the smallest of many.
func askingTime() (asking, looking time.Duration) {
	asking, looking = time.Hour, time.Hour
	for range 10_000 {
		cpu := testbed.ThreadTime()
		from := time.Now()
		looking = min(looking, time.Since(from))
		asking = min(asking, testbed.ThreadTime()-cpu)
	}
	return asking, looking
}

// TestDecisionsWithSkillsDoNotAllocate holds the engine to its promise with rings,
// callers kept for an agent, calls back and announcements as well.
func TestDecisionsWithSkillsDoNotAllocate(t *testing.T) {
	s, now, talks := skilled(t, 100)
	warm := func() {
		s.Apply(&engine.Command{Kind: engine.TalkEnded, Contact: talks[0]}, now)
	}
	warm()
	agent := s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: "x", Queue: "q0", Caller: "n-1"}, now)
	if agent.Err != nil {
		t.Fatal(agent.Err)
	}
	n := testing.AllocsPerRun(500, func() {
		s.Apply(&engine.Command{Kind: engine.Pause, Agent: "p-0000"}, now)
		s.Apply(&engine.Command{Kind: engine.Ready, Agent: "p-0000"}, now)
		s.Apply(&engine.Command{Kind: engine.AskCallback, Contact: "x"}, now)
		s.Apply(&engine.Command{Kind: engine.CancelCallback, Contact: "x"}, now)
		s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: "x", Queue: "q0", Caller: "n-1"}, now)
		now = now.Add(30 * time.Second)
		s.Apply(&engine.Command{Kind: engine.Tick}, now)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
