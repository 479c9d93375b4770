package main

import (
	"centralino/internal/office"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/store"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sip"
)

var (
	simSeed    = flag.Uint64("simseed", 0, "run only this seed of the whole-box simulation")
	simSeeds   = flag.Int("simseeds", 4, "how many seeds of the whole-box simulation to run")
	simFrom    = flag.Uint64("simfrom", 1, "the first of them")
	simHours   = flag.Float64("simhours", 0.5, "virtual hours of each seed")
	simMinutes = flag.Float64("simminutes", 0, "begin no seed after so many real minutes; 0: no limit")
)

// TestWholeBox runs the box as it is, but for its wires, in virtual time: callers
// who lose patience, agents who do not answer, colleagues who call each other,
// calls outward and for help, lines pulled out, phones that vanish in mid-call.
// After every event the invariants of checker hold.
//
// A seed fixes what people and faults do and when. Not fixed are the order of goroutines
// at the same instant, which ready case a select takes, ids, tags, ports and the jitter
// of repetitions, so that a run may differ from the last in a few calls: repeat a seed
// that failed some times.
func TestWholeBox(t *testing.T) {
	seeds := []uint64{*simSeed}
	if *simSeed == 0 {
		seeds = nil
		for i := range *simSeeds {
			seeds = append(seeds, *simFrom+uint64(i))
		}
	}
	all := &totals{wanted: len(seeds), began: time.Now()}
	t.Cleanup(func() { all.report(t) }) // after the seeds
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			if *simMinutes > 0 && time.Since(all.began).Minutes() > *simMinutes {
				all.late.Add(1)
				return
			}
			defer func() { all.progress(t) }()
			folder := t.TempDir()
			t.Logf("repeat with: go test ./cmd/appliance -run TestWholeBox -simseed %d", seed)
			synctest.Test(t, func(t *testing.T) { simulate(t, seed, folder, all) })
		})
	}
}

// modemLine is the line that the box reaches through its driver and a simulated modem
// in memory; the others are directly on the exchange.
const modemLine hal.LineID = "line-1"

// simWorld is the box and everybody around it.
type simWorld struct {
	t        *testing.T
	folder   string
	addr     netip.AddrPort
	sip      *sip.MemNet
	rtp      *media.MemNet
	disk     simDisk
	clock    simClock
	cut      atomic.Bool // the box has no power
	silent   atomic.Bool // the provider answers nothing
	seed     uint64
	far      map[hal.LineID]*dice // of who is called over a line
	ends     int                  // of the box; of the goroutine that ends it
	phones   []*pbxtest.Phone
	provider *pbxtest.Phone
	wg       sync.WaitGroup
	over     context.Context
	placed   placed

	mu        sync.Mutex // guards what follows
	box       *box       // nil while it is off
	check     *checker   // of the present life
	stop      func()     // ends the present life and waits for it
	disturbed time.Time  // when a line came or went last
	outsiders []string   // numbers that called or were called
	events    int        // of the lives before
	calls     int
}

// live returns the box, nil while it is off.
func (w *simWorld) live() *box {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.box
}

// dice are the randomness of one who acts in the world. Everybody has his own, by
// seed and name, so that what he does depends on the seed alone, not on whom the
// scheduler lets roll first among those who act at the same instant.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (w *simWorld) dice(name string) *dice {
	h := fnv.New64a()
	h.Write([]byte(name))
	return &dice{rng: rand.New(rand.NewPCG(w.seed, h.Sum64()))}
}

func (d *dice) chance(p float64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64() < p
}

// wait is a random time with the given mean, at most three times it.
func (d *dice) wait(mean time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(time.Duration(d.rng.ExpFloat64()*float64(mean)), 3*mean)
}

