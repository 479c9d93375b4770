package sip_test

import (
	"strings"
	"testing"

	"centralino/pbx/sip"
)

func TestRequestReadsWhatAPhoneSends(t *testing.T) {
	raw := strings.ReplaceAll(`REGISTER sip:pbx.test SIP/2.0
v: SIP/2.0/UDP 10.0.0.2:5062;rport;branch=z9hG4bKabc, SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bKold
Max-Forwards: 70
f: "Rossi, \"Anna\"" <sip:1001@pbx.test>;tag=x1
t: sip:1001@pbx.test;x=y
i: call-1
CSeq: 12 REGISTER
m: <sip:1001@10.0.0.2:5062;ob>;expires=120, "B" <sip:b@h>
k: path, outbound
l: 0

`, "\n", "\r\n")
	req, err := sip.ParseRequest([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if got := req.From(); got.Display != `Rossi, "Anna"` || got.URI.User != "1001" || got.Tag() != "x1" {
		t.Errorf("From = %+v", got)
	}
	if got := req.To(); got.URI.String() != "sip:1001@pbx.test" || got.Params != ";x=y" {
		t.Errorf("To = %+v", got)
	}
	if c := req.Contacts(); len(c) != 2 || c[0].URI.String() != "sip:1001@10.0.0.2:5062;ob" {
		t.Errorf("Contacts = %v", c)
	} else if e, _ := c[0].Params.Get("Expires"); e != "120" {
		t.Errorf("expires = %q", e)
	}
	if n, m := req.CSeq(); n != 12 || m != "REGISTER" {
		t.Errorf("CSeq = %d %s", n, m)
	}
	if !req.HasOption("Supported", "Outbound") || len(req.Headers("Via")) != 2 {
		t.Errorf("Supported or Via not split: %v", req.Headers("via"))
	}
	resp := sip.NewResponse(req, 401, "")
	if resp.To().Tag() == "" || resp.CallID() != "call-1" || !strings.HasPrefix(resp.String(), "SIP/2.0 401 Unauthorized\r\nVia: ") {
		t.Errorf("response = %s", resp)
	}
	if again := sip.NewResponse(req, 401, ""); again.To().Tag() != resp.To().Tag() {
		t.Errorf("tags of two answers differ")
	}
}
