package voicemodem_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
)

func TestModemWithoutVoiceIsOutOfServiceAndSaysWhy(t *testing.T) {
	atDesk(t, setup{modem: sim.ModemOptions{Profile: sim.NoVoice}}, func(d *desk) {
		var log []string
		d.wait(5 * time.Minute)
		if d.line.State() != hal.LineOutOfService {
			d.Errorf("state %s", d.line.State())
		}
		for _, c := range d.m.Received() {
			if c == "AT+FCLASS=8" {
				log = append(log, c)
			}
		}
		if n := len(log); n < 4 || n > 20 {
			d.Errorf("asked %d times in 5 minutes for a mode that the modem does not have", n)
		}
	})
}

// kill -9 in mid-call leaves the modem off hook and in duplex.
func TestStuckModemIsOnHookWithinFiveSeconds(t *testing.T) {
	for _, p := range []sim.Profile{sim.Generic, sim.CX93001, sim.USR5637, sim.TTYI} {
		t.Run(p.Name, func(t *testing.T) {
			s := setup{modem: sim.ModemOptions{Profile: p, Stuck: true, Latency: 100 * time.Millisecond}}
			atDesk(t, s, func(d *desk) {
				for began := time.Now(); d.l.OffHook(); d.wait(10 * time.Millisecond) {
					if time.Since(began) > 5*time.Second {
						d.Fatal("still off hook after five seconds")
					}
				}
				d.want()
				d.wait(5 * time.Second)
				d.want("state idle")
			})
		})
	}
}

func TestCommandsThatFailAtStartDoNotStopTheLine(t *testing.T) {
	for n := 1; n < 6; n++ {
		atDesk(t, setup{}, func(d *desk) {
			d.m.Inject(sim.Fault{Error: n})
			d.wait(10 * time.Second)
			if d.line.State() != hal.LineIdle {
				d.Errorf("state %s after %d errors", d.line.State(), n)
			}
		})
	}
}

// A modem, or a computer, that stands still for a moment while the line begins costs some
// seconds, wherever it is, and not the minute of a modem that cannot do what it must.
func TestStandstillWhileTheLineBegins(t *testing.T) {
	modem := sim.ModemOptions{Profile: sim.CX93001, Latency: 50 * time.Millisecond}
	var commands int
	atDesk(t, setup{modem: modem}, func(d *desk) {
		d.wait(10 * time.Second)
		commands = len(d.m.Received())
	})
	if commands < 15 {
		t.Fatalf("a line begins with %d commands", commands)
	}
	for n := 1; n <= commands; n++ {
		atDesk(t, setup{modem: modem}, func(d *desk) {
			for len(d.m.Received()) < n && d.line.State() != hal.LineIdle {
				d.wait(time.Millisecond)
			}
			d.m.Inject(sim.Fault{Mute: true})
			d.wait(4 * time.Second)
			d.m.Inject(sim.Fault{})
			d.wait(15 * time.Second)
			if d.line.State() != hal.LineIdle {
				d.Errorf("state %s 15 s after a standstill at %q", d.line.State(), d.m.Received()[:n])
			}
		})
	}
}

func TestGarbageInCommandState(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		d.wait(5 * time.Second)
		d.events()
		if n := d.line.Stats().Garbage; n != 0 {
			d.Errorf("%d octets of a modem in order meant nothing", n)
		}
		d.m.Inject(sim.Fault{Garbage: bytes.Repeat([]byte("\xd5\x10\x93\r\nRI\x00NG\x7f"), 50)})
		d.wait(10 * time.Second)
		d.events()
		if n := d.line.Stats().Garbage; n != 3*50 { // 0xd5, 0x00 and 0x7f; 0x10 0x93 is a code
			d.Errorf("%d octets meant nothing", n)
		}
		d.m.Inject(sim.Fault{Garbage: []byte("\r\nHELLO?\r\n")})
		d.wait(time.Second)
		if n := d.line.Stats().Garbage; n != 3*50+6 {
			d.Errorf("with a line that nobody asked for %d octets meant nothing", n)
		}
		d.answered(sim.CallerSpec{Number: "06"})
	})
}

