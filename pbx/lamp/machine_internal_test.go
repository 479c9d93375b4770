package lamp

import (
	"encoding/xml"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// TestASubscriptionKeepsItsWord: whatever happens in whatever order, at most one
// notice is under way, versions count from 0 without a gap, the last notice is the
// only one that ends, nothing follows it, an accepted request is answered with a
// notice, and when all is quiet the phone shows what is so.
func TestASubscriptionKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m machine
		now := time.Duration(0)
		var sent []notice
		flying, owed := false, false
		m.look(Off)
		m.subscribe(now, time.Duration(rapid.IntRange(0, 100).Draw(t, "granted"))*time.Second)
		owed = true
		act := func() {
			n, ok := m.next(now)
			if !ok {
				return
			}
			if flying {
				t.Fatal("a second notice while one is under way")
			}
			if len(sent) > 0 && sent[len(sent)-1].ended != "" {
				t.Fatal("a notice after the last")
			}
			if int(n.version) != len(sent) {
				t.Fatalf("version %d of notice %d", n.version, len(sent))
			}
			if n.state != m.state {
				t.Fatalf("tells %s while the lamp is %s", n.state, m.state)
			}
			if len(sent) > 0 && n.dialog < sent[len(sent)-1].dialog || n.dialog == 0 {
				t.Fatal("dialogs are counted backwards")
			}
			if n.ended == "" && n.left <= 0 {
				t.Fatal("active and expired")
			}
			sent, flying, owed = append(sent, n), true, false
		}
		act()
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1:
				m.look(rapid.SampledFrom([]State{Off, Blinking, On}).Draw(t, "state"))
			case 2:
				if flying {
					o := rapid.SampledFrom([]outcome{delivered, delivered, delivered, tryLater, refused}).Draw(t, "outcome")
					flying = false
					m.answered(now, o, 7*time.Second)
					if o == refused && !m.over {
						t.Fatal("it goes on although the phone does not want it")
					}
				}
			case 3:
				now += time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second
			case 4:
				if m.ending == "" && now < m.until {
					m.subscribe(now, time.Duration(rapid.IntRange(0, 60).Draw(t, "renewed"))*time.Second)
					owed = true
				}
			case 5:
				if rapid.IntRange(0, 9).Draw(t, "ends") == 0 {
					m.end(reasonNoResource)
				}
			}
			act()
		}
		for n := 0; !m.over && m.until-now > 0 && n < 3; n++ { // all goes quiet
			if flying {
				m.answered(now, delivered, 0)
				flying = false
			}
			act()
			if at, ok := m.deadline(); ok && at < m.until && at > now {
				now = at
				act()
			}
		}
		if m.over || m.ending != "" || max(now, m.wait) >= m.until { // it expires before it may speak
			return
		}
		if owed {
			t.Fatal("a request is owed its notice")
		}
		if sent[len(sent)-1].state != m.state {
			t.Fatalf("the phone shows %s, it is %s", sent[len(sent)-1].state, m.state)
		}
	})
}

// TestItAlwaysEnds: with time and answers alone every subscription is over soon after
// it expires.
func TestItAlwaysEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m machine
		m.look(Off)
		m.subscribe(0, time.Minute)
		now := time.Duration(0)
		for range 30 {
			if _, ok := m.next(now); ok {
				m.answered(now, rapid.SampledFrom([]outcome{delivered, tryLater}).Draw(t, "outcome"), 10*time.Second)
			}
			if m.over {
				return
			}
			at, ok := m.deadline()
			if !ok {
				t.Fatal("nothing will ever happen")
			}
			now = max(now, at)
		}
		t.Fatal("it never ends")
	})
}

