package network

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// System is the Linux kernel that the program runs on.
type System struct{}

// Find takes the interfaces that are devices and no radio; of several the one with a
// cable, then the first by name.
func (System) Find() (string, [6]byte, bool) {
	devices, _ := filepath.Glob("/sys/class/net/*/device")
	type socket struct {
		name     string
		hardware [6]byte
		cable    bool
	}
	var found []socket
	for _, d := range devices {
		name := filepath.Base(filepath.Dir(d))
		if _, err := os.Stat(filepath.Join(filepath.Dir(d), "wireless")); err == nil {
			continue
		}
		i, err := net.InterfaceByName(name)
		if err != nil || len(i.HardwareAddr) != 6 {
			continue
		}
		if i.Flags&net.FlagUp == 0 {
			_ = (System{}).Up(name) // a port that is off does not tell of its cable
		}
		found = append(found, socket{name, [6]byte(i.HardwareAddr), System{}.Cable(name)})
	}
	if len(found) == 0 {
		return "", [6]byte{}, false
	}
	best := slices.MinFunc(found, func(a, b socket) int {
		if a.cable != b.cable {
			if a.cable {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.name, b.name)
	})
	return best.name, best.hardware, true
}

// Cable reads the interface's carrier.
func (System) Cable(name string) bool {
	b, err := os.ReadFile(filepath.Join("/sys/class/net", name, "carrier"))
	return err == nil && strings.TrimSpace(string(b)) == "1"
}

// Up switches an interface on.
func (System) Up(name string) error {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(i.Index))
	binary.NativeEndian.PutUint32(b[8:], unix.IFF_UP)
	binary.NativeEndian.PutUint32(b[12:], unix.IFF_UP)
	return netlink(unix.RTM_NEWLINK, 0, b)
}

// Set first adds what is new and then takes away what was, so that what is the same
// stays and connections over it live on.
func (System) Set(name string, address netip.Prefix, gateway netip.Addr) error {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	old, err := i.Addrs()
	if err != nil {
		return err
	}
	add := func() error {
		if !address.IsValid() {
			return nil
		}
		if err := netlink(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, addrMessage(i.Index, address)); err != nil {
			return fmt.Errorf("add %s: %w", address, err)
		}
		return nil
	}
	if err := add(); err != nil {
		return err
	}
	for _, a := range old {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().Is4() || p == address {
			continue
		}
		if err := netlink(unix.RTM_DELADDR, 0, addrMessage(i.Index, p)); err != nil {
			return fmt.Errorf("take %s away: %w", p, err)
		}
	}
	// With an address the kernel takes those away that came after it in its network.
	if err := add(); err != nil {
		return err
	}
	for range 4 { // a way out that leads elsewhere; no more than a few were ever set
		if netlink(unix.RTM_DELROUTE, 0, routeMessage(i.Index, netip.Addr{}, false)) != nil {
			break
		}
	}
	if !gateway.IsValid() {
		return nil
	}
	if err := netlink(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, routeMessage(i.Index, gateway, !address.Masked().Contains(gateway))); err != nil {
		return fmt.Errorf("way out by %s: %w", gateway, err)
	}
	return nil
}

// addrMessage is an ifaddrmsg with its attributes.
func addrMessage(index int, p netip.Prefix) []byte {
	b := []byte{unix.AF_INET, byte(p.Bits()), 0, unix.RT_SCOPE_UNIVERSE, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	a := p.Addr().As4()
	b = attribute(b, unix.IFA_LOCAL, a[:])
	b = attribute(b, unix.IFA_ADDRESS, a[:])
	if p.Bits() < 31 {
		last := binary.BigEndian.Uint32(a[:]) | ^uint32(0)>>p.Bits()
		b = attribute(b, unix.IFA_BROADCAST, binary.BigEndian.AppendUint32(nil, last))
	}
	return b
}

// routeMessage is an rtmsg of the default route; without a gateway it names any that
// leads through the interface.
func routeMessage(index int, gateway netip.Addr, far bool) []byte {
	b := []byte{unix.AF_INET, 0, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, 0, 0, 0, 0}
	if far {
		binary.NativeEndian.PutUint32(b[8:], unix.RTNH_F_ONLINK)
	}
	if gateway.IsValid() {
		a := gateway.As4()
		b = attribute(b, unix.RTA_GATEWAY, a[:])
	}
	return attribute(b, unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, uint32(index)))
}

// attribute appends a netlink attribute, aligned to four octets.
func attribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// netlink sends one request to the kernel and waits for its word (rtnetlink(7)).
func netlink(kind, flags uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	m := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(body))
	binary.NativeEndian.PutUint32(m, uint32(cap(m)))
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	m = append(m, body...)
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return fmt.Errorf("netlink answers with %d octets and no word", n)
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
		return syscall.Errno(-code)
	}
	return nil
}
