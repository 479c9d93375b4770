package lamp_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/lamp"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
)

// TestALampFollowsAnExtension: dark, blinking while it rings, on while it talks, dark
// again, each said once with the next version, until the phone has heard enough.
func TestALampFollowsAnExtension(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		k := p.key("202")
		code, got := k.subscribe(600)
		if code != 200 {
			t.Fatal(code)
		}
		shows(t, got, "off/0 active")
		n := got[0].req
		if v, _ := n.Header("Event"); v != "dialog" {
			t.Errorf("Event: %s", v)
		}
		if x := readInfo(t, n.Body()); x.Entity != "sip:202@192.0.2.1" {
			t.Errorf("entity %q", x.Entity)
		}
		dev := w.doc.DeviceByUsername("202").ID
		w.Phone("c1", "b", dev, journal.LegRinging)
		shows(t, p.all(), "blinking/1 active")
		w.Phone("c1", "b", dev, journal.LegAnswered)
		shows(t, p.all(), "on/2 active")
		w.Phone("c2", "a", dev, journal.LegRinging) // a second call: it stays in use
		w.Phone("c1", "b", dev, journal.LegHeld)
		shows(t, p.all())
		w.Phone("c1", "b", dev, journal.LegEnded)
		shows(t, p.all(), "blinking/3 active")
		w.Phone("c2", "a", dev, journal.LegEnded)
		shows(t, p.all(), "off/4 active")
		w.Phone("c3", "a", "device-1", journal.LegAnswered) // another phone
		shows(t, p.all())
		code, got = k.subscribe(0)
		if code != 200 {
			t.Error(code)
		}
		shows(t, got, "off/5 terminated;reason=timeout")
		if w.Subscriptions() != 0 {
			t.Errorf("%d subscriptions are left", w.Subscriptions())
		}
		w.Phone("c4", "b", dev, journal.LegRinging)
		shows(t, p.all())
	})
}

// TestTheAnswerNamesWhatWasGranted: the 200 has Expires no longer than asked, a
// Contact of ours and Allow-Events; the NOTIFY goes on from there.
func TestTheAnswerNamesWhatWasGranted(t *testing.T) {
	inWorld(t, lamp.Options{MaxExpires: 10 * time.Minute}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		for _, x := range []struct{ asked, granted int }{{60, 60}, {600, 600}, {86400, 600}, {-1, 600}, {0, 0}} {
			k := p.key("202")
			k.ask(x.asked)
			for _, m := range p.all() {
				switch {
				case m.resp != nil:
					if d, ok := m.resp.Expires(); !ok || d != time.Duration(x.granted)*time.Second {
						t.Errorf("%d s asked: %v granted, want %d", x.asked, d, x.granted)
					}
					if v, _ := m.resp.Header("Allow-Events"); v != "dialog" || len(m.resp.Contacts()) != 1 {
						t.Errorf("Allow-Events %q, Contact %v", v, m.resp.Contacts())
					}
				case x.granted > 0:
					if v, _ := m.req.Header("Subscription-State"); v != fmt.Sprintf("active;expires=%d", x.granted) {
						t.Errorf("%d s asked: %s", x.asked, v)
					}
				}
			}
		}
	})
}

