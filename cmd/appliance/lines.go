package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"centralino/hal"
	"centralino/hal/serial"
	"centralino/hal/sim"
	"centralino/hal/voicemodem"
	"centralino/internal/audio"
	"centralino/internal/audio/prompts"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/route"
	"centralino/ui"
)

// halKind names an office line's technology for the drivers that there are.
var halKind = map[office.LineKind]hal.LineKind{
	office.LineAnalog: hal.Analog,
	office.LineISDN:   hal.ISDN,
}

// lineSet runs the drivers of the office's telephone lines and follows the office:
// a line that is added, changed or taken away needs no restart, and a call on it
// comes to its end first.
type lineSet struct {
	b *box

	mu      sync.Mutex
	ctx     context.Context // of Run, nil before it
	drivers map[office.ID]*lineDriver
	noise   uint64 // octets that meant nothing to drivers that are no more
	wg      sync.WaitGroup
}

type lineDriver struct {
	cfg  lineConfig
	line hal.Line
	stop context.CancelFunc // nil until it runs
}

// lineConfig is what a driver is made of; a driver is made anew when it changes.
type lineConfig struct {
	kind                   office.LineKind
	port, dialect, numbers string
}

// configure makes drivers for the telephone lines of doc and retires the others.
func (s *lineSet) configure(doc *office.Document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	wanted := make(map[office.ID]bool)
	for i := range doc.Lines {
		l := &doc.Lines[i]
		kind, ok := halKind[l.Kind]
		if !ok || l.Disabled || l.Port == "" && !s.b.opt.sim {
			continue
		}
		numbers := s.b.numbersOf(doc, l)
		cfg := lineConfig{l.Kind, l.Port, l.Dialect, strings.Join(numbers, " ")}
		if s.b.opt.sim {
			cfg.port = "" // the simulated modem is always the same
		}
		wanted[l.ID] = true
		if d := s.drivers[l.ID]; d != nil && d.cfg == cfg {
			continue
		}
		line, err := s.b.openLine(l, kind, numbers, doc.Site.Country)
		if err != nil {
			failed = fmt.Errorf("line %s: %w", l.ID, err)
			continue
		}
		s.retire(l.ID)
		s.drivers[l.ID] = &lineDriver{cfg: cfg, line: line}
	}
	for id := range s.drivers {
		if !wanted[id] {
			s.retire(id)
		}
	}
	s.startAll()
	return failed
}

// list returns the lines in use now.
func (s *lineSet) list() []hal.Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []hal.Line
	for _, d := range s.drivers {
		out = append(out, d.line)
	}
	slices.SortFunc(out, func(a, b hal.Line) int { return strings.Compare(string(a.ID()), string(b.ID())) })
	return out
}

// garbage is how many octets of the lines' devices meant nothing since the start.
func (s *lineSet) garbage() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.noise
	for _, d := range s.drivers {
		n += d.line.Stats().Garbage
	}
	return n
}

// device tells of the modem that a line's driver has found, if it has one.
func (s *lineSet) device(id office.ID) voicemodem.Device {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.drivers[id]; d != nil {
		if l, ok := d.line.(*voicemodem.Line); ok {
			return l.Device()
		}
	}
	return voicemodem.Device{}
}

// Run runs the drivers until ctx ends.
func (s *lineSet) Run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	s.startAll()
	s.mu.Unlock()
	<-ctx.Done()
	s.wg.Wait()
	return nil
}

// startAll starts drivers that do not run yet. Called with mu held.
func (s *lineSet) startAll() {
	if s.ctx == nil || s.ctx.Err() != nil {
		return
	}
	for _, d := range s.drivers {
		if d.stop != nil {
			continue
		}
		ctx, stop := context.WithCancel(s.ctx)
		d.stop = stop
		s.wg.Go(func() {
			if err := d.line.Run(ctx); err != nil && ctx.Err() == nil {
				s.b.log.Error("line driver ended", "line", d.line.ID(), "err", err)
			}
		})
	}
}

