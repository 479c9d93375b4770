package dialog_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// answered brings an incoming call of the raw peer up.
func answered(t *testing.T, box *party, peer *rawPeer, extra ...string) (*script, *dialog.Leg) {
	t.Helper()
	s := peer.dial()
	s.request(sip.INVITE, offer, extra...)
	in := <-box.legs
	in.Accept(answer)
	got := peer.expect("100 200")
	s.learn(got[1].resp)
	s.request(sip.ACK, nil)
	synctest.Wait()
	return s, in
}

func TestAnswerIsRepeatedUntilAck(t *testing.T) {
	t.Run("without ACK: 32 s, then BYE", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			peer.dial().request(sip.INVITE, offer)
			(<-box.legs).Accept(answer)
			time.Sleep(50 * time.Second)
			got := peer.take()
			if s := times(got, "200"); s != "0 0.5 1.5 3.5 7.5 11.5 15.5 19.5 23.5 27.5 31.5" {
				t.Errorf("200 at %s", s)
			}
			if s := times(got, "BYE"); !strings.HasPrefix(s, "32 32.5") {
				t.Errorf("BYE at %s", s)
			}
			box.want("lost: no ACK")
		})
	})
	t.Run("ACK after 2 s ends the repeats; repeated INVITE and ACK change nothing", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s := peer.dial()
			invite := s.request(sip.INVITE, offer)
			in := <-box.legs
			in.Accept(answer)
			time.Sleep(2 * time.Second)
			got := peer.expect("100 200 200 200")
			s.learn(got[1].resp)
			peer.send(invite) // absorbed (RFC 6026 7.1)
			s.request(sip.ACK, nil)
			s.request(sip.ACK, nil)
			time.Sleep(30 * time.Second)
			peer.expect("")
			box.want("acked")
			s.request(sip.BYE, nil, `Reason: Q.850;cause=17;text="busy"`)
			peer.expect("200")
			box.want(`acked, ended Q.850;cause=17;text="busy"`)
		})
	})
	t.Run("a Bye before the ACK waits for it (RFC 3261 15)", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s := peer.dial()
			s.request(sip.INVITE, offer)
			in := <-box.legs
			in.Accept(answer)
			in.Bye("")
			s.learn(peer.expect("100 200")[1].resp)
			s.request(sip.ACK, nil)
			bye := peer.expect("BYE")[0].req
			peer.answer(bye, 200, "", nil)
			synctest.Wait()
			box.want("acked, lost: hung up")
		})
	})
}

func TestRingingIsRepeatedForProxies(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		s := peer.dial()
		s.request(sip.INVITE, offer)
		in := <-box.legs
		in.Ring(180, nil)
		time.Sleep(130 * time.Second)
		if s := times(peer.take(), "180"); s != "0 60 120" {
			t.Errorf("180 at %s", s)
		}
		in.Reject(480, "")
		peer.expect("480")
		s.request(sip.ACK, nil) // has another branch, so it is of nothing
	})
}

func TestCancelOfIncomingCall(t *testing.T) {
	cases := []struct{ name, reason, want string }{
		{"caller gives up", "", "cancelled"},
		{"another phone took it", `Reason: SIP;cause=200;text="Call completed elsewhere"`, "cancelled elsewhere"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
				s := peer.dial()
				s.request(sip.INVITE, offer)
				in := <-box.legs
				in.Ring(180, nil)
				s.request(sip.CANCEL, nil, c.reason)
				peer.expect("100 180 200 487")
				in.Accept(answer) // crosses: ignored
				time.Sleep(time.Second)
				for _, m := range peer.take() {
					if m.name() != "487" {
						t.Errorf("came %s", m.name())
					}
				}
				box.want(c.want)
			})
		})
	}
}

