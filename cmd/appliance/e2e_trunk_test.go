package main

import (
	"bytes"
	"errors"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/testbed"
)

const (
	trunkAccount = "390245678900"
	trunkSecret  = "un-segreto-lungo"
	partyAccount = "393331234567"
	partySecret  = "noch-ein-geheimnis"
	earlyAccount = "393337654321"
)

// outside is a provider (Kamailio) with one other subscriber (baresip), both on the
// cable "wan".
type outside struct {
	r        *running
	provider *testbed.Provider
}

func (r *running) startProvider(expires int) *outside {
	r.t.Helper()
	o := &outside{r: r}
	o.start(expires)
	return o
}

func (o *outside) start(expires int) {
	wan := o.r.net.Side("wan")
	o.provider = testbed.StartProvider(o.r.t, testbed.ProviderOptions{
		Namespace: wan, Addr: netip.AddrPortFrom(wan.Addr(11), 5060), Expires: expires,
		Accounts: map[string]string{trunkAccount: trunkSecret, partyAccount: partySecret, earlyAccount: partySecret},
		Numbers:  map[string]string{"0245678900": trunkAccount, "+393331234567": partyAccount, "+393337654321": earlyAccount},
	})
}

// party starts the phone behind the provider.
func (o *outside) party(p testbed.PhoneOptions) *testbed.Phone {
	o.r.t.Helper()
	wan := o.r.net.Side("wan")
	p.Namespace, p.Addr = wan, wan.Addr(2)
	p.User, p.Password, p.Registrar = partyAccount, partySecret, o.provider.Addr
	phone := testbed.StartPhone(o.r.t, p)
	favour(phone.Process)
	if err := phone.WaitRegistered(limit(o.r.t, 15*time.Second)); err != nil {
		o.r.t.Fatalf("party: %v", err)
	}
	return phone
}

// addTrunk makes the trunk line as a technician does, sends ordinary calls over it
// first, and returns its id.
func (o *outside) addTrunk(w *web) string {
	o.r.t.Helper()
	at := w.edit("/edit/line/new?kind=trunk", url.Values{"name": {"Operatore VoIP"}, "kind": {"trunk"}, "channels": {"2"},
		"path": {"path-main"}, "trunk.server": {o.provider.Addr.String()}, "trunk.user": {trunkAccount}, "trunk.secret": {trunkSecret},
		"trunk.transport": {"udp"}, "trunk.register": {"true"}, "trunk.expires": {"600"}, "trunk.numberFormat": {"e164"}})
	id := strings.TrimPrefix(at, "/lines/")
	w.edit("/edit/number/new", url.Values{"number": {"+390245678900"}, "line": {id}, "path": {"path-main"}})
	w.edit("/edit/outbound", url.Values{"default:0": {id}, "default:1": {"line-2"}})
	o.registered(w, id, 15*time.Second)
	return id
}

func (o *outside) registered(w *web, id string, d time.Duration) {
	o.r.t.Helper()
	if !eventually(o.r.t, d, func() bool { return w.line(id).State.ID == "registered" }) {
		o.r.t.Fatalf("the trunk does not register: %+v\n%s", w.line(id), o.r.proc.Output())
	}
}

// Inward over a SIP trunk: the greeting and the menu are heard, key 1 (RFC 4733)
// leads to the queue and the agent; both hear each other; either may hang up.
func TestTrunkInward(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng", "kamailio")
	t.Parallel()
	net := testbed.NewNet(t, "a", "wan")
	box := startBox(t, net)
	w := box.claim()
	o := box.startProvider(120)
	o.addTrunk(w)
	agentSays, partySays := testbed.Speech(t, testbed.VoiceAgent, 60*time.Second), testbed.Speech(t, testbed.VoiceCaller, 60*time.Second)
	agent := box.phone(0, "a", testbed.PhoneOptions{Mic: agentSays, Manual: true})
	party := o.party(testbed.PhoneOptions{Mic: partySays, Manual: true})
	box.feature(agent, "*70")

	for _, who := range []string{"agent", "caller"} {
		box.want("dial", party.Dial(limit(t, 5*time.Second), "0245678900"))
		_, err := party.Wait(limit(t, 15*time.Second), "CALL_ESTABLISHED")
		box.want("box answers", err)
		box.want("menu", party.Talk(limit(t, 20*time.Second), 8*time.Second))
		box.want("key", party.Press(limit(t, 5*time.Second), "1"))
		ev, err := agent.Wait(limit(t, 20*time.Second), "CALL_INCOMING")
		box.want("agent's phone rings", err)
		if !strings.Contains(ev.Peer, "3331234567") {
			t.Errorf("the agent's phone shows %s, not the caller's number", ev.Peer)
		}
		box.want("accept", agent.Accept(limit(t, 5*time.Second)))
		_, err = agent.Wait(limit(t, 10*time.Second), "CALL_ESTABLISHED")
		box.want("agent answers", err)
		box.want("talk", agent.Talk(limit(t, 30*time.Second), 11*time.Second))
		first, other := agent, party
		if who == "caller" {
			first, other = party, agent
		}
		box.want("hang up", first.Hangup(limit(t, 5*time.Second)))
		_, err = other.Wait(limit(t, 10*time.Second), "CALL_CLOSED")
		box.want("over on the other side when the "+who+" hangs up", err)
		heard, err := agent.Heard()
		box.want("recording", err)
		testbed.AssertHears(t, "agent", afterNotice(t, heard), partySays, agentSays)
		heard, err = party.Heard()
		box.want("recording", err)
		welcomed(t, heard)
		testbed.AssertHears(t, "caller", heard[max(0, len(heard)-7*8000):], agentSays, partySays)
		w.quiet(5 * time.Second)
	}
	for _, c := range w.finished()[:2] {
		if c.Direction != "in" || c.Talk < 5 {
			t.Errorf("the list of calls has %+v", c)
		}
		if story := w.story(c.ID); !story.says("Presses key 1") && !story.says("Preme il tasto 1") {
			t.Errorf("the key was not heard: %+v", story.Moments)
		}
	}
}

