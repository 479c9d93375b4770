package sim

import (
	"slices"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// PartyState is where a far party stands.
type PartyState string

// States of a party: a caller starts calling, a called one ringing.
const (
	PartyCalling PartyState = "calling" // calls the box, not answered yet
	PartyRinging PartyState = "ringing" // is called by the box, has not answered yet
	PartyTalking PartyState = "talking"
	PartyEnded   PartyState = "ended"
)

// heardLimit bounds the recording of what a party hears: ten minutes.
const heardLimit = 10 * 60 * audio.Rate

// Key presses of a party.
const (
	keyOn    = 80 * time.Millisecond
	keyOff   = 80 * time.Millisecond
	keyLevel = -11.0
)

// Party is somebody at the far end of a line.
type Party struct {
	line     *ExLine
	number   string
	clearing Clearing
	answered chan struct{}
	done     chan struct{}

	// Below here guarded by the exchange's mutex.
	state   PartyState
	onState []func(PartyState)
	say     []utterance
	pos     int // in say[0]
	heard   []int16
}

// utterance is a piece of what a party says: speech, or one key press with the
// pause after it.
type utterance struct {
	samples []int16
	key     byte // 0 = speech
}

func newParty(l *ExLine, number string, c Clearing, s PartyState) *Party {
	return &Party{
		line: l, number: number, clearing: c, state: s,
		answered: make(chan struct{}), done: make(chan struct{}),
	}
}

// Line returns the line on which the party talks with the box.
func (p *Party) Line() hal.LineID { return p.line.id }

// Number is the party's number: the caller's or the one that the box dialled.
func (p *Party) Number() string { return p.number }

// State returns where the party stands.
func (p *Party) State() PartyState {
	p.line.x.mu.Lock()
	defer p.line.x.mu.Unlock()
	return p.state
}

// OnState calls f with every later change of state. f must not block.
func (p *Party) OnState(f func(PartyState)) {
	p.line.x.mu.Lock()
	defer p.line.x.mu.Unlock()
	p.onState = append(p.onState, f)
}

// Answered is closed when both ends talk.
func (p *Party) Answered() <-chan struct{} { return p.answered }

// Done is closed when the party's call is over, whoever ended it.
func (p *Party) Done() <-chan struct{} { return p.done }

// Say adds 8 kHz samples to what the party says; it begins when both ends talk.
func (p *Party) Say(samples []int16) {
	p.line.x.mu.Lock()
	defer p.line.x.mu.Unlock()
	p.say = append(p.say, utterance{samples: slices.Clone(samples)})
}

// Saying reports whether something added by Say or Key is still to be said.
func (p *Party) Saying() bool {
	p.line.x.mu.Lock()
	defer p.line.x.mu.Unlock()
	return len(p.say) > 0
}

// Key presses keys (0-9 * # A-D), 80 ms each with 80 ms between, after what the
// party has still to say. Other characters are not on its keypad and are left out.
func (p *Party) Key(keys string) {
	p.line.x.mu.Lock()
	defer p.line.x.mu.Unlock()
	for i := range len(keys) {
		g, err := audio.NewDTMFGen(keys[i:i+1], keyOn, keyOff, keyLevel)
		if err != nil {
			continue
		}
		s := make([]int16, audio.Samples(keyOn+keyOff))
		g.Read(s)
		p.say = append(p.say, utterance{samples: s, key: keys[i]})
	}
}

// Heard returns a copy of what the party heard since the answer, 8 kHz; of a very
// long call the first ten minutes.
func (p *Party) Heard() []int16 {
	p.line.x.mu.Lock()
	defer p.line.x.mu.Unlock()
	return slices.Clone(p.heard)
}

// HangUp ends the party's call; the line notices as CallerSpec.Clearing says.
func (p *Party) HangUp() { p.line.x.do(p.hangUp) }

// hangUp is HangUp with the exchange locked.
func (p *Party) hangUp() {
	switch p.state {
	case PartyTalking:
		p.end()
		p.line.farHungUp(p)
	case PartyCalling:
		p.line.endCall()
	case PartyRinging:
		p.line.stopTimers()
		p.line.setTone(hal.Congestion)
		p.line.lost(p)
	}
}

// end is the party's call being over. Called with the exchange locked.
func (p *Party) end() { p.setState(PartyEnded) }

func (p *Party) setState(s PartyState) {
	if p.state == s || p.state == PartyEnded {
		return
	}
	p.state = s
	switch s {
	case PartyTalking:
		close(p.answered)
	case PartyEnded:
		close(p.done)
	}
	for _, f := range p.onState {
		p.line.x.later(func() { f(s) })
	}
}

// speak fills dst with what the party says next, then silence, and tells the
// device of keys. Called with the exchange locked.
func (p *Party) speak(dst []int16) {
	for len(dst) > 0 && len(p.say) > 0 {
		u := p.say[0]
		if u.key != 0 {
			if p.pos == 0 {
				p.line.tell(func(d device) { d.keyDown(u.key) })
			}
		}
		n := copy(dst, u.samples[p.pos:])
		if off := audio.Samples(keyOn); u.key != 0 && p.pos < off && p.pos+n >= off {
			p.line.tell(device.keyUp)
		}
		dst = dst[n:]
		if p.pos += n; p.pos == len(u.samples) {
			p.say, p.pos = p.say[1:], 0
		}
	}
	clear(dst)
}

// hear records what came from the box. Called with the exchange locked.
func (p *Party) hear(s []int16) {
	if len(p.heard) < heardLimit {
		p.heard = append(p.heard, s...)
	}
}
