package haltest_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"centralino/hal"
	"centralino/hal/haltest"
	"centralino/hal/serial"
	"centralino/hal/sim"
	"centralino/hal/voicemodem"
)

// world puts a rig around a line of the exchange.
func world(t *testing.T, x *sim.Exchange, l *sim.ExLine, line hal.Line) haltest.Rig {
	t.Cleanup(x.Close)
	return haltest.Rig{
		Line: line,
		Ring: func(number string) (haltest.Far, error) {
			return x.Ring(l.ID(), sim.CallerSpec{Number: number, Name: "ROSSI MARIO"})
		},
		Expect: func(o haltest.Outcome) <-chan haltest.Far {
			far := make(chan haltest.Far, 1)
			result := map[haltest.Outcome]sim.DialResult{haltest.Busy: sim.IsBusy, haltest.NoReply: sim.NoReply}[o]
			x.OnDial(func(hal.LineID, string) sim.DialOutcome {
				return sim.DialOutcome{Result: result, Party: func(p *sim.Party) { far <- p }}
			})
			return far
		},
		OffHook: l.OffHook, Cut: l.Cut,
	}
}

func TestDirectLine(t *testing.T) {
	for _, kind := range []hal.LineKind{hal.Analog, hal.ISDN} {
		t.Run(string(kind), func(t *testing.T) {
			haltest.TestLineVirtually(t, func(t *testing.T) haltest.Rig {
				x := sim.NewExchange(sim.ExchangeOptions{})
				l := x.AddLine("line", sim.LineOptions{Kind: kind})
				d := x.DirectLine("line")
				r := world(t, x, l, d)
				r.Unplug, r.Replug = d.Unplug, d.Replug
				return r
			})
		})
	}
}

// modemRig is a driver, its opener and a simulated modem on a line with some noise.
func modemRig(t *testing.T, o sim.ModemOptions, connect func(*sim.Exchange, *sim.ExLine) (*sim.Modem, hal.PortOpener, error)) haltest.Rig {
	t.Helper()
	x := sim.NewExchange(sim.ExchangeOptions{})
	l := x.AddLine("line", sim.LineOptions{Kind: o.Profile.Kind, NoiseDBm0: -60})
	m, opener, err := connect(x, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	d, err := voicemodem.New(voicemodem.Options{
		ID: "line", Kind: o.Profile.Kind, Port: opener, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := world(t, x, l, d)
	r.Unplug = m.Unplug
	r.Replug = func() {
		if err := m.Replug(); err != nil {
			t.Error(err)
		}
	}
	return r
}

func TestVoiceModem(t *testing.T) {
	for name, change := range map[string]func(*sim.ModemOptions){
		"as it is":                            func(*sim.ModemOptions) {},
		"reports neither keys nor tones":      func(o *sim.ModemOptions) { o.NoEvents = true },
		"found in duplex, clock 150 ppm fast": func(o *sim.ModemOptions) { o.Stuck, o.PPM = true, 150 },
		"clock 150 ppm slow":                  func(o *sim.ModemOptions) { o.PPM = -150 },
	} {
		for _, p := range sim.Profiles() {
			if p.Name == sim.NoVoice.Name {
				continue
			}
			t.Run(p.Name+" "+name, func(t *testing.T) {
				haltest.TestLineVirtually(t, func(t *testing.T) haltest.Rig {
					o := sim.ModemOptions{Profile: p}
					change(&o)
					return modemRig(t, o, func(_ *sim.Exchange, l *sim.ExLine) (*sim.Modem, hal.PortOpener, error) {
						m, err := sim.OpenPortModem(context.Background(), l, o)
						return m, m, err
					})
				})
			})
		}
	}
}

// The same in real time over a pty, through go.bug.st/serial.
func TestVoiceModemOverPTY(t *testing.T) {
	haltest.TestLine(t, func(t *testing.T) haltest.Rig {
		o := sim.ModemOptions{Profile: sim.CX93001, Link: filepath.Join(t.TempDir(), "modem")}
		return modemRig(t, o, func(_ *sim.Exchange, l *sim.ExLine) (*sim.Modem, hal.PortOpener, error) {
			m, err := sim.OpenModem(context.Background(), l, o)
			return m, serial.NewOpener("path:"+o.Link, serial.Options{}), err
		})
	})
}
