package media

import (
	"time"

	"centralino/internal/audio"
)

// FrameBytes is the length of a frame of A-law: 20 ms.
const FrameBytes = audio.FrameSamples

// Source is sound to be played, as A-law at 8 kHz. ReadFrame fills dst (at most
// FrameBytes) and reports how much and whether more follows; the rest of the
// last frame is filled with silence. It is called by one goroutine at a time,
// must not block and should not allocate. A source is played once.
type Source interface {
	ReadFrame(dst []byte) (n int, more bool)
}

type clip struct {
	alaw []byte
	loop bool
	pos  int
}

// NewPrompt plays alaw once. It is not copied.
func NewPrompt(alaw []byte) Source { return &clip{alaw: alaw} }

// NewMusic plays alaw round and round. It is not copied; nothing at all plays
// silence for ever.
func NewMusic(alaw []byte) Source {
	if len(alaw) == 0 {
		alaw = []byte{audio.ALawSilence}
	}
	return &clip{alaw: alaw, loop: true}
}

func (c *clip) ReadFrame(dst []byte) (int, bool) {
	n := copy(dst, c.alaw[c.pos:])
	c.pos += n
	for c.loop && (n < len(dst) || c.pos == len(c.alaw)) {
		k := copy(dst[n:], c.alaw)
		n, c.pos = n+k, k
		if k == 0 {
			break
		}
	}
	return n, c.pos < len(c.alaw)
}

type toneSource struct {
	gen *audio.ToneGen
	buf [FrameBytes]int16
}

// NewTone plays t at the usual level for ever.
func NewTone(t audio.Tone) Source {
	return &toneSource{gen: audio.NewToneGen(t, audio.ToneLevel)}
}

func (t *toneSource) ReadFrame(dst []byte) (int, bool) {
	b := t.buf[:min(len(dst), len(t.buf))]
	t.gen.Read(b)
	audio.LinearToALaw(dst, b)
	return len(b), true
}

type silence struct{ left int }

// NewSilence plays silence of length d.
func NewSilence(d time.Duration) Source { return &silence{left: audio.Samples(d)} }

func (s *silence) ReadFrame(dst []byte) (int, bool) {
	n := min(s.left, len(dst))
	fill(dst[:n], audio.ALawSilence)
	s.left -= n
	return n, s.left > 0
}

type sequence struct{ list []Source }

// NewSequence plays one source after the other without a gap.
func NewSequence(list ...Source) Source {
	return &sequence{list: append([]Source(nil), list...)}
}

func (s *sequence) ReadFrame(dst []byte) (n int, more bool) {
	for n < len(dst) && len(s.list) > 0 {
		k, more := s.list[0].ReadFrame(dst[n:])
		n += k
		switch {
		case !more:
			s.list = s.list[1:]
		case k == 0: // a source that pauses: give it time
			return n, true
		}
	}
	return n, len(s.list) > 0
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
