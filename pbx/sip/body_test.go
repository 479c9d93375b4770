package sip_test

import (
	"strings"
	"testing"

	"centralino/pbx/sip"
)

func TestSDPIsFoundInTheBody(t *testing.T) {
	const desc = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"
	part := func(contentType, body string) string {
		return "--x7\r\nContent-Type: " + contentType + "\r\nContent-Disposition: session\r\n\r\n" + body + "\r\n"
	}
	cases := []struct{ name, contentType, body, want string }{
		{"plain", "application/sdp", desc, desc},
		{"with parameter and in capitals", "Application/SDP; charset=utf-8", desc, desc},
		{"a part behind another", `multipart/mixed;boundary="x7"`, part("text/plain", "ciao") + part("application/sdp", desc) + "--x7--\r\n", desc},
		{"compact part header", "multipart/mixed; boundary=x7", "--x7\r\nc: application/sdp\r\n\r\n" + desc + "\r\n--x7--", desc},
		{"multipart without SDP", "multipart/mixed;boundary=x7", part("text/plain", desc) + "--x7--", ""},
		{"multipart without boundary", "multipart/mixed", part("application/sdp", desc), ""},
		{"another type", "text/plain", desc, ""},
		{"no body", "application/sdp", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req := sip.NewRequest(sip.INVITE, sip.NewURI("a", "b", 0))
			req.SetBody(c.contentType, []byte(c.body))
			if got := string(req.SDP()); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// FuzzSDPOfBody: no body makes it panic or return more than the body.
func FuzzSDPOfBody(f *testing.F) {
	f.Add("multipart/mixed;boundary=x7", []byte("--x7\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x7--"))
	f.Add("application/sdp", []byte("v=0"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		req := sip.NewRequest(sip.INVITE, sip.NewURI("a", "b", 0))
		req.SetBody(contentType, body)
		if got := req.SDP(); !strings.Contains(string(body), string(got)) {
			t.Fatalf("%q is not in %q", got, body)
		}
	})
}
