package testbed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// PhoneOptions say which baresip to start. Namespace, Addr, User, Password and
// Registrar are needed.
type PhoneOptions struct {
	Namespace *Namespace     // baresip refuses the loopback interface: not nil
	Addr      netip.Addr     // an address of the namespace, of its own
	User      string         // also its authentication name
	AuthUser  string         // if it differs from User
	Password  string         //
	Registrar netip.AddrPort // registrar and outbound proxy
	Domain    string         // of the address of record; Registrar's address if empty
	Display   string         // display name of its calls
	Transport string         // "udp" (default) or "tcp"
	Expires   int            // seconds of a registration, 120 by default; negative: no registration
	Manual    bool           // do not answer by itself
	Early     bool           // as Manual, and talk before the answer (183 with early media)
	Codecs    string         // "PCMA" by default; "PCMU", "PCMA,PCMU"
	DTMF      string         // "rtp" (default) or "info"
	Mic       []int16        // what it says, 8 kHz; silence (nothing is sent) if nil
	Life      time.Duration  // baresip's own -t limit, 2 min by default
	Account   string         // more account parameters, each with its leading ";"
	Config    string         // more config lines
}

// Phone is a running baresip: a real SIP phone without sound card whose
// microphone is a WAV file and whose recordings are read after the call.
type Phone struct {
	Process *Process
	o       PhoneOptions
	dir     string
	control net.Conn

	mu      sync.Mutex
	events  []PhoneEvent
	seen    int // events already handed out by Wait
	changed chan struct{}
	replies map[string]chan phoneReply
	token   int
	closed  error
}

// PhoneEvent is one event of baresip: Type is for instance "REGISTER_OK",
// "CALL_INCOMING", "CALL_RINGING", "CALL_ESTABLISHED", "CALL_RTPESTAB",
// "CALL_DTMF_START", "CALL_CLOSED"; Param depends on it (the digit, the reason).
type PhoneEvent struct {
	Class     string `json:"class"`
	Type      string `json:"type"`
	Account   string `json:"accountaor"`
	Direction string `json:"direction"`
	Peer      string `json:"peeruri"`
	PeerName  string `json:"peerdisplayname"`
	ID        string `json:"id"`
	Param     string `json:"param"`
}

type phoneReply struct {
	Token string `json:"token"`
	OK    bool   `json:"ok"`
	Data  string `json:"data"`
}

