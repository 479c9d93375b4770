package registrar

import (
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"centralino/internal/office"
	"centralino/pbx/sip"
)

const (
	// grace is added to what the phone was granted, for a refresh that is late.
	grace = 5 * time.Second

	// rememberExpired is how long a source stays known after its binding ended,
	// for emergency calls.
	rememberExpired = 30 * 24 * time.Hour

	// keptExpired bounds the expired bindings of one device.
	keptExpired = 4
)

// Binding is one contact of a device.
type Binding struct {
	Device     office.ID
	Username   string
	URI        sip.URI // Request-URI for requests to it
	Flow       sip.Flow
	Source     netip.AddrPort // where the REGISTER came from
	Instance   string         // +sip.instance (RFC 5626), without quotes; empty if none
	RegID      string
	Path       []string // Route values for requests to it (RFC 3327)
	Agent      string   // User-Agent
	Q          int      // thousandths, 1000 by default
	CallID     string
	CSeq       uint32
	Granted    time.Duration
	Registered time.Time // first registration or last refresh
	Expires    time.Time // as the phone was told

	secret uint64    // hash of the secret it was registered with; 0 after a restart
	kept   time.Time // until when the Store has it; zero: not at all
}

// Destination is where requests to the contact are sent: its flow, or the address
// in its URI where the flow has died with a restart.
func (b *Binding) Destination() sip.Destination {
	if b.Flow.IsZero() {
		return sip.URITarget(b.URI)
	}
	return b.Flow
}

// live says whether the binding is current; a removed one has no Granted time.
func (b *Binding) live(now time.Time) bool {
	return b.Granted > 0 && now.Before(b.Expires.Add(grace))
}

// key names a binding in the Store.
type key struct {
	device  office.ID
	contact string
}

func (b *Binding) key() key { return key{b.Device, b.URI.String()} }

// same says whether a REGISTER's contact replaces this binding: the same URI, the
// same instance and flow id (RFC 5626 6), or another name at the very place the
// binding was registered from: phones that make up a new contact user at each
// start leave none behind.
func (b *Binding) same(c *Binding) bool {
	if b.URI.Equal(c.URI) {
		return true
	}
	if c.Instance != "" && b.Instance != "" {
		return c.Instance == b.Instance && c.RegID == b.RegID
	}
	return b.Source == c.Source && b.Flow.Transport() == c.Flow.Transport() &&
		b.URI.Port == c.URI.Port && strings.EqualFold(b.URI.Host, c.URI.Host) &&
		b.CallID != c.CallID
}

// device is what is known of one device; guarded by Registrar.mu. Expired
// bindings stay among the others until they are replaced or forgotten.
type device struct {
	bindings []*Binding
	online   bool
}

func (d *device) current(now time.Time) []Binding {
	var out []Binding
	for _, b := range d.bindings {
		if b.live(now) {
			out = append(out, *b)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Q != out[j].Q {
			return out[i].Q > out[j].Q
		}
		return out[i].Registered.After(out[j].Registered)
	})
	return out
}

func (d *device) find(c *Binding) *Binding {
	for _, b := range d.bindings {
		if b.same(c) {
			return b
		}
	}
	return nil
}

// put adds or replaces; old is the binding of the device that it takes the place
// of, or nil. The caller holds mu.
func (r *Registrar) put(d *device, old, b *Binding, now time.Time) {
	urgent := true
	if old != nil {
		urgent = old.URI != b.URI || old.Flow != b.Flow || !old.live(now)
		r.count.Refreshed.Add(1)
		r.unbind(d, old)
		if old.key() != b.key() {
			r.markDirty(old.key(), true, now)
		}
	} else {
		r.count.Registered.Add(1)
	}
	d.bindings = append(d.bindings, b)
	r.sources[b.Source]++
	r.bound++
	switch {
	case urgent:
		r.markDirty(b.key(), true, now)
	case b.Expires.After(old.kept):
		r.markDirty(b.key(), false, now.Add(refreshWrite))
	default: // the Store knows enough
		b.kept = old.kept
	}
	if !d.online {
		d.online = true
		r.pending = append(r.pending, Change{b.Device, true, b.Agent, b.Source})
	}
}

// unbind takes a binding out of the device's list and of the counts.
func (r *Registrar) unbind(d *device, b *Binding) {
	d.bindings = slices.DeleteFunc(d.bindings, func(x *Binding) bool { return x == b })
	if b.Granted > 0 {
		r.uncount(b)
	}
}

// uncount is for a binding that is no longer current.
func (r *Registrar) uncount(b *Binding) {
	r.bound--
	if r.sources[b.Source]--; r.sources[b.Source] <= 0 {
		delete(r.sources, b.Source)
	}
}

