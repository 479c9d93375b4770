package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/hal/sim"
	"centralino/internal/testbed"
)

// wireFacts are what was recorded of an office by others: SIP by dumpcap and tshark, the
// telephone lines by the exchange.
type wireFacts struct {
	messages []testbed.SIPMessage
	lines    []lineMoment
	agents   map[netip.Addr]string // whose telephone has which address
	hand     netip.Addr            // the telephone of who calls back by hand
	provider netip.Addr
	ring     time.Duration // what an offer may take
	wrap     time.Duration // what the queue gives for wrap-up: no wire shows its end
}

// fate is what became of one caller of the queue, by the wires alone.
//
// He waits from the moment at which he is through to the queue, which is his path's
// first step: over the trunk from the box's 200 to his INVITE; over a line from
// the CONNECT with which its modem opens the voice stream. He waits until an agent's telephone answers the
// INVITE with his number in From, or until he is gone: the BYE, by whomever; on a line
// the box's going on hook, since nothing on an analog line tells it sooner that the
// caller has hung up. He talks until the first BYE of either leg.
//
// Who presses to be called back (INFO, two keys: the wish and the word that the number is
// right) waits until the second key if the box says goodbye soon after it. He is reached
// when his own telephone answers the box, and talks from then on; where the box called it
// for who calls by hand, and not for an agent, the promise is kept and no agent has talked.
type fate struct {
	number  string // its last ten digits
	line    string // empty: the trunk
	came    time.Time
	began   time.Time // waits
	left    time.Time // his line or leg is over
	byBox   bool      // … and the box ended it
	talks   time.Time // an agent has answered
	ended   time.Time // the talk is over
	agent   string
	wrapped time.Duration // the agent's wrap-up: what the queue gives, or until he dials the code of a pause
	acked   time.Duration // until the box acknowledged the agent's answer
	keys    []time.Time   // that he pressed
	back    time.Time     // he has answered the call that he was promised
	byAgent bool          // … and the agent ended that
	tried   int           // … and how often he was called and did not
	byHand  time.Time     // he has answered somebody who called him by hand
	before  *fate         // his call before this one
	misses  int           // telephones that rang in vain to the end
	offers  int
	vain    time.Duration // how long it rang for him where nobody took it
	noticed time.Duration // over a line: from his hanging up until the box went on hook

	near     bool          // his wait is so close to a limit that the report says on which side it is
	nearWait time.Duration // … by this wait
}

func (f *fate) answered() bool   { return !f.talks.IsZero() }
func (f *fate) promised() bool   { return !f.pressed().IsZero() }
func (f *fate) reached() bool    { return !f.back.IsZero() }
func (f *fate) handled() bool    { return f.answered() || f.reached() }
func (f *fate) kept() bool       { return f.reached() || !f.byHand.IsZero() }
func (f *fate) overflowed() bool { return !f.answered() && f.byBox && !f.promised() }
func (f *fate) abandoned() bool  { return !f.answered() && !f.byBox }

func (f *fate) waited() time.Duration {
	switch {
	case f.answered():
		return f.talks.Sub(f.began)
	case f.promised():
		return f.pressed().Sub(f.began)
	}
	return f.left.Sub(f.began)
}

func (f *fate) talked() time.Duration {
	switch {
	case f.answered():
		return f.ended.Sub(f.talks)
	case f.reached():
		return f.ended.Sub(f.back)
	}
	return 0
}

// goodbye is how long after the key the box hangs up at most, having said that it will
// call; who was refused presses again later than that, or waits on.
const goodbye = 5500 * time.Millisecond

// pressed is when he was promised a call; zero if he was not.
func (f *fate) pressed() time.Time {
	n := len(f.keys) / 2 * 2
	if f.answered() || !f.byBox || n == 0 || f.left.Sub(f.keys[n-1]) > goodbye {
		return time.Time{}
	}
	return f.keys[n-1]
}

// dialog is one INVITE dialog as it went over the wire.
type dialog struct {
	from, to        netip.Addr
	number, called  string
	invite, ok, ack time.Time
	cancel          time.Time
	bye             time.Time
	byeFrom         netip.Addr
	keys            []time.Time // of INFO
	lastKey         int         // its CSeq
}

