package audio_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/audio/prompts"
)

// heardTone is an event and when it came, in samples.
type heardTone struct {
	audio.ProgressEvent
	at int
}

func follow(d *audio.ProgressDetector, s []int16) (events []heardTone) {
	coded, back := make([]byte, len(s)), make([]int16, len(s))
	audio.LinearToALaw(coded, s)
	audio.ALawToLinear(back, coded)
	for at := 0; at+160 <= len(back); at += 160 {
		for _, e := range d.Feed(back[at : at+160]) {
			events = append(events, heardTone{e, at + 160})
		}
	}
	return events
}

// varied is a tone with other frequency, speed and level, from an instant within
// its cadence on, on a line with a little noise.
func varied(kind audio.ToneKind, rng *rand.Rand, hz, speed, level float64, from, length time.Duration) []int16 {
	tone, _ := audio.CountryTone("it", kind)
	var t audio.Tone
	for _, s := range tone {
		if s.Low > 0 {
			s.Low = hz
		}
		s.For = time.Duration(float64(s.For) * speed)
		t = append(t, s)
	}
	g := audio.NewToneGen(t, level)
	out := make([]int16, audio.Samples(from+length))
	g.Read(out)
	out = out[audio.Samples(from):]
	n := audio.Amplitude(min(-50, level-20)) / math.Sqrt2
	for i := range out {
		out[i] += int16(n * rng.NormFloat64())
	}
	return out
}

func TestProgressTonesAreDecidedWithinThreeCycles(t *testing.T) {
	cases := []struct {
		kind   audio.ToneKind
		within time.Duration
		cycle  time.Duration
	}{
		{audio.BusyTone, 3500 * time.Millisecond, time.Second},
		{audio.CongestionTone, 1500 * time.Millisecond, 400 * time.Millisecond},
		{audio.DialTone, 6 * time.Second, 2 * time.Second},
		{audio.RingbackTone, 15 * time.Second, 5 * time.Second},
	}
	for _, c := range cases {
		t.Run(string(c.kind), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(11, 12))
			for i := range 200 {
				hz := 425 + (rng.Float64()*2-1)*15
				speed := 1 + (rng.Float64()*2-1)*0.1
				level := -rng.Float64() * 30
				from := time.Duration(rng.Float64() * speed * float64(c.cycle))
				s := varied(c.kind, rng, hz, speed, level, from, c.within+time.Second)
				got := follow(audio.NewProgressDetector(), s)
				limit := audio.Samples(c.within)
				if speed > 1 {
					limit = int(float64(limit) * speed)
				}
				if len(got) != 1 || got[0].Tone != c.kind || got[0].Gone || got[0].at > limit {
					t.Fatalf("%d: %.1f Hz, speed %.3f, %.1f dBm0, from %v: heard %v, limit %d", i, hz, speed, level, from, got, limit)
				}
			}
		})
	}
}

func TestContinuousDialTone(t *testing.T) {
	g := audio.NewToneGen(audio.Tone{{Low: 425}}, -13)
	s := make([]int16, 3*audio.Rate)
	g.Read(s)
	got := follow(audio.NewProgressDetector(), s)
	if len(got) != 1 || got[0].Tone != audio.DialTone {
		t.Errorf("heard %v", got)
	}
}

func speech(t testing.TB, lang string) []int16 {
	var all []int16
	for _, name := range prompts.Names() {
		a, ok := prompts.Prompt(lang, name)
		if !ok {
			t.Fatalf("no prompt %s in %s", name, lang)
		}
		s := make([]int16, len(a)+4000)
		audio.ALawToLinear(s, a)
		all = append(all, s...)
	}
	return all
}

func music() []int16 {
	s := make([]int16, len(prompts.Music()))
	audio.ALawToLinear(s, prompts.Music())
	return s
}

func TestSpeechAndMusicAreNoTones(t *testing.T) {
	for name, s := range map[string][]int16{"it": speech(t, "it"), "en": speech(t, "en"), "music": music()} {
		for _, gain := range []float64{0.25, 1, 3} {
			loud := append([]int16(nil), s...)
			audio.Gain(loud, gain)
			if got := follow(audio.NewProgressDetector(), loud); len(got) != 0 {
				t.Errorf("%s at gain %v: heard %v", name, gain, got)
			}
			if got := hear(audio.NewDTMFDetector(), loud); got != "" {
				t.Errorf("%s at gain %v: heard digits %q", name, gain, got)
			}
		}
	}
}

func TestRingbackIsGoneWhenSomebodyAnswers(t *testing.T) {
	tone, _ := audio.CountryTone("it", audio.RingbackTone)
	s := make([]int16, audio.Samples(7500*time.Millisecond)) // two rings and a half pause
	audio.NewToneGen(tone, -15).Read(s)
	answered := len(s)
	s = append(s, speech(t, "it")...)
	got := follow(audio.NewProgressDetector(), s)
	want := []audio.ProgressEvent{{Tone: audio.RingbackTone}, {Tone: audio.RingbackTone, Gone: true}}
	if len(got) != 2 || got[0].ProgressEvent != want[0] || got[1].ProgressEvent != want[1] {
		t.Fatalf("heard %v", got)
	}
	if late := got[1].at - answered; late > audio.Samples(1500*time.Millisecond) {
		t.Errorf("the answer was noticed %v late", audio.Duration(late))
	}
}

func TestBusyAfterTalkingIsHeard(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	s := speech(t, "it")[:10*audio.Rate]
	talked := len(s)
	s = append(s, varied(audio.BusyTone, rng, 425, 1, -13, 300*time.Millisecond, 5*time.Second)...)
	got := follow(audio.NewProgressDetector(), s)
	if len(got) != 1 || got[0].Tone != audio.BusyTone || got[0].at-talked > audio.Samples(3500*time.Millisecond) {
		t.Errorf("heard %v after %d", got, talked)
	}
}
