package boot

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func modules() []Module {
	return []Module{
		{Name: "crc16", File: "crc16.ko.xz"},
		{Name: "jbd2", File: "jbd2.ko.xz", Needs: []string{"crc16", "builtin"}},
		{Name: "ext4", File: "ext4.ko.xz", Needs: []string{"jbd2", "crc16"}, Always: true, Aliases: []string{"fs-ext4"}},
		{Name: "usbserial", File: "usbserial.ko.xz"},
		{Name: "ftdi_sio", File: "ftdi_sio.ko.xz", Needs: []string{"usbserial"}, Aliases: []string{"usb:v0403p6001d*dc*dsc*dp*ic*isc*ip*in*", "usb:v0403p60[0-2]4d*"}},
		{Name: "pl061", File: "pl061.ko.xz", Aliases: []string{"of:N*T*Carm,pl061C*", "of:N*T*Carm,pl061"}},
	}
}

func TestModulesForADevice(t *testing.T) {
	var b bytes.Buffer
	if err := WriteIndex(&b, modules()); err != nil {
		t.Fatal(err)
	}
	x, err := ParseIndex(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ modalias, want string }{
		{"usb:v0403p6001d0600dc00dsc00dp00icFFiscFFipFFin00\n", "ftdi_sio"},
		{"usb:v0403p6014d0900dc00", "ftdi_sio"},
		{"usb:v0403p6034d0900dc00", ""},
		{"of:NgpioT(null)Carm,pl061Carm,primecell", "pl061"},
		{"of:Na/bT(null)Carm,pl061", "pl061"},
		{"usb:v1234p6001d0600", ""},
		{"", ""},
	} {
		got := ""
		for _, m := range x.For(c.modalias) {
			got += m.Name
		}
		if got != c.want {
			t.Errorf("%q is driven by %q, want %q", c.modalias, got, c.want)
		}
	}
	order := func(list []*Module) (names []string) {
		for _, m := range list {
			names = append(names, m.Name)
		}
		return names
	}
	if got := order(x.Always()); fmt.Sprint(got) != "[ext4]" {
		t.Errorf("always %v", got)
	}
	if got := order(x.Order(x.modules["ext4"])); fmt.Sprint(got) != "[crc16 jbd2 ext4]" {
		t.Errorf("loaded in the order %v", got)
	}
}

func FuzzParseIndex(f *testing.F) {
	var b bytes.Buffer
	_ = WriteIndex(&b, modules())
	f.Add(b.Bytes(), "usb:v0403p6001d0600dc00")
	f.Add([]byte("m\ta\tb\t\ta\n"), "a:[")
	f.Fuzz(func(t *testing.T, b []byte, modalias string) {
		x, err := ParseIndex(b)
		if err != nil {
			return
		}
		for _, m := range x.For(modalias) {
			if n := len(x.Order(m)); n > len(x.modules) {
				t.Errorf("%d modules to load of %d", n, len(x.modules))
			}
		}
	})
}

