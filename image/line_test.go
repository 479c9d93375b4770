//go:build imagetest

package main

import (
	"io"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/board/led"
	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/audio"
	"centralino/internal/testbed"
	"centralino/ui/api"
)

// joint joins a modem in memory to the far end of a serial adapter, whichever of its ports
// is the present one.
type joint struct {
	mu   sync.Mutex
	port hal.Port
}

// join pumps octets both ways until the test ends.
func join(t *testing.T, m *sim.Modem, cable io.ReadWriter) {
	j := &joint{}
	j.reopen(t, m)
	go func() { // ends with the cable
		for b := make([]byte, 512); ; {
			n, err := cable.Read(b)
			if err != nil {
				return
			}
			if p := j.present(); p != nil {
				_, _ = p.Write(b[:n]) // what a modem without power is told is lost
			}
		}
	}()
	go func() { // ends with the test
		b := make([]byte, 512)
		for t.Context().Err() == nil {
			p := j.present()
			n, err := p.Read(b)
			if err != nil {
				j.reopen(t, m)
				continue
			}
			if _, err := cable.Write(b[:n]); err != nil {
				return
			}
		}
	}()
}

func (j *joint) present() hal.Port {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.port
}

// reopen waits until the modem has power.
func (j *joint) reopen(t *testing.T, m *sim.Modem) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for t.Context().Err() == nil {
		if p, _, err := m.OpenPort(t.Context()); err == nil {
			j.mu.Lock()
			j.port = p
			j.mu.Unlock()
			return
		}
		<-tick.C
	}
}

// plug puts the serial adapter into the board's USB socket.
func (g *guest) plug() {
	g.ask(g.t, "device_add", map[string]string{"driver": "usb-serial", "bus": "xhci.0", "id": lineStick, "chardev": lineCable, "serial": modemID}, nil)
}

// unplug pulls it out.
func (g *guest) unplug() { g.ask(g.t, "device_del", map[string]string{"id": lineStick}, nil) }

var offeredPort = regexp.MustCompile(`<option value="(usb:0403:6001[^"]*)">([^<]*)<`)

// telephoneLine plugs a modem in, makes a line of it, and has it ring, answer and go away.
func (o *office) telephoneLine(t *testing.T) {
	g := o.in(t)
	exchange := sim.NewExchange(sim.ExchangeOptions{})
	t.Cleanup(exchange.Close)
	modem, err := sim.OpenPortModem(t.Context(), exchange.AddLine("outside", sim.LineOptions{Kind: hal.Analog}), sim.ModemOptions{Profile: sim.CX93001})
	want(t, "modem", err)
	t.Cleanup(func() { modem.Close() })
	join(t, modem, g.line)
	g.plug()
	var port string
	took := g.until(time.Minute, "the adapter is offered", func() bool {
		_, body := g.get("/edit/line/new")
		found := offeredPort.FindStringSubmatch(body)
		if found != nil {
			port = found[1]
			t.Logf("the page offers %s, %s", port, found[2])
		}
		return found != nil
	})
	t.Logf("offered %.1f s after it was plugged in", took.Seconds())
	g.edit("/edit/path/new", url.Values{"name": {"Linea"}, "steps:0": {"message prompt=" + o.prompt}, "steps:1": {"person person=" + o.anna}, "steps:1:ring": {"60"}, "steps:2": {"end"}})
	id := strings.TrimPrefix(g.edit("/edit/line/new", url.Values{"name": {"Linea 1"}, "kind": {"analog"}, "port": {port}, "dialect": {"auto"},
		"channels": {"1"}, "rings": {"2"}, "emergency": {"true"}, "path": {o.pathNamed("Linea")}}), "/lines/")
	took = g.until(time.Minute, "the line is in service", func() bool { return o.line(id).State.ID == "idle" })
	t.Logf("in service %.1f s after it was made: %s", took.Seconds(), o.line(id).Device)

	t.Run("it rings, is answered and both sides hear", func(t *testing.T) { o.outsideCall(t, exchange) })
	t.Logf("the modem counts %+v", modem.Counts())

	o.in(t)
	pulled := time.Now()
	g.unplug()
	modem.Unplug()
	g.until(time.Minute, "the line is out of service", func() bool { return o.line(id).State.ID == "outOfService" })
	testbed.Figure(t, "QEMU: line out of service after its adapter is pulled out (goal 1)", time.Since(pulled).Seconds(), "s")
	t.Run("the lamps tell of it", func(t *testing.T) {
		o.in(t)
		o.compareLamps(t)
		if lamps := o.home().Lamps; lamps[1].Pattern != string(led.Double) {
			t.Errorf("without its line the box shows %+v", lamps)
		}
	})
	o.in(t)
	want(t, "modem", modem.Replug())
	put := time.Now()
	g.plug()
	g.until(time.Minute, "the line is in service again", func() bool { return o.line(id).State.ID == "idle" })
	testbed.Figure(t, "QEMU: line in service after its adapter is plugged in again (goal 10)", time.Since(put).Seconds(), "s")
	t.Run("it rings again", func(t *testing.T) { o.outsideCall(t, exchange) })
}

