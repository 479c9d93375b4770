package lamp_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/dialog"
	"centralino/pbx/lamp"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
)

var boxAddr = netip.MustParseAddrPort("192.0.2.1:5060")

// world is a board on a network in memory, in virtual time.
type world struct {
	*lamp.Board
	t    *testing.T
	net  *sip.MemNet
	doc  *office.Document
	stop context.CancelFunc
	// begin runs the board; done already where it keeps nothing.
	begin func()

	mu       sync.Mutex
	bindings map[office.ID][]registrar.Binding
}

func inWorld(t *testing.T, o lamp.Options, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: sip.NewMemNet(), doc: office.Sample(office.SampleOptions{}).Doc, bindings: map[office.ID][]registrar.Binding{}}
		stack, err := sip.New(sip.Options{Net: w.net.Host(boxAddr.Addr()), UDP: []netip.AddrPort{boxAddr}, TCP: []netip.AddrPort{boxAddr}})
		if err != nil {
			t.Fatal(err)
		}
		o.Stack, o.Phones, o.Now = stack, w, time.Now
		o.Office = func() *office.Document { return w.doc }
		if o.MaySee == nil {
			o.MaySee = func(viewer, of journal.SubjectID) bool { return viewer == of }
		}
		if w.Board, err = lamp.New(o); err != nil {
			t.Fatal(err)
		}
		dialog.New(stack, dialog.Options{Incoming: func(*dialog.Leg) {}, Subscriptions: w.Board})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { _ = stack.Run(ctx) })
		board, stop := context.WithCancel(ctx)
		w.stop = stop
		w.begin = sync.OnceFunc(func() { wg.Go(func() { _ = w.Run(board) }) })
		if o.Store == nil {
			w.begin()
		}
		f(w)
		cancel()
		wg.Wait()
	})
}

// Authenticate knows who says so: what a digest proves is the registrar's own test.
func (w *world) Authenticate(req *sip.Request, _ time.Time) (office.ID, *sip.Response) {
	d := w.doc.DeviceByUsername(req.From().URI.Username())
	if v, _ := req.Header("Authorization"); d == nil || v != "Digest right" {
		return "", sip.NewResponse(req, 401, "")
	}
	return d.ID, nil
}

func (w *world) Contacts(d office.ID) []registrar.Binding {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bindings[d]
}

// register binds a phone to where it is.
func (w *world) register(p *phone) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, _ := sip.ParseURI(p.contact())
	w.bindings[p.device()] = []registrar.Binding{{Device: p.device(), URI: u, Flow: sip.NewFlow(sip.UDP, boxAddr, p.addr)}}
}

// phone is a desk phone by hand.
type phone struct {
	w    *world
	user string
	conn sip.PacketConn
	addr netip.AddrPort
	// answer is what a NOTIFY gets; empty: nothing. more are further fields.
	answer, more string

	mu  sync.Mutex
	got []*message
	n   int
}

// message is a response or a NOTIFY.
type message struct {
	req  *sip.Request
	resp *sip.Response
	at   time.Time
}

func (w *world) phone(user, addr string) *phone {
	w.t.Helper()
	p := &phone{w: w, user: user, addr: netip.MustParseAddrPort(addr), answer: "200 OK"}
	var err error
	if p.conn, err = w.net.Host(p.addr.Addr()).ListenUDP(p.addr); err != nil {
		w.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, _, err := p.conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			p.take(append([]byte(nil), buf[:n]...))
		}
	}()
	w.t.Cleanup(func() { _ = p.conn.Close(); <-done })
	w.register(p)
	return p
}

func (p *phone) device() office.ID { return p.w.doc.DeviceByUsername(p.user).ID }
func (p *phone) contact() string   { return "sip:" + p.user + "@" + p.addr.String() }

func (p *phone) take(b []byte) {
	m := &message{at: time.Now()}
	var err error
	if m.req, err = sip.ParseRequest(b); err != nil {
		if m.resp, err = sip.ParseResponse(b); err != nil {
			p.w.t.Errorf("unreadable: %q", b)
			return
		}
	}
	p.mu.Lock()
	p.got = append(p.got, m)
	answer, more := p.answer, p.more
	p.mu.Unlock()
	if m.req != nil && answer != "" {
		p.respond(m.req, answer, more)
	}
}

func (p *phone) respond(req *sip.Request, status, more string) {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, h := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		v, _ := req.Header(h)
		b.WriteString(h + ": " + v + "\r\n")
	}
	p.send(b.String() + more + "Content-Length: 0\r\n\r\n")
}

func (p *phone) says(answer, more string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer, p.more = answer, more
}

func (p *phone) send(text string) {
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), boxAddr); err != nil && p.w.t.Context().Err() == nil {
		p.w.t.Error(err)
	}
}

