package update

import (
	"context"
	"strings"
	"time"
)

// Check is one thing that a version must do to be kept. Probe must end with its
// context.
type Check struct {
	Name  string // "sip", "lines", "database", "page"; its text has the id "update.check." + Name
	Probe func(ctx context.Context) error
	// Trial marks what is asked of a new version alone. What may be broken for other
	// reasons, as a line without a cable, must not count against the version in force.
	Trial bool
}

// Gate is the health gate: every check must pass, again and again for Stable, before
// Limit is over.
type Gate struct {
	Checks []Check
	Limit  time.Duration // 5 min if 0
	Stable time.Duration // 1 min if 0
	Every  time.Duration // 5 s if 0; one probe has as long
}

func (g Gate) defaults() Gate {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&g.Limit, 5*time.Minute)
	def(&g.Stable, time.Minute)
	def(&g.Every, 5*time.Second)
	return g
}

// pass returns the names of the checks that were lacking last, none if the gate was
// passed. It returns at the limit at the latest, also if a probe hangs, and early
// with ctx.
func (g Gate) pass(ctx context.Context, trial bool) (lacking []string) {
	g = g.defaults()
	ctx, stop := context.WithTimeout(ctx, g.Limit)
	defer stop()
	t := time.NewTicker(g.Every)
	defer t.Stop()
	well := time.Time{} // since when all is well
	for first := true; ; first = false {
		if now := g.look(ctx, trial); first || ctx.Err() == nil { // what was cut short tells nothing
			lacking = now
		}
		now := time.Now()
		switch {
		case len(lacking) > 0:
			well = time.Time{}
		case well.IsZero():
			well = now
		}
		if !well.IsZero() && now.Sub(well) >= g.Stable {
			return nil
		}
		select {
		case <-ctx.Done():
			if len(lacking) == 0 {
				lacking = []string{"stable"} // well, but not for long enough
			}
			return lacking
		case <-t.C:
		}
	}
}

// look probes everything once, side by side, so that one that hangs hides no other.
func (g Gate) look(ctx context.Context, trial bool) (lacking []string) {
	ctx, stop := context.WithTimeout(ctx, g.Every)
	defer stop()
	type answer struct {
		i   int
		err error
	}
	answers := make(chan answer, len(g.Checks)) // room for each: a probe that comes too late ends too
	asked := map[int]bool{}
	for i, c := range g.Checks {
		if c.Trial && !trial {
			continue
		}
		asked[i] = true
		go func() { answers <- answer{i, c.Probe(ctx)} }() // ends with ctx, by the contract of Probe
	}
	for n := len(asked); n > 0; n-- {
		select {
		case a := <-answers:
			if a.err == nil {
				delete(asked, a.i)
			}
		case <-ctx.Done():
			n = 0
		}
	}
	for i, c := range g.Checks {
		if asked[i] {
			lacking = append(lacking, c.Name)
		}
	}
	return lacking
}

func names(checks []string) string { return strings.Join(checks, " ") }
