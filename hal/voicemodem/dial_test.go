package voicemodem_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/hal/voicemodem"
)

// dials lists how the box has dialled.
func (d *desk) dials() []string {
	return slices.DeleteFunc(d.m.Received(), func(c string) bool { return !strings.Contains(c, "D") || !strings.Contains(c, ";") })
}

// dial dials and gives the call so long.
func (d *desk) dial(number string, t time.Duration) {
	d.Helper()
	if err := d.line.Dial(d.ctx, number); err != nil {
		d.Fatal(err)
	}
	d.wait(t)
}

// rest hangs up and waits until the line is idle.
func (d *desk) rest() {
	d.line.HangUp()
	d.wait(5 * time.Second)
	d.events()
}

func TestDialing(t *testing.T) {
	for _, c := range []struct {
		name  string
		modem sim.ModemOptions
		do    func(d *desk)
		dials []string // of the whole test
	}{
		{"a modem that hears the dial tone waits for it", sim.ModemOptions{}, func(d *desk) {
			d.dial("0212345", 10*time.Second)
			d.want("state dialing", "Progress{Tone:ringback}")
		}, []string{"ATX4DT0212345;"}},
		{"after a dial tone silence may be the other end's", sim.ModemOptions{}, func(d *desk) {
			d.x.OnDial(func(hal.LineID, string) sim.DialOutcome { return sim.DialOutcome{Delay: 1} })
			d.dial("0212345", 16*time.Second)
			d.want("state dialing", "state active", "Answered{Presumed:true}")
		}, []string{"ATX4DT0212345;"}},
		{"a modem that knows another country's dial tone dials without it, and does not ask again", sim.ModemOptions{NoTone: true}, func(d *desk) {
			d.dial("0212345", 12*time.Second)
			d.want("state dialing", "Progress{Tone:ringback}")
			d.rest()
			d.dial("0212345", 5*time.Second)
			d.want("state dialing", "Progress{Tone:ringback}")
		}, []string{"ATX4DT0212345;", "ATX3DT0212345;", "ATX3DT0212345;"}},
		{"an emergency call waits for no dial tone", sim.ModemOptions{NoTone: true}, func(d *desk) {
			d.dial("112", 5*time.Second)
			d.want("state dialing", "Progress{Tone:ringback}")
		}, []string{"ATX3DT112;"}},
		{"a cable that is out, which the modem senses", sim.ModemOptions{}, func(d *desk) {
			d.l.Cut(true)
			d.dial("0212345", 8*time.Second)
			d.want("state dialing", "state clearing", "Hangup{Cause:noDialTone}", "state idle")
		}, []string{"ATX4DT0212345;", "ATX3DT0212345;"}},
		{"a cable that is out, which the modem does not sense: nothing is heard, and nobody has answered", sim.ModemOptions{NoSense: true}, func(d *desk) {
			d.l.Cut(true)
			d.dial("0212345", 45*time.Second)
			d.want("state dialing", "state clearing", "Hangup{Cause:noDialTone}", "state idle")
			d.l.Cut(false)
			d.dial("0212345", 10*time.Second)
			d.want("state dialing", "Progress{Tone:ringback}")
		}, []string{"ATX4DT0212345;", "ATX3DT0212345;", "ATX4DT0212345;"}},
		{"an emergency call on a dead line goes on to another line", sim.ModemOptions{NoSense: true}, func(d *desk) {
			d.l.Cut(true)
			d.dial("112", 18*time.Second)
			d.want("state dialing", "state clearing", "Hangup{Cause:noDialTone}", "state idle")
		}, []string{"ATX3DT112;"}},
		{"a click is no sound of a line that works", sim.ModemOptions{NoSense: true}, func(d *desk) {
			d.l.Cut(true)
			d.dial("112", 4*time.Second)
			d.m.Inject(sim.Fault{Garbage: bytes.Repeat([]byte{0x2a}, 320)}) // 40 ms
			d.wait(18 * time.Second)
			d.want("state dialing", "state clearing", "Hangup{Cause:noDialTone}", "state idle")
		}, []string{"ATX3DT112;"}},
		{"a line on which nothing was ever heard keeps the second call that is silent: the other end may hear", sim.ModemOptions{NoSense: true}, func(d *desk) {
			d.l.Cut(true)
			d.dial("112", 18*time.Second)
			d.events()
			d.dial("112", 18*time.Second)
			d.want("state dialing", "state active", "Answered{Presumed:true}")
		}, []string{"ATX3DT112;", "ATX3DT112;"}},
		{"a dial tone that was heard before and now is not is tried twice without before it is not asked for", sim.ModemOptions{}, func(d *desk) {
			d.dial("0212345", 10*time.Second)
			d.rest()
			for range 3 {
				d.x.Ring("line", sim.CallerSpec{Number: "06", NoCLIP: true})
				d.dial("0212345", 15*time.Second)
				d.rest()
				d.wait(10 * time.Second)
			}
		}, []string{"ATX4DT0212345;",
			"ATX4DT0212345;", "ATX3DT0212345;", "ATX4DT0212345;", "ATX3DT0212345;", "ATX3DT0212345;"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			atDesk(t, setup{modem: c.modem}, func(d *desk) {
				d.x.OnDial(func(hal.LineID, string) sim.DialOutcome { return sim.DialOutcome{Result: sim.NoReply} })
				d.wait(5 * time.Second)
				d.events()
				c.do(d)
				if got := d.dials(); !slices.Equal(got, c.dials) {
					d.Errorf("dialled %q, want %q", got, c.dials)
				}
			})
		})
	}
}

