package media

import (
	"errors"
	"net/netip"
	"time"
)

// ErrWouldBlock is what a Socket says when there is nothing to read, or no room
// to send.
var ErrWouldBlock = errors.New("would block")

// Net is where ports come from: the kernel, or a MemNet.
type Net interface {
	// Bind opens a UDP port. A port that somebody else has is an error that
	// wraps ErrPortTaken.
	Bind(local netip.AddrPort) (Socket, error)
	// NewPoller makes what one loop waits with.
	NewPoller() (Poller, error)
}

// ErrPortTaken says that a port is in use already.
var ErrPortTaken = errors.New("port in use")

// Socket is one open UDP port. No method blocks or allocates. Read and Write are
// called by one goroutine at a time.
type Socket interface {
	// Read takes one datagram; longer ones than b are cut off. ErrWouldBlock
	// when there is none; other errors (an ICMP report, say) are passing.
	Read(b []byte) (n int, from netip.AddrPort, err error)
	// Write sends one datagram or fails.
	Write(b []byte, to netip.AddrPort) error
	Local() netip.AddrPort
	Close() error
}

// Poller waits for many sockets of its Net. Add, Remove and Wait are called by
// the loop; Wake by anybody.
type Poller interface {
	Add(s Socket, token uint32) error
	Remove(s Socket) error
	// Wait fills tokens with those of sockets that have something to read, and
	// returns how many. It returns 0 after timeout (negative: none) and after
	// Wake. A socket that was not read empty is reported again.
	Wait(tokens []uint32, timeout time.Duration) (int, error)
	// Wake makes the present or the next Wait return at once.
	Wake()
	Close() error
}
