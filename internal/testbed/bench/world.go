package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// world starts and ends the programs of a run.
type world struct {
	o     options
	dir   string
	class []string // what stands before each command
	sheet *sheet
	runs  int // data folders used
}

// chooseClass has generator and boxes run in the real-time class, where that is
// allowed: other work on the machine disturbs less then, and all are alike.
func (w *world) chooseClass() {
	if w.o.fair || exec.Command("chrt", "-r", "10", "true").Run() != nil {
		return
	}
	w.class = []string{"chrt", "-r", "10"}
}

// program is a process that was started.
type program struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{} // closed when it has ended
}

// start runs a program in the chosen class. It dies with this one.
func (w *world) start(name string, args ...string) (*program, error) {
	line := append(append([]string(nil), w.class...), append([]string{name}, args...)...)
	p := &program{cmd: exec.Command(line[0], line[1:]...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.Dir = w.dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	go func() { // ends with the process
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *program) pid() string { return strconv.Itoa(p.cmd.Process.Pid) }

// stop ends it, in order if it ends within six seconds.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(6 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// folder is a new data folder.
func (w *world) folder() string {
	w.runs++
	return filepath.Join(w.dir, "data"+strconv.Itoa(w.runs))
}

// startBox starts the box in a data folder and waits until it says that it runs.
func (w *world) startBox(ctx context.Context, data string) (*program, error) {
	p, err := w.launchBox(data)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		p.stop()
		return nil, err
	}
	select {
	case <-p.done:
		return nil, fmt.Errorf("the box ended: %s", p.out.String())
	default:
		return p, nil
	}
}

func (w *world) launchBox(data string) (*program, error) {
	return w.start(w.o.app, "serve", "-sample", "perf", "-data", data, "-sip", boxAddr, "-http", pageAddr, "-https", "")
}

// peer is Kamailio with rtpengine.
type peer struct{ proxy, media *program }

func (p *peer) pids() string { return p.proxy.pid() + "," + p.media.pid() }

func (p *peer) stop() {
	p.proxy.stop()
	p.media.stop()
}

var errNoPeer = errors.New("Kamailio and rtpengine are not installed (Debian: kamailio, rtpengine-daemon); no ratio to them")

func (w *world) startPeer(ctx context.Context) (*peer, error) {
	for _, name := range []string{"kamailio", "rtpengine"} {
		if _, err := exec.LookPath(name); err != nil {
			return nil, errNoPeer
		}
	}
	media, err := w.start("rtpengine", "--table=-1", "--interface=127.0.0.1", "--listen-ng=127.0.0.1:22222",
		"--port-min=30000", "--port-max=39999", "--log-level=3", "--log-stderr", "-f", "--delete-delay=0")
	if err != nil {
		return nil, err
	}
	proxy, err := w.start("kamailio", "-DD", "-E", "-f", filepath.Join(w.o.kit, "kamailio/kamailio.cfg"), "-m", "256",
		"-M", "8", "-P", filepath.Join(w.dir, "kamailio.pid"), "-A", "WITH_RTPENGINE")
	if err != nil {
		media.stop()
		return nil, err
	}
	return &peer{proxy, media}, pause(ctx, 2*time.Second)
}

// row is what the load generator says of one window.
type row map[string]any

// num is one of its figures, 0 where there is none of that name.
func (r row) num(key string) float64 {
	v, _ := r[key].(float64)
	return v
}

func (r row) has(key string) bool {
	_, ok := r[key].(float64)
	return ok
}

// clean says whether the window counts: the host took no time away and the
// generator was on time.
func (r row) clean() bool {
	return r.num("steal") <= mostSteal && r.num("gen_late_p99") <= 2000 && r.num("gen_late_ms") <= 20
}

// load runs the load generator against an address and returns its windows.
func (w *world) load(ctx context.Context, mode, addr, pids string, args ...string) ([]row, error) {
	file := filepath.Join(w.dir, "rows.jsonl")
	_ = os.Remove(file)
	line := append([]string{mode, "-box", addr, "-pid", pids, "-json", file}, args...)
	p, err := w.start(filepath.Join(w.o.build, "boxload"), line...)
	if err != nil {
		return nil, err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.stop()
		return nil, ctx.Err()
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: no result: %s", mode, strings.TrimSpace(p.out.String()))
	}
	var rows []row
	for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var r row
		if err := json.Unmarshal([]byte(l), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", mode, err)
		}
		rows = append(rows, r)
		fmt.Printf("   %s\n", r.brief())
	}
	return rows, nil
}

// pause waits, or returns why not.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rss is the resident memory of a process in MiB; an error if it has ended.
func rss(p *program) (float64, error) {
	b, err := os.ReadFile("/proc/" + p.pid() + "/status")
	if err == nil {
		for _, l := range strings.Split(string(b), "\n") {
			if rest, ok := strings.CutPrefix(l, "VmRSS:"); ok {
				kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				return kib / 1024, err
			}
		}
	}
	return 0, fmt.Errorf("no memory to be read: the box has ended: %s", p.out.String())
}