// all waits until all is quiet and takes what has come.
func (p *phone) all() []*message {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// lampKey is one subscription as the phone keeps it.
type lampKey struct {
	p            *phone
	number, id   string
	to           string // To with its tag, once known
	cseq         int
	event, extra string // extra fields
	auth         string
}

func (p *phone) key(number string) *lampKey {
	p.n++
	return &lampKey{p: p, number: number, id: fmt.Sprintf("%s-%s-%d", p.user, number, p.n), event: "dialog", auth: "Authorization: Digest right\r\n"}
}

// subscribe asks for d and returns the status with everything that came after it;
// -1 leaves Expires out.
func (k *lampKey) subscribe(d int) (int, []*message) {
	k.p.w.t.Helper()
	k.ask(d)
	got := k.p.all()
	for i, m := range got {
		if m.resp != nil && m.resp.CallID() == k.id {
			if m.resp.Status() == 200 {
				k.to, _ = m.resp.Header("To")
			}
			return m.resp.Status(), append(got[:i:i], got[i+1:]...)
		}
	}
	k.p.w.t.Fatalf("no answer to the subscription of %s", k.number)
	return 0, nil
}

func (k *lampKey) ask(d int) {
	k.cseq++
	uri := "sip:" + k.number + "@" + boxAddr.Addr().String()
	to := k.to
	if to == "" {
		to = "<" + uri + ">"
	}
	expires := ""
	if d >= 0 {
		expires = fmt.Sprintf("Expires: %d\r\n", d)
	}
	event := ""
	if k.event != "" {
		event = "Event: " + k.event + "\r\n"
	}
	k.p.send("SUBSCRIBE " + uri + " SIP/2.0\r\n" +
		fmt.Sprintf("Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s%d\r\n", k.p.addr, strings.TrimPrefix(k.id, "*"), k.cseq) +
		"Max-Forwards: 70\r\nFrom: <sip:" + k.p.user + "@192.0.2.1>;tag=f" + k.id + "\r\nTo: " + to + "\r\nCall-ID: " + k.id + "\r\n" +
		fmt.Sprintf("CSeq: %d SUBSCRIBE\r\n", k.cseq) + "Contact: <" + k.p.contact() + ">\r\n" + event + expires + k.auth + k.extra + "Content-Length: 0\r\n\r\n")
}

// info is the document of RFC 4235 4.1, as strict as its schema where we use it.
type info struct {
	XMLName xml.Name   `xml:"urn:ietf:params:xml:ns:dialog-info dialog-info"`
	Version string     `xml:"version,attr"`
	State   string     `xml:"state,attr"`
	Entity  string     `xml:"entity,attr"`
	Attrs   []xml.Attr `xml:",any,attr"`
	Dialogs []struct {
		ID        string     `xml:"id,attr"`
		Direction string     `xml:"direction,attr"`
		State     string     `xml:"state"`
		Attrs     []xml.Attr `xml:",any,attr"`
		Others    []anything `xml:",any"`
	} `xml:"dialog"`
	Others []anything `xml:",any"`
}

type anything struct {
	XMLName xml.Name
	Text    string `xml:",innerxml"`
}

func readInfo(t *testing.T, body []byte) info {
	t.Helper()
	var x info
	if err := xml.Unmarshal(body, &x); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return x
}

// shows asserts that exactly these NOTIFYs have come: "on/1 active", each with the
// lamp, the version and the state of the subscription.
func shows(t *testing.T, got []*message, want ...string) {
	t.Helper()
	var have []string
	for _, m := range got {
		have = append(have, noticeOf(t, m))
	}
	if strings.Join(have, ", ") != strings.Join(want, ", ") {
		t.Errorf("the phone was told %q, want %q", have, want)
	}
}

func noticeOf(t *testing.T, m *message) string {
	t.Helper()
	if m.req == nil {
		return fmt.Sprint(m.resp.Status())
	}
	x := readInfo(t, m.req.Body())
	if m.req.Method() != "NOTIFY" || m.req.ContentType() != "application/dialog-info+xml" || x.State != "full" || len(x.Dialogs) != 1 {
		t.Fatalf("no NOTIFY of a full state of one dialog: %s", m.req)
	}
	d := x.Dialogs[0]
	if len(d.Others)+len(x.Others)+len(d.Attrs)+len(x.Attrs) > 1 { // the name space is an attribute
		t.Errorf("the document tells more than the state: %s", m.req.Body())
	}
	state, _ := m.req.Header("Subscription-State")
	if s, _, ok := strings.Cut(state, ";expires="); ok {
		state = s
	}
	return map[string]string{"terminated": "off", "early": "blinking", "confirmed": "on"}[d.State] + "/" + x.Version + " " + state
}
