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
}

// Limits of the guard; DefaultLimits says what zero fields mean.
type Limits struct {
	Datagram      int           // largest message in octets
	Headers       int           // header fields of a message
	Vias          int           // Via fields of a message
	PerAddress    Rate          // messages from one IP address
	PerFlow       Rate          // messages from one address and port
	Sources       int           // sources whose budgets are remembered
	ConnsPerHost  int           // TCP connections from one address
	Conns         int           // TCP connections in all
	FirstMessage  time.Duration // until a TCP connection must have sent its first message
	Idle          time.Duration // until a silent TCP connection is closed
	Queue         int           // messages waiting in one queue
	Transactions  int           // live transactions in all
	FinishedBytes int           // octets kept for repeats of finished requests
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
