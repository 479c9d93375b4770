package testbed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// reexecKey tells a test binary that it is to be one of its own helpers.
const reexecKey = "CENTRALINO_TEST_REEXEC"

// Helpers are the programs that a test binary can be besides running tests, by
// name. A package that uses Reexec calls RunHelper in its TestMain.
type Helpers map[string]func(args []string)

// RunHelper runs the helper that this process was started for, if it was, and does
// not return then. Call it first in TestMain.
func RunHelper(h Helpers) {
	name := os.Getenv(reexecKey)
	if name == "" {
		return
	}
	run := h[name]
	if run == nil {
		fmt.Fprintf(os.Stderr, "testbed: no helper %q\n", name)
		os.Exit(2)
	}
	run(os.Args[1:])
	os.Exit(0)
}

// Helper is a running helper process.
type Helper struct {
	cmd    *exec.Cmd
	Lines  chan string // what it prints, line by line; closed at its end. Capacity 4096: then it waits
	stderr bytes.Buffer
}

// Reexec starts this test binary again as the named helper. It is killed when the
// test ends, or the test's process does.
func Reexec(t testing.TB, name string, args ...string) *Helper {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := &Helper{cmd: exec.Command(self, args...), Lines: make(chan string, 4096)}
	h.cmd.Env = append(os.Environ(), reexecKey+"="+name)
	h.cmd.Stderr = &h.stderr
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, in, err := os.Pipe() // not StdoutPipe: Wait would close it over unread lines
	if err != nil {
		t.Fatal(err)
	}
	h.cmd.Stdout = in
	err = h.cmd.Start()
	_ = in.Close() // the helper has its own
	if err != nil {
		t.Fatalf("start helper %s: %v", name, err)
	}
	go func() { // ends with the process
		defer close(h.Lines)
		defer out.Close()
		for s := bufio.NewScanner(out); s.Scan(); {
			h.Lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		h.Kill()
		if t.Failed() {
			t.Logf("helper %s said:\n%s", name, h.stderr.String())
		}
	})
	return h
}

// Kill ends the helper at once with SIGKILL, as a power cut would, and waits for
// it. Lines that were printed before can still be read. It may be called again.
func (h *Helper) Kill() {
	if h.cmd.ProcessState != nil {
		return
	}
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait() // killed: the error is wanted
}

// KillAfter kills the helper after a while; the while is what the test is about
// (a random moment), so nothing is judged by it.
func (h *Helper) KillAfter(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	h.Kill()
}

// Line waits for the helper's next line; an error if it ended or says nothing for a
// minute.
func (h *Helper) Line() (string, error) {
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	select {
	case l, ok := <-h.Lines:
		if !ok {
			return "", errors.New("the helper has ended")
		}
		return l, nil
	case <-timer.C:
		return "", errors.New("the helper says nothing")
	}
}
