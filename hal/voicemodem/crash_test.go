package voicemodem_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/serial"
	"centralino/hal/sim"
	"centralino/hal/voicemodem"
	"centralino/internal/testbed"
)

// crashPort tells the test binary, started again, to be a box on this port until
// it is killed.
const crashPort = "CENTRALINO_TEST_CRASH_PORT"

func overSerial(t *testing.T, path string) *voicemodem.Line {
	t.Helper()
	l, err := voicemodem.New(voicemodem.Options{
		ID: "line", Port: serial.NewOpener("path:"+path, serial.Options{}), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestBoxThatIsKilled is no test of its own but the box of the one below.
func TestBoxThatIsKilled(t *testing.T) {
	path := os.Getenv(crashPort)
	if path == "" {
		return
	}
	l := overSerial(t, path)
	go func() {
		for ev := range l.Events() {
			if _, ok := ev.(hal.Ring); ok {
				l.Answer(context.Background())
			}
		}
	}()
	l.Run(context.Background())
}

// A box killed by SIGKILL in a call leaves its modem off hook and in duplex. The
// next one has the line on hook within five seconds and takes calls.
func TestKilledInACall(t *testing.T) {
	t.Parallel()
	x := sim.NewExchange(sim.ExchangeOptions{})
	defer x.Close()
	el := x.AddLine("line", sim.LineOptions{})
	m, err := sim.OpenModem(t.Context(), el, sim.ModemOptions{
		Profile: sim.CX93001, Link: filepath.Join(t.TempDir(), "modem"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	box := testbed.Start(t, nil, testbed.Command{
		Path: os.Args[0], Args: []string{"-test.run=^TestBoxThatIsKilled$"}, Env: []string{crashPort + "=" + m.Path()},
	})
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	first := call(ctx, t, x)
	await(ctx, t, "answer", first.Answered())
	for len(first.Heard()) < 4000 { // half a second of duplex
		pause(ctx, t)
	}
	box.Kill()
	<-box.Done()
	if !el.OffHook() {
		t.Fatal("the killed box left the line on hook: the test tests nothing")
	}

	l := overSerial(t, m.Path())
	runCtx, end := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	recovery, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	began := time.Now()
	go func() { ran <- l.Run(runCtx) }()
	defer func() { end(); <-ran }()
	await(recovery, t, "end of the first call", first.Done())
	t.Logf("on hook after %v", time.Since(began))
	answered := make(chan struct{})
	go func() {
		for ev := range l.Events() {
			switch ev.(type) {
			case hal.Ring:
				l.Answer(ctx)
			case hal.Answered:
				close(answered)
			}
		}
	}()
	for l.State() != hal.LineIdle {
		pause(ctx, t)
	}
	call(ctx, t, x)
	await(ctx, t, "second answer", answered)
}

// call rings until the exchange has the line free.
func call(ctx context.Context, t *testing.T, x *sim.Exchange) *sim.Party {
	t.Helper()
	for {
		p, err := x.Ring("line", sim.CallerSpec{Number: "0612345678"})
		if err == nil {
			return p
		}
		pause(ctx, t)
	}
}

func await(ctx context.Context, t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-ctx.Done():
		t.Fatalf("no %s: %v", what, ctx.Err())
	}
}

// pause yields for a moment in a loop that waits for something else.
func pause(ctx context.Context, t *testing.T) {
	t.Helper()
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
}
