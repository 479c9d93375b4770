package sip

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// PacketConn is what the UDP side needs of a socket; *net.UDPConn is one.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	Close() error
}

// Net is the world the stack listens in. KernelNet is the real one, MemNet the
// in-memory twin for synctest bubbles.
type Net interface {
	// ListenUDP opens a UDP socket with a receive buffer for bursts.
	ListenUDP(addr netip.AddrPort) (PacketConn, error)
	// ListenTCP opens a TCP listener.
	ListenTCP(addr netip.AddrPort) (net.Listener, error)
	// DialTCP connects to remote.
	DialTCP(ctx context.Context, remote netip.AddrPort) (net.Conn, error)
	// LocalIP returns our address that packets to remote leave from.
	LocalIP(remote netip.Addr) (netip.Addr, error)
}

// Resolver looks up servers; *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options of a stack. Net and one of UDP and TCP are needed.
type Options struct {
	Net      Net
	UDP, TCP []netip.AddrPort // addresses to listen on; port 0 takes any
	Resolver Resolver         // net.DefaultResolver if nil
	Log      *slog.Logger     // slog.Default if nil
	Limits   Limits           // zero fields take the defaults
	// Exempt says which remote addresses the flood budgets do not count:
	// registered flows and trunks. Called for each packet from reader goroutines.
	Exempt func(netip.AddrPort) bool
	// Urgent says which requests no limit stops. The zero value: none.
	Urgent Urgency
}

// Limits of the guard. A zero field means the default behind it.
type Limits struct {
	Message       int           // largest message in octets: 65535
	Headers       int           // header fields of a message: 200
	Vias          int           // Via fields of a message: 70
	PerAddress    Rate          // messages from one IP address: 2000/s, burst 4000
	PerFlow       Rate          // messages from one address and port: 500/s, burst 1000
	Sources       int           // sources whose budgets are remembered: 8192
	ConnsPerHost  int           // TCP connections from one address: 20
	Conns         int           // TCP connections in all: 256
	FirstMessage  time.Duration // until a TCP connection must have sent its first message: 5 s
	Idle          time.Duration // until a silent TCP connection is closed, Exempt ones never: 30 min
	Queue         int           // messages waiting in one queue, more are dropped: 4096
	Transactions  int           // live transactions in all, more get 503: 20000
	FinishedBytes int           // octets kept for repeats of finished requests, oldest go first: 24 MiB
}

func (l *Limits) setDefaults() {
	setInt(&l.Message, 65535)
	setInt(&l.Headers, 200)
	setInt(&l.Vias, 70)
	setRate(&l.PerAddress, Rate{2000, 4000})
	setRate(&l.PerFlow, Rate{500, 1000})
	setInt(&l.Sources, 8192)
	setInt(&l.ConnsPerHost, 20)
	setInt(&l.Conns, 256)
	setInt(&l.Queue, 4096)
	setInt(&l.Transactions, 20000)
	setInt(&l.FinishedBytes, 24<<20)
	if l.FirstMessage == 0 {
		l.FirstMessage = 5 * time.Second
	}
	if l.Idle == 0 {
		l.Idle = 30 * time.Minute
	}
}

func setInt(p *int, v int) {
	if *p == 0 {
		*p = v
	}
}

func setRate(p *Rate, v Rate) {
	if *p == (Rate{}) {
		*p = v
	}
}

// Rate is a token bucket: PerSecond tokens come, at most Burst are kept.
type Rate struct {
	PerSecond float64
	Burst     float64
}

// Counters of the stack, all since start.
type Counters struct {
	Received, Sent         atomic.Uint64 // messages
	Keepalives             atomic.Uint64
	DroppedBudget          atomic.Uint64 // by the flood budgets
	DroppedForm            atomic.Uint64 // no SIP at all, over limits
	DroppedQueue           atomic.Uint64 // queue full
	Refused                atomic.Uint64 // answered by validation
	BadContent             atomic.Uint64 // 400, 405, 406, 415, 469, 489 of whoever handles a request
	BadOffers              atomic.Uint64 // 488: sound that nobody here can do
	Repeats                atomic.Uint64 // retransmissions absorbed
	SendErrors             atomic.Uint64
	Panics                 atomic.Uint64 // of handlers, recovered
	ConnsRefused           atomic.Uint64
	ListenerRestarts       atomic.Uint64
	StrayResponses         atomic.Uint64 // responses without a transaction
	StatelessAnswers       atomic.Uint64
	FinishedEvicted        atomic.Uint64 // finished transactions forgotten early
	TransactionsOverloaded atomic.Uint64
}

// answered counts a handler's final answer that refuses what a request carries.
func (c *Counters) answered(status int) {
	switch status {
	case 400, 405, 406, 415, 469, 489:
		c.BadContent.Add(1)
	case 488:
		c.BadOffers.Add(1)
	}
}