// retire takes a driver out and stops it once its line is idle. Called with mu
// held.
func (s *lineSet) retire(id office.ID) {
	d := s.drivers[id]
	if d == nil {
		return
	}
	delete(s.drivers, id)
	s.noise += d.line.Stats().Garbage
	var look func()
	look = func() {
		switch d.line.State() {
		case hal.LineIdle, hal.LineOutOfService:
			if d.stop != nil {
				d.stop()
			}
		default:
			time.AfterFunc(time.Second, look)
		}
	}
	time.AfterFunc(time.Second, look) // the switch has let go of it by then
}

// openLine makes the driver of one line. In simulation it is a modem of the
// simulated exchange behind a pty, reached like a real one.
func (b *box) openLine(l *office.Line, kind hal.LineKind, numbers []string, country string) (hal.Line, error) {
	id := hal.LineID(l.ID)
	port := serial.NewOpener(l.Port, serial.Options{})
	switch {
	case b.opt.seams.virtual && id != b.opt.seams.modem:
		b.exchange.AddLine(id, sim.LineOptions{Kind: kind})
		return b.exchange.DirectLine(id), nil
	case b.opt.sim:
		path, err := b.simulatedModem(id, kind)
		if err != nil {
			return nil, err
		}
		port = serial.NewOpener("path:"+path, serial.Options{})
		if b.opt.seams.virtual {
			port = b.modems[id] // its port is in memory
		}
	}
	return voicemodem.New(voicemodem.Options{
		ID: id, Kind: kind, Port: port,
		Dialect: l.Dialect, MSN: numbers, Country: country, Log: b.log,
	})
}

// serialPorts lists the ports that the computer has now.
func serialPorts() ([]ui.SerialPort, error) {
	found, err := serial.List()
	out := make([]ui.SerialPort, len(found))
	for i, f := range found {
		out[i] = ui.SerialPort{Identity: f.Identity, Device: f.Device, Product: f.Product, Serial: f.Serial}
	}
	return out, err
}

// numbersOf lists the own numbers of an ISDN line in national form, for its MSN
// table.
func (b *box) numbersOf(doc *office.Document, l *office.Line) []string {
	if l.Kind != office.LineISDN {
		return nil
	}
	var msn []string
	plan := route.Plan(doc)
	for i := range doc.Numbers {
		if n := &doc.Numbers[i]; n.Line == l.ID {
			msn = append(msn, plan.Dial(numbering.Number{E164: n.Number}, numbering.FormNational))
		}
	}
	return msn
}

// simulatedModem connects a line of the simulated exchange to a modem behind a pty,
// once, and returns a path that always leads to it.
func (b *box) simulatedModem(id hal.LineID, kind hal.LineKind) (string, error) {
	if m := b.modems[id]; m != nil {
		return m.Path(), nil
	}
	profile := sim.CX93001
	if kind == hal.ISDN {
		profile = sim.TTYI
	}
	open := sim.OpenModem
	if b.opt.seams.virtual {
		open = sim.OpenPortModem
	}
	// It ends by Close, after the last call, and not with the box's context.
	m, err := open(context.Background(), b.exchange.AddLine(id, sim.LineOptions{Kind: kind}),
		sim.ModemOptions{Profile: profile, Link: filepath.Join(b.opt.data, "tty-"+string(id))})
	if err != nil {
		return "", fmt.Errorf("simulated modem: %w", err)
	}
	b.modems[id] = m
	return m.Path(), nil
}

// replug pulls the simulated modem of a line out, and with back puts it in again.
func (b *box) replug(id hal.LineID, back bool, say func(string)) error {
	b.lines.mu.Lock()
	m := b.modems[id]
	b.lines.mu.Unlock()
	if m == nil {
		return fmt.Errorf("%s has no simulated modem", id)
	}
	if !back {
		m.Unplug()
		say(string(id) + " unplugged")
		return nil
	}
	if err := m.Replug(); err != nil {
		return fmt.Errorf("replug %s: %w", id, err)
	}
	say(string(id) + " plugged in again")
	return nil
}

// farEnd is who answers the calls that the simulated box makes: who waits with
// 'appliance answer', or somebody who picks up after two seconds and talks.
func (b *box) farEnd(_ hal.LineID, number string) sim.DialOutcome {
	switch {
	case strings.HasSuffix(number, "486"):
		return sim.DialOutcome{Result: sim.IsBusy}
	case strings.HasSuffix(number, "480"):
		return sim.DialOutcome{Result: sim.NoReply}
	}
	select {
	case w := <-b.answering:
		return sim.DialOutcome{Delay: w.delay, Party: func(p *sim.Party) { w.party <- p }}
	default:
	}
	return sim.DialOutcome{Party: func(p *sim.Party) { chat(p, nil) }}
}

