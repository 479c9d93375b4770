package main

import (
	"crypto/md5"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// rawPhone is a SIP phone by hand, for what no telephone does: it sends messages
// back to back without waiting, and keeps the order in which answers come.
type rawPhone struct {
	t              *testing.T
	conn           *net.UDPConn
	me, box        netip.AddrPort
	user, password string
	got            func(m rawMessage) // set before listen; called in order

	mu           sync.Mutex
	realm, nonce string
	nc           int
	registered   chan struct{}
}

// rawMessage is a message as it came: its first line, its header fields by lower
// case name and as lines.
type rawMessage struct {
	first  string
	fields map[string]string
	lines  []string
}

// status is the code of a response, 0 for a request.
func (m rawMessage) status() int {
	if !strings.HasPrefix(m.first, "SIP/2.0 ") {
		return 0
	}
	n, _ := strconv.Atoi(m.first[8:11])
	return n
}

func (m rawMessage) method() string {
	_, method, _ := strings.Cut(m.fields["cseq"], " ")
	return method
}

func parseRaw(b []byte) rawMessage {
	head, _, _ := strings.Cut(string(b), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m := rawMessage{first: lines[0], lines: lines[1:], fields: map[string]string{}}
	for _, l := range m.lines {
		name, value, _ := strings.Cut(l, ":")
		if name = strings.ToLower(strings.TrimSpace(name)); m.fields[name] == "" {
			m.fields[name] = strings.TrimSpace(value)
		}
	}
	return m
}

// rawPhone registers account n from a side of its own. got hears every message
// but those about the registration.
func (r *running) rawPhone(n int, side string, got func(p *rawPhone, m rawMessage)) *rawPhone {
	r.t.Helper()
	ns := r.net.Side(side)
	p := &rawPhone{t: r.t, me: netip.AddrPortFrom(ns.Addr(2), 5060), box: netip.AddrPortFrom(r.net.BoxAddr(side), 5060),
		user: r.accounts[n].user, password: r.accounts[n].password, registered: make(chan struct{})}
	p.got = func(m rawMessage) { got(p, m) }
	var err error
	if p.conn, err = ns.ListenUDP(p.me); err != nil {
		r.t.Fatal(err)
	}
	if err := p.conn.SetReadBuffer(4 << 20); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { p.conn.Close() })
	go p.read() // until the connection closes
	p.register()
	select {
	case <-p.registered:
	case <-limit(r.t, 10*time.Second).Done():
		r.t.Fatalf("phone %s does not register\n%s", p.user, r.proc.Output())
	}
	return p
}

func (p *rawPhone) read() {
	b := make([]byte, 65536)
	for {
		n, err := p.conn.Read(b)
		if err != nil {
			return
		}
		m := parseRaw(b[:n])
		if m.method() != "REGISTER" {
			p.got(m)
			continue
		}
		if m.status() == 401 {
			p.challenged(m)
			p.register()
		} else if m.status() == 200 {
			close(p.registered)
		}
	}
}

func (p *rawPhone) challenged(m rawMessage) {
	param := func(name string) string {
		_, rest, _ := strings.Cut(m.fields["www-authenticate"], name+`="`)
		v, _, _ := strings.Cut(rest, `"`)
		return v
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.realm, p.nonce, p.nc = param("realm"), param("nonce"), 0
}

// authorization is the field that answers the last challenge (RFC 7616, MD5).
func (p *rawPhone) authorization(method, uri string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nonce == "" {
		return ""
	}
	p.nc++
	hash := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	nc, cnonce := fmt.Sprintf("%08x", p.nc), "0a4f113b"
	answer := hash(strings.Join([]string{hash(p.user + ":" + p.realm + ":" + p.password), p.nonce, nc, cnonce, "auth", hash(method + ":" + uri)}, ":"))
	return fmt.Sprintf("Authorization: Digest username=%q, realm=%q, nonce=%q, uri=%q, response=%q, algorithm=MD5, cnonce=%q, qop=auth, nc=%s\r\n",
		p.user, p.realm, p.nonce, uri, answer, cnonce, nc)
}

func (p *rawPhone) register() {
	uri := "sip:" + p.box.Addr().String()
	aor := "<sip:" + p.user + "@" + p.box.Addr().String() + ">"
	p.send("REGISTER " + uri + " SIP/2.0\r\n" + p.via(fmt.Sprintf("reg%d", p.count())) +
		"From: " + aor + ";tag=reg\r\nTo: " + aor + "\r\nCall-ID: reg-" + p.user + "\r\n" +
		fmt.Sprintf("CSeq: %d REGISTER\r\n", p.count()+1) + p.contact() + "Expires: 300\r\n" + p.authorization("REGISTER", uri) + "Content-Length: 0\r\n\r\n")
}

func (p *rawPhone) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nonce == "" {
		return 0
	}
	return 1
}

func (p *rawPhone) via(branch string) string {
	return "Via: SIP/2.0/UDP " + p.me.String() + ";branch=z9hG4bK" + branch + "\r\nMax-Forwards: 70\r\n"
}

func (p *rawPhone) contact() string {
	return "Contact: <sip:" + p.user + "@" + p.me.String() + ">\r\n"
}

// request writes a request of call id to the extension called. to is the To field
// with its tag within a dialog.
func (p *rawPhone) request(method, called, id, to string, cseq int, more string) string {
	uri := "sip:" + called + "@" + p.box.Addr().String()
	if to == "" {
		to = "<" + uri + ">"
	}
	branch, numbered := id, method
	switch method {
	case "CANCEL", "ACK": // of the INVITE's transaction
	case "BYE":
		branch = id + "bye"
	}
	return method + " " + uri + " SIP/2.0\r\n" + p.via(branch) +
		"From: <sip:" + p.user + "@" + p.box.Addr().String() + ">;tag=f" + id + "\r\nTo: " + to + "\r\nCall-ID: " + id + "\r\n" +
		fmt.Sprintf("CSeq: %d %s\r\n", cseq, numbered) + more
}

// invite writes an INVITE with an offer and the answer to the last challenge.
func (p *rawPhone) invite(called, id string) string {
	body := p.sdp()
	return p.request("INVITE", called, id, "", 1, p.contact()+p.authorization("INVITE", "sip:"+called+"@"+p.box.Addr().String())+
		fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
}

// ack answers the final response m; a 200 has a branch of its own.
func (p *rawPhone) ack(called string, m rawMessage) {
	id := m.fields["call-id"]
	text := p.request("ACK", called, id, m.fields["to"], 1, "Content-Length: 0\r\n\r\n")
	if m.status() == 200 {
		text = strings.Replace(text, "z9hG4bK"+id, "z9hG4bK"+id+"ack", 1)
	}
	p.send(text)
}

func (p *rawPhone) sdp() string {
	a := p.me.Addr().String()
	return "v=0\r\no=raw 1 1 IN IP4 " + a + "\r\ns=-\r\nc=IN IP4 " + a + "\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
}

// respond writes a response to a request, with a session description if sdp.
func (p *rawPhone) respond(m rawMessage, status, sdp string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, l := range m.lines {
		name, _, _ := strings.Cut(strings.ToLower(l), ":")
		switch name {
		case "via", "record-route", "from", "call-id", "cseq":
			b.WriteString(l + "\r\n")
		case "to":
			if !strings.Contains(l, ";tag=") {
				l += ";tag=c" + m.fields["call-id"]
			}
			b.WriteString(l + "\r\n")
		}
	}
	b.WriteString(p.contact())
	if sdp != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(sdp), sdp)
	return b.String()
}

func (p *rawPhone) send(text string) {
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), p.box); err != nil && p.t.Context().Err() == nil {
		p.t.Errorf("send: %v", err)
	}
}
