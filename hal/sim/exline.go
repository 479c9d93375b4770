package sim

import (
	"math"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// LineOptions describes the subscriber line.
type LineOptions struct {
	Kind       hal.LineKind  // Analog if empty; ISDN lines signal answer and clearing digitally
	ReturnLoss float64       // of the 2-wire hybrid in dB, 26 if 0; ISDN lines have no echo
	EchoDelay  time.Duration // of the hybrid's reflection, 2 ms if 0
	NoiseDBm0  float64       // of white noise on the line; 0 = no noise
}

// ExLine is the exchange's end of one 2-wire line. A Modem or a direct Line is
// connected to it.
type ExLine struct {
	x  *Exchange
	id hal.LineID
	o  LineOptions

	// Below here guarded by x.mu.
	dev     device
	offHook bool
	cut     bool    // no current: see Cut
	call    *exCall // ringing, dialed, talking, or the tones after it; nil = line at rest
	tone    hal.Tone
	gen     *audio.ToneGen // of tone; nil = no tone
	hybrid  []int16        // what was sent and comes back, EchoDelay long
	at      int            // in hybrid
	echo    float64        // gain of the reflection
	noise   *audio.Noise
	scratch [hal.FrameSamples]int16
}

// exCall is one use of the line, from ring or off hook to on hook.
type exCall struct {
	party   *Party
	timers  []*time.Timer
	through bool // sound can pass
}

// device is what is connected to the line. Its methods are the exchange's
// callbacks: they come in order and must not block.
type device interface {
	ringBurst(n int, called string)
	callerID(c CallerSpec)
	heardTone(t hal.Tone) // the tone on the line is now t; "" = none
	farAnswered()         // the called party answered
	loopBroken()          // loop current was off for 400 ms
	farCleared()          // ISDN: the far party hung up
	keyDown(digit byte)   // the far party presses a key …
	keyUp()               // … and lets it go
}

func newExLine(x *Exchange, id hal.LineID, o LineOptions) *ExLine {
	if o.Kind == "" {
		o.Kind = hal.Analog
	}
	if o.ReturnLoss == 0 {
		o.ReturnLoss = 26
	}
	if o.EchoDelay == 0 {
		o.EchoDelay = 2 * time.Millisecond
	}
	l := &ExLine{x: x, id: id, o: o}
	l.hybrid = make([]int16, max(1, audio.Samples(o.EchoDelay)))
	if o.Kind == hal.Analog {
		l.echo = math.Pow(10, -o.ReturnLoss/20)
	}
	if o.NoiseDBm0 != 0 {
		l.noise = audio.NewNoise(uint32(x.o.Seed)+uint32(len(x.lines)), o.NoiseDBm0)
	}
	return l
}

// ID names the line.
func (l *ExLine) ID() hal.LineID { return l.id }

// OffHook reports whether the box's side holds the loop closed.
func (l *ExLine) OffHook() bool {
	l.x.mu.Lock()
	defer l.x.mu.Unlock()
	return l.offHook
}

// Cut pulls the exchange's cable, or with false puts it in again: no current flows,
// so that from the next going off hook there is no dial tone, no number can be
// dialed, and nobody can ring.
func (l *ExLine) Cut(cut bool) {
	l.x.do(func() { l.cut = cut })
}

// ringing says whether somebody calls the line and waits to be answered.
func (l *ExLine) ringing() bool {
	l.x.mu.Lock()
	defer l.x.mu.Unlock()
	return l.call != nil && l.call.party != nil && l.call.party.state == PartyCalling
}

// dead says whether the exchange's cable is out.
func (l *ExLine) dead() bool {
	l.x.mu.Lock()
	defer l.x.mu.Unlock()
	return l.cut
}

// dialTone says whether the exchange gives dial tone.
func (l *ExLine) dialTone() bool {
	l.x.mu.Lock()
	defer l.x.mu.Unlock()
	return l.tone == hal.DialTone
}

// taken says whether a caller has the line, whether he rings or, when the box has gone
// off hook to dial in that moment, hears the box: there is no dial tone then.
func (l *ExLine) taken() bool {
	l.x.mu.Lock()
	defer l.x.mu.Unlock()
	return l.call != nil && l.call.party != nil
}

// connect plugs a device into the line; nil unplugs what is there.
func (l *ExLine) connect(d device) error {
	err := error(nil)
	l.x.do(func() {
		if d != nil && l.dev != nil {
			err = ErrLineTaken
			return
		}
		l.dev = d
	})
	return err
}

// tell queues a callback to the device that is connected now.
func (l *ExLine) tell(f func(device)) {
	l.x.later(func() {
		l.x.mu.Lock()
		d := l.dev
		l.x.mu.Unlock()
		if d != nil {
			f(d)
		}
	})
}

// newCall begins a use of the line.
func (l *ExLine) newCall(p *Party) { l.call = &exCall{party: p} }

// in runs f after d unless the call is over by then.
func (l *ExLine) in(d time.Duration, f func()) {
	l.call.timers = append(l.call.timers, l.x.after(d, l, f))
}

// startRing begins an incoming call. Called with the exchange locked.
func (l *ExLine) startRing(p *Party, c CallerSpec) {
	l.newCall(p)
	l.note(LineRings)
	first := time.Duration(0)
	isdn := l.o.Kind == hal.ISDN
	if !c.NoCLIP {
		switch {
		case isdn: // in the message that sets up the call: told right after the first ring
			c.BeforeRing = true
		case c.BeforeRing:
			first = clipLead
			l.tell(func(d device) { d.callerID(c) })
		default:
			l.in(clipDelay, func() { l.tell(func(d device) { d.callerID(c) }) })
		}
	}
	n := 0
	var burst func()
	burst = func() {
		n++
		k := n
		l.tell(func(d device) { d.ringBurst(k, c.Called) })
		l.in(ringPeriod, burst)
	}
	if first == 0 {
		burst()
	} else {
		l.in(first, burst)
	}
	if isdn && !c.NoCLIP {
		l.tell(func(d device) { d.callerID(c) })
	}
	if c.GiveUp > 0 {
		l.in(c.GiveUp, func() { p.hangUp() })
	}
}

// stopTimers ends everything that was to happen in this call.
func (l *ExLine) stopTimers() {
	for _, t := range l.call.timers {
		t.Stop()
	}
	l.call.timers = nil
}

// goOffHook closes the loop: it answers a ringing call or draws dial tone.
func (l *ExLine) goOffHook() {
	l.x.do(func() {
		if l.offHook {
			return
		}
		l.offHook = true
		l.note(LineOffHook)
		clear(l.hybrid)
		if l.call != nil {
			l.stopTimers()
			l.talk()
			return
		}
		l.newCall(nil)
		if l.o.Kind == hal.Analog && !l.cut {
			l.setTone(hal.DialTone)
		}
	})
}

// goOnHook opens the loop and ends whatever was on the line.
func (l *ExLine) goOnHook() {
	l.x.do(func() {
		if l.offHook {
			l.offHook = false
			l.note(LineOnHook)
			l.endCall()
		}
	})
}

// endCall takes the line to rest. Called with the exchange locked.
func (l *ExLine) endCall() {
	if l.call == nil {
		return
	}
	l.stopTimers()
	p := l.call.party
	l.call = nil
	l.setTone("")
	if p != nil {
		p.end()
	}
}

// dial sends a number; what follows is told by heardTone and farAnswered.
func (l *ExLine) dial(number string) {
	l.x.do(func() {
		if !l.offHook || l.call == nil || l.call.party != nil || l.x.closed || l.cut {
			return // digits into a conversation are only sounds
		}
		var o DialOutcome
		if l.x.onDial != nil {
			o = l.x.onDial(l.id, number)
		}
		p := newParty(l, number, o.Clearing, PartyRinging)
		l.call.party = p
		l.setTone("")
		if o.Party != nil {
			l.x.later(func() { o.Party(p) })
		}
		l.in(postDial, func() { l.dialed(p, o) })
	})
}

// dialed lets the far end ring, be busy or not be reached.
func (l *ExLine) dialed(p *Party, o DialOutcome) {
	switch o.Result {
	case IsBusy:
		l.setTone(hal.BusyTone)
		l.lost(p)
	case Congested:
		l.setTone(hal.Congestion)
		l.lost(p)
	default:
		l.setTone(hal.Ringback)
		if o.Result == Answers {
			if o.Delay == 0 {
				o.Delay = defaultRing
			}
			l.in(o.Delay, func() {
				l.talk()
				l.tell(device.farAnswered)
			})
		}
	}
}

// lost ends the far party of a call that will not come about; the tone stays.
func (l *ExLine) lost(p *Party) {
	l.call.party = nil
	p.end()
	if l.o.Kind == hal.ISDN {
		l.tell(device.farCleared)
	}
}

// talk connects both ends.
func (l *ExLine) talk() {
	l.setTone("")
	l.call.party.setState(PartyTalking)
}

// farHungUp is the far party going first; p is no longer talking.
func (l *ExLine) farHungUp(p *Party) {
	l.note(LineFarGone)
	l.call.party = nil
	if l.o.Kind == hal.ISDN {
		l.tell(device.farCleared)
		return
	}
	switch p.clearing {
	case ClearLoopBreak:
		l.in(loopBreak, func() {
			l.tell(device.loopBroken)
			l.setTone(hal.BusyTone)
		})
	case ClearBusyTone:
		l.setTone(hal.BusyTone)
	}
}

// setTone changes the tone on the line. Called with the exchange locked.
func (l *ExLine) setTone(t hal.Tone) {
	if l.tone == t {
		return
	}
	l.tone, l.gen = t, nil
	if t != "" {
		cadence, _ := audio.CountryTone("it", audio.ToneKind(t))
		l.gen = audio.NewToneGen(cadence, audio.ToneLevel)
	}
	l.tell(func(d device) { d.heardTone(t) })
}

// frame is one tick of the device's codec while off hook: tx goes to the exchange,
// rx comes from it, 8 kHz, of equal length, at most hal.FrameSamples.
func (l *ExLine) frame(tx, rx []int16) {
	l.x.do(func() {
		p := (*Party)(nil)
		if l.call != nil {
			p = l.call.party
		}
		switch {
		case l.gen != nil:
			l.gen.Read(rx)
		case p != nil && p.state == PartyTalking:
			p.speak(rx)
			p.hear(tx)
		default:
			clear(rx)
		}
		l.reflect(tx, rx)
	})
}

// reflect adds the hybrid's echo of tx and the line's noise to rx.
func (l *ExLine) reflect(tx, rx []int16) {
	for i, s := range tx {
		back := l.hybrid[l.at]
		l.hybrid[l.at] = s
		if l.at++; l.at == len(l.hybrid) {
			l.at = 0
		}
		if l.echo != 0 && back != 0 {
			rx[i] = add(rx[i], int16(math.Round(float64(back)*l.echo)))
		}
	}
	if l.noise != nil {
		n := l.scratch[:len(rx)]
		l.noise.Read(n)
		for i, s := range n {
			rx[i] = add(rx[i], s)
		}
	}
}

func add(a, b int16) int16 {
	return int16(max(math.MinInt16, min(math.MaxInt16, int(a)+int(b))))
}
