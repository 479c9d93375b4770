package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"centralino/board"
)

// options are what serve's flags say.
type options struct {
	data   string
	board  string
	slots  string // folder of the slots' partitions; empty: none
	sticks string // folder under which USB sticks are mounted; empty: none
	sim    bool
	sample string
	sip    netip.AddrPort
	http   string
	https  string
	closed bool // the sample office keeps its opening hours
	// silence is how long a leg may go without a packet before it counts as gone.
	silence time.Duration
	seams   seams
}

func parseServe(args []string, errOut io.Writer) (options, error) {
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.SetOutput(errOut)
	var o options
	f.StringVar(&o.data, "data", "data", "data folder; made if missing")
	f.StringVar(&o.board, "board", "auto", "board: auto, "+strings.Join(board.Names(), ", "))
	f.StringVar(&o.slots, "slots", "", "folder with the partitions for updates: selector, 2, 3; with -sim made if missing")
	f.StringVar(&o.sticks, "sticks", "", "folder under which USB sticks are mounted, for updates")
	f.BoolVar(&o.sim, "sim", false, "simulated board and telephone lines, with a sample office")
	f.StringVar(&o.sample, "sample", "", "office of an empty data folder: office, perf, none; office with -sim, else none")
	sipAddr := f.String("sip", "0.0.0.0:5060", "address for phones and trunks (UDP and TCP)")
	f.StringVar(&o.http, "http", "0.0.0.0:8080", "address of the page, empty for none")
	f.StringVar(&o.https, "https", "0.0.0.0:8443", "address of the encrypted page, empty for none")
	f.BoolVar(&o.closed, "hours", false, "the sample office keeps its opening hours (else it is always open)")
	f.DurationVar(&o.silence, "silence", time.Minute, "a phone whose sound stays away for so long counts as gone")
	if err := f.Parse(args); err != nil {
		return o, usageError(err)
	}
	if o.silence < time.Second {
		return o, &exitError{exitUsage, "Give a second or more, for instance 1m", fmt.Errorf("-silence %v is too short", o.silence)}
	}
	var err error
	// Parts of the box name files in it that must be found from anywhere.
	if o.data, err = filepath.Abs(o.data); err != nil {
		return o, fmt.Errorf("data folder %s: %w", o.data, err)
	}
	if n := len(filepath.Join(o.data, controlName)); n > controlLongest {
		return o, &exitError{exitData, "Name a folder with a shorter path with -data",
			fmt.Errorf("the path of the data folder is %d octets too long for a Unix socket in it", n-controlLongest)}
	}
	addr, err := netip.ParseAddrPort(*sipAddr)
	if err != nil {
		return o, &exitError{exitUsage, "Give it as address:port, for instance 0.0.0.0:5060", fmt.Errorf("-sip %q is no address", *sipAddr)}
	}
	o.sip = addr
	if o.sample == "" {
		o.sample = "none"
		if o.sim {
			o.sample = "office"
		}
	}
	if o.sim {
		o.board = "sim"
	}
	return o, nil
}

// serve starts the box and runs it until SIGTERM or Ctrl-C.
func serve(args []string, out, errOut io.Writer) error {
	o, err := parseServe(args, errOut)
	if err != nil || helpAsked(args) {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	boundMemory()
	b, err := newBox(ctx, o)
	var first startFirst
	if errors.As(err, &first) {
		return explain(follow(o, nextStep(first)))
	}
	if err != nil {
		return explain(err)
	}
	if !o.sim { // a dedicated board; on a desk the box is one program among others
		if err := raisePriority(); err != nil {
			b.log.Info("ordinary scheduling priority: sound may be late while the machine is busy", "err", err)
		} else {
			b.log.Info("scheduling priority raised", "nice", boxPriority)
		}
	}
	b.hello(out)
	var tidy sync.WaitGroup
	tidy.Go(func() { returnMemory(ctx, b.pbx.Calls) })
	err = b.run(ctx)
	told := ctx.Err() != nil // to stop, by a signal
	stop()
	tidy.Wait()
	if err == nil && !told {
		err = follow(o, nextStep(b.next.Load()))
	}
	return explain(err)
}

// restartSelf puts a new start of the program in the place of this one. The listeners
// and files are closed by then, or close with it.
func restartSelf() error {
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, os.Args, os.Environ())
	}
	return fmt.Errorf("restart: %w", err)
}

// boxPriority is the scheduling priority of the box on a board of its own: sound has
// to be moved every 20 ms, whatever else the machine does meanwhile. 0 is everybody's,
// -20 the highest.
const boxPriority = -10

func helpAsked(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			return true
		}
	}
	return false
}

// explain turns errors that a person can do something about into one sentence.
func explain(err error) error {
	var known *exitError
	var op *net.OpError
	var path *os.PathError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, syscall.EADDRINUSE):
		return &exitError{exitPort, "Another program uses this address: stop it, or choose another with -sip, -http or -https", err}
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EACCES) && errors.As(err, &op):
		return &exitError{exitPort, "This machine may not listen there: choose another address with -sip, -http or -https", err}
	case errors.As(err, &path), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOSPC):
		return &exitError{exitData, "Check that the data folder exists and may be written, or name another with -data", err}
	}
	return err
}
