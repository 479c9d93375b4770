package dialog

import (
	"net/netip"
	"strconv"

	"centralino/pbx/sip"
)

// dialogState is what RFC 3261 12 asks both sides to remember.
type dialogState struct {
	local, remote string // From and To values of our requests, with tags
	rtag          string
	target        sip.URI // remote target
	routes        []sip.Address
	localSeq      uint32
	remoteSeq     uint32
	dest          sip.Destination // fixed way, nil: by routes and target
	user          string          // of our Contact
}

// answering is the state of a dialog that the other side's request makes; local is
// To of our response, with its tag (RFC 3261 12.1.1).
func answering(req *sip.Request, local sip.Address) dialogState {
	seq, _ := req.CSeq()
	from, _ := req.Header("From")
	d := dialogState{
		local: local.String(), remote: from, rtag: req.From().Tag(),
		target:    req.From().URI, // an RFC 2543 caller has no Contact
		routes:    recordRoutes(req.Headers("Record-Route")),
		remoteSeq: seq,
		user:      req.URI().Username(),
	}
	d.refresh(req.Contacts())
	if len(req.Headers("Via")) == 1 { // nobody stands between
		d.dest = req.Flow()
	}
	return d
}

func (d *dialogState) remoteTag() string { return d.rtag }

// request makes a request within the dialog (RFC 3261 12.2.1.1), strict routers
// included.
func (d *dialogState) request(method string, seq uint32, callID string) *sip.Request {
	uri := d.target
	routes := d.routes
	var last string
	if len(routes) > 0 && !routes[0].URI.Params.Has("lr") {
		last = sip.Address{URI: d.target}.String()
		uri = routes[0].URI
		routes = routes[1:]
	}
	r := sip.NewRequest(method, uri)
	for _, a := range routes {
		r.AddHeader("Route", a.String())
	}
	if last != "" {
		r.AddHeader("Route", last)
	}
	r.AddHeader("From", d.local)
	r.AddHeader("To", d.remote)
	r.AddHeader("Call-ID", callID)
	r.AddHeader("CSeq", strconv.FormatUint(uint64(seq), 10)+" "+method)
	if method != sip.BYE && method != sip.ACK {
		r.LocalContact(d.user, "")
	}
	return r
}

// way is where requests within the dialog go: the flow of the other side's last
// message where that is the next hop, since phones sit behind address translators
// and connections must be reused (RFC 5626), else by Route or remote target.
func (d *dialogState) way(flow sip.Flow) sip.Destination {
	if len(d.routes) > 0 {
		hop := sip.URITarget(d.routes[0].URI)
		if isHop(hop, flow) {
			return flow
		}
		return hop
	}
	if d.dest != nil {
		if _, ok := d.dest.(sip.Flow); ok && !flow.IsZero() {
			return flow // the phone may have moved since
		}
		return d.dest
	}
	hop := sip.URITarget(d.target)
	if isHop(hop, flow) {
		return flow
	}
	return hop
}

// isHop says whether the flow leads to the hop. A TCP connection from the hop's
// address counts whatever its port.
func isHop(hop sip.Target, flow sip.Flow) bool {
	if flow.IsZero() || hop.Transport != "" && hop.Transport != flow.Transport() {
		return false
	}
	ip, err := netip.ParseAddr(hop.Host)
	if err != nil || ip.Unmap() != flow.Remote().Addr() {
		return false
	}
	port := hop.Port
	if port == 0 {
		port = 5060
	}
	return flow.Transport() == sip.TCP || port == flow.Remote().Port()
}

// refresh takes a new remote target from a target refresh request or its 2xx.
func (d *dialogState) refresh(contacts []sip.Address) {
	if len(contacts) > 0 && !contacts[0].Star {
		d.target = contacts[0].URI
	}
}

// recordRoutes returns the Record-Route addresses in the order of the message.
func recordRoutes(values []string) []sip.Address {
	var out []sip.Address
	for _, v := range values {
		if a, err := sip.ParseAddress(v); err == nil {
			out = append(out, sip.Address{URI: a.URI})
		}
	}
	return out
}

func reversed(in []sip.Address) []sip.Address {
	out := make([]sip.Address, len(in))
	for i, a := range in {
		out[len(in)-1-i] = a
	}
	return out
}