// TestASubscriptionIsRefused: with the answers of RFC 6665, and nothing is kept.
func TestASubscriptionIsRefused(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(k *lampKey, w *world)
		for_   int
		code   int
		header string
	}{
		{"without credentials", func(k *lampKey, _ *world) { k.auth = "" }, 600, 401, ""},
		{"of another package", func(k *lampKey, _ *world) { k.event = "presence" }, 600, 489, "Allow-Events: dialog"},
		{"of voice mail", func(k *lampKey, _ *world) { k.event = "message-summary" }, 600, 489, "Allow-Events: dialog"},
		{"without an Event", func(k *lampKey, _ *world) { k.event = "" }, 600, 489, "Allow-Events: dialog"},
		{"of an id with a line end in disguise", func(k *lampKey, _ *world) { k.event = `dialog;id="a b"` }, 600, 489, "Allow-Events: dialog"},
		{"too short", func(*lampKey, *world) {}, 5, 423, "Min-Expires: 30"},
		{"that takes no document of ours", func(k *lampKey, _ *world) { k.extra = "Accept: application/pidf+xml\r\n" }, 600, 406, "Accept: application/dialog-info+xml"},
		{"of no extension", func(k *lampKey, _ *world) { k.number = "299" }, 600, 404, ""},
		{"of a queue", func(k *lampKey, _ *world) { k.number = "600" }, 600, 404, ""},
		{"of the echo", func(k *lampKey, _ *world) { k.number = k.p.w.doc.Code(office.FeatureEcho) }, 600, 404, ""},
		{"of a pause for no reason of the office", func(k *lampKey, _ *world) { k.number = "*729" }, 600, 404, ""},
		{"of an outcome", func(k *lampKey, _ *world) { k.number = "*751" }, 600, 404, ""},
		{"of one dialog only", func(k *lampKey, _ *world) { k.event = "dialog;call-id=x;to-tag=y" }, 600, 404, ""},
		{"in a dialog that is not", func(k *lampKey, _ *world) { k.to = "<sip:202@192.0.2.1>;tag=gone" }, 600, 481, ""},
		{"with two Contacts", func(k *lampKey, _ *world) { k.extra = "Contact: <sip:201@192.0.2.11>\r\n" }, 600, 400, ""},
		{"by a phone that is not registered", func(k *lampKey, w *world) { w.bindings = nil }, 600, 480, "Retry-After: 10"},
	} {
		t.Run(c.what, func(t *testing.T) {
			inWorld(t, lamp.Options{}, func(w *world) {
				k := w.phone("201", "192.0.2.11:5060").key("202")
				c.change(k, w)
				k.ask(c.for_)
				got := k.p.all()
				if len(got) != 1 || got[0].resp == nil || got[0].resp.Status() != c.code {
					t.Fatalf("%d messages, want one with %d: %v", len(got), c.code, got[0].resp)
				}
				if name, want, ok := strings.Cut(c.header, ": "); ok {
					if v, _ := got[0].resp.Header(name); v != want {
						t.Errorf("%s: %q, want %q", name, v, want)
					}
				}
				if w.Subscriptions() != 0 {
					t.Error("something is kept")
				}
			})
		})
	}
}

// TestTheOwnStateAlone: each phone sees by the feature codes what its own person does,
// whoever asks; and whom the gate refuses sees nothing at all.
func TestTheOwnStateAlone(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		anna, bruno := w.phone("201", "192.0.2.11:5060"), w.phone("202", "192.0.2.12:5060")
		_, got := anna.key("*70").subscribe(600)
		shows(t, got, "off/0 active")
		_, got = bruno.key("%2A70").subscribe(600)
		shows(t, got, "off/0 active")
		w.Agent(journal.AgentChanged{Agent: "p-sample-bruno", State: journal.AgentReady})
		shows(t, anna.all())
		shows(t, bruno.all(), "on/1 active")
		// his state is in no lamp of hers
		_, got = anna.key("202").subscribe(600)
		shows(t, got, "off/0 active")
		w.Agent(journal.AgentChanged{Agent: "p-sample-bruno", State: journal.AgentTalking})
		w.Agent(journal.AgentChanged{Agent: "p-sample-bruno", State: journal.AgentPaused})
		shows(t, anna.all())
	})
	inWorld(t, lamp.Options{MaySee: func(_, _ journal.SubjectID) bool { return false }}, func(w *world) {
		if code, _ := w.phone("201", "192.0.2.11:5060").key("*70").subscribe(600); code != 404 {
			t.Errorf("the gate is closed and the box says %d", code)
		}
	})
}

