package dialog_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// established brings a call from the box to the raw peer up.
func established(t *testing.T, box *party, peer *rawPeer, headers ...dialog.Header) (*dialog.Leg, *sip.Request) {
	t.Helper()
	out := box.call(peer, nil)
	invite := peer.expect("INVITE")[0].req
	peer.answer(invite, 200, "a", answer, headers...)
	peer.expect("ACK")
	return out, invite
}

func hangUp(t *testing.T, out *dialog.Leg, peer *rawPeer) *sip.Request {
	t.Helper()
	out.Bye("")
	bye := peer.expect("BYE")[0].req
	peer.answer(bye, 200, "", nil)
	synctest.Wait()
	return bye
}

func TestAnswersToOurInvite(t *testing.T) {
	t.Run("many provisional responses, early media, answer", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out := box.call(peer, nil)
			invite := peer.expect("INVITE")[0].req
			for range 14 {
				peer.answer(invite, 180, "a", nil)
			}
			peer.answer(invite, 183, "a", answer)
			peer.answer(invite, 200, "a", nil)
			peer.expect("ACK")
			box.want(strings.Repeat("progress 180, ", 14) + "progress 183 sdp, accepted")
			hangUp(t, out, peer)
		})
	})
	t.Run("each repeat of the 200 gets the ACK again", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out, invite := established(t, box, peer)
			peer.answer(invite, 200, "a", answer)
			time.Sleep(20 * time.Second)
			peer.answer(invite, 200, "a", answer)
			peer.expect("ACK ACK")
			box.want("accepted sdp")
			hangUp(t, out, peer)
		})
	})
	t.Run("a 200 of another fork gets ACK and BYE", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out, invite := established(t, box, peer)
			peer.answer(invite, 200, "b", answer)
			got := peer.expect("ACK BYE")
			for _, m := range got {
				if m.req.To().Tag() != "b" {
					t.Errorf("%s to tag %q", m.name(), m.req.To().Tag())
				}
			}
			peer.answer(got[1].req, 200, "", nil)
			peer.answer(invite, 200, "b", answer) // its repeat: ACK alone
			peer.expect("ACK")
			if bye := hangUp(t, out, peer); bye.To().Tag() != "a" {
				t.Errorf("BYE to tag %q", bye.To().Tag())
			}
			box.want("accepted sdp, lost: hung up")
		})
	})
	t.Run("a refusal brings its cause", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			var failed dialog.Failed
			box.call(peer, func(o *dialog.InviteOptions) {
				o.On = func(e dialog.Event) { failed, _ = e.(dialog.Failed) }
			})
			invite := peer.expect("INVITE")[0].req
			peer.answer(invite, 503, "a", nil, dialog.Header{Name: "Retry-After", Value: "120 (busy);duration=3"},
				dialog.Header{Name: "Reason", Value: `SIP;cause=1, Q.850;cause=34;text="no circuit"`})
			ack := peer.expect("ACK")[0].req
			if failed.Code != 503 || failed.Q850 != 34 || failed.RetryAfter != 2*time.Minute {
				t.Errorf("failed %+v", failed)
			}
			if v, _ := ack.Header("Via"); v != headerOf(invite, "Via") {
				t.Errorf("ACK has another Via: %s", v)
			}
		})
	})
	t.Run("a redirect brings its contacts", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			var failed dialog.Failed
			box.call(peer, func(o *dialog.InviteOptions) {
				o.On = func(e dialog.Event) { failed, _ = e.(dialog.Failed) }
			})
			peer.answer(peer.expect("INVITE")[0].req, 302, "a", nil,
				dialog.Header{Name: "Contact", Value: "<sip:1003@192.0.2.1>"})
			peer.expect("ACK")
			if failed.Code != 302 || len(failed.Contacts) != 1 || failed.Contacts[0].URI.User != "1003" {
				t.Errorf("failed %+v", failed)
			}
		})
	})
	t.Run("silence is 408 after 32 s", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			box.call(peer, nil)
			time.Sleep(33 * time.Second)
			synctest.Wait()
			box.want("failed 408")
			peer.take()
		})
	})
}

