package sip_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/sip"
)

func TestClientRepeatsUntilTimeout(t *testing.T) {
	cases := []struct{ method, want string }{
		// RFC 3261 17.1.1.2: timer A doubles; timer B ends it at 32 s.
		{sip.INVITE, "0 0.5 1.5 3.5 7.5 15.5 31.5"},
		// 17.1.2.2: timer E doubles up to 4 s; timer F ends it at 32 s.
		{sip.OPTIONS, "0 0.5 1.5 3.5 7.5 11.5 15.5 19.5 23.5 27.5 31.5"},
	}
	for _, c := range cases {
		t.Run(c.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sip.NewMemNet()
				peer := newRawPeer(t, m, phoneIP)
				box := startStack(t, m, boxIP, &handler{}, nil)
				var end time.Duration
				var cause error
				_, err := box.Send(sip.NewRequest(c.method, sip.NewURI("x", phoneIP.String(), 0)), target(phoneIP, sip.UDP),
					func(_ *sip.Response, err error) { cause, end = err, time.Since(peer.start) })
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := times(peer.take(), c.method); got != c.want {
					t.Errorf("sent at %s, want %s", got, c.want)
				}
				if !errors.Is(cause, sip.ErrTimeout) || end != 32*time.Second {
					t.Errorf("ended after %v with %v", end, cause)
				}
				if n := box.Transactions(); n != 0 {
					t.Errorf("%d transactions left", n)
				}
			})
		})
	}
}

func TestInviteIsNotRepeatedAfterProvisional(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		box := startStack(t, m, boxIP, &handler{}, nil)
		var got []string
		_, err := box.Send(sip.NewRequest(sip.INVITE, sip.NewURI("x", phoneIP.String(), 0)), target(phoneIP, sip.UDP),
			func(r *sip.Response, err error) { got = append(got, fmt.Sprint(r.Status(), err)) })
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		invite := peer.take()[0].text
		for range 14 { // a trunk that repeats 180 for long
			peer.send(answer(invite, "180 Ringing"))
			time.Sleep(20 * time.Second)
		}
		peer.send(answer(invite, "486 Busy Here"))
		synctest.Wait()
		// The ACK is repeated for each repeat of the refusal (17.1.1.2).
		peer.send(answer(invite, "486 Busy Here"))
		synctest.Wait()
		if s := peer.starts(); s != "ACK ACK" {
			t.Errorf("came %s", s)
		}
		if want := strings.Repeat("180 <nil> ", 14) + "486 <nil>"; strings.Join(got, " ") != want {
			t.Errorf("got %v", got)
		}
	})
}

func TestRefusalIsRepeatedUntilAck(t *testing.T) {
	for _, acked := range []bool{true, false} {
		t.Run(fmt.Sprint("acked ", acked), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sip.NewMemNet()
				peer := newRawPeer(t, m, phoneIP)
				box := startStack(t, m, boxIP, &handler{request: func(tx sip.ServerTx) {
					_ = tx.Respond(sip.NewResponse(tx.Request(), 486, ""))
				}, ack: func(r *sip.Request) { t.Errorf("ACK of a refusal reached the handler: %s", r) }}, nil)
				invite := peer.request(sip.INVITE, 1)
				peer.send(invite)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				want := "0 0.5 1.5"
				if acked {
					peer.send(strings.ReplaceAll(invite, "INVITE", "ACK"))
				} else {
					want = "0 0.5 1.5 3.5 7.5 11.5 15.5 19.5 23.5 27.5 31.5" // timers G and H
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := times(peer.take(), "SIP/2.0 486"); got != want {
					t.Errorf("sent at %s, want %s", got, want)
				}
				if n := box.Transactions(); n != 0 {
					t.Errorf("%d transactions left", n)
				}
			})
		})
	}
}

func TestRepeatedRequestGetsTheSameAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		calls := 0
		box := startStack(t, m, boxIP, &handler{request: func(tx sip.ServerTx) {
			calls++
			resp := sip.NewResponse(tx.Request(), 200, "")
			resp.AddHeader("X-Call", fmt.Sprint(calls))
			_ = tx.Respond(resp)
		}}, nil)
		peer.send(peer.request(sip.MESSAGE, 1))
		peer.send(peer.request(sip.MESSAGE, 1))
		time.Sleep(31 * time.Second)
		peer.send(peer.request(sip.MESSAGE, 1))
		synctest.Wait()
		got := peer.take()
		if len(got) != 3 || got[0].text != got[1].text || got[1].text != got[2].text || calls != 1 {
			t.Errorf("%d calls, answers %v", calls, got)
		}
		time.Sleep(5 * time.Second) // timer J is over: it is a new request now
		peer.send(peer.request(sip.MESSAGE, 1))
		synctest.Wait()
		if calls != 2 || box.Counters().Repeats.Load() != 2 {
			t.Errorf("%d calls, %d repeats", calls, box.Counters().Repeats.Load())
		}
	})
}

func TestCancelFindsItsInvite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		startStack(t, m, boxIP, &handler{
			request: func(tx sip.ServerTx) { _ = tx.Respond(sip.NewResponse(tx.Request(), 180, "")) },
			cancel:  func(tx sip.ServerTx, _ *sip.Request) { _ = tx.Respond(sip.NewResponse(tx.Request(), 487, "")) },
		}, nil)
		invite := peer.request(sip.INVITE, 1)
		peer.send(invite)
		peer.send(strings.ReplaceAll(invite, "INVITE", "CANCEL"))
		peer.send(strings.ReplaceAll(invite, "INVITE", "CANCEL")) // its repeat
		synctest.Wait()
		if s := peer.starts(); s != "180 200 487 200" {
			t.Errorf("came %s", s)
		}
		peer.send(strings.ReplaceAll(invite, "INVITE", "ACK"))
		peer.send(peer.request(sip.CANCEL, 2)) // of nothing
		synctest.Wait()
		if s := peer.starts(); s != "481" {
			t.Errorf("came %s", s)
		}
	})
}

func TestMergedRequestIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		startStack(t, m, boxIP, &handler{request: func(tx sip.ServerTx) {
			_ = tx.Respond(sip.NewResponse(tx.Request(), 180, ""))
		}}, nil)
		invite := peer.request(sip.INVITE, 1)
		peer.send(invite)
		peer.send(strings.Replace(invite, "raw1", "other", 1)) // same call over another way
		synctest.Wait()
		if s := peer.starts(); s != "180 482" { // RFC 3261 8.2.2.2
			t.Errorf("came %s", s)
		}
	})
}

// TestOrderIsKept is the reason for this package: messages sent back to back are
// handled in the order of arrival.
func TestOrderIsKept(t *testing.T) {
	t.Run("10,000 INVITEs each directly followed by its CANCEL leave nothing ringing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := sip.NewMemNet()
			peer := newRawPeer(t, m, phoneIP)
			var mu sync.Mutex
			ringing := make(map[string]bool)
			box := startStack(t, m, boxIP, &handler{
				request: func(tx sip.ServerTx) {
					mu.Lock()
					defer mu.Unlock()
					ringing[tx.Request().CallID()] = true
					_ = tx.Respond(sip.NewResponse(tx.Request(), 180, ""))
				},
				cancel: func(tx sip.ServerTx, r *sip.Request) {
					mu.Lock()
					defer mu.Unlock()
					if !ringing[r.CallID()] {
						t.Errorf("CANCEL of %s before its INVITE", r.CallID())
					}
					delete(ringing, r.CallID())
					_ = tx.Respond(sip.NewResponse(tx.Request(), 487, ""))
				},
			}, unlimited)
			for n := range 10000 {
				invite := peer.request(sip.INVITE, n)
				peer.send(invite)
				peer.send(strings.ReplaceAll(invite, "INVITE", "CANCEL"))
				peer.send(strings.ReplaceAll(invite, "INVITE", "ACK")) // as if 487 had come
				if n%1000 == 999 {
					synctest.Wait()
				}
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(ringing) != 0 || box.Transactions() != 0 {
				t.Errorf("%d still ringing, %d transactions", len(ringing), box.Transactions())
			}
		})
	})
	t.Run("2,000 times a 183 directly followed by its 200 arrive in this order", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := sip.NewMemNet()
			peer := newRawPeer(t, m, phoneIP)
			box := startStack(t, m, boxIP, &handler{}, unlimited)
			var mu sync.Mutex
			got := make(map[string]string)
			for range 2000 {
				req := sip.NewRequest(sip.INVITE, sip.NewURI("x", phoneIP.String(), 0))
				_, err := box.Send(req, target(phoneIP, sip.UDP), func(r *sip.Response, err error) {
					mu.Lock()
					defer mu.Unlock()
					got[r.CallID()] += fmt.Sprint(r.Status(), " ")
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			for _, h := range peer.take() {
				peer.send(answer(h.text, "183 Session Progress"))
				peer.send(answer(h.text, "200 OK"))
			}
			synctest.Wait()
			for id, s := range got {
				if s != "183 200 " {
					t.Fatalf("%s: %s", id, s)
				}
			}
			if len(got) != 2000 {
				t.Errorf("%d calls", len(got))
			}
		})
	})
}