func TestRequestsWithinTheDialog(t *testing.T) {
	dtmf := func(body string) []byte { return []byte(body) }
	cases := []struct {
		name, method string
		body         []byte
		extra        []string
		want         string // answers
		events       string
	}{
		{"OPTIONS is answered", sip.OPTIONS, nil, nil, "200", "acked"},
		{"INFO dtmf-relay is a digit", sip.INFO, dtmf("Signal=5\r\nDuration=160\r\n"), []string{"Content-Type: application/dtmf-relay"}, "200", "acked, digit 5"},
		{"INFO dtmf-relay with event number", sip.INFO, dtmf("signal = 11"), []string{"Content-Type: application/dtmf-relay"}, "200", "acked, digit #"},
		{"INFO dtmf is a digit", sip.INFO, dtmf("*"), []string{"Content-Type: application/dtmf"}, "200", "acked, digit *"},
		{"INFO with a senseless digit", sip.INFO, dtmf("Signal=xx"), []string{"Content-Type: application/dtmf-relay"}, "400", "acked"},
		{"empty INFO is a keepalive", sip.INFO, nil, nil, "200", "acked"},
		{"INFO with another body", sip.INFO, dtmf("x"), []string{"Content-Type: application/x"}, "415", "acked"},
		{"INFO of a package", sip.INFO, nil, []string{"Info-Package: foo"}, "469", "acked"},
		{"REFER asks the owner", sip.REFER, nil, []string{"Refer-To: <sip:1003@box>"}, "", "acked, refer sip:1003@box"},
		{"REFER to nowhere", sip.REFER, nil, nil, "400", "acked"},
		{"PRACK of nothing", sip.PRACK, nil, nil, "481", "acked"},
		{"NOTIFY of nothing", sip.NOTIFY, nil, nil, "481", "acked"},
		{"SUBSCRIBE", sip.SUBSCRIBE, nil, nil, "489", "acked"},
		{"MESSAGE", sip.MESSAGE, nil, nil, "405", "acked"},
		{"UPDATE without SDP refreshes", sip.UPDATE, nil, nil, "200", "acked"},
		{"re-INVITE asks the owner", sip.INVITE, offer, nil, "100", "acked, reinvited sdp"},
		{"UPDATE with SDP asks the owner", sip.UPDATE, offer, nil, "", "acked, reinvited sdp"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
				s, in := answered(t, box, peer)
				s.request(c.method, c.body, c.extra...)
				peer.expect(c.want)
				box.want(c.events)
				counted := uint64(0)
				if strings.Contains("400 405 415 469 489", c.want) && c.want != "" {
					counted = 1
				}
				if n := box.stack.Counters().BadContent.Load(); n != counted {
					t.Errorf("counted %d times as refused", n)
				}
				in.Bye("")
				got := peer.take()
				peer.answer(got[len(got)-1].req, 200, "", nil)
				synctest.Wait()
			})
		})
	}
}

func TestUnknownDialogs(t *testing.T) {
	for _, method := range []string{sip.BYE, sip.INVITE, sip.INFO, sip.UPDATE, sip.OPTIONS, sip.PRACK, sip.REFER} {
		t.Run(method, func(t *testing.T) {
			alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
				s := peer.dial()
				s.to += ";tag=unknown"
				s.request(method, nil)
				peer.expect("481")
			})
		})
	}
	t.Run("a known dialog with another From tag", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, _ := answered(t, box, peer)
			true1 := s.from
			s.from = "<sip:raw@phone>;tag=stranger"
			s.request(sip.BYE, nil)
			peer.expect("481")
			s.from = true1
			s.request(sip.BYE, nil)
			peer.expect("200")
		})
	})
	t.Run("a CSeq lower than before (RFC 3261 12.2.2)", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, _ := answered(t, box, peer)
			s.seq = 10
			s.request(sip.OPTIONS, nil)
			s.seq = 5
			s.request(sip.OPTIONS, nil)
			peer.expect("200 500")
			s.seq = 20
			s.request(sip.BYE, nil)
			peer.expect("200")
		})
	})
}

func TestReinviteOfTheOtherSide(t *testing.T) {
	t.Run("hold is answered, the 200 repeated until its ACK", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, in := answered(t, box, peer)
			s.request(sip.INVITE, offer)
			synctest.Wait()
			in.AnswerReinvite(answer)
			time.Sleep(2 * time.Second)
			peer.expect("100 200 200 200")
			s.request(sip.ACK, nil)
			time.Sleep(10 * time.Second)
			peer.expect("")
			box.want("acked, reinvited sdp")
			s.request(sip.BYE, nil)
		})
	})
	t.Run("without offer: ours is in the 200, the answer in the ACK", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, in := answered(t, box, peer)
			s.request(sip.INVITE, nil)
			synctest.Wait()
			in.AnswerReinvite(offer)
			peer.expect("100 200")
			s.request(sip.ACK, answer)
			synctest.Wait()
			box.want("acked, reinvited, acked sdp")
			s.request(sip.BYE, nil)
		})
	})
	t.Run("nobody answers it: 500 after 10 s", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, _ := answered(t, box, peer)
			s.request(sip.INVITE, offer)
			time.Sleep(9900 * time.Millisecond)
			peer.expect("100")
			time.Sleep(200 * time.Millisecond)
			peer.expect("500")
			s.request(sip.BYE, nil)
		})
	})
	t.Run("a second one meanwhile gets 500 with Retry-After", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, in := answered(t, box, peer)
			s.request(sip.INVITE, offer)
			s.request(sip.INVITE, offer)
			got := peer.expect("100 500")
			if !got[1].resp.HasHeader("Retry-After") {
				t.Error("no Retry-After")
			}
			in.RejectReinvite(488)
			peer.expect("488")
			s.request(sip.BYE, nil)
		})
	})
	t.Run("a BYE during it gives 487 for it", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, _ := answered(t, box, peer)
			s.request(sip.INVITE, offer)
			s.request(sip.BYE, nil)
			peer.expect("100 200 487")
			box.want("acked, reinvited sdp, ended")
		})
	})
	t.Run("a new Contact is where the BYE goes", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, in := answered(t, box, peer)
			s.request(sip.UPDATE, nil, "Contact: <sip:moved@192.0.2.9:5099>")
			peer.expect("200")
			in.Bye("")
			bye := peer.expect("BYE")[0].req // the phone stands at the flow it uses
			if bye.URI().String() != "sip:moved@192.0.2.9:5099" {
				t.Errorf("BYE to %s", bye.URI())
			}
			peer.answer(bye, 200, "", nil)
		})
	})
}

