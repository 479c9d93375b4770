package testbed

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Voice is a speaker of reference speech: another text, language and pitch for
// each, so that a recording can be told apart.
type Voice struct {
	Name  string // of espeak-ng: language and variant
	Pitch int    // 0 to 99
	Speed int    // words per minute
	Text  string
}

// Voices for the parties of a call.
var (
	VoiceCaller = Voice{"it+f3", 72, 165, "Buongiorno, chiamo per avere notizie della mia ordinazione di martedì scorso. " +
		"Il numero della pratica è sette, quattro, uno, nove. Quando posso passare a ritirare la merce? " +
		"Mi hanno detto che il magazzino rimane aperto fino alle sei e mezza di sera. "}
	VoiceAgent = Voice{"en+m3", 28, 150, "Good morning, this is the customer desk speaking. Let me look that up for you. " +
		"The parcel left our building yesterday at noon, and the driver should reach your street before Friday. " +
		"Would you like me to send the tracking code by message? "}
	VoiceThird = Voice{"de+m1", 50, 180, "Guten Tag, hier spricht die Werkstatt. Ihr Wagen ist fertig und kann jederzeit abgeholt werden. " +
		"Wir haben die Bremsen geprüft und zwei Reifen gewechselt. Bitte bringen Sie den Schein mit. "}
	VoiceFourth = Voice{"fr+f2", 60, 170, "Bonjour, je voudrais prendre un rendez-vous pour la semaine prochaine. " +
		"Le mercredi me conviendrait bien, de préférence dans la matinée. Merci de me rappeler au bureau. "}
)

var speechCache struct {
	sync.Mutex
	said map[Voice][]int16
}

// Speech returns d of 8 kHz speech by a voice, its text repeated as needed, with
// a level of about -20 dBFS. The same voice always says the same. The caller may
// not write to it.
func Speech(t testing.TB, v Voice, d time.Duration) []int16 {
	t.Helper()
	Need(t, "espeak-ng")
	once := sayOnce(t, v)
	want := int(d.Seconds() * 8000)
	out := make([]int16, 0, want+len(once))
	for len(out) < want {
		out = append(out, once...)
	}
	return out[:want:want]
}

func sayOnce(t testing.TB, v Voice) []int16 {
	t.Helper()
	speechCache.Lock()
	defer speechCache.Unlock()
	if s, ok := speechCache.said[v]; ok {
		return s
	}
	s := say(t, v)
	if speechCache.said == nil {
		speechCache.said = map[Voice][]int16{}
	}
	speechCache.said[v] = s
	return s
}

// Say returns what a voice says, once, at 8 kHz and about -20 dBFS. It is the
// caller's own.
func Say(t testing.TB, v Voice) []int16 {
	t.Helper()
	Need(t, "espeak-ng")
	return say(t, v)
}

func say(t testing.TB, v Voice) []int16 {
	t.Helper()
	file := filepath.Join(t.TempDir(), "speech.wav")
	path, err := lookTool("espeak-ng")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "-v", v.Name, "-p", fmt.Sprint(v.Pitch), "-s", fmt.Sprint(v.Speed), "-w", file, v.Text).CombinedOutput()
	if err != nil {
		t.Fatalf("espeak-ng %s: %v: %s", v.Name, err, out)
	}
	samples, rate, err := readEspeak(file)
	if err != nil {
		t.Fatal(err)
	}
	return levelTo(resample(samples, rate, 8000), 0.1)
}

// levelTo scales to an RMS value (1 is full scale), without clipping.
func levelTo(s []float64, rms float64) []int16 {
	var sum, peak float64
	for _, x := range s {
		sum += x * x
		peak = max(peak, math.Abs(x))
	}
	if peak == 0 {
		return make([]int16, len(s))
	}
	gain := min(rms/math.Sqrt(sum/float64(len(s))), 0.9/peak)
	out := make([]int16, len(s))
	for i, x := range s {
		out[i] = int16(math.Round(x * gain * 32767))
	}
	return out
}

// resample changes the rate by windowed-sinc interpolation (16 zero crossings a
// side, Hann window), low-passed at 45 % of the lower rate. It is for making
// references; the box has its own. The taps repeat with the ratio of the rates
// (22,050 to 8,000: 160 sets) and are computed once.
func resample(in []int16, from, to int) []float64 {
	g := gcd(from, to)
	up, down := to/g, from/g
	cut := 0.45 * math.Min(float64(from), float64(to)) / float64(from) // cycles per input sample
	half := int(math.Ceil(16 / (2 * cut)))
	taps := make([][]float64, up)
	for phase := range taps {
		taps[phase] = make([]float64, 2*half)
		frac := float64(phase*down%up) / float64(up)
		for k := range taps[phase] {
			d := float64(k-half+1) - frac
			w := 0.5 + 0.5*math.Cos(math.Pi*d/float64(half))
			taps[phase][k] = w * 2 * cut * sinc(2*cut*d) / 32768
		}
	}
	out := make([]float64, len(in)*up/down)
	for i := range out {
		first := i*down/up - half + 1
		for k, tap := range taps[i%up] {
			if at := first + k; at >= 0 && at < len(in) {
				out[i] += float64(in[at]) * tap
			}
		}
	}
	return out
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