func headerOf(r *sip.Request, name string) string { v, _ := r.Header(name); return v }

// cancelled answers the CANCEL of an INVITE, and with it the INVITE.
func (p *rawPeer) cancelled(invite *sip.Request) (cancel *sip.Request) {
	p.t.Helper()
	cancel = p.expect("CANCEL")[0].req
	p.answer(cancel, 200, "a", nil)
	p.answer(invite, 487, "a", nil)
	p.expect("ACK")
	return cancel
}

func TestCancelOfOurInvite(t *testing.T) {
	t.Run("waits for the first provisional response (RFC 3261 9.1)", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out := box.call(peer, nil)
			invite := peer.expect("INVITE")[0].req
			out.Cancel(dialog.ElsewhereReason)
			peer.expect("")
			peer.answer(invite, 180, "a", nil)
			cancel := peer.cancelled(invite)
			if headerOf(cancel, "Reason") != dialog.ElsewhereReason || headerOf(cancel, "Via") != headerOf(invite, "Via") ||
				cancel.URI() != invite.URI() || cancel.HasHeader("Contact") || cancel.To().Tag() != "" {
				t.Errorf("CANCEL: %s", cancel)
			}
			box.want("failed 487")
		})
	})
	t.Run("a 200 that crosses gets ACK and BYE", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out := box.call(peer, nil)
			invite := peer.expect("INVITE")[0].req
			peer.answer(invite, 180, "a", nil)
			synctest.Wait()
			out.Cancel("")
			cancel := peer.expect("CANCEL")[0].req
			peer.answer(invite, 200, "a", answer)
			peer.answer(cancel, 200, "a", nil)
			bye := peer.expect("ACK BYE")[1].req
			peer.answer(bye, 200, "", nil)
			synctest.Wait()
			box.want("progress 180, failed 487")
		})
	})
	t.Run("after the answer it is a BYE", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out, _ := established(t, box, peer)
			out.Cancel(dialog.ElsewhereReason)
			peer.answer(peer.expect("BYE")[0].req, 200, "", nil)
			synctest.Wait()
			box.want("accepted sdp, lost: hung up")
		})
	})
	t.Run("ends 32 s after the CANCEL when nothing comes back", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out := box.call(peer, nil)
			peer.answer(peer.expect("INVITE")[0].req, 180, "a", nil)
			synctest.Wait()
			out.Cancel("")
			time.Sleep(31 * time.Second)
			box.want("progress 180")
			time.Sleep(2 * time.Second)
			box.want("progress 180, failed 487")
			peer.take()
		})
	})
	t.Run("the limit cancels a phone that rings for ever", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			box.call(peer, func(o *dialog.InviteOptions) { o.Limit = 20 * time.Second })
			invite := peer.expect("INVITE")[0].req
			peer.answer(invite, 180, "a", nil)
			time.Sleep(19 * time.Second)
			peer.expect("")
			time.Sleep(1100 * time.Millisecond)
			peer.cancelled(invite)
			box.want("progress 180, failed 408")
		})
	})
}

func TestServerThatSaysNothing(t *testing.T) {
	soon := func(o *dialog.InviteOptions) { o.Silence = 4 * time.Second }
	t.Run("is given up, and hung up on should it answer after all", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			box.call(peer, soon)
			time.Sleep(3900 * time.Millisecond)
			box.want("")
			time.Sleep(200 * time.Millisecond)
			box.want("failed 408")
			peer.answer(peer.take()[0].req, 200, "a", answer)
			bye := peer.expect("ACK BYE")[1].req
			peer.answer(bye, 200, "", nil)
			synctest.Wait()
			box.want("failed 408")
		})
	})
	t.Run("but not one that is trying", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out := box.call(peer, soon)
			invite := peer.expect("INVITE")[0].req
			peer.answer(invite, 100, "", nil)
			time.Sleep(20 * time.Second)
			box.want("")
			out.Cancel("")
			peer.cancelled(invite)
		})
	})
}

