package audio

import "math"

// Limits of the progress tone detector. Windows of 20 ms follow each other every
// 10 ms.
const (
	toneHz      = 425.0
	toneHop     = 80
	toneWindow  = 2 * toneHop
	toneOff     = 24.0  // Hz: +-15 accepted
	toneShare   = 0.75  // of the energy is the tone's
	toneRough   = 0.35  // the same before the frequency is known
	toneWeakest = -36.0 // dBm0
	toneQuiet   = 0.10  // energy in a pause against that of the tone: -10 dB
	toneNoise   = -45.0 // dBm0: what is weaker than this is a pause at any level of tone
	toneSpoken  = 20    // hops of other sound that end a tone: 200 ms
)

// ProgressEvent says that a call progress tone was recognised, or that the one
// recognised last has ended (its cadence broke off or something else is heard: a
// presumed answer after ringback).
type ProgressEvent struct {
	Tone ToneKind
	Gone bool
}

// ProgressDetector recognises the 425 Hz call progress tones of Italy (and of
// the many countries with the same ones) by frequency and cadence: dial (also
// continuous), ringback, busy and congestion; 425 +-15 Hz, cadence +-10 %, 0 to
// -30 dBm0. A tone is decided within three cycles (busy within 3.5 s, congestion
// within 1.5 s); speech and music are never one.
type ProgressDetector struct {
	block  [toneHop]float32
	n      int
	half   complex128
	energy float64
	last   complex128 // window before
	lastOK bool

	on     bool
	length int       // hops of the present phase
	whole  bool      // its beginning was heard
	other  int       // hops of the present pause that were not quiet
	loud   float64   // energy of the tone's windows, smoothed
	past   [3]phase  // completed phases, newest first
	now    ToneKind  // recognised, "" none
	limit  toneLimit // of now

	events []ProgressEvent
	room   [8]ProgressEvent
}

// phase is a tone or a pause that is over. Length 0: nothing is known.
type phase struct {
	on     bool
	length int
}

// toneLimit says when a tone is gone, in hops.
type toneLimit struct{ pause, tone int }

var toneLimits = map[ToneKind]toneLimit{
	DialTone:       {pause: 140, tone: 1 << 30},
	RingbackTone:   {pause: 540, tone: 180},
	BusyTone:       {pause: 80, tone: 80},
	CongestionTone: {pause: 45, tone: 45},
}

var (
	toneCos, toneSin = func() (c, s [toneHop]float32) {
		for i := range c {
			sin, cos := math.Sincos(2 * math.Pi * toneHz / Rate * float64(i))
			c[i], s[i] = float32(cos), float32(-sin)
		}
		return c, s
	}()
	toneTurn = func() complex128 {
		s, c := math.Sincos(2 * math.Pi * toneHz / Rate * toneHop)
		return complex(c, -s)
	}()
	toneFloor  = math.Pow(Amplitude(toneWeakest)*toneWindow/2, 2)
	noiseFloor = math.Pow(Amplitude(toneNoise), 2) / 2 * toneWindow
)

// NewProgressDetector returns a detector that has heard silence so far.
func NewProgressDetector() *ProgressDetector { return &ProgressDetector{whole: true} }

// Feed hears the next samples, any number of them, and returns what became
// certain: a tone once when it is recognised and once when it is gone. The slice
// is valid until the next call. Feed does not allocate for less than a second
// of samples.
func (d *ProgressDetector) Feed(samples []int16) []ProgressEvent {
	d.events = d.room[:0]
	for len(samples) > 0 {
		take := min(len(samples), toneHop-d.n)
		for i, v := range samples[:take] {
			d.block[d.n+i] = float32(v)
		}
		d.n += take
		samples = samples[take:]
		if d.n == toneHop {
			d.n = 0
			d.hop()
		}
	}
	return d.events
}

func (d *ProgressDetector) hop() {
	var re, im, e float32
	for k, v := range d.block {
		re += v * toneCos[k]
		im += v * toneSin[k]
		e += v * v
	}
	half := complex(float64(re), float64(im))
	win := d.half + half*toneTurn
	total := d.energy + float64(e)
	d.half, d.energy = half, float64(e)
	tone := d.isTone(win, total)
	d.last = win
	d.step(tone, total)
}