func (d *dice) pick(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

func simulate(t *testing.T, seed uint64, folder string, all *totals) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	w := &simWorld{t: t, seed: seed, folder: folder, addr: netip.MustParseAddrPort("192.0.2.1:5060"),
		sip: sip.NewMemNet(), rtp: &media.MemNet{}}
	w.sip.Wire = func(from, to netip.AddrPort, _ []byte) (int, time.Duration) {
		if w.wire(from, to) {
			return 1, 0
		}
		return 0, 0
	}
	w.rtp.Fault = func(from, to netip.AddrPort) (bool, time.Duration) { return !w.wire(from, to), 0 }
	w.far = map[hal.LineID]*dice{}
	for _, line := range []hal.LineID{"line-1", "line-2", "line-3"} {
		w.far[line] = w.dice("far end of " + string(line))
	}
	w.boot()
	world, endWorld := context.WithCancel(t.Context())
	var phones sync.WaitGroup
	w.addPhones(quiet, func(f func(context.Context)) { phones.Go(func() { f(world) }) })
	time.Sleep(time.Second)
	w.register()
	w.logIn()

	over, end := context.WithTimeout(t.Context(), time.Duration(*simHours*float64(time.Hour)))
	w.over = over
	for _, line := range []hal.LineID{"line-1", "line-2", "line-3"} {
		w.every("caller on "+string(line), 40*time.Second, func(d *dice) { w.callIn(d, line) })
	}
	w.every("caller on trunk", 2*time.Minute, w.callOnTrunk)
	w.every("call inside", time.Minute, w.callInside)
	w.every("hand on", 20*time.Second, w.handOn)
	w.every("hang up", 80*time.Second, w.hangUp)
	w.every("call out", 90*time.Second, w.callOut)
	w.every("call for help", 8*time.Minute, w.callForHelp)
	w.every("pull line", 10*time.Minute, w.pullLine)
	w.every("kill phone", 6*time.Minute, func(*dice) { w.killPhone() })
	w.every("register", 10*time.Minute, func(*dice) { w.register() })
	w.every("change mind", 7*time.Minute, w.changeMind)
	w.every("fill disk", 9*time.Minute, w.fillDisk)
	w.every("silence trunk", 9*time.Minute, w.silenceTrunk)
	w.every("set clock", 5*time.Minute, w.setClock)
	w.every("compare", 3*time.Minute, func(*dice) { w.compare() })
	w.every("restart", 12*time.Minute, w.restart)
	<-over.Done()
	end()
	w.wg.Wait()
	time.Sleep(3 * time.Minute)
	w.goHome()
	time.Sleep(2 * time.Minute) // whatever rings or talks comes to its end
	w.evening()
	endWorld()
	phones.Wait()
	t.Logf("%v; %d events, %d calls, transfers in the last life %v", &w.placed, w.events, w.calls, w.check.transfers)
	all.add(w)
	if w.calls < 10 {
		t.Errorf("only %d calls: nothing was tried", w.calls)
	}
}

// boot starts the box on its data folder, which is furnished the first time.
func (w *simWorld) boot() {
	ctx, cancel := context.WithCancel(w.t.Context())
	o := options{data: w.folder, board: "sim", sim: true, sample: "office", sip: w.addr,
		seams: seams{sip: w.sip.Host(w.addr.Addr()), media: w.rtp, loops: 1, readers: store.OneConnection,
			disk: w.disk.fault, now: w.clock.now, log: io.Discard, virtual: true, modem: modemLine}}
	b, err := newBox(ctx, o)
	if err != nil {
		w.t.Errorf("the box does not start: %v", err)
		cancel()
		return
	}
	if len(b.office.Current().Doc.Lines) == 3 {
		w.addTrunk(b)
	}
	if b.opened.Damage != nil {
		w.t.Errorf("the database was set aside: %v", b.opened.Damage.Cause)
	}
	check := newChecker(w.t, b.office.Current().Doc, w.clock.now)
	check.box, check.quiet = b, true
	if err := b.journal.Replay(ctx, 1, func(e journal.Event) error { check.see(e.Call, e.Payload); return nil }); err != nil {
		w.t.Error(err)
	}
	check.begin()
	before := maps.Clone(check.board.Agents)
	b.record.watch = check.see
	b.exchange.OnDial(w.farEnd)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.run(ctx); err != nil {
			w.t.Errorf("box: %v", err)
		}
	}()
	w.secondLife(b, before)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.box, w.check = b, check
	w.stop = func() { cancel(); <-done }
}

