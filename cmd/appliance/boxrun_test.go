package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/testbed"
)

// binary builds the appliance once for all tests that run it as a program.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "appliance")
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "appliance"), nil
})

var built sync.Once

func program4test(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	built.Do(func() {
		p := testbed.Start(t, nil, testbed.Command{Path: "go", Args: []string{"build", "-o", path, "."}, Env: []string{"CGO_ENABLED=0"}})
		if err := p.Err(); err != nil {
			t.Fatalf("build: %v\n%s", err, p.Output())
		}
	})
	return path
}

// account is a SIP account as the box prints it.
type account struct{ user, password string }

// running is the box as a program in a namespace.
type running struct {
	t        *testing.T
	net      *testbed.Net
	proc     *testbed.Process
	data     string
	args     []string
	accounts []account
}

var accountLine = regexp.MustCompile(`SIP account +server \S+, user (\S+), password (\S+)`)

// offices is how many boxes with phones run at once: each has about ten programs
// that send a packet every 20 ms.
var offices = make(chan struct{}, 3)

// startBox starts the box with simulated lines and the sample office.
func startBox(t *testing.T, net *testbed.Net, more ...string) *running {
	t.Helper()
	offices <- struct{}{}
	t.Cleanup(func() { <-offices })
	r := &running{t: t, net: net, data: t.TempDir()}
	r.args = append([]string{"serve", "-sim", "-data", r.data, "-http", "0.0.0.0:8080", "-https", ""}, more...)
	r.start()
	for _, m := range accountLine.FindAllStringSubmatch(r.proc.Output(), -1) {
		r.accounts = append(r.accounts, account{m[1], m[2]})
	}
	if len(r.accounts) < 3 {
		t.Fatalf("the box printed %d accounts:\n%s", len(r.accounts), r.proc.Output())
	}
	return r
}

func (r *running) start() {
	r.t.Helper()
	r.proc = testbed.Start(r.t, r.net.Box(), testbed.Command{Path: program4test(r.t), Args: r.args})
	favour(r.proc)
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	if err := r.proc.WaitOutput(ctx, "Stop "); err != nil {
		r.t.Fatalf("the box did not start: %v\n%s", err, r.proc.Output())
	}
}

// linesReady waits until all three simulated modems have been found.
func (r *running) linesReady() {
	r.t.Helper()
	for _, line := range []string{"line-1", "line-2", "line-3"} {
		r.want(line+" in service", r.proc.WaitOutput(limit(r.t, 30*time.Second), "line in service\" line="+line))
	}
}

// phone starts a baresip with the nth account on a cable of its own: it sends its
// audio from its host's first address, whatever address it is told to use.
func (r *running) phone(n int, side string, o testbed.PhoneOptions) *testbed.Phone {
	r.t.Helper()
	o = r.options(n, side, o)
	p := testbed.StartPhone(r.t, o)
	favour(p.Process)
	if err := p.WaitRegistered(limit(r.t, 15*time.Second)); err != nil {
		r.t.Fatalf("phone %s: %v\n%s", o.User, err, r.proc.Output())
	}
	return p
}

// options completes those of a phone with the nth account on a side.
func (r *running) options(n int, side string, o testbed.PhoneOptions) testbed.PhoneOptions {
	o.Namespace, o.Addr = r.net.Side(side), r.net.Side(side).Addr(2)
	o.User, o.Password, o.Registrar = r.accounts[n].user, r.accounts[n].password, netip.AddrPortFrom(r.net.BoxAddr(side), 5060)
	return o
}

// favour lets a process that carries sound go before compilers and other tests: the
// box and the phones of an office each have a processor of their own. Without the
// right to do so nothing changes.
func favour(p *testbed.Process) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", p.Pid()))
	for _, task := range tasks {
		if id, err := strconv.Atoi(filepath.Base(task)); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, -10)
		}
	}
}

// command runs a subcommand of the appliance beside the box.
func (r *running) command(args ...string) *testbed.Process {
	r.t.Helper()
	return testbed.Start(r.t, r.net.Box(), testbed.Command{Path: program4test(r.t),
		Args: append([]string{args[0], "-data", r.data}, args[1:]...)})
}

func limit(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// want fails the test with the box's log when something did not happen.
func (r *running) want(what string, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s: %v\nthe box said:\n%s", what, err, r.proc.Output())
	}
}

func writeWAV(t *testing.T, path string, pcm []int16) {
	t.Helper()
	b := audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVPCM, Samples: pcm})
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readWAV(t *testing.T, path string) []int16 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := audio.ParseWAV(b)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", path, err))
	}
	return w.Samples
}
