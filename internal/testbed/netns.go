package testbed

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 keeps named namespaces.
const netnsDir = "/run/netns"

// Net is a box with cables to one or more sides, each its own network namespace.
// The first side's cable is 10.77.0.0/24, the second's 10.78.0.0/24 and so on; the
// box has .1 on each and a side has .2 and .11 to .14. Namespaces of different
// tests do not see each other, so the same addresses serve every test.
type Net struct {
	box   *Namespace
	sides map[string]*Namespace
}

// Namespace is one network namespace of a Net. A nil *Namespace means the
// namespace of the test process itself wherever one is asked for.
type Namespace struct {
	Name  string // of iproute2, unique over processes
	Link  string // the interface towards the box; in the box's own the first side's
	subnt byte   // second octet of the addresses
	isBox bool
}

var (
	netCounter atomic.Uint32
	sweepOnce  sync.Once
)

// NewNet makes the box's namespace and one namespace per named side ("lan",
// "wan"), each joined to the box by a veth pair. Everything is deleted when the
// test ends. It needs the tool ip and the right to make namespaces (root) and
// skips the test where these are missing.
func NewNet(t testing.TB, sides ...string) *Net {
	t.Helper()
	Need(t, "ip")
	sweepOnce.Do(sweepStale)
	base := fmt.Sprintf("cr%d-%d-", os.Getpid(), netCounter.Add(1))
	n := &Net{sides: map[string]*Namespace{}}
	n.box = &Namespace{Name: base + "box", isBox: true, subnt: 77}
	addNamespace(t, n.box.Name)
	for i, side := range sides {
		s := &Namespace{Name: base + side, Link: side + "0", subnt: byte(77 + i)}
		addNamespace(t, s.Name)
		n.join(t, s)
		n.sides[side] = s
		if i == 0 {
			n.box.Link = s.Link
		}
	}
	return n
}

// join lays the cable between the box and s and gives both ends their addresses.
func (n *Net) join(t testing.TB, s *Namespace) {
	t.Helper()
	ip(t, "link", "add", s.Link, "netns", n.box.Name, "type", "veth", "peer", "name", s.Link, "netns", s.Name)
	on := func(ns *Namespace, a netip.Addr) {
		ip(t, "-n", ns.Name, "addr", "add", a.String()+"/24", "dev", s.Link)
	}
	on(n.box, s.addr(1))
	for _, host := range []byte{2, 11, 12, 13, 14} {
		on(s, s.addr(host))
	}
	ip(t, "-n", n.box.Name, "link", "set", s.Link, "up")
	ip(t, "-n", s.Name, "link", "set", s.Link, "up")
	ip(t, "-n", s.Name, "route", "add", "default", "via", s.addr(1).String())
}

// NewTap makes a namespace for a virtual machine: what runs in it and opens its tap
// device (Link) is a computer on a cable of 10.77.0.0/24, whose .1 is left to the machine;
// the namespace has .2 and .11 to .14. It is deleted when the test ends.
func NewTap(t testing.TB) *Namespace {
	t.Helper()
	Need(t, "ip")
	sweepOnce.Do(sweepStale)
	ns := &Namespace{Name: fmt.Sprintf("cr%d-%d-tap", os.Getpid(), netCounter.Add(1)), Link: "tap0", subnt: 77}
	addNamespace(t, ns.Name)
	if out, err := ipCommand("-n", ns.Name, "tuntap", "add", "dev", ns.Link, "mode", "tap").CombinedOutput(); err != nil {
		Missing(t, "tap devices cannot be made here: %v: %s", err, strings.TrimSpace(string(out)))
	}
	for _, host := range []byte{2, 11, 12, 13, 14} {
		ip(t, "-n", ns.Name, "addr", "add", ns.addr(host).String()+"/24", "dev", ns.Link)
	}
	ip(t, "-n", ns.Name, "link", "set", ns.Link, "up")
	return ns
}

// Box returns the namespace of the box.
func (n *Net) Box() *Namespace { return n.box }

