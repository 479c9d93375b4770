// Package lamp lights the keys of desk phones (busy lamp fields): phones subscribe to
// the dialog event package (RFC 6665, RFC 4235) of an extension, or of the feature
// codes that tell the state of their own person, and are told what changes. It never
// tells who is at the other end of a call, nor what another person does as an agent.
//
// The pure parts are in machine.go (one subscription), picture.go (what a lamp shows)
// and document.go (what is said on the wire). Each subscription is handled in the
// queue of its Call-ID in pbx/sip. The package starts no goroutine; Run keeps which
// subscriptions there are and says good-bye.
package lamp

import (
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/dialog"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
)

// Phones is what a Board needs of the registrar.
type Phones interface {
	// Authenticate proves who sends a request, or says what to answer.
	Authenticate(req *sip.Request, now time.Time) (office.ID, *sip.Response)
	Contacts(device office.ID) []registrar.Binding
}

// Options of a Board. Stack, Phones, Office, MaySee and Now are needed.
type Options struct {
	Stack  *sip.Stack
	Phones Phones
	Office func() *office.Document
	// MaySee is the gate: whether a person may see what a person does as an agent.
	MaySee func(viewer, of journal.SubjectID) bool
	Now    func() time.Time // wall clock, for credentials alone
	Store  Store            // nil: after a crash phones find out when they renew
	Log    *slog.Logger     // slog.Default if nil

	MinExpires time.Duration // shorter ones get 423; 30 s if 0
	MaxExpires time.Duration // longer ones and those unnamed are cut; 15 min if 0
	PerPhone   int           // subscriptions of one phone, beyond that 403; 128 if 0
	All        int           // of all phones, beyond that 503; 4,000 if 0
}

// Board keeps the subscriptions. Its methods may be called from any goroutine and
// never block.
type Board struct {
	o    Options
	born time.Time

	mu       sync.Mutex
	picture  picture
	subs     map[string]*subscription // by dialog.KeyOf
	of       map[office.ID]map[*subscription]bool
	watchers map[any]map[*subscription]bool // by office.ID of a phone, or journal.SubjectID
	dirty    map[dialog.PeerRecord]bool     // what the Store does not have
	unsaved  chan struct{}                  // 1: a wake-up not yet seen stands for all
	closed   bool
	empty    chan struct{} // closed when the last one has gone after the end began
}

// New checks the options.
func New(o Options) (*Board, error) {
	if o.Stack == nil || o.Phones == nil || o.Office == nil || o.MaySee == nil || o.Now == nil {
		return nil, errors.New("lamp: an option is missing")
	}
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
	if o.Log == nil {
		o.Log = slog.Default()
	}
	orDuration(&o.MinExpires, 30*time.Second)
	orDuration(&o.MaxExpires, 15*time.Minute)
	orInt(&o.PerPhone, 128)
	orInt(&o.All, 4000)
	return &Board{o: o, born: time.Now(), picture: newPicture(), subs: map[string]*subscription{},
		of: map[office.ID]map[*subscription]bool{}, watchers: map[any]map[*subscription]bool{},
		dirty: map[dialog.PeerRecord]bool{}, unsaved: make(chan struct{}, 1), empty: make(chan struct{})}, nil
}

// now counts from the Board's beginning: steps of the wall clock do not reach it.
func (b *Board) now() time.Duration { return time.Since(b.born) }

// Subscriptions returns how many there are.
func (b *Board) Subscriptions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.subs)
}

// Phone takes what a dialog of a telephone does: ringing, any other state but ended
// (in use), ended.
func (b *Board) Phone(call journal.CallID, leg journal.LegID, device office.ID, st journal.LegState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.picture.leg(legKey{call, leg}, device, st) {
		b.poke(device)
	}
}

// Agent takes what the journal says of an agent.
func (b *Board) Agent(e journal.AgentChanged) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.picture.agent(e) {
		b.poke(e.Agent)
	}
}

// Break takes that a break from the screen was proposed to an agent: who works from
// the desk phone alone sees it by the lamp of its code.
func (b *Board) Break(e journal.BreakProposed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.picture.propose(e.Agent) {
		b.poke(e.Agent)
	}
}

// Remember takes the states of agents of whom Agent has said nothing yet.
func (b *Board) Remember(list []journal.AgentChanged) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range list {
		if _, known := b.picture.agents[e.Agent]; !known && b.picture.agent(e) {
			b.poke(e.Agent)
		}
	}
}

