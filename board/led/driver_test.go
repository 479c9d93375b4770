package led_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board"
	"centralino/board/led"
	"centralino/hal"
)

// lamp writes down when it was set.
type lamp struct {
	mu    sync.Mutex
	start time.Time
	log   []string
	fail  error
}

func (l *lamp) Set(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, fmt.Sprintf("%v:%v", time.Since(l.start), on))
	return l.fail
}

func (l *lamp) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.log, " ")
}

func TestDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := &lamp{start: time.Now()}
		calls := &lamp{start: time.Now(), fail: errors.New("broken")}
		told := 0
		d := led.NewDriver(led.Options{LEDs: map[board.Lamp]hal.LED{board.Status: status, board.Calls: calls}, On: func([]led.Shown) { told++ }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Run(ctx) }()
		d.Set(board.Status, led.StatusReady, led.StatusWarning)
		d.Set(board.Calls, led.CallsReady)
		time.Sleep(600 * time.Millisecond)
		d.Set(board.Status, led.StatusReady) // less urgent: waits until 3 s are over
		synctest.Wait()
		if s := d.Shown()[0]; s.State != led.StatusWarning {
			t.Errorf("after 600 ms the lamp shows %+v", s)
		}
		time.Sleep(2400*time.Millisecond + time.Nanosecond)
		synctest.Wait()
		if s := d.Shown()[0]; s.State != led.StatusReady {
			t.Errorf("after 3 s the lamp shows %+v", s)
		}
		d.Set(board.Status, led.StatusFault) // more urgent: at once
		synctest.Wait()
		if s := d.Shown()[0]; s.State != led.StatusFault || !s.Since.Equal(time.Now()) {
			t.Errorf("a fault is shown as %+v", s)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := "0s:true 250ms:false 500ms:true 750ms:false 1s:true 1.25s:false 1.5s:true 1.75s:false 2s:true 2.25s:false 2.5s:true 2.75s:false 3s:true"
		if got := status.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, ":false") {
			t.Errorf("lamp was set:\n%s\nwant\n%s", got, want)
		}
		if got := calls.String(); got != "0s:true 3.000000001s:false" {
			t.Errorf("a lamp that fails was set %s", got)
		}
		if told < 3 {
			t.Errorf("told of %d changes", told)
		}
	})
}

func TestAnswers(t *testing.T) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	at := func(p *led.Panel, after time.Duration) string {
		shown, _ := p.At(start.Add(after))
		var out []string
		for _, s := range shown {
			out = append(out, s.Pattern.String())
		}
		return strings.Join(out, ",")
	}
	p := led.NewPanel()
	for _, l := range []struct {
		lamp  board.Lamp
		state led.State
	}{{board.Status, led.StatusReady}, {board.Lines, led.LinesInUse}, {board.Calls, led.CallsNight}} {
		p.Set(l.lamp, start, l.state)
	}
	normal := "SOLID,WINK,PULSE"
	if got := at(p, 0); got != normal {
		t.Fatalf("before the press: %s", got)
	}
	p.Reply(start, led.Receipt()...)
	if got := at(p, 500*time.Millisecond); got != "FAST,WINK,PULSE" {
		t.Errorf("receipt: %s", got)
	}
	if got := at(p, 2*time.Second); got != "OFF,WINK,PULSE" {
		t.Errorf("held, before the first window: %s", got)
	}
	p.Reply(start.Add(3*time.Second), led.Window(1)...)
	if got := at(p, 3*time.Second); got != "CODE 1,WINK,PULSE" {
		t.Errorf("first window: %s", got)
	}
	p.Reply(start.Add(10*time.Second), led.LampTest(5)...)
	if got := at(p, 11*time.Second); got != "SOLID,SOLID,SOLID" {
		t.Errorf("lamp test: %s", got)
	}
	if got := at(p, 12500*time.Millisecond); got != "OFF,OFF,OFF" {
		t.Errorf("after the lamp test: %s", got)
	}
	if got := at(p, 14*time.Second); got != "CODE 5,WINK,PULSE" {
		t.Errorf("code: %s", got)
	}
	if got := at(p, time.Minute); got != normal {
		t.Errorf("afterwards: %s", got)
	}
	p.Reply(start.Add(2*time.Minute), led.Window(2)...)
	p.Reply(start.Add(2*time.Minute + time.Second))
	if got := at(p, 2*time.Minute+time.Second); got != normal {
		t.Errorf("no answer goes back to the states: %s", got)
	}
}

func TestPick(t *testing.T) {
	if r, ok := led.Pick(board.Lines, led.LinesReady, led.LinesInUse, led.LinesFault); !ok || r.State != led.LinesFault {
		t.Errorf("the most urgent of the line's states is %+v", r)
	}
	if _, ok := led.Pick(board.Lines, led.StatusFault, "nonsense"); ok {
		t.Error("a state of another lamp was picked")
	}
}
