package sim_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/audio"
	"centralino/internal/testbed"
)

// The modem simulator is believed because mgetty-voice, a V.253 host that we did
// not write, takes it for a modem: every profile with voice passes sessions of vm
// and vgetty, over its pty, with the samples compared octet by octet.

// rmdHeader begins mgetty's voice files: magic, modem, compression, speed, bits.
const rmdHeader = 32

// modemQueue is how many samples a modem keeps for the line, which it forgets when it is
// told to leave duplex.
const modemQueue = 1024

// session is one modem with a vgetty or vm at its port.
type session struct {
	x *sim.Exchange
	l *sim.ExLine
	m *sim.Modem
	v *testbed.Vgetty
	o testbed.VgettyOptions
}

// hosts says how mgetty-voice must be configured for each profile.
var hosts = map[string]struct {
	profile sim.Profile
	options testbed.VgettyOptions
}{
	"generic": {sim.Generic, testbed.VgettyOptions{Compression: 11}},
	"cx93001": {sim.CX93001, testbed.VgettyOptions{Compression: 11, Force: true, ALaw: 132}},
	"usr5637": {sim.USR5637, testbed.VgettyOptions{Compression: 11, Force: true, ALaw: 130}},
	"ttyi":    {sim.TTYI, testbed.VgettyOptions{Compression: 5}},
}

func newSession(t *testing.T, host string, maxRecord int) *session {
	t.Helper()
	testbed.Need(t, "vgetty", "vm")
	h := hosts[host]
	s := &session{x: sim.NewExchange(sim.ExchangeOptions{}), o: h.options}
	s.l = s.x.AddLine("line", sim.LineOptions{Kind: h.profile.Kind, ReturnLoss: 120})
	var err error
	if s.m, err = sim.OpenModem(t.Context(), s.l, sim.ModemOptions{Profile: h.profile}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("modem was told %q\n%s", s.m.Received(), s.v.Log())
		}
		s.m.Close()
		s.x.Close()
	})
	s.o.Device, s.o.MaxRecord = s.m.Path(), maxRecord
	s.v = testbed.NewVgetty(t, s.o)
	return s
}

// vm runs vm to its end.
func (s *session) vm(t *testing.T, action string, args ...string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	if err := s.v.VM(ctx, action, args...); err != nil {
		t.Fatalf("vm %s: %v", action, err)
	}
}

// logged checks that vm or vgetty wrote text into its log.
func (s *session) logged(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(s.v.Log(), text) {
		t.Errorf("log does not say %q", text)
	}
}

// noise is A-law of all octets but that of silence in no order: what a wrong DLE, a lost or a
// doubled octet changes, a comparison finds.
func noise(seed uint64, d time.Duration) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, audio.Samples(d))
	for i := range b {
		for b[i] = audio.ALawSilence; b[i] == audio.ALawSilence; {
			b[i] = byte(r.UintN(256))
		}
	}
	return b
}

func linear(alaw []byte) []int16 {
	s := make([]int16, len(alaw))
	audio.ALawToLinear(s, alaw)
	return s
}

func toALaw(s []int16) []byte {
	b := make([]byte, len(s))
	audio.LinearToALaw(b, s)
	return b
}

// recording reads a file that vm or vgetty made and returns its samples.
func recording(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || len(b) < rmdHeader {
		t.Fatalf("no recording: %v", err)
	}
	return b[rmdHeader:]
}

// longestRun returns the length of the longest piece of a that stands unchanged in
// b and begins at a multiple of 80 samples of a.
func longestRun(a, b []byte) int {
	best := 0
	for i := 0; i+80 <= len(a); i += 80 {
		j := bytes.Index(b, a[i:i+80])
		if j < 0 {
			continue
		}
		n := 0
		for i+n < len(a) && j+n < len(b) && a[i+n] == b[j+n] {
			n++
		}
		if best = max(best, n); best >= len(a)-i {
			break
		}
	}
	return best
}

