// Package trunk keeps one SIP trunk of the office in service: it registers with
// the provider (RFC 3261 10.2), watches its servers, tells which incoming calls
// are the provider's, and prepares outgoing ones. It answers digest challenges of
// the trunk's own servers in the trunk's own realm and of nobody else; it never
// sees a call's dialog.
//
// Goroutines: none but the caller's of Run; other methods may be called from any
// goroutine, read a snapshot and never block.
package trunk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/sip"
)

// Sender is what a trunk needs of the SIP wire; *sip.Stack is one.
type Sender interface {
	Do(ctx context.Context, req *sip.Request, to sip.Destination) (*sip.Response, error)
	LocalAddrFor(transport string, remote netip.Addr) netip.AddrPort
}

// Options of a trunk. Line, Config, Stack and Plan are needed.
type Options struct {
	Line     office.ID
	Config   office.Trunk
	Secret   string // the password behind Config.Secret; empty for a trunk known by its address
	Stack    Sender
	Plan     numbering.Plan
	Resolver sip.Resolver // net.DefaultResolver if nil
	// Realms are realms in which the password may be used besides the registrar's.
	Realms []string
	// Watch is how often the server is asked for a sign of life by OPTIONS; 30 s if
	// 0, never if negative.
	Watch time.Duration
	// OnState hears of every change of Phase or Cause, in order, from Run. It must
	// not block.
	OnState func(State)
	Now     func() time.Time // wall clock of State; time.Now if nil
	Log     *slog.Logger     // slog.Default if nil
	// Random in [0,1) for waits; math/rand/v2 if nil.
	Random func() float64
}

// Phase is where a trunk stands.
//
//	registering ─200─▶ registered ─refresh fails, server silent─▶ failed
//	     ▲                                                          │ after a wait
//	     └──────────────────────────────────────────────────────────┘
//
// A trunk that does not register is idle (in service) instead of registered.
type Phase string

// Phases of a trunk. Their texts are those of journal.LineChanged.
const (
	Registering Phase = "registering"
	Registered  Phase = "registered"
	Idle        Phase = "idle" // in service without a registration
	Failed      Phase = "failed"
	Stopped     Phase = "stopped"
)

// Cause says in plain words why a trunk failed.
type Cause string

// Causes of a failure; what a person can do differs for each.
const (
	CausePassword    Cause = "password"    // user or password is wrong
	CauseSecret      Cause = "secret"      // the server wants a password and there is none
	CauseAccount     Cause = "account"     // the server does not know or admit the account (403, 404)
	CauseDNS         Cause = "dns"         // the server's name is not found
	CauseUnreachable Cause = "unreachable" // no answer
	CauseUnavailable Cause = "unavailable" // the server says that it has a problem (5xx, 6xx)
	CauseRefused     Cause = "refused"     // any other refusal; State.Code tells
	CauseChallenge   Cause = "challenge"   // a challenge that must not or can't be answered
	CauseConfig      Cause = "config"      // the server's name can't be read
)

// State is a snapshot of a trunk.
type State struct {
	Phase   Phase
	Cause   Cause // of Failed
	Code    int   // SIP status behind Cause, 0 if there was no answer
	Server  netip.AddrPort
	Since   time.Time
	Expires time.Time // of the registration
}

// Trunk is one trunk. See New.
type Trunk struct {
	o      Options
	target sip.Target
	domain string
	user   string
	auth   string
	token  string // user part of our contact

	// Used by Run alone.
	callID, fromTag string
	cseq            uint32
	challenge       challenge
	registered      sip.URI // contact of the last registration
	failures        int
	kicked          chan struct{} // 1: a kick not yet seen stands for all

	mu      sync.RWMutex
	state   State
	current server
	servers map[netip.Addr]bool // every address that the server's name had
	routes  []string            // Service-Route (RFC 3608)
	realm   string              // of the server, once it is known
}

// New checks the options and makes a trunk that is stopped.
func New(o Options) (*Trunk, error) {
	if o.Line == "" || o.Stack == nil {
		return nil, errors.New("trunk: Line and Stack are required")
	}
	t := &Trunk{o: o, kicked: make(chan struct{}, 1), servers: map[netip.Addr]bool{}}
	target, err := sip.ParseTarget(o.Config.Server)
	if err != nil {
		return nil, fmt.Errorf("trunk %s: %w", o.Line, err)
	}
	if target.Transport == "" {
		target.Transport = o.Config.Transport
	}
	if o.Config.Register && o.Config.User == "" {
		return nil, fmt.Errorf("trunk %s: registers without a user", o.Line)
	}
	t.target = target
	if t.domain = o.Config.Domain; t.domain == "" {
		t.domain = target.Host
	}
	t.user = o.Config.User
	if t.auth = o.Config.AuthUser; t.auth == "" {
		t.auth = t.user
	}
	if t.o.Resolver == nil {
		t.o.Resolver = net.DefaultResolver
	}
	if t.o.Now == nil {
		t.o.Now = time.Now
	}
	if t.o.Log == nil {
		t.o.Log = slog.Default()
	}
	if t.o.Random == nil {
		t.o.Random = rand.Float64
	}
	if t.o.OnState == nil {
		t.o.OnState = func(State) {}
	}
	if t.o.Watch == 0 {
		t.o.Watch = 30 * time.Second
	}
	if t.o.Config.Expires == 0 {
		t.o.Config.Expires = 10 * time.Minute
	}
	t.token = contactToken(o)
	t.state = State{Phase: Stopped, Since: t.o.Now()}
	t.callID = sipToken() + "@" + string(o.Line)
	t.fromTag = sipToken()
	return t, nil
}

// contactToken is the user part of the contact that the provider calls: it names
// the trunk, is the same after a restart, so that it replaces itself, and can't be
// guessed without the password.
func contactToken(o Options) string {
	m := hmac.New(sha256.New, []byte(o.Secret))
	for _, s := range []string{string(o.Line), o.Config.Server, o.Config.User} {
		m.Write([]byte(s))
		m.Write([]byte{0})
	}
	return tokenPrefix + hex.EncodeToString(m.Sum(nil)[:10])
}

// tokenPrefix begins the contact user of every trunk.
const tokenPrefix = "line-"

func sipToken() string { return fmt.Sprintf("%016x", rand.Uint64()) }

// Line returns the line of the office that the trunk is.
func (t *Trunk) Line() office.ID { return t.o.Line }

// State returns the present state.
func (t *Trunk) State() State {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state
}

// Ready says whether calls can be placed now.
func (t *Trunk) Ready() bool {
	p := t.State().Phase
	return p == Registered || p == Idle
}

// Exempt says whether an address is one of the trunk's servers: the flood budgets
// do not count them.
func (t *Trunk) Exempt(addr netip.AddrPort) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.servers[addr.Addr().Unmap()]
}

// Kick makes Run register again at once, for instance after the box's own address
// has changed.
func (t *Trunk) Kick() {
	select {
	case t.kicked <- struct{}{}:
	default:
	}
}

// set publishes a state and announces it when it says something new.
func (t *Trunk) set(s State) {
	t.mu.Lock()
	old := t.state
	s.Since = old.Since
	news := s.Phase != old.Phase || s.Cause != old.Cause
	if news {
		s.Since = t.o.Now()
	}
	t.state = s
	t.mu.Unlock()
	if news {
		t.o.OnState(s)
	}
}

// matchesHost says whether a host in a URI is the trunk's own server or domain.
func (t *Trunk) matchesHost(host string) bool {
	if strings.EqualFold(host, t.domain) || strings.EqualFold(host, t.target.Host) {
		return true
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.servers[a.Unmap()]
}
