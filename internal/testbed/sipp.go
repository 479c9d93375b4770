package testbed

import (
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SIPpOptions say which scenario SIPp runs. Scenario and Local are needed, Target
// too for a scenario that calls.
type SIPpOptions struct {
	Namespace *Namespace
	Scenario  string            // XML file, Register, or a name of SIPp's own ("uac", "uas")
	Local     netip.AddrPort    // its SIP address; port 0 lets it choose
	Target    netip.AddrPort    // whom it calls
	Transport string            // "udp" (default) or "tcp" (one connection for all calls)
	Service   string            // the called user, [service] of the scenario
	Keys      map[string]string // [name] of the scenario -> value
	Inject    string            // CSV file for [field0] …
	Calls     int               // how many in all, 1 by default; negative: without end
	Rate      int               // new calls per second, 10 by default
	Limit     int               // calls at once; SIPp's own default if 0
	RTPPort   int               // first media port
	Timeout   time.Duration     // of the whole run, 30 s by default
	Args      []string          // more arguments
}

// Register is the scenario that registers the users of SIPpUsers with digest:
// REGISTER, 401, REGISTER, 200.
const Register = "centralino-register"

//go:embed register.xml
var registerScenario string

// SIPpResult is what SIPp counted at its end.
type SIPpResult struct {
	Created, Successful, Failed int
	Retransmissions             int
}

// SIPp is a running scenario.
type SIPp struct {
	Process *Process
	stats   string
}

// StartSIPp starts a scenario, for instance one that waits for calls.
func StartSIPp(t testing.TB, o SIPpOptions) *SIPp {
	t.Helper()
	Need(t, "sipp")
	dir := t.TempDir()
	s := &SIPp{stats: filepath.Join(dir, "stat.csv")}
	or := func(n, otherwise int) int {
		if n == 0 {
			return otherwise
		}
		return n
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	args := []string{"-nostdin", "-trace_stat", "-stf", s.stats, "-fd", "1", "-i", o.Local.Addr().String(),
		"-timeout", strconv.Itoa(int(o.Timeout.Seconds())), "-r", strconv.Itoa(or(o.Rate, 10))}
	if n := or(o.Calls, 1); n > 0 {
		args = append(args, "-m", strconv.Itoa(n))
	}
	if o.Scenario == Register {
		o.Scenario = filepath.Join(dir, "register.xml")
		if err := os.WriteFile(o.Scenario, []byte(registerScenario), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if strings.HasSuffix(o.Scenario, ".xml") {
		file, err := filepath.Abs(o.Scenario)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "-sf", file)
	} else {
		args = append(args, "-sn", o.Scenario)
	}
	optional := []struct {
		set  bool
		args []string
	}{
		{o.Local.Port() != 0, []string{"-p", strconv.Itoa(int(o.Local.Port()))}},
		{o.Transport == "tcp", []string{"-t", "t1"}},
		{o.Service != "", []string{"-s", o.Service}},
		{o.Limit != 0, []string{"-l", strconv.Itoa(o.Limit)}},
		{o.RTPPort != 0, []string{"-mi", o.Local.Addr().String(), "-mp", strconv.Itoa(o.RTPPort)}},
		{o.Inject != "", []string{"-inf", o.Inject}},
	}
	for _, opt := range optional {
		if opt.set {
			args = append(args, opt.args...)
		}
	}
	names := make([]string, 0, len(o.Keys))
	for k := range o.Keys {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		args = append(args, "-key", k, o.Keys[k])
	}
	args = append(args, o.Args...)
	if o.Target.IsValid() {
		args = append(args, o.Target.String())
	}
	s.Process = Start(t, o.Namespace, Command{Path: "sipp", Args: args, Dir: dir, Env: []string{"TERM=dumb"}})
	return s
}

// RunSIPp runs a scenario to its end. The error says when SIPp could not run or
// was ended by ctx; calls that failed are counted in the result and no error.
func RunSIPp(ctx context.Context, t testing.TB, o SIPpOptions) (SIPpResult, error) {
	t.Helper()
	return StartSIPp(t, o).Wait(ctx)
}

// Wait waits for the end of the scenario and returns its counts.
func (s *SIPp) Wait(ctx context.Context) (SIPpResult, error) {
	select {
	case <-s.Process.Done():
	case <-ctx.Done():
		s.Process.Stop()
	}
	r, err := readSIPpStats(s.stats)
	if err != nil {
		return r, fmt.Errorf("sipp: %w; it said: %s", err, tail(s.Process.Output(), 2000))
	}
	return r, ctx.Err()
}

// Stop ends the scenario; Wait then returns what was counted.
func (s *SIPp) Stop() { s.Process.Stop() }

// readSIPpStats reads the cumulative columns of the last line of a statistics file.
func readSIPpStats(path string) (SIPpResult, error) {
	f, err := os.Open(path)
	if err != nil {
		return SIPpResult{}, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = ';', -1, true
	rows, err := r.ReadAll()
	if err != nil {
		return SIPpResult{}, fmt.Errorf("read statistics: %w", err)
	}
	if len(rows) < 2 {
		return SIPpResult{}, fmt.Errorf("statistics have %d lines", len(rows))
	}
	last := rows[len(rows)-1]
	count := map[string]int{}
	for i, name := range rows[0] {
		if i < len(last) {
			if n, err := strconv.Atoi(strings.TrimSpace(last[i])); err == nil {
				count[strings.TrimSpace(name)] = n
			}
		}
	}
	return SIPpResult{Created: count["TotalCallCreated"], Successful: count["SuccessfulCall(C)"],
		Failed: count["FailedCall(C)"], Retransmissions: count["Retransmissions(C)"]}, nil
}

// SIPpUsers writes a file for Inject with one line per user: [field0] is the user,
// [field1] the keyword that answers a digest challenge with the password.
func SIPpUsers(t testing.TB, passwords map[string]string) string {
	t.Helper()
	names := make([]string, 0, len(passwords))
	for user := range passwords {
		names = append(names, user)
	}
	sort.Strings(names)
	lines := []string{"SEQUENTIAL"}
	for _, user := range names {
		lines = append(lines, fmt.Sprintf("%s;[authentication username=%s password=%s]", user, user, passwords[user]))
	}
	file := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
