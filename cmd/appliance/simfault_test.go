package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"centralino/acd/engine"
	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sip"
	"centralino/ui/live"
)

// simDisk is the disk of the simulated box: it works, is full, or is gone.
type simDisk struct{ state atomic.Int32 }

const (
	diskFine int32 = iota
	diskFull
	diskGone
	diskNoCopy
	diskReadOnly
	diskWorn // it reads, and reports errors when it writes
	diskDead // it reports errors, whatever is asked of it
)

var errNoPower = errors.New("no power")

func (d *simDisk) fault(operation string) error {
	switch st := d.state.Load(); st {
	case diskFull, diskReadOnly, diskWorn:
		if operation == "begin" || operation == "commit" || operation == "copy" {
			return fmt.Errorf("%s: %w", operation, map[int32]error{diskFull: syscall.ENOSPC, diskReadOnly: syscall.EROFS, diskWorn: syscall.EIO}[st])
		}
	case diskNoCopy:
		if operation == "copy" {
			return fmt.Errorf("%s: %w", operation, syscall.EIO)
		}
	case diskDead:
		if operation == "read" || operation == "begin" || operation == "commit" || operation == "copy" {
			return fmt.Errorf("%s: %w", operation, syscall.EIO)
		}
	case diskGone:
		return fmt.Errorf("%s: %w", operation, errNoPower)
	}
	return nil
}

// simClock is an operating system's clock that somebody sets: the wall's reading
// jumps, the monotonic one goes on.
type simClock struct{ offset atomic.Int64 }

func (c *simClock) now() time.Time {
	return steady(time.Now(), time.Duration(c.offset.Load()))
}

// timeLayout is what a time.Time is made of. Inside a bubble times carry no
// monotonic reading, and no exported function gives them one.
type timeLayout struct {
	wall uint64
	ext  int64
	loc  *time.Location
}

// steady returns real with the monotonic reading that a clock set by offset shows.
func steady(real time.Time, offset time.Duration) time.Time {
	const hasMonotonic, since1885 = 1 << 63, -2682288000 // seconds from 1970 to 1885
	wall := real.Add(offset)
	l := timeLayout{
		wall: hasMonotonic | uint64(wall.Unix()-since1885)<<30 | uint64(wall.Nanosecond()),
		ext:  real.UnixNano() - bubbleEpoch, loc: time.UTC,
	}
	return *(*time.Time)(unsafe.Pointer(&l))
}

// bubbleEpoch is when every bubble begins: 2000-01-01.
const bubbleEpoch = 946684800_000000000

// The clock of the simulation jumps as the kernel's does.
func TestSteadyClock(t *testing.T) {
	real := time.Date(2000, 1, 1, 10, 0, 0, 5, time.UTC)
	a, b := steady(real, 0), steady(real.Add(time.Second), -time.Hour)
	if !a.Round(0).Equal(real) || !b.Round(0).Equal(real.Add(time.Second-time.Hour)) {
		t.Errorf("walls read %v and %v", a, b)
	}
	if b.Sub(a) != time.Second || b.Before(a) || b.Add(time.Minute).Sub(a) != 61*time.Second {
		t.Errorf("a second passed and it is %v", b.Sub(a))
	}
}

// setClock lets the wall clock jump, and sometimes back to the truth.
func (w *simWorld) setClock(d *dice) {
	jumps := []time.Duration{time.Hour, -time.Hour, 26 * time.Hour, -300 * 24 * time.Hour, 90 * time.Second, -7 * time.Second, 0, 0}
	w.clock.offset.Store(int64(jumps[d.pick(len(jumps))]))
	w.count(&w.placed.jumps)
}

// fillDisk lets the disk refuse everything for a while.
func (w *simWorld) fillDisk(d *dice) {
	if !w.disk.state.CompareAndSwap(diskFine, diskFull) {
		return
	}
	w.count(&w.placed.full)
	time.Sleep(time.Second + d.wait(90*time.Second))
	w.disk.state.CompareAndSwap(diskFull, diskFine)
}

