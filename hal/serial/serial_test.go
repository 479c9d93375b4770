package serial_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/serial"
	"centralino/hal/sim"
)

// modem starts a simulated modem behind a pty with a stable link.
func modem(t *testing.T) *sim.Modem {
	t.Helper()
	x := sim.NewExchange(sim.ExchangeOptions{})
	l := x.AddLine("line", sim.LineOptions{})
	m, err := sim.OpenModem(t.Context(), l, sim.ModemOptions{
		Profile: sim.Generic, Link: filepath.Join(t.TempDir(), "modem"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(); x.Close() })
	return m
}

func open(t *testing.T, identity string, o serial.Options) (hal.Port, string) {
	t.Helper()
	p, name, err := serial.NewOpener(identity, o).OpenPort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, name
}

// ask writes a command and reads until OK.
func ask(t *testing.T, p hal.Port, command string) string {
	t.Helper()
	if _, err := p.Write([]byte(command + "\r")); err != nil {
		t.Fatal(err)
	}
	var all []byte
	b := make([]byte, 256)
	for !bytes.Contains(all, []byte("OK\r\n")) {
		n, err := p.Read(b)
		if err != nil {
			t.Fatalf("after %q: %v", all, err)
		}
		all = append(all, b[:n]...)
	}
	return string(all)
}

func TestOpenByPathFollowsLink(t *testing.T) {
	m := modem(t)
	p, name := open(t, "path:"+m.Path(), serial.Options{})
	if !strings.HasPrefix(name, "/dev/pts/") {
		t.Errorf("opened %s, want what the link leads to", name)
	}
	if got := ask(t, p, "ATI3"); !strings.Contains(got, "V.253") {
		t.Errorf("ATI3 answered %q", got)
	}
	if err := p.SetDTR(true); err != nil {
		t.Errorf("DTR of a pty must be tolerated: %v", err)
	}
	if err := p.ResetInput(); err != nil {
		t.Error(err)
	}
}

func TestReplugUnderAnotherName(t *testing.T) {
	m := modem(t)
	p, first := open(t, m.Path(), serial.Options{})
	m.Unplug()
	if _, err := p.Read(make([]byte, 16)); err == nil {
		t.Error("reading an unplugged port gives no error")
	}
	p.Close()
	if _, err := p.Read(make([]byte, 16)); err == nil {
		t.Error("reading a closed port gives no error")
	}
	if _, _, err := serial.NewOpener(m.Path(), serial.Options{}).OpenPort(t.Context()); !errors.Is(err, hal.ErrGone) {
		t.Errorf("opening an unplugged port: %v, want hal.ErrGone", err)
	}
	if err := m.Replug(); err != nil {
		t.Fatal(err)
	}
	p, second := open(t, m.Path(), serial.Options{})
	if first == second {
		t.Errorf("still called %s after replugging: the test tests nothing", first)
	}
	ask(t, p, "AT")
}

// The trap: go.bug.st/serial panics when it reads a descriptor above 1023.
func TestOpenBeside1100Descriptors(t *testing.T) {
	m := modem(t)
	if err := serial.Reserve(); err != nil {
		t.Fatal(err)
	}
	for range 1100 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	for range 5 { // the stock is not used up by openings and replugging
		p, _ := open(t, m.Path(), serial.Options{})
		ask(t, p, "AT")
		p.Close()
	}
}

// The trap: a device that stops reading blocks the library's Write for ever.
func TestWriteToDeafDeviceGivesUp(t *testing.T) {
	m := modem(t)
	p, _ := open(t, m.Path(), serial.Options{WriteTimeout: 50 * time.Millisecond})
	m.Inject(sim.Fault{Deaf: true})
	big := make([]byte, 64<<10)
	if n, err := p.Write(big); !errors.Is(err, serial.ErrStalled) || n == len(big) {
		t.Fatalf("wrote %d octets to a deaf device, error %v", n, err)
	}
	closed := make(chan struct{})
	go func() { p.Close(); close(closed) }()
	<-closed // the test's own time limit judges
}

func TestReadTimesOutEmpty(t *testing.T) {
	m := modem(t)
	p, _ := open(t, m.Path(), serial.Options{ReadTimeout: time.Millisecond})
	if n, err := p.Read(make([]byte, 16)); n != 0 || err != nil {
		t.Errorf("Read without input: %d, %v; want 0 and no error", n, err)
	}
}

func TestCloseWhileReading(t *testing.T) {
	m := modem(t)
	p, _ := open(t, m.Path(), serial.Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := p.Read(make([]byte, 16)); err != nil {
				return
			}
		}
	}()
	p.Close()
	<-done
}

func TestIdentitiesThatNameNothing(t *testing.T) {
	for _, id := range []string{"", "usb", "usb:", "usb:12:34", "usb:0572:xyz1", "tty0", "com1"} {
		if _, _, err := serial.NewOpener(id, serial.Options{}).OpenPort(context.Background()); !errors.Is(err, serial.ErrIdentity) {
			t.Errorf("identity %q: %v, want ErrIdentity", id, err)
		}
	}
	for _, id := range []string{"usb:ffff:ffff:nobody@9-9", "path:/dev/no-such-port", "/dev/no-such-port"} {
		if _, _, err := serial.NewOpener(id, serial.Options{}).OpenPort(context.Background()); !errors.Is(err, hal.ErrGone) {
			t.Errorf("identity %q: %v, want hal.ErrGone", id, err)
		}
	}
}

func TestList(t *testing.T) {
	if _, err := serial.List(); err != nil {
		t.Error(err)
	}
}
