package audio_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"centralino/internal/audio"
)

// pair is one DTMF signal of the Q.24 grid.
type pair struct {
	key        byte
	on         time.Duration
	low, high  float64 // frequency offset, parts of one
	level      float64 // dBm0 of the stronger tone
	twist      float64 // dB low above high
	snr        float64 // dB against the whole signal; 0: clean
	seed       uint64
	off        time.Duration
	startShift int // samples of pause before it, on top of off
}

func (p pair) samples() []int16 {
	rng := rand.New(rand.NewPCG(p.seed, 7))
	lo, hi, _ := audio.DTMFTones(p.key)
	lo, hi = lo*(1+p.low), hi*(1+p.high)
	al, ah := audio.Amplitude(p.level), audio.Amplitude(p.level)
	if p.twist > 0 {
		ah *= math.Pow(10, -p.twist/20)
	} else {
		al *= math.Pow(10, p.twist/20)
	}
	pre, on := audio.Samples(p.off)+p.startShift, audio.Samples(p.on)
	out := make([]int16, pre+on+audio.Samples(p.off))
	phl, phh := rng.Float64()*2*math.Pi, rng.Float64()*2*math.Pi
	noise := 0.0
	if p.snr > 0 {
		noise = math.Sqrt((al*al+ah*ah)/2) * math.Pow(10, -p.snr/20)
	}
	for i := range out {
		v := noise * rng.NormFloat64()
		if n := i - pre; n >= 0 && n < on {
			v += al*math.Sin(phl+2*math.Pi*lo*float64(n)/8000) + ah*math.Sin(phh+2*math.Pi*hi*float64(n)/8000)
		}
		out[i] = int16(max(-32768, min(32767, v)))
	}
	return out
}

// hear feeds frames of 20 ms after A-law, as a line does.
func hear(d *audio.DTMFDetector, s []int16) string {
	coded := make([]byte, len(s))
	audio.LinearToALaw(coded, s)
	back := make([]int16, len(s))
	audio.ALawToLinear(back, coded)
	var got []byte
	for len(back) > 0 {
		n := min(audio.FrameSamples, len(back))
		got = append(got, d.Feed(back[:n])...)
		back = back[n:]
	}
	return string(got)
}

const allKeys = "0123456789*#ABCD"

func TestDTMFOfTheQ24GridIsHeardOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	d := audio.NewDTMFDetector()
	const total = 10000
	wrong := 0
	for i := range total {
		p := pair{
			key:   allKeys[i%16],
			on:    time.Duration(40+rng.IntN(80)) * time.Millisecond,
			off:   time.Duration(25+rng.IntN(30)) * time.Millisecond, // twice: 50 to 110 ms
			low:   (rng.Float64()*2 - 1) * 0.015,
			high:  (rng.Float64()*2 - 1) * 0.015,
			level: -3 - rng.Float64()*23,
			twist: rng.Float64()*12 - 4,
			seed:  uint64(i), startShift: rng.IntN(160),
		}
		if rng.IntN(2) == 0 {
			p.snr = 15 + rng.Float64()*15
		}
		// The weaker tone may be 8 dB below the stronger, and -26 dBm0 at least.
		p.level = max(p.level, -26+math.Abs(p.twist))
		if got := hear(d, p.samples()); got != string(p.key) {
			if wrong++; wrong < 10 {
				t.Logf("%+v: heard %q", p, got)
			}
		}
	}
	if wrong > total*5/10000 {
		t.Errorf("%d of %d digits were not heard once, at most 5 in 10 000 may be", wrong, total)
	}
}

func TestWhatQ24RefusesIsNotHeard(t *testing.T) {
	cases := []struct {
		name string
		make func(rng *rand.Rand, p *pair)
	}{
		{"shorter than 23 ms", func(r *rand.Rand, p *pair) { p.on = time.Duration(5+r.IntN(18)) * time.Millisecond }},
		{"low tone 3.5 % off", func(r *rand.Rand, p *pair) { p.low = 0.035 * float64(1-2*r.IntN(2)) }},
		{"high tone 3.5 % off", func(r *rand.Rand, p *pair) { p.high = 0.035 * float64(1-2*r.IntN(2)) }},
		{"high tone 8 dB above the low one", func(r *rand.Rand, p *pair) { p.twist = -8 }},
		{"low tone 12 dB above the high one", func(r *rand.Rand, p *pair) { p.twist = 12 }},
		{"weaker than -45 dBm0", func(r *rand.Rand, p *pair) { p.level = -46 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			d := audio.NewDTMFDetector()
			for i := range 1000 {
				p := pair{key: allKeys[i%16], on: 60 * time.Millisecond, off: 40 * time.Millisecond,
					level: -10, seed: uint64(i), startShift: rng.IntN(160)}
				c.make(rng, &p)
				if got := hear(d, p.samples()); got != "" {
					t.Fatalf("%+v: heard %q", p, got)
				}
			}
		})
	}
}

func TestAGapOfTenMillisecondsIsNoSecondPress(t *testing.T) {
	for shift := range 60 {
		d := audio.NewDTMFDetector()
		p := pair{key: '5', on: 60 * time.Millisecond, level: -10, startShift: 400 + shift}
		s := append(p.samples(), make([]int16, 80)...)
		p.startShift = 0
		s = append(s, p.samples()...)
		s = append(s, make([]int16, 800)...)
		if got := hear(d, s); got != "5" {
			t.Fatalf("shift %d: heard %q", shift, got)
		}
	}
}

func TestGeneratedDigitsAreHeard(t *testing.T) {
	g, err := audio.NewDTMFGen(allKeys+"1155", 50*time.Millisecond, 50*time.Millisecond, audio.DTMFLevel)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]int16, 80000)
	n := g.Read(buf)
	if want := 20 * 800; n != want {
		t.Fatalf("generated %d samples, want %d", n, want)
	}
	if got := hear(audio.NewDTMFDetector(), append(buf[:n], make([]int16, 400)...)); got != allKeys+"1155" {
		t.Errorf("heard %q", got)
	}
	if _, err := audio.NewDTMFGen("12x", 1, 1, 0); err == nil {
		t.Error("x was taken for a digit")
	}
}

func TestDetectorsDoNotAllocate(t *testing.T) {
	d, p := audio.NewDTMFDetector(), audio.NewProgressDetector()
	frame := pair{key: '1', on: time.Second, level: -10}.samples()
	if n := testing.AllocsPerRun(100, func() { d.Feed(frame[:160]); p.Feed(frame[:160]) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkDTMFDetectorFrame(b *testing.B) {
	d := audio.NewDTMFDetector()
	frame := pair{key: '1', on: time.Second, level: -10}.samples()[:160]
	b.ReportAllocs()
	for b.Loop() {
		d.Feed(frame)
	}
}

func BenchmarkProgressDetectorFrame(b *testing.B) {
	d := audio.NewProgressDetector()
	frame := pair{key: '1', on: time.Second, level: -10}.samples()[:160]
	b.ReportAllocs()
	for b.Loop() {
		d.Feed(frame)
	}
}
