package voicemodem_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/hal/voicemodem"
	"centralino/internal/audio"
)

func TestCallerIDVariants(t *testing.T) {
	for _, c := range []struct {
		name   string
		caller sim.CallerSpec
		want   []string
	}{
		{"after the first ring", sim.CallerSpec{Number: "0612345678", Name: "ROSSI"},
			[]string{"state ringing", "Ring{N:1 Called:}", "CallerID{Number:0612345678 Name:ROSSI Restricted:false Unknown:false}", "Ring{N:2 Called:}"}},
		{"before the first ring, as in the United Kingdom", sim.CallerSpec{Number: "0612345678", BeforeRing: true},
			[]string{"CallerID{Number:0612345678 Name: Restricted:false Unknown:false}", "state ringing", "Ring{N:1 Called:}", "Ring{N:2 Called:}"}},
		{"restricted", sim.CallerSpec{Restricted: true},
			[]string{"state ringing", "Ring{N:1 Called:}", "CallerID{Number: Name: Restricted:true Unknown:false}", "Ring{N:2 Called:}"}},
		{"unavailable", sim.CallerSpec{Unknown: true},
			[]string{"state ringing", "Ring{N:1 Called:}", "CallerID{Number: Name: Restricted:false Unknown:true}", "Ring{N:2 Called:}"}},
		{"none", sim.CallerSpec{NoCLIP: true},
			[]string{"state ringing", "Ring{N:1 Called:}", "Ring{N:2 Called:}"}},
	} {
		for _, p := range []sim.Profile{sim.Generic, sim.CX93001} {
			t.Run(c.name+", "+p.Name, func(t *testing.T) {
				atDesk(t, setup{modem: sim.ModemOptions{Profile: p}}, func(d *desk) {
					d.wait(5 * time.Second)
					d.events()
					if _, err := d.x.Ring("line", c.caller); err != nil {
						d.Fatal(err)
					}
					d.wait(7 * time.Second)
					d.want(c.want...)
				})
			})
		}
	}
}

// The caller's number belongs to its call: when no ring follows it is forgotten.
func TestCallerIDWithoutRingIsForgotten(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		d.wait(5 * time.Second)
		d.m.Inject(sim.Fault{Garbage: []byte("\r\nNMBR=0611111\r\n")})
		d.wait(10 * time.Second)
		d.events()
		d.x.Ring("line", sim.CallerSpec{Number: "0622222"})
		d.wait(3 * time.Second)
		d.want("state ringing", "Ring{N:1 Called:}", "CallerID{Number:0622222 Name: Restricted:false Unknown:false}")
	})
}

// An ISDN call comes with the caller's number (Q.931 calling party number, in SETUP):
// whoever answers at the first ring knows it.
func TestISDNCallIsForOneOfOurNumbers(t *testing.T) {
	s := setup{modem: sim.ModemOptions{Profile: sim.TTYI}, line: sim.LineOptions{Kind: hal.ISDN}, o: voicemodem.Options{MSN: []string{"0212345", "0212346"}}}
	atDesk(t, s, func(d *desk) {
		d.wait(5 * time.Second)
		d.want("state idle")
		p, _ := d.x.Ring("line", sim.CallerSpec{Number: "06", Called: "0299999"})
		d.wait(10 * time.Second)
		d.want()
		p.HangUp()
		d.x.Ring("line", sim.CallerSpec{Number: "06", Called: "0212346"})
		d.wait(time.Second)
		d.want("state ringing", "Ring{N:1 Called:0212346}", "CallerID{Number:06 Name: Restricted:false Unknown:false}")
	})
}

// The trap: +VTR works although +VTR=? answers ERROR. The driver never asks.
func TestDuplexIsNotAskedFor(t *testing.T) {
	atDesk(t, setup{modem: sim.ModemOptions{Profile: sim.CX93001}}, func(d *desk) {
		d.wait(5 * time.Second)
		d.answered(sim.CallerSpec{Number: "06"})
		for _, c := range d.m.Received() {
			if strings.Contains(c, "VTR=?") {
				d.Errorf("asked %s", c)
			}
		}
	})
}