func TestSessionTimerIsTolerated(t *testing.T) {
	cases := []struct{ name, asked, want string }{
		{"the caller refreshes", "Supported: timer|Session-Expires: 1800;refresher=uac", "1800;refresher=uac"},
		{"nobody named: the caller refreshes", "k: timer|x: 1800", "1800;refresher=uac"},
		{"we should, but need not", "Supported: timer|Session-Expires: 1800;refresher=uas", ""},
		{"we must", "Require: timer|Supported: timer|Session-Expires: 1800;refresher=uas", "1800;refresher=uas"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
				s := peer.dial()
				s.request(sip.INVITE, offer, strings.Split(c.asked, "|")...)
				in := <-box.legs
				in.Accept(answer)
				resp := peer.expect("100 200")[1].resp
				if v, _ := resp.Header("Session-Expires"); v != c.want {
					t.Errorf("Session-Expires = %q", v)
				}
				s.learn(resp)
				s.request(sip.ACK, nil)
				time.Sleep(901 * time.Second)
				if strings.HasSuffix(c.want, "uas") { // half of the interval has passed
					refresh := peer.take()[0]
					if refresh.name() != sip.INVITE || refresh.at != 900*time.Second {
						t.Fatalf("%s at %v", refresh.name(), refresh.at)
					}
					peer.answer(refresh.req, 200, "", answer)
				}
				synctest.Wait()
				box.want("acked")
				s.request(sip.BYE, nil)
			})
		})
	}
}

func TestRouteSetOfIncomingCall(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		rr := fmt.Sprintf("Record-Route: <sip:%s;lr>, <sip:192.0.2.77;lr>", peer.addr)
		s, in := answered(t, box, peer, rr, "Via: SIP/2.0/UDP 192.0.2.88;branch=z9hG4bKbehind")
		in.Bye("")
		bye := peer.expect("BYE")[0].req
		routes := strings.Join(bye.Headers("Route"), ", ")
		if want := fmt.Sprintf("<sip:%s;lr>, <sip:192.0.2.77;lr>", peer.addr); routes != want {
			t.Errorf("Route: %s, want %s", routes, want)
		}
		if bye.URI().String() != "sip:raw@"+peer.addr.String() {
			t.Errorf("Request-URI %s", bye.URI())
		}
		peer.answer(bye, 200, "", nil)
		_ = s
	})
}

func TestAdmission(t *testing.T) {
	refuse := func(o *dialog.Options) {
		o.Admit = func(req *sip.Request) (dialog.Identity, *sip.Response) {
			if v, _ := req.Header("Authorization"); v == "yes" {
				return dialog.Identity{Device: "dev-1"}, nil
			}
			return dialog.Identity{}, sip.NewResponse(req, 401, "")
		}
	}
	alone(t, refuse, func(t *testing.T, box *party, peer *rawPeer) {
		s := peer.dial()
		invite := s.request(sip.INVITE, offer)
		peer.send(invite) // nothing is kept, so it is challenged again
		peer.expect("401 401")
		s.request(sip.ACK, nil)
		if n := box.stack.Transactions(); n != 0 {
			t.Errorf("%d transactions for a stranger", n)
		}
		s.request(sip.INVITE, offer, "Authorization: yes")
		in := <-box.legs
		if in.Identity().Device != "dev-1" {
			t.Errorf("identity %+v", in.Identity())
		}
		in.Reject(486, "")
		peer.expect("100 486")
	})
}

func TestRequestsFollowAPhoneThatMoved(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		s, in := answered(t, box, peer)
		moved := newRawPeer(t, peer.m, netip.AddrPortFrom(phoneIP, 5099))
		s.p = moved // its address translator gave it another port
		s.request(sip.OPTIONS, nil)
		moved.expect("200")
		in.Bye("")
		moved.answer(moved.expect("BYE")[0].req, 200, "", nil)
		peer.expect("")
	})
}

func TestRegisterWithToTagIsNoDialog(t *testing.T) {
	change := func(o *dialog.Options) {
		o.Stateless = func(r *sip.Request) *sip.Response { return sip.NewResponse(r, 401, "") }
	}
	alone(t, change, func(t *testing.T, _ *party, peer *rawPeer) {
		s := peer.dial()
		s.to += ";tag=of-an-older-401"
		s.request(sip.REGISTER, nil)
		peer.expect("401")
	})
}