// wire carries packets between hosts: none to or from a box without power, none to
// or from a silent provider.
func (w *simWorld) wire(from, to netip.AddrPort) bool {
	box, provider := w.addr.Addr(), providerAddr
	if w.cut.Load() && (from.Addr() == box || to.Addr() == box) {
		return false
	}
	return !w.silent.Load() || from.Addr() != provider && to.Addr() != provider
}

// silenceTrunk lets the provider answer nothing for a while.
func (w *simWorld) silenceTrunk(d *dice) {
	if !w.silent.CompareAndSwap(false, true) {
		return
	}
	w.disturb()
	w.count(&w.placed.silent)
	time.Sleep(10*time.Second + d.wait(4*time.Minute))
	w.disturb()
	w.silent.Store(false)
}

var providerAddr = netip.MustParseAddr("192.0.2.200")

// trunkLine is the office's trunk to the simulated provider.
func trunkLine() office.Line {
	return office.Line{ID: "line-4", Name: "Operatore", Kind: office.LineTrunk, Channels: 3, Emergency: true, Path: "path-main",
		Trunk: &office.Trunk{Server: providerAddr.String(), User: "390212345674", Transport: "udp", Register: true,
			Expires: 10 * time.Minute, NumberFormat: "e164"}}
}

// provide answers for the provider: it takes registrations, and is alive.
func provide(req *sip.Request) *sip.Response {
	switch req.Method() {
	case sip.REGISTER:
		resp := sip.NewResponse(req, 200, "")
		for _, c := range req.Headers("Contact") {
			resp.AddHeader("Contact", c)
		}
		resp.SetHeader("Expires", "600")
		return resp
	case sip.OPTIONS:
		return sip.NewResponse(req, 200, "")
	}
	return nil
}

// callOnTrunk is an outside caller who comes by the trunk.
func (w *simWorld) callOnTrunk(d *dice) {
	c, err := w.provider.Dial("+390212345674")
	if err != nil {
		return
	}
	w.count(&w.placed.trunk)
	if d.chance(0.7) {
		time.AfterFunc(8*time.Second, func() { c.Press("1") })
	}
	w.talk(d, c, time.Minute)
}

// disturb notes that a line came or went: emergency calls of this moment are not
// judged by the lines they found.
func (w *simWorld) disturb() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disturbed = time.Now()
}

// handOn presses the transfer key of a phone that talks: for a colleague, a queue, an
// outside number, or what nobody may be handed on to.
func (w *simWorld) handOn(d *dice) {
	c := talks(w.phones, d.pick(len(w.phones)))
	if c == nil {
		return
	}
	to := fmt.Sprint(201 + d.pick(len(w.phones)))
	switch d.pick(8) {
	case 0, 1, 2:
		to = []string{"600", "601"}[d.pick(2)]
	case 3:
		to = w.outsider(fmt.Sprintf("02%07d", d.pick(1e7)))
	case 4:
		to = []string{"112", "*70", "999"}[d.pick(3)]
	}
	w.count(&w.placed.handed)
	c.Refer(to)
	if d.chance(0.2) {
		time.Sleep(d.wait(time.Second))
		c.HangUp()
	}
}

// talks finds a phone that talks, from the nth on; nil if none does.
func talks(phones []*pbxtest.Phone, n int) *pbxtest.Call {
	for i := range phones {
		if c := phones[(n+i)%len(phones)].Current(); c != nil && isClosed(c.Up()) && !isClosed(c.End()) {
			return c
		}
	}
	return nil
}

// hangUp ends somebody's talk: of two who were handed to each other neither has dialled,
// and those who have dialled are the only ones who hang up by themselves.
func (w *simWorld) hangUp(d *dice) {
	everybody := append([]*pbxtest.Phone{w.provider}, w.phones...)
	if c := talks(everybody, d.pick(len(everybody))); c != nil {
		c.HangUp()
	}
}

// goHome ends all talks at the end of the day.
func (w *simWorld) goHome() {
	for _, p := range append([]*pbxtest.Phone{w.provider}, w.phones...) {
		if c := p.Current(); c != nil {
			c.HangUp()
		}
	}
}

