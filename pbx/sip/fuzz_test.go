package sip_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"centralino/pbx/sip"
)

// FuzzWire feeds bytes through guard, parser, validation and lenient picker of a
// running stack: nothing may panic, every answer must be readable, ours, and not
// much larger than what was sent.
func FuzzWire(f *testing.F) {
	files, _ := filepath.Glob("testdata/rfc*/*.dat")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Add(inviteBytes)
	f.Add([]byte("\r\n\r\njaK"))
	w := sip.NewFuzzWire(&handler{stateless: func(r *sip.Request) *sip.Response {
		return sip.NewResponse(r, 200, "")
	}})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, a := range w.Feed(b) {
			resp, err := sip.ParseResponse(a)
			if err != nil {
				t.Fatalf("answer %q: %v", a, err)
			}
			if !strings.HasPrefix(string(a), "SIP/2.0 ") || resp.HasHeader("Server") {
				t.Fatalf("answer %q", a)
			}
			if len(a) > 2*len(b)+300 {
				t.Fatalf("%d octets answer %d", len(a), len(b))
			}
		}
	})
}

// FuzzURI: what ParseURI accepts is written back the same, and is equal to itself.
func FuzzURI(f *testing.F) {
	for _, s := range []string{"sip:1001@pbx.test:5060;transport=tcp?a=b", "sips:a:b@[2001:db8::1]", "tel:+3902123;phone-context=x",
		"sip:%00@h", "urn:service:sos", "sip:user;par=u%40example.net@example.com", "sip:", "sip:@", "sip:a@b:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := sip.ParseURI(s)
		if err != nil {
			return
		}
		again, err := sip.ParseURI(u.String())
		if err != nil || again != u || !u.Equal(again) {
			t.Fatalf("%q became %q: %+v, %v", s, u.String(), again, err)
		}
		if strings.ContainsAny(u.String(), "\r\n <>") {
			t.Fatalf("%q carries separators", u.String())
		}
	})
}

// FuzzAddress: what ParseAddress accepts means the same after it has been written.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{`"A \"B\"" <sip:a@b;lr>;tag=x;y="z;,"`, "sip:a@b;tag=1", "Anna Rossi <sip:a@b>", "*", `"`, "<sip:a@b", "<sip:a@b>;;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := sip.ParseAddress(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(a.String(), "\r\n\x00") && !strings.ContainsAny(s, "\r\n\x00") {
			t.Fatalf("%q became %q", s, a.String())
		}
		again, err := sip.ParseAddress(a.String())
		if err != nil || again.URI != a.URI || again.Tag() != a.Tag() || again.Star != a.Star {
			t.Fatalf("%q became %q: %+v, %v", s, a.String(), again, err)
		}
	})
}

// Data of any origin in headers, display names and user parts can neither inject
// fields nor break the message.
func TestForeignDataStaysInItsPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\x00-\x20"\\<>;,@%a:\r\n]{0,20}`)).Draw(t, "data")
		req := sip.NewRequest(sip.MESSAGE, sip.NewURI(data, "pbx.test", 0))
		req.AddHeader("From", sip.Address{Display: data, URI: sip.NewURI("a", "b", 0)}.WithTag("x").String())
		req.AddHeader("To", "<sip:c@d>")
		req.AddHeader("Call-ID", "1")
		req.AddHeader("CSeq", "1 MESSAGE")
		req.AddHeader("Subject", data)
		req.SetBody("text/plain", []byte("body"))
		got, err := sip.ParseRequest([]byte(req.String()))
		if err != nil {
			t.Fatalf("%v: %q", err, req.String())
		}
		if got.URI().Username() != data || string(got.Body()) != "body" || len(got.Headers("To")) != 1 || got.CallID() != "1" {
			t.Fatalf("became %q", got.String())
		}
		if d := got.From().Display; utf8.ValidString(data) && !strings.ContainsFunc(data, func(r rune) bool { return r < ' ' || r == 0x7f }) && strings.TrimSpace(data) == data && d != data {
			t.Fatalf("display name %q became %q", data, d)
		}
	})
}

func TestParamsSetAndTakeOff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]{1,8}`)
		value := rapid.StringMatching(`[ -~]{0,12}`)
		var p sip.Params
		want := make(map[string]string)
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			n, v := name.Draw(t, "name"), value.Draw(t, "value")
			p = p.With(n, v)
			want[n] = v
		}
		for n, v := range want {
			if got, ok := p.Get(strings.ToUpper(n)); !ok || got != v {
				t.Fatalf("%s: %s is %q, want %q", p, n, got, v)
			}
			p = p.Without(n)
		}
		if p != "" {
			t.Fatalf("left %q", p)
		}
	})
}
