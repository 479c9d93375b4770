package sip

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Transports of the wire.
const (
	UDP = "udp"
	TCP = "tcp"
)

// Flow is where a message came from and on which of our addresses: sending to a
// Flow answers to exactly that place, over the same TCP connection where there is
// one (RFC 5626). Flows compare with ==.
type Flow struct {
	transport     string
	local, remote netip.AddrPort
}

// NewFlow makes a flow of stored parts (a binding read back from disk). local may
// be zero: the stack then picks the listener.
func NewFlow(transport string, local, remote netip.AddrPort) Flow {
	return Flow{transport, local, remote}
}

// Remote returns the other side's address.
func (f Flow) Remote() netip.AddrPort { return f.remote }

// Local returns our listener's address; it may be unspecified ("0.0.0.0:5060").
func (f Flow) Local() netip.AddrPort { return f.local }

// Transport returns UDP or TCP, "" for the zero flow.
func (f Flow) Transport() string { return f.transport }

// IsZero says whether the flow is unknown.
func (f Flow) IsZero() bool { return f.transport == "" }

// String returns transport and remote address, for logs.
func (f Flow) String() string { return f.transport + ":" + f.remote.String() }

func (f Flow) destination() Target {
	return Target{Transport: f.transport, Host: f.remote.Addr().String(), Port: f.remote.Port()}
}

// Target is a server by name or address. Port 0 means: look up SRV records of the
// name, else port 5060 (RFC 3263). Transport "" means UDP unless SRV records only
// offer TCP.
type Target struct {
	Transport string
	Host      string
	Port      uint16
}

func (t Target) destination() Target { return t }

// String returns "host:port" or "host".
func (t Target) String() string {
	h := string(appendHost(nil, t.Host))
	if t.Port != 0 {
		h += ":" + strconv.Itoa(int(t.Port))
	}
	return h
}

// Destination is a Flow or a Target.
type Destination interface{ destination() Target }

// ParseTarget reads "host", "host:port", "1.2.3.4", "[2001:db8::1]:5060", each
// with an optional ";transport=tcp".
func ParseTarget(s string) (Target, error) {
	hostport, params, _ := cutAt(strings.TrimSpace(s), ';')
	transport, _ := Params(params).Get("transport")
	transport = strings.ToLower(transport)
	if transport != "" && transport != UDP && transport != TCP {
		return Target{}, fmt.Errorf("server %q: transport %q is not known", s, transport)
	}
	if a, err := netip.ParseAddr(hostport); err == nil {
		return Target{transport, a.String(), 0}, nil
	}
	host, port, err := splitHostPort(hostport)
	if err != nil {
		return Target{}, fmt.Errorf("server %q: %w", s, err)
	}
	return Target{transport, host, port}, nil
}

// URITarget returns where a request for uri goes by RFC 3263 4: its host, port
// and transport, or maddr.
func URITarget(u URI) Target {
	t := Target{Transport: u.Transport(), Host: u.Host, Port: u.Port}
	if m, ok := u.Params.Get("maddr"); ok && m != "" {
		t.Host = strings.Trim(m, "[]")
	}
	return t
}

// WithFlow returns a copy of the request as if it had come on flow f: for those
// who hand a request on, and for tests without a wire.
func (r *Request) WithFlow(f Flow) *Request {
	c := r.Clone()
	c.flow = f
	return c
}

// WithFlow returns a copy of the response as if it had come on flow f.
func (r *Response) WithFlow(f Flow) *Response {
	c := *r
	c.fields = append([]field(nil), r.fields...)
	c.flow = f
	return &c
}