func TestChallengeOfOurInvite(t *testing.T) {
	authorize := func(o *dialog.InviteOptions) {
		o.Authorize = func(challenge *sip.Response, req *sip.Request) bool {
			req.SetHeader("Proxy-Authorization", "answer to "+fmt.Sprint(challenge.Status()))
			return true
		}
	}
	t.Run("is answered in a new transaction, and for the BYE too", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out := box.call(peer, authorize)
			first := peer.expect("INVITE")[0].req
			peer.answer(first, 407, "x", nil)
			second := peer.expect("ACK INVITE")[1].req
			n, _ := second.CSeq()
			if n != 2 || second.CallID() != first.CallID() || second.From() != first.From() ||
				headerOf(second, "Proxy-Authorization") != "answer to 407" || headerOf(second, "Via") == headerOf(first, "Via") {
				t.Errorf("second INVITE: %s", second)
			}
			peer.answer(second, 200, "a", answer)
			if ack := peer.expect("ACK")[0].req; headerOf(ack, "Proxy-Authorization") == "" {
				t.Error("ACK without credentials (RFC 3261 22.1)")
			}
			out.Bye("")
			peer.answer(peer.expect("BYE")[0].req, 401, "", nil)
			peer.answer(peer.expect("BYE")[0].req, 200, "", nil)
			synctest.Wait()
			box.want("accepted sdp, lost: hung up")
		})
	})
	t.Run("is given up after three attempts", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			box.call(peer, authorize)
			peer.answer(peer.expect("INVITE")[0].req, 401, "x", nil)
			peer.answer(peer.expect("ACK INVITE")[1].req, 401, "x", nil)
			peer.answer(peer.expect("ACK INVITE")[1].req, 401, "x", nil)
			peer.expect("ACK")
			box.want("failed 401")
		})
	})
	t.Run("of a stranger is never answered", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			box.call(peer, nil)
			peer.answer(peer.expect("INVITE")[0].req, 401, "x", nil)
			peer.expect("ACK")
			box.want("failed 401")
		})
	})
}

func TestRouteSetOfOurCall(t *testing.T) {
	t.Run("loose routers, in reverse order", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			rr := fmt.Sprintf("<sip:192.0.2.77;lr>, <sip:%s;lr>", peer.addr)
			out, _ := established(t, box, peer, dialog.Header{Name: "Record-Route", Value: rr}, dialog.Header{Name: "Contact", Value: "<sip:far@192.0.2.99>"})
			bye := hangUp(t, out, peer)
			want := fmt.Sprintf("<sip:%s;lr>, <sip:192.0.2.77;lr>", peer.addr)
			if got := strings.Join(bye.Headers("Route"), ", "); got != want || bye.URI().String() != "sip:far@192.0.2.99" {
				t.Errorf("BYE %s by %s", bye.URI(), got)
			}
		})
	})
	t.Run("a strict router gets the request as its own (RFC 3261 12.2.1.1)", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			rr := fmt.Sprintf("<sip:%s>", peer.addr)
			out, _ := established(t, box, peer, dialog.Header{Name: "Record-Route", Value: rr}, dialog.Header{Name: "Contact", Value: "<sip:far@192.0.2.99>"})
			bye := hangUp(t, out, peer)
			if got := strings.Join(bye.Headers("Route"), ", "); got != "<sip:far@192.0.2.99>" || bye.URI().String() != "sip:"+peer.addr.String() {
				t.Errorf("BYE %s by %s", bye.URI(), got)
			}
		})
	})
}

