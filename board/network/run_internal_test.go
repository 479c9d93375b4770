package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// cable is a network cable with a DHCP server at its other end, in memory, and the kernel
// between it and Run.
type cable struct {
	mu      sync.Mutex
	plugged bool
	silent  bool                    // no server is there
	answers func(*message) *message // of the server; nil: as usual
	taken   netip.Addr              // an address that somebody has
	asked   []string
	set     []string
	other   string // interface that the cable is in, if not eth0
	refuses bool   // to be opened
	full    int    // so many times the kernel takes no address
	opened  int    // times, tries too
}

type memWire struct {
	c        *cable
	received chan []byte
}

func (w *memWire) Received() <-chan []byte { return w.received }

func (w *memWire) Send(b []byte, to netip.Addr) error {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	m, err := parse(b)
	if err != nil {
		return err
	}
	where := "all"
	if to.IsValid() {
		where = to.String()
	}
	w.c.asked = append(w.c.asked, fmt.Sprintf("%d %s", m.kind, where))
	if w.c.silent || !w.c.plugged {
		return nil
	}
	answer := usualAnswer(m)
	if w.c.answers != nil {
		answer = w.c.answers(m)
	}
	if answer != nil {
		w.received <- answer.marshal()
	}
	return nil
}

func usualAnswer(m *message) *message {
	a := &message{reply: true, xid: m.xid, hardware: m.hardware, your: addr("10.1.0.9"), server: addr("10.1.0.1"), mask: 24,
		routers: []netip.Addr{addr("10.1.0.1")}, dns: []netip.Addr{addr("10.1.0.1")}, lease: time.Hour, kind: kindOffer}
	if m.kind == kindRequest {
		a.kind = kindAck
	}
	return a
}

func (c *cable) Find() (string, [6]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.name(), [6]byte{2, 0, 0, 0, 0, 1}, true
}

// name is the interface that the cable is in.
func (c *cable) name() string { return cmp.Or(c.other, "eth0") }

func (c *cable) Up(string) error { return nil }

func (c *cable) Cable(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plugged && name == c.name()
}

func (c *cable) Set(name string, a netip.Prefix, gateway netip.Addr) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full--; c.full >= 0 {
		return errors.New("device or resource busy")
	}
	c.set = append(c.set, fmt.Sprint(name, " ", a, " ", gateway))
	return nil
}

func (c *cable) Taken(_ context.Context, _ string, _ [6]byte, a netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return a == c.taken
}

func (c *cable) Open(string) (Wire, func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened++; c.refuses {
		return nil, nil, errors.New("no buffer space available")
	}
	w := &memWire{c: c, received: make(chan []byte, 16)}
	return w, func() { close(w.received) }, nil
}

func (c *cable) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// with runs Run on a cable for as long as f needs.
func with(t *testing.T, c *cable, s Settings, f func(state func() State)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		var last State
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = Run(ctx, Options{Kernel: c, Settings: s, Host: "centralino", Now: time.Now, Log: slog.New(slog.DiscardHandler), Changed: func(s State) {
				mu.Lock()
				defer mu.Unlock()
				last = s
			}})
		}()
		f(func() State {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return last
		})
		stop()
		<-done
	})
}

func TestAddressByDHCP(t *testing.T) {
	c := &cable{plugged: true}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(2 * time.Second)
		s := state()
		if s.How != ByDHCP || s.Address.String() != "10.1.0.9/24" || s.Gateway != addr("10.1.0.1") || !s.Cable {
			t.Fatalf("state %+v", s)
		}
		if got := fmt.Sprint(c.asked); got != "[1 all 3 all]" {
			t.Errorf("asked %s", got)
		}
		time.Sleep(31 * time.Minute) // half of the lease has passed
		state()
		if got := fmt.Sprint(c.asked); got != "[1 all 3 all 3 10.1.0.1]" {
			t.Errorf("renewed by %s", got)
		}
		if len(c.set) != 1 {
			t.Errorf("the address was set anew: %v", c.set)
		}
	})
}

func TestServerThatComesLate(t *testing.T) {
	c := &cable{plugged: true, silent: true}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(12 * time.Second)
		s := state()
		if s.How != LinkLocal || !strings.HasPrefix(s.Address.String(), "169.254.") {
			t.Fatalf("nobody gives an address: %+v", s)
		}
		c.change(func() { c.silent = false })
		time.Sleep(40 * time.Second)
		if s := state(); s.How != ByDHCP {
			t.Errorf("after the server came: %+v", s)
		}
	})
}

