package testbed_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// soon bounds waiting for something that a peer does within a second or two.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Two phones talk through a proxy, nothing of the box takes part: this shows that
// the peers, the cables and the judge are right.
func TestTwoPhonesTalkThroughTheProvider(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "baresip", "kamailio", "espeak-ng")
	net := testbed.NewNet(t, "lan")
	proxy := testbed.StartProvider(t, testbed.ProviderOptions{
		Namespace: net.Box(), Addr: netip.AddrPortFrom(net.BoxAddr("lan"), 5060),
		Accounts: map[string]string{"1001": "secret-one", "1002": "secret-two"},
		Numbers:  map[string]string{"0212345678": "1002"},
	})
	saidByA := testbed.Speech(t, testbed.VoiceCaller, 30*time.Second)
	saidByB := testbed.Speech(t, testbed.VoiceAgent, 30*time.Second)
	lan := net.Side("lan")
	a := testbed.StartPhone(t, testbed.PhoneOptions{Namespace: lan, Addr: lan.Addr(11), User: "1001",
		Password: "secret-one", Registrar: proxy.Addr, Mic: saidByA, Display: "Anna"})
	b := testbed.StartPhone(t, testbed.PhoneOptions{Namespace: lan, Addr: lan.Addr(12), User: "1002",
		Password: "secret-two", Registrar: proxy.Addr, Mic: saidByB, Manual: true})
	check(t, a.WaitRegistered(soon(t)))
	check(t, b.WaitRegistered(soon(t)))
	bindings, err := proxy.Bindings(soon(t))
	check(t, err)
	if len(bindings) != 2 {
		t.Errorf("the provider knows %v, want both phones", bindings)
	}

	check(t, a.Dial(soon(t), "0212345678"))
	in, err := b.Wait(soon(t), "CALL_INCOMING")
	check(t, err)
	if in.PeerName != "Anna" {
		t.Errorf("the call shows %q, want Anna: %+v", in.PeerName, in)
	}
	check(t, b.Accept(soon(t)))
	_, err = a.Wait(soon(t), "CALL_ESTABLISHED")
	check(t, err)
	_, err = b.Wait(soon(t), "CALL_ESTABLISHED")
	check(t, err)
	check(t, a.Press(soon(t), "15#"))
	_, err = b.WaitFor(soon(t), "digit #", func(e testbed.PhoneEvent) bool {
		return e.Type == "CALL_DTMF_START" && e.Param == "#"
	})
	check(t, err)
	if got := b.Digits(); got != "15#" {
		t.Errorf("keys heard are %q, want 15#", got)
	}
	check(t, b.Talk(soon(t), 4*time.Second))
	check(t, a.Hold(soon(t)))
	check(t, a.Resume(soon(t)))
	check(t, a.Press(soon(t), "9"))
	_, err = b.WaitFor(soon(t), "digit 9 after the hold", func(e testbed.PhoneEvent) bool {
		return e.Type == "CALL_DTMF_START" && e.Param == "9"
	})
	check(t, err)
	check(t, b.Hangup(soon(t)))
	_, err = a.Wait(soon(t), "CALL_CLOSED")
	check(t, err)

	heardByA, err := a.Heard()
	check(t, err)
	heardByB, err := b.Heard()
	check(t, err)
	testbed.AssertHears(t, "phone A", heardByA, saidByB, saidByA)
	testbed.AssertHears(t, "phone B", heardByB, saidByA, saidByB)
	sent, err := a.Sent()
	check(t, err)
	if r := testbed.Judge(sent, saidByA); r.Median < 0.95 {
		t.Errorf("phone A's own recording of what it said: %v", r)
	}
}

func TestSIPpCountsWhatSucceedsAndWhatFails(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "sipp", "kamailio")
	net := testbed.NewNet(t, "lan")
	proxy := testbed.StartProvider(t, testbed.ProviderOptions{
		Namespace: net.Box(), Addr: netip.AddrPortFrom(net.BoxAddr("lan"), 5060),
		Accounts: map[string]string{"1001": "secret-one"}, Algorithm: "MD5",
	})
	tests := []struct {
		name, password string
		want           testbed.SIPpResult
	}{
		{"the right password registers every time", "secret-one", testbed.SIPpResult{Created: 5, Successful: 5}},
		{"the wrong password fails every time", "wrong", testbed.SIPpResult{Created: 5, Failed: 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := testbed.RunSIPp(soon(t), t, testbed.SIPpOptions{
				Namespace: net.Side("lan"), Scenario: testbed.Register,
				Local: netip.AddrPortFrom(net.Side("lan").Addr(11), 0), Target: proxy.Addr,
				Inject: testbed.SIPpUsers(t, map[string]string{"1001": tt.password}), Calls: 5, Rate: 50,
			})
			check(t, err)
			got.Retransmissions = 0 // depends on how busy the machine is
			if got != tt.want {
				t.Errorf("counted %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestUnpluggedCableCarriesNothingUntilPlugged(t *testing.T) {
	t.Parallel()
	net := testbed.NewNet(t, "lan", "wan")
	server, err := net.Box().ListenUDP(netip.AddrPortFrom(net.BoxAddr("wan"), 4000))
	check(t, err)
	defer server.Close()
	client, err := net.Side("wan").ListenUDP(netip.AddrPortFrom(net.Side("wan").Addr(11), 0))
	check(t, err)
	defer client.Close()
	to := netip.AddrPortFrom(net.BoxAddr("wan"), 4000)
	arrives := func(within time.Duration) bool {
		buf := make([]byte, 16)
		end := time.Now().Add(within)
		for time.Now().Before(end) {
			_, _ = client.WriteToUDPAddrPort([]byte("hello"), to)
			_ = server.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if _, _, err := server.ReadFromUDPAddrPort(buf); err == nil {
				return true
			}
		}
		return false
	}
	if !arrives(5 * time.Second) {
		t.Fatal("nothing passes the cable")
	}
	net.Unplug(t, "wan")
	for arrives(10 * time.Millisecond) { // what was under way
	}
	if arrives(200 * time.Millisecond) {
		t.Error("something passes the unplugged cable")
	}
	net.Plug(t, "wan")
	if !arrives(5 * time.Second) {
		t.Error("nothing passes the cable that was plugged again")
	}
}
