package sim_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/audio"
)

// listener is an audio handler that sends a tone and keeps what it hears.
type listener struct {
	tone  *audio.ToneGen
	heard []int16
	sent  []int16
}

func (l *listener) LineFrame(rx, tx []byte) {
	s := make([]int16, len(rx))
	audio.ALawToLinear(s, rx)
	l.heard = append(l.heard, s...)
	clear(s)
	if l.tone != nil {
		l.tone.Read(s)
	}
	audio.LinearToALaw(tx, s)
	audio.ALawToLinear(s, tx)
	l.sent = append(l.sent, s...)
}

// onExchange runs f in virtual time with a direct line whose events are discarded.
func onExchange(t *testing.T, o sim.LineOptions, f func(t *testing.T, x *sim.Exchange, d *sim.Line, l *listener)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x := sim.NewExchange(sim.ExchangeOptions{Seed: 1})
		x.AddLine("line", o)
		d, l := x.DirectLine("line"), &listener{}
		d.SetAudio(l)
		ctx, stop := context.WithCancel(context.Background())
		go d.Run(ctx)
		synctest.Wait()
		f(t, x, d, l)
		stop()
		synctest.Wait()
		x.Close()
	})
}

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestRingCadence(t *testing.T) {
	onExchange(t, sim.LineOptions{}, func(t *testing.T, x *sim.Exchange, d *sim.Line, _ *listener) {
		start := time.Now()
		p, err := x.Ring("line", sim.CallerSpec{Number: "06", GiveUp: 12 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		var at []time.Duration
		for ev := range d.Events() {
			if _, ok := ev.(hal.Ring); ok {
				at = append(at, time.Since(start))
			}
			if _, ok := ev.(hal.RingStop); ok {
				break
			}
		}
		if want := []time.Duration{0, 5 * time.Second, 10 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("bursts at %v, want %v", at, want)
		}
		if p.State() != sim.PartyEnded {
			t.Errorf("caller who gave up is %s", p.State())
		}
	})
}

func TestRingIsRefused(t *testing.T) {
	onExchange(t, sim.LineOptions{}, func(t *testing.T, x *sim.Exchange, d *sim.Line, _ *listener) {
		if _, err := x.Ring("nowhere", sim.CallerSpec{}); !errors.Is(err, sim.ErrNoLine) {
			t.Errorf("a line that is not there: %v", err)
		}
		x.Ring("line", sim.CallerSpec{})
		if _, err := x.Ring("line", sim.CallerSpec{}); !errors.Is(err, sim.ErrLineBusy) {
			t.Errorf("a line that rings: %v", err)
		}
		wait(time.Second)
		d.Answer(t.Context())
		wait(time.Second)
		if _, err := x.Ring("line", sim.CallerSpec{}); !errors.Is(err, sim.ErrLineBusy) {
			t.Errorf("a line that talks: %v", err)
		}
	})
}

// The exchange's tones are what the box's detector, tested elsewhere, knows.
// TestACallerWasFaster: who goes off hook to dial in the moment in which a caller takes
// the line hears no dial tone, and lets both go.
func TestACallerWasFaster(t *testing.T) {
	onExchange(t, sim.LineOptions{}, func(t *testing.T, x *sim.Exchange, d *sim.Line, _ *listener) {
		p, err := x.Ring("line", sim.CallerSpec{Number: "06", BeforeRing: true}) // it rings half a second later
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := d.Dial(t.Context(), "112"); err != nil {
			t.Fatal(err)
		}
		for ev := range d.Events() {
			if h, ok := ev.(hal.Hangup); ok {
				if h.Cause != hal.CauseNoDial {
					t.Errorf("the call that was dialled ended with %s", h.Cause)
				}
				break
			}
		}
		wait(5 * time.Second)
		if p.State() != sim.PartyEnded || d.State() != hal.LineIdle {
			t.Errorf("afterwards the caller is %s and the line %s", p.State(), d.State())
		}
	})
}

func TestTonesOfTheExchange(t *testing.T) {
	for _, c := range []struct {
		result sim.DialResult
		want   audio.ToneKind
	}{
		{sim.NoReply, audio.RingbackTone}, {sim.IsBusy, audio.BusyTone}, {sim.Congested, audio.CongestionTone},
	} {
		onExchange(t, sim.LineOptions{}, func(t *testing.T, x *sim.Exchange, d *sim.Line, l *listener) {
			x.OnDial(func(hal.LineID, string) sim.DialOutcome { return sim.DialOutcome{Result: c.result} })
			if err := d.Dial(t.Context(), "02"); err != nil {
				t.Fatal(err)
			}
			wait(12 * time.Second)
			var got []audio.ToneKind
			for _, ev := range audio.NewProgressDetector().Feed(l.heard) {
				if !ev.Gone && ev.Tone != audio.DialTone {
					got = append(got, ev.Tone)
				}
			}
			if len(got) == 0 || got[0] != c.want {
				t.Errorf("%s sounds like %q, want %q", c.result, got, c.want)
			}
		})
	}
}

func TestReturnLoss(t *testing.T) {
	for _, c := range []struct {
		o    sim.LineOptions
		want float64
	}{
		{sim.LineOptions{}, 26}, {sim.LineOptions{ReturnLoss: 6}, 6}, {sim.LineOptions{Kind: hal.ISDN}, math.Inf(1)},
	} {
		onExchange(t, c.o, func(t *testing.T, x *sim.Exchange, d *sim.Line, l *listener) {
			l.tone = audio.NewToneGen(audio.Tone{{Low: 1000}}, -10)
			far, _ := x.Ring("line", sim.CallerSpec{})
			wait(time.Second)
			d.Answer(t.Context())
			wait(3 * time.Second)
			loss := -10 - audio.Level(l.heard[audio.Rate:2*audio.Rate])
			if math.IsInf(c.want, 1) {
				if loss < 50 { // A-law has no quieter zero
					t.Errorf("a digital line echoes %.1f dB below", loss)
				}
			} else if math.Abs(loss-c.want) > 0.7 {
				t.Errorf("return loss %.1f dB, want %.1f", loss, c.want)
			}
			if heard := far.Heard(); len(heard) < 2*audio.Rate || !slices.Equal(heard[320:8000], l.sent[160:7840]) {
				t.Error("the far end does not hear what the line sends, one frame later")
			}
		})
	}
}

func TestKeysOfAPartyAreDTMF(t *testing.T) {
	onExchange(t, sim.LineOptions{}, func(t *testing.T, x *sim.Exchange, d *sim.Line, l *listener) {
		far, _ := x.Ring("line", sim.CallerSpec{})
		wait(time.Second)
		d.Answer(t.Context())
		far.Say(make([]int16, 800))
		far.Key("0123456789*#ABCDx")
		wait(5 * time.Second)
		if far.Saying() {
			t.Error("still pressing keys")
		}
		var got []byte
		det := audio.NewDTMFDetector()
		for s := l.heard; len(s) >= 160; s = s[160:] {
			got = append(got, det.Feed(s[:160])...)
		}
		if string(got) != "0123456789*#ABCD" {
			t.Errorf("heard the keys %s", got)
		}
	})
}

func TestPartyTellsItsStates(t *testing.T) {
	onExchange(t, sim.LineOptions{}, func(t *testing.T, x *sim.Exchange, d *sim.Line, _ *listener) {
		far, _ := x.Ring("line", sim.CallerSpec{Clearing: sim.ClearSilent})
		got := []sim.PartyState{far.State()}
		far.OnState(func(s sim.PartyState) { got = append(got, s) })
		wait(time.Second)
		d.Answer(t.Context())
		wait(time.Second)
		far.HangUp()
		far.HangUp()
		wait(10 * time.Second)
		if want := []sim.PartyState{sim.PartyCalling, sim.PartyTalking, sim.PartyEnded}; !slices.Equal(got, want) {
			t.Errorf("states %v, want %v", got, want)
		}
		if d.State() != hal.LineActive {
			t.Errorf("the line noticed a silent clearing: %s", d.State())
		}
	})
}
