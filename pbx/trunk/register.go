package trunk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"centralino/pbx/sip"
)

const (
	// answerTime is how long a server may take to answer a REGISTER or OPTIONS
	// before the next one is asked: four sendings over UDP.
	answerTime = 5 * time.Second

	// leaveTime bounds the farewell at the end of Run.
	leaveTime = 2 * time.Second

	// Waits after a failure (RFC 5626 4.5): base · 2^failures up to a limit, of
	// which half to all is waited. A wrong password is tried rarely: providers
	// shut out who insists.
	unreachableBase  = 4 * time.Second
	unreachableLimit = 2 * time.Minute
	refusedBase      = time.Minute
	refusedLimit     = 30 * time.Minute
	retryAfterLimit  = time.Hour

	longestExpires = 24 * time.Hour // a server that asks for more is not believed
)

// failure is how an attempt at one server ended.
type failure struct {
	cause Cause
	code  int
	after time.Duration // of Retry-After
	err   error
}

// final says that other servers would say the same.
func (f *failure) final() bool {
	switch f.cause {
	case CausePassword, CauseSecret, CauseAccount, CauseChallenge:
		return true
	}
	return false
}

// Run keeps the trunk in service until ctx ends; then it takes the registration
// back, for which the SIP stack must still run, and returns nil.
func (t *Trunk) Run(ctx context.Context) error {
	for {
		wait := t.turn(ctx)
		if !t.watch(ctx, wait) {
			break
		}
	}
	t.leave(ctx)
	t.set(State{Phase: Stopped})
	return nil
}

// turn registers, or looks for a living server, and returns when to do so again.
func (t *Trunk) turn(ctx context.Context) time.Duration {
	if !t.Ready() {
		t.set(State{Phase: Registering})
	}
	servers, err := t.lookup(ctx)
	if err != nil {
		return t.fail(ctx, &failure{cause: CauseDNS, err: err})
	}
	var last *failure
	for _, s := range servers {
		if ctx.Err() != nil {
			return time.Hour
		}
		if !t.o.Config.Register {
			if last = t.probe(ctx, s); last == nil {
				t.inService(s, State{Phase: Idle, Server: s.addr})
				return t.untilWatched()
			}
			continue
		}
		granted, f := t.registerAt(ctx, s)
		if f == nil {
			t.registered = t.contact(s).URI
			t.admitRoute(ctx)
			t.inService(s, State{Phase: Registered, Server: s.addr, Expires: t.o.Now().Add(granted)})
			return refreshIn(granted, t.o.Random())
		}
		if last = f; f.final() {
			break
		}
	}
	return t.fail(ctx, last)
}

func (t *Trunk) inService(s server, state State) {
	t.failures = 0
	t.mu.Lock()
	t.current = s
	t.mu.Unlock()
	t.set(state)
}

func (t *Trunk) untilWatched() time.Duration {
	if t.o.Watch < 0 {
		return time.Hour
	}
	return t.o.Watch
}

// refreshIn is 80 to 90 % of what was granted.
func refreshIn(granted time.Duration, random float64) time.Duration {
	return time.Duration(float64(granted) * (0.8 + 0.1*random))
}

// fail publishes a failure and returns how long to wait.
func (t *Trunk) fail(ctx context.Context, f *failure) time.Duration {
	if ctx.Err() != nil {
		return time.Hour // Run is about to end
	}
	t.set(State{Phase: Failed, Cause: f.cause, Code: f.code})
	base, limit := unreachableBase, unreachableLimit
	if f.final() {
		base, limit = refusedBase, refusedLimit
	}
	wait := backoff(base, limit, t.failures, t.o.Random())
	t.failures++
	if f.after > wait {
		wait = time.Duration(float64(min(f.after, retryAfterLimit)) * (1 + 0.1*t.o.Random()))
	}
	t.o.Log.Warn("trunk out of service", "line", t.o.Line, "cause", f.cause, "code", f.code, "err", f.err, "again in", wait.Round(time.Second))
	return wait
}

func backoff(base, limit time.Duration, failures int, random float64) time.Duration {
	d := limit
	if failures < 20 {
		d = min(base<<failures, limit)
	}
	return time.Duration(float64(d) * (0.5 + 0.5*random))
}

// watch waits for the next turn and meanwhile asks the server for signs of life
// and looks whether our own address has changed. It returns false when ctx has
// ended.
func (t *Trunk) watch(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	every := t.o.Watch
	if every < 0 || t.State().Phase != Registered {
		every = 24 * time.Hour
	}
	probe := time.NewTicker(every)
	defer probe.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-t.kicked:
			return true
		case <-probe.C:
			t.mu.RLock()
			current := t.current
			t.mu.RUnlock()
			if t.contact(current).URI != t.registered || t.probe(ctx, current) != nil {
				return ctx.Err() == nil
			}
		}
	}
}

