// Package pbxtest is a SIP phone for tests: real signalling and media of the box's
// own rooms over networks in memory, so that it lives in a testing/synctest bubble.
// What real phones do is tested with real phones; this one makes days of traffic
// pass in seconds. It starts its stack and plane in Run, which ends with its
// context.
package pbxtest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"centralino/pbx/dialog"
	"centralino/pbx/media"
	"centralino/pbx/sdp"
	"centralino/pbx/sip"

	"github.com/icholy/digest"
)

// PhoneOptions say which phone.
type PhoneOptions struct {
	User  string
	Addr  netip.AddrPort // its own SIP address
	Box   netip.AddrPort // where it sends its calls
	SIP   *sip.MemNet
	Media *media.MemNet
	// Wire and Ports put the phone on other networks than SIP and Media, for
	// instance on the kernel's.
	Wire  sip.Net
	Ports media.Net
	// Answer decides about a call that comes: after how long it is answered, or
	// ok false to refuse it with Code.
	Answer func() (after time.Duration, code int, ok bool)
	// Password answers the box's challenges (digest, MD5).
	Password string
	Log      *slog.Logger
	// Stateless makes it a provider: it answers requests outside of calls.
	Stateless func(req *sip.Request) *sip.Response
}

// Phone is one telephone with one call at a time.
type Phone struct {
	o     PhoneOptions
	stack *sip.Stack
	agent *dialog.Agent
	plane *media.Plane

	mu   sync.Mutex
	call *Call
	Rung int // calls that rang here, guarded by mu: see Rings

	lamps map[string]*Lamp // by Call-ID, guarded by mu
}

// Call is a call at a phone.
type Call struct {
	p       *Phone
	leg     *dialog.Leg
	stream  *media.Stream
	local   *sdp.Description
	up, end chan struct{}
	once    sync.Once
	upOnce  sync.Once
	Code    int // final response of a call that failed
	// Elsewhere: the ringing was cancelled because another phone answered.
	Elsewhere bool
	dead      bool
	Digits    []byte // heard

	told []int  // of a transfer, guarded by the phone's mu
	rtag string // of the box, guarded likewise
}

// New makes a phone. Run must follow.
func New(o PhoneOptions) (*Phone, error) {
	p := &Phone{o: o, lamps: map[string]*Lamp{}}
	var err error
	wire, ports := o.Wire, o.Ports
	if wire == nil {
		wire = o.SIP.Host(o.Addr.Addr())
	}
	if ports == nil {
		ports = o.Media
	}
	p.stack, err = sip.New(sip.Options{Net: wire, UDP: []netip.AddrPort{o.Addr}, Log: o.Log})
	if err != nil {
		return nil, err
	}
	p.plane, err = media.New(media.Options{Net: ports, Loops: 1})
	if err != nil {
		return nil, err
	}
	p.agent = dialog.New(p.stack, dialog.Options{Incoming: p.incoming, Stateless: o.Stateless, Log: o.Log})
	p.stack.Handle(handler{p.agent, p})
	return p, nil
}

// Run runs the phone until ctx ends.
func (p *Phone) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { p.stack.Run(ctx) })
	wg.Go(func() { p.plane.Run(ctx) })
	wg.Wait()
}

// Contact is where the box reaches the phone.
func (p *Phone) Contact() (sip.URI, sip.Flow) {
	u := sip.URI{Scheme: "sip", User: p.o.User, Host: p.o.Addr.Addr().String(), Port: p.o.Addr.Port()}
	return u, sip.NewFlow(sip.UDP, p.o.Box, p.o.Addr)
}

// Rings is how many calls have rung here.
func (p *Phone) Rings() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Rung
}

// Forget drops the call that the phone is in without a word, as if it had been
// switched off and on.
func (p *Phone) Forget() {
	if c := p.Current(); c != nil {
		c.over()
	}
}

// Current is the call that the phone is in, nil if none.
func (p *Phone) Current() *Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.call
}

func (p *Phone) open() (*media.Stream, error) {
	return p.plane.OpenRTP(media.RTPOptions{Bind: p.o.Addr.Addr()})
}

// incoming rings and then does what Answer says.
func (p *Phone) incoming(in *dialog.Leg) {
	c := &Call{p: p, leg: in, rtag: in.Request().From().Tag(), up: make(chan struct{}), end: make(chan struct{})}
	p.mu.Lock()
	busy := p.call != nil
	if !busy {
		p.call = c
		p.Rung++
	}
	p.mu.Unlock()
	in.Listen(c.handle)
	if busy {
		in.Reject(486, "")
		return
	}
	in.Ring(180, nil)
	after, code, ok := time.Second, 0, true
	if p.o.Answer != nil {
		after, code, ok = p.o.Answer()
	}
	time.AfterFunc(after, func() {
		if !ok {
			in.Reject(code, "")
			return
		}
		c.answer()
	})
}

