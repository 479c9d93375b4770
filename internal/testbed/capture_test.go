package testbed_test

import (
	"net/netip"
	"testing"

	"centralino/internal/testbed"
)

// A capture holds each message of a registration with who sent it to whom, and no
// others.
func TestCaptureOfARegistration(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "sipp", "kamailio", "tshark", "dumpcap")
	net := testbed.NewNet(t, "lan")
	lan := net.Side("lan")
	proxy := testbed.StartProvider(t, testbed.ProviderOptions{Namespace: net.Box(), Addr: netip.AddrPortFrom(net.BoxAddr("lan"), 5060),
		Accounts: map[string]string{"1001": "secret-one"}})
	c := testbed.StartCapture(t, net.Box())
	local := netip.AddrPortFrom(lan.Addr(11), 5070)
	_, err := testbed.RunSIPp(soon(t), t, testbed.SIPpOptions{Namespace: lan, Scenario: testbed.Register, Local: local, Target: proxy.Addr,
		Inject: testbed.SIPpUsers(t, map[string]string{"1001": "secret-one"})})
	check(t, err)
	got := c.Stop()
	if len(got) != 4 {
		t.Fatalf("%d messages: %+v", len(got), got)
	}
	for i, want := range []testbed.SIPMessage{
		{Method: "REGISTER", CSeq: 1, From: local, To: proxy.Addr, RequestURI: "sip:" + proxy.Addr.Addr().String()}, {Status: 401, CSeq: 1, From: proxy.Addr, To: local},
		{Method: "REGISTER", CSeq: 2, From: local, To: proxy.Addr, RequestURI: "sip:" + proxy.Addr.Addr().String()}, {Status: 200, CSeq: 2, From: proxy.Addr, To: local},
	} {
		want.At, want.CallID, want.CSeqMethod, want.FromUser = got[i].At, got[0].CallID, "REGISTER", "1001"
		if got[i] != want || got[i].CallID == "" || got[i].At.IsZero() || i > 0 && got[i].At.Before(got[i-1].At) {
			t.Errorf("message %d is %+v, want %+v", i, got[i], want)
		}
	}
}
