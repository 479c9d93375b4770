package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"centralino/acd"
	"centralino/acd/outcome"
	acdreport "centralino/acd/report"
	"centralino/board/health"
	"centralino/hal"
	"centralino/hal/serial"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/logring"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/service"
	"centralino/internal/store"
	"centralino/pbx"
	"centralino/pbx/lamp"
	"centralino/pbx/media"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
	"centralino/ui"
	"centralino/ui/cti"
	"centralino/ui/export"
	"centralino/ui/live"
)

// firstPacket is how long the first packet of a leg is waited for, at most.
const firstPacket = 30 * time.Second

// stopLimit is how long an orderly stop may take, from the signal to the end of the
// program: the parts with the calls, then the journal's last event, then closing.
// What is left is the system's.
const (
	stopLimit = 5 * time.Second
	partsWait = 3 * time.Second
	lastEvent = time.Second
	closeWait = 700 * time.Millisecond
)

// box is everything that runs, joined.
type box struct {
	opt   options
	log   *slog.Logger
	ring  *logring.Ring
	now   func() time.Time
	front *front

	db        *store.DB
	opened    store.Opened
	journal   *journal.Log
	office    *office.Store
	secrets   *office.Secrets
	people    *privacy.Gate
	customers *outcome.Book
	after     *afterCalls
	lastTalks lastTalks
	registrar *registrar.Registrar
	stack     *sip.Stack
	plane     *media.Plane
	pbx       *pbx.PBX
	keys      *lamp.Board // the lamps of the phones' keys
	acd       *acd.ACD
	pages     *ui.Server
	reports   *acdreport.Reader
	post      *export.Post
	trunks    trunkSet
	record    recorder
	voices    *voices
	lines     lineSet
	modems    map[hal.LineID]*sim.Modem // of the simulated exchange
	exchange  *sim.Exchange             // nil on a real box

	journalDone chan error
	stopJournal context.CancelFunc
	lineStates  lineStates
	answering   chan answerer  // who waits for a call of the simulated box; unbuffered: a waiter stands in it
	testRings   chan office.ID // calls of the simulated exchange that a page asks for; unbuffered: runTestRings takes them
	quit        func()
	next        atomic.Int32 // what comes after stopping, a nextStep
	updates     *updates     // nil where there are no slots
	card        cardCode     // the one-time code on the memory card
	pageAt      string       // address of the page for the box itself; empty: there is none

	netName      atomic.Pointer[string] // of a board of its own on the network; nil: not known
	clockTrusted atomic.Bool            // on a board of its own only once the time is known (timesync.State.Known)
}

// migrations are those of every domain.
func migrations() []store.Migration {
	var all []store.Migration
	all = append(all, journal.Migrations()...)
	all = append(all, office.Migrations()...)
	all = append(all, privacy.Migrations()...)
	all = append(all, registrar.Migrations...)
	all = append(all, lamp.Migrations...)
	all = append(all, outcome.Migrations()...)
	all = append(all, cti.Migrations()...)
	return append(all, ui.Migrations()...)
}

// newBox opens everything in order. On error modems, journal and database are closed
// again; sockets end with the program.
//
// It starts the journal's goroutine, because what follows writes to the journal.
func newBox(ctx context.Context, o options) (_ *box, err error) {
	ring := logring.New(logring.Options{Next: slog.NewTextHandler(o.seams.logTo(), nil)})
	b := &box{opt: o, ring: ring, log: slog.New(ring.Handler()), now: o.seams.clock(), answering: make(chan answerer), testRings: make(chan office.ID)}
	b.clockTrusted.Store(!onBoard())
	b.trunks.b = b
	b.lines.b, b.lines.drivers = b, map[office.ID]*lineDriver{}
	b.modems = map[hal.LineID]*sim.Modem{}
	b.record.b = b
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	var pages sync.WaitGroup
	pages.Go(ui.Prepare) // beside the database
	defer pages.Wait()
	if err := b.openFront(); err != nil {
		return nil, err
	}
	if err := b.openUpdates(); err != nil {
		return nil, err
	}
	b.card = openCardCode(b.log)
	if err := serial.Reserve(); err != nil {
		b.log.Warn("no reserve of file descriptors", "err", err)
	}
	if err := b.openData(ctx); err != nil {
		return nil, err
	}
	if err := b.openTelephony(ctx); err != nil {
		return nil, err
	}
	if err := b.openReports(ctx); err != nil {
		return nil, err
	}
	return b, b.openPages(ctx)
}

