package main

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"centralino/hal/sim"
	"centralino/internal/testbed"
)

// What became of callers is read out of the wires alone: who was answered by whom and
// after how long, whose telephone rang in vain, who hung up, whom the queue gave up, and
// who was called back, by the queue or by hand.
func TestTruthOfACapture(t *testing.T) {
	begin := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return begin.Add(time.Duration(math.Round(1000*s)) * time.Millisecond) }
	box, trunk := netip.MustParseAddrPort("10.78.0.1:5060"), netip.MustParseAddrPort("10.78.0.11:5060")
	anna, elena := netip.MustParseAddrPort("10.77.0.2:5060"), netip.MustParseAddrPort("10.79.0.2:5060")
	var messages []testbed.SIPMessage
	say := func(s float64, from, to netip.AddrPort, id, number, method string, status int) {
		m := testbed.SIPMessage{At: at(s), From: from, To: to, CallID: id, FromUser: number, CSeqMethod: method, Status: status}
		if status == 0 {
			m.Method = method
		}
		messages = append(messages, m)
	}
	// The first waits 12 s, of which Anna's telephone rings 8 in vain, and talks 10 s.
	say(0, trunk, box, "c1", "+393312000001", "INVITE", 0)
	say(0.1, box, trunk, "c1", "", "INVITE", 200)
	say(0.2, box, anna, "o1", "3312000001", "INVITE", 0)
	say(8.2, box, anna, "o1", "", "CANCEL", 0)
	say(8.3, box, anna, "o2", "3312000001", "INVITE", 0)
	say(12.1, anna, box, "o2", "", "INVITE", 200)
	say(22.1, anna, box, "o2", "", "BYE", 0)
	say(22.2, box, trunk, "c1", "", "BYE", 0)
	say(23.1, anna, box, "p", "201", "INVITE", 0)
	messages[len(messages)-1].RequestURI = "sip:*72@10.77.0.1"
	say(23.6, box, anna, "p", "", "INVITE", 200)
	// The second hangs up after 3 s, when a telephone has begun to ring; the third after
	// 45 s has to go.
	say(30, trunk, box, "c2", "+393312000002", "INVITE", 0)
	say(30, box, trunk, "c2", "", "INVITE", 200)
	say(32, box, anna, "o3", "3312000002", "INVITE", 0)
	say(33, trunk, box, "c2", "", "BYE", 0)
	say(33.05, box, anna, "o3", "", "CANCEL", 0)
	say(40, trunk, box, "c3", "+393312000003", "INVITE", 0)
	say(40, box, trunk, "c3", "", "INVITE", 200)
	say(85, box, trunk, "c3", "", "BYE", 0)
	// Somebody finds the office closed.
	say(90, trunk, box, "c4", "+39"+closedCaller, "INVITE", 0)
	say(90, box, trunk, "c4", "", "INVITE", 200)
	say(95, box, trunk, "c4", "", "BYE", 0)
	// Two press for a call back; Anna reaches the first, the second is busy. The caller of
	// before calls again and is answered.
	keys := func(s float64, id string) {
		for i := range 2 {
			say(s+0.6*float64(i), trunk, box, id, "", "INFO", 0)
			messages[len(messages)-1].CSeq = 3 + i
		}
	}
	say(120, trunk, box, "c5", "+393312010000", "INVITE", 0)
	say(120, box, trunk, "c5", "", "INVITE", 200)
	keys(121.2, "c5")
	say(124.8, box, trunk, "c5", "", "BYE", 0)
	say(140, box, anna, "o5", "3312010000", "INVITE", 0)
	say(141, anna, box, "o5", "", "INVITE", 200)
	say(141.1, box, trunk, "b5", "0245678900", "INVITE", 0)
	messages[len(messages)-1].RequestURI = "sip:+393312010000@10.78.0.11"
	say(142, trunk, box, "b5", "", "INVITE", 200)
	say(150, anna, box, "o5", "", "BYE", 0)
	say(150.1, box, trunk, "b5", "", "BYE", 0)
	say(160, trunk, box, "c6", "+393312010001", "INVITE", 0)
	say(160, box, trunk, "c6", "", "INVITE", 200)
	keys(161.2, "c6")
	say(164.8, box, trunk, "c6", "", "BYE", 0)
	say(180, box, anna, "o6", "3312010001", "INVITE", 0)
	say(181, anna, box, "o6", "", "INVITE", 200)
	say(181.1, box, trunk, "b6", "0245678900", "INVITE", 0)
	messages[len(messages)-1].RequestURI = "sip:+393312010001@10.78.0.11"
	say(181.5, trunk, box, "b6", "", "INVITE", 486)
	say(181.6, box, anna, "o6", "", "BYE", 0)
	say(200, trunk, box, "c7", "+393312000002", "INVITE", 0)
	say(200, box, trunk, "c7", "", "INVITE", 200)
	say(200.1, box, anna, "o7", "3312000002", "INVITE", 0)
	say(203, anna, box, "o7", "", "INVITE", 200)
	say(210, trunk, box, "c7", "", "BYE", 0)
	say(210.1, box, anna, "o7", "", "BYE", 0)
	// Two more press; Elena dials the number of one of them, and takes the other from the
	// page, who is busy at first.
	calls := func(from, to netip.AddrPort, id, number, uri string, s, answer float64, status int, bye float64) {
		say(s, from, to, id, number, "INVITE", 0)
		messages[len(messages)-1].RequestURI = uri
		say(answer, to, from, id, "", "INVITE", status)
		if status == 200 {
			say(bye, from, to, id, "", "BYE", 0)
		}
	}
	for i, number := range []string{"3312010002", "3312010003"} {
		s, id := 220+10*float64(i), number
		say(s, trunk, box, id, "+39"+number, "INVITE", 0)
		say(s, box, trunk, id, "", "INVITE", 200)
		keys(s+1.2, id)
		say(s+4.8, box, trunk, id, "", "BYE", 0)
	}
	calls(elena, box, "h8", "250", "sip:3312010002@10.79.0.1", 240, 241.1, 200, 250)
	calls(box, trunk, "b8", "0245678900", "sip:+393312010002@10.78.0.11", 240.1, 241, 200, 250.1)
	calls(box, elena, "h9", "3312010003", "sip:250@10.79.0.2", 260, 261, 200, 262.2)
	calls(box, trunk, "b9", "0245678900", "sip:+393312010003@10.78.0.11", 261.1, 262, 486, 0)
	calls(box, elena, "h10", "3312010003", "sip:250@10.79.0.2", 270, 271, 200, 280)
	calls(box, trunk, "b10", "0245678900", "sip:+393312010003@10.78.0.11", 271.1, 272, 200, 280.1)
	lines := []lineMoment{ // the fourth hangs up, which the box notices 2 s later
		{at(100), "line-1", sim.LineRings, "3312000004"}, {at(105), "line-1", sim.LineOffHook, "3312000004"}, {at(105.4), "line-1", sim.LineThrough, "3312000004"},
		{at(109), "line-1", sim.LineFarGone, "3312000004"}, {at(111), "line-1", sim.LineOnHook, ""},
	}
	got := truthOf(t, wireFacts{messages: messages, lines: lines, agents: map[netip.Addr]string{anna.Addr(): "Anna"}, hand: elena.Addr(), provider: trunk.Addr(),
		ring: 8 * time.Second, wrap: 4 * time.Second})
	if len(got.fates) != 9 || got.closed != 1 || got.out != 5 {
		t.Fatalf("%d callers of the queue and %d of the closed office, %d calls out", len(got.fates), got.closed, got.out)
	}
	s := func(x float64) time.Duration { return time.Duration(x * float64(time.Second)) }
	for i, want := range []struct {
		result                        string
		waited, talked, vain, wrapped time.Duration
		misses, offers                int
	}{
		{"answered", s(12), s(10), s(8), s(1.5), 1, 2},
		{"abandoned", s(3), 0, s(1.05), 0, 0, 1},
		{"overflowed", s(45), 0, 0, 0, 0, 0},
		{"abandoned", s(5.6), 0, 0, 0, 0, 0},
		{"promised", s(1.8), s(8), 0, s(4), 0, 1},
		{"promised", s(1.8), 0, 0, 0, 0, 1},
		{"answered", s(3), s(7), 0, s(4), 0, 1},
		{"promised", s(1.8), 0, 0, 0, 0, 0},
		{"promised", s(1.8), 0, 0, 0, 0, 0},
	} {
		f := got.fates[i]
		if f.result() != want.result || f.waited() != want.waited || f.talked() != want.talked || f.vain != want.vain || f.wrapped != want.wrapped || f.misses != want.misses || f.offers != want.offers {
			t.Errorf("caller %d: %s, waited %v, talked %v, rang in vain %v, wrap-up %v, missed %d of %d, want %+v", i+1, f.result(), f.waited(), f.talked(), f.vain, f.wrapped, f.misses, f.offers, want)
		}
	}
	if f := got.fates; f[1].before != nil || f[6].before != f[1] || !f[4].reached() || !f[4].byAgent || f[5].reached() || f[5].tried != 1 {
		t.Errorf("who called twice, was reached and was not: %+v %+v %+v %+v", f[1], f[4], f[5], f[6])
	}
	for i, want := range []time.Time{4: {}, 5: {}, 7: at(241), 8: at(272)} {
		if f := got.fates[i]; !f.byHand.Equal(want) || f.kept() != (f.reached() || !want.IsZero()) || f.reached() != (i == 4) {
			t.Errorf("caller %d: called by hand at %v, want %v", i+1, f.byHand, want)
		}
	}
}
