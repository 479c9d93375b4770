package media

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/audio/prompts"
)

// path is a network between a telephone and a line.
type path struct {
	jitter time.Duration // uniform, up to
	loss   float64
	ppm    float64 // of the sender's clock against the line's
	ptime  int     // ms
	seed   uint64
}

// carried is what came of it.
type carried struct {
	heard     []int16
	buffer    *jitterBuffer
	delays    []int // depth after each read, in samples
	underruns int   // frames with made-up sound
}

// carry sends speech over p for the given time.
func carry(p path, sound []byte, length time.Duration) carried {
	type event struct {
		at   time.Duration
		ts   uint32
		data []byte
	}
	rng := rand.New(rand.NewPCG(p.seed, 99))
	n := p.ptime * 8
	var arrivals []event
	for i := 0; ; i++ {
		sent := time.Duration(float64(i*p.ptime) * float64(time.Millisecond) / (1 + p.ppm/1e6))
		if sent > length {
			break
		}
		if rng.Float64() < p.loss {
			continue
		}
		at := sent + time.Duration(rng.Float64()*float64(p.jitter))
		off := i * n % (len(sound) - n)
		arrivals = append(arrivals, event{at, uint32(i * n), sound[off : off+n]})
	}
	c := carried{buffer: &jitterBuffer{}}
	frame := make([]int16, audio.FrameSamples)
	slices.SortStableFunc(arrivals, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	next := 0
	for t := 7 * time.Millisecond; t < length; t += frameTime {
		for ; next < len(arrivals) && arrivals[next].at <= t; next++ {
			c.buffer.write(arrivals[next].ts, arrivals[next].data)
		}
		before := c.buffer.concealed
		c.buffer.read(frame)
		c.heard = append(c.heard, frame...)
		if c.buffer.concealed > before {
			c.underruns++
		}
		c.delays = append(c.delays, c.buffer.depth())
	}
	return c
}

func speechALaw(t testing.TB) []byte {
	var all []byte
	for _, name := range prompts.Names() {
		a, ok := prompts.Prompt("it", name)
		if !ok {
			t.Fatal(name)
		}
		all = append(all, a...)
		for range 4000 {
			all = append(all, audio.ALawSilence)
		}
	}
	return all
}

func mean(v []int) float64 {
	sum := 0
	for _, x := range v {
		sum += x
	}
	return float64(sum) / float64(len(v))
}

func TestJitterBufferOverAnHour(t *testing.T) {
	speech := speechALaw(t)
	cases := []struct {
		name      string
		path      path
		underruns int     // frames that may be concealed, beyond what is lost
		delay     float64 // ms that the buffer may hold on average
	}{
		{"a clean network", path{ptime: 20}, 0, 45},
		{"30 ms packets", path{ptime: 30}, 0, 60},
		{"10 ms packets", path{ptime: 10}, 0, 45},
		{"the sender is 200 ppm fast", path{ptime: 20, ppm: 200}, 1, 50},
		{"the sender is 200 ppm slow", path{ptime: 20, ppm: -200}, 1, 50},
		{"20 ms of jitter", path{ptime: 20, jitter: 20 * time.Millisecond}, 1, 50},
		{"20 ms of jitter and 150 ppm", path{ptime: 20, jitter: 20 * time.Millisecond, ppm: 150}, 2, 50},
		{"60 ms of jitter and -150 ppm", path{ptime: 20, jitter: 60 * time.Millisecond, ppm: -150}, 6, 80},
		{"2 % lost", path{ptime: 20, loss: 0.02}, 60, 60},
		{"5 % lost, 40 ms of jitter, 200 ppm", path{ptime: 20, loss: 0.05, jitter: 40 * time.Millisecond, ppm: 200}, 120, 90},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.path.seed = uint64(i)
			length := 10 * time.Minute
			if c.path.ppm != 0 {
				length = time.Hour
			}
			got := carry(c.path, speech, length)
			frames := int(length / frameTime)
			lost := int(float64(frames) * c.path.loss * 1.1)
			if c.path.loss > 0 {
				lost *= 2 // a lost packet seldom lies in one frame only
			}
			if got.underruns > lost+c.underruns {
				t.Errorf("%d frames concealed, %d late, at most %d + %d may be", got.underruns, got.buffer.late, lost, c.underruns)
			}
			if d := mean(got.delays) / 8; d > c.delay {
				t.Errorf("%.1f ms in the buffer on average", d)
			}
			t.Logf("%d of %d frames concealed, %d late, %.1f ms in the buffer", got.underruns, frames, got.buffer.late, mean(got.delays)/8)
		})
	}
}

