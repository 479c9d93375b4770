package sip_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/sip"
)

func TestKeepalivesAreSwallowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		box := startStack(t, m, boxIP, &handler{stateless: func(r *sip.Request) *sip.Response {
			return sip.NewResponse(r, 200, "")
		}}, nil)
		stun := "\x00\x01\x00\x00\x21\x12\xa4\x42" + "abcdefghijkl"
		for _, b := range []string{"\r\n\r\n", "\r\n", "\x00\x00\x00\x00", "jaK", stun, "", "\x00"} {
			peer.send(b)
		}
		peer.send("\r\n\r\n" + peer.request(sip.OPTIONS, 1)) // line ends before a start line
		synctest.Wait()
		c := box.Counters()
		if s := peer.starts(); s != "200" || c.Keepalives.Load() != 7 || c.DroppedForm.Load() != 0 {
			t.Errorf("came %q, %d keepalives, %d dropped", s, c.Keepalives.Load(), c.DroppedForm.Load())
		}
	})
}

func TestLimitsOfMessages(t *testing.T) {
	many := func(line string, n int) string { return strings.Repeat(line+"\r\n", n) }
	cases := []struct {
		name, raw, want string
	}{
		{"150 more header fields are taken", "OPTIONS sip:a@b SIP/2.0\r\n" + basics(1) + many("X-Filler: 1", 150) + "\r\n", "200"},
		{"300 header fields are not", "OPTIONS sip:a@b SIP/2.0\r\n" + basics(2) + many("X-Filler: 1", 300) + "\r\n", "513"},
		{"80 Vias are not", "OPTIONS sip:a@b SIP/2.0\r\n" + basics(3) + many("Via: SIP/2.0/UDP h;branch=z9hG4bKx", 80) + "\r\n", "513"},
		{"80 Vias on one line neither", "OPTIONS sip:a@b SIP/2.0\r\n" + basics(4) + "Via: SIP/2.0/UDP h" + strings.Repeat(", SIP/2.0/UDP h", 80) + "\r\n\r\n", "513"},
		{"a line of 9000 octets is not", "OPTIONS sip:a@b SIP/2.0\r\n" + basics(5) + "X: " + strings.Repeat("x", 9000) + "\r\n\r\n", "513"},
		{"a Content-Length of 4 GiB is not", "OPTIONS sip:a@b SIP/2.0\r\n" + basics(6) + "Content-Length: 4294967295\r\n\r\n", "400"},
		{"a missing empty line is not", "OPTIONS sip:a@b SIP/2.0\r\n" + basics(7), "400"},
		{"bare line feeds are not", strings.ReplaceAll("OPTIONS sip:a@b SIP/2.0\r\n"+basics(8)+"\r\n", "\r\n", "\n"), "400"},
		{"an ACK that is broken is never answered", "ACK sip:a@b SIP/2.0\r\n" + strings.Replace(basics(9), "OPTIONS", "ACK", 1), ""},
		{"binary is no SIP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello", ""},
		{"HTTP is no SIP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sip.NewMemNet()
				peer := newRawPeer(t, m, phoneIP)
				startStack(t, m, boxIP, &handler{stateless: func(r *sip.Request) *sip.Response {
					return sip.NewResponse(r, 200, "")
				}}, nil)
				peer.send(c.raw)
				synctest.Wait()
				if s := peer.starts(); s != c.want {
					t.Errorf("came %q, want %q", s, c.want)
				}
			})
		})
	}
}

// basics are the fields every request needs.
func basics(n int) string {
	return fmt.Sprintf("Via: SIP/2.0/UDP h;rport;branch=z9hG4bKb%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: basics-%d\r\nCSeq: 1 OPTIONS\r\n", n, n)
}

func TestBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		scanner := newRawPeer(t, m, phoneIP)
		friend := newRawPeer(t, m, netip.MustParseAddr("192.0.2.3"))
		box := startStack(t, m, boxIP, &handler{stateless: func(r *sip.Request) *sip.Response {
			return sip.NewResponse(r, 200, "")
		}}, func(o *sip.Options) {
			o.Limits.PerFlow = sip.Rate{PerSecond: 10, Burst: 20}
			o.Exempt = func(a netip.AddrPort) bool { return a == friend.addr }
		})
		for n := range 100 {
			scanner.send(scanner.request(sip.OPTIONS, n))
			friend.send(friend.request(sip.OPTIONS, n))
		}
		synctest.Wait()
		if a, b := len(scanner.take()), len(friend.take()); a != 20 || b != 100 {
			t.Errorf("scanner got %d answers, friend %d; want 20, 100", a, b)
		}
		time.Sleep(time.Second)
		for n := range 100 {
			scanner.send(scanner.request(sip.OPTIONS, 200+n))
		}
		synctest.Wait()
		if n := len(scanner.take()); n != 10 {
			t.Errorf("a second later %d answers, want 10", n)
		}
		if n := box.Counters().DroppedBudget.Load(); n != 170 {
			t.Errorf("%d counted", n)
		}
	})
}

