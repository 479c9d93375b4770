package testbed

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Capture is a running record of the SIP messages over UDP at one end of the cables,
// made by dumpcap with the kernel's time stamps and read by tshark: the truth about
// what went over the wire, of which nothing of the house has a part.
type Capture struct {
	t     testing.TB
	proc  *Process
	file  string
	marks *net.UDPConn
}

// SIPMessage is one message of a capture, as tshark understands it.
type SIPMessage struct {
	At         time.Time // when the kernel saw it
	From, To   netip.AddrPort
	CallID     string
	Method     string // of a request, else empty
	Status     int    // of a response, else 0
	CSeqMethod string
	CSeq       int
	FromUser   string // user part of the From URI
	RequestURI string // of a request
}

// StartCapture begins to record SIP on port 5060 of every interface of a namespace.
// It returns once packets are recorded.
func StartCapture(t testing.TB, ns *Namespace) *Capture {
	t.Helper()
	Need(t, "dumpcap", "tshark")
	c := &Capture{t: t, file: filepath.Join(t.TempDir(), "sip.pcapng")}
	var err error
	if c.marks, err = ns.ListenUDP(netip.AddrPortFrom(loopback, 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.marks.Close() })
	c.proc = Start(t, ns, Command{Path: "dumpcap",
		Args: []string{"-q", "-i", "any", "-f", fmt.Sprintf("udp port 5060 or udp port %d", markPort), "-B", "8", "-w", c.file}})
	c.mark("begin of the capture")
	return c
}

// markPort is where nobody listens and marks are sent to.
const markPort = 5059

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// mark sends a datagram through the namespace until the file holds it: what was sent
// before is in the file then, too. Packets come to dumpcap in blocks, and the last one
// is lost when it is told to end.
func (c *Capture) mark(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 15*time.Second)
	defer cancel()
	n := 0
	if err := poll(ctx, text, func() bool {
		if n++; n%10 == 1 {
			_, _ = c.marks.WriteToUDPAddrPort([]byte(text), netip.AddrPortFrom(loopback, markPort)) // refused by nobody's port
		}
		b, err := os.ReadFile(c.file)
		return err == nil && bytes.Contains(b, []byte(text))
	}); err != nil {
		c.t.Fatalf("capture: %v\n%s", err, tail(c.proc.Output(), 2000))
	}
}

// Stop ends the recording and returns its messages in order of time. It fails the test
// when packets were lost: the rest would be no truth.
func (c *Capture) Stop() []SIPMessage {
	c.t.Helper()
	c.mark("end of the capture")
	_ = c.proc.Signal(syscall.SIGINT)
	_ = c.proc.Err() // its own word of how it ended says nothing; the counts below do
	if out := c.proc.Output(); !strings.Contains(out, "/0 (") {
		c.t.Fatalf("the capture lost packets or did not end in order:\n%s", tail(out, 2000))
	}
	fields := []string{"frame.time_epoch", "ip.src", "udp.srcport", "ip.dst", "udp.dstport", "sip.Call-ID",
		"sip.Method", "sip.Status-Code", "sip.CSeq.method", "sip.CSeq.seq", "sip.from.user", "sip.r-uri"}
	args := []string{"-n", "-r", c.file, "-Y", "sip", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=f"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	text := c.file + ".txt"
	p := Start(c.t, nil, Command{Path: "tshark", Args: args, Stdout: text})
	if err := p.Err(); err != nil {
		c.t.Fatalf("tshark: %v\n%s", err, tail(p.Output(), 2000))
	}
	b, err := os.ReadFile(text)
	if err != nil {
		c.t.Fatal(err)
	}
	var out []SIPMessage
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != len(fields) {
			c.t.Fatalf("tshark wrote %q", line)
		}
		m, err := messageOf(f)
		if err != nil {
			c.t.Fatalf("tshark wrote %q: %v", line, err)
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b SIPMessage) int { return a.At.Compare(b.At) })
	return out
}

func messageOf(f []string) (SIPMessage, error) {
	m := SIPMessage{CallID: f[5], Method: f[6], CSeqMethod: f[8], FromUser: f[10], RequestURI: f[11]}
	sec, frac, _ := strings.Cut(f[0], ".")
	s, err := strconv.ParseInt(sec, 10, 64)
	if err != nil {
		return m, fmt.Errorf("time %q: %w", f[0], err)
	}
	ns, err := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	if err != nil {
		return m, fmt.Errorf("time %q: %w", f[0], err)
	}
	m.At = time.Unix(s, ns)
	for i, a := range []*netip.AddrPort{&m.From, &m.To} {
		if *a, err = netip.ParseAddrPort(f[1+2*i] + ":" + f[2+2*i]); err != nil {
			return m, fmt.Errorf("address: %w", err)
		}
	}
	for _, n := range []struct {
		text string
		to   *int
	}{{f[7], &m.Status}, {f[9], &m.CSeq}} {
		if n.text == "" {
			continue
		}
		if *n.to, err = strconv.Atoi(n.text); err != nil {
			return m, fmt.Errorf("number %q: %w", n.text, err)
		}
	}
	return m, nil
}
