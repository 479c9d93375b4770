package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"centralino/board"
	"centralino/board/boot"
	"centralino/board/button"
	"centralino/board/led"
	"centralino/hal"
)

// Subcommands that only the first process of the image starts.
const (
	rescueName  = "rescue"
	powerOnName = "poweron"
)

func boardCommands() []subcommand {
	if !onBoard() {
		return nil
	}
	return []subcommand{
		{rescueName, "serve the rescue page", rescueCommand},
		{powerOnName, "read the button while the box is switched on", powerOnCommand},
	}
}

// While the box is switched on: how long it takes until a button that is held is seen,
// how long it is held for something (board/button says the same), and after how long it
// counts as one that is stuck.
const (
	powerOnLook  = 250 * time.Millisecond
	powerOnHold  = 10 * time.Second
	powerOnStuck = time.Minute
)

// powerOnCommand reads the button before anything uses the data partition. Held for ten
// seconds while the box is switched on and let go, the box asks for its address by DHCP
// until its next start; pressed again within five seconds after that, everything it has
// learned is taken away.
func powerOnCommand(_ []string, _, errOut io.Writer) error {
	log := slog.New(slog.NewTextHandler(errOut, nil))
	of, err := chooseBoard("auto")
	if err != nil || of.Button.Name == "" {
		return nil
	}
	leds, pressed, err := openPins(of)
	if err != nil {
		log.Warn("lamps or button cannot be used", "err", err)
	}
	if pressed == nil {
		return nil
	}
	lamps := led.NewDriver(led.Options{LEDs: leds})
	ctx, stop := context.WithCancel(context.Background())
	dark := make(chan struct{})
	go func() { // ends with ctx
		defer close(dark)
		_ = lamps.Run(ctx)
	}()
	code := readPowerOn(ctx, pressed, lamps, func() error { return boot.Renew(log) }, log)
	stop()
	<-dark
	if code == 0 {
		return nil
	}
	return &exitError{code: code, advice: "The button was held while the box was switched on"}
}

// readPowerOn says what the button asks for: boot.ExitNetwork, boot.ExitRenewed (which is
// done by then), or 0.
func readPowerOn(ctx context.Context, pressed hal.Button, lamps *led.Driver, renew func() error, log *slog.Logger) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	hints, gestures := make(chan button.Hint), make(chan button.Gesture) // unbuffered: each is read before the next one
	read := make(chan struct{})
	go func() { // ends with ctx
		defer close(read)
		err := button.Run(ctx, button.Options{Button: pressed, PoweredOn: true,
			Hint:    func(h button.Hint) { give(ctx, hints, h) },
			Gesture: func(g button.Gesture) { give(ctx, gestures, g) }})
		if err != nil {
			log.Warn("read the button", "err", err)
		}
	}()
	limit, long := time.NewTimer(powerOnLook), time.NewTimer(powerOnStuck)
	defer limit.Stop()
	defer long.Stop()
	long.Stop()
	for armed := false; ; {
		select {
		case <-read:
			return 0
		case <-limit.C: // not held, or stuck
			return 0
		case <-long.C: // it may be let go
			lamps.Reply(led.Answer{Lamps: board.Lamps, Pattern: led.Pattern{Kind: led.Solid}})
		case h := <-hints:
			switch h.Kind {
			case button.Pressed:
				limit.Reset(powerOnStuck)
				long.Reset(powerOnHold)
				lamps.Reply(led.Receipt()...)
			case button.Armed:
				armed = true
				lamps.Reply(led.Armed()...)
			case button.Released:
				if armed {
					return boot.ExitNetwork
				}
				return 0
			}
		case g := <-gestures:
			if g != button.FactoryReset {
				return 0
			}
			lamps.Reply()
			lamps.Set(board.Status, led.StatusWorking)
			log.Warn("factory reset, asked for with the button")
			if err := renew(); err != nil {
				log.Error("factory reset", "err", err)
				return 0
			}
			return boot.ExitRenewed
		}
	}
}

func give[T any](ctx context.Context, to chan<- T, v T) {
	select {
	case to <- v:
	case <-ctx.Done():
	}
}
