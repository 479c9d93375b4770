package trunk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"centralino/pbx/sip"
)

const (
	lookupTime = 5 * time.Second
	maxServers = 8
)

// server is one address of the trunk's server.
type server struct {
	addr   netip.AddrPort
	target sip.Target
}

// lookup finds the trunk's servers (RFC 3263 4.1 and 4.2, without NAPTR): SRV
// records in the order of priority and weight when no port is configured, else the
// addresses of the name. The server in use comes first while it is among them. All
// addresses found stand for the trunk from now on, older ones too while a name
// server is out of order.
func (t *Trunk) lookup(ctx context.Context) ([]server, error) {
	found, err := t.resolve(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		if t.current.addr.IsValid() && ctx.Err() == nil { // go on with what was good
			t.o.Log.Warn("trunk's server not looked up", "line", t.o.Line, "err", err)
			return []server{t.current}, nil
		}
		return nil, err
	}
	t.servers = map[netip.Addr]bool{}
	for i, s := range found {
		t.servers[s.addr.Addr()] = true
		if s.addr == t.current.addr {
			found[0], found[i] = found[i], found[0]
		}
	}
	return found, nil
}

// admitRoute adds the host that the service route begins with to the addresses
// that stand for the trunk: the registrar has named it.
func (t *Trunk) admitRoute(ctx context.Context) {
	t.mu.RLock()
	routes := t.routes
	t.mu.RUnlock()
	if len(routes) == 0 {
		return
	}
	a, err := sip.ParseAddress(routes[0])
	if err != nil || t.matchesHost(a.URI.Host) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	addrs := []netip.Addr{}
	if ip, err := netip.ParseAddr(a.URI.Host); err == nil {
		addrs = append(addrs, ip)
	} else if addrs, err = t.o.Resolver.LookupNetIP(ctx, "ip", a.URI.Host); err != nil {
		t.o.Log.Warn("trunk's service route not looked up", "line", t.o.Line, "err", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, ip := range addrs {
		t.servers[ip.Unmap()] = true
	}
}

func (t *Trunk) resolve(ctx context.Context) ([]server, error) {
	transport := t.target.Transport
	if a, err := netip.ParseAddr(t.target.Host); err == nil {
		return []server{newServer(a, t.target.Port, transport)}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	var found []server
	var cause error
	if t.target.Port == 0 {
		for _, proto := range [...]string{sip.UDP, sip.TCP} {
			if transport != "" && transport != proto || len(found) > 0 {
				continue
			}
			_, records, err := t.o.Resolver.LookupSRV(ctx, "sip", proto, t.target.Host)
			if err != nil {
				continue // most names have none
			}
			for _, r := range records {
				more, err := t.addresses(ctx, strings.TrimSuffix(r.Target, "."), r.Port, proto)
				found, cause = append(found, more...), errors.Join(cause, err)
			}
		}
	}
	if len(found) == 0 {
		more, err := t.addresses(ctx, t.target.Host, t.target.Port, transport)
		found, cause = more, errors.Join(cause, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("look up %s: %w", t.target.Host, cause)
	}
	return found[:min(len(found), maxServers)], nil
}

func (t *Trunk) addresses(ctx context.Context, host string, port uint16, transport string) ([]server, error) {
	if host == "" { // SRV target ".": the service is not offered
		return nil, nil
	}
	addrs, err := t.o.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var out []server
	for _, a := range addrs {
		if t.o.Stack.LocalAddrFor(orUDP(transport), a.Unmap()).Addr().Is4() == a.Unmap().Is4() {
			out = append(out, newServer(a, port, transport))
		}
	}
	return out, nil
}

func newServer(a netip.Addr, port uint16, transport string) server {
	if port == 0 {
		port = 5060
	}
	a = a.Unmap()
	return server{netip.AddrPortFrom(a, port), sip.Target{Transport: orUDP(transport), Host: a.String(), Port: port}}
}

func orUDP(transport string) string {
	if transport == "" {
		return sip.UDP
	}
	return transport
}
