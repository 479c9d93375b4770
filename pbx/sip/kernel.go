package sip

import (
	"context"
	"net"
	"net/netip"
)

// KernelNet is the operating system's network.
type KernelNet struct{}

// receiveBuffer of UDP sockets. With the kernel's default, bursts of some hundred
// calls a second lost messages; the kernel grants what net.core.rmem_max allows.
const receiveBuffer = 4 << 20

// ListenUDP implements Net.
func (KernelNet) ListenUDP(addr netip.AddrPort) (PacketConn, error) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	_ = c.SetReadBuffer(receiveBuffer) // less is still a working socket
	return c, nil
}

// ListenTCP implements Net.
func (KernelNet) ListenTCP(addr netip.AddrPort) (net.Listener, error) {
	return net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
}

// DialTCP implements Net.
func (KernelNet) DialTCP(ctx context.Context, remote netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", remote.String())
}

// LocalIP implements Net: it asks the routing table through a connected UDP socket
// that sends nothing.
func (KernelNet) LocalIP(remote netip.Addr) (netip.Addr, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote, 9)))
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = c.Close() }()
	return addrPortOf(c.LocalAddr()).Addr(), nil
}
