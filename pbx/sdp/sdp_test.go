package sdp_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"centralino/pbx/sdp"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	pion "github.com/pion/sdp/v3"
	"pgregory.net/rapid"
)

func text(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

// body is a description with a session part and the given lines after it.
func body(lines ...string) []byte {
	return text(append([]string{"v=0", "o=phone 77 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0"}, lines...)...)
}

func mustParse(t testing.TB, b []byte) *sdp.Description {
	t.Helper()
	d, err := sdp.Parse(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return d
}

var (
	here  = sdp.Local{ID: 4711, RTP: netip.MustParseAddrPort("192.0.2.1:16400")}
	there = netip.MustParseAddrPort("198.51.100.7:4000")
)

func local(d sdp.Direction) sdp.Local {
	l := here
	l.Direction = d
	return l
}

func TestAnswer(t *testing.T) {
	event := "a=rtpmap:101 telephone-event/8000"
	cases := []struct {
		name   string
		offer  []byte
		local  sdp.Local
		answer string // its m-lines and what is below them
		want   sdp.Agreed
	}{
		{
			"the offerer's order decides", body("m=audio 4000 RTP/AVP 0 8 101", event), here,
			"m=audio 16400 RTP/AVP 0 101|c=IN IP4 192.0.2.1|a=rtpmap:0 PCMU/8000|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-15|a=ptime:20|a=sendrecv",
			sdp.Agreed{Codec: sdp.PCMU, RecvPT: 0, DTMF: 101, RecvDTMF: 101, Direction: sdp.SendRecv},
		},
		{
			"other dynamic number, wideband first, 30 ms", body("m=audio 4000 RTP/AVP 9 96 8 97", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/8000", "a=ptime:30"), here,
			"m=audio 16400 RTP/AVP 8 97|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=rtpmap:97 telephone-event/8000|a=fmtp:97 0-15|a=ptime:30|a=sendrecv",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, DTMF: 97, RecvDTMF: 97, Ptime: 30, Direction: sdp.SendRecv},
		},
		{
			"telephone-event only at another clock rate", body("m=audio 4000 RTP/AVP 8 98", "a=rtpmap:98 telephone-event/48000"), here,
			"m=audio 16400 RTP/AVP 8|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=ptime:20|a=sendrecv",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, Direction: sdp.SendRecv},
		},
		{
			"video and fax are refused in their places", body("m=video 5000 RTP/AVP 99 98", "a=rtpmap:99 H264/90000", "m=audio 4000 RTP/AVP 8", "m=image 6000 udptl t38"), here,
			"m=video 0 RTP/AVP 99|m=audio 16400 RTP/AVP 8|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=ptime:20|a=sendrecv|m=image 0 udptl t38",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, Direction: sdp.SendRecv},
		},
		{
			"the second audio stream is taken when the first is encrypted", body("m=audio 4002 RTP/SAVP 8", "m=audio 4000 RTP/AVP 8"), here,
			"m=audio 0 RTP/SAVP 8|m=audio 16400 RTP/AVP 8|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=ptime:20|a=sendrecv",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, Direction: sdp.SendRecv},
		},
		{
			"hold: sendonly", body("m=audio 4000 RTP/AVP 8", "a=sendonly"), here,
			"m=audio 16400 RTP/AVP 8|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=ptime:20|a=recvonly",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, Direction: sdp.RecvOnly, Held: true},
		},
		{
			"hold: inactive for the whole session", body("a=inactive", "m=audio 4000 RTP/AVP 8"), here,
			"m=audio 16400 RTP/AVP 8|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=ptime:20|a=inactive",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, Direction: sdp.Inactive, Held: true},
		},
		{
			"the media's direction outranks the session's", body("a=inactive", "m=audio 4000 RTP/AVP 8", "a=sendrecv"), here,
			"m=audio 16400 RTP/AVP 8|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=ptime:20|a=sendrecv",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, Direction: sdp.SendRecv},
		},
		{
			"recvonly: the peer listens", body("m=audio 4000 RTP/AVP 8", "a=recvonly"), here,
			"m=audio 16400 RTP/AVP 8|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=ptime:20|a=sendonly",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, Direction: sdp.SendOnly},
		},
		{
			"both hold", body("m=audio 4000 RTP/AVP 8", "a=sendonly"), local(sdp.SendOnly),
			"m=audio 16400 RTP/AVP 8|c=IN IP4 192.0.2.1|a=rtpmap:8 PCMA/8000|a=ptime:20|a=inactive",
			sdp.Agreed{Codec: sdp.PCMA, RecvPT: 8, Direction: sdp.Inactive, Held: true},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer, agreed, err := sdp.Answer(nil, mustParse(t, c.offer), c.local)
			if err != nil {
				t.Fatal(err)
			}
			_, below, _ := strings.Cut(string(answer.Marshal()), "t=0 0\r\n")
			if got := strings.ReplaceAll(strings.TrimSuffix(below, "\r\n"), "\r\n", "|"); got != c.answer {
				t.Errorf("answer\n%s, want\n%s", got, c.answer)
			}
			if c.want.Ptime == 0 {
				c.want.Ptime = 20
			}
			c.want.RTP, c.want.RTCP = there, netip.AddrPortFrom(there.Addr(), 4001)
			if diff := cmp.Diff(c.want, agreed, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }), cmpopts.IgnoreFields(sdp.Codec{}, "Fmtp")); diff != "" {
				t.Error(diff)
			}
			if _, err := sdp.Parse(answer.Marshal()); err != nil {
				t.Errorf("our answer: %v", err)
			}
		})
	}
}