// TestBudgetOfAnAddressCountsAllItsPorts: a flood that changes its port with each
// message is one source; another address is not touched.
func TestBudgetOfAnAddressCountsAllItsPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		friend := newRawPeer(t, m, netip.MustParseAddr("192.0.2.3"))
		answered := 0
		box := startStack(t, m, boxIP, &handler{stateless: func(r *sip.Request) *sip.Response {
			answered++
			return sip.NewResponse(r, 200, "")
		}}, func(o *sip.Options) { o.Limits.PerAddress = sip.Rate{PerSecond: 10, Burst: 50} })
		for n := range 300 {
			c, err := m.Host(phoneIP).ListenUDP(netip.AddrPortFrom(phoneIP, uint16(10000+n)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.WriteToUDPAddrPort([]byte(friend.request(sip.OPTIONS, n)), netip.AddrPortFrom(boxIP, 5060)); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
		synctest.Wait()
		if n := box.Counters().DroppedBudget.Load(); answered != 50 || n != 250 {
			t.Errorf("%d answered, %d dropped; want 50, 250", answered, n)
		}
		friend.send(friend.request(sip.OPTIONS, 1000))
		synctest.Wait()
		if answered != 51 {
			t.Error("another address has no budget")
		}
	})
}

// TestFloodKeepsMemoryBounded: 40,000 REGISTERs that are all answered in
// transactions, from 40,000 sources, add little memory, and it comes back.
func TestFloodKeepsMemoryBounded(t *testing.T) {
	const allowed = 128 << 20
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		box := startStack(t, m, boxIP, &handler{request: func(tx sip.ServerTx) {
			resp := sip.NewResponse(tx.Request(), 200, "")
			resp.AddHeader("Contact", "<sip:1001@192.0.2.2:5060>;expires=120")
			_ = tx.Respond(resp)
		}}, unlimited)
		before := heap()
		for n := range 40000 {
			ip := netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})
			conn, err := m.Host(ip).ListenUDP(netip.AddrPortFrom(ip, 5060))
			if err != nil {
				t.Fatal(err)
			}
			p := &rawPeer{t: t, conn: conn, addr: netip.AddrPortFrom(ip, 5060)}
			p.send(p.request(sip.REGISTER, n))
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			if n%500 == 499 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if got := box.Counters().Received.Load(); got != 40000 {
			t.Fatalf("%d received", got)
		}
		grown := heap() - before
		time.Sleep(time.Minute)
		synctest.Wait()
		rest := heap() - before
		t.Logf("heap: %d KiB more after the flood, %d KiB a minute later", grown>>10, rest>>10)
		if grown > allowed || rest > allowed/16 {
			t.Errorf("heap grew by %d, %d a minute later", grown, rest)
		}
		runtime.KeepAlive(box)
	})
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestListenerIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		n := &breakingNet{Net: m.Host(boxIP)}
		box := startStack(t, m, boxIP, &handler{stateless: func(r *sip.Request) *sip.Response {
			return sip.NewResponse(r, 200, "")
		}}, func(o *sip.Options) { o.Net = n })
		_ = n.last.Load().Close() // the sockets break under the reader
		_ = (*n.tcp.Load()).Close()
		time.Sleep(time.Second)
		dialBox(t, m, phoneIP)
		peer.send(peer.request(sip.OPTIONS, 1))
		synctest.Wait()
		if s := peer.starts(); s != "200" || box.Counters().ListenerRestarts.Load() != 2 {
			t.Errorf("came %q after %d restarts", s, box.Counters().ListenerRestarts.Load())
		}
	})
}

// breakingNet remembers its last listeners so that a test can break them.
type breakingNet struct {
	sip.Net
	last atomic.Pointer[breakable]
	tcp  atomic.Pointer[net.Listener]
}

type breakable struct{ sip.PacketConn }

func (n *breakingNet) ListenUDP(a netip.AddrPort) (sip.PacketConn, error) {
	c, err := n.Net.ListenUDP(a)
	if err != nil {
		return nil, err
	}
	n.last.Store(&breakable{c})
	return c, nil
}