// The trap: the number of a sample format means something else on every modem. A
// recording octet by octet shows that both sides mean the same one.
func TestSamplesPassUnchanged(t *testing.T) {
	for _, p := range []sim.Profile{sim.Generic, sim.CX93001, sim.USR5637, sim.TTYI} {
		t.Run(p.Name, func(t *testing.T) {
			s := setup{modem: sim.ModemOptions{Profile: p, NoEvents: true}, line: sim.LineOptions{ReturnLoss: 120}}
			atDesk(t, s, func(d *desk) {
				said, sent := shuffled(1, 16000), shuffled(2, 16000)
				got := d.speaks(sent)
				d.wait(5 * time.Second)
				far := d.answered(sim.CallerSpec{Number: "06"})
				far.Say(decoded(said))
				d.wait(3 * time.Second)
				if !bytes.Contains(*got, said) {
					d.Error("what the caller said did not arrive octet by octet")
				}
				heard := make([]byte, len(far.Heard()))
				audio.LinearToALaw(heard, far.Heard())
				if !bytes.Contains(heard, sent) {
					d.Error("what we sent was not heard octet by octet")
				}
				if st := d.line.Stats(); st.Underruns+st.Overruns != 0 {
					d.Errorf("statistics %+v", st)
				}
			})
		})
	}
}

// Modems without A-law: what passes is changed by the coding alone.
func TestSamplesPassInEveryCoding(t *testing.T) {
	for _, c := range []struct {
		p   sim.Profile
		snr float64 // dB, of noise at full scale; 8-bit linear has about 48
	}{{sim.MuLawOnly, 30}, {sim.CX81801, 35}} {
		t.Run(c.p.Name, func(t *testing.T) {
			s := setup{modem: sim.ModemOptions{Profile: c.p, NoEvents: true}, line: sim.LineOptions{ReturnLoss: 120}}
			atDesk(t, s, func(d *desk) {
				said, sent := shuffled(1, 16000), shuffled(2, 16000)
				got := d.speaks(sent)
				d.wait(5 * time.Second)
				far := d.answered(sim.CallerSpec{Number: "06"})
				far.Say(decoded(said))
				d.wait(3 * time.Second)
				if v := bestSNR(decoded(*got), decoded(said)); v < c.snr {
					d.Errorf("what the caller said arrived with %.1f dB", v)
				}
				if v := bestSNR(far.Heard(), decoded(sent)); v < c.snr {
					d.Errorf("what we sent was heard with %.1f dB", v)
				}
				if st := d.line.Stats(); st.Underruns+st.Overruns != 0 {
					d.Errorf("statistics %+v", st)
				}
			})
		})
	}
}

// speaks lets the box say sent in its call, and gathers what it hears there.
func (d *desk) speaks(sent []byte) (heard *[]byte) {
	heard = new([]byte)
	d.line.SetAudio(handler(func(rx, tx []byte) {
		*heard = append(*heard, rx...)
		n := copy(tx, sent)
		sent = sent[n:]
		for i := n; i < len(tx); i++ {
			tx[i] = audio.ALawSilence
		}
	}))
	return heard
}

func decoded(alaw []byte) []int16 {
	pcm := make([]int16, len(alaw))
	audio.ALawToLinear(pcm, alaw)
	return pcm
}

// bestSNR is the ratio of a sound to what differs from it where it lies in got, in dB.
func bestSNR(got, want []int16) float64 {
	at, best := 0, math.Inf(-1)
	for lag := 0; lag+len(want) <= len(got); lag++ {
		sum := 0.0
		for i := range 200 {
			sum += float64(got[lag+i]) * float64(want[i])
		}
		if sum > best {
			at, best = lag, sum
		}
	}
	if math.IsInf(best, -1) {
		return best
	}
	var power, noise float64
	for i, v := range want {
		e := float64(got[at+i]) - float64(v)
		power, noise = power+float64(v)*float64(v), noise+e*e
	}
	return 10 * math.Log10(power/max(noise, 1))
}

type handler func(rx, tx []byte)

func (h handler) LineFrame(rx, tx []byte) { h(rx, tx) }

// shuffled is A-law of every octet, at random.
func shuffled(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.UintN(256))
	}
	return b
}

