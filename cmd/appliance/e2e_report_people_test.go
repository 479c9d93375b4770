package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"centralino/hal/sim"
	"centralino/internal/testbed"
)

// desk is an agent at a telephone.
type desk struct {
	phone  *testbed.Phone
	name   string
	addr   netip.Addr
	x      traffic
	draw   *rand.Rand
	misses bool // lets what he is offered after the first call ring until once it was in vain
	pauses bool // takes a pause by code after his first talk
}

// code dials a code and hears to the end what the box says to it.
func (d *desk) code(ctx context.Context, code string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := d.phone.Dial(ctx, code); err != nil {
		return err
	}
	if _, err := d.phone.Wait(ctx, "CALL_ESTABLISHED"); err != nil {
		return err
	}
	_, err := d.phone.Wait(ctx, "CALL_CLOSED")
	return err
}

// serve takes calls until ctx ends: one in eight rings in vain.
func (d *desk) serve(ctx context.Context) error {
	talks := 0
	for offers := 1; ; offers++ {
		if _, err := d.phone.Wait(ctx, "CALL_INCOMING"); err != nil {
			return unless(ctx, err)
		}
		if d.misses && offers > 1 || d.draw.IntN(8) == 0 && offers > 2 {
			rang := time.Now()
			if _, err := d.phone.Wait(ctx, "CALL_CLOSED"); err != nil {
				return unless(ctx, err)
			}
			d.misses = d.misses && time.Since(rang) < d.x.ring-time.Second // the caller has hung up
			continue
		}
		talked, err := d.take(ctx)
		if err != nil {
			return unless(ctx, err)
		}
		if !talked {
			continue
		}
		if talks++; d.pauses && talks == 1 {
			if err := d.rest(ctx); err != nil {
				return unless(ctx, err)
			}
		}
	}
}

// take answers a ringing call after a while and talks, and reports whether it came to
// a talk.
func (d *desk) take(ctx context.Context) (bool, error) {
	if gone, err := d.closes(ctx, d.x.answer.draw(d.draw)); gone || err != nil {
		return false, err
	}
	if err := d.phone.Accept(ctx); err != nil {
		return false, err
	}
	ev, err := d.phone.Wait(ctx, "CALL_ESTABLISHED", "CALL_CLOSED")
	if err != nil || ev.Type == "CALL_CLOSED" {
		return false, err
	}
	if gone, err := d.closes(ctx, d.x.talk.draw(d.draw)); gone || err != nil {
		return true, err
	}
	if err := d.phone.Hangup(ctx); err != nil {
		return true, err
	}
	_, err = d.phone.Wait(ctx, "CALL_CLOSED")
	return true, err
}

// pauseCode is the star code of a pause without a reason.
const pauseCode = "*72"

// rest takes a pause by code in the wrap-up that has just begun.
func (d *desk) rest(ctx context.Context) error {
	if err := d.code(ctx, pauseCode); err != nil {
		return err
	}
	wait(ctx, d.x.pause)
	return d.code(ctx, "*73")
}

// closes reports whether the call comes to its end within some time.
func (d *desk) closes(ctx context.Context, within time.Duration) (bool, error) {
	short, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, err := d.phone.Wait(short, "CALL_CLOSED")
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return false, nil
	}
	return err == nil, err
}

// unless is err where ctx goes on: its end is no failure.
func unless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// run lets the callers call, each at his time, and waits until the last is through.
// Who finds his line busy tries again.
func (o *reportOffice) run(plan []planned) {
	o.t.Helper()
	o.silence = filepath.Join(o.t.TempDir(), "silence.al")
	if err := os.WriteFile(o.silence, bytes.Repeat([]byte{0xD5}, 8000), 0o600); err != nil {
		o.t.Fatal(err)
	}
	var ringing sync.WaitGroup
	on := map[string]chan planned{}
	failed := make(chan error, len(plan)) // one of each caller at most
	for _, line := range []string{"line-1", "line-2", "line-3"} {
		calls := make(chan planned, len(plan)) // all of them
		on[line] = calls
		ringing.Go(func() {
			for p := range calls {
				if err := o.rings(p); err != nil {
					failed <- err
				}
			}
		})
	}
	trunk := o.dials(plan, on)
	for _, calls := range on {
		close(calls)
	}
	through := make(chan struct{})
	go func() { // ends with the calls
		ringing.Wait()
		close(through)
	}()
	select {
	case <-through:
	case <-limit(o.t, o.x.loyal.most+o.x.limit+2*time.Minute).Done():
		o.t.Fatalf("callers on lines are never through; the exchange has seen %v\n%s", o.lines(), o.box.proc.Output())
	}
	close(failed)
	for err := range failed {
		o.t.Errorf("a caller over a line: %v", err)
	}
	for _, s := range trunk {
		res, err := s.Wait(limit(o.t, 3*time.Minute))
		// SIPp answers a BYE that comes in the instant before its own, and calls the call failed.
		crossed := res.Created == 1 && strings.Contains(s.Process.Output(), "Aborting call on an unexpected BYE")
		if err != nil || res.Successful != 1 && !crossed {
			o.t.Errorf("a caller over the trunk: %+v %v\n%s", res, err, s.Process.Output())
		}
	}
}

