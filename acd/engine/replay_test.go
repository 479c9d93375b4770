package engine_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/acd/engine"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the engine does into testdata/*.txtar")

// TestReplays plays the commands of testdata/*.txtar and compares what the engine
// does. A file has three sections: "office" with one queue per line, "commands"
// with the time since nine o'clock, a command and its arguments per line, and
// "want", which -update writes.
func TestReplays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no replays: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			head, want, ok := strings.Cut(string(raw), "-- want --\n")
			if !ok {
				t.Fatal("no section want")
			}
			got, err := play(head)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(name, []byte(head+"-- want --\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// script is an engine driven by lines of text.
type script struct {
	s   *engine.State
	o   *observer
	cfg engine.Config
	now time.Time
	out strings.Builder
}

// play runs the sections office and commands and returns what happened. Deadlines
// between two commands pass at their own instants.
func play(text string) (string, error) {
	_, text, _ = strings.Cut(text, "-- office --\n")
	office, commands, ok := strings.Cut(text, "-- commands --\n")
	if !ok {
		return "", fmt.Errorf("no section commands")
	}
	p := &script{now: epoch}
	for line := range strings.Lines(office) {
		if err := p.queue(strings.Fields(line)); err != nil {
			return "", err
		}
	}
	var err error
	if p.s, err = engine.New(p.cfg, epoch); err != nil {
		return "", err
	}
	p.o = newObserver(p.cfg)
	scan := bufio.NewScanner(strings.NewReader(commands))
	for scan.Scan() {
		words := strings.Fields(scan.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		at, err := time.ParseDuration(words[0])
		if err != nil {
			return "", err
		}
		if err := p.until(epoch.Add(at)); err != nil {
			return "", err
		}
		if err := p.do(words[1:]); err != nil {
			return "", fmt.Errorf("%s: %w", scan.Text(), err)
		}
	}
	return p.out.String(), nil
}

// queue reads a line of the office: a queue, or "skill AGENT SKILL:LEVEL …",
// "reason ID break|work …", "breaks EVERY FOR".
func (p *script) queue(words []string) error {
	if len(words) == 0 {
		return nil
	}
	switch words[0] {
	case "skill":
		levels, err := skills(strings.Join(words[2:], ","))
		if p.cfg.Skills == nil {
			p.cfg.Skills = map[engine.AgentID]map[engine.SkillID]int{}
		}
		p.cfg.Skills[engine.AgentID(words[1])] = levels
		return err
	case "reason":
		if p.cfg.Reasons == nil {
			p.cfg.Reasons = map[engine.Reason]engine.PauseRule{}
		}
		p.cfg.Reasons[engine.Reason(words[1])] = engine.PauseRule{
			Break: slices.Contains(words, "break"), Work: slices.Contains(words, "work"),
		}
		return nil
	case "breaks":
		var err, err2 error
		p.cfg.BreakEvery, err = time.ParseDuration(words[1])
		p.cfg.BreakFor, err2 = time.ParseDuration(words[2])
		return errors.Join(err, err2)
	}
	q := engine.Queue{ID: engine.QueueID(words[0]), Strategy: engine.Strategy(words[1]), MissesToPause: 2}
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		d, derr := time.ParseDuration(value)
		var n int
		_, nerr := fmt.Sscanf(value, "%d", &n)
		switch key {
		case "ring":
			q.RingTime = d
		case "wrap":
			q.WrapUp = d
		case "wait":
			q.MaxWait = d
		case "bonus":
			q.Bonus = d
		case "every":
			q.Every = d
		case "misses":
			q.MissesToPause, derr = n, nerr
		case "length":
			q.MaxLength, derr = n, nerr
		case "step":
			q.Step, derr = n, nerr
		case "members":
			derr = nil
			for m := range strings.SplitSeq(value, ",") {
				q.Members = append(q.Members, engine.AgentID(m))
			}
		case "needs":
			q.Needs, derr = skills(value)
		case "ring2": // AFTER/LOWER/WITHOUT/MEMBERS
			var r engine.Ring
			r, derr = ringOf(value)
			q.Rings = append(q.Rings, r)
		default:
			known := flags[key]
			if times[key] == nil && numbers[key] == nil && known == nil {
				return fmt.Errorf("unknown rule %s", w)
			}
			switch {
			case known != nil:
				*known(&q), derr = true, nil
			case numbers[key] != nil:
				*numbers[key](&q), derr = n, nerr
			default:
				*times[key](&q) = d
			}
		}
		if derr != nil {
			return fmt.Errorf("%s: %w", w, derr)
		}
	}
	p.cfg.Queues = append(p.cfg.Queues, q)
	return nil
}

// Rules of a queue in the office section.
var (
	flags = map[string]func(*engine.Queue) *bool{
		"urgent":   func(q *engine.Queue) *bool { return &q.Urgent },
		"refuse":   func(q *engine.Queue) *bool { return &q.RefuseEmpty },
		"leave":    func(q *engine.Queue) *bool { return &q.LeaveEmpty },
		"must":     func(q *engine.Queue) *bool { return &q.MustOutcome },
		"first":    func(q *engine.Queue) *bool { return &q.AnnounceFirst },
		"position": func(q *engine.Queue) *bool { return &q.SayPosition },
		"saywait":  func(q *engine.Queue) *bool { return &q.SayWait },
	}
	times = map[string]func(*engine.Queue) *time.Duration{
		"redial":   func(q *engine.Queue) *time.Duration { return &q.Redial },
		"last":     func(q *engine.Queue) *time.Duration { return &q.LastAgent },
		"lastof":   func(q *engine.Queue) *time.Duration { return &q.LastAgentOf },
		"expected": func(q *engine.Queue) *time.Duration { return &q.MaxExpected },
		"announce": func(q *engine.Queue) *time.Duration { return &q.Announce },
		"periodic": func(q *engine.Queue) *time.Duration { return &q.Periodic },
		"retry":    func(q *engine.Queue) *time.Duration { return &q.CallbackRetry },
		"more":     func(q *engine.Queue) *time.Duration { return &q.WrapUpMore },
	}
	numbers = map[string]func(*engine.Queue) *int{
		"tries": func(q *engine.Queue) *int { return &q.CallbackTries },
	}
)

// skills reads "english:2,repairs:1".
func skills(text string) (map[engine.SkillID]int, error) {
	levels := map[engine.SkillID]int{}
	for w := range strings.SplitSeq(text, ",") {
		name, level, _ := strings.Cut(w, ":")
		n, err := strconv.Atoi(level)
		if err != nil {
			return nil, err
		}
		levels[engine.SkillID(name)] = n
	}
	return levels, nil
}

// ringOf reads "30s/1/english/carla+dino"; what is missing is empty.
func ringOf(text string) (r engine.Ring, err error) {
	parts := append(strings.Split(text, "/"), "", "", "")
	if r.After, err = time.ParseDuration(parts[0]); err != nil {
		return r, err
	}
	if parts[1] != "" {
		if r.Lower, err = strconv.Atoi(parts[1]); err != nil {
			return r, err
		}
	}
	for _, s := range strings.FieldsFunc(parts[2], func(c rune) bool { return c == '+' }) {
		r.Without = append(r.Without, engine.SkillID(s))
	}
	for _, m := range strings.FieldsFunc(parts[3], func(c rune) bool { return c == '+' }) {
		r.Members = append(r.Members, engine.AgentID(m))
	}
	return r, nil
}

// until lets every deadline pass up to now.
func (p *script) until(now time.Time) error {
	for {
		at, ok := p.s.Deadline()
		if !ok || at.After(now) {
			break
		}
		p.now = at
		if err := p.apply(engine.Command{Kind: engine.Tick}); err != nil {
			return err
		}
	}
	p.now = now
	return nil
}

var verbs = map[string]engine.CommandKind{
	"tick": engine.Tick, "enqueue": engine.Enqueue, "abandon": engine.Abandon, "accept": engine.Accept,
	"decline": engine.Decline, "fail": engine.Fail, "ended": engine.TalkEnded, "lost": engine.TalkLost,
	"busy": engine.AgentBusy, "free": engine.AgentFree, "gone": engine.PhoneGone, "back": engine.PhoneBack,
	"login": engine.Login, "logout": engine.Logout, "pause": engine.Pause, "ready": engine.Ready,
	"restart": engine.Restart, "work": engine.OtherWork, "extend": engine.Extend, "outcome": engine.OutcomeKnown,
	"callback": engine.AskCallback, "cancel": engine.CancelCallback, "dialled": engine.CallbackResult, "exit": engine.Exit,
	"waiton": engine.WaitOn, "take": engine.TakeCaller, "give": engine.GiveCaller, "reached": engine.Reached,
}

func (p *script) do(words []string) error {
	fmt.Fprintf(&p.out, "%s > %s\n", p.now.Sub(epoch), strings.Join(words, " "))
	if words[0] == "replay" { // the box starts again from its journal
		if err := p.o.replay(p.s); err != nil {
			return err
		}
		fresh, err := engine.New(p.cfg, p.now)
		if err != nil {
			return err
		}
		for i := range p.o.log {
			fresh.Fold(&p.o.log[i])
		}
		p.s = fresh
		return nil
	}
	kind, ok := verbs[words[0]]
	if !ok {
		return fmt.Errorf("unknown command")
	}
	cmd := engine.Command{Kind: kind, Source: engine.FromPhone}
	for n, w := range words[1:] {
		switch {
		case n == 0 && kind >= engine.AgentBusy && kind < engine.AskCallback:
			cmd.Agent = engine.AgentID(w)
		case n == 0 && (kind == engine.Accept || kind == engine.Decline || kind == engine.Fail):
			if _, err := fmt.Sscanf(w, "%d", &cmd.Offer); err != nil {
				return err
			}
		case n == 0 && kind >= engine.TakeCaller:
			cmd.Caller = engine.AgentID(w)
		case n == 0:
			cmd.Contact = engine.ContactID(w)
		case w == "urgent":
			cmd.Urgent = true
		case w == "page":
			cmd.Source = engine.FromPage
		case strings.HasPrefix(w, "bonus="):
			d, err := time.ParseDuration(w[len("bonus="):])
			if err != nil {
				return err
			}
			cmd.Bonus = d
		case strings.HasPrefix(w, "caller="):
			cmd.Caller = engine.AgentID(w[len("caller="):])
		case strings.HasPrefix(w, "by="):
			cmd.By = engine.AgentID(w[len("by="):])
		case kind == engine.GiveCaller, kind == engine.TalkEnded:
			cmd.Reason = engine.Reason(w)
		case kind == engine.Enqueue || kind == engine.AskCallback:
			cmd.Queue = engine.QueueID(w)
		case kind == engine.Pause || kind == engine.OtherWork:
			cmd.Reason = engine.Reason(w)
		case kind == engine.OutcomeKnown:
			cmd.Contact = engine.ContactID(w)
		case kind == engine.CallbackResult:
			cmd.Result = w
		default:
			return fmt.Errorf("what is %s", w)
		}
	}
	return p.apply(cmd)
}

func (p *script) apply(cmd engine.Command) error {
	return p.took(p.s.Apply(&cmd, p.now))
}

// took checks a result and writes it down.
func (p *script) took(r engine.Result) error {
	if err := p.o.take(r, p.now); err != nil {
		return err
	}
	for i := range r.Events {
		fmt.Fprintf(&p.out, "%s   %s\n", p.now.Sub(epoch), eventLine(&r.Events[i]))
	}
	for i := range r.Actions {
		fmt.Fprintf(&p.out, "%s   %s\n", p.now.Sub(epoch), actionLine(&r.Actions[i]))
	}
	if r.Err != nil {
		fmt.Fprintf(&p.out, "%s   refused: %v\n", p.now.Sub(epoch), r.Err)
	}
	return p.o.check(p.s)
}

func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Sub(epoch).String()
}

func eventLine(e *engine.Event) string {
	switch e.Kind {
	case engine.AgentChanged:
		s := fmt.Sprintf("agent %s is %s", e.Agent, e.State)
		if e.Reason != "" {
			s += fmt.Sprintf(" (%s)", e.Reason)
		}
		if e.Misses > 0 {
			s += fmt.Sprintf(", missed %d", e.Misses)
		}
		if e.Asked != "" {
			s += fmt.Sprintf(", then %s (%s)", e.Asked, e.AskedReason)
		}
		if !e.Until.Time().IsZero() {
			s += ", until " + since(e.Until.Time())
		}
		if e.Owes != "" {
			s += ", owes the outcome of " + string(e.Owes)
		}
		return s
	case engine.ContactAnnounced:
		return fmt.Sprintf("contact %s is told: place %d, %s to %s (%d agents)", e.Contact, e.Position, e.Waited, e.Talked, e.Agents)
	case engine.CallbackPromised:
		return fmt.Sprintf("contact %s is promised a call to %s, ranks as of %s", e.Contact, e.Caller, since(e.Arrival.Time()))
	case engine.CallbackTried:
		return fmt.Sprintf("try %d to call %s back by %s: %s, next %s", e.Misses, e.Contact, e.Agent, e.Outcome, since(e.Until.Time()))
	case engine.BreakProposed:
		return fmt.Sprintf("a break is proposed to %s, due at %s", e.Agent, since(e.Deadline.Time()))
	case engine.CallbackSettled:
		return fmt.Sprintf("the promise of %s is settled by %s (%s)", e.Contact, e.Agent, e.Reason)
	case engine.RecallTaken:
		return fmt.Sprintf("caller %s is taken by %s until %s", e.Caller, e.Agent, since(e.Until.Time()))
	case engine.RecallDone:
		return fmt.Sprintf("caller %s is given back by %q (%s)", e.Caller, e.Agent, e.Reason)
	case engine.ContactQueued:
		s := fmt.Sprintf("contact %s waits in %s, ranks as of %s", e.Contact, e.Queue, since(e.Arrival.Time()))
		if e.Reason != "" {
			s += fmt.Sprintf(" (%s)", e.Reason)
		}
		if e.Agent != "" {
			s += fmt.Sprintf(", kept for %s until %s", e.Agent, since(e.Until.Time()))
		}
		return s
	case engine.ContactOffered:
		s := fmt.Sprintf("offer %d of %s to %s until %s:", e.Offer, e.Contact, e.Agent, since(e.Deadline.Time()))
		for _, c := range e.Candidates {
			s += " " + string(c.Agent)
			if c.Reason != "" {
				s += "(" + c.Reason + ")"
			}
		}
		return s
	case engine.OfferEnded:
		return fmt.Sprintf("offer %d of %s to %s is %s", e.Offer, e.Contact, e.Agent, e.Outcome)
	case engine.ContactConnected:
		return fmt.Sprintf("contact %s talks to %s after %s", e.Contact, e.Agent, e.Waited)
	case engine.ContactEnded:
		s := fmt.Sprintf("contact %s is %s, waited %s, talked %s", e.Contact, e.Outcome, e.Waited, e.Talked)
		if e.Reason != "" {
			s += fmt.Sprintf(" (%s)", e.Reason)
		}
		return s
	}
	return "?"
}

func actionLine(a *engine.Action) string {
	switch a.Kind {
	case engine.RingAgent:
		return fmt.Sprintf("* ring %s for %s, offer %d", a.Agent, a.Contact, a.Offer)
	case engine.StopRing:
		return fmt.Sprintf("* stop offer %d at %s (%s)", a.Offer, a.Agent, a.Reason)
	case engine.Connect:
		return fmt.Sprintf("* connect %s with %s, offer %d", a.Contact, a.Agent, a.Offer)
	case engine.Refuse:
		return fmt.Sprintf("* refuse offer %d", a.Offer)
	case engine.CallBack:
		return fmt.Sprintf("* ring %s to call %s back for %s, offer %d", a.Agent, a.Caller, a.Contact, a.Offer)
	case engine.Announce:
		s := fmt.Sprintf("* tell %s: place %d, %s to %s", a.Contact, a.Position, a.Low, a.High)
		if a.Periodic {
			s += ", and the message"
		}
		return s
	case engine.Leave:
		return fmt.Sprintf("* %s leaves (%s)", a.Contact, a.Reason)
	}
	return "?"
}
