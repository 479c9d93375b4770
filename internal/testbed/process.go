package testbed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Command says what to run. Path may be a tool's name or a file.
type Command struct {
	Path string
	Args []string
	Dir  string
	Env  []string // added to the test's own environment

	Stdout string // file that takes its standard output; empty: it is kept in Output
}

// Process is a program that runs for the length of a test at most.
type Process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and its output is read
	err  error         // valid after done
	out  output
}

// keptOutput bounds what is remembered of a process's output.
const keptOutput = 1 << 20

// Start runs a program in namespace ns (nil: the test's own), for instance the
// appliance itself. It is asked to end by SIGTERM and killed 3 s later when the
// test ends; it is killed too when the test process dies. The tail of its output
// is printed if the test failed.
func Start(t testing.TB, ns *Namespace, c Command) *Process {
	t.Helper()
	path, err := lookTool(c.Path)
	if err != nil {
		path = c.Path
	}
	argv := append([]string{path}, c.Args...)
	if ns != nil {
		ipPath, err := lookTool("ip")
		if err != nil {
			t.Fatalf("start %s in namespace %s: %v", c.Path, ns.Name, err)
		}
		argv = append([]string{ipPath, "netns", "exec", ns.Name}, argv...)
	}
	p := &Process{name: c.Path, cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})}
	p.out.changed = make(chan struct{})
	p.cmd.Dir = c.Dir
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.Stdout = &p.out
	p.cmd.Stderr = &p.out
	if c.Stdout != "" {
		f, err := os.Create(c.Stdout)
		if err != nil {
			t.Fatalf("start %s: %v", c.Path, err)
		}
		defer f.Close() // the process has its own
		p.cmd.Stdout = f
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p.cmd.WaitDelay = time.Second // children of the process may keep its output open
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", strings.Join(argv, " "), err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
		p.out.wake()
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("output of %s:\n%s", p.name, tail(p.Output(), 6000))
		}
	})
	return p
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns how the process ended (nil: exit code 0); it waits for the end.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// ExitCode returns the program's exit code, -1 when a signal ended it; it waits for
// the end.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal to the process, Kill included.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the process and its children to end and kills them after 3 s. It
// returns when the process is gone and may be called again.
func (p *Process) Stop() { p.end(syscall.SIGTERM) }

// Kill ends the process and its children at once, as a power cut would.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

func (p *Process) end(s syscall.Signal) {
	select {
	case <-p.done:
		return
	default:
	}
	_ = syscall.Kill(-p.Pid(), s)
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
		<-p.done
	}
}

// Output returns what the process wrote so far (its last MiB at most), standard
// output and error mixed.
func (p *Process) Output() string { return p.out.String() }

// WaitOutput waits until the output contains text. It ends with an error when ctx
// or the process ends first.
func (p *Process) WaitOutput(ctx context.Context, text string) error {
	for {
		have, changed := p.out.watch()
		if strings.Contains(have, text) {
			return nil
		}
		select {
		case <-changed:
		case <-p.done:
			if strings.Contains(p.Output(), text) {
				return nil
			}
			return fmt.Errorf("%s ended (%v) before it wrote %q", p.name, p.err, text)
		case <-ctx.Done():
			return fmt.Errorf("wait for %q from %s: %w", text, p.name, ctx.Err())
		}
	}
}

// output keeps the tail of a process's output and wakes those who wait for more.
type output struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{}
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len()+len(b) > keptOutput {
		kept := append([]byte(nil), o.buf.Bytes()[o.buf.Len()/2:]...)
		o.buf.Reset()
		o.buf.Write(kept)
	}
	o.buf.Write(b)
	close(o.changed)
	o.changed = make(chan struct{})
	return len(b), nil
}

func (o *output) wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) watch() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String(), o.changed
}

func (o *output) String() string {
	s, _ := o.watch()
	return s
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// poll calls try every 20 ms until it says true or ctx ends.
func poll(ctx context.Context, what string, try func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if try() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
}
