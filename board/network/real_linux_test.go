package network_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"centralino/board/network"
	"centralino/internal/testbed"
)

// helperKey makes the test binary the box's side of TestRealServer.
const helperKey = "CENTRALINO_TEST_NETWORK"

// namespace is the kernel as seen from a namespace, where the cable is no device.
type namespace struct{ network.System }

func (namespace) Find() (string, [6]byte, bool) {
	i, err := net.InterfaceByName("lan0")
	if err != nil {
		return "", [6]byte{}, false
	}
	return "lan0", [6]byte(i.HardwareAddr), true
}

// TestBoxOfRealServer is not a test of its own: it runs in a namespace for TestRealServer
// and prints every state.
func TestBoxOfRealServer(t *testing.T) {
	if os.Getenv(helperKey) == "" {
		return
	}
	if err := (network.System{}).Set("lan0", netip.Prefix{}, netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	_ = network.Run(t.Context(), network.Options{Kernel: namespace{}, Host: "centralino", Now: time.Now,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Changed: func(s network.State) {
			b, _ := json.Marshal(s)
			i, _ := net.InterfaceByName("lan0")
			have, _ := i.Addrs()
			routes, _ := os.ReadFile("/proc/net/route")
			fmt.Printf("state %s has %v ways %d\n", b, have, strings.Count(string(routes), "lan0\t00000000\t"))
		}})
}

// TestRealServer takes an address from dnsmasq over a cable, as from a router; then one
// of its own on a cable where nobody answers.
func TestRealServer(t *testing.T) {
	testbed.Need(t, "ip", "dnsmasq")
	box := func(t *testing.T, n *testbed.Net) *testbed.Process {
		return testbed.Start(t, n.Box(), testbed.Command{Path: os.Args[0], Args: []string{"-test.run=^TestBoxOfRealServer$", "-test.timeout=2m"}, Env: []string{helperKey + "=1"}})
	}
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	t.Run("a router", func(t *testing.T) {
		n := testbed.NewNet(t, "lan")
		router := testbed.Start(t, n.Side("lan"), testbed.Command{Path: "dnsmasq", Args: []string{"--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
			"--user=root", "--group=", "--interface=lan0", "--bind-interfaces", "--dhcp-authoritative", "--no-ping", "--log-dhcp", "--log-facility=-",
			"--pid-file=" + filepath.Join(t.TempDir(), "pid"), "--dhcp-leasefile=" + filepath.Join(t.TempDir(), "leases"),
			"--dhcp-range=10.77.0.50,10.77.0.60,255.255.255.0,2m", "--dhcp-option=3,10.77.0.2", "--dhcp-option=6,10.77.0.2", "--dhcp-option=42,10.77.0.2"}})
		if err := router.WaitOutput(ctx, "DHCP, IP range"); err != nil {
			t.Fatal(err)
		}
		p := box(t, n)
		if err := p.WaitOutput(ctx, `"how":"dhcp","address":"10.77.0.`); err != nil {
			t.Fatal(err)
		}
		out := p.Output()
		for _, want := range []string{`"gateway":"10.77.0.2"`, `"dns":["10.77.0.2"]`, `"ntp":["10.77.0.2"]`, "has [10.77.0.", "/24", "ways 1"} {
			if !strings.Contains(out[strings.Index(out, `"how":"dhcp"`):], want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
		if err := router.WaitOutput(ctx, "client provides name: centralino"); err != nil {
			t.Errorf("the router does not know the box's name: %v", err)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		n := testbed.NewNet(t, "lan")
		if err := box(t, n).WaitOutput(ctx, `"how":"linkLocal","address":"169.254.`); err != nil {
			t.Fatal(err)
		}
	})
}

// TestKernelOfAddresses is not a test of its own: it runs in a namespace for
// TestAnotherAddressOfTheSameNetwork.
func TestKernelOfAddresses(t *testing.T) {
	if os.Getenv(helperKey) == "" {
		return
	}
	for _, c := range [][2]string{{"10.77.0.50/24", "10.77.0.1"}, {"10.77.0.60/24", "10.77.0.1"}, {"10.77.0.60/16", "10.77.3.1"}, {"169.254.3.4/16", ""}, {"10.77.0.50/24", "10.77.0.1"}} {
		gateway, _ := netip.ParseAddr(c[1])
		if err := (network.System{}).Set("lan0", netip.MustParsePrefix(c[0]), gateway); err != nil {
			t.Fatalf("%s: %v", c[0], err)
		}
		i, _ := net.InterfaceByName("lan0")
		var have []string
		for _, a := range must(i.Addrs()) {
			if p := netip.MustParsePrefix(a.String()); p.Addr().Is4() {
				have = append(have, p.String())
			}
		}
		routes, _ := os.ReadFile("/proc/net/route")
		if ways := strings.Count(string(routes), "lan0\t00000000\t"); fmt.Sprint(have) != "["+c[0]+"]" || (ways == 1) != gateway.IsValid() {
			t.Errorf("set %s by %s: the interface has %v and %d ways out", c[0], c[1], have, ways)
		}
	}
}

func must(list []net.Addr, _ error) []net.Addr { return list }

// The kernel takes an address away together with the older one of its network, unless it
// is told not to.
func TestAnotherAddressOfTheSameNetwork(t *testing.T) {
	testbed.Need(t, "ip")
	n := testbed.NewNet(t, "lan")
	p := testbed.Start(t, n.Box(), testbed.Command{Path: os.Args[0], Args: []string{"-test.run=^TestKernelOfAddresses$", "-test.timeout=1m"}, Env: []string{helperKey + "=1"}})
	if code := p.ExitCode(); code != 0 {
		t.Errorf("%s", p.Output())
	}
}

// TestNameOfBox is not a test of its own: it runs in a namespace for TestNamesOfNeighbours.
func TestNameOfBox(t *testing.T) {
	address, err := netip.ParsePrefix(os.Getenv(helperKey))
	if err != nil {
		return
	}
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	a := network.NewAnnouncer(network.NameOptions{Name: "centralino", Port: 80, Open: network.JoinNames, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Changed: func(name string) { fmt.Println("name", name) }})
	a.Set(network.State{Interface: "lan0", Cable: true, Address: address})
	_ = a.Run(ctx)
}

// TestNamesOfNeighbours joins two boxes by a cable: the second one finds the name taken.
func TestNamesOfNeighbours(t *testing.T) {
	testbed.Need(t, "ip")
	n := testbed.NewNet(t, "lan")
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	box := func(ns *testbed.Namespace, address, want string) {
		t.Helper()
		p := testbed.Start(t, ns, testbed.Command{Path: os.Args[0], Args: []string{"-test.run=^TestNameOfBox$", "-test.timeout=2m"}, Env: []string{helperKey + "=" + address}})
		if err := p.WaitOutput(ctx, "name "+want+"\n"); err != nil {
			t.Errorf("%s: %v\n%s", address, err, p.Output())
		}
	}
	box(n.Box(), "10.77.0.1/24", "centralino")
	box(n.Side("lan"), "10.77.0.2/24", "centralino-2")
}
