package voicemodem_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

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
