package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
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
)

// halKind names an office line's technology for the drivers.
var halKind = map[office.LineKind]hal.LineKind{
	office.LineAnalog: hal.Analog,
	office.LineISDN:   hal.ISDN,
	office.LineMobile: hal.Mobile,
}

// openLines makes the drivers of the office's telephone lines. In simulation each
// line is a modem of the simulated exchange behind a pty, reached like a real one.
func (b *box) openLines(ctx context.Context) error {
	doc := b.office.Current().Doc
	if b.opt.sim {
		b.exchange = sim.NewExchange(sim.ExchangeOptions{Seed: 1})
		b.exchange.OnDial(b.farEnd)
	}
	for i := range doc.Lines {
		l := &doc.Lines[i]
		kind, ok := halKind[l.Kind]
		if !ok || l.Disabled {
			continue
		}
		if b.opt.seams.virtual {
			b.exchange.AddLine(hal.LineID(l.ID), sim.LineOptions{Kind: kind})
			b.lines = append(b.lines, b.exchange.DirectLine(hal.LineID(l.ID)))
			continue
		}
		port := l.Port
		if b.opt.sim {
			path, err := b.simulatedModem(ctx, hal.LineID(l.ID), kind)
			if err != nil {
				return err
			}
			port = "path:" + path
		}
		if port == "" {
			b.log.Warn("line has no port yet", "line", l.ID)
			continue
		}
		line, err := voicemodem.New(voicemodem.Options{
			ID: hal.LineID(l.ID), Kind: kind, Port: serial.NewOpener(port, serial.Options{}),
			Dialect: l.Dialect, MSN: b.numbersOf(doc, l), Country: doc.Site.Country, Log: b.log,
		})
		if err != nil {
			return fmt.Errorf("line %s: %w", l.ID, err)
		}
		b.lines = append(b.lines, line)
	}
	return nil
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

// simulatedModem connects a new line of the simulated exchange to a modem behind a
// pty, and returns a path that always leads to it.
func (b *box) simulatedModem(ctx context.Context, id hal.LineID, kind hal.LineKind) (string, error) {
	line := b.exchange.AddLine(id, sim.LineOptions{Kind: kind})
	profile := sim.CX93001
	if kind == hal.ISDN {
		profile = sim.TTYI
	}
	link := filepath.Join(b.opt.data, "tty-"+string(id))
	m, err := sim.OpenModem(ctx, line, sim.ModemOptions{Profile: profile, Link: link})
	if err != nil {
		return "", fmt.Errorf("simulated modem of %s: %w", id, err)
	}
	b.closers = append(b.closers, m.Close)
	return m.Path(), nil
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
	if len(r.Say) == 0 {
		chat(p, nil)
	}
	return b.follow(ctx, p, r, say)
}

// follow tells what becomes of a far party's call, presses its keys and hangs up in
// the end. What it says (Say) begins after the last key.
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
	keys := r.Keys
	for {
		select {
		case <-key.C:
			if keys == "" {
				continue
			}
			say("caller presses " + keys[:1])
			p.Key(keys[:1])
			if keys = keys[1:]; keys == "" && r.Do == "ring" && len(r.Say) > 0 {
				p.Say(linear(r.Say))
			}
			key.Reset(keyPause)
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
