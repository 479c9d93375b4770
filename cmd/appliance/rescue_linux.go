package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"centralino/board"
	"centralino/board/boot"
	"centralino/board/button"
	"centralino/board/health"
	"centralino/board/led"
	"centralino/internal/store"
	"centralino/ui/auth"
	"centralino/ui/rescue"
)

// Of the rescue page: its address, how long it is left to nobody before the box tries to
// start again, and how long the box waits so that an answer reaches its browser.
const (
	rescueAt     = "0.0.0.0:80"
	rescueIdle   = 30 * time.Minute
	rescueAnswer = 2 * time.Second
)

// rescuer serves the rescue page until the box restarts.
type rescuer struct {
	log   *slog.Logger
	lamps *led.Driver
	stop  func()

	mu    sync.Mutex
	until time.Time // of the window that the button opened
}

// rescueCommand serves the rescue page and ends by asking for a restart of the box.
func rescueCommand(_ []string, out, errOut io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	r := &rescuer{log: slog.New(slog.NewTextHandler(errOut, nil)), stop: stop}
	report, err := boot.ReadReport()
	if err != nil {
		return err
	}
	card := openCardCode(r.log)
	code := card.code()
	if code == "" {
		code = auth.NewCode()
	}
	card.offer(code)
	fmt.Fprintf(out, "The box serves its rescue page (%s). One-time code: %s\n", report.Trouble, code)
	detail := ""
	for _, p := range report.Problems {
		if p.Kind == boot.ProblemData {
			detail = p.Text
		}
	}
	page, err := rescue.New(rescue.Options{Trouble: report.Trouble, Detail: detail, Names: rescueNames, Code: code, Now: time.Now, Log: r.log, Open: r.open,
		Restore: func(ctx context.Context, backup io.Reader, passphrase string) error {
			return thenUsed(card, r.restore(ctx, backup, passphrase))
		},
		Reset:   func(context.Context) error { return thenUsed(card, boot.Renew(r.log)) },
		Restart: func() { time.AfterFunc(rescueAnswer, stop) },
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", rescueAt)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: page.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	var parts sync.WaitGroup
	parts.Go(func() { r.front(ctx) })
	parts.Go(func() { r.beat(ctx) })
	parts.Go(func() {
		_ = every(ctx, time.Minute, func() {
			if time.Since(page.Seen()) > rescueIdle {
				r.log.Warn("nobody uses the rescue page: the box tries to start again")
				stop()
			}
		})
	})
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		r.log.Error("rescue page", "err", err)
	}
	stop()
	parts.Wait()
	return &exitError{code: exitReboot, advice: "The computer has to start anew"}
}

// rescueNames are the names of the box as the first process last told them.
func rescueNames() []string {
	report, err := boot.ReadReport()
	if err != nil {
		return namesOf(nil)
	}
	return namesOf(&report.Name)
}

// thenUsed takes the code away once something was done: it works once.
func thenUsed(card cardCode, err error) error {
	if err == nil {
		card.used()
	}
	return err
}

// beat tells the first process that the page is there.
func (r *rescuer) beat(ctx context.Context) {
	if beat, ok := boot.Heartbeat(); ok {
		_ = every(ctx, beatEvery, beat)
	}
}

// open tells until when the button's window lasts.
func (r *rescuer) open() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.until
}

// front plays lamps and button until ctx ends.
func (r *rescuer) front(ctx context.Context) {
	of, err := chooseBoard("auto")
	if err != nil {
		return
	}
	leds, pressed, err := openPins(of)
	if err != nil {
		r.log.Warn("lamps or button cannot be used", "err", err)
	}
	r.lamps = led.NewDriver(led.Options{LEDs: leds})
	r.show()
	var parts sync.WaitGroup
	parts.Go(func() { _ = r.lamps.Run(ctx) })
	if pressed != nil {
		parts.Go(func() {
			_ = button.Run(ctx, button.Options{Button: pressed, Gesture: r.gesture, Hint: func(h button.Hint) { answerHint(r.lamps, h) }})
		})
	}
	parts.Wait()
}

// show says by the lamps that calls cannot be made, or that somebody may act.
func (r *rescuer) show() {
	status := led.StatusFault
	if time.Now().Before(r.open()) {
		status = led.StatusPairing
	}
	r.lamps.Set(board.Status, status)
	r.lamps.Set(board.Lines, led.LinesNone)
	r.lamps.Set(board.Calls, led.CallsFault)
}

func (r *rescuer) gesture(g button.Gesture) {
	r.log.Info("button", "gesture", string(g))
	switch g {
	case button.Press:
		rule, _ := health.RuleOf(health.StorageFailed)
		r.lamps.Reply(led.LampTest(rule.Code)...)
	case button.Pair:
		r.mu.Lock()
		r.until = time.Now().Add(pairingWindow)
		r.mu.Unlock()
		r.show()
		time.AfterFunc(pairingWindow+time.Second, r.show)
	case button.Restart:
		r.stop()
	default:
		r.lamps.Reply(led.NotHere()...)
	}
}

// restore checks all of a backup in memory before it makes the data partition anew and
// puts what it has checked there. The next start takes it into use.
func (r *rescuer) restore(ctx context.Context, backup io.Reader, passphrase string) error {
	staged, err := os.MkdirTemp("", "restore")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staged)
	if err := stageBackup(ctx, staged, backup, passphrase, r.log); err != nil {
		return err
	}
	if err := boot.Renew(r.log); err != nil {
		return err
	}
	if err := boot.Use(); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Clean(onBoardData), os.DirFS(staged)); err != nil {
		return err
	}
	syscall.Sync()
	return nil
}

// stageBackup prepares a backup in a folder that holds nothing yet.
func stageBackup(ctx context.Context, folder string, backup io.Reader, passphrase string, log *slog.Logger) error {
	db, _, err := store.Open(ctx, storeOptions(folder, time.Now, log))
	if err != nil {
		return err
	}
	_, err = db.Restore(ctx, backup, passphrase)
	return errors.Join(err, db.Close())
}