// TestEachCodeHasItsLamp: what lights by which code in which state.
func TestEachCodeHasItsLamp(t *testing.T) {
	codes := []string{"*70", "*71", "*72", "*721", "*73", "*74", "*75", "*76"}
	inWorld(t, lamp.Options{}, func(w *world) {
		reason := string(w.doc.ReasonByDigit("1").ID)
		p := w.phone("201", "192.0.2.11:5060")
		lit := map[string]string{}
		for _, c := range codes {
			_, got := p.key(c).subscribe(600)
			lit[c], _, _ = strings.Cut(noticeOf(t, got[0]), "/")
		}
		for _, step := range []struct {
			e    journal.AgentChanged
			want string
		}{
			{journal.AgentChanged{State: journal.AgentLoggedOut}, "*71"},
			{journal.AgentChanged{State: journal.AgentReady}, "*70 *73"},
			{journal.AgentChanged{State: journal.AgentOffered}, "*70 *73"},
			{journal.AgentChanged{State: journal.AgentTalking}, "*70"},
			{journal.AgentChanged{State: journal.AgentTalking, Asked: journal.AgentPaused, AskedReason: "code"}, "*70 (*72)"},
			{journal.AgentChanged{State: journal.AgentTalking, Asked: journal.AgentPaused, AskedReason: reason}, "*70 (*72) (*721)"},
			{journal.AgentChanged{State: journal.AgentTalking, Asked: journal.AgentPaused, AskedReason: "break"}, "*70 (*72) (*76)"},
			{journal.AgentChanged{State: journal.AgentTalking, Asked: journal.AgentLoggedOut}, "*70 (*71)"},
			{journal.AgentChanged{State: journal.AgentWrapUp, Owes: "c1"}, "*70 *74 (*75)"},
			{journal.AgentChanged{State: journal.AgentPaused, Reason: "code"}, "*70 *72"},
			{journal.AgentChanged{State: journal.AgentPaused, Reason: reason}, "*70 *72 *721"},
			{journal.AgentChanged{State: journal.AgentPaused, Reason: "break"}, "*70 *72 *76"},
			{journal.AgentChanged{State: journal.AgentOtherWork, Reason: "work"}, "*70"},
			{journal.AgentChanged{State: journal.AgentBusy}, "*70"},
		} {
			step.e.Agent = "p-sample-anna"
			w.Agent(step.e)
			for _, m := range p.all() {
				x := readInfo(t, m.req.Body())
				user, _, _ := strings.Cut(strings.TrimPrefix(x.Entity, "sip:"), "@")
				lit[user], _, _ = strings.Cut(noticeOf(t, m), "/")
			}
			var have []string
			for _, c := range codes {
				switch lit[c] {
				case "on":
					have = append(have, c)
				case "blinking":
					have = append(have, "("+c+")")
				}
			}
			if s := strings.Join(have, " "); s != step.want {
				t.Errorf("%s, asked %s, reason %s%s: lit %q, want %q", step.e.State, step.e.Asked, step.e.Reason, step.e.AskedReason, s, step.want)
			}
		}
	})
}

// TestTheLampOfTheBreakSaysThatItIsTime: it blinks from the proposal on, whatever calls
// come in between, until the person leaves the screen; no other person's lamp does.
func TestTheLampOfTheBreakSaysThatItIsTime(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		p, other := w.phone("201", "192.0.2.11:5060"), w.phone("202", "192.0.2.12:5060")
		_, got := p.key("*76").subscribe(600)
		shows(t, got, "off/0 active")
		other.key("*76").subscribe(600)
		begin := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		anna := func(e journal.AgentChanged) {
			e.Agent = "p-sample-anna"
			w.Agent(e)
		}
		anna(journal.AgentChanged{State: journal.AgentReady, Screen: begin})
		shows(t, p.all())
		w.Break(journal.BreakProposed{Agent: "p-sample-anna", Due: begin.Add(2 * time.Hour)})
		shows(t, p.all(), "blinking/1 active")
		anna(journal.AgentChanged{State: journal.AgentTalking, Screen: begin})
		anna(journal.AgentChanged{State: journal.AgentPaused, Reason: "code", Screen: begin})
		w.Break(journal.BreakProposed{Agent: "p-sample-anna", Due: begin.Add(2 * time.Hour)})
		shows(t, p.all())
		anna(journal.AgentChanged{State: journal.AgentPaused, Reason: "break", Screen: begin, Left: begin.Add(110 * time.Minute)})
		shows(t, p.all(), "on/2 active")
		anna(journal.AgentChanged{State: journal.AgentReady, Screen: begin.Add(125 * time.Minute)})
		shows(t, p.all(), "off/3 active")
		w.Break(journal.BreakProposed{Agent: "p-sample-anna"})
		shows(t, p.all(), "blinking/4 active")
		anna(journal.AgentChanged{State: journal.AgentReady, Screen: begin.Add(130 * time.Minute)}) // a short absence moved the limit
		shows(t, p.all(), "off/5 active")
		w.Break(journal.BreakProposed{Agent: "p-sample-anna"})
		shows(t, p.all(), "blinking/6 active")
		anna(journal.AgentChanged{State: journal.AgentLoggedOut})
		shows(t, p.all(), "off/7 active")
		shows(t, other.all())
	})
}