// early starts a party (SIPp) that talks for 4 s before it answers.
func (o *outside) early(speech []int16) *testbed.SIPp {
	t := o.r.t
	t.Helper()
	dir := t.TempDir()
	alaw := make([]byte, len(speech))
	audio.LinearToALaw(alaw, speech)
	scenario, err := os.ReadFile("testdata/early.xml")
	if err == nil {
		scenario = bytes.ReplaceAll(scenario, []byte("speech.al"), []byte(filepath.Join(dir, "speech.al")))
		err = errors.Join(os.WriteFile(filepath.Join(dir, "early.xml"), scenario, 0o600), os.WriteFile(filepath.Join(dir, "speech.al"), alaw, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(o.r.net.Side("wan").Addr(12), 5070)
	res, err := testbed.RunSIPp(limit(t, 10*time.Second), t, testbed.SIPpOptions{Namespace: o.r.net.Side("wan"), Scenario: testbed.Register,
		Local: at, Target: o.provider.Addr, Inject: testbed.SIPpUsers(t, map[string]string{earlyAccount: partySecret})})
	if err != nil || res.Successful != 1 {
		t.Fatalf("the party does not register: %+v %v", res, err)
	}
	return testbed.StartSIPp(t, testbed.SIPpOptions{Namespace: o.r.net.Side("wan"), Scenario: filepath.Join(dir, "early.xml"), Local: at, RTPPort: 24000})
}

// Outward over a SIP trunk: the number in the trunk's format, audio both ways, a
// busy party shown as busy, early media passed on; and a provider that goes away
// and comes back.
func TestTrunkOutward(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng", "kamailio", "sipp")
	t.Parallel()
	net := testbed.NewNet(t, "a", "wan")
	box := startBox(t, net)
	w := box.claim()
	o := box.startProvider(10)
	id := o.addTrunk(w)
	near, far := testbed.Speech(t, testbed.VoiceAgent, 60*time.Second), testbed.Speech(t, testbed.VoiceThird, 60*time.Second)
	phone := box.phone(0, "a", testbed.PhoneOptions{Mic: near, Manual: true})

	early := o.early(far)
	box.want("dial", phone.Dial(limit(t, 5*time.Second), "3337654321"))
	_, err := phone.Wait(limit(t, 10*time.Second), "CALL_PROGRESS")
	box.want("early media shown at the phone", err)
	box.want("early media heard", phone.Talk(limit(t, 10*time.Second), 2*time.Second))
	_, err = phone.Wait(limit(t, 10*time.Second), "CALL_ESTABLISHED")
	box.want("answered after it", err)
	box.want("talk", phone.Talk(limit(t, 10*time.Second), 4*time.Second))
	box.want("hang up", phone.Hangup(limit(t, 5*time.Second)))
	if res, err := early.Wait(limit(t, 10*time.Second)); err != nil || res.Successful != 1 {
		t.Errorf("the early party: %+v %v", res, err)
	}
	heard, err := phone.Heard()
	box.want("recording", err)
	testbed.AssertHears(t, "phone, from the early media on", heard, far, near)
	w.quiet(5 * time.Second)

	party := o.party(testbed.PhoneOptions{Mic: far, Manual: true})
	box.want("dial", phone.Dial(limit(t, 5*time.Second), "3331234567"))
	_, err = party.Wait(limit(t, 10*time.Second), "CALL_INCOMING")
	box.want("party rings", err)
	_, err = phone.Wait(limit(t, 10*time.Second), "CALL_RINGING")
	box.want("ringing shown at the phone", err)
	box.want("accept", party.Accept(limit(t, 5*time.Second)))
	_, err = phone.Wait(limit(t, 10*time.Second), "CALL_ESTABLISHED")
	box.want("answered", err)
	box.want("talk", phone.Talk(limit(t, 30*time.Second), 8*time.Second))
	box.want("hang up", party.Hangup(limit(t, 5*time.Second)))
	_, err = phone.Wait(limit(t, 10*time.Second), "CALL_CLOSED")
	box.want("over", err)
	heard, err = phone.Heard()
	box.want("recording", err)
	testbed.AssertHears(t, "phone", heard, far, near)
	heard, err = party.Heard()
	box.want("recording", err)
	testbed.AssertHears(t, "party", heard, near, far)

	box.want("dial", phone.Dial(limit(t, 5*time.Second), "3331234567"))
	_, err = party.Wait(limit(t, 10*time.Second), "CALL_INCOMING")
	box.want("party rings", err)
	box.want("refuse", party.Hangup(limit(t, 5*time.Second)))
	ev, err := phone.Wait(limit(t, 10*time.Second), "CALL_CLOSED")
	box.want("refused", err)
	if !strings.HasPrefix(ev.Param, "486") {
		t.Errorf("the phone shows %q, not 486", ev.Param)
	}
	w.quiet(5 * time.Second)

	o.provider.Process.Kill()
	if !eventually(t, 20*time.Second, func() bool { return w.line(id).State.ID == "failed" }) {
		t.Fatalf("the trunk of a dead provider is %+v", w.line(id))
	}
	if l := w.line(id); l.Reason != "unreachable" {
		t.Errorf("the reason is %q", l.Reason)
	}
	o.start(10)
	o.registered(w, id, 25*time.Second)
}
