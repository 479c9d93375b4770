package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"centralino/internal/testbed"
)

// The box needs no packet filter: started as the image starts it, it listens for the page
// and for SIP, and nowhere else. (The first process asks by DHCP, port 68, and answers for
// its name, port 5353.) Sound has a port only while it flows.
func TestTheBoxListensOnlyWhereItIsNeeded(t *testing.T) {
	testbed.Need(t, "ip")
	t.Parallel()
	r := &running{t: t, net: testbed.NewNet(t, "a"), data: t.TempDir()}
	r.args = []string{"serve", "-data", r.data, "-http", "0.0.0.0:80", "-https", "0.0.0.0:443"}
	r.start()
	want := []string{"tcp 443", "tcp 5060", "tcp 80", "udp 5060"}
	if got := listening(t, r.proc.Pid()); !slices.Equal(got, want) {
		t.Errorf("the box listens on %q, want %q", got, want)
	}
}

// listening are the ports on which anybody can reach the network namespace of a process.
func listening(t *testing.T, pid int) []string {
	t.Helper()
	const local, state, listens = 1, 3, "0A" // fields of proc(5), and TCP_LISTEN
	var ports []string
	for _, file := range []string{"tcp", "tcp6", "udp", "udp6", "raw", "raw6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
			f := strings.Fields(line)
			kind := strings.TrimSuffix(file, "6")
			if kind == "tcp" && f[state] != listens {
				continue
			}
			_, hex, _ := strings.Cut(f[local], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, fmt.Sprint(kind, " ", port))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}