func TestHoldOfOldPhones(t *testing.T) {
	for _, c := range []string{"IN IP4 0.0.0.0", "IN IP6 ::", "IN IP6 phone.invalid"} {
		d := mustParse(t, body("m=audio 4000 RTP/AVP 8", "c="+c))
		answer, a, err := sdp.Answer(nil, d, here)
		if err != nil {
			t.Fatal(err)
		}
		if !a.Held || a.Direction != sdp.RecvOnly || a.RTP.IsValid() || answer.Media[0].Direction != sdp.RecvOnly {
			t.Errorf("%s: %+v", c, a)
		}
	}
}

func TestNotAcceptable(t *testing.T) {
	cases := []struct {
		name string
		body []byte
	}{
		{"no codec of ours", body("m=audio 4000 RTP/AVP 9 18")},
		{"only telephone-event", body("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000")},
		{"stereo G.711", body("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/8000/2")},
		{"encrypted only", body("m=audio 4000 RTP/SAVP 8")},
		{"audio switched off", body("m=audio 0 RTP/AVP 8")},
		{"no audio", body("m=image 4000 udptl t38")},
		{"nothing", body()},
		{"the address is a name", body("m=audio 4000 RTP/AVP 8", "c=IN IP4 phone.example.com")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := sdp.Answer(nil, mustParse(t, c.body), here)
			if !errors.Is(err, sdp.ErrNotAcceptable) || sdp.Status(err) != 488 {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	cases := map[string][]byte{
		"empty":           nil,
		"no version":      text("o=- 1 1 IN IP4 1.2.3.4", "s=-", "t=0 0"),
		"port too large":  body("m=audio 70000 RTP/AVP 8"),
		"no address":      text("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=-", "t=0 0", "m=audio 4000 RTP/AVP 8"),
		"binary":          {0, 1, 2, 255},
		"too many medias": body(strings.Split(strings.Repeat("m=audio 4000 RTP/AVP 8;", 40), ";")[:40]...),
	}
	for name, b := range cases {
		if _, err := sdp.Parse(b); !errors.Is(err, sdp.ErrMalformed) || sdp.Status(err) != 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRTCPAttribute(t *testing.T) {
	cases := map[string]string{
		"a=rtcp:5555":                   "198.51.100.7:5555",
		"a=rtcp:5555 IN IP4 192.0.2.99": "192.0.2.99:5555",
		"a=rtcp:x":                      "198.51.100.7:4001",
		"a=rtcp-mux":                    "198.51.100.7:4001",
	}
	for line, want := range cases {
		answer, a, err := sdp.Answer(nil, mustParse(t, body("m=audio 4000 RTP/AVP 8", line)), here)
		if err != nil || a.RTCP.String() != want {
			t.Errorf("%s: %v, %v", line, a.RTCP, err)
		}
		if strings.Contains(string(answer.Marshal()), "rtcp") {
			t.Errorf("%s is in the answer", line)
		}
	}
}

func TestOfferAndAnswerAgree(t *testing.T) {
	offer := sdp.MakeOffer(nil, here)
	if got := string(offer.Marshal()); got != string(text("v=0", "o=- 4711 4711 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0",
		"m=audio 16400 RTP/AVP 8 0 101", "c=IN IP4 192.0.2.1", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
		"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv")) {
		t.Errorf("offer\n%s", got)
	}
	answer := mustParse(t, body("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000", "a=sendonly"))
	a, err := sdp.Accept(offer, answer)
	if err != nil {
		t.Fatal(err)
	}
	if a.Codec.Name != "PCMU" || a.DTMF != 96 || a.RecvDTMF != 101 || a.Direction != sdp.RecvOnly || !a.Held || a.RTP != there {
		t.Errorf("%+v", a)
	}
	for name, b := range map[string][]byte{
		"refused":    body("m=audio 0 RTP/AVP 8"),
		"no codec":   body("m=audio 4000 RTP/AVP 9"),
		"no m-line":  body(),
		"video only": body("m=video 4000 RTP/AVP 8"),
	} {
		if _, err := sdp.Accept(offer, mustParse(t, b)); sdp.Status(err) != 488 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWeHoldAndResume(t *testing.T) {
	first := sdp.MakeOffer(nil, here)
	hold := sdp.MakeOffer(first, local(sdp.SendOnly))
	again := sdp.MakeOffer(hold, local(sdp.SendOnly))
	back := sdp.MakeOffer(again, here)
	for i, want := range []string{"4711", "4712", "4712", "4713"} {
		if d := []*sdp.Description{first, hold, again, back}[i]; d.Origin.ID != "4711" || d.Origin.Version != want {
			t.Errorf("offer %d: %+v", i, d.Origin)
		}
	}
	a, err := sdp.Accept(hold, mustParse(t, body("m=audio 4000 RTP/AVP 8", "a=recvonly")))
	if err != nil || a.Held || a.Direction != sdp.SendOnly {
		t.Errorf("%+v %v", a, err)
	}
}

func TestLaterOffersKeepTheMediaLines(t *testing.T) {
	offer := mustParse(t, body("m=video 5000 RTP/AVP 99", "m=audio 4000 RTP/AVP 8"))
	answer, _, err := sdp.Answer(nil, offer, here)
	if err != nil {
		t.Fatal(err)
	}
	next := sdp.MakeOffer(answer, local(sdp.SendOnly))
	if len(next.Media) != 2 || next.Media[0].Kind != "video" || next.Media[0].Port != 0 || next.Media[1].Port != 16400 {
		t.Errorf("%+v", next.Media)
	}
	if next.Origin.Version != "4712" || next.Origin.ID != "4711" {
		t.Errorf("%+v", next.Origin)
	}
}

// TestTheVersionCountsChanges: over any dialog, the version grows by one with
// each change and not without, and each side's reading of an exchange fits the
// other's.
func TestTheVersionCountsChanges(t *testing.T) {
	directions := []sdp.Direction{sdp.SendRecv, sdp.SendOnly, sdp.RecvOnly, sdp.Inactive}
	rapid.Check(t, func(r *rapid.T) {
		var ours, theirs *sdp.Description
		mine, yours := here, sdp.Local{ID: 1, RTP: there}
		for range rapid.IntRange(1, 8).Draw(r, "exchanges") {
			mine.Direction = rapid.SampledFrom(directions).Draw(r, "mine")
			yours.Direction = rapid.SampledFrom(directions).Draw(r, "yours")
			yours.Codecs = rapid.SampledFrom([][]sdp.Codec{nil, {sdp.PCMU}, {sdp.PCMU, sdp.PCMA}}).Draw(r, "codecs")
			before := ours
			var a, b sdp.Agreed
			var err, err2 error
			if rapid.Bool().Draw(r, "we offer") {
				ours = sdp.MakeOffer(ours, mine)
				theirs, b, err = sdp.Answer(theirs, reparse(r, ours), yours)
				a, err2 = sdp.Accept(ours, reparse(r, theirs))
			} else {
				theirs = sdp.MakeOffer(theirs, yours)
				ours, a, err = sdp.Answer(ours, reparse(r, theirs), mine)
				b, err2 = sdp.Accept(theirs, reparse(r, ours))
			}
			if err != nil || err2 != nil {
				r.Fatal(err, err2)
			}
			if a.Direction != b.Direction.Reverse() || a.Codec.Name != b.Codec.Name || a.DTMF != b.RecvDTMF || b.DTMF != a.RecvDTMF {
				r.Fatalf("%+v does not fit %+v", a, b)
			}
			if before == nil {
				continue
			}
			changed := !cmp.Equal(before.Media, ours.Media, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }))
			if counted := before.Origin.Version != ours.Origin.Version; counted != changed {
				r.Fatalf("changed %v, version %s to %s", changed, before.Origin.Version, ours.Origin.Version)
			}
		}
	})
}

func reparse(r *rapid.T, d *sdp.Description) *sdp.Description {
	p, err := sdp.Parse(d.Marshal())
	if err != nil {
		r.Fatal(err)
	}
	return p
}

func TestIPv6(t *testing.T) {
	offer := mustParse(t, text("v=0", "o=- 9 9 IN IP6 2001:db8::9", "s=-", "c=IN IP6 2001:db8::9", "t=0 0", "m=audio 4000 RTP/AVP 8"))
	l := here
	l.RTP = netip.MustParseAddrPort("[2001:db8::1]:16400")
	answer, a, err := sdp.Answer(nil, offer, l)
	if err != nil || a.RTP.String() != "[2001:db8::9]:4000" {
		t.Fatal(a, err)
	}
	if !strings.Contains(string(answer.Marshal()), "c=IN IP6 2001:db8::1\r\n") {
		t.Errorf("%s", answer.Marshal())
	}
}

func TestLineEndsOfOtherPeople(t *testing.T) {
	b := strings.ReplaceAll(string(body("m=audio 4000 RTP/AVP 8")), "\r\n", "\n")
	mustParse(t, []byte(b))
}

// FuzzParse: whatever comes is answered with 400, 488 or a description that we
// can read ourselves; and what another parser reads we read as well.
func FuzzParse(f *testing.F) {
	f.Add(body("m=audio 4000 RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000", "a=rtcp:5 IN IP6 ::1", "a=ptime:30"))
	f.Add(sdp.MakeOffer(nil, here).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := sdp.Parse(b)
		if err != nil {
			if sdp.Status(err) != 400 {
				t.Fatalf("%v", err)
			}
			return
		}
		var other pion.SessionDescription
		if other.Unmarshal(b) == nil && len(other.MediaDescriptions) != len(d.Media) {
			t.Fatalf("%d m-lines, the other parser has %d", len(d.Media), len(other.MediaDescriptions))
		}
		answer, _, err := sdp.Answer(nil, d, here)
		if err != nil {
			if sdp.Status(err) != 488 {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(answer.Media) != len(d.Media) {
			t.Fatal("an answer with other m-lines")
		}
		if _, err := sdp.Parse(answer.Marshal()); err != nil {
			t.Fatalf("our own answer: %v\n%s", err, answer.Marshal())
		}
	})
}
