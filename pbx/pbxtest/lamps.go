package pbxtest

import (
	"context"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// handler is the phone's: calls are the agent's, NOTIFYs go to the lamps.
type handler struct {
	*dialog.Agent
	p *Phone
}

func (h handler) Stateless(req *sip.Request) *sip.Response {
	if event, _ := req.Header("Event"); req.Method() != sip.NOTIFY || strings.HasPrefix(event, "refer") {
		return h.Agent.Stateless(req)
	}
	h.p.mu.Lock()
	l := h.p.lamps[req.CallID()]
	h.p.mu.Unlock()
	if l == nil {
		return sip.NewResponse(req, 481, "")
	}
	l.told(req)
	return sip.NewResponse(req, 200, "")
}

// Lamp is a key of the phone that shows what the box tells of a number.
type Lamp struct {
	p          *Phone
	number     string
	id, tag    string
	cseq       int
	mu         sync.Mutex
	to         string
	state      string
	ended      string
	notices    int
	unreadable error
}

// Watch makes a key for a number: the phone subscribes to its dialogs (RFC 4235).
func (p *Phone) Watch(ctx context.Context, number string) (*Lamp, error) {
	l := &Lamp{p: p, number: number, id: sip.NewCallID(), tag: sip.NewTag()}
	p.mu.Lock()
	p.lamps[l.id] = l
	p.mu.Unlock()
	return l, l.Renew(ctx, 10*time.Minute)
}

// Renew subscribes for so long from now; 0 ends it.
func (l *Lamp) Renew(ctx context.Context, d time.Duration) error {
	resp, err := l.p.stack.Do(ctx, l.request(d), sip.NewFlow(sip.UDP, l.p.o.Addr, l.p.o.Box))
	if err == nil && resp.Status() == 401 {
		req := l.request(d)
		if !l.p.authorize(resp, req) {
			return fmt.Errorf("lamp %s: no challenge in the 401", l.number)
		}
		resp, err = l.p.stack.Do(ctx, req, sip.NewFlow(sip.UDP, l.p.o.Addr, l.p.o.Box))
	}
	if err != nil {
		return err
	}
	if resp.Status() != 200 {
		return fmt.Errorf("lamp %s: SUBSCRIBE answered %d", l.number, resp.Status())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to, _ = resp.Header("To")
	return nil
}

func (l *Lamp) request(d time.Duration) *sip.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cseq++
	box := l.p.o.Box
	uri := sip.NewURI(l.number, box.Addr().String(), box.Port())
	req := sip.NewRequest(sip.SUBSCRIBE, uri)
	from := sip.Address{URI: sip.NewURI(l.p.o.User, box.Addr().String(), 0)}
	req.SetHeader("From", from.WithTag(l.tag).String())
	to := l.to
	if to == "" {
		to = sip.Address{URI: uri}.String()
	}
	req.SetHeader("To", to)
	req.SetHeader("Call-ID", l.id)
	req.SetHeader("CSeq", strconv.Itoa(l.cseq)+" "+sip.SUBSCRIBE)
	contact, _ := l.p.Contact()
	req.SetHeader("Contact", sip.Address{URI: contact}.String())
	req.SetHeader("Event", "dialog")
	req.SetHeader("Accept", "application/dialog-info+xml")
	req.SetHeader("Expires", strconv.Itoa(int(d/time.Second)))
	return req
}

func (l *Lamp) told(req *sip.Request) {
	var x struct {
		Dialogs []struct {
			State string `xml:"state"`
		} `xml:"dialog"`
	}
	err := xml.Unmarshal(req.Body(), &x)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notices++
	if err != nil || len(x.Dialogs) != 1 {
		l.unreadable = fmt.Errorf("lamp %s: %d dialogs in %q: %w", l.number, len(x.Dialogs), req.Body(), err)
		return
	}
	l.state = x.Dialogs[0].State
	state, _ := req.Header("Subscription-State")
	if reason, ok := strings.CutPrefix(state, "terminated;reason="); ok {
		l.ended = reason
	}
}

// State is what the lamp shows: the state of the dialog it was told of last ("early",
// "confirmed", "terminated"), empty before the first; err if a document could not be
// read.
func (l *Lamp) State() (state string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.unreadable
}

// Ended is the reason for which the box ended the subscription, empty while it lives.
func (l *Lamp) Ended() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// Notices is how often the lamp was told something.
func (l *Lamp) Notices() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.notices
}
