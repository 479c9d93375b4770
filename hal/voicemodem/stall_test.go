package voicemodem_test

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/audio"
)

// metronome says a click in every 50th frame and holds the driver up where it is
// told to.
type metronome struct {
	n    int
	hold atomic.Int64 // ns, once
}

func (m *metronome) LineFrame(_, tx []byte) {
	for i := range tx {
		tx[i] = audio.ALawSilence
	}
	if m.n++; m.n%50 == 0 {
		for i := range 40 {
			tx[i] = audio.ALawEncode(int16(16000 - i%8*4000))
		}
	}
	if d := m.hold.Swap(0); d > 0 {
		<-time.After(time.Duration(d))
	}
}

// clicks are the frames in which the far party heard one.
func clicks(heard []int16) []int {
	var at []int
	for i, v := range heard {
		if v > 8000 && (len(at) == 0 || i-at[len(at)-1] > 800) {
			at = append(at, i)
		}
	}
	for i := range at {
		at[i] /= 160
	}
	return at
}

// TestPauseOfTheDriverLeavesNoLastingDelay: the process gets no time for a while.
// The modem's codec goes on; what is said afterwards comes as soon as before.
func TestPauseOfTheDriverLeavesNoLastingDelay(t *testing.T) {
	for _, pause := range []time.Duration{60, 100, 140, 190} {
		pause *= time.Millisecond
		t.Run(fmt.Sprint(pause), func(t *testing.T) {
			atDesk(t, setup{modem: sim.ModemOptions{TXBuffer: 8192}}, func(d *desk) {
				beat := &metronome{}
				d.line.SetAudio(beat)
				d.wait(5 * time.Second)
				far := d.answered(sim.CallerSpec{Number: "06"})
				for range 5 {
					d.wait(2010 * time.Millisecond)
					beat.hold.Store(int64(pause))
				}
				d.wait(3 * time.Second)
				at := clicks(far.Heard())
				if len(at) < 8 {
					t.Fatalf("clicks in frames %v", at)
				}
				for _, f := range at[1:] {
					if late := (f-at[0]+25)%50 - 25; late < -3 || late > 3 {
						t.Errorf("clicks in frames %v: one is %d frames late", at, late)
					}
				}
			})
		})
	}
}

// lumpy is a port that brings what it has at every step of its clock only, as a serial
// adapter does whose host looks after it rarely.
type lumpy struct {
	hal.Port
	every time.Duration
	lump  []byte
}

func (p *lumpy) Read(b []byte) (int, error) {
	if len(p.lump) == 0 {
		clock := time.Duration(time.Now().UnixNano()) - 7*time.Millisecond // not that of the codec
		<-time.After(p.every - clock%p.every)
		all := make([]byte, 4096)
		n, err := p.Port.Read(all)
		if err != nil {
			return 0, err
		}
		p.lump = all[:n]
	}
	n := copy(b, p.lump)
	p.lump = p.lump[n:]
	return n, nil
}

// TestPortThatBringsLumps: what both sides say is heard whole, however large the pieces
// are in which the port brings the modem's samples, and the modem's own buffer, of 128
// ms, is never empty.
func TestPortThatBringsLumps(t *testing.T) {
	for _, every := range []time.Duration{20, 40, 60, 100, 120, 200} {
		every *= time.Millisecond
		t.Run(every.String(), func(t *testing.T) {
			lumps := func(p hal.Port) hal.Port { return &lumpy{Port: p, every: every} }
			s := setup{port: lumps, modem: sim.ModemOptions{NoEvents: true}, line: sim.LineOptions{ReturnLoss: 120}}
			atDesk(t, s, func(d *desk) {
				said, sent := shuffled(1, 10*audio.Rate), shuffled(2, 10*audio.Rate)
				got := d.speaks(append(make([]byte, 0), sent...))
				d.wait(5 * time.Second)
				far := d.answered(sim.CallerSpec{Number: "06"})
				far.Say(decoded(said))
				d.wait(15 * time.Second)
				if !bytes.Contains(*got, said) {
					d.Error("what the caller said did not arrive octet by octet")
				}
				heard := make([]byte, len(far.Heard()))
				audio.LinearToALaw(heard, far.Heard())
				if whole := heard[min(len(heard), audio.Rate/2):]; !bytes.Contains(whole, sent[audio.Rate/2:]) {
					d.Error("what we sent was not heard octet by octet")
				}
				if c := d.m.Counts(); c.Underruns+c.Overruns != 0 {
					d.Errorf("the modem counts %+v", c)
				}
			})
		})
	}
}
