package sip_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/sip"
)

// urgentFrom lets INVITEs from one address call for help.
func urgentFrom(ip netip.Addr) sip.Urgency {
	return sip.Urgency{
		Known:   func(a netip.AddrPort) bool { return a.Addr() == ip },
		Request: func(r *sip.Request) bool { return r.Method() == sip.INVITE && r.URI().Username() == "112" },
	}
}

// helpInvite is an INVITE for 112.
func helpInvite(p *rawPeer, n int) string {
	return strings.Replace(p.request(sip.INVITE, n), "sip:1001@", "sip:112@", 1)
}

// taken notes the requests that reach a handler.
type taken struct {
	mu   sync.Mutex
	list []*sip.Request
}

func (k *taken) handler() *handler {
	return &handler{request: func(tx sip.ServerTx) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.list = append(k.list, tx.Request())
	}}
}

func (k *taken) requests() []*sip.Request {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.list
}

func TestCallForHelpPassesTheBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		phone, stranger := newRawPeer(t, m, phoneIP), newRawPeer(t, m, netip.MustParseAddr("192.0.2.3"))
		h := &taken{}
		box := startStack(t, m, boxIP, h.handler(), func(o *sip.Options) {
			o.Limits.PerFlow = sip.Rate{PerSecond: 1, Burst: 2}
			o.Urgent = urgentFrom(phoneIP)
		})
		for n := range 10 { // both have spent theirs
			phone.send(phone.request(sip.MESSAGE, n))
			stranger.send(stranger.request(sip.MESSAGE, 1000+n))
		}
		synctest.Wait()
		before := len(h.requests())
		for i, p := range []*rawPeer{stranger, phone} {
			p.send(p.request(sip.INVITE, 100+10*i))
			p.send(helpInvite(p, 101+10*i))
		}
		synctest.Wait()
		got := h.requests()[before:]
		if len(got) != 1 || got[0].Flow().Remote() != phone.addr || got[0].URI().Username() != "112" {
			t.Fatalf("%d requests reached the box beyond their budget", len(got))
		}
		dropped := box.Counters().DroppedBudget.Load()
		for n := range 20 { // what belongs to the call
			phone.send(phone.request(sip.BYE, 200+n))
		}
		synctest.Wait()
		if n := box.Counters().DroppedBudget.Load() - dropped; n != 0 {
			t.Errorf("%d messages of the call for help dropped", n)
		}
		time.Sleep(2 * time.Hour)
		for n := range 20 {
			phone.send(phone.request(sip.BYE, 300+n))
		}
		synctest.Wait()
		if n := box.Counters().DroppedBudget.Load() - dropped; n != 18 {
			t.Errorf("hours later %d of 20 messages dropped, want 18", n)
		}
	})
}

func TestCallForHelpPassesTheLimitOfTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		h := &taken{}
		box := startStack(t, m, boxIP, h.handler(), func(o *sip.Options) {
			o.Limits.Transactions = 3
			o.Urgent = urgentFrom(phoneIP)
		})
		for n := range 5 { // one by one: shards that take one each at once may pass the limit by it
			peer.send(peer.request(sip.INVITE, n))
			synctest.Wait()
		}
		if s := peer.starts(); s != "503 503" {
			t.Fatalf("came %q", s)
		}
		peer.send(helpInvite(peer, 10))
		synctest.Wait()
		if s := peer.starts(); s != "" || len(h.requests()) != 4 {
			t.Errorf("the call for help got %q", s)
		}
		req := sip.NewRequest(sip.OPTIONS, sip.NewURI("", "x", 0))
		req.SetUrgent()
		if _, err := box.Send(req, target(phoneIP, sip.UDP), func(*sip.Response, error) {}); err != nil {
			t.Errorf("sending for it: %v", err)
		}
	})
}