// callForHelp dials 112 and judges: while a line can carry the call it is neither
// refused nor left without an answer.
func (w *simWorld) callForHelp(d *dice) {
	b := w.live()
	if b == nil {
		return
	}
	began := time.Now()
	carry := w.canCarry(b)
	phone := w.phones[d.pick(len(w.phones))]
	c, err := phone.Dial("112")
	if err != nil {
		return
	}
	w.count(&w.placed.help)
	patience := time.NewTimer(50 * time.Second)
	defer patience.Stop()
	select {
	case <-c.Up():
		w.talk(d, c, 30*time.Second)
		return
	case <-c.End():
	case <-patience.C:
		c.HangUp()
	}
	w.mu.Lock()
	calm := w.box == b && w.disturbed.Before(began.Add(-40*time.Second))
	w.mu.Unlock()
	if calm && carry > 0 {
		w.t.Errorf("%s: call for help ended with %d after %v, %d lines could have carried it\n%s", time.Now().Format("15:04:05"), c.Code, time.Since(began), carry, w.check.story())
	}
}

// canCarry counts lines that are in service and not in an emergency call, less the
// calls for help under way that may take one.
func (w *simWorld) canCarry(b *box) int {
	n := 0
	for _, l := range b.lines.list() {
		if l.State() != hal.LineOutOfService {
			n++
		}
	}
	w.check.mu.Lock()
	defer w.check.mu.Unlock()
	for _, c := range w.check.calls {
		if c.emergency && !c.ended {
			n--
		}
	}
	return n
}

// changeMind lets an agent pause, come back or log in again by his phone.
func (w *simWorld) changeMind(d *dice) {
	p := w.phones[d.pick(3)]
	for _, code := range []string{[]string{"*72", "*71", "*72"}[d.pick(3)], []string{"*70", "*73"}[d.pick(2)], "*70", "*73"} {
		if c, err := p.Dial(code); err == nil {
			w.talk(d, c, 20*time.Second)
		}
		time.Sleep(d.wait(30 * time.Second))
	}
}

// restart ends the box, in order or by cutting its power, and starts it again on
// the same data.
func (w *simWorld) restart(d *dice) {
	b := w.live()
	if b == nil {
		return
	}
	w.disturb()
	// By turns: chance alone would leave out one or the other in some runs.
	w.ends++
	orderly := w.ends%2 == int(w.seed%2)
	w.mu.Lock()
	w.box = nil
	w.mu.Unlock()
	if orderly {
		w.count(&w.placed.stops)
		w.disk.state.Store(diskFine)
		w.stop()
		w.check.finish()
	} else {
		w.count(&w.placed.cuts)
		w.cut.Store(true)
		w.check.mu.Lock()
		w.check.dead = true
		w.check.mu.Unlock()
		w.disk.state.Store(diskGone)
		w.stop()
		w.disk.state.Store(diskFine)
	}
	for _, p := range append([]*pbxtest.Phone{w.provider}, w.phones...) {
		p.Forget()
	}
	time.Sleep(d.wait(20 * time.Second))
	w.cut.Store(false)
	w.boot()
	w.disturb()
}

// secondLife compares what agents do after a restart with what the journal says
// they did before.
func (w *simWorld) secondLife(b *box, before map[journal.SubjectID]live.Agent) {
	time.Sleep(time.Millisecond)
	for _, a := range b.acd.Snapshot().Agents {
		was, known := before[a.Agent]
		if !known || was.Reason == string(engine.ReasonUnreachable) || a.Reason == engine.ReasonUnreachable {
			continue // by his phone's registration
		}
		if a.Reason == engine.ReasonBreak && was.State != journal.AgentLoggedOut {
			continue // the break guard's, which went on meanwhile
		}
		same := a.State == was.State && string(a.Reason) == was.Reason
		away := was.State == journal.AgentLoggedOut || was.State == journal.AgentPaused
		if away && !same || !away && a.State == journal.AgentLoggedOut {
			w.t.Errorf("%s: agent %s was %s %q before the restart and is %s %q", time.Now().Format("15:04:05"), a.Agent, was.State, was.Reason, a.State, a.Reason)
		}
	}
}

