package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"centralino/acd/engine"
)

// office is an engine for table tests: every error ends the test.
type office struct {
	*testing.T
	p *script
}

func newOffice(t *testing.T, queues ...engine.Queue) office {
	t.Helper()
	cfg := engine.Config{Seed: 1, Queues: queues}
	s, err := engine.New(cfg, epoch)
	if err != nil {
		t.Fatal(err)
	}
	return office{t, &script{s: s, o: newObserver(cfg), cfg: cfg, now: epoch}}
}

// do runs commands as in testdata, each with the seconds since nine o'clock, and
// returns the agents that rang, in order.
func (o office) do(commands ...string) string {
	o.Helper()
	from := o.p.out.Len()
	for _, line := range commands {
		words := strings.Fields(line)
		at, err := time.ParseDuration(words[0])
		if err != nil {
			o.Fatal(err)
		}
		if err := o.p.until(epoch.Add(at)); err != nil {
			o.Fatal(err)
		}
		if err := o.p.do(words[1:]); err != nil {
			o.Fatal(err)
		}
	}
	var rang []string
	for line := range strings.Lines(o.p.out.String()[from:]) {
		if _, rest, ok := strings.Cut(line, "* ring "); ok {
			rang = append(rang, strings.Fields(rest)[0])
		}
	}
	return strings.Join(rang, " ")
}

func TestStrategies(t *testing.T) {
	everybodyIn := []string{"0s login anna", "1s login bruno", "2s login carla"}
	// talk is one contact from enqueue to the end of the talk with whoever rings.
	talk := func(n int, from, to string) []string {
		return []string{
			fmt.Sprintf("%s enqueue c%d q", from, n), fmt.Sprintf("%s accept %d", from, n), fmt.Sprintf("%s ended c%d", to, n),
		}
	}
	cat := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for _, c := range []struct {
		what     string
		strategy engine.Strategy
		commands []string
		want     string
	}{
		{"longest idle: who logged in first, then who ended first", engine.LongestIdle,
			cat(everybodyIn, talk(1, "10s", "20s"), talk(2, "30s", "31s"), talk(3, "40s", "41s"), talk(4, "50s", "60s")),
			"anna bruno carla anna"},
		{"longest idle: a pause does not lose the place", engine.LongestIdle,
			cat(everybodyIn, []string{"3s pause anna", "9s ready anna"}, talk(1, "10s", "20s")), "anna"},
		{"longest idle: an outside call does not lose the place", engine.LongestIdle,
			cat(everybodyIn, []string{"3s busy anna", "9s free anna"}, talk(1, "10s", "20s")), "anna"},
		{"longest idle: a new login goes last", engine.LongestIdle,
			cat(everybodyIn, []string{"3s logout anna", "9s login anna"}, talk(1, "10s", "20s")), "bruno"},
		{"longest idle: who missed this caller is asked after the others", engine.LongestIdle,
			cat(everybodyIn, []string{"10s enqueue c1 q", "75s tick"}), "anna bruno carla anna"},
		{"ordered: the first member whenever he is free", engine.Ordered,
			cat(everybodyIn, talk(1, "10s", "20s"), talk(2, "30s", "31s"), []string{"35s pause anna"}, talk(3, "40s", "41s")),
			"anna anna bruno"},
		{"round robin: each in turn, past those who are not free", engine.RoundRobin,
			cat(everybodyIn, talk(1, "10s", "11s"), []string{"12s pause bruno"}, talk(2, "20s", "21s"), []string{"22s ready bruno"},
				talk(3, "30s", "31s"), talk(4, "40s", "41s"), talk(5, "50s", "51s")),
			"anna carla anna bruno carla"},
		{"ring all: everybody", engine.RingAll, cat(everybodyIn, []string{"10s enqueue c1 q"}), "anna bruno carla"},
		{"fewest calls: a newcomer is preferred, not flooded", engine.FewestCalls,
			cat([]string{"0s login anna", "0s login bruno"},
				talk(1, "1m", "2m"), talk(2, "3m", "4m"), talk(3, "5m", "6m"), talk(4, "7m", "8m"), []string{"10m login carla"},
				talk(5, "10m", "11m"), talk(6, "12m", "13m"), talk(7, "14m", "15m"), talk(8, "16m", "17m")),
			"anna bruno anna bruno carla anna bruno carla"},
		{"least occupied: one long talk weighs more than many short ones", engine.LeastOccupied,
			cat([]string{"0s login anna", "0s login bruno"},
				talk(1, "1m", "10m"), talk(2, "11m", "12m"), talk(3, "13m", "14m"), talk(4, "15m", "16m")),
			"anna bruno bruno bruno"},
		{"least occupied: after an hour it is forgotten", engine.LeastOccupied,
			cat([]string{"0s login anna", "0s login bruno"},
				talk(1, "1m", "10m"), talk(2, "62m", "64m"), talk(3, "75m", "76m")),
			"anna bruno anna"},
		{"progressive: the longest idle, then one more every five seconds, then all", engine.Progressive,
			cat(everybodyIn, []string{"10s enqueue c1 q", "14s tick", "15s tick", "29s tick"}), "anna bruno carla"},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := newOffice(t, engine.Queue{
				ID: "q", Strategy: c.strategy, MissesToPause: 9, Members: []engine.AgentID{"anna", "bruno", "carla"},
			})
			if got := o.do(c.commands...); got != c.want {
				t.Errorf("rang %s, want %s\n%s", got, c.want, o.p.out.String())
			}
		})
	}
}

