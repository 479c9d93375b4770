package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board"
	"centralino/board/button"
	"centralino/board/led"
	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/export"
)

// lamp returns what a lamp says.
func (w *bubbleBox) lamp(l board.Lamp) led.State {
	for _, s := range w.front.lamps.Shown() {
		if s.Lamp == l {
			return s.State
		}
	}
	return ""
}

func disable(lines ...office.ID) func(*office.Document) {
	return func(d *office.Document) {
		for i := range d.Lines {
			d.Lines[i].Disabled = slices.Contains(lines, d.Lines[i].ID)
		}
	}
}

func TestLamps(t *testing.T) {
	type seen map[board.Lamp]led.State
	for _, c := range []struct {
		name    string
		options options
		change  func(*office.Document)
		phones  bool // one registers
		want    seen
	}{
		{"all is well", options{}, nil, true, seen{board.Status: led.StatusReady, board.Lines: led.LinesReady, board.Calls: led.CallsReady}},
		{"one line is taken out of use", options{}, disable("line-2"), true, seen{board.Lines: led.LinesReady}},
		{"all lines are taken out of use: nothing could call for help", options{}, disable("line-1", "line-2", "line-3"), true,
			seen{board.Status: led.StatusFault, board.Lines: led.LinesDisabled, board.Calls: led.CallsFault}},
		{"all hours are closed", options{closed: true}, nil, true, seen{board.Status: led.StatusReady, board.Calls: led.CallsNight}},
		{"no telephone is there", options{}, nil, false, seen{board.Status: led.StatusFault, board.Calls: led.CallsFault}},
		{"no telephone is there at night", options{closed: true}, nil, false, seen{board.Calls: led.CallsFault}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, c.options, c.change, func(w *bubbleBox) {
				if c.phones {
					w.register(w.phones[0])
				}
				time.Sleep(2 * time.Minute)
				for l, want := range c.want {
					if got := w.lamp(l); got != want {
						t.Errorf("%s says %q, want %q; faults %v", l, got, want, w.faulty())
					}
				}
			})
		})
	}
}

// A line that is taken out of use takes its fault and its lamp along.
func TestLampsFollowTheOfficeAndTheRestart(t *testing.T) {
	inBubble(t, options{}, nil, func(w *bubbleBox) {
		w.register(w.phones[0])
		w.exchange.Line("line-1").Cut(true)
		w.change(func(d *office.Document) { d.Outbound.Default = []office.ID{"line-1", "line-2"} })
		w.talk(w.phones[0], "0698765432")
		if got := w.faulty(); !slices.Equal(got, []string{"line.noDialToneline-1"}) || w.lamp(board.Lines) != led.LinesFault {
			t.Errorf("without dial tone: faults %v, lamp %s", got, w.lamp(board.Lines))
		}
		w.change(disable("line-1"))
		time.Sleep(time.Minute)
		if got := w.faulty(); len(got) != 0 || w.lamp(board.Lines) != led.LinesReady {
			t.Errorf("with the line out of use: faults %v, lamp %s", got, w.lamp(board.Lines))
		}
		w.front.works()
		synctest.Wait()
		if w.lamp(board.Status) != led.StatusWorking {
			t.Errorf("before a restart STATUS says %s", w.lamp(board.Status))
		}
	})
}

// A line without dial tone is a fault from the attempt that found it to the next that
// goes out; its going idle in between means nothing.
func TestNoDialToneIsAFaultUntilTheNextGoodDial(t *testing.T) {
	for _, line := range []office.ID{"line-1", "line-2"} { // by its driver, and directly
		t.Run(string(line), func(t *testing.T) {
			inBubble(t, options{}, func(d *office.Document) { d.Outbound.Default = []office.ID{line, "line-3"} }, func(w *bubbleBox) {
				w.register(w.phones[0])
				step := func(what string, cut bool, want ...string) {
					t.Helper()
					w.exchange.Line(hal.LineID(line)).Cut(cut)
					w.talk(w.phones[0], "0698765432")
					if got := w.faulty(); !slices.Equal(got, want) {
						t.Errorf("%s: faults %v, want %v", what, got, want)
					}
				}
				step("in order", false)
				step("cut", true, "line.noDialTone"+string(line))
				time.Sleep(time.Hour)
				step("still cut", true, "line.noDialTone"+string(line))
				w.register(w.phones[0])
				time.Sleep(40 * time.Minute) // before, the other line would carry the call
				step("in order again", false)
			})
		})
	}
}

// A line of a kind that this box cannot drive is said to be so, until it is out of use.
func TestALineThatIsNotBuiltIsAFault(t *testing.T) {
	inBubble(t, options{}, func(d *office.Document) { d.LineByID("line-2").Kind = office.LineMobile }, func(w *bubbleBox) {
		w.register(w.phones[0])
		time.Sleep(time.Minute)
		if got := w.faulty(); !slices.Equal(got, []string{"line.unbuiltline-2"}) {
			t.Errorf("faults %v", got)
		}
		for _, l := range w.lines.list() {
			if l.ID() == "line-2" {
				t.Error("it has a driver")
			}
		}
		w.change(disable("line-2"))
		time.Sleep(time.Minute)
		if got := w.faulty(); len(got) != 0 {
			t.Errorf("out of use: faults %v", got)
		}
	})
}

