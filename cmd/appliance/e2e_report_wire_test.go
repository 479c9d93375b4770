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
	misses  int           // telephones that rang in vain to the end
	offers  int
	vain    time.Duration // how long it rang for him where nobody took it
	noticed time.Duration // over a line: from his hanging up until the box went on hook

	near     bool          // his wait is so close to a limit that the report says on which side it is
	nearWait time.Duration // … by this wait
}

func (f *fate) answered() bool   { return !f.talks.IsZero() }
func (f *fate) overflowed() bool { return !f.answered() && f.byBox }
func (f *fate) abandoned() bool  { return !f.answered() && !f.byBox }

func (f *fate) waited() time.Duration {
	if f.answered() {
		return f.talks.Sub(f.began)
	}
	return f.left.Sub(f.began)
}

func (f *fate) talked() time.Duration {
	if !f.answered() {
		return 0
	}
	return f.ended.Sub(f.talks)
}

// dialog is one INVITE dialog as it went over the wire.
type dialog struct {
	from, to        netip.Addr
	number, called  string
	invite, ok, ack time.Time
	cancel          time.Time
	bye             time.Time
	byeFrom         netip.Addr
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
}

func truthOf(t *testing.T, w wireFacts) truth {
	t.Helper()
	var out truth
	by := map[string]*fate{}
	all := dialogs(w.messages)
	for _, d := range all {
		if d.from != w.provider {
			continue
		}
		if d.number == closedCaller {
			out.closed++
			continue
		}
		if by[d.number] != nil || d.ok.IsZero() || d.bye.IsZero() {
			t.Fatalf("the trunk's call of %s is not whole in the capture, or not the only one: %+v", d.number, d)
		}
		by[d.number] = &fate{number: d.number, came: d.invite, began: d.ok, left: d.bye, byBox: d.byeFrom != w.provider}
	}
	for n, f := range w.onLines(t) {
		if by[n] != nil {
			t.Fatalf("%s called twice", n)
		}
		by[n] = f
	}
	for _, d := range all {
		agent, offered := w.agents[d.to]
		if !offered {
			continue
		}
		f := by[d.number]
		if f == nil {
			t.Fatalf("the telephone of %s rang for %q, who never called", agent, d.number)
		}
		w.offer(t, f, d, agent)
	}
	for _, f := range by {
		if f.answered() && (f.ended.IsZero() || f.left.Before(f.ended)) {
			f.ended = f.left
		}
		if f.answered() {
			f.wrapped = w.wrapUp(f, all)
		}
		out.fates = append(out.fates, f)
	}
	slices.SortFunc(out.fates, func(a, b *fate) int { return a.began.Compare(b.began) })
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

// onLines reads the callers out of what the exchange has seen.
func (w *wireFacts) onLines(t *testing.T) map[string]*fate {
	t.Helper()
	out, now := map[string]*fate{}, map[string]*fate{} // by number; by line
	gone := map[string]time.Time{}
	for _, m := range w.lines {
		f := now[m.line]
		switch m.what {
		case sim.LineRings:
			f = &fate{number: lastTen(m.number), line: m.line, came: m.at, byBox: true}
			now[m.line], out[f.number] = f, f
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
	for n, f := range out {
		if f.began.IsZero() || f.left.IsZero() {
			t.Fatalf("the call of %s on %s is not whole at the exchange: %+v", n, f.line, f)
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