// compare holds the board against the ACD while the box works.
func (w *simWorld) compare() {
	b := w.live()
	if b == nil {
		return
	}
	synctest.Wait()
	w.check.mu.Lock()
	defer w.check.mu.Unlock()
	if !w.check.dead && w.check.box == b {
		w.check.equal(b.acd.Snapshot(), w.check.board)
	}
}

// ports counts RTP ports of the box that are still bound.
func (w *simWorld) ports() (bound int) {
	for port := uint16(10000); port < 32768; port++ {
		s, err := w.rtp.Listen(netip.AddrPortFrom(w.addr.Addr(), port))
		if err != nil {
			bound++
			continue
		}
		_ = s.Close()
	}
	return bound
}

// lastLook reads the whole journal from the disk: the chain holds, calls and
// contacts have one end each, and its fold is what the ACD shows.
func (w *simWorld) lastLook(b *box) {
	ctx := w.t.Context()
	if err := b.journal.Flush(ctx); err != nil {
		w.t.Error(err)
	}
	if _, bad, err := b.journal.Verify(ctx); bad != nil || err != nil {
		w.t.Errorf("journal: %v %v", bad, err)
	}
	board, started, ended := live.New(), map[journal.CallID]int{}, map[journal.CallID]int{}
	queued, left := map[journal.ContactID]int{}, map[journal.ContactID]int{}
	trails := map[journal.CallID][]string{}
	err := b.journal.Replay(ctx, 1, func(e journal.Event) error {
		odd := board.Odd
		board.Apply(e)
		trails[e.Call] = append(trails[e.Call], fmt.Sprintf("%d %s %s %+v", e.Seq, e.Time.Format("15:04:05.000"), e.Payload.JournalKind(), e.Payload))
		if _, gap := e.Payload.(journal.Gap); board.Odd > odd && !gap {
			w.t.Errorf("event %d (%s of call %s) fits no state:\n%s", e.Seq, e.Payload.JournalKind(), e.Call, strings.Join(trails[e.Call], "\n"))
		}
		switch p := e.Payload.(type) {
		case journal.CallStarted:
			started[e.Call]++
		case journal.CallEnded:
			ended[e.Call]++
		case journal.ContactQueued:
			if p.Again == "" {
				queued[p.Contact]++
			}
		case journal.ContactEnded:
			left[p.Contact]++
		case journal.Gap:
			if p.Reason == journal.GapMemory {
				w.t.Errorf("the journal forgot events %d to %d", p.From, p.To)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	outsiders := w.outsiders
	w.mu.Unlock()
	nothingPersonal(w.t, b.db, append(userAgents, sampleNames()...), outsiders)
	w.check.equal(b.acd.Snapshot(), board)
	sameCounts(w.t, "call", started, ended)
	sameCounts(w.t, "contact", queued, left)
	if len(board.Calls) > 0 {
		w.t.Errorf("the board still shows %d calls", len(board.Calls))
	}
	for _, f := range b.front.faults.All() {
		w.t.Logf("fault at the end: %+v", f)
	}
}

func sameCounts[K comparable](t *testing.T, what string, begun, ended map[K]int) {
	t.Helper()
	for id, n := range begun {
		if ended[id] != n {
			t.Errorf("%s %v begins %d times and ends %d times in the journal", what, id, n, ended[id])
		}
	}
	for id := range ended {
		if begun[id] == 0 {
			t.Errorf("%s %v ends in the journal and never began", what, id)
		}
	}
}

// placed counts what happened in the world.
type placed struct {
	sync.Mutex
	in, out, inside, trunk, help, unplugged, died, full, silent, jumps, cuts, stops, handed int
}

func (p *placed) String() string {
	p.Lock()
	defer p.Unlock()
	return fmt.Sprintf("calls in %d, by trunk %d, out %d, inside %d, for help %d, transfer keys %d; lines pulled %d, phones vanished %d, disk full %d, trunk silent %d, clock set %d, power cut %d, stopped %d",
		p.in, p.trunk, p.out, p.inside, p.help, p.handed, p.unplugged, p.died, p.full, p.silent, p.jumps, p.cuts, p.stops)
}
