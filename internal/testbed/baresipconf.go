package testbed

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// phoneCounter gives every phone of this process its own control and RTP ports,
// so that several of them share a namespace.
var phoneCounter atomic.Uint32

// writePhoneConfig writes baresip's configuration folder and returns its control
// port. aufile has no player in this version of baresip: the far end is played
// into a dummy of aubridge, and sndfile records both directions on the way.
func writePhoneConfig(t testing.TB, dir string, o PhoneOptions) (controlPort uint16) {
	t.Helper()
	if strings.ContainsAny(o.User+o.AuthUser+o.Password, " ;\"<>") {
		t.Fatalf("phone %s: baresip cannot read a name or password with spaces, quotes or semicolons", o.User)
	}
	if err := os.MkdirAll(filepath.Join(dir, "rec"), 0o700); err != nil {
		t.Fatal(err)
	}
	mic := o.Mic
	if mic == nil {
		mic = make([]int16, 180*8000) // at its end baresip hangs up
	}
	if err := writeWAV(filepath.Join(dir, "mic.wav"), mic); err != nil {
		t.Fatal(err)
	}
	n := phoneCounter.Add(1)
	controlPort = uint16(15000 + n%1000)
	rtp := 11000 + 20*(n%200)
	modules, err := moduleFolder()
	if err != nil {
		Missing(t, "%v", err)
	}
	config := []string{
		"sip_listen " + o.Addr.String() + ":5060",
		"net_interface " + o.Addr.String(),
		"call_local_timeout 120",
		"call_max_calls 4",
		"audio_source aufile," + filepath.Join(dir, "mic.wav"),
		"audio_player aubridge,nul" + fmt.Sprint(n),
		"audio_alert aubridge,alert" + fmt.Sprint(n),
		"ausrc_srate 8000",
		"auplay_srate 8000",
		"audio_level no",
		"module_path " + modules,
		"module g711.so",
		"module aufile.so",
		"module aubridge.so",
		"module sndfile.so",
		"snd_path " + filepath.Join(dir, "rec"),
		"module_tmp account.so",
		"module_app menu.so",
		"module_app ctrl_tcp.so",
		fmt.Sprintf("ctrl_tcp_listen 127.0.0.1:%d", controlPort),
		fmt.Sprintf("rtp_ports %d-%d", rtp, rtp+18),
		"rtcp_mux no",
		"jitter_buffer_delay 2-10",
		o.Config,
	}
	files := map[string]string{
		"config":   strings.Join(config, "\n") + "\n",
		"accounts": accountLine(o) + "\n",
		"contacts": "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return controlPort
}

// accountLine writes the account. mwi is off: with it, this version re-subscribes
// in a tight loop while nothing listens at the registrar.
func accountLine(o PhoneOptions) string {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	expires := o.Expires
	switch {
	case expires == 0:
		expires = 120
	case expires < 0:
		expires = 0
	}
	answer := "auto"
	switch {
	case o.Early:
		answer = "early"
	case o.Manual:
		answer = "manual"
	}
	display := ""
	if o.Display != "" {
		display = `"` + o.Display + `" `
	}
	return fmt.Sprintf(`%s<sip:%s@%s;transport=%s>;auth_user=%s;auth_pass=%s;outbound="sip:%s;transport=%s";regint=%d;answermode=%s;audio_codecs=%s;ptime=20;mwi=no;dtmfmode=%s%s`,
		display, o.User, or(o.Domain, o.Registrar.Addr().String()), or(o.Transport, "udp"),
		or(o.AuthUser, o.User), o.Password, o.Registrar, or(o.Transport, "udp"), expires,
		answer, or(o.Codecs, "PCMA"), or(o.DTMF, "rtp"), o.Account)
}

// moduleFolder finds where Debian put baresip's modules on this architecture.
func moduleFolder() (string, error) {
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("baresip's modules are not found (Debian: apt-get install baresip-core)")
}

// writeNetstring writes one netstring, the frame of ctrl_tcp.
func writeNetstring(w io.Writer, b []byte) error {
	_, err := w.Write(append(append([]byte(strconv.Itoa(len(b))+":"), b...), ','))
	return err
}

type netstringReader struct{ r *bufio.Reader }

func newNetstringReader(r io.Reader) netstringReader { return netstringReader{bufio.NewReader(r)} }

// next returns the next netstring's content.
func (n netstringReader) next() ([]byte, error) {
	head, err := n.r.ReadString(':')
	if err != nil {
		return nil, err
	}
	size, err := strconv.Atoi(strings.TrimSuffix(head, ":"))
	if err != nil || size < 0 || size > 1<<20 {
		return nil, fmt.Errorf("netstring of length %q", head)
	}
	b := make([]byte, size+1)
	if _, err := io.ReadFull(n.r, b); err != nil {
		return nil, err
	}
	return b[:size], nil
}
