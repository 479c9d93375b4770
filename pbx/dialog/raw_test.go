package dialog_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// rawPeer is a UDP endpoint that does exactly what a test tells it and notes what
// comes with the virtual time.
type rawPeer struct {
	t     *testing.T
	m     *sip.MemNet
	conn  sip.PacketConn
	addr  netip.AddrPort
	start time.Time

	mu  sync.Mutex
	got []*message
}

// message is what came: a request or a response.
type message struct {
	at   time.Duration
	text string
	req  *sip.Request
	resp *sip.Response
}

func (m *message) name() string {
	if m.req != nil {
		return m.req.Method()
	}
	return fmt.Sprint(m.resp.Status())
}

func newRawPeer(t *testing.T, m *sip.MemNet, addr netip.AddrPort) *rawPeer {
	t.Helper()
	conn, err := m.Host(addr.Addr()).ListenUDP(addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &rawPeer{t: t, m: m, conn: conn, addr: addr, start: time.Now()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, _, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			msg := &message{at: time.Since(p.start), text: string(buf[:n])}
			msg.req, err = sip.ParseRequest(buf[:n])
			if err != nil {
				if msg.resp, err = sip.ParseResponse(buf[:n]); err != nil {
					t.Errorf("unreadable: %q", buf[:n])
					continue
				}
			}
			p.mu.Lock()
			p.got = append(p.got, msg)
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return p
}

// take waits until all is quiet, returns and forgets what has come.
func (p *rawPeer) take() []*message {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// expect takes what has come and compares the names; it returns the messages.
func (p *rawPeer) expect(names string) []*message {
	p.t.Helper()
	got := p.take()
	var have []string
	for _, m := range got {
		have = append(have, m.name())
	}
	if s := strings.Join(have, " "); s != names {
		p.t.Fatalf("came %q, want %q", s, names)
	}
	return got
}

// times lists when messages of that name came, in seconds.
func times(got []*message, name string) string {
	var out []string
	for _, m := range got {
		if m.name() == name {
			out = append(out, fmt.Sprint(m.at.Seconds()))
		}
	}
	return strings.Join(out, " ")
}

func (p *rawPeer) send(text string) {
	p.t.Helper()
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), netip.AddrPortFrom(boxIP, 5060)); err != nil {
		p.t.Fatal(err)
	}
}

// script is a dialog as the raw peer sees it.
type script struct {
	p        *rawPeer
	callID   string
	from, to string // of the peer's requests, with tags
	uri      string // remote target
	seq      int
	branch   int
}

// request sends a request of the dialog; extra are header lines, sdp the body.
func (s *script) request(method string, sdp []byte, extra ...string) string {
	if method != sip.ACK && method != sip.CANCEL {
		s.seq++
		s.branch++
	}
	branch := s.branch
	if method == sip.ACK {
		branch += 1000
	}
	lines := []string{
		method + " " + s.uri + " SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s-%d", s.p.addr, s.callID, branch),
		"Max-Forwards: 70", "From: " + s.from, "To: " + s.to, "Call-ID: " + s.callID,
		fmt.Sprintf("CSeq: %d %s", s.seq, method),
	}
	if !strings.Contains(strings.Join(extra, " "), "Contact:") {
		lines = append(lines, "Contact: <sip:raw@"+s.p.addr.String()+">")
	}
	for _, line := range extra {
		if line != "" {
			lines = append(lines, line)
		}
	}
	if sdp != nil && !strings.Contains(strings.Join(extra, " "), "Content-Type") {
		lines = append(lines, "Content-Type: application/sdp")
	}
	text := strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
	s.p.send(text)
	return text
}

// dial begins a call of the raw peer.
func (p *rawPeer) dial() *script {
	return &script{p: p, callID: "raw", from: "<sip:raw@phone>;tag=raw", to: "<sip:1001@box>", uri: "sip:1001@" + boxIP.String()}
}

// learn takes the box's tag and contact from its answer.
func (s *script) learn(resp *sip.Response) {
	s.to, _ = resp.Header("To")
	if c := resp.Contacts(); len(c) > 0 {
		s.uri = c[0].URI.String()
	}
}

// answer answers a request of the box.
func (p *rawPeer) answer(req *sip.Request, code int, tag string, sdp []byte, headers ...dialog.Header) {
	p.t.Helper()
	resp := sip.NewResponse(req, code, "")
	if req.To().Tag() == "" && code > 100 {
		resp.SetHeader("To", req.To().WithTag(tag).String())
	}
	if code < 300 {
		resp.SetHeader("Contact", "<sip:raw@"+p.addr.String()+">")
	}
	for _, h := range headers {
		resp.SetHeader(h.Name, h.Value)
	}
	if sdp != nil {
		resp.SetBody("application/sdp", sdp)
	}
	p.send(resp.String())
}

// alone makes a box and a raw peer, and asserts in the end that nothing is left.
func alone(t *testing.T, change func(*dialog.Options), run func(t *testing.T, box *party, peer *rawPeer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		box := newParty(t, m, boxIP, change)
		peer := newRawPeer(t, m, netip.AddrPortFrom(phoneIP, 5060))
		run(t, box, peer)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := box.agent.Legs(); n != 0 {
			t.Errorf("%d legs left", n)
		}
		if n := box.stack.Transactions(); n != 0 {
			t.Errorf("%d transactions left", n)
		}
	})
}

// call makes the box call the raw peer.
func (p *party) call(peer *rawPeer, change func(*dialog.InviteOptions)) *dialog.Leg {
	return p.invite(&party{ip: peer.addr.Addr()}, change)
}