func TestOurReinvite(t *testing.T) {
	t.Run("is answered, its 200 acknowledged each time", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out, _ := established(t, box, peer)
			out.Reinvite(offer)
			out.Reinvite(answer) // waits for the first
			re := peer.expect("INVITE")[0].req
			peer.answer(re, 200, "", answer)
			peer.answer(re, 200, "", answer)
			second := peer.expect("ACK INVITE ACK")[1].req
			peer.answer(second, 488, "", nil)
			peer.expect("ACK")
			box.want("accepted sdp, reinvite accepted sdp, reinvite failed 488")
			hangUp(t, out, peer)
		})
	})
	for _, incoming := range []bool{false, true} {
		name, earliest, latest := "we own the Call-ID: after 2.1 to 4 s", 2100*time.Millisecond, 4*time.Second
		if incoming {
			name, earliest, latest = "they own it: after 0 to 2 s", 0, 2*time.Second
		}
		t.Run("glare is tried again; "+name, func(t *testing.T) {
			alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
				var l *dialog.Leg
				if incoming {
					_, l = answered(t, box, peer)
				} else {
					l, _ = established(t, box, peer)
				}
				l.Reinvite(offer)
				first := peer.expect("INVITE")[0]
				peer.answer(first.req, 491, "", nil)
				time.Sleep(5 * time.Second)
				got := peer.take()[1:] // behind the ACK: one INVITE and its repeats
				if d := got[0].at - first.at; d < earliest || d > latest {
					t.Errorf("again after %v", d)
				}
				peer.answer(got[0].req, 200, "", answer)
				peer.expect("ACK")
				hangUp(t, l, peer)
			})
		})
	}
	t.Run("crosses theirs: 491 for theirs", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			s, in := answered(t, box, peer)
			in.Reinvite(offer)
			ours := peer.expect("INVITE")[0].req
			s.request(sip.INVITE, offer)
			peer.expect("491")
			s.request(sip.ACK, nil)
			peer.answer(ours, 200, "", answer)
			peer.expect("ACK")
			s.request(sip.BYE, nil)
			peer.expect("200")
			box.want("acked, reinvite accepted sdp, ended")
		})
	})
	t.Run("481 ends the leg (RFC 3261 12.2.1.2)", func(t *testing.T) {
		alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
			out, _ := established(t, box, peer)
			out.Reinvite(offer)
			peer.answer(peer.expect("INVITE")[0].req, 481, "", nil)
			peer.answer(peer.expect("ACK BYE")[1].req, 481, "", nil)
			synctest.Wait()
			box.want("accepted sdp, lost: no answer")
		})
	})
}

func TestByeThatNobodyAnswersEnds(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		out, _ := established(t, box, peer)
		out.Bye("")
		time.Sleep(31 * time.Second)
		box.want("accepted sdp")
		time.Sleep(2 * time.Second)
		box.want("accepted sdp, lost: hung up")
		peer.take()
	})
}

func TestDigitsGoOut(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		out, _ := established(t, box, peer)
		out.SendDigit('7')
		out.SendDigit('x')
		info := peer.expect("INFO")[0].req
		if !strings.HasPrefix(string(info.Body()), "Signal=7\r\n") || info.ContentType() != "application/dtmf-relay" {
			t.Errorf("INFO %s", info)
		}
		peer.answer(info, 200, "", nil)
		hangUp(t, out, peer)
	})
}

func TestCloseEndsAllLegs(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		box.call(peer, nil)
		ringing := peer.expect("INVITE")[0].req
		peer.answer(ringing, 180, "r", nil)
		established(t, box, peer)
		s := peer.dial()
		s.request(sip.INVITE, offer)
		<-box.legs
		peer.expect("100")
		box.agent.Close("")
		for _, m := range peer.take() {
			if m.req == nil || m.name() == sip.ACK {
				continue
			}
			peer.answer(m.req, 200, "r", nil)
			if m.name() == sip.CANCEL {
				peer.answer(ringing, 487, "r", nil)
			}
		}
		synctest.Wait()
		if n := box.agent.Legs(); n != 0 {
			t.Errorf("%d legs left: %s", n, box.log.String())
		}
		s.callID = "late"
		s.request(sip.INVITE, offer)
		got := peer.take()
		if got[len(got)-1].name() != "503" {
			t.Errorf("a late INVITE got %s", got[len(got)-1].name())
		}
	})
}
