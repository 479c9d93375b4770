// Package timesync sets the clock of a board that has none of its own: at start to the
// latest time that has surely passed, then by the network time protocol (RFC 5905, as a
// client of version 4 that keeps no association), or by a person where no server tells the
// time. It says since when the clock can be trusted.
//
// Run is its only goroutine; how the clock is set and how servers are reached is given
// to it.
package timesync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"
)

// State is what is known of the clock.
type State struct {
	Trusted bool          `json:"trusted"`          // a server has told the time since the start
	Last    time.Time     `json:"last,omitzero"`    // when one did last
	Server  string        `json:"server,omitempty"` // which
	Offset  time.Duration `json:"offset,omitempty"` // by how much the clock was wrong then

	// Where no server has: a battery has kept the time since it was last known, or a
	// person has set it then, by what the clock shows since.
	Battery bool      `json:"battery,omitempty"`
	Hand    time.Time `json:"hand,omitzero"`
}

// Known reports that the clock is as right as somebody could make it.
func (s State) Known() bool { return s.Trusted || s.Battery || !s.Hand.IsZero() }

// Options of Run.
type Options struct {
	// Servers are the hosts to ask now; they change with the network. Port 123 unless
	// they name another.
	Servers func() []string
	Dial    func(ctx context.Context, address string) (net.Conn, error)
	Now     func() time.Time
	Built   time.Time                        // of the program: no server's time is earlier, nor later by longest
	Set     func(offset time.Duration) error // moves the clock
	Hand    <-chan time.Duration             // by how much a person moves the clock (ByHand); nil: nobody does
	Changed func(State)                      // told from Run's goroutine
	Log     *slog.Logger
}

// How often servers are asked: at first soon, for the journal is waiting for the time,
// with every failure twice as late, but never later than eagerAsk; once one has told it,
// at the pace that public servers ask for. Other servers are asked at once.
const (
	firstAsk   = time.Second
	eagerAsk   = 64 * time.Second
	steadyAsk  = 1024 * time.Second
	look       = time.Second // at who the servers are
	maxServers = 4
	patience   = 2 * time.Second // for an answer
)

// step is how wrong a clock must be to be set at once; less is made up for slowly, so
// that no moment comes twice.
const step = 250 * time.Millisecond

var (
	errNoServer = errors.New("no time server answers")
	errNotNow   = errors.New("the server tells a time that cannot be")
)

// Run keeps the clock right until ctx ends.
func Run(ctx context.Context, o Options) error {
	var st State
	wait, longest := firstAsk, eagerAsk
	servers := o.Servers()
	for {
		others, move := rest(ctx, o, wait, servers)
		if others {
			wait = firstAsk
		}
		if ctx.Err() != nil {
			return nil
		}
		if move != nil {
			st = byHand(o, *move, st)
			continue
		}
		servers = o.Servers()
		best, err := askAll(ctx, o, servers)
		if err == nil {
			err = o.Set(best.offset)
		}
		if err != nil {
			wait = min(wait*2, longest)
			if !errors.Is(err, errNoServer) {
				o.Log.Warn("set the clock", "err", err)
			}
			continue
		}
		if !st.Trusted || abs(best.offset) >= step {
			o.Log.Info("the clock is set", "server", best.server, "by", best.offset.Round(time.Millisecond))
		}
		wait, longest = steadyAsk, steadyAsk
		st = State{Trusted: true, Last: o.Now(), Server: best.server, Offset: best.offset}
		o.Changed(st)
	}
}

// byHand moves the clock by a person's wish, unless a server has told the time meanwhile.
func byHand(o Options, move time.Duration, st State) State {
	if _, err := ByHand(o.Now().Add(move), o.Now(), o.Built, st); err != nil {
		o.Log.Warn("the clock is not set by hand", "by", move, "err", err)
		return st
	}
	if err := o.Set(move); err != nil {
		o.Log.Warn("set the clock", "err", err)
		return st
	}
	o.Log.Info("the clock is set by hand", "by", move.Round(time.Millisecond))
	st = State{Hand: o.Now()}
	o.Changed(st)
	return st
}

// rest waits for d, or less when ctx ends, a person wants the clock moved, or the servers
// are not those that were asked: then it returns true.
func rest(ctx context.Context, o Options, d time.Duration, asked []string) (others bool, move *time.Duration) {
	limit, t := time.NewTimer(d), time.NewTicker(look)
	defer limit.Stop()
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case d := <-o.Hand:
			return false, &d
		case <-limit.C:
			return false, nil
		case <-t.C:
			if !slices.Equal(o.Servers(), asked) {
				return true, nil
			}
		}
	}
}

// reading is what one server says.
type reading struct {
	server        string
	offset, delay time.Duration
}

// askAll asks the servers and takes the middle of what they say, so that one that is
// wrong among three does no harm. Of two the one whose answer took less time counts.
func askAll(ctx context.Context, o Options, servers []string) (reading, error) {
	var got []reading
	for _, s := range servers[:min(len(servers), maxServers)] {
		r, err := ask(ctx, o, s)
		if err != nil {
			o.Log.Debug("a time server does not answer", "server", s, "err", err)
			continue
		}
		got = append(got, r)
	}
	return middle(got)
}

func middle(got []reading) (reading, error) {
	switch len(got) {
	case 0:
		return reading{}, errNoServer
	case 1, 2:
		return slices.MinFunc(got, func(a, b reading) int { return cmp.Compare(a.delay, b.delay) }), nil
	}
	slices.SortFunc(got, func(a, b reading) int { return cmp.Compare(a.offset, b.offset) })
	return got[len(got)/2], nil
}

// ask asks one server once.
func ask(ctx context.Context, o Options, server string) (reading, error) {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	address := server
	if _, _, err := net.SplitHostPort(server); err != nil {
		address = net.JoinHostPort(server, "123")
	}
	c, err := o.Dial(ctx, address)
	if err != nil {
		return reading{}, err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return reading{}, err
	}
	q := newQuestion()
	sent, began := o.Now(), time.Now()
	if _, err := c.Write(q.marshal()); err != nil {
		return reading{}, err
	}
	b := make([]byte, 512)
	for {
		n, err := c.Read(b)
		if err != nil {
			return reading{}, fmt.Errorf("%s: %w", server, err)
		}
		took := time.Since(began) // not by the clock that is being set
		if r, err := q.read(b[:n], sent, sent.Add(took)); err == nil {
			if !Possible(sent.Add(r.offset), o.Built) {
				return reading{}, fmt.Errorf("%s: %w", server, errNotNow)
			}
			r.server = server
			return r, nil
		} else if !errors.Is(err, errStray) {
			return reading{}, fmt.Errorf("%s: %w", server, err)
		}
	}
}

func abs(d time.Duration) time.Duration { return max(d, -d) }

// longest is how many years a program is in use.
const longest = 20

// Possible reports a time at which a program that was built then can run.
func Possible(t, built time.Time) bool {
	return built.IsZero() || !t.Before(built) && t.Before(built.AddDate(longest, 0, 0))
}

// Floor is the time at which a clock that knows nothing starts: the latest of what has
// surely passed. A kept time at which the program cannot run never was right; it is
// ignored.
func Floor(now, built, kept time.Time) time.Time {
	latest := now
	if built.After(latest) {
		latest = built
	}
	if kept.After(latest) && Possible(kept, built) {
		latest = kept
	}
	return latest
}
