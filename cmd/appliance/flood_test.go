package main

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/pbx/sip"
)

// storm sends SIP messages of a stranger from one address, each from another port than
// the one before, faster than the address's budget lets through.
type storm struct {
	conns   []sip.PacketConn
	sent    int
	methods []string
}

func (w *bubbleBox) storm(ip netip.Addr, methods ...string) *storm {
	s := &storm{methods: methods}
	for port := range 8 {
		c, err := w.sip.Host(ip).ListenUDP(netip.AddrPortFrom(ip, uint16(30000+port)))
		if err != nil {
			w.t.Fatal(err)
		}
		s.conns = append(s.conns, c)
	}
	return s
}

// blow sends n messages: guesses of passwords, calls, and questions.
func (s *storm) blow(to netip.AddrPort, n int) {
	for range n {
		s.sent++
		method := s.methods[s.sent%len(s.methods)]
		from := s.conns[s.sent%len(s.conns)]
		_, _ = from.WriteToUDPAddrPort(fmt.Appendf(nil, "%s sip:201@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKs%d;rport\r\nMax-Forwards: 70\r\n"+
			"From: <sip:x@192.0.2.1>;tag=s%d\r\nTo: <sip:x@192.0.2.1>\r\nCall-ID: storm-%d-%p\r\nCSeq: 1 %s\r\nContact: <sip:x@198.51.100.7>\r\nContent-Length: 0\r\n\r\n",
			method, s.sent, s.sent, s.sent, s, method), to)
	}
}

// repeats counts from now on what telephones and provider send to the box again because
// it did not hear them.
func (w *bubbleBox) repeats() (count func() int) {
	var mu sync.Mutex
	said, again := map[string]bool{}, 0
	w.sip.Wire = func(from, to netip.AddrPort, b []byte) (int, time.Duration) {
		if to == w.addr && from.Port() == 5060 {
			mu.Lock()
			defer mu.Unlock()
			if said[string(b)] {
				again++
			}
			said[string(b)] = true
		}
		return 1, 0
	}
	return func() int { mu.Lock(); defer mu.Unlock(); return again }
}

// TestFloodOfStrangersHarmsNeitherPhonesNorTrunk: while strangers flood the box, also
// from the address of a registered telephone and with the trunk's as their sender, the
// telephone registers anew, its calls go out by the trunk, and calls come in by it.
func TestFloodOfStrangersHarmsNeitherPhonesNorTrunk(t *testing.T) {
	inBubble(t, options{}, func(d *office.Document) {
		d.Lines = append(d.Lines, trunkLine())
		d.Numbers = append(d.Numbers, office.Number{ID: "number-4", Number: "+390212345674", Line: "line-4", Path: "path-main"})
		d.Outbound.Default = []office.ID{"line-4"}
	}, func(w *bubbleBox) {
		phone := w.phones[0]
		w.register(phone)
		<-time.After(5 * time.Second)
		contact, _ := phone.Contact()
		storms := []*storm{
			w.storm(netip.MustParseAddr(contact.Host), "REGISTER", "INVITE", "OPTIONS"),
			w.storm(netip.MustParseAddr("198.51.100.1"), "REGISTER", "INVITE", "OPTIONS"),
			w.storm(providerAddr, "REGISTER", "OPTIONS"), // an INVITE from there is a call
		}
		harmed := w.repeats()
		over := make(chan struct{})
		var wg sync.WaitGroup
		for _, s := range storms {
			s.blow(w.addr, 4000) // what the budget of an address has in store
			wg.Go(func() {
				for {
					select {
					case <-over:
						return
					case <-time.After(50 * time.Millisecond):
						s.blow(w.addr, 200)
					}
				}
			})
		}
		<-time.After(time.Second)
		dropped := w.stack.Counters().DroppedBudget.Load()
		w.register(phone)
		w.talk(phone, "0698765432")
		w.talk(w.provider, "+390212345674")
		if now := w.stack.Counters().DroppedBudget.Load(); dropped == 0 || now == dropped {
			t.Errorf("%d messages were dropped at first and %d until the end: it was no flood", dropped, now)
		}
		close(over)
		wg.Wait()
		if n := harmed(); n != 0 {
			t.Errorf("telephone and provider had to say %d things again", n)
		}
		if p := w.trunks.all()[0]; !p.Ready() || p.Line() != "line-4" {
			t.Error("the trunk is not in service")
		}
	})
}
