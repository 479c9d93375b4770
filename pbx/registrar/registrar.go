// Package registrar keeps the bindings of the box's phones (RFC 3261 10): which
// contact of which device can be reached over which flow until when. It
// authenticates phones by digest (RFC 7616, 8760) and brakes the guessing of
// passwords. It never sends a message: it answers requests handed to it, says
// whom a request comes from, and announces phones that come and go.
//
// Methods may be called from any goroutine; they take short locks, never wait for
// the disk and never block. New starts no goroutine; Run expires bindings and
// writes changed ones to the Store in batches.
package registrar

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"centralino/internal/office"
	"centralino/pbx/sip"
)

// Digest algorithms of an account (RFC 8760).
const (
	MD5    = "MD5"
	SHA256 = "SHA-256"
)

// Account is the SIP account of a device.
type Account struct {
	Device    office.ID
	Secret    string
	Algorithm string // MD5 if empty
	// Disabled: it may neither register nor call; but who was registered before is
	// still known at its source, for emergency calls.
	Disabled bool
}

// Change reports that a device registered for the first time or is gone:
// refreshes and further contacts are silent.
type Change struct {
	Device office.ID
	Online bool
	Agent  string         // User-Agent of the phone
	Source netip.AddrPort // where it registered from
}

// Options of a registrar. Account and Now are needed.
type Options struct {
	// Account finds the account of a user name. It is called for each credential
	// from any goroutine and must not block; false means unknown or disabled.
	Account func(username string) (Account, bool)
	Now     func() time.Time
	Realm   string // of challenges, "centralino" if empty
	Store   Store  // nil keeps bindings in memory alone

	MinExpires     time.Duration // shorter ones get 423; 30 s if 0
	MaxExpires     time.Duration // longer ones are cut; 1 h if 0
	DefaultExpires time.Duration // of a REGISTER that names none; 10 min if 0
	MaxContacts    int           // of one account; the least recently refreshed makes room; 6 if 0
	MaxBindings    int           // of all accounts, beyond that 503; 20,000 if 0
	NonceLife      time.Duration // a nonce is good for this long at least, twice at most; 5 min if 0

	// OnChange hears of phones that come and go, in order. It may call the
	// registrar but must not block.
	OnChange func(Change)
	// OnBackoff hears that guesses from a source at an account are being braked,
	// once per start of a brake. It must not block.
	OnBackoff func(source netip.Addr, username string)
	// Local says which addresses belong to the local network; if nil private,
	// link-local and loopback ones do.
	Local func(netip.Addr) bool
	Log   *slog.Logger // slog.Default if nil
	// Random fills b with random octets; crypto/rand if nil.
	Random func(b []byte)
}

// Counters of a registrar, all since start.
type Counters struct {
	Registered, Refreshed, Removed, Expired atomic.Uint64 // bindings
	Challenged, Stale, Replayed             atomic.Uint64 // requests challenged; with a nonce too old or used before
	WrongPassword, Braked                   atomic.Uint64 // credentials that are wrong; not looked at
	Refused                                 atomic.Uint64 // REGISTERs answered 4xx or 5xx after their digest
	StoreErrors                             atomic.Uint64
}

// Registrar keeps bindings. See New.
type Registrar struct {
	o     Options
	count Counters
	nonce nonces
	brake brakes
	dummy string // secret of unknown accounts, so that they cost the same

	mu      sync.RWMutex
	devices map[office.ID]*device
	sources map[netip.AddrPort]int // how many current bindings came from there
	bound   int                    // current bindings of all devices
	dirty   map[key]bool           // what the Store does not have; true: more than a refresh
	writeAt time.Time              // when it should have all of that; zero: dirty is empty
	refused int                    // how often in a row the Store refused, as far as it counts
	pending []Change

	announcing sync.Mutex    // held while OnChange runs, so that changes stay in order
	woken      chan struct{} // 1: a wake-up not yet seen stands for all
}

// New checks the options and makes an empty registrar; Load brings stored
// bindings back.
func New(o Options) (*Registrar, error) {
	if o.Account == nil || o.Now == nil {
		return nil, errors.New("registrar: Account and Now are required")
	}
	setDefaults(&o)
	if o.MinExpires > o.DefaultExpires || o.DefaultExpires > o.MaxExpires {
		return nil, errors.New("registrar: expiry limits contradict each other")
	}
	secret := make([]byte, 16)
	o.Random(secret)
	r := &Registrar{o: o, dummy: string(secret), devices: map[office.ID]*device{},
		sources: map[netip.AddrPort]int{}, dirty: map[key]bool{}, woken: make(chan struct{}, 1)}
	r.nonce.init(o.Random, o.NonceLife, o.Now())
	r.brake.init()
	return r, nil
}