// storeOptions are those of the box's database in a folder.
func storeOptions(folder string, now func() time.Time, log *slog.Logger) store.Options {
	return store.Options{
		Folder: folder, Migrations: migrations(), Now: now, Log: log,
		Files: []string{office.KeyFile, privacy.KeyFile, ui.CAFile}, Blobs: voicesFolder,
		CheckRestored: []func(context.Context, *sql.DB) error{journal.CheckRestored, office.CheckRestored},
	}
}

// openData opens database, journal, office and names, and fills an empty office.
func (b *box) openData(ctx context.Context) error {
	var err error
	opt := storeOptions(b.opt.data, b.now, b.log)
	opt.Readers, opt.Fault = b.opt.seams.readers, b.opt.seams.disk
	if b.db, b.opened, err = b.openStore(ctx, opt); err != nil {
		return &exitError{exitData, "Check that the data folder can be written and that no other box uses it, or name another with -data", fmt.Errorf("open data folder %s: %w", b.opt.data, err)}
	}
	if b.voices, err = openVoices(b.opt.data); err != nil {
		return fmt.Errorf("open recordings of prompts: %w", err)
	}
	b.watchStore()
	var rec journal.Recovery
	b.journal, rec, err = journal.Open(ctx, journal.Options{
		DB: b.db, Now: b.now, Trusted: b.clockTrusted.Load, Log: b.log,
		Version: version, Board: b.opt.board, Repaired: repaired(), Fault: b.journalFault,
	})
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	b.tellRecovery(rec)
	jctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	b.stopJournal, b.journalDone = stop, make(chan error, 1)
	go func() { b.journalDone <- b.journal.Run(jctx) }() // awaited by close
	if b.secrets, err = office.OpenSecrets(ctx, b.db); err != nil {
		return fmt.Errorf("open secrets: %w", err)
	}
	b.tellLost(len(b.secrets.Lost()))
	b.office, err = office.OpenStore(ctx, office.StoreOptions{DB: b.db, Journal: b.journal, Now: b.now})
	if err != nil {
		return fmt.Errorf("open office: %w", err)
	}
	b.tellSkipped(b.office.Skipped())
	b.people, err = privacy.Open(ctx, privacy.Options{DB: b.db, Journal: b.journal, Now: b.now,
		Office: func() *office.Document { return b.office.Current().Doc }})
	if err != nil {
		return fmt.Errorf("open names: %w", err)
	}
	b.customers, err = outcome.Open(ctx, outcome.Options{DB: b.db, Journal: b.journal, Gate: b.people, Office: b.office.Current, Now: b.now,
		Told: func(o journal.OutcomeSet) { b.acd.OutcomeKnown(o.Agent, o.Call) }, Fault: b.customersFault})
	if err != nil {
		return err
	}
	if err := b.openAfter(ctx); err != nil {
		return err
	}
	return b.furnish(ctx)
}

func (b *box) journalFault(raised bool, reason string) {
	if raised {
		b.log.Error("the disk refuses the journal; calls go on", "reason", reason)
		b.front.faults.Raise(health.StorageFailed, "")
	} else {
		b.front.faults.Clear(health.StorageFailed, "")
	}
}