// dials lets the callers call, those on lines by their channels, and returns the calls
// over the trunk. Who calls again does so once his first call is over.
func (o *reportOffice) dials(plan []planned, on map[string]chan planned) (trunk []*testbed.SIPp) {
	o.t.Helper()
	began := time.Now()
	again := make(chan planned, len(plan)) // one of each caller at most
	for left := 0; len(plan) > 0 || left > 0; {
		var next planned
		due, cancel := context.WithCancel(o.t.Context())
		if len(plan) > 0 {
			due, cancel = context.WithDeadline(o.t.Context(), began.Add(plan[0].at))
		}
		select {
		case <-due.Done():
			cancel()
			if o.t.Context().Err() != nil {
				return trunk
			}
			next, plan = plan[0], plan[1:]
		case next = <-again:
			cancel()
			left--
		}
		if next.line != "" {
			on[next.line] <- next
			continue
		}
		call := o.calls(len(trunk), reportNumber, next)
		trunk = append(trunk, call)
		if next.again > 0 {
			left++
			go func() { // ends with the call
				<-call.Process.Done()
				wait(o.t.Context(), next.again)
				again <- planned{number: next.number, patience: o.x.loyal.most}
			}()
		}
	}
	return append(trunk, o.calls(len(trunk), closedNumber, planned{number: closedCaller, patience: o.x.loyal.most}))
}

// closedCaller calls the number at which nobody works.
const closedCaller = "3312009999"

// calls starts a caller over the trunk: a SIPp of his own.
func (o *reportOffice) calls(n int, called string, p planned) *testbed.SIPp {
	o.t.Helper()
	scenario, err := os.ReadFile("testdata/caller.xml")
	if err != nil {
		o.t.Fatal(err)
	}
	keys := ""
	if p.presses {
		b, err := os.ReadFile("testdata/keys.xml")
		if err != nil {
			o.t.Fatal(err)
		}
		keys = string(b)
	}
	text := strings.NewReplacer("PATIENCE", strconv.FormatInt(p.patience.Milliseconds(), 10), "SPEECH", o.silence, "ACCOUNT", partyAccount, "SECRET", partySecret, "<!-- KEYS -->", keys).Replace(string(scenario))
	file := filepath.Join(o.t.TempDir(), "caller.xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	wan := o.box.net.Side("wan")
	return testbed.StartSIPp(o.t, testbed.SIPpOptions{Namespace: wan, Scenario: file, Local: netip.AddrPortFrom(wan.Addr(12), uint16(20000+n)),
		Target: o.provider.Addr, Keys: map[string]string{"number": "+39" + p.number, "called": called}, RTPPort: 30000 + 20*n,
		Timeout: p.patience + o.x.limit + 2*time.Minute})
}

// rings is a caller over a line of the simulated exchange.
func (o *reportOffice) rings(p planned) error {
	r := controlRequest{Do: "ring", Line: p.line, From: p.number, EndMS: int(p.patience.Milliseconds())}
	var err error
	for range 40 {
		if _, err = askBox(o.box.data, r, io.Discard); err == nil || !strings.Contains(err.Error(), sim.ErrLineBusy.Error()) {
			return err
		}
		wait(o.t.Context(), 250*time.Millisecond)
	}
	return fmt.Errorf("%s calls on %s: %w", p.number, p.line, err)
}

// lineMoment is one moment that the exchange has seen.
type lineMoment struct {
	at     time.Time
	line   string
	what   sim.LineMoment
	number string
}

// watchLines writes down what the exchange sees; lines tells it from then on.
func (o *reportOffice) watchLines() {
	o.t.Helper()
	out, in := io.Pipe()
	go func() { // ends with the box
		_, err := askBox(o.box.data, controlRequest{Do: "watch"}, in)
		in.CloseWithError(errors.Join(io.EOF, err))
	}()
	var mu sync.Mutex
	var seen []lineMoment
	ready := make(chan struct{})
	go func() { // ends with the pipe
		for text := bufio.NewScanner(out); text.Scan(); {
			if text.Text() == "watching" {
				close(ready)
				continue
			}
			var m lineMoment
			var ns int64
			_, _ = fmt.Sscan(text.Text(), &ns, &m.line, &m.what, &m.number) // the last may be missing
			m.at = time.Unix(0, ns)
			mu.Lock()
			seen = append(seen, m)
			mu.Unlock()
		}
	}()
	select {
	case <-ready:
	case <-limit(o.t, 10*time.Second).Done():
		o.t.Fatal("nobody watches the lines")
	}
	o.lines = func() []lineMoment {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}