func TestWhatFollowsTheEndOfTheProgram(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		child child
		code  int
		ran   time.Duration
		want  verdict
	}{
		{"it asks for a restart of the box", child{pid: 7}, ExitReboot, time.Hour, verdict{reboot: true, how: ExitReboot}},
		{"for the other slot", child{pid: 7}, ExitTry, time.Second, verdict{reboot: true, how: ExitTry}},
		{"to be switched off", child{pid: 7}, ExitPowerOff, time.Second, verdict{reboot: true, how: ExitPowerOff}},
		{"it fails after a year", child{pid: 7, failures: 9}, 2, 365 * 24 * time.Hour, verdict{after: firstWait}},
		{"it fails at once", child{pid: 7}, -1, time.Second, verdict{after: firstWait}},
		{"for the third time", child{pid: 7, failures: 2}, 1, time.Second, verdict{after: 4 * firstWait}},
		{"for the tenth time", child{pid: 7, failures: 9}, 1, time.Second, verdict{after: longWait}},
		{"again and again: the box restarts", child{pid: 7, failures: hopeless - 1}, 1, time.Second, verdict{reboot: true, how: ExitReboot, hopeless: true}},
		{"on trial it fails at once: the former version comes back", child{pid: 7, trial: true}, -1, time.Second, verdict{reboot: true, how: ExitReboot}},
		{"on trial it asks for one more attempt", child{pid: 7, trial: true}, ExitTry, time.Second, verdict{reboot: true, how: ExitTry}},
		{"it cannot use its data", child{pid: 7, noData: 1}, ExitData, time.Second, verdict{after: firstWait}},
		{"again and again", child{pid: 7, noData: withoutData - 1}, ExitData, time.Second, verdict{after: firstWait, rescue: true}},
		{"on trial it cannot use its data", child{pid: 7, noData: withoutData - 1, trial: true}, ExitData, time.Second, verdict{reboot: true, how: ExitReboot}},
		{"now for another reason", child{pid: 7, noData: withoutData - 1}, 1, time.Second, verdict{after: firstWait}},
		{"it ends well without being asked", child{pid: 7}, 0, time.Second, verdict{after: firstWait}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.child.started, c.child.beat = at, at.Add(c.ran)
			if got := c.child.ended(c.code, at.Add(c.ran)); got != c.want || c.child.pid != 0 {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestRestartsAreForgottenOnceTheProgramStaysUp(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var c child
	run := func(d time.Duration) {
		c.pid, c.started = 7, at
		at = at.Add(d)
		c.beat = at
	}
	fail := func(d time.Duration, want int) {
		t.Helper()
		run(d)
		if c.ended(2, at); c.restarts != want {
			t.Errorf("after %v it fails for the %d. time, want %d", d, c.restarts, want)
		}
	}
	fail(time.Second, 1)
	fail(2*time.Minute, 2)
	fail(calm-1, 3)
	if c.calms(at.Add(time.Hour)) {
		t.Error("a program that does not run is well")
	}
	fail(calm, 1)
	run(calm - 1)
	if c.calms(at) || c.restarts != 1 {
		t.Error("forgotten too early")
	}
	if at = at.Add(1); !c.calms(at) || c.restarts != 0 || c.calms(at) {
		t.Errorf("%d restarts of a program that stays up", c.restarts)
	}
}

func TestProgramThatHangs(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		child child
		now   time.Duration
		want  remedy
	}{
		{"it does not run", child{started: at}, time.Hour, noRemedy},
		{"it starts", child{pid: 7, started: at}, startTime - 1, noRemedy},
		{"it never comes up", child{pid: 7, started: at}, startTime, abort},
		{"it spoke just now", child{pid: 7, started: at, beat: at.Add(time.Hour)}, time.Hour + silent - 1, noRemedy},
		{"it fell silent", child{pid: 7, started: at, beat: at.Add(time.Hour)}, time.Hour + silent, abort},
		{"it says where it hangs", child{pid: 7, started: at, beat: at, told: at.Add(time.Hour)}, time.Hour + dumpTime - 1, noRemedy},
		{"it hangs in that, too", child{pid: 7, started: at, beat: at, told: at.Add(time.Hour)}, time.Hour + dumpTime, kill},
	} {
		if got := c.child.hangs(at.Add(c.now)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A program that waits for a card that hangs dies of no signal; the watchdog is fed by the
// first process alone, so that nobody else would end this.
func TestProgramThatCannotBeKilled(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c := child{pid: 7, started: at}
	var did []string
	for now := at.Add(startTime); now.Before(at.Add(startTime + 5*time.Minute)); now = now.Add(2 * time.Second) {
		r := c.hangs(now)
		if r == noRemedy {
			continue
		}
		did = append(did, string(r))
		if r == restart {
			break
		}
	}
	if got := strings.Join(did, " "); got != "abort kill kill kill kill kill kill restart" {
		t.Errorf("done about it: %s", got)
	}
	if c.ended(-1, at.Add(time.Hour)); c.kills != 0 {
		t.Error("the next one is given less time")
	}
}

func TestHangsCountAsFailures(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c := child{pid: 7, started: at, failures: 3}
	if c.hangs(at.Add(startTime)); c.ended(-1, at.Add(startTime+time.Second)).after != firstWait<<3 || c.failures != 4 {
		t.Errorf("a start that hangs is failure %d in a row", c.failures)
	}
	c = child{pid: 7, started: at, beat: at.Add(time.Hour), failures: 3}
	if c.hangs(at.Add(time.Hour + silent)); c.ended(-1, at.Add(2*time.Hour)).after != firstWait || c.failures != 1 {
		t.Errorf("a program that was well for an hour and hangs is failure %d in a row", c.failures)
	}
	if c.pid = 7; c.told != (time.Time{}) {
		t.Error("the next program is believed to hang")
	}
}

func TestPanicBeside(t *testing.T) {
	var b strings.Builder
	log := slog.New(&kernelLog{mu: &sync.Mutex{}, w: &b})
	survive(log, "network", func() { panic("an answer that nobody expected") })
	if !strings.Contains(b.String(), "what=network") || !strings.Contains(b.String(), "that nobody expected") {
		t.Errorf("told: %s", b.String())
	}
}

func TestKernelLog(t *testing.T) {
	var b strings.Builder
	log := slog.New(&kernelLog{mu: &sync.Mutex{}, w: &b})
	log.With("disk", "vda").Error("no disk of ours", "err", "it is \"broken\"")
	log.Debug("not said")
	if want := "<3>centralino: no disk of ours disk=vda err=\"it is \\\"broken\\\"\"\n"; b.String() != want {
		t.Errorf("%s\nwant %s", b.String(), want)
	}
	b.Reset()
	log.Warn("long", "err", strings.Repeat("ù", 900))
	if line := b.String(); len(line) > 1000 || !strings.HasSuffix(line, "…\n") || !utf8.ValidString(line) {
		t.Errorf("a line of %d octets, which the kernel refuses: %q", len(line), line)
	}
	for _, c := range []struct {
		record   string
		priority int
		text     string
		ok       bool
	}{
		{"6,339,5140900,-;NET: Registered protocol\n", 6, "NET: Registered protocol", true},
		{"11,1,2,c;centralino: no disk\n SUBSYSTEM=block\n", 3, "centralino: no disk", true},
		{"nonsense", 0, "", false},
		{"-1,2;a", 0, "", false},
	} {
		p, text, ok := parseRecord(c.record)
		if d := cmp.Diff([]any{c.priority, c.text, c.ok}, []any{p, text, ok}); d != "" {
			t.Errorf("%q: %s", c.record, d)
		}
	}
}