// unlimited takes the flood budgets off.
func unlimited(o *sip.Options) {
	o.Limits.PerAddress = sip.Rate{PerSecond: 1e9, Burst: 1e9}
	o.Limits.PerFlow = o.Limits.PerAddress
	o.Limits.Queue = 1 << 20
}

func TestPanicCostsOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		box := startStack(t, m, boxIP, &handler{request: func(tx sip.ServerTx) {
			if tx.Request().CallID() == "raw-1" {
				panic("boom")
			}
			_ = tx.Respond(sip.NewResponse(tx.Request(), 200, ""))
		}}, nil)
		peer.send(peer.request(sip.MESSAGE, 1))
		peer.send(peer.request(sip.MESSAGE, 2))
		synctest.Wait()
		s := peer.starts()
		if s != "500 200" && s != "200 500" || box.Counters().Panics.Load() != 1 || box.Transactions() != 0 {
			t.Errorf("came %s, %d panics, %d transactions", s, box.Counters().Panics.Load(), box.Transactions())
		}
	})
}

func TestUnansweredRequestIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		var kept sip.ServerTx
		box := startStack(t, m, boxIP, &handler{request: func(tx sip.ServerTx) { kept = tx }}, nil)
		peer.send(peer.request(sip.MESSAGE, 1))
		time.Sleep(31 * time.Second)
		if n := box.Transactions(); n != 1 {
			t.Errorf("%d transactions after 31 s", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := box.Transactions(); n != 0 {
			t.Errorf("%d transactions after 33 s", n)
		}
		if err := kept.Respond(sip.NewResponse(kept.Request(), 200, "")); err == nil || len(peer.take()) != 0 {
			t.Error("a late answer went out")
		}
	})
}

func TestLargeMessagesPassOverUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		startStack(t, m, boxIP, &handler{request: func(tx sip.ServerTx) {
			resp := sip.NewResponse(tx.Request(), 200, "")
			resp.SetBody("text/plain", tx.Request().Body())
			_ = tx.Respond(resp)
		}}, nil)
		phone := startStack(t, m, phoneIP, &handler{}, nil)
		req := sip.NewRequest(sip.MESSAGE, sip.NewURI("1001", boxIP.String(), 0))
		req.SetBody("text/plain", []byte(strings.Repeat("lungo ", 5000)))
		resp, err := phone.Do(t.Context(), req, target(boxIP, sip.UDP))
		if err != nil || len(resp.Body()) != 30000 {
			t.Errorf("%v, %v", resp, err)
		}
	})
}

func TestOverloadIsAnswered503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		peer := newRawPeer(t, m, phoneIP)
		asked := 0
		box := startStack(t, m, boxIP, &handler{stateless: func(*sip.Request) *sip.Response { asked++; return nil }},
			func(o *sip.Options) { o.Limits.Transactions = 3 })
		defer func() {
			if asked != 3 {
				t.Errorf("the handler was asked about %d INVITEs, three of which got a transaction", asked)
			}
		}()
		for n := range 5 {
			peer.send(peer.request(sip.INVITE, n))
		}
		synctest.Wait()
		if s := peer.starts(); s != "503 503" || box.Counters().TransactionsOverloaded.Load() != 2 {
			t.Errorf("came %q", s)
		}
		if _, err := box.Send(sip.NewRequest(sip.OPTIONS, sip.NewURI("", "x", 0)), target(phoneIP, sip.UDP), nil); !errors.Is(err, sip.ErrOverload) {
			t.Errorf("sending: %v", err)
		}
	})
}
