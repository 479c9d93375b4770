package main

import (
	"bytes"
	"os"
	"syscall"
	"time"
)

func said(what string) bool {
	line, _ := os.ReadFile("/proc/cmdline")
	return onBoard() && bytes.Contains(line, []byte("fault="+what))
}

func stableFor() time.Duration {
	if said("haste") {
		return 5 * time.Second
	}
	return 0
}

func init() {
	for what, fail := range map[string]func(){
		"crash": func() { os.Exit(1) },
		"hang":  func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) },
		"freeze": func() {
			for _, order := range [][2]string{{"/proc/sys/kernel/panic", "0"}, {"/proc/sysrq-trigger", "c"}} {
				if err := os.WriteFile(order[0], []byte(order[1]), 0); err != nil {
					println("no fault:", err.Error())
				}
			}
		},
	} {
		if said(what) {
			go onceOnTrial(fail)
		}
	}
}

func onceOnTrial(fail func()) {
	for state := []byte(nil); !bytes.Contains(state, []byte("\"begun\"")); time.Sleep(200 * time.Millisecond) {
		state, _ = os.ReadFile(slotMemory(onBoardData).Path)
	}
	time.Sleep(8 * time.Second) // people see its page by now
	fail()
}
