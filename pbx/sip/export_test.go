package sip

import (
	"io"
	"log/slog"
	"net/netip"
)

// FuzzWire is a stack without goroutines: bytes in, answers out.
type FuzzWire struct {
	s   *Stack
	out *sink
	n   uint32
}

// NewFuzzWire makes one whose requests go to h.
func NewFuzzWire(h Handler) *FuzzWire {
	m := NewMemNet()
	ip := netip.MustParseAddr("192.0.2.1")
	s, err := New(Options{Net: m.Host(ip), UDP: []netip.AddrPort{netip.AddrPortFrom(ip, 5060)},
		Log:    slog.New(slog.NewTextHandler(io.Discard, nil)),
		Exempt: func(netip.AddrPort) bool { return true }})
	if err != nil {
		panic(err)
	}
	s.Handle(h)
	out := &sink{PacketConn: *s.udp[0].conn.Load()}
	var c PacketConn = out
	s.udp[0].conn.Store(&c)
	return &FuzzWire{s: s, out: out}
}

type sink struct {
	PacketConn
	sent [][]byte
}

func (k *sink) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	k.sent = append(k.sent, append([]byte(nil), b...))
	return len(b), nil
}

// Feed handles one datagram and returns what went out.
func (w *FuzzWire) Feed(b []byte) [][]byte {
	w.out.sent = nil
	b = trimLead(b)
	if isKeepalive(b) {
		return nil
	}
	w.n++
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(w.n >> 16), byte(w.n >> 8), byte(w.n)}), 5060)
	w.s.receive(b, Flow{UDP, w.s.udp[0].local, from})
	for _, sh := range w.s.shards {
		sh.drain()
	}
	if n := w.s.counters.Panics.Load(); n > 0 {
		panic("a handler panicked")
	}
	return w.out.sent
}
