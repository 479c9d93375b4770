package testbed_test

import (
	"math"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// delayed returns s behind n samples of silence, scaled.
func delayed(s []int16, n int, gain float64) []int16 {
	out := make([]int16, n, n+len(s))
	for _, x := range s {
		out = append(out, int16(float64(x)*gain))
	}
	return out
}

func mixed(a, b []int16) []int16 {
	out := append([]int16(nil), a...)
	for i := range min(len(a), len(b)) {
		out[i] += b[i]
	}
	return out
}

func TestJudge(t *testing.T) {
	caller := testbed.Speech(t, testbed.VoiceCaller, 12*time.Second)
	agent := testbed.Speech(t, testbed.VoiceAgent, 12*time.Second)
	third := testbed.Speech(t, testbed.VoiceThird, 12*time.Second)
	slipped := append(append([]int16(nil), caller[:48000]...), caller[48160:]...)
	holed := append([]int16(nil), caller...)
	clear(holed[40000:56000])
	db := func(x float64) float64 { return math.Pow(10, x/20) }

	tests := []struct {
		name        string
		heard, said []int16
		ok          func(r testbed.Result) bool
	}{
		{"the same recording fits fully, undelayed", caller, caller,
			func(r testbed.Result) bool {
				return r.Median > 0.999 && r.Passing == r.Voiced && r.Lag == 0 && r.Jumps == 0
			}},
		{"a delay of 1.234 s and 12 dB less do not matter", delayed(caller, 9872, db(-12)), caller,
			func(r testbed.Result) bool { return r.Median > 0.999 && r.Lag == 9872 && math.Abs(r.Gain+12) < 0.2 }},
		{"a recording that began late is judged where it has something", caller[16000:], caller,
			func(r testbed.Result) bool { return r.Median > 0.999 && r.Lag == -16000 && r.Voiced > 50 }},
		{"a slip of 20 ms is one jump and no failure", slipped, caller,
			func(r testbed.Result) bool { return r.Median > 0.99 && r.Jumps == 1 }},
		{"two seconds of silence are silent frames", holed, caller,
			func(r testbed.Result) bool { return r.Silent > 40 && r.Passing < r.Voiced-10 }},
		{"another speaker does not fit", agent, caller,
			func(r testbed.Result) bool { return r.Median <= 0.2 }},
		{"one's own voice does not fit the other's, any pair", third, agent,
			func(r testbed.Result) bool { return r.Median <= 0.2 }},
		{"an echo at -26 dB below another speaker is no own voice", mixed(agent, delayed(caller, 200, db(-26))), caller,
			func(r testbed.Result) bool { return r.Median <= 0.2 }},
		{"an echo at -26 dB in silence is no own voice", delayed(caller, 200, db(-26)), caller,
			func(r testbed.Result) bool { return r.Median <= 0.2 }},
		{"an echo at -6 dB below another speaker is found", mixed(agent, delayed(caller, 200, db(-6))), caller,
			func(r testbed.Result) bool { return r.Median > 0.3 }},
		{"the other's voice is still heard over an echo at -26 dB", mixed(agent, delayed(caller, 200, db(-26))), agent,
			func(r testbed.Result) bool { return r.Median >= 0.95 }},
		{"silence is not speech", make([]int16, len(caller)), caller,
			func(r testbed.Result) bool { return r.Median == 0 && r.Silent > 50 }},
		{"nothing recorded is nothing judged", nil, caller,
			func(r testbed.Result) bool { return r.Voiced == 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := testbed.Judge(tt.heard, tt.said)
			t.Log(r)
			if !tt.ok(r) {
				t.Errorf("judged %v", r)
			}
		})
	}
}

// A talk is more than its median.
func TestLacks(t *testing.T) {
	const talk = 10 * 8000
	for _, c := range []struct {
		name  string
		r     testbed.Result
		share float64
		lacks int
	}{
		{"all of it", testbed.Result{Voiced: 90, Passing: 90, Median: 1}, 0.8, 0},
		{"four in five", testbed.Result{Voiced: 90, Passing: 72, Median: 0.99}, 0.8, 0},
		{"four in five of what must be whole", testbed.Result{Voiced: 90, Passing: 72, Median: 0.99}, 0.9, 1},
		{"a third is missing though the median is fine", testbed.Result{Voiced: 90, Passing: 60, Median: 0.99}, 0.8, 1},
		{"a third is missing where the machine was away", testbed.Result{Voiced: 90, Passing: 60, Median: 0.99}, 0.5, 0},
		{"more than half is missing", testbed.Result{Voiced: 90, Passing: 40, Median: 0.3}, 0.5, 2},
		{"half of the talk was not laid beside its original", testbed.Result{Voiced: 45, Passing: 45, Median: 1}, 0.8, 1},
		{"nothing to judge", testbed.Result{}, 0.5, 2},
	} {
		if got := c.r.Lacks(talk, c.share); len(got) != c.lacks {
			t.Errorf("%s: lacks %q", c.name, got)
		}
	}
}

// A recording with holes does not pass for whole, one with a hole of a sixth does.
func TestLacksOfRecordings(t *testing.T) {
	said := testbed.Speech(t, testbed.VoiceCaller, 12*time.Second)
	for _, c := range []struct {
		name  string
		holes int // of 400 ms, one in each second
		whole bool
	}{{"whole", 0, true}, {"one hole", 1, true}, {"a hole in each second", 12, false}} {
		heard := append([]int16(nil), said...)
		for i := range c.holes {
			clear(heard[i*8000 : i*8000+3200])
		}
		r := testbed.Judge(heard, said)
		if lacks := r.Lacks(len(said), 0.8); (len(lacks) == 0) != c.whole {
			t.Errorf("%s: %v lacks %q", c.name, r, lacks)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	caller := testbed.Speech(b, testbed.VoiceCaller, 10*time.Second)
	for b.Loop() {
		testbed.Judge(caller, caller)
	}
}