// chat lets a far party say something: what is given, or a sentence and music.
func chat(p *sim.Party, alaw []byte) {
	if len(alaw) > 0 {
		p.Say(linear(alaw))
		return
	}
	p.Say(spoken("it", "test-call"))
	p.Say(linear(prompts.Music()))
}

// answerer waits for a call of the box. party has room for the one that comes.
type answerer struct {
	delay time.Duration
	party chan *sim.Party
}

// answerCall waits for the next call that the box makes and plays its far party.
func (b *box) answerCall(ctx context.Context, r controlRequest, say func(string)) ([]byte, error) {
	if b.exchange == nil {
		return nil, errNoExchange
	}
	w := answerer{delay: time.Duration(max(r.WaitMS, 1)) * time.Millisecond, party: make(chan *sim.Party, 1)}
	say("waiting for a call")
	select {
	case b.answering <- w:
	case <-ctx.Done():
		return nil, nil
	}
	select {
	case p := <-w.party:
		chat(p, r.Say)
		say(string(p.Line()) + " dialled " + p.Number())
		return b.follow(ctx, p, r, say)
	case <-ctx.Done():
		return nil, nil
	}
}

func spoken(lang, name string) []int16 {
	b, _ := prompts.Prompt(lang, name)
	return linear(b)
}

func linear(alaw []byte) []int16 {
	pcm := make([]int16, len(alaw))
	audio.ALawToLinear(pcm, alaw)
	return pcm
}

// errNoExchange is what the simulation's commands get on a real box.
var errNoExchange = errors.New("this box has real lines: only a box started with -sim has a simulated exchange")

// simulateCall makes the exchange ring a line and tells what becomes of the call.
func (b *box) simulateCall(ctx context.Context, r controlRequest, say func(string)) ([]byte, error) {
	if b.exchange == nil {
		return nil, errNoExchange
	}
	caller := sim.CallerSpec{Number: r.From, Name: r.Name, GiveUp: 3 * time.Minute}
	if r.From == "P" {
		caller = sim.CallerSpec{Restricted: true, GiveUp: 3 * time.Minute}
	}
	p, err := b.exchange.Ring(hal.LineID(r.Line), caller)
	if err != nil {
		return nil, fmt.Errorf("ring %s: %w", r.Line, err)
	}
	say(r.Line + " rings: " + r.From + " calls")
	return b.follow(ctx, p, r, say)
}

// follow tells what becomes of a far party's call, presses its keys and hangs up in
// the end. A caller talks after his last key; who was called began on answering.
func (b *box) follow(ctx context.Context, p *sim.Party, r controlRequest, say func(string)) ([]byte, error) {
	select {
	case <-p.Answered():
		say("answered")
	case <-p.Done():
		say("not answered")
		return nil, nil
	case <-ctx.Done():
		p.HangUp()
		return nil, nil
	}
	end := time.NewTimer(time.Duration(max(r.EndMS, 1000)) * time.Millisecond)
	defer end.Stop()
	key := time.NewTimer(keyPause)
	defer key.Stop()
	keys, talks := r.Keys, r.Do == "answer"
	for {
		select {
		case <-key.C:
			if keys != "" {
				if keys[0] != ',' { // which is a pause
					say("caller presses " + keys[:1])
					p.Key(keys[:1])
				}
				keys = keys[1:]
				key.Reset(keyPause)
			}
			if keys == "" && !talks {
				talks = true
				chat(p, r.Say)
			}
		case <-p.Done():
			say("call over")
			return heardBy(p, r), nil
		case <-end.C:
			say("far party hangs up")
			p.HangUp()
		case <-ctx.Done():
			p.HangUp()
			return heardBy(p, r), nil
		}
	}
}

// keyPause is the time between a caller's keys, and before the first.
const keyPause = 4 * time.Second

func heardBy(p *sim.Party, r controlRequest) []byte {
	if !r.Record {
		return nil
	}
	pcm := p.Heard()
	alaw := make([]byte, len(pcm))
	audio.LinearToALaw(alaw, pcm)
	return alaw
}
