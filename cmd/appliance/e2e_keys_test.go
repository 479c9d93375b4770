package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// A key of a phone that is not ours (SIPp) shows how another rings, talks and rests:
// its own digest, its own reading of what it is told, and its own end.
func TestKeyOfAForeignPhone(t *testing.T) {
	testbed.Need(t, "baresip", "sipp", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b", "c")
	box := startBox(t, net)
	caller := box.phone(0, "a", testbed.PhoneOptions{Mic: testbed.Speech(t, testbed.VoiceCaller, 30*time.Second)})
	called := box.phone(1, "b", testbed.PhoneOptions{Manual: true, Mic: testbed.Speech(t, testbed.VoiceAgent, 30*time.Second)})
	at := netip.AddrPortFrom(net.Side("c").Addr(2), 5060)
	to := netip.AddrPortFrom(net.BoxAddr("c"), 5060)
	users := testbed.SIPpUsers(t, map[string]string{box.accounts[2].user: box.accounts[2].password})
	res, err := testbed.RunSIPp(limit(t, 10*time.Second), t, testbed.SIPpOptions{Namespace: net.Side("c"), Scenario: testbed.Register, Local: at, Target: to, Inject: users})
	if err != nil || res.Successful != 1 {
		t.Fatalf("the phone does not register: %+v %v", res, err)
	}
	ready := filepath.Join(t.TempDir(), "ready")
	watcher := testbed.StartSIPp(t, testbed.SIPpOptions{Namespace: net.Side("c"), Scenario: "testdata/lamp.xml", Local: at, Target: to, Inject: users,
		Service: "202", Keys: map[string]string{"ready": ready}, Args: []string{"-auth_uri", "202@" + to.String()}})
	if !eventually(t, 10*time.Second, func() bool { _, err := os.Stat(ready); return err == nil }) {
		t.Fatalf("the key never learns that 202 rests\n%s", watcher.Process.Output())
	}
	box.want("dial", caller.Dial(limit(t, 5*time.Second), "202"))
	_, err = called.Wait(limit(t, 10*time.Second), "CALL_INCOMING")
	box.want("rings", err)
	box.answers(called)
	box.want("talk", caller.Talk(limit(t, 10*time.Second), time.Second))
	box.hangsUp(caller)
	box.closed(called, "over")
	res, err = watcher.Wait(limit(t, 15*time.Second))
	if err != nil || res.Successful != 1 || res.Failed != 0 {
		t.Errorf("the key: %+v %v\n%s", res, err, watcher.Process.Output())
	}
}