func TestVMDetects(t *testing.T) {
	for host, says := range map[string]string{"generic": "V253 modem detected", "ttyi": "Linux ISDN"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, host, 1)
			s.vm(t, "diagnostics", strings.TrimPrefix(s.m.Path(), "/dev/"))
			s.logged(t, says)
			if s.l.OffHook() {
				t.Error("line is off hook after a session that only asked")
			}
		})
	}
}

func TestVMRecords(t *testing.T) {
	for _, host := range []string{"generic", "usr5637"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, host, 3)
			p, err := s.x.Ring("line", sim.CallerSpec{Number: "0612345678"})
			if err != nil {
				t.Fatal(err)
			}
			said := noise(1, 8*time.Second)
			p.Say(linear(said))
			file := filepath.Join(s.v.Dir, "message.rmd")
			s.vm(t, "record", file)
			got := recording(t, file)
			if n := longestRun(got[1600:], said); n < len(got)-1600-80 || n < audio.Samples(2*time.Second) {
				t.Errorf("of %d recorded samples %d are what the caller said", len(got), n)
			}
			if s.l.OffHook() || p.State() != sim.PartyEnded {
				t.Errorf("after vm ended: off hook %v, caller %s", s.l.OffHook(), p.State())
			}
		})
	}
}

// rmd makes a file that vm plays.
func rmd(t *testing.T, dir string, compression int, samples []byte) string {
	t.Helper()
	h := make([]byte, rmdHeader)
	copy(h, "RMD1")
	copy(h[4:], "V253modem")
	if compression == 5 {
		copy(h[4:], "ISDN4Linux")
	}
	h[21] = byte(compression)
	h[22], h[23] = 0x1f, 0x40
	h[24] = 8
	path := filepath.Join(dir, "play.rmd")
	if err := os.WriteFile(path, append(h, samples...), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVMPlays(t *testing.T) {
	for _, host := range []string{"generic", "cx93001"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, host, 1)
			p, err := s.x.Ring("line", sim.CallerSpec{Number: "0612345678"})
			if err != nil {
				t.Fatal(err)
			}
			played := noise(2, 2*time.Second)
			s.vm(t, "play", rmd(t, s.v.Dir, s.o.Compression, played))
			heard, late := toALaw(p.Heard()), s.m.Counts().Underruns
			if late > 0 { // vm had no time: there are gaps, and still nothing may be missing
				heard = noSilence(heard)
			}
			if !bytes.Contains(heard, played) {
				t.Errorf("caller heard %d samples of the %d in one piece; vm was late %d times", longestRun(played, heard), len(played), late)
			}
		})
	}
}

func TestVMDials(t *testing.T) {
	for _, host := range []string{"generic", "ttyi"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, host, 1)
			far := make(chan *sim.Party, 1)
			s.x.OnDial(func(hal.LineID, string) sim.DialOutcome {
				return sim.DialOutcome{Delay: 2 * time.Second, Party: func(p *sim.Party) { far <- p }}
			})
			s.vm(t, "dial", "0212345")
			p := <-far
			if p.Number() != "0212345" {
				t.Errorf("dialed %q", p.Number())
			}
			select {
			case <-p.Answered():
			default:
				t.Error("vm ended before the far end answered")
			}
			s.logged(t, "VCON")
		})
	}
}

