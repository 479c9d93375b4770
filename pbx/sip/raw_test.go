package sip_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/pbx/sip"
)

// rawPeer is a UDP endpoint that answers nothing by itself and notes what comes
// with the virtual time since its start.
type rawPeer struct {
	t     *testing.T
	conn  sip.PacketConn
	addr  netip.AddrPort
	start time.Time

	mu  sync.Mutex
	got []heard
}

type heard struct {
	at   time.Duration
	text string
}

func newRawPeer(t *testing.T, m *sip.MemNet, ip netip.Addr) *rawPeer {
	t.Helper()
	addr := netip.AddrPortFrom(ip, 5060)
	conn, err := m.Host(ip).ListenUDP(addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &rawPeer{t: t, conn: conn, addr: addr, start: time.Now()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, _, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.got = append(p.got, heard{time.Since(p.start), string(buf[:n])})
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return p
}

// send sends lines joined by CRLF to the box.
func (p *rawPeer) send(text string) {
	p.t.Helper()
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), netip.AddrPortFrom(boxIP, 5060)); err != nil {
		p.t.Fatal(err)
	}
}

// take returns and forgets what has come.
func (p *rawPeer) take() []heard {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// starts lists the beginnings of what has come: method or status.
func (p *rawPeer) starts() string {
	var out []string
	for _, h := range p.take() {
		first, rest, _ := strings.Cut(h.text, " ")
		if first == "SIP/2.0" {
			first = rest[:3]
		}
		out = append(out, first)
	}
	return strings.Join(out, " ")
}

// times lists when messages with that start came, in seconds.
func times(got []heard, start string) string {
	var out []string
	for _, h := range got {
		if strings.HasPrefix(h.text, start) {
			out = append(out, fmt.Sprint(h.at.Seconds()))
		}
	}
	return strings.Join(out, " ")
}

// request writes a request of the raw peer. n makes Call-ID, branch and tag.
func (p *rawPeer) request(method string, n int, extra ...string) string {
	cseq := method
	branch := fmt.Sprintf("z9hG4bKraw%d", n)
	lines := []string{
		method + " sip:1001@" + boxIP.String() + " SIP/2.0",
		"Via: SIP/2.0/UDP " + p.addr.String() + ";branch=" + branch,
		"Max-Forwards: 70",
		fmt.Sprintf("From: <sip:raw@%s>;tag=t%d", p.addr.Addr(), n),
		"To: <sip:1001@" + boxIP.String() + ">",
		fmt.Sprintf("Call-ID: raw-%d", n),
		fmt.Sprintf("CSeq: 1 %s", cseq),
		"Contact: <sip:raw@" + p.addr.String() + ">",
	}
	lines = append(lines, extra...)
	return strings.Join(lines, "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
}

// answer writes a response to a request that the box sent.
func answer(request string, status string, extra ...string) string {
	lines := []string{"SIP/2.0 " + status}
	for line := range strings.SplitSeq(request, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Via", "From", "Call-ID", "CSeq":
			lines = append(lines, line)
		case "To":
			if !strings.Contains(line, "tag=") && !strings.HasPrefix(status, "100") {
				line += ";tag=raw"
			}
			lines = append(lines, line)
		}
	}
	lines = append(lines, extra...)
	return strings.Join(lines, "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
}