// openTelephony makes lines, media, SIP, ACD and the switch.
func (b *box) openTelephony(ctx context.Context) error {
	var err error
	if b.opt.sim {
		b.exchange = sim.NewExchange(sim.ExchangeOptions{Seed: 1})
		b.exchange.OnDial(b.farEnd)
	}
	if err = b.lines.configure(b.office.Current().Doc); err != nil {
		b.log.Error("a line cannot be used", "err", err)
	}
	if b.plane, err = media.New(media.Options{Net: b.opt.seams.mediaNet(), Loops: b.opt.seams.loops,
		NoPacket: b.opt.silence, FirstPacket: min(b.opt.silence, firstPacket), Log: b.log}); err != nil {
		return fmt.Errorf("open media: %w", err)
	}
	b.registrar, err = registrar.New(registrar.Options{
		Account: b.account, Now: b.now, Store: registrar.NewSQLStore(b.db), Log: b.log,
		OnChange: b.phoneChanged,
		OnBackoff: func(source netip.Addr, user string) {
			b.log.Warn("passwords are being guessed", "source", source, "user", user)
		},
	})
	if err != nil {
		return fmt.Errorf("open registrar: %w", err)
	}
	b.stack, err = sip.New(sip.Options{
		Net: b.opt.seams.sipNet(), UDP: []netip.AddrPort{b.opt.sip}, TCP: []netip.AddrPort{b.opt.sip},
		Exempt: b.exempt, Log: b.log,
	})
	if err != nil {
		return fmt.Errorf("listen for SIP on %s: %w", b.opt.sip, err)
	}
	x := &exchange{}
	b.acd, err = acd.New(acd.Options{Switch: x, Journal: &b.record, Office: b.office.Current().Doc, Now: b.now, Log: b.log})
	if err != nil {
		return fmt.Errorf("open call distribution: %w", err)
	}
	if err := b.rememberQueues(ctx); err != nil {
		return err
	}
	if err := b.openKeys(); err != nil {
		return err
	}
	b.pbx, err = pbx.New(pbx.Options{
		Office: func() *office.Document { return b.office.Current().Doc }, Journal: &b.record,
		Stack: b.stack, Plane: b.plane, Phones: phones{b}, Trunks: b.trunks.all, Lines: b.lines.list(),
		Queue: queues{b.acd, b.after.kept}, Names: b.people, Feature: b.feature, Audio: b.voices.get, Stateless: b.stateless,
		Subscriptions: b.keys, PhoneLeg: b.keys.Phone, DialTone: b.front.dialTone, Now: b.now, Log: b.log,
	})
	if err != nil {
		return err
	}
	x.pbx = b.pbx
	if err := b.pbx.Remember(ctx, b.journal); err != nil {
		b.log.Warn("no line is kept for the call back after an emergency call", "err", err)
	}
	if err := b.registrar.Load(ctx); err != nil { // tells the ACD who can be reached
		b.log.Warn("phones must register again", "err", err)
	}
	return nil
}

// The kept state of the ACD: its name in the journal's folds, the version of its
// form, and how many events make it worth keeping anew.
const (
	acdFold        = "acd"
	acdFoldVersion = 1
	acdFoldEvents  = 2000

	talksFold        = "lastTalks" // kept together with the ACD's
	talksFoldVersion = 1
)