// dialogs reads the dialogs out of a capture, by Call-ID.
func dialogs(messages []testbed.SIPMessage) []*dialog {
	var out []*dialog
	by := map[string]*dialog{}
	for _, m := range messages {
		d := by[m.CallID]
		switch {
		case m.Method == "INVITE" && d == nil:
			d = &dialog{from: m.From.Addr(), to: m.To.Addr(), number: lastTen(m.FromUser), called: m.RequestURI, invite: m.At}
			by[m.CallID], out = d, append(out, d)
		case d == nil: // REGISTER and the like
		case m.CSeqMethod == "INVITE" && m.Status == 200 && d.ok.IsZero():
			d.ok = m.At
		case m.Method == "ACK" && d.ack.IsZero() && !d.ok.IsZero():
			d.ack = m.At
		case m.Method == "INFO" && m.CSeq > d.lastKey:
			d.keys, d.lastKey = append(d.keys, m.At), m.CSeq
		case m.Method == "CANCEL" && d.cancel.IsZero():
			d.cancel = m.At
		case m.Method == "BYE" && d.bye.IsZero():
			d.bye, d.byeFrom = m.At, m.From.Addr()
		}
	}
	return out
}

// lastTen are the last ten digits of a number in whatever form.
func lastTen(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	return digits[max(0, len(digits)-10):]
}

// truth is what the wires say of the whole office.
type truth struct {
	fates  []*fate // in order of coming into the queue
	closed int     // calls that never came to the queue
	out    int     // calls that went out over the trunk
}

func truthOf(t *testing.T, w wireFacts) truth {
	t.Helper()
	var out truth
	all := dialogs(w.messages)
	for _, d := range all {
		if d.from != w.provider {
			continue
		}
		if d.number == closedCaller {
			out.closed++
			continue
		}
		if d.ok.IsZero() || d.bye.IsZero() {
			t.Fatalf("the trunk's call of %s is not whole in the capture: %+v", d.number, d)
		}
		out.fates = append(out.fates, &fate{number: d.number, came: d.invite, began: d.ok, left: d.bye, byBox: d.byeFrom != w.provider, keys: d.keys})
	}
	out.fates = append(out.fates, w.onLines(t)...)
	slices.SortFunc(out.fates, func(a, b *fate) int { return a.began.Compare(b.began) })
	last := map[string]*fate{}
	for _, f := range out.fates {
		f.before, last[f.number] = last[f.number], f
	}
	for _, d := range all {
		if d.to == w.provider {
			out.out++
		}
		w.calledByHand(last, d, all)
	}
	for _, d := range all {
		agent, offered := w.agents[d.to]
		if !offered {
			continue
		}
		f := last[d.number]
		for f != nil && f.came.After(d.invite) {
			f = f.before
		}
		switch {
		case f == nil:
			t.Fatalf("the telephone of %s rang for %q, who never called", agent, d.number)
		case d.invite.After(f.left):
			w.offerBack(t, f, d, agent, all)
		default:
			w.offer(t, f, d, agent)
		}
	}
	for _, f := range out.fates {
		if f.answered() && (f.ended.IsZero() || f.left.Before(f.ended)) {
			f.ended = f.left
		}
		if f.handled() {
			f.wrapped = w.wrapUp(f, all)
		}
	}
	return out
}

// ringSlack is by how much the ringing of an offer may differ from its limit as the
// wire shows it.
const ringSlack = 250 * time.Millisecond

// offer adds one call of an agent's telephone to the fate of the caller whom it was for.
func (w *wireFacts) offer(t *testing.T, f *fate, d *dialog, agent string) {
	t.Helper()
	f.offers++
	if !d.cancel.IsZero() {
		f.vain += d.cancel.Sub(d.invite)
	}
	switch {
	case !d.ok.IsZero() && d.cancel.IsZero():
		if f.answered() {
			t.Errorf("%s was answered twice, by %s and %s", f.number, f.agent, agent)
		}
		f.talks, f.ended, f.agent, f.acked = d.ok, d.bye, agent, d.ack.Sub(d.ok)
		if d.bye.IsZero() {
			t.Errorf("the talk of %s and %s has no end in the capture", f.number, agent)
		}
	case d.cancel.IsZero():
		t.Errorf("the telephone of %s was called for %s and neither answered nor stopped: %+v", agent, f.number, d)
	case d.cancel.Sub(d.invite) > w.ring-ringSlack:
		f.misses++
	case f.left.Sub(d.cancel).Abs() > ringSlack:
		t.Errorf("the telephone of %s stopped ringing for %s after %v, while he waited until %v later", agent, f.number, d.cancel.Sub(d.invite), f.left.Sub(d.cancel))
	}
}