// A caller takes the line in the moment in which the box dials: they are not joined.
func TestGlare(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		d.x.OnDial(func(hal.LineID, string) sim.DialOutcome { return sim.DialOutcome{Result: sim.NoReply} })
		d.wait(5 * time.Second)
		d.events()
		p, err := d.x.Ring("line", sim.CallerSpec{Number: "06"})
		if err != nil {
			d.Fatal(err)
		}
		p.Say(babble(3, time.Minute))
		d.dial("0212345", 15*time.Second)
		d.want("state dialing", "Progress{Tone:ringback}")
		if p.State() != sim.PartyEnded {
			d.Errorf("the caller is %s", p.State())
		}
	})
}

// A caller who rings while the box waits to dial once more gets the line.
func TestRingBetweenTwoAttempts(t *testing.T) {
	atDesk(t, setup{modem: sim.ModemOptions{NoTone: true}}, func(d *desk) {
		d.x.OnDial(func(hal.LineID, string) sim.DialOutcome { return sim.DialOutcome{Result: sim.NoReply} })
		d.wait(5 * time.Second)
		d.events()
		d.dial("0212345", 3200*time.Millisecond)
		if _, err := d.x.Ring("line", sim.CallerSpec{Number: "06", NoCLIP: true}); err != nil {
			d.Fatal(err)
		}
		d.wait(6 * time.Second)
		got := d.events()
		if i := slices.Index(got, "Hangup{Cause:noDialTone}"); i < 0 || !slices.Contains(got[i:], "state ringing") {
			d.Errorf("events %q", got)
		}
		if err := d.line.Answer(d.ctx); err != nil {
			d.Fatal(err)
		}
		d.wait(time.Second)
		if d.line.State() != hal.LineActive {
			d.Errorf("state %s", d.line.State())
		}
	})
}

// A modem that reports a ring when it goes off hook, as some do, dials all the same.
func TestRingReportWhileDialing(t *testing.T) {
	atDesk(t, setup{modem: sim.ModemOptions{Profile: sim.USR5637}, o: voicemodem.Options{Dialect: "auto"}}, func(d *desk) {
		d.x.OnDial(func(hal.LineID, string) sim.DialOutcome { return sim.DialOutcome{Result: sim.NoReply} })
		d.wait(5 * time.Second)
		d.events()
		d.dial("0212345", 10*time.Second)
		d.want("state dialing", "Progress{Tone:ringback}")
	})
}