// end makes a binding expired: it can't be called any more but its source stays
// known. The caller holds mu.
func (r *Registrar) end(d *device, b *Binding, now time.Time) {
	if b.Granted > 0 {
		r.uncount(b)
		b.Granted = 0
		if b.Expires.After(now) {
			b.Expires = now
		}
	}
	r.markDirty(b.key(), true, now)
	r.trimExpired(d, now)
	r.checkOnline(d, b, now)
}

// drop forgets a binding altogether. The caller holds mu.
func (r *Registrar) drop(d *device, b *Binding, now time.Time) {
	r.unbind(d, b)
	r.markDirty(b.key(), true, now)
	r.checkOnline(d, b, now)
}

// trimExpired forgets the oldest expired bindings of a device beyond keptExpired.
func (r *Registrar) trimExpired(d *device, now time.Time) {
	for {
		var oldest *Binding
		n := 0
		for _, b := range d.bindings {
			if b.Granted > 0 {
				continue
			}
			n++
			if oldest == nil || b.Expires.Before(oldest.Expires) {
				oldest = b
			}
		}
		if oldest == nil || n <= keptExpired && now.Sub(oldest.Expires) <= rememberExpired {
			return
		}
		r.unbind(d, oldest)
		r.markDirty(oldest.key(), true, now)
	}
}

// checkOnline announces a device that has lost its last binding; last is it.
func (r *Registrar) checkOnline(d *device, last *Binding, now time.Time) {
	if !d.online {
		return
	}
	for _, b := range d.bindings {
		if b.live(now) {
			return
		}
	}
	d.online = false
	r.pending = append(r.pending, Change{last.Device, false, last.Agent, last.Source})
}

// restore takes a stored binding back in. The caller holds mu.
//
// The wall clock may be wrong at start, or have been when the phone registered. So what
// was current when the box ended is current now: for the rest of its time where the
// clock says that there is one, else for as long as the phone was granted, within which
// it comes again. A phone that is gone meanwhile rings in vain for so long; the other
// way round an office that is there could not be called. A TCP connection has not
// survived. The Store has a binding for longer than the phone was told, as its refreshes
// are not all written; it is believed for no longer than the phone was granted.
func (r *Registrar) restore(s Binding, now time.Time) {
	a, ok := r.o.Account(s.Username)
	if !ok || a.Device != s.Device || s.URI.IsZero() {
		return
	}
	b := &s
	b.secret = 0
	left := b.Expires.Sub(now)
	b.kept = now.Add(left)
	anew := false
	if b.Granted > 0 {
		anew = b.Registered.After(now) || left <= 0
		if anew || left > b.Granted {
			left = b.Granted
		}
	}
	// From here on it lives by the steady clock of now: setting the wall clock, as a box
	// without a battery does soon after its start, must not end it.
	b.Registered, b.Expires = now.Add(min(b.Registered.Sub(now), 0)), now.Add(left)
	if a.Disabled && b.Granted > 0 {
		b.Granted, b.Expires = 0, now
	}
	if b.Granted == 0 && now.Sub(b.Expires) > rememberExpired {
		return
	}
	if b.Flow.Transport() != sip.UDP {
		b.Flow = sip.Flow{}
	}
	d := r.device(b.Device)
	d.bindings = append(d.bindings, b)
	if anew { // the next start counts from here
		r.markDirty(b.key(), true, now)
	}
	if b.Granted == 0 {
		return
	}
	r.bound++
	r.sources[b.Source]++
	if !d.online {
		d.online = true
		r.pending = append(r.pending, Change{b.Device, true, b.Agent, b.Source})
	}
}

// keep is until when the Store is to have a binding: with slack where the phone has
// registered since the start, and may do so again. What was only read from the Store gets
// none, or a phone that is gone would stay with every start.
func (b *Binding) keep() time.Time {
	if b.Granted == 0 || b.secret == 0 {
		return b.Expires
	}
	return b.Expires.Add(slack)
}

// stored is a binding as the Store has it: its times by the wall clock as it reads now,
// whatever it read when the phone registered, and kept until then.
func (b *Binding) stored(now, until time.Time) Binding {
	s := *b
	s.Registered, s.Expires = now.Add(b.Registered.Sub(now)), now.Add(until.Sub(now))
	return s
}

func (r *Registrar) device(id office.ID) *device {
	d := r.devices[id]
	if d == nil {
		d = &device{}
		r.devices[id] = d
	}
	return d
}

// markDirty notes that the Store does not have a binding's state and should have it
// by due; fresh: it is more than a refresh. The caller holds mu.
func (r *Registrar) markDirty(k key, fresh bool, due time.Time) {
	if r.o.Store == nil {
		return
	}
	r.dirty[k] = r.dirty[k] || fresh
	if r.writeAt.IsZero() || due.Before(r.writeAt) {
		r.writeAt = due
		r.wake()
	}
}