func TestFarEndClears(t *testing.T) {
	for _, c := range []struct {
		name     string
		profile  sim.Profile
		clearing sim.Clearing
		noEvents bool
		within   time.Duration
		want     string
	}{
		{"busy tone, heard by the modem", sim.Generic, sim.ClearBusyTone, false, 3500 * time.Millisecond, "Hangup{Cause:busyTone}"},
		{"busy tone, heard by us only", sim.Generic, sim.ClearBusyTone, true, 3500 * time.Millisecond, "Hangup{Cause:busyTone}"},
		{"loop break", sim.Generic, sim.ClearLoopBreak, false, 500 * time.Millisecond, "Hangup{Cause:loopBreak}"},
		{"digital", sim.TTYI, sim.ClearBusyTone, false, 100 * time.Millisecond, "Hangup{Cause:reported}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			atDesk(t, setup{modem: sim.ModemOptions{Profile: c.profile, NoEvents: c.noEvents}}, func(d *desk) {
				d.wait(5 * time.Second)
				far := d.answered(sim.CallerSpec{Number: "06", Clearing: c.clearing})
				d.wait(2 * time.Second)
				far.HangUp()
				d.wait(c.within)
				if got := d.events(); len(got) < 2 || got[0] != "state clearing" || got[1] != c.want {
					d.Errorf("within %v: %q, want %s", c.within, got, c.want)
				}
				d.wait(3 * time.Second)
				if d.line.State() != hal.LineIdle {
					d.Errorf("state %s", d.line.State())
				}
				if d.l.OffHook() {
					d.Error("off hook")
				}
			})
		})
	}
}

// A caller who hangs up in the moment in which the line is answered leaves a dial
// tone behind: the call is over, instead of leading a dial tone to an agent.
func TestDialToneAfterAnsweringEndsTheCall(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		d.wait(5 * time.Second)
		p, err := d.x.Ring("line", sim.CallerSpec{Number: "06"})
		if err != nil {
			d.Fatal(err)
		}
		d.wait(2500 * time.Millisecond)
		p.HangUp()
		if err := d.line.Answer(d.ctx); err != nil {
			d.Fatal(err)
		}
		d.wait(8 * time.Second)
		got := d.events()
		if d.line.State() != hal.LineIdle || !slices.Contains(got, "Hangup{Cause:busyTone}") {
			d.Errorf("state %s after %v", d.line.State(), got)
		}
	})
}

// The modem's busy report is not believed while somebody speaks.
func TestBusyReportWhileSomebodySpeaks(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		d.wait(5 * time.Second)
		far := d.answered(sim.CallerSpec{Number: "06"})
		speech := make([]int16, 20*audio.Rate)
		audio.NewNoise(1, -20).Read(speech)
		far.Say(speech)
		d.wait(time.Second)
		d.m.Inject(sim.Fault{Garbage: []byte("\x10b")})
		d.wait(10 * time.Second)
		d.want()
		d.m.Inject(sim.Fault{Garbage: []byte("\x10b")})
		d.wait(time.Second)
		d.want()
		d.m.Inject(sim.Fault{Garbage: []byte("\x10b")})
		d.wait(time.Second)
		d.want("state clearing", "Hangup{Cause:busyTone}")
	})
}

// Speech-like sound, bursts of changing pitch and level with pauses of changing
// length, is no busy tone. (That it is no key either is the detector's own test,
// with real speech: these steady partials do make digits now and then.)
func TestSpeechIsNoBusyTone(t *testing.T) {
	atDesk(t, setup{modem: sim.ModemOptions{NoEvents: true}}, func(d *desk) {
		d.wait(5 * time.Second)
		far := d.answered(sim.CallerSpec{Number: "06"})
		far.Say(babble(7, 3*time.Minute))
		d.wait(3*time.Minute + 5*time.Second)
		if got := slices.DeleteFunc(d.events(), func(e string) bool { return strings.HasPrefix(e, "key ") }); len(got) > 0 {
			d.Errorf("events %q", got)
		}
	})
}

// babble is a voiced sound with a wandering pitch and three formants, in syllables.
func babble(seed uint64, d time.Duration) []int16 {
	r := rand.New(rand.NewPCG(seed, 2))
	var s []int16
	for len(s) < audio.Samples(d) {
		n := audio.Samples(time.Duration(60+r.IntN(350)) * time.Millisecond)
		syllable := make([]int16, n)
		pitch := 90 + 120*r.Float64()
		part := make([]int16, n)
		for range 6 {
			f := pitch * float64(1+r.IntN(20))
			audio.NewToneGen(audio.Tone{{Low: f, High: f * (1 + 0.02*r.Float64())}}, -22-10*r.Float64()).Read(part)
			for i := range part {
				syllable[i] += part[i]
			}
		}
		s = append(s, syllable...)
		s = append(s, make([]int16, audio.Samples(time.Duration(r.IntN(300))*time.Millisecond))...)
	}
	return s
}

