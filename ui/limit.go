package ui

import (
	"net"
	"net/netip"
	"sync"
)

// limitListener closes connections above a bound, in all and per source, so that
// a flood of them costs the box neither memory nor descriptors. A connection that
// is refused is closed without an answer.
type limitListener struct {
	net.Listener
	all, each int
	mu        sync.Mutex
	open      int
	by        map[netip.Addr]int
}

func newLimitListener(l net.Listener, all, each int) *limitListener {
	return &limitListener{Listener: l, all: all, each: each, by: map[netip.Addr]int{}}
}

func (l *limitListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := remoteAddr(c.RemoteAddr().String())
		if l.admit(from) {
			return &limitedConn{Conn: c, done: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close()
	}
}

func (l *limitListener) admit(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.all || l.by[from] >= l.each {
		return false
	}
	l.open++
	l.by[from]++
	return true
}

func (l *limitListener) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.by[from]--; l.by[from] <= 0 {
		delete(l.by, from)
	}
}

type limitedConn struct {
	net.Conn
	done func()
}

func (c *limitedConn) Close() error {
	c.done()
	return c.Conn.Close()
}

// remoteAddr reads the address of "ip:port"; the zero address if it is no IP.
func remoteAddr(s string) netip.Addr {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
