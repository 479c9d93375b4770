package dialog_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/sip"
)

// told is what NOTIFYs of a transfer say: event, state and status of each.
func told(t *testing.T, peer *rawPeer, got []*message) string {
	t.Helper()
	var out []string
	for _, m := range got {
		if m.req == nil || m.req.Method() != sip.NOTIFY {
			continue
		}
		event, _ := m.req.Header("Event")
		state, _ := m.req.Header("Subscription-State")
		state, _, _ = strings.Cut(state, ";")
		if ct := m.req.ContentType(); ct != "message/sipfrag" {
			t.Errorf("a NOTIFY of type %q", ct)
		}
		out = append(out, event+" "+state+" "+strings.TrimSpace(string(m.req.Body())))
		peer.answer(m.req, 200, "", nil)
	}
	return strings.Join(out, ", ")
}

const referTo = "Refer-To: <sip:1003@box>"

// The other side hears how its transfer goes, also after its leg is over (RFC 5057 4.1),
// and a second one in the same dialog is told apart (RFC 3515 2.4.6).
func TestTransferIsToldToItsEnd(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		s, in := answered(t, box, peer)
		s.request(sip.REFER, nil, referTo)
		synctest.Wait()
		box.want("acked, refer sip:1003@box")
		in.AnswerRefer(202, "")
		if got := told(t, peer, peer.expect("202 NOTIFY")); got != "refer active SIP/2.0 100 Trying" {
			t.Errorf("told %s", got)
		}
		s.request(sip.REFER, nil, referTo)
		peer.expect("491")
		in.TellRefer(486, true)
		in.TellRefer(200, true) // nobody hears more after the last word
		if got := told(t, peer, peer.expect("NOTIFY")); got != "refer terminated SIP/2.0 486 Busy Here" {
			t.Errorf("told %s", got)
		}
		s.request(sip.REFER, nil, referTo)
		synctest.Wait()
		in.AnswerRefer(202, "")
		if got, want := told(t, peer, peer.expect("202 NOTIFY")), fmt.Sprintf("refer;id=%d active SIP/2.0 100 Trying", s.seq); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		s.request(sip.BYE, nil)
		peer.expect("200")
		in.TellRefer(180, false)
		got := peer.expect("NOTIFY")
		peer.answer(got[0].req, 481, "", nil) // the telephone has forgotten it
		synctest.Wait()
		in.TellRefer(200, true)
		peer.expect("")
	})
}

func TestTransferThatNobodyWantsToHearOf(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		s, in := answered(t, box, peer)
		s.request(sip.REFER, nil, referTo, "Refer-Sub: false", "Supported: norefersub")
		synctest.Wait()
		in.AnswerRefer(202, "")
		if v, _ := peer.expect("202")[0].resp.Header("Refer-Sub"); v != "false" {
			t.Errorf("Refer-Sub is %q", v)
		}
		in.TellRefer(200, true)
		peer.expect("")
		s.request(sip.BYE, nil)
		peer.expect("200")
	})
}

// Where to is said once and can be read (RFC 3515 2.4.1), or the owner hears of nothing.
func TestTransferToNowhere(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		s, _ := answered(t, box, peer)
		for _, to := range [][]string{nil, {"Refer-To: *"}, {"Refer-To: <sip:"}, {referTo, referTo}, {referTo + ", <sip:1004@box>"}} {
			s.request(sip.REFER, nil, to...)
			peer.expect("400")
		}
		box.want("acked")
		s.request(sip.BYE, nil)
		peer.expect("200")
	})
}

// A REFER is answered once, whatever its owner does.
func TestTransferThatNobodyAnswers(t *testing.T) {
	alone(t, nil, func(t *testing.T, box *party, peer *rawPeer) {
		s, in := answered(t, box, peer)
		s.request(sip.REFER, nil, referTo)
		peer.expect("")
		time.Sleep(10 * time.Second)
		peer.expect("500")
		in.AnswerRefer(202, "")
		peer.expect("")
		s.request(sip.REFER, nil, referTo)
		synctest.Wait()
		in.AnswerRefer(403, "")
		peer.expect("403")
		s.request(sip.REFER, nil, referTo)
		s.request(sip.BYE, nil)
		peer.expect("200 481")
	})
}
