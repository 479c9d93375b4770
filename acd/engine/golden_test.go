package engine_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"

	"github.com/google/go-cmp/cmp"
)

// TestDecisionsStayTheSame lets random commands loose on offices of every kind and
// compares a hash of all that the engine says with testdata/decisions.golden: every
// event, action and candidate with all its fields, and from time to time the dump.
// Whoever makes the engine faster changes nothing of it; whoever changes its rules
// on purpose writes it anew with -update.
func TestDecisionsStayTheSame(t *testing.T) {
	var got strings.Builder
	for n := range 24 {
		g := newWanderer(t, uint64(n))
		for range 2500 {
			g.step()
		}
		fmt.Fprintf(&got, "%2d %-13s %6d events %6d actions %016x\n", n, g.cfg.Queues[0].Strategy, g.events, g.actions, g.hash.Sum64())
	}
	name := filepath.Join("testdata", "decisions.golden")
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("decisions were (-) and are (+):\n%s", diff)
	}
}

// wanderer gives random commands to an engine and takes a hash of what comes back.
type wanderer struct {
	t       *testing.T
	rng     *rand.Rand
	cfg     engine.Config
	s       *engine.State
	now     time.Time
	offer   engine.OfferID
	steps   int
	events  int
	actions int
	hash    interface {
		io.Writer
		Sum64() uint64
	}
}

func newWanderer(t *testing.T, seed uint64) *wanderer {
	g := &wanderer{t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: epoch, hash: fnv.New64a()}
	g.cfg = g.office(allStrategies[seed%uint64(len(allStrategies))])
	var err error
	if g.s, err = engine.New(g.cfg, g.now); err != nil {
		t.Fatal(err)
	}
	return g
}

// seldom draws 0 in two cases of three, else one of the given seconds.
func (g *wanderer) seldom(seconds ...int) time.Duration {
	if g.rng.IntN(3) > 0 {
		return 0
	}
	return time.Duration(seconds[g.rng.IntN(len(seconds))]) * time.Second
}

func (g *wanderer) agent() engine.AgentID {
	return engine.AgentID(fmt.Sprintf("p-%02d", g.rng.IntN(14)))
}
func (g *wanderer) queue() engine.QueueID { return engine.QueueID(fmt.Sprintf("q%d", g.rng.IntN(5))) }
func (g *wanderer) contact() engine.ContactID {
	return engine.ContactID(fmt.Sprintf("c%02d", g.rng.IntN(24)))
}

func (g *wanderer) caller() journal.SubjectID {
	if n := g.rng.IntN(16); n > 3 {
		return journal.SubjectID(fmt.Sprintf("n-%02d", n))
	}
	return ""
}

// office draws the rules of four queues for fourteen agents.
func (g *wanderer) office(first engine.Strategy) engine.Config {
	cfg := engine.Config{Seed: g.rng.Uint64(), Reasons: someReasons, Skills: map[engine.AgentID]map[engine.SkillID]int{}}
	if every := g.seldom(1800, 7200); every > 0 {
		cfg.BreakEvery, cfg.BreakFor = every, every/8
	}
	for n := range 14 {
		cfg.Skills[engine.AgentID(fmt.Sprintf("p-%02d", n))] = map[engine.SkillID]int{someSkills[0]: g.rng.IntN(3), someSkills[1]: g.rng.IntN(3)}
	}
	for n := range 4 {
		q := engine.Queue{
			ID: engine.QueueID(fmt.Sprintf("q%d", n)), Strategy: first, RingTime: g.seldom(3, 20), MissesToPause: g.rng.IntN(4),
			WrapUp: g.seldom(7, 30), WrapUpMore: g.seldom(20), MustOutcome: g.rng.IntN(4) == 0, MaxWait: g.seldom(60, 600),
			MaxLength: g.rng.IntN(9), MaxExpected: g.seldom(300), RefuseEmpty: g.rng.IntN(4) == 0, LeaveEmpty: g.rng.IntN(4) == 0,
			Step: g.rng.IntN(3), Every: g.seldom(1, 4), Bonus: g.seldom(30), Urgent: g.rng.IntN(6) == 0, Redial: g.seldom(40, 600),
			LastAgent: g.seldom(15), LastAgentOf: g.seldom(300), Announce: g.seldom(10, 30), AnnounceFirst: g.rng.IntN(3) == 0,
			SayPosition: g.rng.IntN(2) == 0, SayWait: g.rng.IntN(3) > 0, Periodic: g.seldom(25), CallbackTries: g.rng.IntN(3), CallbackRetry: g.seldom(20),
		}
		if g.rng.IntN(2) == 0 {
			q.Strategy = allStrategies[g.rng.IntN(len(allStrategies))]
		}
		for _, m := range g.rng.Perm(14)[:3+g.rng.IntN(11)] {
			q.Members = append(q.Members, engine.AgentID(fmt.Sprintf("p-%02d", m)))
		}
		if g.rng.IntN(2) == 0 {
			q.Needs = map[engine.SkillID]int{someSkills[g.rng.IntN(2)]: 1 + g.rng.IntN(2)}
			q.Rings = []engine.Ring{{After: 5 * time.Second, Lower: 1}, {After: 30 * time.Second, Without: someSkills, Members: []engine.AgentID{"p-00"}}}
		}
		cfg.Queues = append(cfg.Queues, q)
	}
	return cfg
}