func TestFailedBackupIsAFaultUntilOneSucceeds(t *testing.T) {
	inBubble(t, options{}, nil, func(w *bubbleBox) {
		w.register(w.phones[0])
		failed := func() bool { return slices.Contains(w.faulty(), "backup.failed") }
		time.Sleep(2 * time.Minute)
		if failed() {
			t.Errorf("after a good copy: %v", w.faulty())
		}
		w.disk.state.Store(diskNoCopy)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if !failed() || w.lamp(board.Status) != led.StatusWarning && w.lamp(board.Status) != led.StatusFault {
			t.Errorf("after a failed copy: %v, STATUS says %s", w.faulty(), w.lamp(board.Status))
		}
		w.disk.state.Store(diskFine)
		time.Sleep(2 * time.Hour) // it is tried again after one
		if failed() {
			t.Errorf("after the next good copy: %v", w.faulty())
		}
	})
}

// Calls that end at the same moment leave no lamp behind that tells of them: what is
// shown last is what is true last.
func TestLampsOfCallsThatEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{opt: options{sim: true, board: "sim"}, log: slog.New(slog.DiscardHandler), now: time.Now}
		if err := b.openFront(); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go b.front.lamps.Run(ctx)
		w := &bubbleBox{box: b}
		for range 2000 {
			var wg sync.WaitGroup
			for _, id := range []journal.CallID{"a", "b", "c", "d"} {
				b.front.see(id, journal.CallStarted{})
				wg.Go(func() { b.front.see(id, journal.CallEnded{}) })
			}
			wg.Wait()
			time.Sleep(led.Dwell + time.Second)
			synctest.Wait()
			if got := w.lamp(board.Calls); got != led.CallsReady {
				t.Fatalf("after all calls CALLS says %q", got)
			}
		}
	})
}

// TestALineWithoutDialToneIsSpared: who dials next goes out by the other line at once.
func TestALineWithoutDialToneIsSpared(t *testing.T) {
	inBubble(t, options{}, func(d *office.Document) { d.Outbound.Default = []office.ID{"line-2", "line-3"} }, func(w *bubbleBox) {
		w.register(w.phones[0])
		var mu sync.Mutex
		var used []string
		w.record.watch = func(_ journal.CallID, p journal.Payload) {
			if l, ok := p.(journal.CallLeg); ok && l.Line != "" && l.State == journal.LegEnded {
				mu.Lock()
				used = append(used, l.Line)
				mu.Unlock()
			}
		}
		w.exchange.Line("line-2").Cut(true)
		for _, want := range []string{"line-2 line-3", "line-3", "line-3"} {
			w.talk(w.phones[0], "0698765432")
			mu.Lock()
			got := strings.Join(used, " ")
			used = nil
			mu.Unlock()
			if got != want {
				t.Errorf("the call went out by %q, want %q", got, want)
			}
		}
	})
}

// TestTheButtonsWindowClosesWithTheClaim: who opened it meant to claim the box. The next
// press opens it for phones.
func TestTheButtonsWindowClosesWithTheClaim(t *testing.T) {
	inBubble(t, options{}, nil, func(w *bubbleBox) {
		w.register(w.phones[0])
		time.Sleep(time.Minute)
		w.front.setNobodys()
		time.Sleep(2 * led.Dwell) // what is shown stays for that
		if w.lamp(board.Status) != led.StatusNobodys {
			t.Errorf("of a box that is nobody's STATUS says %s", w.lamp(board.Status))
		}
		w.front.gesture(button.Pair)
		time.Sleep(2 * led.Dwell)
		if w.lamp(board.Status) != led.StatusPairing || w.front.pairing().IsZero() {
			t.Errorf("after the press STATUS says %s", w.lamp(board.Status))
		}
		w.front.setClaimed()
		time.Sleep(2 * led.Dwell)
		if w.lamp(board.Status) != led.StatusReady || !w.front.pairing().IsZero() {
			t.Errorf("after the claim STATUS says %s, open until %v", w.lamp(board.Status), w.front.pairing())
		}
		w.front.gesture(button.Pair)
		synctest.Wait()
		if w.lamp(board.Status) != led.StatusPairing || w.front.pairing().IsZero() {
			t.Errorf("a press on a claimed box: STATUS says %s, open until %v", w.lamp(board.Status), w.front.pairing())
		}
		time.Sleep(pairingWindow + 2*led.Dwell)
		if w.lamp(board.Status) != led.StatusReady || !w.front.pairing().IsZero() {
			t.Errorf("ten minutes later STATUS says %s, open until %v", w.lamp(board.Status), w.front.pairing())
		}
	})
}

// Whoever sets a password anew by the button has to reckon with the office's hearing of it.
func TestTheOfficeHearsOfAPasswordResetByMail(t *testing.T) {
	sent := make(chan export.Letter, 1) // the one letter
	o := options{seams: seams{mail: func(_ context.Context, _ office.Mail, _ string, l export.Letter) error { sent <- l; return nil }}}
	mail := func(d *office.Document) {
		d.Mail = office.Mail{Server: "mail.example.org:25", From: "box@example.org"}
		d.Site.Language = "it"
	}
	inBubble(t, o, mail, func(w *bubbleBox) {
		w.front.gesture(button.ResetPassword)
		time.Sleep(time.Second)
		select {
		case l := <-sent:
			if !slices.Equal(l.To, []string{"box@example.org"}) || !strings.Contains(l.Subject, "pulsante") || !strings.Contains(l.Body, w.office.Current().Doc.Site.Name) {
				t.Errorf("the letter: %+v", l)
			}
		default:
			t.Error("no letter leaves the box")
		}
	})
}