func (c *Call) answer() {
	select {
	case <-c.end:
		return
	default:
	}
	offer, err := sdp.Parse(c.leg.Offer())
	if err != nil {
		c.leg.Reject(488, "")
		return
	}
	if c.stream, err = c.p.open(); err != nil {
		c.leg.Reject(500, "")
		return
	}
	answer, agreed, err := sdp.Answer(nil, offer, sdp.Local{ID: 1, RTP: c.stream.Local()})
	if err != nil {
		c.leg.Reject(488, "")
		return
	}
	c.local = answer
	c.stream.SetRemote(media.RemoteOf(agreed, netip.Addr{}))
	c.stream.Play(media.NewMusic(nil), 0)
	c.leg.Accept(answer.Marshal())
	c.upOnce.Do(func() { close(c.up) })
}

// Dial calls a number through the box.
func (p *Phone) Dial(number string) (*Call, error) {
	c := &Call{p: p, up: make(chan struct{}), end: make(chan struct{})}
	p.mu.Lock()
	if p.call != nil {
		p.mu.Unlock()
		return nil, fmt.Errorf("phone %s is in a call", p.o.User)
	}
	p.call = c
	p.mu.Unlock()
	var err error
	if c.stream, err = p.open(); err != nil {
		return nil, err
	}
	c.local = sdp.MakeOffer(nil, sdp.Local{ID: 1, RTP: c.stream.Local()})
	box := p.o.Box
	uri := sip.URI{Scheme: "sip", User: number, Host: box.Addr().String(), Port: box.Port()}
	from := sip.Address{URI: sip.URI{Scheme: "sip", User: p.o.User, Host: box.Addr().String()}}
	ready := make(chan struct{})
	c.leg = p.agent.Invite(dialog.InviteOptions{URI: uri, From: from, SDP: c.local.Marshal(), ContactUser: p.o.User,
		Dest: sip.NewFlow(sip.UDP, p.o.Addr, box), Authorize: p.authorize,
		On: func(ev dialog.Event) { <-ready; c.handle(ev) }})
	close(ready)
	return c, nil
}

func (c *Call) handle(ev dialog.Event) {
	switch e := ev.(type) {
	case dialog.Progress:
		c.p.mu.Lock()
		c.rtag = e.Tag
		c.p.mu.Unlock()
	case dialog.Accepted:
		c.p.mu.Lock()
		c.rtag = e.Response.To().Tag()
		c.p.mu.Unlock()
		answer, err := sdp.Parse(e.SDP)
		if e.SDP == nil || err != nil {
			break
		}
		if agreed, err := sdp.Accept(c.local, answer); err == nil {
			c.stream.SetRemote(media.RemoteOf(agreed, netip.Addr{}))
			c.stream.Play(media.NewMusic(nil), 0)
		}
		c.upOnce.Do(func() { close(c.up) })
	case dialog.Reinvited:
		offer, err := sdp.Parse(e.SDP)
		if err != nil || c.stream == nil {
			c.leg.RejectReinvite(488)
			return
		}
		answer, agreed, err := sdp.Answer(c.local, offer, sdp.Local{ID: 1, RTP: c.stream.Local()})
		if err != nil {
			c.leg.RejectReinvite(488)
			return
		}
		c.local = answer
		c.stream.SetRemote(media.RemoteOf(agreed, netip.Addr{}))
		c.leg.AnswerReinvite(answer.Marshal())
	case dialog.Notified:
		c.p.mu.Lock()
		c.told = append(c.told, e.Code)
		c.p.mu.Unlock()
		if e.Last && e.Code/100 == 2 { // as telephones do: the other side is in good hands
			c.leg.Bye("")
		}
	case dialog.Failed:
		c.Code = e.Code
		c.over()
	case dialog.Cancelled:
		c.Elsewhere = e.Elsewhere
		c.over()
	case dialog.Ended, dialog.Lost:
		c.over()
	}
}

func (c *Call) over() {
	c.once.Do(func() {
		c.p.mu.Lock()
		if c.p.call == c {
			c.p.call = nil
		}
		c.p.mu.Unlock()
		close(c.end)
		if s := c.stream; s != nil {
			go s.Close() // waits for the loop; ends at once
		}
	})
}

// Up is closed when the call is answered, End when it is over.
func (c *Call) Up() <-chan struct{} { return c.up }

// End is closed when the call is over.
func (c *Call) End() <-chan struct{} { return c.end }

// HangUp ends the call.
func (c *Call) HangUp() { c.leg.Bye("") }

// Press sends keys.
func (c *Call) Press(keys string) {
	if c.stream != nil {
		c.stream.SendDTMF(keys)
	}
}

// Refer asks the box to hand the other side on to a number. Told is what the phone has
// heard of it: the answer, and then each NOTIFY.
func (c *Call) Refer(number string, more ...dialog.Header) {
	box := c.p.o.Box
	c.leg.Refer(sip.Address{URI: sip.URI{Scheme: "sip", User: number, Host: box.Addr().String()}}, c.p.authorize, more...)
}

