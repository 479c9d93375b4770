package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/internal/testbed"
	"centralino/pbx/route"
	"centralino/ui/api"
)

// calls dials an outside number and waits until somebody answers.
func (r *running) calls(p *testbed.Phone, number string) {
	r.t.Helper()
	r.want("dial "+number, p.Dial(limit(r.t, 5*time.Second), number))
	_, err := p.Wait(limit(r.t, 25*time.Second), "CALL_ESTABLISHED")
	r.want(number+" answers", err)
}

// refused dials a number and returns how the box refuses it.
func (r *running) refused(p *testbed.Phone, number string) string {
	r.t.Helper()
	r.want("dial "+number, p.Dial(limit(r.t, 5*time.Second), number))
	ev, err := p.Wait(limit(r.t, 25*time.Second), "CALL_CLOSED", "CALL_ESTABLISHED")
	r.want(number+" refused", err)
	if ev.Type != "CALL_CLOSED" {
		r.t.Fatalf("%s is not refused but answered", number)
	}
	return ev.Param
}

func (r *running) hangsUp(p *testbed.Phone) {
	r.t.Helper()
	r.want("hang up", p.Hangup(limit(r.t, 5*time.Second)))
	r.closed(p, "over")
}

// free waits until no call holds any line.
func (w *web) free() {
	w.t.Helper()
	w.quiet(10 * time.Second)
	if !eventually(w.t, 10*time.Second, func() bool {
		for _, l := range w.home().Lines {
			if l.State.ID != "idle" {
				return false
			}
		}
		return true
	}) {
		w.t.Fatalf("lines are %+v", w.home().Lines)
	}
}

// on is the live call over a line.
func (w *web) on(line string) (api.LiveCall, bool) {
	w.t.Helper()
	for _, c := range w.home().Calls {
		if c.Line == line {
			return c, true
		}
	}
	return api.LiveCall{}, false
}

// emergencyOn waits until the call over a line is an emergency call.
func (w *web) emergencyOn(line string) {
	w.t.Helper()
	// The one that was ended for it is shown until its end is on disk.
	if !eventually(w.t, 5*time.Second, func() bool {
		return slices.ContainsFunc(w.home().Calls, func(c api.LiveCall) bool { return c.Line == line && c.Emergency })
	}) {
		w.t.Fatalf("no emergency call on %s: %+v", line, w.home().Calls)
	}
}

// warned checks that a phone's last call was ended with the spoken warning.
func (r *running) warned(p *testbed.Phone) {
	r.t.Helper()
	r.closed(p, "the youngest ordinary call is ended")
	heard, err := p.Heard()
	r.want("recording", err)
	warning := spoken("it", route.PromptPreempt)
	if len(warning) == 0 {
		r.t.Fatal("there is no warning")
	}
	testbed.AssertHolds(r.t, "the warning", heard, warning)
}

// Emergency calls while lines are busy: the simulated exchange answers 112; nothing
// here leaves the test.
func TestEmergencyTakesTheYoungestOrdinaryCall(t *testing.T) {
	testbed.Need(t, "baresip", "ip")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b", "c")
	box := startBox(t, net)
	w := box.claim()
	// Two lines carry ordinary and emergency calls, the third neither.
	w.edit("/edit/outbound", url.Values{"default:0": {"line-1"}, "default:1": {"line-2"}})
	w.edit("/edit/line/line-3", url.Values{"name": {"ISDN"}})
	a := box.phone(0, "a", testbed.PhoneOptions{})
	b := box.phone(1, "b", testbed.PhoneOptions{})
	c := box.phone(2, "c", testbed.PhoneOptions{})
	box.linesReady()
	const line1, line2, line3 = "Linea 1", "Linea 2", "ISDN"

	// The younger call is on line 1.
	box.calls(a, "0698765432")
	box.calls(b, "0698765433")
	box.hangsUp(a)
	if !eventually(t, 10*time.Second, func() bool { return w.line("line-1").State.ID == "idle" }) {
		t.Fatalf("line 1 is %+v", w.line("line-1"))
	}
	box.calls(a, "0698765432")
	older, _ := w.on(line2)
	box.calls(c, "112")
	box.warned(a)
	w.emergencyOn(line1)
	if call, ok := w.on(line2); !ok || call.ID != older.ID {
		t.Fatalf("the older call did not stay: %+v", w.home().Calls)
	}

	// For the call back line 1 stays free while line 2 serves ordinary calls.
	box.hangsUp(c)
	if !eventually(t, 10*time.Second, func() bool { return w.line("line-1").State.ID == "idle" }) {
		t.Fatalf("line 1 is %+v", w.line("line-1"))
	}
	if why := box.refused(a, "0698765432"); !strings.HasPrefix(why, "486") {
		t.Errorf("while line 1 is kept and line 2 busy the phone shows %q", why)
	}
	box.hangsUp(b)
	w.free()
	box.calls(a, "0698765432")
	if _, ok := w.on(line2); !ok {
		t.Fatalf("the ordinary call is not on line 2: %+v", w.home().Calls)
	}

	// The kept line carries the next emergency call, and nobody is ended for it.
	box.calls(c, "118")
	w.emergencyOn(line1)
	if _, ok := w.on(line2); !ok {
		t.Fatal("an ordinary call was ended although a line was free")
	}
	// With an emergency call on line 1, the ordinary one on line 2 is ended.
	box.calls(b, "113")
	box.warned(a)
	w.emergencyOn(line2)
	// Emergency calls are never ended: the third takes the line that is not meant
	// for them.
	box.calls(a, "115")
	w.emergencyOn(line3)
	for _, line := range []string{line1, line2, line3} {
		w.emergencyOn(line)
	}
	for _, p := range []*testbed.Phone{a, b, c} {
		box.hangsUp(p)
	}
	w.free()
}

// A phone that the box knows calls for help whatever its account is worth now; a
// stranger does not.
func TestEmergencyWithoutDigest(t *testing.T) {
	testbed.Need(t, "baresip", "ip")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b", "c")
	box := startBox(t, net)
	w := box.claim()
	wrong := box.phone(0, "a", testbed.PhoneOptions{})
	gone := box.phone(1, "b", testbed.PhoneOptions{})
	box.linesReady()

	// The password is changed on the page: the phone's own is wrong now.
	w.edit("/phones/device-1/secret", nil)
	if why := box.refused(wrong, "0698765432"); !strings.HasPrefix(why, "40") {
		t.Errorf("an ordinary call with a wrong password ends with %q", why)
	}
	box.calls(wrong, "112")
	w.emergencyOn("ISDN")
	box.hangsUp(wrong)
	w.free()

	// The phone took its registration back; its next life has a wrong password and
	// does not register at all.
	gone.Stop()
	box.accounts[1].password = "sbagliata"
	again := testbed.StartPhone(t, box.options(1, "b", testbed.PhoneOptions{Expires: -1}))
	if why := box.refused(again, "0698765432"); !strings.HasPrefix(why, "40") {
		t.Errorf("an ordinary call without a binding ends with %q", why)
	}
	box.calls(again, "112")
	box.hangsUp(again)
	w.free()

	// Nobody has ever registered from here.
	stranger := testbed.StartPhone(t, box.options(1, "c", testbed.PhoneOptions{Expires: -1}))
	if why := box.refused(stranger, "112"); !strings.HasPrefix(why, "40") {
		t.Errorf("a stranger's call ends with %q", why)
	}
	w.quiet(5 * time.Second)
}