func (n *breakingNet) ListenTCP(a netip.AddrPort) (net.Listener, error) {
	l, err := n.Net.ListenTCP(a)
	if err == nil {
		n.tcp.Store(&l)
	}
	return l, err
}

func TestLogIsShortEscapedAndRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		var out bytes.Buffer
		startStack(t, m, boxIP, &handler{}, func(o *sip.Options) {
			o.Log = slog.New(slog.NewJSONHandler(&out, nil))
		})
		for range 500 {
			peer.send("INVITE \x1b[31m\nlevel=ERROR secret=" + strings.Repeat("\x01\x02", 3000) + "\r\n\r\n")
		}
		synctest.Wait()
		lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
		if len(lines) > 25 {
			t.Errorf("%d lines", len(lines))
		}
		for _, l := range lines {
			if !json.Valid(l) || len(l) > 700 || bytes.ContainsAny(l, "\x1b\x01") {
				t.Errorf("line of %d octets: %s", len(l), l)
			}
		}
	})
}

func dialBox(t *testing.T, m *sip.MemNet, ip netip.Addr) net.Conn {
	t.Helper()
	c, err := m.Host(ip).DialTCP(t.Context(), netip.AddrPortFrom(boxIP, 5060))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestStreamRules(t *testing.T) {
	start := func(t *testing.T, m *sip.MemNet) *sip.Stack {
		return startStack(t, m, boxIP, &handler{stateless: func(r *sip.Request) *sip.Response {
			return sip.NewResponse(r, 200, "")
		}}, nil)
	}
	options := func(n int) string {
		return "OPTIONS sip:a@b SIP/2.0\r\n" + strings.Replace(basics(n), "UDP", "TCP", 1)
	}
	// closed waits until the box closes and returns when and what it sent before.
	closed := func(t *testing.T, c net.Conn) (time.Duration, string) {
		begin := time.Now()
		b, err := io.ReadAll(c)
		if err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("read: %v", err)
		}
		return time.Since(begin), string(b)
	}
	t.Run("half a message is closed after 5 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := sip.NewMemNet()
			start(t, m)
			c := dialBox(t, m, phoneIP)
			_, _ = io.WriteString(c, "OPTIONS sip:a@b SIP/2.0\r\nVia: ")
			if d, _ := closed(t, c); d != 5*time.Second {
				t.Errorf("closed after %v", d)
			}
		})
	})
	t.Run("a message in two pieces, two in one, and a ping between", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := sip.NewMemNet()
			box := start(t, m)
			c := dialBox(t, m, phoneIP)
			var got bytes.Buffer
			done := make(chan struct{})
			go func() { defer close(done); _, _ = io.Copy(&got, c) }()
			one := options(1) + "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nabcd"
			_, _ = io.WriteString(c, one[:40])
			time.Sleep(time.Second)
			_, _ = io.WriteString(c, one[40:]+"\r\n\r\n"+options(2)+"l: 0\r\n\r\n"+options(3)+"l: 0\r\n\r\n")
			synctest.Wait()
			_ = c.Close()
			<-done
			if n := strings.Count(got.String(), "SIP/2.0 200"); n != 3 || box.Counters().Keepalives.Load() != 1 ||
				strings.Count("\r\n\r\n"+got.String(), "\r\n\r\n\r\n") != 1 {
				t.Errorf("%d answers, got %q", n, got.String())
			}
		})
	})
	t.Run("a message without Content-Length is refused and closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := sip.NewMemNet()
			start(t, m)
			c := dialBox(t, m, phoneIP)
			_, _ = io.WriteString(c, options(1)+"\r\n")
			if _, s := closed(t, c); !strings.HasPrefix(s, "SIP/2.0 400") {
				t.Errorf("got %q", s)
			}
		})
	})
	t.Run("20 connections from one address are taken, 256 in all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := sip.NewMemNet()
			box := start(t, m)
			for range 25 {
				dialBox(t, m, phoneIP)
				synctest.Wait()
			}
			if n := box.Counters().ConnsRefused.Load(); n != 5 {
				t.Errorf("%d of 25 refused", n)
			}
			for n := range 300 {
				dialBox(t, m, netip.AddrFrom4([4]byte{10, 1, byte(n >> 4), byte(n & 15)}))
				synctest.Wait()
			}
			if n := box.Counters().ConnsRefused.Load(); n != 5+300-236 {
				t.Errorf("%d refused", n)
			}
		})
	})
}
