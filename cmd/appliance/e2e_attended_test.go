package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// softphone is linphonec, which asks a colleague in a second call and joins the two.
type softphone struct {
	r    *running
	proc *testbed.Process
	keys *os.File
}

// linphone starts the nth account on a side of its own, and registers it.
func (r *running) linphone(n int, side string) *softphone {
	r.t.Helper()
	home := r.t.TempDir()
	rc := "[sip]\nsip_port=5071\nsip_tcp_port=-1\nsip_tls_port=-1\nuse_ipv6=0\n[sound]\nechocancellation=0\n"
	keys := filepath.Join(home, "keys")
	for _, err := range []error{os.MkdirAll(filepath.Join(home, ".local/share/linphone"), 0o700),
		os.WriteFile(filepath.Join(home, "rc"), []byte(rc), 0o600), syscall.Mkfifo(keys, 0o600)} {
		if err != nil {
			r.t.Fatal(err)
		}
	}
	f, err := os.OpenFile(keys, os.O_RDWR, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { f.Close() })
	p := &softphone{r: r, keys: f, proc: testbed.Start(r.t, r.net.Side(side), testbed.Command{Path: "sh",
		Args: []string{"-c", "exec linphonec -c " + filepath.Join(home, "rc") + " <" + keys}, Env: []string{"HOME=" + home}})}
	box := netip.AddrPortFrom(r.net.BoxAddr(side), 5060)
	p.types("soundcard use files")
	p.types("autoanswer enable")
	p.types(fmt.Sprintf("register sip:%s@%s sip:%s %s", r.accounts[n].user, box.Addr(), box, r.accounts[n].password))
	var asked time.Time
	if !eventually(r.t, 40*time.Second, func() bool {
		if time.Since(asked) > time.Second {
			asked = time.Now()
			p.types("status register")
		}
		return strings.Contains(p.proc.Output(), "registered, identity=")
	}) {
		r.t.Fatalf("linphonec does not register:\n%s\nthe box said:\n%s", p.proc.Output(), r.proc.Output())
	}
	return p
}

func (p *softphone) types(line string) {
	p.r.t.Helper()
	if _, err := p.keys.WriteString(line + "\n"); err != nil {
		p.r.t.Fatal(err)
	}
}

// says waits until the phone has said so.
func (p *softphone) says(what *regexp.Regexp) {
	p.r.t.Helper()
	if !eventually(p.r.t, 15*time.Second, func() bool { return what.MatchString(p.proc.Output()) }) {
		p.r.t.Fatalf("linphonec does not say %s:\n%s", what, p.proc.Output())
	}
}

// A person talks with a colleague, asks another one in a second call, and joins the two
// (REFER with Replaces, RFC 5589 7): both of his calls end, and the two hear each other.
func TestAttendedTransferWithRealPhones(t *testing.T) {
	testbed.Need(t, "linphonec", "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b", "c")
	box := startBox(t, net)
	w := box.claim()
	oneSays, otherSays := testbed.Speech(t, testbed.VoiceCaller, 90*time.Second), testbed.Speech(t, testbed.VoiceFourth, 90*time.Second)
	one := box.phone(3, "c", testbed.PhoneOptions{Mic: oneSays})
	other := box.phone(1, "b", testbed.PhoneOptions{Mic: otherSays})
	between := box.linphone(0, "a")

	box.want("dial", one.Dial(limit(t, 5*time.Second), box.accounts[0].user))
	_, err := one.Wait(limit(t, 20*time.Second), "CALL_ESTABLISHED")
	box.want("he answers", err)
	between.types("pause")
	between.says(regexp.MustCompile(`Call 1 with .* paused`))
	between.types("call sip:" + box.accounts[1].user + "@" + net.BoxAddr("a").String())
	_, err = other.Wait(limit(t, 20*time.Second), "CALL_ESTABLISHED")
	box.want("the colleague answers", err)
	between.says(regexp.MustCompile(`Call 2 with .* connected`))
	between.types("transfer 1 --to-call 2")
	if !eventually(t, 15*time.Second, func() bool {
		calls := w.finished()
		return len(calls) == 2 && (calls[0].Outcome.ID == "running") != (calls[1].Outcome.ID == "running")
	}) {
		t.Fatalf("one call is to be over: %+v\nlinphonec said:\n%s\nthe box said:\n%s", w.finished(), between.proc.Output(), box.proc.Output())
	}
	between.types("quit")
	box.want("the two talk", other.Talk(limit(t, 30*time.Second), 8*time.Second))
	box.want("hang up", one.Hangup(limit(t, 5*time.Second)))
	box.closed(other, "over")
	w.quiet(5 * time.Second)
	heard, err := other.Heard()
	box.want("recording", err)
	testbed.AssertHears(t, "the colleague", heard[len(heard)-6*8000:], oneSays, otherSays)
}