// StartPhone starts baresip and connects to its control port; it does not wait
// for the registration (WaitRegistered). The phone ends with the test.
func StartPhone(t testing.TB, o PhoneOptions) *Phone {
	t.Helper()
	watchMachine()
	Need(t, "baresip")
	p := &Phone{o: o, dir: t.TempDir(), changed: make(chan struct{}), replies: map[string]chan phoneReply{}}
	port := writePhoneConfig(t, p.dir, o)
	life := o.Life
	if life == 0 {
		life = 2 * time.Minute
	}
	p.Process = Start(t, o.Namespace, Command{Path: "baresip",
		Args: []string{"-f", p.dir, "-t", fmt.Sprint(int(life.Seconds()))}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := poll(ctx, "control port of baresip", func() bool {
		c, err := o.Namespace.DialTCP(ctx, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port))
		p.control = c
		return err == nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.control.Close() })
	go p.read()
	return p
}

// Stop ends the phone in order: calls are hung up, the registration is removed.
func (p *Phone) Stop() { p.Process.Stop() }

// Kill ends the phone at once, without a word to anybody.
func (p *Phone) Kill() { p.Process.Kill() }

// Command sends a baresip command ("dial", "hangup", "reginfo" …) and returns the
// text of its reply.
func (p *Phone) Command(ctx context.Context, command, params string) (string, error) {
	p.mu.Lock()
	p.token++
	token := fmt.Sprint("t", p.token)
	reply := make(chan phoneReply, 1) // one reply per token
	p.replies[token] = reply
	p.mu.Unlock()
	body, err := json.Marshal(map[string]string{"command": command, "params": params, "token": token})
	if err != nil {
		return "", fmt.Errorf("encode command %s: %w", command, err)
	}
	if err := writeNetstring(p.control, body); err != nil {
		return "", fmt.Errorf("send command %s to phone %s: %w", command, p.o.User, err)
	}
	select {
	case r := <-reply:
		if !r.OK {
			return r.Data, fmt.Errorf("phone %s refuses %s %s: %s", p.o.User, command, params, strings.TrimSpace(r.Data))
		}
		return r.Data, nil
	case <-p.Process.Done():
		return "", fmt.Errorf("phone %s ended during %s", p.o.User, command)
	case <-ctx.Done():
		return "", fmt.Errorf("command %s to phone %s: %w", command, p.o.User, ctx.Err())
	}
}

// Dial calls a number at the phone's domain, or a whole SIP URI.
func (p *Phone) Dial(ctx context.Context, target string) error {
	if !strings.HasPrefix(target, "sip:") {
		target = "sip:" + target + "@" + p.domain()
	}
	_, err := p.Command(ctx, "dial", target)
	return err
}

// Accept answers the ringing call, Hangup ends or refuses the current one.
func (p *Phone) Accept(ctx context.Context) error {
	_, err := p.Command(ctx, "accept", "")
	return err
}

// Hangup ends the current call, or refuses it while it rings.
func (p *Phone) Hangup(ctx context.Context) error {
	_, err := p.Command(ctx, "hangup", "")
	return err
}

// Hold puts the current call on hold by a re-INVITE. This version of baresip hears
// and talks again after Resume but records nothing more of what it hears: judge
// its recording up to the hold, or the other party's.
func (p *Phone) Hold(ctx context.Context) error {
	_, err := p.Command(ctx, "hold", "")
	return err
}

// Resume ends Hold.
func (p *Phone) Resume(ctx context.Context) error {
	_, err := p.Command(ctx, "resume", "")
	return err
}

// Press sends keys (0-9, *, #) into the current call, one after the other.
func (p *Phone) Press(ctx context.Context, keys string) error {
	for _, k := range keys {
		if _, err := p.Command(ctx, "sndcode", string(k)); err != nil {
			return err
		}
		// The command with an empty code lifts the key again (baresip sends the
		// RFC 4733 end packets on it).
		if _, err := p.Command(ctx, "sndcode", ""); err != nil {
			return err
		}
	}
	return nil
}

// RegInfo returns baresip's own words about its registrations.
func (p *Phone) RegInfo(ctx context.Context) (string, error) { return p.Command(ctx, "reginfo", "") }

// Wait returns the next event of one of the given types. Events are handed out
// once and in order: what stands before the one returned is skipped, so waiting
// for CALL_CLOSED and then for CALL_ESTABLISHED means a later call.
func (p *Phone) Wait(ctx context.Context, types ...string) (PhoneEvent, error) {
	return p.WaitFor(ctx, strings.Join(types, " or "), func(e PhoneEvent) bool {
		for _, t := range types {
			if e.Type == t {
				return true
			}
		}
		return false
	})
}

// WaitFor is Wait with a condition of the caller's.
func (p *Phone) WaitFor(ctx context.Context, what string, match func(PhoneEvent) bool) (PhoneEvent, error) {
	for {
		p.mu.Lock()
		for p.seen < len(p.events) {
			e := p.events[p.seen]
			p.seen++
			if match(e) {
				p.mu.Unlock()
				return e, nil
			}
		}
		changed, closed := p.changed, p.closed
		p.mu.Unlock()
		if closed != nil {
			return PhoneEvent{}, fmt.Errorf("phone %s, wait for %s: control connection: %w", p.o.User, what, closed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return PhoneEvent{}, fmt.Errorf("phone %s, wait for %s: %w; events so far: %s", p.o.User, what, ctx.Err(), p.story())
		}
	}
}

// WaitRegistered waits until the phone holds a registration, also one it got
// before anybody listened to its events. It takes no event from Wait.
func (p *Phone) WaitRegistered(ctx context.Context) error {
	var last string
	err := poll(ctx, "registration", func() bool {
		for _, e := range p.Events() {
			if e.Type == "REGISTER_OK" {
				return true
			}
		}
		last, _ = p.RegInfo(ctx)
		return strings.Contains(last, "OK")
	})
	if err != nil {
		return fmt.Errorf("phone %s: %w; it says %q", p.o.User, err, last)
	}
	return nil
}

// Events returns every event so far.
func (p *Phone) Events() []PhoneEvent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]PhoneEvent(nil), p.events...)
}