// TestThePictureIsTheSumOfItsLegs: a phone's lamp is what its present dialogs make it,
// whatever came before, and nothing is left when they are over.
func TestThePictureIsTheSumOfItsLegs(t *testing.T) {
	devices := []office.ID{"d1", "d2", "d3"}
	rapid.Check(t, func(t *rapid.T) {
		p := newPicture()
		model := map[legKey]phoneLeg{}
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			k := legKey{journal.CallID(rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "call")), journal.LegID(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "leg"))}
			st := rapid.SampledFrom([]journal.LegState{journal.LegRinging, journal.LegAnswered, journal.LegHeld, journal.LegResumed, journal.LegEnded}).Draw(t, "state")
			dev := rapid.SampledFrom(devices).Draw(t, "device")
			if l, ok := model[k]; ok {
				dev = l.device
			}
			before := p.look(watch{devices: []office.ID{dev}})
			changed := p.leg(k, dev, st)
			if after := p.look(watch{devices: []office.ID{dev}}); changed != (after != before) {
				t.Fatalf("said to have changed: %v, from %s to %s", changed, before, after)
			}
			delete(model, k)
			if st != journal.LegEnded {
				model[k] = phoneLeg{dev, st != journal.LegRinging}
			}
			for _, d := range append(devices, "") {
				list, want := []office.ID{d}, Off
				if d == "" {
					list = devices
				}
				for _, l := range model {
					switch {
					case !slices.Contains(list, l.device):
					case l.busy:
						want = On
					case want == Off:
						want = Blinking
					}
				}
				if have := p.look(watch{devices: list}); have != want {
					t.Fatalf("%v shows %s, want %s", list, have, want)
				}
			}
		}
		if len(model) == 0 && len(p.legs)+len(p.phones) > 0 {
			t.Fatal("something is left of calls that are over")
		}
	})
}

func FuzzEvent(f *testing.F) {
	for _, s := range []string{"dialog", "Dialog;id=1", "dialog;sla;ma", `dialog;call-id="a@b";to-tag=1`, "presence", "", "dialog;id=\"x y\"", ";;", "dialog;id=a=b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, ok := parseEvent(s)
		if !ok {
			return
		}
		if again, ok := parseEvent("dialog;id=" + e.id); e.id != "" && (!ok || again.id != e.id) {
			t.Errorf("the id %q of %q is read back as %q", e.id, s, again.id)
		}
	})
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{contentType, "*/*", "application/*;q=0.1", contentType + ";q=0", "text/plain", ""} {
		f.Add(s, "application/sdp")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if accepts([]string{a, b}) != accepts([]string{b, a}) {
			t.Error("the order of Accept counts")
		}
		if !accepts([]string{a, b, contentType}) {
			t.Error("what is named is not accepted")
		}
	})
}

func FuzzDocument(f *testing.F) {
	f.Add("sip:201@192.0.2.1", uint32(7), uint32(2))
	f.Add(`sip:<&">@h`, uint32(0), uint32(1))
	f.Fuzz(func(t *testing.T, entity string, version, dialog uint32) {
		for _, s := range []State{Off, Blinking, On} {
			var x struct {
				XMLName xml.Name `xml:"urn:ietf:params:xml:ns:dialog-info dialog-info"`
				Version uint32   `xml:"version,attr"`
				Dialog  struct {
					ID    uint32 `xml:"id,attr"`
					State State  `xml:"state"`
				} `xml:"dialog"`
			}
			if err := xml.Unmarshal(document(notice{state: s, version: version, dialog: dialog}, entity), &x); err != nil {
				t.Fatal(err)
			}
			if x.Version != version || x.Dialog.ID != dialog || x.Dialog.State != s {
				t.Errorf("read back as %+v", x)
			}
		}
	})
}

func BenchmarkPhone(b *testing.B) {
	p := newPicture()
	w := watch{devices: []office.ID{"d1", "d2"}}
	k := legKey{"c1", "b"}
	b.ReportAllocs()
	for b.Loop() {
		p.leg(k, "d1", journal.LegRinging)
		p.look(w)
		p.leg(k, "d1", journal.LegEnded)
		p.look(w)
	}
}
