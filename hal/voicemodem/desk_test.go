package voicemodem_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/hal/voicemodem"
)

// desk is a driver over a simulated modem in virtual time; its events are kept as
// text with their time.
type desk struct {
	*testing.T
	x    *sim.Exchange
	l    *sim.ExLine
	m    *sim.Modem
	line *voicemodem.Line
	ctx  context.Context
	mu   sync.Mutex
	log  []string
	end  func()
}

// setup is what a test wants to be different.
type setup struct {
	modem sim.ModemOptions
	line  sim.LineOptions
	o     voicemodem.Options
	port  func(hal.Port) hal.Port // what lies between the driver and the modem's port; nil: nothing
}

// through is an opener whose ports have something between.
type through struct {
	hal.PortOpener
	between func(hal.Port) hal.Port
}

func (o through) OpenPort(ctx context.Context) (hal.Port, string, error) {
	p, name, err := o.PortOpener.OpenPort(ctx)
	if err == nil {
		p = o.between(p)
	}
	return p, name, err
}

// atDesk runs f in a bubble with a line that was started but is not yet in service.
func atDesk(t *testing.T, s setup, f func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{T: t, x: sim.NewExchange(sim.ExchangeOptions{})}
		if s.modem.Profile.Name == "" {
			s.modem.Profile = sim.Generic
		}
		s.line.Kind = s.modem.Profile.Kind
		d.l = d.x.AddLine("line", s.line)
		ctx, stop := context.WithCancel(context.Background())
		d.ctx = ctx
		var err error
		if d.m, err = sim.OpenPortModem(context.Background(), d.l, s.modem); err != nil {
			t.Fatal(err)
		}
		s.o.ID, s.o.Kind, s.o.Port = "line", s.modem.Profile.Kind, d.m
		if s.port != nil {
			s.o.Port = through{d.m, s.port}
		}
		s.o.Log = slog.New(slog.DiscardHandler)
		if d.line, err = voicemodem.New(s.o); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		go d.line.Run(ctx)
		read := make(chan struct{})
		go func() {
			defer close(read)
			for ev := range d.line.Events() {
				d.mu.Lock()
				d.log = append(d.log, fmt.Sprintf("%6.2f %s", time.Since(began).Seconds(), describe(ev)))
				d.mu.Unlock()
			}
		}()
		d.end = func() {
			stop()
			<-read
			d.m.Close()
			d.x.Close()
		}
		defer d.end()
		f(d)
		if t.Failed() {
			t.Logf("events:\n%s\ncommands: %q", strings.Join(d.log, "\n"), d.m.Received())
		}
	})
}

func describe(ev hal.LineEvent) string {
	switch ev := ev.(type) {
	case hal.StateChanged:
		return strings.TrimSpace("state " + string(ev.State) + " " + ev.Reason)
	case hal.DTMF:
		return "key " + string(ev.Digit)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T%+v", ev, ev), "hal.")
}

// wait lets time pass and everything settle.
func (d *desk) wait(t time.Duration) {
	time.Sleep(t)
	synctest.Wait()
}

// events returns what came since the last call, without times.
func (d *desk) events() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, s := range d.log {
		all = append(all, s[7:])
	}
	d.log = d.log[:0]
	return all
}

// want compares the events since the last call.
func (d *desk) want(events ...string) {
	d.Helper()
	if got := d.events(); !slices.Equal(got, events) {
		d.Errorf("events\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(events, "\n  "))
	}
}

// answered takes a call and returns the caller.
func (d *desk) answered(c sim.CallerSpec) *sim.Party {
	d.Helper()
	p, err := d.x.Ring("line", c)
	if err != nil {
		d.Fatal(err)
	}
	d.wait(2500 * time.Millisecond)
	if err := d.line.Answer(d.ctx); err != nil {
		d.Fatal(err)
	}
	d.wait(time.Second)
	if d.line.State() != hal.LineActive {
		d.Fatalf("state %s after answering", d.line.State())
	}
	d.events()
	return p
}