// addTrunk gives the sample office a trunk that comes first on the way out.
func (w *simWorld) addTrunk(b *box) {
	doc := b.office.Current().Doc.Clone()
	doc.Lines = append(doc.Lines, trunkLine())
	doc.Numbers = append(doc.Numbers, office.Number{ID: "number-4", Number: "+390212345674", Line: "line-4", Path: "path-main"})
	doc.Outbound.Default = append([]office.ID{"line-4"}, doc.Outbound.Default...)
	if err := apply(w.t.Context(), b, doc); err != nil {
		w.t.Fatal(err)
	}
}

// evening looks at the box when all is quiet, and ends it.
func (w *simWorld) evening() {
	b := w.live()
	if b == nil {
		w.t.Error("the box is off at the end")
		return
	}
	if n := b.pbx.Calls(); n != 0 {
		w.t.Errorf("%d calls are left over\n%s", n, w.leftOver(b))
	}
	if n := w.ports(); n != 0 {
		w.t.Errorf("%d RTP ports are still bound", n)
	}
	w.lastLook(b)
	w.stop()
	w.check.finish()
	w.events, w.calls = w.check.events, len(w.check.calls)
}

// every does something at random times with the given mean until the day is over.
func (w *simWorld) every(name string, mean time.Duration, f func(*dice)) {
	d := w.dice(name)
	w.wg.Go(func() {
		for {
			select {
			case <-time.After(d.wait(mean)):
				f(d)
			case <-w.over.Done():
				return
			}
		}
	})
}

func (w *simWorld) addPhones(log *slog.Logger, run func(func(context.Context))) {
	var err error
	d := w.dice("provider")
	w.provider, err = pbxtest.New(pbxtest.PhoneOptions{User: w.outsider("0612345678"), Addr: netip.AddrPortFrom(providerAddr, 5060), Box: w.addr,
		SIP: w.sip, Media: w.rtp, Log: log, Stateless: provide,
		Answer: func() (time.Duration, int, bool) { return time.Second + d.wait(3*time.Second), 486, d.chance(0.8) }})
	if err != nil {
		w.t.Fatal(err)
	}
	run(w.provider.Run)
	doc := w.box.office.Current().Doc
	for i := range doc.Devices {
		d := &doc.Devices[i]
		secret, _ := w.box.secrets.Get(d.Secret)
		his := w.dice("phone " + d.Username)
		p, err := pbxtest.New(pbxtest.PhoneOptions{User: d.Username, Password: secret, Box: w.addr, SIP: w.sip, Media: w.rtp, Log: log,
			Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)}), 5060),
			Answer: func() (time.Duration, int, bool) {
				switch {
				case his.chance(0.1):
					return time.Minute, 480, false // rings and rings
				case his.chance(0.1):
					return time.Second, 486, false
				}
				return time.Second + his.wait(4*time.Second), 0, true
			}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.phones = append(w.phones, p)
		run(p.Run)
	}
}

// register registers every phone, as phones do from time to time.
func (w *simWorld) register() {
	for _, p := range w.phones {
		ctx, cancel := context.WithTimeout(w.t.Context(), 40*time.Second)
		err := p.Register(ctx)
		cancel()
		if err != nil && w.over == nil {
			w.t.Fatal(err)
		}
	}
}

// logIn logs every phone's person into the queues.
func (w *simWorld) logIn() {
	for _, p := range w.phones {
		c, err := p.Dial("*70")
		if err != nil {
			w.t.Fatal(err)
		}
		select {
		case <-c.End():
		case <-time.After(20 * time.Second):
			w.t.Fatal("the login code did not end")
		}
	}
}

func (w *simWorld) count(n *int) {
	w.placed.Lock()
	defer w.placed.Unlock()
	*n++
}