// Side returns the namespace of a side named in NewNet.
func (n *Net) Side(name string) *Namespace {
	s, ok := n.sides[name]
	if !ok {
		panic("testbed: no side " + name)
	}
	return s
}

// BoxAddr returns the box's address on the cable to a side.
func (n *Net) BoxAddr(side string) netip.Addr { return n.Side(side).addr(1) }

// Unplug takes the cable to a side out, Plug puts it back.
func (n *Net) Unplug(t testing.TB, side string) {
	t.Helper()
	ip(t, "-n", n.box.Name, "link", "set", n.Side(side).Link, "down")
}

// Plug puts a cable back that Unplug took out.
func (n *Net) Plug(t testing.TB, side string) {
	t.Helper()
	ip(t, "-n", n.box.Name, "link", "set", n.Side(side).Link, "up")
}

func (ns *Namespace) addr(host byte) netip.Addr {
	return netip.AddrFrom4([4]byte{10, ns.subnt, 0, host})
}

// Addr returns an address of a side: host is 2 or 11 to 14 (see Net).
func (ns *Namespace) Addr(host byte) netip.Addr { return ns.addr(host) }

// InNamespace runs fn on a thread that is in namespace ns, so that sockets opened
// by fn itself (not by goroutines it starts) belong to it for good. It returns
// after fn has returned. A nil ns runs fn where it is.
func InNamespace(ns *Namespace, fn func()) error {
	if ns == nil {
		fn()
		return nil
	}
	done := make(chan error, 1) // one result
	go func() {
		runtime.LockOSThread()
		home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", syscall.Gettid()))
		if err != nil {
			done <- fmt.Errorf("open own namespace: %w", err)
			return // the thread ends with the goroutine
		}
		defer home.Close()
		away, err := os.Open(filepath.Join(netnsDir, ns.Name))
		if err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("open namespace %s: %w", ns.Name, err)
			return
		}
		defer away.Close()
		if err := unix.Setns(int(away.Fd()), unix.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("enter namespace %s: %w", ns.Name, err)
			return
		}
		fn()
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err == nil {
			runtime.UnlockOSThread()
		} // else the thread ends with the goroutine, as it is still locked
		done <- nil
	}()
	return <-done
}

// ListenUDP opens a UDP socket in the namespace.
func (ns *Namespace) ListenUDP(addr netip.AddrPort) (*net.UDPConn, error) {
	var c *net.UDPConn
	var err error
	if e := InNamespace(ns, func() { c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr)) }); e != nil {
		return nil, e
	}
	return c, err
}

// DialTCP opens a TCP connection from within the namespace.
func (ns *Namespace) DialTCP(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	var c net.Conn
	var err error
	var d net.Dialer
	if e := InNamespace(ns, func() { c, err = d.DialContext(ctx, "tcp4", addr.String()) }); e != nil {
		return nil, e
	}
	return c, err
}

func addNamespace(t testing.TB, name string) {
	t.Helper()
	if out, err := ipCommand("netns", "add", name).CombinedOutput(); err != nil {
		Missing(t, "network namespaces cannot be made here (run as root): %v: %s", err, strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() { _ = ipCommand("netns", "del", name).Run() })
	ip(t, "-n", name, "link", "set", "lo", "up")
}

func ipCommand(args ...string) *exec.Cmd {
	path, err := lookTool("ip")
	if err != nil {
		path = "ip"
	}
	return exec.Command(path, args...)
}

func ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := ipCommand(args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
}

// sweepStale deletes namespaces of test processes that are no more: they were
// killed before their clean-up.
func sweepStale() {
	names, _ := filepath.Glob(filepath.Join(netnsDir, "cr[0-9]*-*"))
	for _, path := range names {
		name := filepath.Base(path)
		pid, err := strconv.Atoi(strings.TrimPrefix(name[:strings.IndexByte(name, '-')], "cr"))
		if err != nil || pid <= 0 {
			continue
		}
		if syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = ipCommand("netns", "del", name).Run()
		}
	}
}