// offerBack adds one call of an agent's telephone to the fate of the caller whom the
// agent was to call back, with the call to him that followed.
func (w *wireFacts) offerBack(t *testing.T, f *fate, d *dialog, agent string, all []*dialog) {
	t.Helper()
	if !f.promised() || f.reached() || !f.byHand.IsZero() && d.invite.After(f.byHand) {
		t.Fatalf("the telephone of %s rang for %s when he was gone: %+v", agent, f.number, d)
	}
	f.offers++
	if d.ok.IsZero() || !d.cancel.IsZero() {
		if !d.cancel.IsZero() && d.cancel.Sub(d.invite) > w.ring-ringSlack {
			f.misses++
		}
		return
	}
	p := w.outside(f.number, d, d.ok, all)
	switch {
	case p == nil:
		t.Errorf("%s answered to call %s back and nobody was called", agent, f.number)
		return
	case p.ok.IsZero():
		f.tried++
		return
	}
	f.back, f.ended, f.agent, f.byAgent = p.ok, d.bye, agent, w.agents[d.byeFrom] == agent
	if p.bye.Before(d.bye) {
		f.ended, f.byAgent = p.bye, false
	}
}

// outside is the call over the trunk that the box made to a number for a telephone, from a
// moment on; nil if there is none.
func (w *wireFacts) outside(number string, telephone *dialog, from time.Time, all []*dialog) *dialog {
	for _, p := range all {
		if p.to == w.provider && p.dialled() == number && !p.invite.Before(from) && !p.invite.After(telephone.bye) {
			return p
		}
	}
	return nil
}

// dialled are the last ten digits of the number that was called.
func (d *dialog) dialled() string {
	user, _, _ := strings.Cut(d.called, "@")
	return lastTen(user)
}

// calledByHand adds a call of the telephone of who calls by hand to the fate of whom she
// has called: she has dialled his number, or the box has rung her for it.
func (w *wireFacts) calledByHand(last map[string]*fate, d *dialog, all []*dialog) {
	number, from := d.number, d.ok
	switch w.hand {
	case d.from:
		number, from = d.dialled(), d.invite
	case d.to:
	default:
		return
	}
	f := last[number]
	for f != nil && f.came.After(d.invite) {
		f = f.before
	}
	if f == nil || d.ok.IsZero() || !f.promised() {
		return
	}
	if p := w.outside(number, d, from, all); p != nil && !p.ok.IsZero() {
		f.byHand = p.ok
	}
}

// onLines reads the callers out of what the exchange has seen.
func (w *wireFacts) onLines(t *testing.T) (out []*fate) {
	t.Helper()
	now := map[string]*fate{} // by line
	gone := map[string]time.Time{}
	for _, m := range w.lines {
		f := now[m.line]
		switch m.what {
		case sim.LineRings:
			f = &fate{number: lastTen(m.number), line: m.line, came: m.at, byBox: true}
			now[m.line], out = f, append(out, f)
			delete(gone, m.line)
		case sim.LineThrough:
			f.began = m.at
		case sim.LineFarGone:
			f.byBox, gone[m.line] = false, m.at
		case sim.LineOnHook:
			f.left = m.at
			if at, ok := gone[m.line]; ok {
				f.noticed = m.at.Sub(at)
			}
		}
	}
	for _, f := range out {
		if f.began.IsZero() || f.left.IsZero() {
			t.Fatalf("the call of %s on %s is not whole at the exchange: %+v", f.number, f.line, f)
		}
	}
	return out
}

// wrapUp is how long the agent had for wrap-up after the talk with a caller.
func (w *wireFacts) wrapUp(f *fate, all []*dialog) time.Duration {
	for _, d := range all {
		if w.agents[d.from] != f.agent || !strings.Contains(d.called, pauseCode) || d.ok.IsZero() {
			continue
		}
		if took := d.ok.Sub(f.ended); took > 0 && took < w.wrap {
			return took
		}
	}
	return w.wrap
}
