package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/internal/testbed"
	"centralino/ui/api"
)

// The modem of line 1 is unplugged in the middle of a call: the call ends and says
// why, the line is out of service within a second, and back by itself within ten
// seconds of being plugged in again under another device name.
func TestModemUnpluggedInMidCall(t *testing.T) {
	testbed.Need(t, "baresip", "ip")
	t.Parallel()
	net := testbed.NewNet(t, "a")
	box := startBox(t, net)
	w := box.claim()
	agent := box.phone(0, "a", testbed.PhoneOptions{})
	box.linesReady()
	box.feature(agent, "*70")
	device := func() string {
		name, err := os.Readlink(filepath.Join(box.data, "tty-line-1"))
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	before := device()
	shows := func() {
		t.Helper()
		if l := w.line("line-1"); !strings.Contains(l.Device, "CX93001") || !strings.HasSuffix(l.Device, "Conexant CX930xx, "+device()) {
			t.Errorf("the page shows the device %q at %s", l.Device, device())
		}
	}
	shows()

	ring := box.command("call", "-line", "line-1", "-from", "0612345678", "-keys", "1")
	_, err := agent.Wait(limit(t, 40*time.Second), "CALL_ESTABLISHED")
	box.want("agent answers", err)
	if l := w.line("line-1"); l.State.ID != "active" || l.Calls != 1 {
		t.Errorf("the line in a call is %+v", l)
	}
	out := box.command("unplug", "-line", "line-1")
	if err := out.Err(); err != nil {
		t.Fatalf("unplug: %v\n%s", err, out.Output())
	}
	if !eventually(t, time.Second, func() bool { return w.line("line-1").State.ID == "outOfService" }) {
		t.Errorf("a second after unplugging the line is %+v", w.line("line-1"))
	}
	if l := w.line("line-1"); l.Device != "" {
		t.Errorf("a line without its modem shows %q", l.Device)
	}
	box.closed(agent, "the agent's call ends")
	box.want("the caller's call ends", ring.WaitOutput(limit(t, 10*time.Second), "call over"))
	w.quiet(5 * time.Second)
	if c := w.story(w.finished()[0].ID); !c.says("Linea 1 (linea scollegata)") {
		t.Errorf("the call's story does not say that the line went away: %+v", c)
	}
	fault := func() bool {
		return slices.ContainsFunc(w.home().Health.Faults, func(f api.Fault) bool { return f.Code == "line.gone" })
	}
	if !eventually(t, 5*time.Second, fault) {
		t.Errorf("the page shows no fault: %+v", w.home().Health)
	}

	in := box.command("replug", "-line", "line-1")
	if err := in.Err(); err != nil {
		t.Fatalf("replug: %v\n%s", err, in.Output())
	}
	if after := device(); after == before {
		t.Errorf("the modem came back under the same name %s", after)
	}
	if !eventually(t, 10*time.Second, func() bool { return w.line("line-1").State.ID == "idle" }) {
		t.Fatalf("ten seconds after replugging the line is %+v\n%s", w.line("line-1"), box.proc.Output())
	}
	shows()
	// It works as ever.
	again := box.command("call", "-line", "line-1", "-from", "0612345678", "-keys", "1")
	_, err = agent.Wait(limit(t, 60*time.Second), "CALL_ESTABLISHED")
	box.want("agent answers", err)
	box.want("talk", agent.Talk(limit(t, 10*time.Second), 4*time.Second)) // longer than the notice: he is with the caller
	box.hangsUp(agent)
	box.want("line on hook", again.WaitOutput(limit(t, 10*time.Second), "call over"))
}
