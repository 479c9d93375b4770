package sip

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// maxServers bounds how many addresses of one name are tried.
const maxServers = 8

// direct returns the flow of a destination that needs no name lookup.
func (s *Stack) direct(to Destination) ([]Flow, bool) {
	if f, ok := to.(Flow); ok {
		return []Flow{f}, true
	}
	t := to.destination()
	a, err := netip.ParseAddr(t.Host)
	if err != nil {
		flows, ok := s.names.get(t)
		return flows, ok
	}
	port := t.Port
	if port == 0 {
		port = 5060
	}
	return []Flow{{orUDP(t.Transport), netip.AddrPort{}, netip.AddrPortFrom(a.Unmap(), port)}}, true
}

func orUDP(transport string) string {
	if transport == "" {
		return UDP
	}
	return transport
}

// resolve looks up a name (RFC 3263 4.1, 4.2, without NAPTR): SRV records when no
// port is given, in the order of their priority, each with its addresses; else the
// addresses with port 5060. The answer is kept for 30 s.
func (s *Stack) resolve(ctx context.Context, t Target) ([]Flow, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var flows []Flow
	if t.Port == 0 {
		for _, transport := range [...]string{UDP, TCP} {
			if t.Transport == "" && len(flows) > 0 || t.Transport != "" && t.Transport != transport {
				continue
			}
			_, records, err := s.o.Resolver.LookupSRV(ctx, "sip", transport, t.Host)
			if err != nil {
				continue // no such records is the common case
			}
			for _, r := range records {
				flows = s.addresses(ctx, flows, strings.TrimSuffix(r.Target, "."), transport, r.Port)
			}
		}
	}
	var err error
	if len(flows) == 0 {
		port := t.Port
		if port == 0 {
			port = 5060
		}
		flows = s.addresses(ctx, nil, t.Host, orUDP(t.Transport), port)
	}
	if len(flows) == 0 {
		err = fmt.Errorf("%w: look up SIP server %q: no address", ErrTransport, t.Host)
		s.log.note("SIP server not found", "host", t.Host)
		return nil, err
	}
	s.names.put(t, flows)
	return flows, nil
}

// addresses appends the flows to a host's addresses that we have a listener for.
func (s *Stack) addresses(ctx context.Context, flows []Flow, host, transport string, port uint16) []Flow {
	if host == "" { // SRV target "."
		return flows
	}
	addrs, err := s.o.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return flows
	}
	for _, a := range addrs {
		a = a.Unmap()
		if len(flows) < maxServers && s.reaches(a) {
			flows = append(flows, Flow{transport, netip.AddrPort{}, netip.AddrPortFrom(a, port)})
		}
	}
	return flows
}

func (s *Stack) reaches(a netip.Addr) bool {
	for _, u := range s.udp {
		if sameFamily(u.local.Addr(), a) {
			return true
		}
	}
	return len(s.udp) == 0
}

// nameCache keeps looked-up servers for 30 s, at most 64 names.
type nameCache struct {
	mu    sync.Mutex
	names map[Target]cachedName
}

type cachedName struct {
	flows []Flow
	end   time.Time
}

func (c *nameCache) get(t Target) ([]Flow, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.names[t]
	return n.flows, ok && time.Now().Before(n.end)
}

func (c *nameCache) put(t Target, flows []Flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.names == nil || len(c.names) >= 64 {
		c.names = make(map[Target]cachedName)
	}
	c.names[t] = cachedName{flows, time.Now().Add(30 * time.Second)}
}

// localCache keeps for 5 s which of our addresses leads to a remote one, at most
// 1024 of them: asking the routing table costs system calls.
type localCache struct {
	mu    sync.Mutex
	addrs map[netip.Addr]cachedLocal
}

type cachedLocal struct {
	ip  netip.Addr
	end time.Time
}

func (c *localCache) get(remote netip.Addr, n Net) (netip.Addr, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.addrs[remote]; ok && time.Now().Before(l.end) {
		return l.ip, true
	}
	ip, err := n.LocalIP(remote)
	if err != nil {
		return netip.Addr{}, false
	}
	if c.addrs == nil || len(c.addrs) >= 1024 {
		c.addrs = make(map[netip.Addr]cachedLocal)
	}
	c.addrs[remote] = cachedLocal{ip, time.Now().Add(5 * time.Second)}
	return ip, true
}
