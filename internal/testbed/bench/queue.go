package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// The queue's load: agents who talk 1 to 3 s and are free at once, and always as many
// callers waiting.
const (
	queueAgents = 10
	queueTalk   = 2 * time.Second // in the mean
	queueWarm   = 5 * time.Second
	queueFor    = time.Minute
)

// measureQueue measures how soon an agent who hangs up rings again, and how much of
// the agents' time is lost between two calls.
func measureQueue(ctx context.Context, w *world) error {
	best := bestServed(queueAgents, queueTalk, queueWarm, queueFor)
	s, err := w.collect(ctx, max(1, w.o.rounds-1), func(int) (round, error) {
		p, err := w.startBox(ctx, w.folder())
		if err != nil {
			return nil, err
		}
		defer p.stop()
		rows, err := w.load(ctx, "queue", boxAddr, p.pid(), "-agents", fmt.Sprint(queueAgents), "-waiting", "10", "-talk", queueTalk.String(),
			"-ring", "0", "-warm", queueWarm.String(), "-dur", queueFor.String(), "-label", "box")
		if err != nil {
			return nil, err
		}
		if served, ok := rows[0]["served"].(float64); ok {
			rows[0]["lost_percent"] = 100 * (1 - served/float64(best))
		}
		return round{"box": rows[0]}, nil
	})
	if err != nil {
		return err
	}
	w.sheet.add("agent free to agent ringing p50", s.figure("box", "free_to_ring_p50_ms"), 3, "ms", s.String())
	w.sheet.add("agent free to agent ringing p99", s.figure("box", "p99_ms"), 10, "ms", s.String())
	w.sheet.add("queue throughput, what it lacks of the best there can be", s.figure("box", "lost_percent"), 1, "%",
		fmt.Sprintf("%d calls in %s; %s", best, queueFor, s.String()))
	w.sheet.add("calls failed at the queue", s.worst("box", "failed"), 0, "", "worst of "+s.String())
	w.sheet.add("CPU of a served queue call, ten callers hearing music", s.figure("box", "cpu_ms_per_served"), noGoal, "ms", s.String())
	return nil
}

// bestServed is how many calls end within the counted time where an agent who hangs
// up talks again in the same instant. The kit draws its talk times from a seed that
// never changes, and their mean is not yet the nominal one after a minute: its own
// ideal (agents by time by mean) is out of any box's reach (2 % in the first minute,
// 4 % in the first 30 s).
func bestServed(agents int, talk, warm, counted time.Duration) int {
	draws := rand.New(rand.NewPCG(1, 2)) // boxload's
	free := make([]time.Duration, agents)
	for i := range free {
		free[i] = time.Duration(i) * 20 * time.Millisecond // its callers come one by one
	}
	for n := 0; ; {
		next := 0
		for i := range free {
			if free[i] < free[next] {
				next = i
			}
		}
		if free[next] > warm+counted {
			return n
		}
		free[next] += time.Duration((0.5 + draws.Float64()) * float64(talk))
		if free[next] > warm && free[next] <= warm+counted {
			n++
		}
	}
}
