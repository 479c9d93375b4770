package testbed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Vgetty is mgetty's voice software (Debian mgetty-voice) with a configuration of
// its own: a V.253 host that we did not write. Each one lives in a private mount
// namespace in which /etc/mgetty, /var/log/mgetty, /var/spool/voice and /var/lock
// are folders of the test, so that several run side by side and nothing of the
// machine is touched.
type Vgetty struct {
	t    testing.TB
	Dir  string // holds etc, log, spool and lock
	port string // device without /dev/
}

// voiceConf is the part of voice.conf that differs from the program's defaults.
const voiceConf = `part generic
voice_log_level 9
voice_dir /var/spool/voice
receive_dir incoming
message_dir messages
message_list Index
phone_owner root
phone_group root
phone_mode 0660
port_speed 115200
do_hard_flow true
rec_compression %d
rec_speed 8000
rec_silence_len 70
rec_silence_threshold 40
rec_max_len %d
rec_min_len 0
raw_data false
command_delay 100
dtmf_program dtmf.sh
force_autodetect true
%s
program vgetty
rings 2
answer_mode voice
call_program
rec_always_keep true
button_program
message_program
do_message_light false
program vm
dialout_timeout 20
ringback_goes_away 10
ringback_never_came 20
`

const mgettyConf = `debug 9
speed 115200
toggle-dtr no
ignore-carrier yes
data-only no
init-chat "" \d\d\dAT OK
`

// VgettyOptions of a session.
type VgettyOptions struct {
	Device      string // for instance "/dev/pts/3"
	Compression int    // the program's own number: 5 or 11 is A-law, by modem
	MaxRecord   int    // seconds
	Force       bool   // take the modem for a V.253 one whatever ATI says …
	ALaw        int    // … and this for its +VSM number of A-law
}

// NewVgetty prepares a session.
func NewVgetty(t testing.TB, o VgettyOptions) *Vgetty {
	t.Helper()
	Need(t, "vgetty", "vm", "unshare", "mount")
	probe := Start(t, nil, Command{Path: "unshare", Args: append(privateMounts(), "true")})
	if <-probe.Done(); probe.Err() != nil {
		Missing(t, "mount namespaces are not allowed here: %v", probe.Err())
	}
	v := &Vgetty{t: t, Dir: t.TempDir(), port: strings.TrimPrefix(o.Device, "/dev/")}
	force := ""
	if o.Force {
		force = fmt.Sprintf("forceV253 true\nenable_compression_mapping_querry false\ncompression_8bit_alaw %d", o.ALaw)
	}
	for _, d := range []string{"etc", "log", "lock", "run", "spool/incoming", "spool/messages"} {
		if err := os.MkdirAll(filepath.Join(v.Dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"etc/voice.conf":    fmt.Sprintf(voiceConf, o.Compression, o.MaxRecord, force),
		"etc/mgetty.config": mgettyConf, "etc/login.config": "* - - /bin/true\n",
		"etc/dialin.config": "all\n", "spool/messages/Index": "",
	} {
		if err := os.WriteFile(filepath.Join(v.Dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// script makes the private folders and becomes the program.
const script = `set -e
mkdir -p /var/log/mgetty /var/spool/voice /etc/mgetty
mount --bind "$1/etc" /etc/mgetty
mount --bind "$1/log" /var/log/mgetty
mount --bind "$1/spool" /var/spool/voice
mount --bind "$1/lock" /var/lock
shift
exec "$@"
`

// privateMounts are unshare's arguments for a mount namespace of one's own.
func privateMounts() []string {
	args := []string{"--mount", "--propagation", "private"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	return args
}

// Start runs a program of the package, "vgetty" or "vm".
func (v *Vgetty) Start(program string, args ...string) *Process {
	v.t.Helper()
	path, err := lookTool(program)
	if err != nil {
		v.t.Fatal(err)
	}
	all := append(privateMounts(), "sh", "-c", script, "sh", v.Dir, path)
	return Start(v.t, nil, Command{Path: "unshare", Args: append(all, args...), Dir: v.Dir})
}

// VM runs vm to its end and returns its exit error.
func (v *Vgetty) VM(ctx context.Context, action string, args ...string) error {
	v.t.Helper()
	p := v.Start("vm", append([]string{action, "-t", "-l", v.port}, args...)...)
	select {
	case <-p.Done():
		return p.Err()
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("vm %s: %w\n%s", action, ctx.Err(), v.Log())
	}
}

// Answer starts vgetty on the port; it waits for a call.
func (v *Vgetty) Answer() *Process {
	v.t.Helper()
	return v.Start("vgetty", v.port)
}

// Log returns everything that the session has logged.
func (v *Vgetty) Log() string {
	files, _ := filepath.Glob(filepath.Join(v.Dir, "log/*"))
	var b strings.Builder
	for _, f := range files {
		text, _ := os.ReadFile(f)
		fmt.Fprintf(&b, "== %s\n%s\n", filepath.Base(f), text)
	}
	return b.String()
}

// Received returns the path of the first message that was recorded from a caller,
// or "".
func (v *Vgetty) Received() string {
	files, _ := filepath.Glob(filepath.Join(v.Dir, "spool/incoming/v-*"))
	if len(files) == 0 {
		return ""
	}
	return files[0]
}

// WaitLog waits until text stands in the log.
func (v *Vgetty) WaitLog(ctx context.Context, text string) error {
	return poll(ctx, "vgetty to log "+text, func() bool { return strings.Contains(v.Log(), text) })
}
