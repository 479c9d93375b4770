package main

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// raisePriority puts every thread of the program before those of other programs, as
// setpriority(2) counts by thread; threads that start later inherit it. It needs root
// or CAP_SYS_NICE.
func raisePriority() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, boxPriority); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