func setDefaults(o *Options) {
	orDuration := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	orInt := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	orDuration(&o.MinExpires, 30*time.Second)
	orDuration(&o.MaxExpires, time.Hour)
	orDuration(&o.DefaultExpires, 10*time.Minute)
	orDuration(&o.NonceLife, 5*time.Minute)
	orInt(&o.MaxContacts, 6)
	orInt(&o.MaxBindings, 20000)
	if o.Realm == "" {
		o.Realm = "centralino"
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Local == nil {
		o.Local = func(a netip.Addr) bool { return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback() }
	}
	if o.OnChange == nil {
		o.OnChange = func(Change) {}
	}
	if o.OnBackoff == nil {
		o.OnBackoff = func(netip.Addr, string) {}
	}
	if o.Random == nil {
		o.Random = func(b []byte) { _, _ = rand.Read(b) } // never fails since Go 1.24
	}
}

// Counters returns the live counters.
func (r *Registrar) Counters() *Counters { return &r.count }

// Register answers a REGISTER (RFC 3261 10.3). It keeps nothing for one without
// good credentials and repeats its answer to a retransmission, so it may be called
// without a transaction.
func (r *Registrar) Register(req *sip.Request, now time.Time) *sip.Response {
	aor := req.To().URI.Username()
	who, resp := r.authenticate(req, now, aor)
	if resp != nil {
		return resp
	}
	if who.username != aor {
		return r.refuse(req, 403, "Not Your Account")
	}
	resp = r.update(req, who, now)
	r.announce()
	return resp
}

// Authenticate says which device sends a request outside of dialogs by its digest
// credentials. If it can't, it returns the response to send: always the same
// challenge, whether the account exists, the password is wrong or guesses are
// being braked.
func (r *Registrar) Authenticate(req *sip.Request, now time.Time) (office.ID, *sip.Response) {
	who, resp := r.authenticate(req, now, req.From().URI.Username())
	if resp != nil {
		return "", resp
	}
	return who.account.Device, nil
}

// Contacts returns the current bindings of a device, highest q first, then the
// most recently refreshed. It is empty when the device can't be reached.
func (r *Registrar) Contacts(id office.ID) []Binding {
	now := r.o.Now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	d := r.devices[id]
	if d == nil {
		return nil
	}
	return d.current(now)
}

// Online returns the devices that have a current binding.
func (r *Registrar) Online() []office.ID {
	now := r.o.Now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []office.ID
	for id, d := range r.devices {
		if len(d.current(now)) > 0 {
			out = append(out, id)
		}
	}
	return out
}

// Exempt says whether a current binding came from exactly this address: such
// packets are not counted by the flood budgets. It is made for every packet.
func (r *Registrar) Exempt(addr netip.AddrPort) bool {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sources[addr] > 0
}

// KnownSource says whether a phone of the box is or was registered from this
// address of the local network, for emergency calls that need no digest. The
// address's own port decides between several devices at one address, else the
// most recent registration. expired tells that the binding is no longer current;
// expired ones are remembered for 30 days.
func (r *Registrar) KnownSource(addr netip.AddrPort, now time.Time) (id office.ID, known, expired bool) {
	ip := addr.Addr().Unmap()
	if !r.o.Local(ip) {
		return "", false, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	var best *Binding
	rank := func(b *Binding) (int, time.Time) {
		n := 0
		if b.live(now) {
			n += 2
		}
		if b.Source.Port() == addr.Port() {
			n++
		}
		return n, b.Registered
	}
	for _, d := range r.devices {
		for _, b := range d.bindings {
			if b.Source.Addr() != ip || now.Sub(b.Expires) > rememberExpired {
				continue
			}
			if best == nil {
				best = b
				continue
			}
			n, at := rank(b)
			m, bestAt := rank(best)
			if n > m || n == m && at.After(bestAt) {
				best = b
			}
		}
	}
	if best == nil {
		return "", false, false
	}
	return best.Device, true, !best.live(now)
}

// Recheck drops the bindings whose account is no more (deleted, or of another
// device now) and ends those of a disabled account and those that were made with
// another secret. Call it after the office has changed.
func (r *Registrar) Recheck() {
	now := r.o.Now()
	r.mu.Lock()
	for id, d := range r.devices {
		for _, b := range append([]*Binding(nil), d.bindings...) {
			a, ok := r.o.Account(b.Username)
			switch {
			case !ok || a.Device != id:
				r.drop(d, b, now)
			case a.Disabled:
				if b.Granted > 0 {
					r.end(d, b, now)
				}
			case b.Granted > 0 && b.secret != 0 && b.secret != secretHash(a.Secret):
				r.count.Removed.Add(1)
				r.end(d, b, now)
			}
		}
	}
	r.mu.Unlock()
	r.announce()
}

// Load brings back the bindings of the Store, so that phones ring after a restart
// without registering again. Call it before requests come. An error leaves the
// registrar empty and usable.
func (r *Registrar) Load(ctx context.Context) error {
	if r.o.Store == nil {
		return nil
	}
	stored, err := r.o.Store.Load(ctx)
	if err != nil {
		r.count.StoreErrors.Add(1)
		return err
	}
	now := r.o.Now()
	r.mu.Lock()
	for _, b := range stored {
		r.restore(b, now)
	}
	r.mu.Unlock()
	r.announce()
	return nil
}

func (r *Registrar) refuse(req *sip.Request, status int, reason string) *sip.Response {
	r.count.Refused.Add(1)
	return sip.NewResponse(req, status, reason)
}

// announce calls OnChange for what is pending, in order, without holding mu.
func (r *Registrar) announce() {
	r.mu.RLock()
	none := len(r.pending) == 0
	r.mu.RUnlock()
	if none {
		return
	}
	r.announcing.Lock()
	defer r.announcing.Unlock()
	for {
		r.mu.Lock()
		if len(r.pending) == 0 {
			r.mu.Unlock()
			return
		}
		c := r.pending[0]
		r.pending = r.pending[1:]
		r.mu.Unlock()
		r.o.OnChange(c)
	}
}