// rememberQueues gives the ACD its state back: what was kept of it, then the events
// since; what agents talked last comes back with it. It keeps the state anew when there
// were many, so that starting stays fast.
func (b *box) rememberQueues(ctx context.Context) error {
	var last uint64
	f, ok, err := b.journal.LoadFold(ctx, acdFold, acdFoldVersion)
	if err == nil && ok && b.acd.Resume(f.State) == nil {
		last = f.Seq
		talks, ok, err := b.journal.LoadFold(ctx, talksFold, talksFoldVersion)
		if err == nil && ok && talks.Seq == f.Seq {
			err = b.lastTalks.resume(talks.State)
		}
		if err != nil {
			b.log.Warn("conversations before the last start have no outcome by digits", "err", err)
		}
	}
	from := last
	err = b.journal.Replay(ctx, last+1, func(e journal.Event) error {
		last = e.Seq
		b.acd.Replay(e)
		b.lastTalks.see(e.Payload)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	if last-from < acdFoldEvents {
		return nil
	}
	state, err := b.acd.Checkpoint()
	talks, talksErr := b.lastTalks.keep()
	if err = cmp.Or(err, talksErr); err == nil {
		err = b.journal.SaveFolds(ctx, journal.Fold{Name: acdFold, Version: acdFoldVersion, Seq: last, State: state},
			journal.Fold{Name: talksFold, Version: talksFoldVersion, Seq: last, State: talks})
	}
	if err != nil {
		b.log.Warn("the queues' state was not kept; the next start reads more", "err", err)
	}
	return nil
}

// run runs everything until ctx ends or a part that must live fails, then stops in
// order: calls first, then what they need, then the journal, then the database.
func (b *box) run(ctx context.Context) error {
	defer b.closeWithin(closeWait)
	ctx, b.quit = context.WithCancel(ctx)
	defer b.quit()
	b.tellReachable()
	defer b.office.Subscribe(b.officeChanged)()
	err := service.New(service.Options{
		Log: b.log, StopWait: partsWait,
		Restarted: func(name string, inARow int, err error) {
			if inARow > 2 {
				b.front.faults.Raise(health.SoftwareRestarts, name)
			}
		},
		Steady: func(name string) { b.front.faults.Clear(health.SoftwareRestarts, name) },
	}, b.parts()...).Run(ctx)
	if err == nil && b.updates != nil {
		b.updates.stopping()
	}
	deadline, done := context.WithTimeout(context.WithoutCancel(ctx), lastEvent)
	defer done()
	if stopErr := b.journal.Stop(deadline, "asked"); stopErr != nil {
		b.log.Error("the end was not written", "err", stopErr)
	}
	return err
}

// parts are what runs, in the order of starting; they stop in reverse.
func (b *box) parts() []service.Part {
	vital := func(name string, s service.Service) service.Part {
		return service.Part{Name: name, Service: s, Vital: true}
	}
	list := []service.Part{
		{Name: "store", Service: b.db},
		{Name: "names", Service: b.people},
		{Name: "customers", Service: b.customers},
		{Name: "faults", Service: b.front.faults},
		{Name: "lamps", Service: b.front.lamps},
		{Name: "button", Service: b.front},
		vital("media", b.plane),
		vital("sip", b.stack),
		vital("registrar", b.registrar),
		vital("acd", b.acd),
		{Name: "keys", Service: service.Func(b.runKeys)},
		{Name: "trunks", Service: &b.trunks},
		vital("lines", &b.lines),
		{Name: "reports", Service: b.reports},
		{Name: "after", Service: b.after},
		{Name: "test rings", Service: service.Func(b.runTestRings)},
		{Name: "pages", Service: b.pages},
		{Name: "post", Service: b.post},
		vital("switch", b.pbx),
	}
	if !b.opt.seams.virtual {
		list = append(list, service.Part{Name: "control",
			Service: &control{path: filepath.Join(b.opt.data, controlName), handle: b.command, log: b.log}})
	}
	list = append(list, b.firstProcessParts()...)
	if b.updates != nil {
		list = append(list, service.Part{Name: "updates", Service: b.updates})
	}
	return append(list, service.Part{Name: "sensors", Service: b.sensors()},
		service.Part{Name: "ready", Service: service.Func(b.front.ready)})
}

// closeWithin closes, but waits no longer than d: a disk that hangs must not keep the
// program. What the journal could not write by then is lost with it, and is said.
func (b *box) closeWithin(d time.Duration) {
	closed := make(chan struct{})
	go func() { // ends with the program at the latest
		defer close(closed)
		b.close()
	}()
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-closed:
	case <-limit.C:
		b.log.Error("closing takes too long and is left to the system")
	}
}

// close lets go of what newBox opened, in reverse order.
func (b *box) close() {
	for _, m := range b.modems {
		if err := m.Close(); err != nil {
			b.log.Warn("close modem", "err", err)
		}
	}
	clear(b.modems)
	if b.exchange != nil {
		b.exchange.Close()
	}
	if b.stopJournal != nil {
		b.stopJournal()
		if err := <-b.journalDone; err != nil {
			b.log.Error("journal", "err", err)
		}
		b.stopJournal = nil
	}
	if b.db != nil {
		if err := b.db.Close(); err != nil {
			b.log.Error("close database", "err", err)
		}
		b.db = nil
	}
}

// officeChanged tells the parts that keep something of the office.
func (b *box) officeChanged(s *office.Snapshot) {
	if err := b.acd.SetOffice(s.Doc); err != nil {
		b.log.Error("call distribution keeps its old queues", "err", err)
	}
	b.registrar.Recheck()
	b.trunks.set(s.Doc)
	if err := b.lines.configure(s.Doc); err != nil {
		b.log.Error("a line cannot be used", "err", err)
	}
	b.pbx.SetLines(b.lines.list())
	b.keys.OfficeChanged(s.Doc)
	b.front.officeChanged(s.Doc)
	b.tellReachable()
	b.after.hooks.OfficeChanged()
	b.notify(live.Office) // the journal may have told the pages before the new office was there to be drawn
}

// command performs what a subcommand asks for.
func (b *box) command(ctx context.Context, r controlRequest, say func(string)) ([]byte, error) {
	switch r.Do {
	case "ring":
		return b.simulateCall(ctx, r, say)
	case "answer":
		return b.answerCall(ctx, r, say)
	case "button":
		if b.front.pressed == nil {
			return nil, errNoExchange
		}
		b.front.pressed.press(ctx, time.Duration(r.HoldMS)*time.Millisecond)
		say("pressed")
		return nil, nil
	case "unplug", "replug":
		return nil, b.replug(hal.LineID(r.Line), r.Do == "replug", say)
	case "watch":
		return nil, b.watchExchange(ctx, say)
	}
	return nil, fmt.Errorf("this box does not know %q", r.Do)
}

// addresses are the box's own on its networks, loopback last.
func addresses() []netip.Addr {
	var list, loop []netip.Addr
	ifs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range ifs {
		p, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, _ := netip.AddrFromSlice(p.IP)
		switch addr = addr.Unmap(); {
		case addr.IsLoopback():
			loop = append(loop, addr)
		case addr.IsGlobalUnicast():
			list = append(list, addr)
		}
	}
	return append(list, loop...)
}

// recorder is the journal for everybody who reports states: it keeps the present
// state of lines for the pages.
type recorder struct {
	b     *box
	watch func(journal.CallID, journal.Payload) // for tests; set before run
}

func (r *recorder) Append(call journal.CallID, p journal.Payload) {
	if r.watch != nil {
		r.watch(call, p)
	}
	if l, ok := p.(journal.LineChanged); ok {
		r.b.lineStates.set(ui.LineStatus{ID: office.ID(l.Line), State: l.State, Reason: l.Reason, Since: r.b.now()})
	}
	r.b.journal.Append(call, p)
	switch p := p.(type) {
	case journal.AgentChanged:
		r.b.keys.Agent(p)
	case journal.BreakProposed:
		r.b.keys.Break(p)
	}
	r.b.lastTalks.see(p)
	r.b.front.see(call, p)
}

// Flush returns once everything that was recorded is on disk: a promise is spoken
// only then.
func (r *recorder) Flush(ctx context.Context) error { return r.b.journal.Flush(ctx) }

// seams are where a test puts a world of its own. The zero value is the real one.
type seams struct {
	sip     sip.Net
	media   media.Net
	loops   int
	readers int
	disk    func(operation string) error // of a failing disk
	now     func() time.Time             // a wall clock that is set while the box runs
	hand    ui.Clock                     // by a person
	log     io.Writer                    // of the log; standard error if nil
	mail    func(context.Context, office.Mail, string, export.Letter) error
	virtual bool       // lines directly on the exchange, no control socket: lives in a bubble
	modem   hal.LineID // the one line of a virtual box that has its driver and a modem in memory
}

func (s seams) logTo() io.Writer {
	if s.log != nil {
		return s.log
	}
	return os.Stderr
}

func (s seams) clock() func() time.Time {
	if s.now != nil {
		return s.now
	}
	return time.Now
}

func (s seams) mediaNet() media.Net {
	if s.media != nil {
		return s.media
	}
	return media.KernelNet()
}

func (s seams) sipNet() sip.Net {
	if s.sip != nil {
		return s.sip
	}
	return sip.KernelNet{}
}