// ReferTo asks the box to join the other side with the one of another call that the
// person has made (RFC 5589 7): c2 is the call whose dialog is to be replaced.
func (c *Call) ReferTo(number string, c2 *Call) {
	c2.p.mu.Lock()
	id, tag, _ := strings.Cut(c2.leg.ID(), "|")
	replaces := id + ";to-tag=" + c2.rtag + ";from-tag=" + tag
	c2.p.mu.Unlock()
	box := c.p.o.Box
	c.leg.Refer(sip.Address{URI: sip.URI{Scheme: "sip", User: number, Host: box.Addr().String(), Headers: "Replaces=" + url.QueryEscape(replaces)}}, c.p.authorize)
}

// Told: see Refer.
func (c *Call) Told() []int {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	return slices.Clone(c.told)
}

// Hold asks the box to hold, or to resume, by a re-INVITE.
func (c *Call) Hold(d sdp.Direction) {
	c.local = sdp.MakeOffer(c.local, sdp.Local{ID: 1, RTP: c.stream.Local(), Direction: d})
	c.leg.Reinvite(c.local.Marshal())
}

// HoldOld asks the box to hold as phones of RFC 2543 do: the connection address is
// 0.0.0.0 (RFC 3264 8.4).
func (c *Call) HoldOld() {
	c.local = sdp.MakeOffer(c.local, sdp.Local{ID: 1, RTP: c.stream.Local()})
	own := []byte("c=IN IP4 " + c.stream.Local().Addr().String())
	c.leg.Reinvite(bytes.ReplaceAll(c.local.Marshal(), own, []byte("c=IN IP4 0.0.0.0")))
}

// Port is where the phone wants its sound.
func (c *Call) Port() netip.AddrPort { return c.stream.Local() }

// Die makes the phone vanish from one moment to the next: it sends nothing more.
func (c *Call) Die() {
	c.dead = true
	if c.stream != nil {
		c.stream.Stop()
		c.stream.SetRemote(media.Remote{})
	}
}

// Stats are the figures of the call's media.
func (c *Call) Stats() media.Stats { return c.stream.Stats() }

// UserAgent is what the phone calls itself.
const UserAgent = "pbxtest phone"

// Register registers the phone at the box for an hour.
func (p *Phone) Register(ctx context.Context) error {
	return p.RegisterAs(ctx, p.o.User)
}

// RegisterAs registers a contact with a user part of its own, as phones do that make
// one up at every start, and takes back those before it in the same request.
func (p *Phone) RegisterAs(ctx context.Context, user string, before ...string) error {
	id, tag := sip.NewCallID(), sip.NewTag()
	box := sip.URI{Scheme: "sip", Host: p.o.Box.Addr().String(), Port: p.o.Box.Port()}
	aor := sip.Address{URI: sip.URI{Scheme: "sip", User: p.o.User, Host: box.Host}}
	contact, _ := p.Contact()
	contact.User = user
	contacts := sip.Address{URI: contact}.String() + ";expires=3600"
	for _, gone := range before {
		contact.User = gone
		contacts += ", " + sip.Address{URI: contact}.String() + ";expires=0"
	}
	make := func(cseq string) *sip.Request {
		req := sip.NewRequest(sip.REGISTER, box)
		req.SetHeader("From", aor.WithTag(tag).String())
		req.SetHeader("To", aor.String())
		req.SetHeader("Call-ID", id)
		req.SetHeader("CSeq", cseq+" REGISTER")
		req.SetHeader("Contact", contacts)
		req.SetHeader("User-Agent", UserAgent)
		return req
	}
	to := sip.NewFlow(sip.UDP, p.o.Addr, p.o.Box)
	resp, err := p.stack.Do(ctx, make("1"), to)
	if err != nil {
		return err
	}
	if resp.Status() == 401 {
		req := make("2")
		if !p.authorize(resp, req) {
			return fmt.Errorf("phone %s: no challenge in the 401", p.o.User)
		}
		if resp, err = p.stack.Do(ctx, req, to); err != nil {
			return err
		}
	}
	if resp.Status() != 200 {
		return fmt.Errorf("phone %s: REGISTER answered %d", p.o.User, resp.Status())
	}
	return nil
}

// authorize adds digest credentials to req (RFC 7616, by a library that is not the
// registrar's own code).
func (p *Phone) authorize(challenge *sip.Response, req *sip.Request) bool {
	header, answer := "WWW-Authenticate", "Authorization"
	if challenge.Status() == 407 {
		header, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	text, ok := challenge.Header(header)
	if !ok {
		return false
	}
	c, err := digest.ParseChallenge(text)
	if err != nil {
		return false
	}
	cred, err := digest.Digest(c, digest.Options{Method: req.Method(), URI: req.URI().String(),
		Username: p.o.User, Password: p.o.Password, Count: 1})
	if err != nil {
		return false
	}
	req.SetHeader(answer, cred.String())
	return true
}