// Digits returns the keys that the phone has heard so far as RFC 4733 or INFO.
func (p *Phone) Digits() string {
	var b strings.Builder
	for _, e := range p.Events() {
		if e.Type == "CALL_DTMF_START" {
			b.WriteString(e.Param)
		}
	}
	return b.String()
}

// Heard returns what the phone heard in its last call, 8 kHz, once that call is
// over (the file is complete only then); Sent what it said.
func (p *Phone) Heard() ([]int16, error) { return p.lastRecording("dec") }

// Sent returns what the phone said in its last call.
func (p *Phone) Sent() ([]int16, error) { return p.lastRecording("enc") }

func (p *Phone) lastRecording(direction string) ([]int16, error) {
	file, err := p.newestRecording(direction)
	if err != nil {
		return nil, err
	}
	return readWAV(file)
}

func (p *Phone) newestRecording(direction string) (string, error) {
	files, err := filepath.Glob(filepath.Join(p.dir, "rec", "dump-*-"+direction+".wav"))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("phone %s has no recording (%s): %w", p.o.User, direction, errors.Join(err, errNoRecording))
	}
	sort.Strings(files) // their names hold the time
	return files[len(files)-1], nil
}

var errNoRecording = errors.New("no file; was there a call with media?")

func (p *Phone) domain() string {
	if p.o.Domain != "" {
		return p.o.Domain
	}
	return p.o.Registrar.Addr().String()
}

func (p *Phone) story() string {
	var b strings.Builder
	for _, e := range p.Events() {
		fmt.Fprintf(&b, "%s(%s) ", e.Type, e.Param)
	}
	return b.String()
}

// read takes replies and events from the control connection until it closes.
func (p *Phone) read() {
	r := newNetstringReader(p.control)
	for {
		msg, err := r.next()
		p.mu.Lock()
		if err != nil {
			p.closed = err
			p.wake()
			p.mu.Unlock()
			return
		}
		var kind struct {
			Event    bool `json:"event"`
			Response bool `json:"response"`
		}
		_ = json.Unmarshal(msg, &kind)
		switch {
		case kind.Event:
			var e PhoneEvent
			if json.Unmarshal(msg, &e) == nil {
				p.events = append(p.events, e)
			}
		case kind.Response:
			var rep phoneReply
			if json.Unmarshal(msg, &rep) == nil && p.replies[rep.Token] != nil {
				p.replies[rep.Token] <- rep
				delete(p.replies, rep.Token)
			}
		}
		p.wake()
		p.mu.Unlock()
	}
}

// wake tells those who wait that something came. The caller holds p.mu.
func (p *Phone) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Talk waits until the recording of what the phone hears holds d more speech time
// than now, as the phone's own clock counts it.
func (p *Phone) Talk(ctx context.Context, d time.Duration) error {
	size := func() int64 {
		file, err := p.newestRecording("dec")
		if err != nil {
			return 0
		}
		info, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	want := size() + int64(d.Seconds()*16000)
	return poll(ctx, "talk of "+d.String(), func() bool { return size() >= want })
}