func TestCableThatIsOpenedAgainForDHCP(t *testing.T) {
	c := &cable{plugged: true, refuses: true}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(12 * time.Second)
		if s := state(); s.How != LinkLocal || c.opened != 3 {
			t.Errorf("opened %d times: %+v", c.opened, s)
		}
		c.change(func() { c.refuses = false })
		time.Sleep(openAgain + 2*time.Second)
		if s := state(); s.How != ByDHCP || c.opened != 4 {
			t.Errorf("opened %d times: %+v", c.opened, s)
		}
	})
}

// The first process is above the client: its panic must not be that one's.
func TestAnswerThatNobodyExpected(t *testing.T) {
	panics := 3
	c := &cable{plugged: true, answers: func(m *message) *message {
		if panics--; panics >= 0 {
			panic("an option that nobody expected")
		}
		return usualAnswer(m)
	}}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(time.Minute)
		if s := state(); s.How != ByDHCP || s.Address.String() != "10.1.0.9/24" {
			t.Errorf("a minute later: %+v", s)
		}
		c.change(func() { panics = 1 })
		time.Sleep(45 * time.Minute) // the lease was to be renewed meanwhile
		if s := state(); s.How != ByDHCP || s.Until.Sub(time.Now()) < 10*time.Minute {
			t.Errorf("after a panic while it was renewed: %+v", s)
		}
	})
}

func TestLinkLocalAddressThatIsTaken(t *testing.T) {
	first := linkLocal([6]byte{2, 0, 0, 0, 0, 1}, 0)
	c := &cable{plugged: true, silent: true, taken: first.Addr()}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(12 * time.Second)
		if s := state(); s.How != LinkLocal || s.Address == first {
			t.Errorf("%+v", s)
		}
	})
}

func TestLeaseThatNobodyRenews(t *testing.T) {
	c := &cable{plugged: true}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(2 * time.Second)
		c.change(func() { c.silent = true })
		time.Sleep(59 * time.Minute)
		if s := state(); s.How != ByDHCP {
			t.Errorf("the lease lasts yet: %+v", s)
		}
		c.change(func() {
			if !slices.Contains(c.asked, "3 10.1.0.1") || c.asked[len(c.asked)-1] != "3 all" {
				t.Errorf("asked %v: first the server, at last everybody", c.asked)
			}
		})
		time.Sleep(2 * time.Minute)
		if s := state(); s.How != LinkLocal {
			t.Errorf("the lease is over: %+v", s)
		}
	})
}

func TestServerThatTakesTheLeaseBack(t *testing.T) {
	c := &cable{plugged: true}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(2 * time.Second)
		c.change(func() {
			c.answers = func(m *message) *message {
				a := usualAnswer(m)
				a.your = addr("10.1.0.10")
				if m.kind == kindRequest && m.client.IsValid() {
					a.kind = kindNak
				}
				return a
			}
		})
		time.Sleep(31 * time.Minute)
		if s := state(); s.How != ByDHCP || s.Address.Addr() != addr("10.1.0.10") {
			t.Errorf("%+v", s)
		}
	})
}

func TestAnswersThatAreNotOurs(t *testing.T) {
	wrong := []func(*message){
		func(a *message) { a.xid++ }, func(a *message) { a.hardware[5]++ }, func(a *message) { a.reply = false },
		func(a *message) { a.your = netip.Addr{} }, func(a *message) { a.server = netip.Addr{} },
	}
	for i, spoil := range wrong {
		c := &cable{plugged: true, answers: func(m *message) *message {
			a := usualAnswer(m)
			spoil(a)
			return a
		}}
		with(t, c, Settings{}, func(state func() State) {
			time.Sleep(5 * time.Second)
			if s := state(); s.How != None {
				t.Errorf("answer %d is taken: %+v", i, s)
			}
		})
	}
}

func TestAnotherNetworkAfterTheCableWasPulled(t *testing.T) {
	c := &cable{plugged: true}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(2 * time.Second)
		c.change(func() { c.plugged = false })
		time.Sleep(time.Minute)
		if s := state(); s.Cable || s.How != ByDHCP {
			t.Errorf("without a cable: %+v", s)
		}
		c.change(func() {
			c.plugged = true
			c.answers = func(m *message) *message {
				a := usualAnswer(m)
				a.your, a.server, a.routers = addr("172.16.0.4"), addr("172.16.0.1"), []netip.Addr{addr("172.16.0.1")}
				return a
			}
		})
		time.Sleep(4 * time.Second)
		if s := state(); s.Address.String() != "172.16.0.4/24" || s.Gateway != addr("172.16.0.1") {
			t.Errorf("in the other network: %+v", s)
		}
	})
}

