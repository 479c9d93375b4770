package sip_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/sip"
)

// handler is a sip.Handler of functions; nil ones do nothing.
type handler struct {
	stateless func(*sip.Request) *sip.Response
	request   func(sip.ServerTx)
	ack       func(*sip.Request)
	cancel    func(sip.ServerTx, *sip.Request)
}

func (h *handler) Stateless(r *sip.Request) *sip.Response {
	if h.stateless == nil {
		return nil
	}
	return h.stateless(r)
}

func (h *handler) Request(tx sip.ServerTx) {
	if h.request != nil {
		h.request(tx)
	}
}

func (h *handler) Ack(r *sip.Request) {
	if h.ack != nil {
		h.ack(r)
	}
}

func (h *handler) Cancel(tx sip.ServerTx, r *sip.Request) {
	if h.cancel != nil {
		h.cancel(tx, r)
	}
}

var (
	boxIP   = netip.MustParseAddr("192.0.2.1")
	phoneIP = netip.MustParseAddr("192.0.2.2")
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// startStack makes a stack on ip:5060 (UDP and TCP) of the memory network and runs
// it until the test ends.
func startStack(t *testing.T, m *sip.MemNet, ip netip.Addr, h sip.Handler, change func(*sip.Options)) *sip.Stack {
	t.Helper()
	o := sip.Options{
		Net: m.Host(ip),
		UDP: []netip.AddrPort{netip.AddrPortFrom(ip, 5060)},
		TCP: []netip.AddrPort{netip.AddrPortFrom(ip, 5060)},
		Log: quiet(),
	}
	if change != nil {
		change(&o)
	}
	s, err := sip.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Handle(h)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

func target(ip netip.Addr, transport string) sip.Target {
	return sip.Target{Transport: transport, Host: ip.String(), Port: 5060}
}

func TestRequestIsAnsweredOverBothTransports(t *testing.T) {
	for _, transport := range []string{sip.UDP, sip.TCP} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sip.NewMemNet()
				startStack(t, m, boxIP, &handler{request: func(tx sip.ServerTx) {
					resp := sip.NewResponse(tx.Request(), 200, "")
					resp.SetBody("text/plain", tx.Request().Body())
					if err := tx.Respond(resp); err != nil {
						t.Error(err)
					}
				}}, nil)
				phone := startStack(t, m, phoneIP, &handler{}, nil)
				req := sip.NewRequest(sip.MESSAGE, sip.NewURI("1001", boxIP.String(), 0))
				req.SetBody("text/plain", []byte("ciao"))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				resp, err := phone.Do(ctx, req, target(boxIP, transport))
				if err != nil || resp.Status() != 200 || string(resp.Body()) != "ciao" {
					t.Fatalf("got %v, %v", resp, err)
				}
				if f := resp.Flow(); f.Transport() != transport || f.Remote() != netip.AddrPortFrom(boxIP, 5060) {
					t.Errorf("flow = %v", f)
				}
			})
		})
	}
}