func TestWhatIsHeardIsWhatWasSaid(t *testing.T) {
	speech := speechALaw(t)
	for _, ppm := range []float64{-200, 0, 200} {
		got := carry(path{ptime: 20, ppm: ppm, seed: 5}, speech, audio.Duration(len(speech))-time.Second)
		said := make([]int16, len(speech))
		audio.ALawToLinear(said, speech)
		// In windows of 200 ms aligned within 60 ms; the line's clock drifts on.
		bad, judged, last := 0, 0, 320
		for at := 8000; at+1600 < len(got.heard); at += 1600 {
			w := got.heard[at : at+1600]
			if audio.Level(w) < -35 {
				continue
			}
			judged++
			best := 0.0
			for k := range 2 * 1440 { // from the last lag outwards
				lag := last + (k+1)/2*(1-k%2*2)
				from := at - lag + int(float64(at)*ppm/1e6)
				if lag < -480 || lag > 960 || from < 0 || from+1600 > len(said) {
					continue
				}
				if best = max(best, correlation(w, said[from:from+1600])); best > 0.95 {
					last = lag
					break
				}
			}
			if best < 0.95 {
				bad++
			}
		}
		// A stretch or hold lies across a few windows; the others are exact.
		if judged < 300 || bad > judged/100 {
			t.Errorf("%+.0f ppm: %d of %d windows correlate less than 0.95", ppm, bad, judged)
		}
	}
}

func correlation(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

func TestJitterBufferAfterAStall(t *testing.T) {
	speech := speechALaw(t)
	var j jitterBuffer
	frame := make([]int16, 160)
	at := 0
	give := func(n int) {
		for range n {
			j.write(uint32(at), speech[at:at+160])
			at += 160
		}
	}
	for range 100 {
		give(1)
		j.read(frame)
	}
	for range 25 { // half a second of nothing
		j.read(frame)
	}
	if audio.Level(frame) > -60 {
		t.Errorf("the concealed sound does not fade: %.1f dBm0", audio.Level(frame))
	}
	give(25) // and all of it at once
	for range 50 {
		give(1)
		j.read(frame)
	}
	if d := j.depth(); d > jitterMost || d == 0 {
		t.Errorf("%d samples in the buffer", d)
	}
	before := j.concealed
	for range 500 {
		give(1)
		j.read(frame)
	}
	if j.concealed-before > 320 {
		t.Errorf("%d samples concealed afterwards", j.concealed-before)
	}
}

func TestJitterBufferFollowsANewSender(t *testing.T) {
	var j jitterBuffer
	frame := make([]int16, 160)
	loud := make([]byte, 160)
	for i := range loud {
		loud[i] = audio.ALawEncode(int16(8000 * math.Sin(float64(i)/4)))
	}
	for _, start := range []uint32{0, 4000000000, 77, 1 << 31} {
		for i := range uint32(20) {
			j.write(start+i*160, loud)
			j.read(frame)
		}
		if audio.Level(frame) < -20 {
			t.Errorf("start %d: nothing is heard", start)
		}
	}
	j.reset()
	for range 10 {
		j.read(frame)
	}
	if audio.Level(frame) > -60 {
		t.Error("a sender that was forgotten is still heard")
	}
}

func TestConcealmentIsSmooth(t *testing.T) {
	// A voice-like periodic sound with one frame missing: no step larger than the
	// sound's own.
	var j jitterBuffer
	var sound []byte
	for i := range 160 * 40 {
		v := 0.0
		for h := 1; h <= 5; h++ {
			v += 3000 / float64(h) * math.Sin(2*math.Pi*float64(h)*125*float64(i)/8000)
		}
		sound = append(sound, audio.ALawEncode(int16(v)))
	}
	var heard []int16
	frame := make([]int16, 160)
	for i := range 40 {
		if i != 20 {
			j.write(uint32(i*160), sound[i*160:(i+1)*160])
		}
		j.read(frame)
		heard = append(heard, frame...)
	}
	step := func(s []int16) (most int) {
		for i := 1; i < len(s); i++ {
			d := int(s[i]) - int(s[i-1])
			most = max(most, d, -d)
		}
		return most
	}
	if own, with := step(heard[160*5:160*15]), step(heard[160*15:160*30]); with > own*3/2 {
		t.Errorf("a step of %d where the sound has %d", with, own)
	}
	if audio.Level(heard[160*20:160*24]) < audio.Level(heard[160*10:160*14])-3 {
		t.Error("the gap is heard as a gap")
	}
}

func FuzzJitterBuffer(f *testing.F) {
	f.Add([]byte{0, 160, 1, 160, 0xff, 2, 80})
	f.Fuzz(func(t *testing.T, b []byte) {
		var j jitterBuffer
		frame := make([]int16, 160)
		data := make([]byte, maxPtimeBytes)
		var ts uint32
		for len(b) >= 2 {
			op, n := b[0], int(b[1])
			b = b[2:]
			switch {
			case op < 200:
				ts += uint32(int8(op)) * 40
				j.write(ts, data[:n])
			case op < 250:
				ts += uint32(n) << (op & 31)
				j.write(ts, data[:160])
			}
			j.read(frame)
			if d := j.depth(); d < 0 || d > jitterRing {
				t.Fatalf("depth %d", d)
			}
		}
	})
}

func BenchmarkJitterBufferFrame(b *testing.B) {
	var j jitterBuffer
	sound := speechALaw(b)
	frame := make([]int16, 160)
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		j.write(uint32(at), sound[at%100000:at%100000+160])
		at += 160
		j.read(frame)
	}
}
