package pbx_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
)

// realPhones is the box's own registrar as the switch sees it.
type realPhones struct{ r *registrar.Registrar }

func (p realPhones) Authenticate(req *sip.Request) (office.ID, *sip.Response) {
	return p.r.Authenticate(req, time.Now())
}

func (p realPhones) KnownSource(from netip.AddrPort) (office.ID, bool) {
	dev, known, _ := p.r.KnownSource(from, time.Now())
	return dev, known
}

func (p realPhones) Contacts(id office.ID) []pbx.Contact { return nil }

// flood sends n messages to the box from each of some ports of an address.
func (w *world) flood(ip netip.Addr, ports, n int, text func(from netip.AddrPort, n int) string) {
	w.t.Helper()
	for port := range ports {
		from := netip.AddrPortFrom(ip, uint16(20000+port))
		c, err := w.sipNet.Host(ip).ListenUDP(from)
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range n {
			if _, err := c.WriteToUDPAddrPort([]byte(text(from, port*n+i)), boxAddr); err != nil {
				w.t.Fatal(err)
			}
		}
		c.Close()
	}
}

// guess is a REGISTER with a wrong password.
func guess(from netip.AddrPort, n int) string {
	return fmt.Sprintf("REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKg%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:dev-1@192.0.2.1>;tag=g%d\r\nTo: <sip:dev-1@192.0.2.1>\r\nCall-ID: guess-%d\r\nCSeq: 1 REGISTER\r\n"+
		"Contact: <sip:dev-1@%s>\r\nAuthorization: Digest username=\"dev-1\", realm=\"centralino\", nonce=\"x\", "+
		"uri=\"sip:192.0.2.1\", response=\"00000000000000000000000000000000\", qop=auth, nc=00000001, cnonce=\"c\"\r\n"+
		"Content-Length: 0\r\n\r\n", from, n, n, n, from)
}

// TestEmergencyPassesBudgetBrakeAndPassword: the phone's registration has run out,
// somebody at its address guesses passwords and floods, and its own password has
// changed. 112 goes out; nothing else does.
func TestEmergencyPassesBudgetBrakeAndPassword(t *testing.T) {
	var r *registrar.Registrar
	inWorldOf(t, func(w *world) worldOptions {
		var err error
		r, err = registrar.New(registrar.Options{Now: time.Now, Local: func(netip.Addr) bool { return true },
			Account: func(user string) (registrar.Account, bool) {
				w.mu.Lock()
				defer w.mu.Unlock()
				return registrar.Account{Device: "dev-1", Secret: w.secret}, user == "dev-1"
			}})
		if err != nil {
			w.t.Fatal(err)
		}
		return worldOptions{phones: realPhones{r}, limits: sip.Limits{
			PerAddress: sip.Rate{PerSecond: 0.001, Burst: 60}, PerFlow: sip.Rate{PerSecond: 0.001, Burst: 20}},
			stateless: func(req *sip.Request) *sip.Response {
				if req.Method() == sip.REGISTER {
					return r.Register(req, time.Now())
				}
				return nil
			}}
	}, func(w *world) {
		phone := w.phones["dev-1"]
		if err := phone.Register(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.secret = "changed"
		w.mu.Unlock()
		pass(2 * time.Hour)
		if _, known, expired := r.KnownSource(netip.MustParseAddrPort("192.0.2.11:5060"), time.Now()); !known || !expired {
			t.Fatalf("the binding is known %v, expired %v", known, expired)
		}
		w.flood(netip.MustParseAddr("192.0.2.11"), 8, 20, guess)
		pass(time.Second)
		if c := w.stack.Counters(); c.DroppedBudget.Load() == 0 || r.Counters().Braked.Load() == 0 {
			t.Fatalf("dropped %d, braked %d", c.DroppedBudget.Load(), r.Counters().Braked.Load())
		}
		ordinary, err := phone.Dial("0698765432")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "an ordinary call is not heard", ordinary.End(), time.Minute)
		c := helped(t, w, "dev-1", 20*time.Second)
		pass(40 * time.Second) // its ACK has passed too, else the box would have given up
		select {
		case <-c.End():
			t.Error("the emergency call ended by itself")
		default:
		}
		c.HangUp()
		within(t, "end", c.End(), 5*time.Second)
	})
}

// TestEmergencyPassesTheLimitOfTransactions: strangers have taken them all.
func TestEmergencyPassesTheLimitOfTransactions(t *testing.T) {
	inWorldOf(t, func(*world) worldOptions {
		return worldOptions{limits: sip.Limits{Transactions: 3}}
	}, func(w *world) {
		// A phone that does not answer keeps calls, and so transactions, open.
		w.strangers = map[netip.AddrPort]office.ID{}
		for port := range 4 {
			w.strangers[netip.AddrPortFrom(netip.MustParseAddr("192.0.2.40"), uint16(20000+port))] = "dev-3"
		}
		w.answer["dev-2"] = func() (time.Duration, int, bool) { return time.Hour, 480, false }
		w.flood(netip.MustParseAddr("192.0.2.40"), 4, 1, func(from netip.AddrPort, n int) string {
			return fmt.Sprintf("INVITE sip:202@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKt%d\r\nMax-Forwards: 70\r\n"+
				"From: <sip:u3@192.0.2.1>;tag=t%d\r\nTo: <sip:202@192.0.2.1>\r\nCall-ID: busy-%d\r\nCSeq: 1 INVITE\r\n"+
				"Contact: <sip:u3@%s>\r\nContent-Length: 0\r\n\r\n", from, n, n, n, from)
		})
		pass(time.Second)
		if n := w.stack.Transactions(); n < 3 {
			t.Fatalf("%d transactions", n)
		}
		helped(t, w, "dev-1", 20*time.Second).HangUp()
		pass(time.Second)
	})
}
