package sip_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/netip"
	"testing"

	"centralino/pbx/sip"
)

var inviteBytes = []byte("INVITE sip:1002@pbx.test SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 10.77.0.2:5060;branch=z9hG4bK8d1f2a3b4c5d6e7f;rport\r\n" +
	"Contact: <sip:1001-0x55d0c8a7e2b0@10.77.0.2:5060>\r\n" +
	"Max-Forwards: 70\r\n" +
	"To: <sip:1002@pbx.test>\r\n" +
	"From: \"Anna\" <sip:1001@pbx.test>;tag=1e4f5a6b7c8d9e0f\r\n" +
	"Call-ID: 5b6c7d8e9f0a1b2c\r\n" +
	"CSeq: 24087 INVITE\r\n" +
	"User-Agent: baresip v1.0.0 (x86_64/linux)\r\n" +
	"Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,REFER\r\n" +
	"Supported: gruu,replaces,norefersub\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 180\r\n\r\n" + string(bytes.Repeat([]byte("a=x\r\n"), 36)))

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sip.ParseRequest(inviteBytes); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResponse(b *testing.B) {
	req, err := sip.ParseRequest(inviteBytes)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = sip.NewResponse(req, 180, "").String()
	}
}

// BenchmarkStatelessRegister is the cost of a REGISTER of a stranger, from datagram
// to 401: what a flood costs.
func BenchmarkStatelessRegister(b *testing.B) {
	peer, done := floodTarget(b, &handler{stateless: func(r *sip.Request) *sip.Response {
		resp := sip.NewResponse(r, 401, "")
		resp.AddHeader("WWW-Authenticate", `Digest realm="pbx", nonce="0123456789abcdef", algorithm=MD5, qop="auth"`)
		return resp
	}})
	defer done()
	msg := bytes.ReplaceAll(bytes.Split(inviteBytes, []byte("Content-Type"))[0], []byte("INVITE"), []byte("REGISTER"))
	msg = append(msg, "Content-Length: 0\r\n\r\n"...)
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := peer.conn.WriteToUDPAddrPort(msg, netip.AddrPortFrom(boxIP, 5060)); err != nil {
			b.Fatal(err)
		}
		if _, _, err := peer.conn.ReadFromUDPAddrPort(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// floodTarget is a stack and a raw peer on a memory network.
func floodTarget(b *testing.B, h sip.Handler) (*rawPeer, func()) {
	m := sip.NewMemNet()
	o := sip.Options{Net: m.Host(boxIP), UDP: []netip.AddrPort{netip.AddrPortFrom(boxIP, 5060)}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	unlimited(&o)
	s, err := sip.New(o)
	if err != nil {
		b.Fatal(err)
	}
	s.Handle(h)
	conn, err := m.Host(phoneIP).ListenUDP(netip.AddrPortFrom(phoneIP, 5060))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	return &rawPeer{conn: conn}, func() { cancel(); <-done; _ = conn.Close() }
}