// TestOnlyOneNoticeIsUnderWay: while a phone does not answer, what changes is told in
// one notice after it, and what has changed back is not told at all.
func TestOnlyOneNoticeIsUnderWay(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		_, got := p.key("202").subscribe(600)
		shows(t, got, "off/0 active")
		dev := w.doc.DeviceByUsername("202").ID
		p.says("", "")
		w.Phone("c1", "b", dev, journal.LegRinging)
		got = p.all()
		shows(t, got, "blinking/1 active")
		for range 5 {
			w.Phone("c1", "b", dev, journal.LegAnswered)
			w.Phone("c1", "b", dev, journal.LegEnded)
			w.Phone("c1", "b", dev, journal.LegRinging)
		}
		w.Phone("c1", "b", dev, journal.LegAnswered)
		shows(t, p.all())
		p.says("200 OK", "")
		p.respond(got[0].req, "200 OK", "")
		shows(t, p.all(), "on/2 active")
		p.says("", "")
		w.Phone("c1", "b", dev, journal.LegEnded)
		got = p.all()
		w.Phone("c1", "b", dev, journal.LegRinging)
		w.Phone("c1", "b", dev, journal.LegEnded)
		p.says("200 OK", "")
		p.respond(got[0].req, "200 OK", "")
		shows(t, p.all())
	})
}

// TestPhonesThatAreGone: who answers 481, an error or nothing gets nothing more; who
// asks for time gets it.
func TestPhonesThatAreGone(t *testing.T) {
	for _, c := range []struct {
		answer, more string
		after        time.Duration
		left         int
	}{
		{"481 Subscription Does Not Exist", "", 0, 0},
		{"481 Subscription Does Not Exist", "Retry-After: 5\r\n", 0, 0},
		{"404 Not Found", "", 0, 0},
		{"500 Oh", "", 0, 0},
		{"503 Busy", "Retry-After: 5\r\n", 0, 1},
		{"", "", 33 * time.Second, 0},
	} {
		inWorld(t, lamp.Options{}, func(w *world) {
			p := w.phone("201", "192.0.2.11:5060")
			p.key("202").subscribe(600)
			p.says(c.answer, c.more)
			dev := w.doc.DeviceByUsername("202").ID
			w.Phone("c1", "b", dev, journal.LegRinging)
			time.Sleep(c.after)
			synctest.Wait()
			if n := w.Subscriptions(); n != c.left {
				t.Errorf("after %q %q %d subscriptions are left, want %d", c.answer, c.more, n, c.left)
			}
			p.says("200 OK", "")
			p.all()
			w.Phone("c1", "b", dev, journal.LegAnswered)
			shows(t, p.all())
			if c.left > 0 {
				time.Sleep(6 * time.Second)
				shows(t, p.all(), "on/2 active")
			}
		})
	}
}

