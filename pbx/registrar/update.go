package registrar

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"centralino/pbx/sip"
)

// supported are the option tags that a REGISTER may require.
var supported = map[string]bool{"path": true}

// asked is one contact as a REGISTER names it.
type asked struct {
	addr    sip.Address
	expires time.Duration
	star    bool
}

// update carries out an authenticated REGISTER: checked whole first, then done
// whole (RFC 3261 10.3 step 7).
func (r *Registrar) update(req *sip.Request, who identity, now time.Time) *sip.Response {
	for _, tag := range req.Headers("Require") {
		if !supported[strings.ToLower(tag)] {
			resp := r.refuse(req, 420, "")
			resp.AddHeader("Unsupported", tag)
			return resp
		}
	}
	want, resp := r.readContacts(req)
	if resp != nil {
		return resp
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.device(who.account.Device)
	if !who.repeat {
		if resp := r.apply(req, who, d, want, now); resp != nil {
			return resp
		}
	}
	return r.accepted(req, d, now)
}

// readContacts reads what is asked for and refuses what can't be granted.
func (r *Registrar) readContacts(req *sip.Request) ([]asked, *sip.Response) {
	values := req.Headers("Contact")
	if len(values) > r.o.MaxContacts {
		return nil, r.refuse(req, 400, "Too Many Contacts")
	}
	header, given := req.Expires()
	if !given {
		header = r.o.DefaultExpires
	}
	var want []asked
	for _, v := range values {
		a, err := sip.ParseAddress(v)
		if err != nil {
			return nil, r.refuse(req, 400, "Bad Contact")
		}
		if a.Star {
			if len(values) > 1 || !given || header != 0 {
				return nil, r.refuse(req, 400, "Contact * Needs Expires 0") // 10.2.2
			}
			return []asked{{star: true}}, nil
		}
		if a.URI.Scheme != "sip" || a.URI.Host == "" {
			return nil, r.refuse(req, 400, "Contact Must Be A SIP URI")
		}
		e := header
		if p, ok := a.Params.Get("expires"); ok {
			if n, err := strconv.ParseUint(p, 10, 32); err == nil { // 10.2.1.1: else as not given
				e = time.Duration(n) * time.Second
			}
		}
		if e > 0 && e < r.o.MinExpires {
			resp := r.refuse(req, 423, "")
			resp.AddHeader("Min-Expires", seconds(r.o.MinExpires))
			return nil, resp
		}
		want = append(want, asked{addr: a, expires: min(e, r.o.MaxExpires)})
	}
	return want, nil
}

// apply changes the bindings of a device. The caller holds mu.
func (r *Registrar) apply(req *sip.Request, who identity, d *device, want []asked, now time.Time) *sip.Response {
	callID := req.CallID()
	cseq, _ := req.CSeq()
	old := func(b *Binding) bool { return b.live(now) && b.CallID == callID && cseq <= b.CSeq }
	if len(want) == 1 && want[0].star {
		for _, b := range d.bindings {
			if old(b) {
				return r.refuse(req, 500, "Older Than The Binding")
			}
		}
		r.removeAll(d, now)
		return nil
	}
	next := make([]*Binding, len(want))
	for i, a := range want {
		next[i] = r.newBinding(req, who, a, now)
		if b := d.find(next[i]); b != nil && old(b) {
			return r.refuse(req, 500, "Older Than The Binding")
		}
	}
	if r.bound+len(want) > r.o.MaxBindings && d.find0(next) {
		resp := r.refuse(req, 503, "Too Many Phones")
		resp.AddHeader("Retry-After", "60")
		return resp
	}
	for _, b := range next {
		before := d.find(b)
		switch {
		case b.Granted > 0:
			r.put(d, before, b, now)
		case before != nil && before.Granted > 0:
			r.count.Removed.Add(1)
			r.end(d, before, now)
		}
	}
	r.makeRoom(d, now)
	return nil
}

// find0 says whether one of the contacts is new to the device.
func (d *device) find0(next []*Binding) bool {
	for _, b := range next {
		if b.Granted > 0 && d.find(b) == nil {
			return true
		}
	}
	return false
}

func (r *Registrar) removeAll(d *device, now time.Time) {
	for _, b := range append([]*Binding(nil), d.bindings...) {
		if b.Granted > 0 {
			r.count.Removed.Add(1)
			r.end(d, b, now)
		}
	}
}

// makeRoom ends the least recently refreshed bindings beyond MaxContacts: a phone
// that comes with a new address each time must not lock itself out.
func (r *Registrar) makeRoom(d *device, now time.Time) {
	for {
		var oldest *Binding
		n := 0
		for _, b := range d.bindings {
			if b.Granted == 0 {
				continue
			}
			n++
			if oldest == nil || b.Registered.Before(oldest.Registered) {
				oldest = b
			}
		}
		if n <= r.o.MaxContacts {
			return
		}
		r.count.Removed.Add(1)
		r.end(d, oldest, now)
	}
}

func (r *Registrar) newBinding(req *sip.Request, who identity, a asked, now time.Time) *Binding {
	flow := req.Flow()
	source := netip.AddrPortFrom(flow.Remote().Addr().Unmap(), flow.Remote().Port())
	b := &Binding{
		Device: who.account.Device, Username: who.username, URI: a.addr.URI, Source: source,
		Flow: flowFor(flow, a.addr.URI), Q: 1000, CallID: req.CallID(), Granted: a.expires,
		Registered: now, Expires: now.Add(a.expires), secret: secretHash(who.account.Secret),
	}
	b.CSeq, _ = req.CSeq()
	b.Agent, _ = req.Header("User-Agent")
	b.Agent = cut(b.Agent, 128)
	if v, ok := a.addr.Params.Get("+sip.instance"); ok {
		b.Instance = cut(v, 256)
	}
	b.RegID, _ = a.addr.Params.Get("reg-id")
	if v, ok := a.addr.Params.Get("q"); ok {
		b.Q = qValue(v)
	}
	if req.HasOption("Supported", "path") || req.HasOption("Require", "path") {
		b.Path = req.Headers("Path")
	}
	return b
}

// flowFor returns where the contact is reached: where its REGISTER came from,
// which also holds behind NAT; except for a phone that names its own address with
// another port and so listens elsewhere than it sends from.
func flowFor(flow sip.Flow, contact sip.URI) sip.Flow {
	if flow.Transport() != sip.UDP || contact.Transport() == sip.TCP {
		return flow
	}
	ip, err := netip.ParseAddr(contact.Host)
	if err != nil || ip.Unmap() != flow.Remote().Addr().Unmap() {
		return flow
	}
	port := contact.Port
	if port == 0 {
		port = 5060
	}
	return sip.NewFlow(sip.UDP, flow.Local(), netip.AddrPortFrom(flow.Remote().Addr(), port))
}

// accepted is the 200 with every current binding (10.3 step 8). The caller holds mu.
func (r *Registrar) accepted(req *sip.Request, d *device, now time.Time) *sip.Response {
	resp := sip.NewResponse(req, 200, "")
	for _, b := range d.current(now) {
		left := max(b.Expires.Sub(now), 0)
		c := sip.Address{URI: b.URI}
		c.Params = c.Params.With("expires", seconds(left))
		if b.Q != 1000 {
			c.Params = c.Params.With("q", "0."+strconv.Itoa(1000 + b.Q)[1:])
		}
		if b.Instance != "" {
			c.Params += sip.Params(";+sip.instance=" + quoted(b.Instance))
		}
		resp.AddHeader("Contact", c.String())
	}
	if req.HasOption("Supported", "path") {
		for _, p := range req.Headers("Path") {
			resp.AddHeader("Path", p)
		}
	}
	resp.AddHeader("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	return resp
}

// seconds rounds up: a phone must not think less than what it has.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// qValue reads a qvalue (RFC 3261 25.1) as thousandths; 1000 if it is malformed.
func qValue(s string) int {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1 {
		return 1000
	}
	return int(f*1000 + 0.5)
}

// quoted writes data as a quoted-string.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