// step lets some time pass and gives one command.
func (g *wanderer) step() {
	g.steps++
	switch g.rng.IntN(12) {
	case 0, 1, 2:
		g.now = g.now.Add(time.Duration(g.rng.IntN(1500)) * time.Millisecond)
	case 3, 4:
		g.now = g.now.Add(time.Duration(g.rng.IntN(40)) * time.Second)
	case 5:
		if at, ok := g.s.Deadline(); ok {
			g.now = at
		}
	case 6:
		g.now = g.now.Add(time.Duration(g.rng.IntN(12)) * time.Minute)
	}
	if g.rng.IntN(400) == 0 {
		g.cfg = g.office(allStrategies[g.rng.IntN(len(allStrategies))])
		r, err := g.s.Configure(g.cfg, g.now)
		if err != nil {
			g.t.Fatal(err)
		}
		g.take(&r)
		return
	}
	cmd := g.command()
	r := g.s.Apply(&cmd, g.now)
	g.take(&r)
}

func (g *wanderer) command() engine.Command {
	cmd := engine.Command{Contact: g.contact(), Agent: g.agent(), Caller: g.caller()}
	cmd.Source = []engine.Source{engine.FromPhone, engine.FromPage}[g.rng.IntN(2)]
	offer := g.offer - min(g.offer, engine.OfferID(g.rng.IntN(6)))
	switch n := g.rng.IntN(64); {
	case n < 16:
		cmd.Kind, cmd.Queue, cmd.Urgent, cmd.Bonus = engine.Enqueue, g.queue(), g.rng.IntN(12) == 0, g.seldom(25)
	case n < 30:
		cmd.Kind, cmd.Offer = engine.Accept, offer
	case n < 33:
		cmd.Kind, cmd.Offer = []engine.CommandKind{engine.Decline, engine.Fail}[g.rng.IntN(2)], offer
	case n < 36:
		cmd.Kind = engine.Abandon
	case n < 43:
		cmd.Kind = engine.TalkEnded
	case n < 44:
		cmd.Kind = engine.TalkLost
	case n < 47:
		cmd.Kind = engine.Login
	case n < 52:
		cmd.Kind = engine.Ready
	case n < 54:
		cmd.Kind = []engine.CommandKind{engine.Logout, engine.Pause, engine.OtherWork, engine.Extend}[g.rng.IntN(4)]
		cmd.Reason = []engine.Reason{"", "lunch", "files", engine.ReasonBreak}[g.rng.IntN(4)]
	case n < 57:
		cmd.Kind = []engine.CommandKind{engine.AgentBusy, engine.AgentFree, engine.AgentFree, engine.PhoneGone, engine.PhoneBack, engine.PhoneBack}[g.rng.IntN(6)]
	case n < 59:
		cmd.Kind, cmd.Queue = engine.AskCallback, g.queue()
	case n < 62:
		cmd.Kind = engine.CallbackResult
		cmd.Result = []string{engine.DialAnswered, engine.DialBusy, engine.DialNoAnswer}[g.rng.IntN(3)]
	case n < 63:
		cmd.Kind = []engine.CommandKind{engine.OutcomeKnown, engine.CancelCallback, engine.Exit}[g.rng.IntN(3)]
	default:
		cmd.Kind = engine.Tick
		if g.rng.IntN(20) == 0 {
			cmd.Kind = engine.Restart
		}
	}
	return cmd
}

// take adds a result to the hash.
func (g *wanderer) take(r *engine.Result) {
	fmt.Fprintln(g.hash, r.Err)
	for i := range r.Events {
		e := &r.Events[i]
		g.offer = max(g.offer, e.Offer)
		fmt.Fprintf(g.hash, "%d %+v\n", e.At.Time().UnixNano(), e.Payload())
	}
	for i := range r.Actions {
		fmt.Fprintf(g.hash, "%+v\n", r.Actions[i])
	}
	at, due := g.s.Deadline()
	fmt.Fprintln(g.hash, at.UnixNano(), due)
	g.events += len(r.Events)
	g.actions += len(r.Actions)
	if g.steps%100 == 0 {
		d, err := json.Marshal(g.s.Dump(g.now))
		if err != nil {
			g.t.Fatal(err)
		}
		_, _ = g.hash.Write(d)
	}
}
