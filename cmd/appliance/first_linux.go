package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"centralino/board/boot"
	"centralino/board/health"
	"centralino/board/update"
	"centralino/internal/journal"
	"centralino/internal/service"
)

// onBoardData is the data folder on the data partition.
const onBoardData = boot.Data + "/box"

// firstProcess makes the program the machine's first process if the kernel started it as
// that, from the image's own memory; it does not return then. In a container it is the
// first process, too, but not by that name.
func firstProcess() {
	if os.Getpid() != 1 || os.Args[0] != boot.Init {
		return
	}
	boot.Main(boot.Options{Built: builtAt(), Trial: onTrial, Hopeless: hopeless, Rescue: []string{rescueName}, PowerOn: []string{powerOnName},
		Serve: []string{"serve", "-data", onBoardData, "-slots", boot.Slots, "-sticks", boot.Sticks, "-http", "0.0.0.0:80", "-https", "0.0.0.0:443"}})
}

// boardSlots are the slots of the board that the first process runs on.
var boardSlots = sync.OnceValues(func() (s struct {
	update.Disk
	update.Booted
}, err error) {
	if s.Disk, err = update.OpenDisk(boot.Slots); err == nil {
		s.Booted, err = update.BootedFrom(os.DirFS("/"))
	}
	return s, err
})

// onTrial says whether the version that runs was started for trial.
func onTrial() bool {
	s, err := boardSlots()
	return err == nil && s.OnTrial(s.Booted)
}

// hopeless says how the box restarts whose program does not stay up: once from the other
// slot, if that holds a version.
func hopeless() int {
	s, err := boardSlots()
	if err != nil {
		return boot.ExitReboot
	}
	other, err := update.GiveUp(s.Disk, slotMemory(onBoardData), s.Booted)
	if err != nil {
		fmt.Fprintln(os.Stderr, "appliance:", err) // there is no log above the program
	}
	if other {
		return boot.ExitTry
	}
	return boot.ExitReboot
}

// Of the first process: how often it is told that the program is well (it waits a
// minute), and how often its report is read.
const (
	beatEvery   = 10 * time.Second
	reportEvery = 2 * time.Second
)

// openCardCode finds the one-time code on the memory card of a board.
func openCardCode(log *slog.Logger) cardCode {
	if !onBoard() {
		return cardCode{}
	}
	disk, err := update.OpenDisk(boot.Slots)
	if err != nil {
		log.Warn("no code on the card", "err", err)
		return cardCode{}
	}
	return cardCode{&disk, log}
}

// onBoard reports a program that the first process started, on a board of its own.
func onBoard() bool { return boot.OnBoard() }

// repaired is how the first process repaired the file system of the data at this start of
// the box; a program that it restarts tells of it no more.
func repaired() journal.Repair {
	if !boot.OnBoard() {
		return ""
	}
	r, err := boot.ReadReport()
	if err != nil || r.Restarts > 0 {
		return ""
	}
	return repairs[r.Repaired()]
}

var repairs = map[boot.ProblemKind]journal.Repair{boot.ProblemRepaired: journal.RepairSafe, boot.ProblemForced: journal.RepairForced}

// firstProcessParts are what ties the program to the first process that started it.
func (b *box) firstProcessParts() []service.Part {
	if !boot.OnBoard() {
		return nil
	}
	parts := []service.Part{
		{Name: "first process", Service: service.Func(b.followReport)},
		{Name: "kernel log", Service: service.Func(b.followKernel)},
	}
	if beat, ok := boot.Heartbeat(); ok {
		parts = append(parts, service.Part{Name: "heartbeat", Service: service.Func(func(ctx context.Context) error {
			return every(ctx, beatEvery, func() {
				b.pbx.Calls() // neither returns while its owner is stuck
				b.acd.Snapshot()
				beat()
			})
		})})
	}
	return parts
}

// every calls do at once and then in each time d, until ctx ends.
func every(ctx context.Context, d time.Duration, do func()) error {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// followReport raises the faults that the first process reports.
func (b *box) followReport(ctx context.Context) error {
	return every(ctx, reportEvery, func() {
		r, err := boot.ReadReport()
		if err != nil {
			return // it is written anew at every change
		}
		b.clockTrusted.Store(r.Clock.Known())
		if r.Name != "" {
			b.netName.Store(&r.Name)
		}
		startProblems(b.front.faults, r.Problems)
		programRestarts(b.front.faults, r.Restarts)
	})
}

// startProblems tells by lamp and page what the first process could not use.
func startProblems(faults *health.Monitor, problems []boot.Problem) {
	for _, p := range problems {
		switch p.Kind {
		case boot.ProblemSettings:
			faults.Raise(health.NetworkSettings, strconv.Itoa(p.Line))
		case boot.ProblemData:
			faults.Raise(health.StorageFailed, string(p.Kind))
		}
	}
}

// programRestarts tells of a program that does not stay up. One restart is over and in the
// log; a fault of it would hide what people have to do now.
func programRestarts(faults *health.Monitor, n int) {
	if n > 1 {
		faults.Raise(health.SoftwareRestarts, "centralino")
	} else {
		faults.Clear(health.SoftwareRestarts, "centralino")
	}
}

// followKernel takes the kernel's words into the log: its warnings, and all that the
// first process says.
func (b *box) followKernel(ctx context.Context) error {
	return boot.FollowKernelLog(ctx, func(priority int, text string) {
		rest, ours := strings.CutPrefix(text, boot.Name+": ")
		switch {
		case ours && priority <= 3:
			b.log.Error("first process", "says", rest)
		case ours && priority == 4:
			b.log.Warn("first process", "says", rest)
		case ours:
			b.log.Info("first process", "says", rest)
		case priority <= 4:
			b.log.Warn("kernel", "says", text)
		}
	})
}
