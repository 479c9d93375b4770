//go:build linux

package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// KernelNet is the Net of the real network: one UDP socket per port and one
// epoll instance per loop.
func KernelNet() Net { return kernelNet{} }

type kernelNet struct{}

// kernelSocket is a UDP socket. Its system calls do not block, so they are made
// without telling the scheduler (RawSyscall): that is half of their cost.
type kernelSocket struct {
	fd    int
	local netip.AddrPort
	scope uint32 // of a link-local address
	buf   unix.RawSockaddrAny
	to    unix.RawSockaddrAny
}

// recvBuffer holds a fifth of a second of G.711 even if a loop is late.
const recvBuffer = 64 << 10

// tosVoice is DSCP EF (RFC 3246), the class of voice.
const tosVoice = 46 << 2

func (kernelNet) Bind(local netip.AddrPort) (Socket, error) {
	addr := local.Addr().Unmap()
	s := &kernelSocket{fd: -1, local: netip.AddrPortFrom(addr, local.Port())}
	family := unix.AF_INET
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: int(local.Port()), Addr: v4(addr)}
	if addr.Is6() {
		family = unix.AF_INET6
		s.scope = scopeOf(addr.Zone())
		sa = &unix.SockaddrInet6{Port: int(local.Port()), Addr: addr.As16(), ZoneId: s.scope}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("udp socket: %w", err)
	}
	s.fd = fd
	// None of these three is vital: the defaults carry a call, too.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, recvBuffer)
	if family == unix.AF_INET6 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, tosVoice)
	} else {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, tosVoice)
	}
	if err := unix.Bind(fd, sa); err != nil {
		unix.Close(fd)
		if errors.Is(err, unix.EADDRINUSE) {
			err = ErrPortTaken
		}
		return nil, fmt.Errorf("bind udp %s: %w", local, err)
	}
	if local.Port() == 0 {
		s.readPort()
	}
	return s, nil
}

func v4(a netip.Addr) (b [4]byte) {
	if a.Is4() {
		b = a.As4()
	}
	return b
}

func scopeOf(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32) // a zone that is neither name nor number is none
	return uint32(n)
}

func (s *kernelSocket) readPort() {
	switch sa, _ := unix.Getsockname(s.fd); sa := sa.(type) {
	case *unix.SockaddrInet4:
		s.local = netip.AddrPortFrom(s.local.Addr(), uint16(sa.Port))
	case *unix.SockaddrInet6:
		s.local = netip.AddrPortFrom(s.local.Addr(), uint16(sa.Port))
	}
}

func (s *kernelSocket) Local() netip.AddrPort { return s.local }

func (s *kernelSocket) Close() error { return unix.Close(s.fd) }

func (s *kernelSocket) Read(b []byte) (int, netip.AddrPort, error) {
	size := uint32(unix.SizeofSockaddrAny)
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(&s.buf)), uintptr(unsafe.Pointer(&size)))
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return 0, netip.AddrPort{}, ErrWouldBlock
	case errno != 0:
		return 0, netip.AddrPort{}, errno
	}
	return int(n), s.from(), nil
}

// from is the sender of the datagram read last. A link-local address has no zone:
// there is one interface to a socket.
func (s *kernelSocket) from() netip.AddrPort {
	if s.buf.Addr.Family == unix.AF_INET {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.buf))
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), port(&sa.Port))
	}
	sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&s.buf))
	return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), port(&sa.Port))
}

func port(p *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }

func (s *kernelSocket) Write(b []byte, to netip.AddrPort) error {
	var size uintptr
	if a := to.Addr(); a.Is4() {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.to))
		sa.Family, sa.Addr = unix.AF_INET, a.As4()
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], to.Port())
		size = unix.SizeofSockaddrInet4
	} else {
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&s.to))
		sa.Family, sa.Addr, sa.Scope_id = unix.AF_INET6, a.As16(), s.scope
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], to.Port())
		size = unix.SizeofSockaddrInet6
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
		uintptr(unsafe.Pointer(&s.to)), size)
	if errno != 0 {
		return errno
	}
	return nil
}

// wakeToken marks the event file descriptor among the tokens.
const wakeToken = -1

// kernelPoller is one epoll instance, and an eventfd to be woken by.
type kernelPoller struct {
	epoll, event int
	events       [128]unix.EpollEvent
}

func (kernelNet) NewPoller() (Poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	p := &kernelPoller{epoll: epoll, event: event}
	err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, event, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeToken})
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("epoll add eventfd: %w", err)
	}
	return p, nil
}

func (p *kernelPoller) Add(s Socket, token uint32) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(token)}
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, s.(*kernelSocket).fd, &ev)
}

func (p *kernelPoller) Remove(s Socket) error {
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, s.(*kernelSocket).fd, nil)
}

func (p *kernelPoller) Wait(tokens []uint32, timeout time.Duration) (int, error) {
	ms := -1
	if timeout >= 0 {
		ms = int((timeout + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(p.epoll, p.events[:min(len(p.events), len(tokens))], ms)
	if err != nil {
		if err == unix.EINTR {
			return 0, nil
		}
		return 0, fmt.Errorf("epoll wait: %w", err)
	}
	k := 0
	for _, ev := range p.events[:n] {
		if ev.Fd == wakeToken {
			var b [8]byte
			_, _ = unix.Read(p.event, b[:]) // empties it; nothing there is as good
			continue
		}
		tokens[k] = uint32(ev.Fd)
		k++
	}
	return k, nil
}

func (p *kernelPoller) Wake() {
	b := [8]byte{7: 1}
	binary.NativeEndian.PutUint64(b[:], 1)
	_, _ = unix.Write(p.event, b[:]) // full: it is awake already
}

func (p *kernelPoller) Close() error {
	unix.Close(p.event)
	return unix.Close(p.epoll)
}