func TestRandomTakesEverybodyAboutAsOften(t *testing.T) {
	members := []engine.AgentID{"anna", "bruno", "carla", "dino"}
	cfg := engine.Config{Seed: 42, Queues: []engine.Queue{{ID: "q", Strategy: engine.Random, Members: members}}}
	s, err := engine.New(cfg, epoch)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		s.Apply(&engine.Command{Kind: engine.Login, Agent: m}, epoch)
	}
	rang := map[engine.AgentID]int{}
	const calls = 4000
	for range calls {
		for _, a := range s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: "c", Queue: "q"}, epoch).Actions {
			rang[a.Agent]++
		}
		s.Apply(&engine.Command{Kind: engine.Abandon, Contact: "c"}, epoch)
	}
	for _, m := range members {
		// 4 standard deviations of a binomial with p = 1/4 are 110.
		if d := rang[m] - calls/4; d < -110 || d > 110 {
			t.Errorf("%s rang %d times of %d", m, rang[m], calls)
		}
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	good := engine.Queue{ID: "q", Strategy: engine.RingAll, Members: []engine.AgentID{"anna"}}
	for _, c := range []struct {
		what string
		edit func(*engine.Queue)
		want string
	}{
		{"an unknown strategy is an error, never a default", func(q *engine.Queue) { q.Strategy = "longest-idle" }, "strategy"},
		{"no strategy is an error", func(q *engine.Queue) { q.Strategy = "" }, "strategy"},
		{"a queue without id", func(q *engine.Queue) { q.ID = "" }, "id"},
		{"a negative ring time", func(q *engine.Queue) { q.RingTime = -1 }, "ringTime"},
		{"a negative wait", func(q *engine.Queue) { q.MaxWait = -1 }, "maxWait"},
		{"a member twice", func(q *engine.Queue) { q.Members = append(q.Members, "anna") }, "members"},
		{"a negative length", func(q *engine.Queue) { q.MaxLength = -1 }, "maxLength"},
		{"a negative number of misses", func(q *engine.Queue) { q.MissesToPause = -1 }, "missesToPause"},
		{"a negative step", func(q *engine.Queue) { q.Step = -1 }, "step"},
	} {
		t.Run(c.what, func(t *testing.T) {
			q := good
			q.Members = append([]engine.AgentID(nil), good.Members...)
			c.edit(&q)
			_, err := engine.New(engine.Config{Queues: []engine.Queue{q}}, epoch)
			var bad *engine.ConfigError
			if !errors.As(err, &bad) || bad.What != c.want {
				t.Errorf("got %v, want an error about %s", err, c.want)
			}
		})
	}
	t.Run("the same queue twice", func(t *testing.T) {
		if _, err := engine.New(engine.Config{Queues: []engine.Queue{good, good}}, epoch); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("a refused change leaves everything as it was", func(t *testing.T) {
		o := newOffice(t, good)
		o.do("0s login anna", "1s enqueue c1 q")
		if _, err := o.p.s.Configure(engine.Config{Queues: []engine.Queue{{ID: "q"}}}, epoch); err == nil {
			t.Fatal("accepted")
		}
		if got := o.do("2s accept 1", "3s ended c1", "4s enqueue c2 q"); got != "anna" {
			t.Errorf("rang %q", got)
		}
	})
}

func TestChangesOfTheOffice(t *testing.T) {
	queue := func(id engine.QueueID, members ...engine.AgentID) engine.Queue {
		return engine.Queue{ID: id, Strategy: engine.LongestIdle, Members: members}
	}
	for _, c := range []struct {
		what   string
		before []string
		change []engine.Queue
		after  []string
		want   string // lines of the log that must appear after the change
	}{
		{"a deleted queue gives its waiting calls to their path", []string{"0s enqueue c1 a", "0s enqueue c2 b"},
			[]engine.Queue{queue("b", "anna")}, nil, "c1 is overflow, waited 5s|* c1 leaves (removed)"},
		{"a deleted queue lets its talks end", []string{"0s login anna", "1s enqueue c1 a", "2s accept 1"},
			[]engine.Queue{queue("b", "anna")}, []string{"9s ended c1"}, "c1 is served, waited 1s, talked 7s|anna is ready"},
		{"who leaves all queues is logged out", []string{"0s login anna"},
			[]engine.Queue{queue("a", "bruno"), queue("b")}, nil, "anna is loggedOut (removed)"},
		{"who leaves all queues while he talks is logged out afterwards", []string{"0s login anna", "1s enqueue c1 a", "2s accept 1"},
			[]engine.Queue{queue("a", "bruno"), queue("b")}, []string{"9s ended c1"},
			"anna is talking, then loggedOut (removed)|anna is loggedOut (removed)"},
		{"who leaves all queues in wrap-up is logged out after it", []string{"0s login anna", "1s enqueue c1 w", "2s accept 1", "4s ended c1"},
			[]engine.Queue{queue("b")}, []string{"60s tick"},
			"5s   agent anna is wrapUp, then loggedOut (removed), until 34s|34s   agent anna is loggedOut (removed)"},
		{"who leaves the queue that rings at him stops ringing, the call goes to the next", []string{"0s login anna", "1s enqueue c1 a", "2s login bruno"},
			[]engine.Queue{queue("a", "bruno"), queue("b", "anna")}, nil, "* stop offer 1 at anna (removed)|* ring bruno for c1"},
		{"a new member gets the call that waits longest", []string{"0s enqueue c1 a", "1s enqueue c2 b"},
			[]engine.Queue{queue("a", "anna", "bruno"), queue("b", "bruno")}, []string{"7s login bruno"}, "* ring bruno for c1"},
		{"a new limit holds for those who wait already", []string{"0s enqueue c1 a", "4s enqueue c2 a"},
			[]engine.Queue{{ID: "a", Strategy: engine.RingAll, MaxWait: 3 * time.Second}}, []string{"8s tick"},
			"* c1 leaves (max wait)|* c2 leaves (max wait)"},
		{"another strategy rings everybody at once", []string{"0s login anna", "0s login bruno", "1s enqueue c1 b"},
			[]engine.Queue{{ID: "b", Strategy: engine.RingAll, Members: []engine.AgentID{"anna", "bruno"}}}, nil, "* ring bruno for c1"},
	} {
		t.Run(c.what, func(t *testing.T) {
			wrap := queue("w", "anna")
			wrap.WrapUp = 30 * time.Second
			o := newOffice(t, queue("a", "anna", "bruno"), queue("b", "anna", "bruno"), wrap)
			o.do(c.before...)
			from := o.p.out.Len()
			o.change(5*time.Second, c.change...)
			o.do(c.after...)
			log := o.p.out.String()[from:]
			for want := range strings.SplitSeq(c.want, "|") {
				if !strings.Contains(log, want) {
					t.Errorf("%q is missing in\n%s", want, log)
				}
			}
		})
	}
}

// change configures the engine anew at the given time.
func (o office) change(at time.Duration, queues ...engine.Queue) {
	o.Helper()
	if err := o.p.until(epoch.Add(at)); err != nil {
		o.Fatal(err)
	}
	o.p.cfg = engine.Config{Queues: queues}
	o.p.o.cfg = o.p.cfg
	r, err := o.p.s.Configure(o.p.cfg, o.p.now)
	if err != nil {
		o.Fatal(err)
	}
	if err := o.p.took(r); err != nil {
		o.Fatal(err)
	}
}