// poke has those who watch look again. b.mu is held.
func (b *Board) poke(watched any) {
	for s := range b.watchers[watched] {
		b.wake(s)
	}
}

// wake has a subscription look once, however often it is woken meanwhile. b.mu is held.
func (b *Board) wake(s *subscription) {
	if !s.woken {
		s.woken = true
		b.o.Stack.Queue(s.peer.CallID(), s.look)
	}
}

// PhoneGone ends the subscriptions of a phone that is registered no more. One that
// comes back subscribes anew.
func (b *Board) PhoneGone(device office.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.of[device] {
		s.endLater(reasonProbation)
	}
}

// OfficeChanged finds anew what each lamp watches, and ends what cannot be watched
// any more.
func (b *Board) OfficeChanged(doc *office.Document) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.subs {
		if d := doc.DeviceByID(s.device); d == nil || d.Disabled {
			s.endLater(reasonRejected)
			continue
		}
		w, ok := b.resolve(doc, s.device, s.dialled)
		if !ok {
			s.endLater(reasonNoResource)
			continue
		}
		b.index(s, false)
		s.watch = w
		b.index(s, true)
		b.wake(s)
	}
}

// resolve asks the gate, too.
func (b *Board) resolve(doc *office.Document, device office.ID, dialled string) (watch, bool) {
	w, ok := resolve(doc, device, dialled)
	if !ok || w.person != "" && !b.o.MaySee(doc.DeviceByID(device).Owner, w.person) {
		return watch{}, false
	}
	return w, true
}

// index enters a subscription with those who watch what it watches, or takes it out.
// b.mu is held.
func (b *Board) index(s *subscription, in bool) {
	keys := make([]any, 0, len(s.watch.devices)+1)
	for _, d := range s.watch.devices {
		keys = append(keys, d)
	}
	if s.watch.person != "" {
		keys = append(keys, s.watch.person)
	}
	for _, k := range keys {
		enter(b.watchers, k, s, in)
	}
}

func enter[K comparable](m map[K]map[*subscription]bool, k K, s *subscription, in bool) {
	if in {
		if m[k] == nil {
			m[k] = map[*subscription]bool{}
		}
		m[k][s] = true
		return
	}
	delete(m[k], s)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}

// remove forgets a subscription. b.mu is held.
func (b *Board) remove(s *subscription) {
	key := s.peer.Key()
	if b.subs[key] != s {
		return
	}
	delete(b.subs, key)
	enter(b.of, s.device, s, false)
	b.index(s, false)
	b.keep(s)
	if b.closed && len(b.subs) == 0 {
		close(b.empty)
	}
}

func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// Admit implements dialog.Subscriptions.
func (b *Board) Admit(req *sip.Request) (dialog.Identity, *sip.Response) {
	var nobody dialog.Identity
	v, _ := req.Header("Event")
	ev, ok := parseEvent(v)
	if !ok {
		resp := sip.NewResponse(req, 489, "")
		resp.AddHeader("Allow-Events", sip.AllowedEvents)
		return nobody, resp
	}
	within := req.To().Tag() != ""
	s := b.find(req)
	if within && (s == nil || s.event != ev) {
		return nobody, sip.NewResponse(req, 481, "")
	}
	if !accepts(req.Headers("Accept")) {
		resp := sip.NewResponse(req, 406, "")
		resp.AddHeader("Accept", contentType)
		return nobody, resp
	}
	if d, given := req.Expires(); given && d > 0 && d < b.o.MinExpires {
		resp := sip.NewResponse(req, 423, "")
		resp.AddHeader("Min-Expires", seconds(b.o.MinExpires))
		return nobody, resp
	}
	if len(req.Contacts()) != 1 && !within || len(req.Contacts()) > 1 {
		return nobody, sip.NewResponse(req, 400, "Bad Request: one Contact")
	}
	device, resp := b.o.Phones.Authenticate(req, b.o.Now())
	switch {
	case resp != nil:
		return nobody, resp
	case within && s.device != device:
		return nobody, sip.NewResponse(req, 403, "")
	case len(b.o.Phones.Contacts(device)) == 0:
		resp := sip.NewResponse(req, 480, "Not Registered")
		resp.AddHeader("Retry-After", "10")
		return nobody, resp
	}
	if !within {
		if _, ok := b.resolve(b.o.Office(), device, req.URI().Username()); !ok || ev.one {
			return nobody, sip.NewResponse(req, 404, "")
		}
	}
	return dialog.Identity{Device: device}, nil
}

func (b *Board) find(req *sip.Request) *subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.subs[dialog.KeyOf(req)]
}
