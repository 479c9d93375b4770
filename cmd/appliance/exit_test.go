package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/board"
	"centralino/internal/testbed"
)

// What the program says and with which code it ends when it cannot run.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	taken := busy.Addr().String()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := func(name string) string { return filepath.Join(folder, name) }
	quiet := []string{"-sip", "127.0.0.1:0", "-http", "", "-https", ""}
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"the page's port is in use", append([]string{"serve", "-data", fresh("a")}, "-sip", "127.0.0.1:0", "-http", taken, "-https", ""), exitPort, []string{taken, "-http"}},
		{"the SIP port is in use", []string{"serve", "-data", fresh("b"), "-sip", taken, "-http", "", "-https", ""}, exitPort, []string{taken, "-sip"}},
		{"an address that is not ours", []string{"serve", "-data", fresh("c"), "-sip", "192.0.2.77:5060", "-http", "", "-https", ""}, exitPort, []string{"192.0.2.77", "may not listen there"}},
		{"the data folder is a file", append([]string{"serve", "-data", file}, quiet...), exitData, []string{file, "-data"}},
		{"the data folder lies below a file", append([]string{"serve", "-data", filepath.Join(file, "x")}, quiet...), exitData, []string{"-data"}},
		{"an unknown board", append([]string{"serve", "-data", fresh("d"), "-board", "toaster"}, quiet...), exitBoard, []string{"toaster", "-board"}},
		{"a data folder whose path no socket can have", append([]string{"serve", "-data", fresh(strings.Repeat("long", 30))}, quiet...), exitData, []string{"too long", "-data"}},
		{"an unknown sample", append([]string{"serve", "-data", fresh("e"), "-sample", "huge"}, quiet...), exitUsage, []string{"huge", "office"}},
		{"an unknown command", []string{"dance"}, exitUsage, []string{"dance", "appliance help"}},
		{"an unknown flag", []string{"serve", "-fast"}, exitUsage, []string{"-fast"}},
		{"a bad address", []string{"serve", "-sip", "here"}, exitUsage, []string{"here", "0.0.0.0:5060"}},
		{"no box runs in the folder", []string{"call", "-data", fresh("none")}, exitNotAlive, []string{fresh("none"), "serve -sim"}},
		{"version", []string{"version"}, exitOK, []string{"centralino"}},
		{"help", []string{"help"}, exitOK, []string{"serve", "call", "answer", "button", "unplug", "version", "Exit codes"}},
		{"help of a command", []string{"serve", "-h"}, exitOK, append([]string{"-data", "-board"}, board.Names()...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testbed.Start(t, nil, testbed.Command{Path: program4test(t), Args: c.args})
			select {
			case <-p.Done():
			case <-limit(t, 20*time.Second).Done():
				t.Fatalf("it runs on:\n%s", p.Output())
			}
			if got := p.ExitCode(); got != c.code {
				t.Errorf("exit code %d, want %d; it said:\n%s", got, c.code, p.Output())
			}
			for _, s := range c.says {
				if !strings.Contains(p.Output(), s) {
					t.Errorf("%q is not in:\n%s", s, p.Output())
				}
			}
			lines := strings.Split(strings.TrimSpace(p.Output()), "\n")
			if c.code > exitUsage && !strings.HasPrefix(lines[len(lines)-1], "appliance: ") {
				t.Errorf("the last line is no sentence for people:\n%s", p.Output())
			}
		})
	}
}