func TestAnalogAnswerIsPresumed(t *testing.T) {
	for _, c := range []struct {
		name  string
		says  []int16
		after time.Duration // of the real answer
	}{
		{"the far end speaks", babble(3, 10*time.Second), 1500 * time.Millisecond},
		{"the far end says nothing: ringback stays away", nil, 7 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			atDesk(t, setup{modem: sim.ModemOptions{NoEvents: true}}, func(d *desk) {
				var far *sim.Party
				d.x.OnDial(func(hal.LineID, string) sim.DialOutcome {
					return sim.DialOutcome{Delay: 11 * time.Second, Party: func(p *sim.Party) { far = p }}
				})
				d.wait(5 * time.Second)
				d.events()
				if err := d.line.Dial(d.ctx, "0212345"); err != nil {
					d.Fatal(err)
				}
				d.wait(2 * time.Second)
				far.Say(c.says)
				<-far.Answered()
				synctest.Wait()
				d.want("state dialing", "Progress{Tone:ringback}")
				d.wait(c.after)
				d.want("state active", "Answered{Presumed:true}")
			})
		})
	}
}

// Ten minutes of talk with a clock that is off: the modem's clock leads, so nothing
// runs empty or over.
func TestClockOfTheModemLeads(t *testing.T) {
	for _, ppm := range []float64{-150, 150} {
		t.Run(fmt.Sprint(ppm), func(t *testing.T) {
			atDesk(t, setup{modem: sim.ModemOptions{PPM: ppm}}, func(d *desk) {
				d.wait(5 * time.Second)
				d.answered(sim.CallerSpec{Number: "06"})
				d.wait(10 * time.Minute)
				st, c := d.line.Stats(), d.m.Counts()
				if st.Underruns+st.Overruns+c.Underruns+c.Overruns != 0 || st.RxFrames < 29900 {
					d.Errorf("line %+v, modem %+v", st, c)
				}
				d.want()
			})
		})
	}
}

// Every underrun makes the standing queue longer by a frame, every quiet minute
// shorter again.
func TestStandingQueue(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		queued := func() int { return d.line.Stats().QueuedMS }
		d.wait(5 * time.Second)
		d.answered(sim.CallerSpec{Number: "06"})
		if q := queued(); q != 40 {
			d.Errorf("begins with %d ms", q)
		}
		d.m.Inject(sim.Fault{Garbage: []byte("\x10u\x10u")})
		d.wait(time.Second)
		if q := queued(); q != 80 {
			d.Errorf("after two underruns %d ms", q)
		}
		d.wait(61 * time.Second)
		if q := queued(); q != 60 {
			d.Errorf("after a quiet minute %d ms", q)
		}
		d.wait(61 * time.Second)
		if q := queued(); q != 40 {
			d.Errorf("after two quiet minutes %d ms", q)
		}
		for range 20 {
			d.m.Inject(sim.Fault{Garbage: []byte("\x10u")})
		}
		d.wait(time.Second)
		if q := queued(); q != 160 {
			d.Errorf("after many underruns %d ms, want the limit", q)
		}
		if st := d.line.Stats(); st.Underruns != 22 {
			d.Errorf("%d underruns counted", st.Underruns)
		}
	})
}

func TestFlashKeepsTheCall(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		d.wait(5 * time.Second)
		far := d.answered(sim.CallerSpec{Number: "06"})
		if err := d.line.Flash(d.ctx); err != nil {
			d.Fatal(err)
		}
		d.wait(time.Second)
		frames := d.line.Stats().RxFrames
		d.wait(time.Second)
		if far.State() != sim.PartyTalking || d.line.Stats().RxFrames-frames < 45 || !slices.Contains(d.m.Received(), "AT+VTS=!") {
			d.Errorf("caller %s, %d frames in a second", far.State(), d.line.Stats().RxFrames-frames)
		}
		d.want()
		d.line.HangUp()
		d.wait(2 * time.Second)
		d.want("state clearing", "Hangup{Cause:local}", "state idle")
	})
}

func TestOptionsAreChecked(t *testing.T) {
	port := hal.PortOpener(&sim.Modem{})
	for name, o := range map[string]voicemodem.Options{
		"no port":            {ID: "line"},
		"no id":              {Port: port},
		"unknown dialect":    {ID: "line", Port: port, Dialect: "rockwell"},
		"MSN with a command": {ID: "line", Port: port, MSN: []string{"123;H"}},
	} {
		if _, err := voicemodem.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