// probe asks a server for a sign of life. Any answer is one, except that it is
// out of service.
func (t *Trunk) probe(ctx context.Context, s server) *failure {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req := sip.NewRequest(sip.OPTIONS, sip.NewURI("", t.domain, 0))
	req.AddHeader("From", sip.Address{URI: t.aor()}.WithTag(sipToken()).String())
	req.AddHeader("To", sip.Address{URI: sip.NewURI("", t.domain, 0)}.String())
	req.AddHeader("Contact", t.contact(s).String())
	req.AddHeader("Accept", "application/sdp")
	resp, err := t.o.Stack.Do(ctx, req, s.target)
	switch {
	case err != nil:
		return &failure{cause: CauseUnreachable, err: err}
	case resp.Status() == 503:
		return refusal(resp)
	}
	return nil
}

// registerAt registers at one server and returns for how long it was granted.
func (t *Trunk) registerAt(ctx context.Context, s server) (time.Duration, *failure) {
	expires := t.o.Config.Expires
	answered := false // this round's challenge
	for range 5 {
		resp, err := t.register(ctx, s, expires)
		if err != nil {
			return 0, &failure{cause: CauseUnreachable, err: err}
		}
		switch status := resp.Status(); {
		case status/100 == 2:
			t.learn(resp)
			return t.granted(resp, expires), nil
		case status == 401 || status == 407:
			stale, f := t.takeChallenge(resp)
			if f != nil {
				return 0, f
			}
			if answered && !stale {
				t.challenge = challenge{}
				return 0, &failure{cause: CausePassword, code: status}
			}
			answered = true
		case status == 423:
			shortest, ok := headerSeconds(resp, "Min-Expires")
			if !ok || shortest <= expires || shortest > longestExpires {
				return 0, &failure{cause: CauseRefused, code: status}
			}
			expires = shortest
		default:
			return 0, refusal(resp)
		}
	}
	return 0, &failure{cause: CauseChallenge, err: errors.New("challenged again and again")}
}

func refusal(resp *sip.Response) *failure {
	f := &failure{cause: CauseRefused, code: resp.Status()}
	f.after, _ = headerSeconds(resp, "Retry-After")
	switch {
	case f.code == 403 || f.code == 404:
		f.cause = CauseAccount
	case f.code == 408:
		f.cause = CauseUnreachable
	case f.code >= 500:
		f.cause = CauseUnavailable
	}
	return f
}

// register sends one REGISTER; expires 0 takes the registration back.
func (t *Trunk) register(ctx context.Context, s server, expires time.Duration) (*sip.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	t.cseq++
	req := sip.NewRequest(sip.REGISTER, sip.NewURI("", t.domain, 0))
	req.AddHeader("From", sip.Address{URI: t.aor()}.WithTag(t.fromTag).String())
	req.AddHeader("To", sip.Address{URI: t.aor()}.String())
	req.AddHeader("Call-ID", t.callID)
	req.AddHeader("CSeq", fmt.Sprintf("%d %s", t.cseq, sip.REGISTER))
	seconds := strconv.Itoa(int(expires.Seconds()))
	contact := t.contact(s)
	contact.Params = contact.Params.With("expires", seconds)
	req.AddHeader("Contact", contact.String())
	req.AddHeader("Expires", seconds)
	if !t.challenge.isZero() {
		t.challenge.authorize(req, t.auth, t.o.Secret)
	}
	return t.o.Stack.Do(ctx, req, s.target)
}

// learn keeps what a 200 to REGISTER tells besides its expiry.
func (t *Trunk) learn(resp *sip.Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.routes = resp.Headers("Service-Route")
	if !t.challenge.isZero() {
		t.realm = t.challenge.realm()
	}
}

// granted reads the expiry of our contact from a 200, else of the answer.
func (t *Trunk) granted(resp *sip.Response, asked time.Duration) time.Duration {
	granted := asked
	if e, ok := resp.Expires(); ok && e > 0 {
		granted = e
	}
	for _, c := range resp.Contacts() {
		if c.URI.User != t.token {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.ParseUint(v, 10, 32); err == nil && n > 0 {
				granted = time.Duration(n) * time.Second
			}
		}
	}
	return min(max(granted, time.Second), longestExpires)
}

// leave takes the registration back.
func (t *Trunk) leave(ctx context.Context) {
	if t.State().Phase != Registered {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	t.mu.RLock()
	s := t.current
	t.mu.RUnlock()
	for range 2 {
		resp, err := t.register(ctx, s, 0)
		if err != nil || resp.Status() != 401 && resp.Status() != 407 {
			return
		}
		if _, f := t.takeChallenge(resp); f != nil {
			return
		}
	}
}

func (t *Trunk) aor() sip.URI { return sip.NewURI(t.user, t.domain, 0) }

// contact is where the provider reaches us: it names the trunk by its user part.
func (t *Trunk) contact(s server) sip.Address {
	local := t.o.Stack.LocalAddrFor(s.target.Transport, s.addr.Addr())
	u := sip.NewURI(t.token, local.Addr().String(), local.Port())
	if s.target.Transport == sip.TCP {
		u.Params = u.Params.With("transport", sip.TCP)
	}
	return sip.Address{URI: u}
}

// headerSeconds reads a header of whole seconds; Retry-After may go on with a
// comment or parameters (RFC 3261 20.33).
func headerSeconds(resp *sip.Response, name string) (time.Duration, bool) {
	v, _ := resp.Header(name)
	end := 0
	for end < len(v) && v[end] >= '0' && v[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(v[:end], 10, 31)
	return time.Duration(n) * time.Second, err == nil
}