// An adapter that was unplugged comes back under its name, but without an address.
func TestAddressIsSetAgainAfterTheAdapterWasPlugged(t *testing.T) {
	for _, s := range []Settings{{}, {Address: netip.MustParsePrefix("192.168.1.10/24")}} {
		c := &cable{plugged: true}
		with(t, c, s, func(state func() State) {
			time.Sleep(2 * time.Second)
			state()
			c.change(func() { c.plugged = false })
			time.Sleep(time.Minute)
			c.change(func() { c.plugged = true })
			time.Sleep(4 * time.Second)
			if s := state(); len(c.set) != 2 || c.set[0] != c.set[1] || !s.Cable || s.How == None {
				t.Errorf("set %v: %+v", c.set, s)
			}
		})
	}
}

func TestCableInAnotherInterface(t *testing.T) {
	c := &cable{plugged: true}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(2 * time.Second)
		state()
		c.change(func() { c.other = "eth1" })
		time.Sleep(4 * time.Second)
		want := "[eth0 10.1.0.9/24 10.1.0.1 eth0 invalid Prefix invalid IP eth1 10.1.0.9/24 10.1.0.1]"
		if s := state(); s.Interface != "eth1" || s.How != ByDHCP || !s.Cable || fmt.Sprint(c.set) != want {
			t.Errorf("set %v: %+v", c.set, s)
		}
	})
}

func TestNobodyAnswersAfterTheCableWasPulled(t *testing.T) {
	c := &cable{plugged: true}
	with(t, c, Settings{}, func(state func() State) {
		time.Sleep(2 * time.Second)
		until := state().Until
		c.change(func() { c.plugged, c.silent = false, true })
		time.Sleep(time.Minute)
		c.change(func() { c.plugged = true })
		time.Sleep(time.Until(until) - time.Second)
		if s := state(); s.How != ByDHCP || !s.Until.Equal(until) {
			t.Errorf("a router that starts anew takes the address away: %+v", s)
		}
		time.Sleep(2 * time.Second)
		if s := state(); s.How != None || s.Address.IsValid() {
			t.Errorf("the lease is over: %+v", s)
		}
		time.Sleep(fallbackAfter)
		if s := state(); s.How != LinkLocal {
			t.Errorf("nobody gives another address: %+v", s)
		}
		c.change(func() { c.silent = false })
		time.Sleep(2 * time.Minute)
		if s := state(); s.How != ByDHCP {
			t.Errorf("the server is back: %+v", s)
		}
	})
}

func TestFixedAddress(t *testing.T) {
	c := &cable{plugged: true}
	fixed := Settings{Address: netip.MustParsePrefix("192.168.1.10/24"), Gateway: addr("192.168.1.1"), NTP: []string{"ntp.example"}}
	with(t, c, fixed, func(state func() State) {
		time.Sleep(2 * time.Second)
		if s := state(); s.How != Static || s.Address != fixed.Address || s.Gateway != fixed.Gateway || !slices.Equal(s.NTP, fixed.NTP) {
			t.Errorf("%+v", s)
		}
		if len(c.asked) > 0 {
			t.Errorf("a box with a fixed address asks %v", c.asked)
		}
	})
}

func TestAddressThatTheKernelDoesNotTakeAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		want     string
	}{
		"fixed": {Settings{Address: netip.MustParsePrefix("192.168.1.10/24"), Gateway: addr("192.168.1.1")}, "eth0 192.168.1.10/24 192.168.1.1"},
		"DHCP":  {Settings{}, "eth0 10.1.0.9/24 10.1.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			k := &cable{plugged: true, full: 2}
			with(t, k, c.settings, func(state func() State) {
				time.Sleep(time.Minute)
				k.change(func() {
					if got := strings.Join(k.set, ", "); got != c.want {
						t.Errorf("the kernel has taken %q, want %q once", got, c.want)
					}
				})
			})
		})
	}
}

func TestServersOfTheTechnicianGoFirst(t *testing.T) {
	c := &cable{plugged: true}
	with(t, c, Settings{DNS: []netip.Addr{addr("9.9.9.9")}}, func(state func() State) {
		time.Sleep(2 * time.Second)
		if s := state(); s.How != ByDHCP || !slices.Equal(s.DNS, []netip.Addr{addr("9.9.9.9")}) {
			t.Errorf("%+v", s)
		}
	})
}