// vm writes one octet for each one that it reads and has no octet in reserve, so
// the line hears gaps; between them every sample must be right, and none is missing
// but those that waited in the modem when it was told to stop.
//
// vm cannot exit with 0 here. The modem stops at DLE ^, but vm waits its command_delay
// before it sends that, and a modem in real time says 8 samples in each millisecond of
// it. vm reads those as the first line of the answer, calls that invalid and exits with
// 255; with a delay of 1 ms it does the same. So its exit code must be exactly that, and
// its log must show that nothing else was wrong.
func TestVMDuplex(t *testing.T) {
	for _, host := range []string{"generic", "cx93001"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, host, 1)
			p, err := s.x.Ring("line", sim.CallerSpec{Number: "0612345678"})
			if err != nil {
				t.Fatal(err)
			}
			said, played := noise(3, 12*time.Second), noise(4, 2*time.Second)
			p.Say(linear(said))
			file := filepath.Join(s.v.Dir, "heard.rmd")
			ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
			defer stop()
			played = slices.DeleteFunc(played, func(b byte) bool { return b == 0 }) // vm leaves NUL out
			play := rmd(t, s.v.Dir, s.o.Compression, played)
			if err := s.v.VM(ctx, "duplex", play, file); ctx.Err() != nil || err == nil || err.Error() != "exit status 255" {
				t.Fatalf("vm ended with %v", err)
			}
			_, after, _ := strings.Cut(s.v.Log(), "AT+VTR")
			for _, text := range []string{"CONNECT", "'_^' -> 'OK'", "Invalid modem answer", "V253 modem: OK", "AT+VLS=0", "AT+FCLASS=0"} {
				found := false
				if _, after, found = strings.Cut(after, text); !found {
					t.Fatalf("log does not say %s", text)
				}
			}
			if n := strings.Count(s.v.Log(), "Invalid modem answer"); n != 1 {
				t.Errorf("%d answers were invalid", n)
			}
			heard, got := noSilence(toALaw(p.Heard())), recording(t, file)
			if i := bytes.Index(heard, played[:80]); i < 0 || !bytes.HasPrefix(played, heard[i:]) || len(played)-len(heard[i:]) > modemQueue {
				t.Errorf("caller heard %d samples, %d of the %d that vm played in one piece", len(heard), longestRun(played, heard), len(played))
			}
			if len(got) < len(played)*9/10 || !bytes.Contains(said, got) {
				t.Errorf("vm recorded %d samples, %d of them in one piece as the caller said them", len(got), longestRun(got, said))
			}
			if s.l.OffHook() {
				t.Error("line is off hook")
			}
		})
	}
}

// The session that the box has with its modem, as vgetty has it: ring, caller ID,
// off hook, greeting beep, recording with a key press in it, busy tone, on hook.
func TestVgettyAnswers(t *testing.T) {
	for _, host := range []string{"generic", "cx93001"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, host, 20)
			vgetty := s.v.Answer()
			ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
			defer stop()
			await := func(text string) {
				t.Helper()
				if err := s.v.WaitLog(ctx, text); err != nil {
					t.Fatal(err)
				}
			}
			await("waiting...")
			caller, err := s.x.Ring("line", sim.CallerSpec{Number: "0612345678", Name: "ROSSI MARIO"})
			if err != nil {
				t.Fatal(err)
			}
			await("AT+VRX")
			said := noise(5, 2*time.Second)
			caller.Say(make([]int16, 4000))
			caller.Say(linear(said))
			caller.Say(make([]int16, 800))
			caller.Key("1")
			await("RECEIVED_DTMF at position")
			s.logged(t, "got event RECEIVED_DTMF with data <1>")
			caller.HangUp()
			await("got event BUSY_TONE")
			await("closing voice modem device")
			select {
			case <-vgetty.Done():
				if code := vgetty.ExitCode(); code != 0 {
					t.Errorf("vgetty ended with %d", code)
				}
			case <-ctx.Done():
				t.Error("vgetty does not end")
			}
			for _, text := range []string{"Invalid modem answer", "Shielded <DLE> received"} {
				if strings.Contains(s.v.Log(), text) {
					t.Errorf("vgetty's log says %q", text)
				}
			}
			s.logged(t, "name='ROSSI MARIO', caller=0612345678")
			file := s.v.Received()
			if !strings.Contains(filepath.Base(file), "-0612345678.rmd") {
				t.Fatalf("recorded %q, want a name with the caller's number", file)
			}
			if got := recording(t, file); !bytes.Contains(got, said) {
				t.Errorf("%d of the %d samples that the caller said were recorded in one piece", longestRun(said, got), len(said))
			}
			if s.l.OffHook() {
				t.Error("line is off hook")
			}
		})
	}
}

// noSilence leaves the octet of silence out, which the modem puts into gaps.
func noSilence(alaw []byte) []byte {
	return slices.DeleteFunc(alaw, func(b byte) bool { return b == audio.ALawSilence })
}
