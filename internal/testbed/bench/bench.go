// Command bench measures the box from outside, beside its peers, and prints a
// table of figures against the goals: what `make bench` shows after the Go
// benchmarks. It drives the load generator of the measuring kit (its folder is an
// argument), the kit's bare relay, and Kamailio with rtpengine; the boxes take
// turns (A B A B), since only neighbours in time compare on a shared machine.
//
// The host of a shared machine takes time away in bursts. A round with such a burst is
// repeated, within bounds, and the table takes clean rounds only; a figure without one
// is said to be disturbed. Exit codes: 0 every goal reached, 1 one is not reached or a
// part failed, 2 a figure is missing for disturbance.
//
// Everything stays on loopback, every part has a time limit, and what was started
// is ended. Goroutines: one per process that waits for its end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// limit is how long the whole run may take.
const limit = 25 * time.Minute

func main() {
	var o options
	flag.StringVar(&o.kit, "kit", "", "folder of the measuring kit")
	flag.StringVar(&o.app, "app", "bin/appliance", "program of the box")
	flag.StringVar(&o.arm64, "arm64", "", "the same program, stripped, for arm64: its size is measured")
	flag.StringVar(&o.build, "build", "", "folder with the kit's programs boxload and udp")
	flag.IntVar(&o.rounds, "rounds", 3, "clean turns of each box; disturbed ones are repeated for a while")
	flag.StringVar(&o.only, "only", "", "start, media, calls, queue, storm or register: only that part")
	flag.BoolVar(&o.fair, "fair", false, "leave the scheduling class as it is (else chrt -r 10 where it may be used)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := run(ctx, o)
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "bench: %v\n", err)
	if errors.Is(err, errDisturbed) {
		os.Exit(2)
	}
	os.Exit(1)
}

// options are the flags.
type options struct {
	kit, app, arm64, build string
	rounds                 int
	only                   string
	fair                   bool
}

// Addresses of the two boxes; the kit's own phones use 15080 and 15090.
const (
	boxAddr  = "127.0.0.1:15060"
	peerAddr = "127.0.0.1:15070"
	pageAddr = "127.0.0.1:18080"
)

// run does the parts in order; a part that fails is told and the rest goes on.
func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.app, err = filepath.Abs(o.app); err != nil {
		return err
	}
	w := &world{o: o, dir: dir, sheet: &sheet{}}
	w.chooseClass()
	w.sheet.heading(o)
	parts := []struct {
		name string
		run  func(context.Context, *world) error
	}{
		{"start", measureStart}, {"media", measureMedia}, {"calls", measureCalls},
		{"queue", measureQueue}, {"register", measureRegister}, {"storm", measureStorm},
	}
	var broken error
	for _, p := range parts {
		if o.only != "" && o.only != p.name {
			continue
		}
		fmt.Printf("-- %s\n", p.name)
		if err := p.run(ctx, w); err != nil {
			w.sheet.note("%s: %v", p.name, err)
			if !errors.Is(err, errNoPeer) {
				broken = errors.Join(broken, fmt.Errorf("%s: %w", p.name, err))
			}
		}
		if ctx.Err() != nil {
			w.sheet.note("stopped after %s: out of time", p.name)
			broken = errors.Join(broken, ctx.Err())
			break
		}
	}
	if info, err := os.Stat(o.arm64); err == nil && o.only == "" {
		w.sheet.add("stripped program for arm64", sure(float64(info.Size())/1e6), 25, "MB", "")
	}
	if err := w.sheet.print(os.Stdout); err != nil && broken == nil {
		return err
	}
	return broken
}
