package lamp

import (
	"time"

	"centralino/internal/office"
	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// subscription is one key of a phone. Its machine belongs to the queue of its Call-ID.
type subscription struct {
	b       *Board
	device  office.ID
	dialled string // what it is about, as the phone said
	entity  string
	event   event
	peer    *dialog.Peer
	from    sip.Flow          // over which it was asked for first
	record  dialog.PeerRecord // what is kept of it over a restart
	machine machine
	stop    func() // of the timer, nil if none runs

	watch watch // guarded by Board.mu, as is woken
	woken bool
}

// Subscribe implements dialog.Subscriptions.
func (b *Board) Subscribe(tx sip.ServerTx, from dialog.Identity) {
	req := tx.Request()
	expires, given := req.Expires()
	if !given || expires > b.o.MaxExpires {
		expires = b.o.MaxExpires
	}
	resp := sip.NewResponse(req, 200, "")
	s := b.find(req)
	if s == nil {
		var refusal *sip.Response
		if s, refusal = b.begin(req, resp, from.Device); refusal != nil {
			_ = tx.Respond(refusal)
			return
		}
	} else if code := s.renew(req); code != 0 {
		_ = tx.Respond(sip.NewResponse(req, code, ""))
		return
	}
	resp.AddHeader("Expires", seconds(expires))
	resp.AddHeader("Contact", s.peer.Contact(b.o.Stack))
	resp.AddHeader("Allow-Events", sip.AllowedEvents)
	_ = tx.Respond(resp)
	s.machine.subscribe(b.now(), expires)
	s.look()
}

// begin makes the subscription that req asks for and resp grants, in the place of one
// that the same phone forgot, or says why not.
func (b *Board) begin(req *sip.Request, resp *sip.Response, device office.ID) (*subscription, *sip.Response) {
	v, _ := req.Header("Event")
	ev, _ := parseEvent(v)
	uri := req.URI()
	s := &subscription{b: b, device: device, dialled: uri.Username(), event: ev, peer: dialog.NewPeer(req, resp), from: req.Flow(),
		entity: sip.URI{Scheme: "sip", User: uri.User, Host: uri.Host}.String()}
	doc := b.o.Office()
	b.mu.Lock()
	defer b.mu.Unlock()
	var ok bool
	if s.watch, ok = b.resolve(doc, device, s.dialled); !ok { // the office has changed meanwhile
		return nil, sip.NewResponse(req, 404, "")
	}
	for old := range b.of[device] {
		if old.dialled == s.dialled && old.event == s.event && old.from == req.Flow() {
			b.remove(old)
			b.o.Stack.Queue(old.peer.CallID(), old.drop)
		}
	}
	switch {
	case b.closed, len(b.subs) >= b.o.All:
		full := sip.NewResponse(req, 503, "")
		full.AddHeader("Retry-After", "60")
		return nil, full
	case len(b.of[device]) >= b.o.PerPhone:
		return nil, sip.NewResponse(req, 403, "Too Many Lamps")
	}
	s.record = s.peer.Record()
	b.subs[s.peer.Key()] = s
	enter(b.of, device, s, true)
	b.index(s, true)
	b.keep(s)
	return s, nil
}

// renew takes a request within the dialog; 481 once the end has been decided.
func (s *subscription) renew(req *sip.Request) int {
	if s.machine.ending != "" {
		return 481
	}
	return s.peer.Take(req)
}

// endLater ends a subscription in its queue.
func (s *subscription) endLater(reason string) {
	s.b.o.Stack.Queue(s.peer.CallID(), func() {
		s.machine.end(reason)
		s.act()
	})
}

// drop ends it without a word.
func (s *subscription) drop() {
	s.machine.over = true
	s.act()
}

// look sees what the lamp shows and tells it.
func (s *subscription) look() {
	s.b.mu.Lock()
	s.woken = false
	st := s.b.picture.look(s.watch)
	s.b.mu.Unlock()
	s.machine.look(st)
	s.act()
}

// act does what is due.
func (s *subscription) act() {
	if n, ok := s.machine.next(s.b.now()); ok {
		s.notify(n)
	}
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
	if s.machine.over {
		s.b.mu.Lock()
		s.b.remove(s)
		s.b.mu.Unlock()
		return
	}
	if at, ok := s.machine.deadline(); ok {
		s.stop = s.b.o.Stack.After(s.peer.CallID(), at-s.b.now(), s.act)
	}
}

func (s *subscription) notify(n notice) {
	req := s.peer.Request(sip.NOTIFY)
	about := sip.AllowedEvents
	if s.event.id != "" {
		about += ";id=" + s.event.id
	}
	req.AddHeader("Event", about)
	state := "active;expires=" + seconds(n.left)
	if n.ended != "" {
		state = "terminated;reason=" + n.ended
	}
	req.AddHeader("Subscription-State", state)
	req.SetBody(contentType, document(n, s.entity))
	_, err := s.b.o.Stack.Send(req, s.peer.Way(s.moved()), func(resp *sip.Response, err error) {
		if err != nil || resp.Status() >= 200 {
			s.answered(resp, err)
		}
	})
	if err != nil {
		s.b.o.Stack.Queue(s.peer.CallID(), func() { s.answered(nil, err) })
	}
}

// moved finds the phone where it registers from now, nil where it subscribed from: a
// phone that has a new connection or port keeps its lamps.
func (s *subscription) moved() sip.Destination {
	list := s.b.o.Phones.Contacts(s.device)
	for i := range list {
		if list[i].Flow == s.peer.Flow() {
			return nil
		}
	}
	for i := range list {
		if list[i].URI.Equal(s.peer.Target()) {
			return list[i].Destination()
		}
	}
	if len(list) == 1 && list[0].Flow.Transport() == sip.TCP {
		return list[0].Destination()
	}
	return nil
}

func (s *subscription) answered(resp *sip.Response, err error) {
	o, after := outcomeOf(resp, err)
	s.machine.answered(s.b.now(), o, after)
	s.act()
}

// overloadWait is how long a NOTIFY waits that our own stack would not take.
const overloadWait = 5 * time.Second

// outcomeOf reads the answer to a NOTIFY (RFC 6665 4.2.2): who refuses without naming
// a time to come again does not want to hear more.
func outcomeOf(resp *sip.Response, err error) (outcome, time.Duration) {
	switch {
	case err == sip.ErrOverload: //nolint:errorlint // as Send returns it
		return tryLater, overloadWait
	case err != nil:
		return refused, 0
	case resp.Status() < 300:
		return delivered, 0
	case resp.Status() == 481:
		return refused, 0
	}
	v, _ := resp.Header("Retry-After")
	if after := dialog.RetryAfter(v); after > 0 {
		return tryLater, after
	}
	return refused, 0
}