// isTone reports whether the window is a pure tone of about 425 Hz.
func (d *ProgressDetector) isTone(win complex128, total float64) bool {
	p := power(win)
	rough := p >= toneFloor && 2*p/toneWindow >= toneRough*total
	before := d.lastOK
	d.lastOK = rough
	if !rough || !before {
		return false
	}
	c := win * complex(real(d.last), -imag(d.last)) * toneTurn
	hz := math.Atan2(imag(c), real(c)) / (2 * math.Pi * toneHop / Rate)
	if math.Abs(hz) > toneOff {
		return false
	}
	x := math.Pi * hz * toneWindow / Rate
	keep := 1.0
	if math.Abs(x) > 1e-3 {
		keep = math.Sin(x) / x
	}
	return 2*p/toneWindow/(keep*keep) >= toneShare*total
}

// step follows the cadence.
func (d *ProgressDetector) step(tone bool, total float64) {
	if tone != d.on {
		d.turn()
		d.on = tone
	}
	d.length++
	if tone {
		if d.length == 1 || total > d.loud {
			d.loud = total
		}
	} else if total > max(d.loud*toneQuiet, noiseFloor) && d.length > 3 {
		d.other++
	}
	d.decide()
}

// turn closes the present phase.
func (d *ProgressDetector) turn() {
	p := phase{d.on, d.length}
	if !d.whole || !d.on && d.other > 2 {
		p.length = 0
	}
	if !d.on && d.other > 2 {
		d.past = [3]phase{}
	}
	d.past[0], d.past[1], d.past[2] = p, d.past[0], d.past[1]
	// The first tone after other sound, or with which hearing began, is not whole.
	d.whole = !(!d.on && d.other > 2)
	d.length, d.other = 0, 0
}

// about reports whether n hops are ms milliseconds, give or take 10 % and the
// edges of the windows.
func about(n, ms int) bool {
	want := ms / 10
	return n*10 >= want*9-25 && n*10 <= want*11+25
}

func (p phase) tone(ms int) bool  { return p.on && about(p.length, ms) }
func (p phase) pause(ms int) bool { return !p.on && p.length > 0 && about(p.length, ms) }

// decide looks whether the phases so far are a tone, or no longer the one they
// were.
func (d *ProgressDetector) decide() {
	if kind := d.match(); kind != "" && kind != d.now {
		d.gone()
		d.now, d.limit = kind, toneLimits[kind]
		d.report(ProgressEvent{Tone: kind})
		return
	}
	switch {
	case d.now == "":
	case !d.on && d.length > d.limit.pause, d.on && d.length > d.limit.tone, d.other > toneSpoken:
		d.gone()
	}
}

func (d *ProgressDetector) gone() {
	if d.now != "" {
		d.report(ProgressEvent{Tone: d.now, Gone: true})
		d.now = ""
	}
}

func (d *ProgressDetector) report(e ProgressEvent) {
	if len(d.events) < cap(d.events) {
		d.events = append(d.events, e)
	}
}

// match names the tone that the past phases and the present one make. Newest
// phase first: p[0] is the one before the present.
func (d *ProgressDetector) match() ToneKind {
	p := d.past
	quiet := !d.on && d.other == 0
	switch {
	case d.on && d.length > 185:
		return DialTone // continuous
	case d.on:
		return ""
	case quiet && d.length == 40 && p[0].tone(500) && p[1].pause(500) && p[2].tone(500):
		return BusyTone
	case quiet && d.length == 14 && p[0].tone(200) && p[1].pause(200) && p[2].tone(200):
		return CongestionTone
	case quiet && d.length == 14 && p[0].tone(600) && p[1].pause(200) && p[2].tone(200),
		quiet && d.length == 14 && p[0].tone(200) && p[1].pause(1000) && p[2].tone(600):
		return DialTone
	case quiet && d.length == 50 && p[0].on && p[0].length >= 86 && p[0].length <= 170:
		return RingbackTone
	}
	return ""
}
