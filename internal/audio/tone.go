package audio

import "time"

// ToneLevel is the level of the tones that the box makes, in dBm0 (ITU-T E.180
// recommends -10 +-5 dBm0).
const ToneLevel = -13.0

// ToneKind names a call progress tone (ITU-T E.180). The first four names equal
// those of hal.Tone.
type ToneKind string

// The call progress tones.
const (
	DialTone        ToneKind = "dial"
	RingbackTone    ToneKind = "ringback"
	BusyTone        ToneKind = "busy"
	CongestionTone  ToneKind = "congestion"
	CallWaitingTone ToneKind = "callWaiting"
)

// Segment is one piece of a tone: up to two frequencies in Hz for a time. A
// frequency of 0 is absent; a segment without frequencies is a pause. A zero
// duration means for ever.
type Segment struct {
	Low, High float64
	For       time.Duration
}

// Tone is a cadence of segments that repeats from its beginning.
type Tone []Segment

func cadence(hz float64, ms ...int) Tone {
	var t Tone
	for i, d := range ms {
		s := Segment{For: time.Duration(d) * time.Millisecond}
		if i%2 == 0 {
			s.Low = hz
		}
		t = append(t, s)
	}
	return t
}

// tones holds the call progress tones by country (ISO 3166, lower case), after
// the annex to ITU-T E.180 ("Various tones used in national networks").
var tones = map[string]map[ToneKind]Tone{
	"it": {
		DialTone:        cadence(425, 200, 200, 600, 1000),
		RingbackTone:    cadence(425, 1000, 4000),
		BusyTone:        cadence(425, 500, 500),
		CongestionTone:  cadence(425, 200, 200),
		CallWaitingTone: cadence(425, 400, 100, 250, 100, 150, 14000),
	},
	"de": {
		DialTone:        cadence(425, 0),
		RingbackTone:    cadence(425, 1000, 4000),
		BusyTone:        cadence(425, 480, 480),
		CongestionTone:  cadence(425, 240, 240),
		CallWaitingTone: cadence(425, 200, 200, 200, 5000),
	},
	"fr": {
		DialTone:        cadence(440, 0),
		RingbackTone:    cadence(440, 1500, 3500),
		BusyTone:        cadence(440, 500, 500),
		CongestionTone:  cadence(440, 250, 250),
		CallWaitingTone: cadence(440, 300, 10000),
	},
	"es": {
		DialTone:        cadence(425, 0),
		RingbackTone:    cadence(425, 1500, 3000),
		BusyTone:        cadence(425, 200, 200),
		CongestionTone:  cadence(425, 200, 200, 200, 200, 200, 600),
		CallWaitingTone: cadence(425, 175, 175, 175, 3500),
	},
	"ch": {
		DialTone:        cadence(425, 0),
		RingbackTone:    cadence(425, 1000, 4000),
		BusyTone:        cadence(425, 500, 500),
		CongestionTone:  cadence(425, 200, 200),
		CallWaitingTone: cadence(425, 200, 200, 200, 4000),
	},
	"at": {
		DialTone:        cadence(420, 0),
		RingbackTone:    cadence(420, 1000, 5000),
		BusyTone:        cadence(420, 400, 400),
		CongestionTone:  cadence(420, 200, 200),
		CallWaitingTone: cadence(420, 40, 1950),
	},
	"gb": {
		DialTone:        {{350, 440, 0}},
		RingbackTone:    {{400, 450, 400 * ms}, {0, 0, 200 * ms}, {400, 450, 400 * ms}, {0, 0, 2000 * ms}},
		BusyTone:        cadence(400, 375, 375),
		CongestionTone:  cadence(400, 400, 350, 225, 525),
		CallWaitingTone: cadence(400, 100, 4000),
	},
}

const ms = time.Millisecond

// CountryTone returns the tone of a country ("it", "de", …); a country that the
// table does not have gets the Italian tone and false.
func CountryTone(country string, kind ToneKind) (Tone, bool) {
	if t, ok := tones[country][kind]; ok {
		return t, true
	}
	return tones["it"][kind], false
}

// ToneGen plays a Tone.
type ToneGen struct {
	tone      Tone
	level     float64
	seg       int
	left      int // samples left of this segment, -1 = for ever
	low, high osc
}

// NewToneGen returns a generator of t at dBm0 that starts at t's beginning. An
// empty tone is silence.
func NewToneGen(t Tone, dBm0 float64) *ToneGen {
	g := &ToneGen{tone: t, level: dBm0, seg: -1}
	g.advance()
	return g
}

func (g *ToneGen) advance() {
	if len(g.tone) == 0 {
		g.left = -1
		return
	}
	g.seg = (g.seg + 1) % len(g.tone)
	s := g.tone[g.seg]
	amp := Amplitude(g.level)
	if s.Low > 0 && s.High > 0 { // two frequencies share the level
		amp /= 1.4142135623730951
	}
	g.low, g.high = osc{}, osc{}
	if s.Low > 0 {
		g.low = newOsc(s.Low, amp)
	}
	if s.High > 0 {
		g.high = newOsc(s.High, amp)
	}
	g.left = -1
	if s.For > 0 {
		g.left = max(1, Samples(s.For))
	}
}

// Read fills dst; a tone never ends.
func (g *ToneGen) Read(dst []int16) {
	for i := range dst {
		if g.left == 0 {
			g.advance()
		}
		if g.left > 0 {
			g.left--
		}
		dst[i] = int16(g.low.next() + g.high.next())
	}
}