// line is a line as the page has it.
func (o *office) line(id string) api.Line {
	o.t.Helper()
	var lines []api.Line
	o.api("lines", &lines)
	for _, l := range lines {
		if l.ID == id {
			return l
		}
	}
	o.t.Fatalf("no line %s in %+v", id, lines)
	return api.Line{}
}

// outsideCall has somebody call the line: he is greeted, Anna's telephone shows his number,
// she answers, they talk, and she hangs up.
func (o *office) outsideCall(t *testing.T, exchange *sim.Exchange) {
	o.in(t)
	says := testbed.Speech(t, testbed.VoiceCaller, 2*time.Minute)
	caller, err := exchange.Ring("outside", sim.CallerSpec{Number: "0612345678", GiveUp: 3 * time.Minute})
	want(t, "ring", err)
	ev, err := o.phone.Wait(within(t, 2*time.Minute), "CALL_INCOMING")
	if err != nil {
		t.Fatalf("Anna's telephone does not ring: %v; the caller is %v\n%s", err, caller.State(), o.Output())
	}
	if !strings.Contains(ev.Peer, "0612345678") {
		t.Errorf("the telephone shows %s", ev.Peer)
	}
	greeted := caller.Heard()
	t.Logf("until Anna's telephone rings he hears, each 100 ms: %s", levels(greeted))
	want(t, "answer", o.phone.Accept(within(t, 10*time.Second)))
	_, err = o.phone.Wait(within(t, time.Minute), "CALL_ESTABLISHED")
	want(t, "Anna answers", err)
	caller.Say(says)
	want(t, "talk", o.phone.Talk(within(t, time.Minute), 10*time.Second))
	want(t, "hang up", o.phone.Hangup(within(t, 10*time.Second)))
	select {
	case <-caller.Done():
	case <-within(t, 30*time.Second).Done():
		t.Fatal("the line does not go on hook")
	}
	testbed.AssertHolds(t, "the greeting on the line", greeted, sentence(t, "greeting"))
	heard, err := o.phone.Heard()
	want(t, "recording", err)
	testbed.AssertHears(t, "Anna", heard, says, o.says)
	all := caller.Heard()
	t.Logf("the caller heard in all: %s", levels(all))
	testbed.AssertHears(t, "the caller", all[max(0, len(all)-7*8000):], o.says, says)
}

// levels draws how loud a recording is, a letter each 100 ms: . for silence, then a (quiet)
// to z (loud).
func levels(pcm []int16) string {
	var b strings.Builder
	for part := range slices.Chunk(pcm, audio.Rate/10) {
		sum := 0.0
		for _, s := range part {
			sum += float64(s) * float64(s)
		}
		db := 10 * math.Log10(sum/float64(len(part))/(1<<30)+1e-12)
		if db < -60 {
			b.WriteByte('.')
		} else {
			b.WriteByte('a' + byte(min(25, (db+60)/2)))
		}
	}
	return b.String()
}