// callIn is an outside caller on a line.
func (w *simWorld) callIn(d *dice, line hal.LineID) {
	b := w.live()
	if b == nil {
		return
	}
	p, err := b.exchange.Ring(line, sim.CallerSpec{Number: w.outsider(fmt.Sprintf("06%07d", d.pick(1e7))), GiveUp: 30 * time.Second})
	if err != nil {
		return // the line is in use
	}
	w.count(&w.placed.in)
	select {
	case <-p.Answered():
	case <-p.Done():
		return
	}
	time.Sleep(d.wait(6 * time.Second))
	if d.chance(0.8) {
		p.Key("1")
	}
	select {
	case <-p.Done():
	case <-time.After(10*time.Second + d.wait(time.Minute)):
		p.HangUp()
	}
}

// outsider notes a number of the outside world.
func (w *simWorld) outsider(number string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outsiders = append(w.outsiders, number)
	return number
}

func (w *simWorld) callInside(d *dice) {
	from, to := d.pick(len(w.phones)), d.pick(len(w.phones))
	c, err := w.phones[from].Dial(fmt.Sprint(201 + to))
	if err != nil {
		return
	}
	w.count(&w.placed.inside)
	w.talk(d, c, 15*time.Second)
}

func (w *simWorld) callOut(d *dice) {
	number := w.outsider(fmt.Sprintf("0%d%07d", 2+d.pick(2)*4, d.pick(1e7)))
	c, err := w.phones[d.pick(len(w.phones))].Dial(number)
	if err != nil {
		return
	}
	w.count(&w.placed.out)
	w.talk(d, c, 30*time.Second)
}

// talk waits for a call's end and hangs up some time after its answer.
func (w *simWorld) talk(d *dice, c *pbxtest.Call, mean time.Duration) {
	select {
	case <-c.End():
		return
	case <-c.Up():
	case <-time.After(40 * time.Second):
	}
	select {
	case <-c.End():
	case <-time.After(d.wait(mean)):
		c.HangUp()
	}
}

func (w *simWorld) farEnd(line hal.LineID, number string) sim.DialOutcome {
	d := w.far[line]
	switch n := d.pick(6); {
	case number == "112": // somebody always answers there
	case n == 0:
		return sim.DialOutcome{Result: sim.IsBusy}
	case n == 1:
		return sim.DialOutcome{Result: sim.NoReply}
	}
	clearing := sim.ClearBusyTone
	if d.chance(0.3) {
		clearing = sim.ClearLoopBreak
	}
	hang := d.wait(40 * time.Second)
	return sim.DialOutcome{Delay: time.Second + d.wait(3*time.Second), Clearing: clearing, Party: func(p *sim.Party) {
		time.AfterFunc(10*time.Second+hang, p.HangUp)
	}}
}

// pullLine takes a line away for a while.
func (w *simWorld) pullLine(d *dice) {
	b := w.live()
	if b == nil {
		return
	}
	list := b.lines.list()
	line := list[d.pick(len(list))]
	pull, push := func() {}, func() error { return nil }
	if l, direct := line.(*sim.Line); direct {
		pull, push = l.Unplug, func() error { l.Replug(); return nil }
	} else if m := b.modems[line.ID()]; m != nil {
		pull, push = m.Unplug, m.Replug
	}
	w.count(&w.placed.unplugged)
	w.disturb()
	pull()
	time.Sleep(5*time.Second + d.wait(30*time.Second))
	if err := push(); err != nil && w.live() == b {
		w.t.Errorf("put line %s back: %v", line.ID(), err)
	}
	w.disturb()
}

// killPhone lets a phone vanish in the middle of a call: no more RTP, no BYE.
func (w *simWorld) killPhone() {
	for _, p := range w.phones {
		if c := p.Current(); c != nil {
			select {
			case <-c.Up():
				w.count(&w.placed.died)
				c.Die()
				return
			default:
			}
		}
	}
}
