package voicemodem

import (
	"math"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// What the driver makes of sounds.
const (
	voiceLevel   = -40.0                   // dBm0 and louder may be voice
	coarseLevel  = -33.0                   // the same of 8-bit linear samples, whose steps make noise of -36 out of silence
	noClick      = 10                      // frames with sound: 200 ms, not the click of the relay
	voiceAnswer  = 15                      // voice frames among the last 25 mean an answer: 300 ms
	recentVoice  = time.Second             // voice so recent makes the modem's busy report doubtful
	noRingback   = 6500 * time.Millisecond // silence after ringback (1 s every 5 s): answered
	neverSound   = 12 * time.Second        // silence from the beginning: answered, if there was dial tone before
	deadSilence  = 30 * time.Second        // … if not the line is dead; an emergency call goes on to another at once
	sameKey      = 400 * time.Millisecond  // two detectors hear one key press within it
	repeatedKey  = 150 * time.Millisecond  // a modem without brackets repeats a key so often
	lateCaller   = time.Minute             // dial tone after answering: the caller was gone already
	settleTime   = 2 * time.Second         // polarity changes belong to the answer
	congestedFor = 4 * time.Second         // doubted reports are forgotten after it
)

// ears hears keys and tones in the audio of a call: by the modem's own reports and
// by detectors of our own beside them, since the modem's know the wrong country's
// tones or hear nothing at all.
type ears struct {
	dtmf     *audio.DTMFDetector
	tones    *audio.ProgressDetector
	linear   [hal.FrameSamples]int16
	guess    bool // an outgoing call whose answer must be guessed
	since    time.Time
	sound    time.Time // last sound of any kind
	sounds   int       // frames with sound; noClick and more: something was heard
	ringback bool
	voice    uint32 // one bit a frame, newest lowest
	spoke    time.Time
	doubted  time.Time // the modem said busy while there was voice
	keys     keys
	bracket  bool // within the modem's DLE / … DLE ~
	inside   bool // the bracket's key was taken
	reversed bool // polarity changed when an outgoing call was answered
}

func (e *ears) init() {
	e.dtmf, e.tones = audio.NewDTMFDetector(), audio.NewProgressDetector()
}

// start forgets everything: a new call's audio begins.
func (m *machine) hearken(guess bool) {
	e := &m.ears
	*e = ears{guess: guess, since: m.now, sound: m.now}
	e.init()
}

// listen hears one frame from the line. While we send keys ourselves, what is heard
// of keys is our own echo.
func (m *machine) listen(rx []byte, keying bool) {
	e := &m.ears
	audio.ALawToLinear(e.linear[:], rx)
	digits := e.dtmf.Feed(e.linear[:])
	if !keying {
		for _, d := range digits {
			m.key(ours, d)
		}
	}
	m.classify()
	for _, t := range e.tones.Feed(e.linear[:]) {
		m.tone(t)
		if m.state == hal.LineClearing {
			return
		}
	}
	if e.guess && !m.answered && m.state == hal.LineDialing {
		m.guessAnswer()
	}
}

// classify notes whether the frame holds sound, and whether it is other than the
// 425 Hz of the exchange.
func (m *machine) classify() {
	e := &m.ears
	e.voice <<= 1
	level := audio.Level(e.linear[:])
	least := voiceLevel
	if enc := m.format.enc; enc == unsigned8 || enc == signed8 {
		least = coarseLevel
	}
	if level < least {
		return
	}
	e.sound = m.now
	if e.sounds++; e.sounds >= noClick {
		m.works()
	}
	if share425(e.linear[:]) < 0.5 {
		e.voice |= 1
		if voiceFrames(e.voice) >= 5 {
			e.spoke = m.now
		}
	}
}

// voiceFrames counts the voice among the last 25 frames.
func voiceFrames(v uint32) int {
	n := 0
	for v &= 1<<25 - 1; v != 0; v &= v - 1 {
		n++
	}
	return n
}

// share425 is the share of a frame's energy within about 50 Hz around 425 Hz
// (Goertzel's algorithm).
func share425(s []int16) float64 {
	c := 2 * math.Cos(2*math.Pi*425/audio.Rate)
	var s1, s2, energy float64
	for _, v := range s {
		f := float64(v)
		energy += f * f
		s1, s2 = f+c*s1-s2, s1
	}
	if energy == 0 {
		return 0
	}
	return 2 * (s1*s1 + s2*s2 - c*s1*s2) / (float64(len(s)) * energy)
}

// works is a sound on the line: it has a cable, and went through if it was dialled on.
func (m *machine) works() {
	t := &m.dialTone
	t.audible, t.silent = true, 0
	if t.checking {
		t.checking = false
		t.refused++
	}
}

// mute is an attempt in which nothing at all was heard: the line is dead. One that was
// never heard may be so low that we do not hear it; there the second attempt is left
// alone, for whoever is at the other end hears the caller.
func (m *machine) mute() {
	if t := &m.dialTone; !t.audible && t.silent > 0 {
		m.through(hal.Answered{Presumed: true})
		return
	}
	m.dialTone.silent++
	m.clear(hal.CauseNoDial)
}

// guessAnswer presumes that the far end of an analog line answered: somebody
// speaks, or the ringback tone stays away.
func (m *machine) guessAnswer() {
	e := &m.ears
	quiet, heard := m.now.Sub(e.sound), e.sounds >= noClick
	switch {
	case voiceFrames(e.voice) >= voiceAnswer,
		heard && quiet >= noRingback:
		m.through(hal.Answered{Presumed: true})
	case heard || quiet < neverSound:
	case !m.dialTone.blind:
		m.through(hal.Answered{Presumed: true})
	case quiet >= deadSilence, m.plan.IsEmergency(m.dialed):
		m.mute()
	}
}

// tone is a tone of the exchange that our own detector recognised or lost.
func (m *machine) tone(ev audio.ProgressEvent) {
	switch {
	case ev.Gone:
		if ev.Tone == audio.RingbackTone && m.ears.guess && !m.answered && m.state == hal.LineDialing {
			m.through(hal.Answered{Presumed: true})
		}
		return
	case m.state == hal.LineDialing:
		if ev.Tone == audio.CallWaitingTone {
			return
		}
		m.event(hal.Progress{Tone: hal.Tone(ev.Tone)})
		if ev.Tone == audio.BusyTone || ev.Tone == audio.CongestionTone {
			m.clear(hal.CauseBusy)
		}
	case m.state == hal.LineActive:
		early := !m.outgoing && m.now.Sub(m.ears.since) < lateCaller
		if ev.Tone == audio.BusyTone || ev.Tone == audio.CongestionTone || ev.Tone == audio.DialTone && early {
			m.clear(hal.CauseBusyTone)
		}
	}
}

// code is a DLE code of the modem in the stream (V.253 table 19 and the makers'
// additions).
func (m *machine) code(c byte) {
	e := &m.ears
	switch c {
	case etx:
		m.streamEnded()
	case '/':
		e.bracket, e.inside = true, false
	case '~':
		e.bracket, e.inside = false, false
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D':
		m.modemKey(c)
	case 'u':
		m.stream.underrun()
	case 'o':
		m.stats.overruns.Add(1)
	case 'b', 'K':
		m.busyReport()
	case 'd', 'i':
		if m.state == hal.LineActive {
			m.busyReport()
		}
	case 'l':
		m.lineReport(hal.CauseLoopBreak)
	case 'L':
		m.polarity()
	}
}

func (m *machine) modemKey(c byte) {
	e := &m.ears
	if len(m.stream.digits) > 0 || e.bracket && e.inside {
		return
	}
	e.inside = true
	if !e.bracket && e.keys.repeated(c, m.now) {
		return
	}
	m.key(theirs, c)
}

// key is a key press that one of the two detectors heard.
func (m *machine) key(who int, digit byte) {
	if m.ears.keys.hear(who, digit, m.now) && m.state == hal.LineActive {
		m.event(hal.DTMF{Digit: digit})
	}
}

// busyReport is the modem hearing busy, congestion or dial tone. It decides at
// once, unless there was voice a moment ago: then our own detector or a second
// report must say the same.
func (m *machine) busyReport() {
	e := &m.ears
	if m.now.Sub(e.spoke) < recentVoice && m.now.Sub(e.doubted) > congestedFor {
		e.doubted = m.now
		return
	}
	cause := hal.CauseBusyTone
	if m.state == hal.LineDialing {
		m.event(hal.Progress{Tone: hal.BusyTone})
		cause = hal.CauseBusy
	}
	m.clear(cause)
}

// lineReport is a break of the loop current.
func (m *machine) lineReport(cause hal.HangupCause) {
	switch m.state {
	case hal.LineActive, hal.LineDialing:
		m.clear(cause)
	}
}

// polarity is the exchange reversing the line: the far end's answer of an outgoing
// call, where the exchange does that, and then also its clearing.
func (m *machine) polarity() {
	e := &m.ears
	switch {
	case m.state == hal.LineDialing:
		e.reversed = true
		m.through(hal.Answered{})
	case m.state == hal.LineActive && (e.reversed || !m.outgoing) && m.now.Sub(e.since) > settleTime:
		m.clear(hal.CauseLoopBreak)
	}
}