// TestASubscriptionExpires unless it is renewed in time, and an older request than
// the one before renews nothing.
func TestASubscriptionExpires(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		k := p.key("202")
		k.subscribe(60)
		time.Sleep(50 * time.Second)
		code, got := k.subscribe(60)
		if code != 200 {
			t.Fatal(code)
		}
		shows(t, got, "off/1 active")
		time.Sleep(50 * time.Second)
		k.cseq--
		k.cseq--
		if code, _ = k.subscribe(60); code != 500 {
			t.Errorf("an old request gets %d", code)
		}
		shows(t, p.all())
		time.Sleep(11 * time.Second)
		shows(t, p.all(), "off/2 terminated;reason=timeout")
		if w.Subscriptions() != 0 {
			t.Error("it lives on")
		}
		k.cseq += 5
		if code, _ = k.subscribe(60); code != 481 {
			t.Errorf("renewing what has expired gets %d", code)
		}
	})
}

// TestNobodyRenewsWhatIsAnothers.
func TestNobodyRenewsWhatIsAnothers(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		anna, bruno := w.phone("201", "192.0.2.11:5060"), w.phone("202", "192.0.2.12:5060")
		k := anna.key("203")
		k.subscribe(600)
		theft := *k
		theft.p = bruno
		if code, _ := theft.subscribe(600); code != 403 {
			t.Errorf("with his own credentials: %d", code)
		}
		w.Phone("c1", "b", w.doc.DeviceByUsername("203").ID, journal.LegRinging)
		shows(t, bruno.all())
		shows(t, anna.all(), "blinking/1 active")
	})
}

// TestBounds: no phone and not all together keep more than is allowed; a phone that
// was switched off and on takes the place of what it has forgotten.
func TestBounds(t *testing.T) {
	inWorld(t, lamp.Options{PerPhone: 3, All: 5}, func(w *world) {
		anna, bruno := w.phone("201", "192.0.2.11:5060"), w.phone("202", "192.0.2.12:5060")
		for i, want := range []int{200, 200, 200, 403} {
			if code, _ := anna.key([]string{"201", "202", "203", "204"}[i]).subscribe(600); code != want {
				t.Errorf("lamp %d: %d, want %d", i+1, code, want)
			}
		}
		if code, got := anna.key("202").subscribe(600); code != 200 { // after a restart
			t.Error(code)
		} else {
			shows(t, got, "off/0 active")
		}
		for i, want := range []int{200, 200, 503} {
			if code, _ := bruno.key([]string{"201", "202", "203"}[i]).subscribe(600); code != want {
				t.Errorf("lamp %d of the second phone: %d, want %d", i+1, code, want)
			}
		}
		w.Phone("c1", "b", w.doc.DeviceByUsername("202").ID, journal.LegRinging)
		shows(t, anna.all(), "blinking/1 active")
		if n := w.Subscriptions(); n != 5 {
			t.Errorf("%d subscriptions", n)
		}
	})
}

// TestALampSurvivesAnotherPort: a phone that registers from elsewhere is told there.
func TestALampSurvivesAnotherPort(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		p.key("202").subscribe(600)
		u, _ := sip.ParseURI(p.contact())
		moved := w.phone("201", "192.0.2.11:40000")
		w.mu.Lock()
		w.bindings[p.device()] = []registrar.Binding{{Device: p.device(), URI: u, Flow: sip.NewFlow(sip.UDP, boxAddr, moved.addr)}}
		w.mu.Unlock()
		w.Phone("c1", "b", w.doc.DeviceByUsername("202").ID, journal.LegRinging)
		shows(t, p.all())
		shows(t, moved.all(), "blinking/1 active")
	})
}