func TestSlowModemStillAnswers(t *testing.T) {
	atDesk(t, setup{modem: sim.ModemOptions{Latency: 900 * time.Millisecond}}, func(d *desk) {
		d.wait(40 * time.Second)
		d.want("state idle")
		p, _ := d.x.Ring("line", sim.CallerSpec{Number: "06"})
		d.wait(time.Second)
		if err := d.line.Answer(d.ctx); err != nil {
			d.Fatal(err)
		}
		d.wait(5 * time.Second)
		if d.line.State() != hal.LineActive || p.State() != sim.PartyTalking {
			d.Errorf("line %s, caller %s", d.line.State(), p.State())
		}
	})
}

// The result of the question whether the modem is there must not be taken for that
// of ATA.
func TestAnswerWhileTheModemIsAsked(t *testing.T) {
	atDesk(t, setup{modem: sim.ModemOptions{Latency: 800 * time.Millisecond}}, func(d *desk) {
		for d.line.State() != hal.LineIdle {
			d.wait(10 * time.Millisecond)
		}
		d.wait(29800 * time.Millisecond)
		p, _ := d.x.Ring("line", sim.CallerSpec{Number: "06"})
		d.wait(400 * time.Millisecond)
		if got := d.m.Received(); got[len(got)-1] != "AT+FCLASS?" {
			d.Fatalf("modem was told %q last: the test tests nothing", got[len(got)-1])
		}
		if err := d.line.Answer(d.ctx); err != nil {
			d.Fatal(err)
		}
		d.wait(5 * time.Second)
		if got := d.m.Received(); d.line.State() != hal.LineActive || p.State() != sim.PartyTalking || !slices.Equal(got[len(got)-2:], []string{"ATA", "AT+VTR"}) {
			d.Errorf("line %s, caller %s", d.line.State(), p.State())
		}
	})
}

// A modem that answers nothing is found out, given DTR and a new start with growing
// pauses, and taken back when it answers again.
func TestMuteModem(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		d.wait(5 * time.Second)
		d.want("state idle")
		d.m.Inject(sim.Fault{Mute: true})
		d.wait(40 * time.Second)
		d.want("state outOfService modemSilent")
		before := len(d.m.Received())
		d.wait(10 * time.Minute)
		if n := len(d.m.Received()) - before; n < 30 || n > 120 {
			d.Errorf("%d commands in ten minutes to a modem that does not answer", n)
		}
		d.m.Inject(sim.Fault{})
		d.wait(45 * time.Second)
		d.want("state idle")
	})
}

func TestModemThatDiesInACall(t *testing.T) {
	for _, f := range []sim.Fault{{Mute: true}, {Deaf: true}, {Mute: true, Deaf: true}} {
		t.Run(fmt.Sprintf("mute %v, deaf %v", f.Mute, f.Deaf), func(t *testing.T) {
			atDesk(t, setup{}, func(d *desk) {
				d.wait(5 * time.Second)
				far := d.answered(sim.CallerSpec{Number: "06"})
				d.m.Inject(f)
				d.wait(time.Second)
				d.line.HangUp()
				d.wait(10 * time.Second)
				hangups := 0
				for _, e := range d.events() {
					if strings.HasPrefix(e, "Hangup") {
						hangups++
					}
				}
				if hangups != 1 || d.line.State() != hal.LineOutOfService {
					d.Errorf("%d hangups, state %s", hangups, d.line.State())
				}
				d.m.Inject(sim.Fault{})
				d.wait(time.Minute)
				if d.l.OffHook() || far.State() != sim.PartyEnded || d.line.State() != hal.LineIdle {
					d.Errorf("off hook %v, caller %s, line %s", d.l.OffHook(), far.State(), d.line.State())
				}
			})
		})
	}
}

// A modem that was without power for a moment has forgotten voice mode; it is set
// up again before the next call needs it.
func TestModemThatLostItsSettings(t *testing.T) {
	atDesk(t, setup{}, func(d *desk) {
		d.wait(5 * time.Second)
		d.events()
		port, _, err := d.m.OpenPort(d.ctx)
		if err != nil {
			d.Fatal(err)
		}
		port.Write([]byte("ATZ\r"))
		d.wait(45 * time.Second)
		d.want("state outOfService modemForgot", "state idle")
	})
}