// TestThePhoneGoesOrTheBox: a phone that is registered no more, a box that stops, an
// office that changes: each ends what it must, with its reason.
func TestThePhoneGoesOrTheBox(t *testing.T) {
	for _, c := range []struct {
		what string
		do   func(w *world, p *phone)
		want []string
	}{
		{"the phone's binding ends", func(w *world, p *phone) { w.PhoneGone(p.device()) }, []string{"off/1 terminated;reason=probation;retry-after=10"}},
		{"the box stops", func(w *world, _ *phone) { w.stop() }, []string{"off/1 terminated;reason=probation;retry-after=10"}},
		{"the extension is deleted", func(w *world, _ *phone) {
			w.doc = w.doc.Clone()
			w.doc.Extensions = w.doc.Extensions[:1]
			w.OfficeChanged(w.doc)
		}, []string{"off/1 terminated;reason=noresource"}},
		{"the phone is disabled", func(w *world, _ *phone) {
			w.doc = w.doc.Clone()
			w.doc.Devices[0].Disabled = true
			w.OfficeChanged(w.doc)
		}, []string{"off/1 terminated;reason=rejected"}},
		{"the extension goes to who is talking", func(w *world, _ *phone) {
			w.Phone("c1", "b", "device-3", journal.LegAnswered)
			w.doc = w.doc.Clone()
			w.doc.Extensions[1].Target = w.doc.Extensions[2].Target
			w.OfficeChanged(w.doc)
		}, []string{"on/1 active"}},
		{"nothing that concerns it", func(w *world, _ *phone) { w.OfficeChanged(w.doc.Clone()) }, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			inWorld(t, lamp.Options{}, func(w *world) {
				p := w.phone("201", "192.0.2.11:5060")
				p.key("202").subscribe(600)
				c.do(w, p)
				shows(t, p.all(), c.want...)
				if ended := len(c.want) == 1 && strings.Contains(c.want[0], "terminated"); ended != (w.Subscriptions() == 0) {
					t.Errorf("%d subscriptions are left", w.Subscriptions())
				}
			})
		})
	}
}

// TestAfterTheBoxStopsNothingIsTaken and the end does not wait for phones that are
// silent.
func TestAfterTheBoxStopsNothingIsTaken(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		p.key("202").subscribe(600)
		p.says("", "")
		w.stop()
		synctest.Wait()
		if code, _ := p.key("203").subscribe(600); code != 503 {
			t.Errorf("a box that stops answers %d", code)
		}
	})
}

// TestTheEventsIDIsRepeated (RFC 6665 4.2.2), and its letters are those of the phone.
func TestTheEventsIDIsRepeated(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		k := w.phone("201", "192.0.2.11:5060").key("202")
		k.event = "dialog;sla;id=7x"
		_, got := k.subscribe(600)
		shows(t, got, "off/0 active")
		if v, _ := got[0].req.Header("Event"); v != "dialog;id=7x" {
			t.Errorf("Event: %s", v)
		}
		k.event = "dialog"
		if code, _ := k.subscribe(600); code != 481 {
			t.Errorf("the other subscription of the same dialog gets %d", code)
		}
	})
}

// TestTheBoxSaysWhatCanBeSubscribedTo: its answer to OPTIONS names the method and the
// package.
func TestTheBoxSaysWhatCanBeSubscribedTo(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		p.send("OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11:5060;rport;branch=z9hG4bKo\r\nMax-Forwards: 70\r\n" +
			"From: <sip:201@192.0.2.1>;tag=o\r\nTo: <sip:192.0.2.1>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
		got := p.all()
		if len(got) != 1 || got[0].resp == nil || got[0].resp.Status() != 200 {
			t.Fatalf("%d messages", len(got))
		}
		if v, _ := got[0].resp.Header("Allow-Events"); v != "dialog" || !got[0].resp.HasOption("Allow", "SUBSCRIBE") {
			t.Errorf("Allow-Events %q, Allow %v", v, got[0].resp.Headers("Allow"))
		}
	})
}

// TestStatesFromBefore: what is remembered gives way to what has been heard.
func TestStatesFromBefore(t *testing.T) {
	inWorld(t, lamp.Options{}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		w.Agent(journal.AgentChanged{Agent: "p-sample-anna", State: journal.AgentPaused})
		w.Remember([]journal.AgentChanged{{Agent: "p-sample-anna", State: journal.AgentReady}, {Agent: "p-sample-bruno", State: journal.AgentReady}})
		_, got := p.key("*72").subscribe(600)
		shows(t, got, "on/0 active")
		_, got = w.phone("202", "192.0.2.12:5060").key("*73").subscribe(600)
		shows(t, got, "on/0 active")
	})
}
