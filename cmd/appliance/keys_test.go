package main

import (
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/lamp"
	"centralino/pbx/pbxtest"
)

// watch makes a key of a telephone.
func (w *bubbleBox) watch(p *pbxtest.Phone, number string) *pbxtest.Lamp {
	w.t.Helper()
	l, err := p.Watch(w.t.Context(), number)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// shows asserts what a lamp shows.
func (w *bubbleBox) shows(when string, l *pbxtest.Lamp, want string) {
	w.t.Helper()
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
	if have, err := l.State(); have != want || err != nil {
		w.t.Errorf("%s: the lamp shows %q, want %q (%v)", when, have, want, err)
	}
}

// TestKeysShowTheOtherPhones: who calls and who talks is busy, who rings blinks, and
// when the calls are over, however they ended, every key is dark.
func TestKeysShowTheOtherPhones(t *testing.T) {
	inBubble(t, options{}, nil, func(w *bubbleBox) {
		for _, p := range w.phones {
			w.register(p)
		}
		first, second := w.watch(w.phones[3], "201"), w.watch(w.phones[3], "202")
		w.shows("at rest", first, "terminated")
		c, err := w.phones[0].Dial("202")
		if err != nil {
			w.t.Fatal(err)
		}
		w.shows("while it calls", first, "confirmed")
		w.shows("while it rings", second, "early")
		<-c.Up()
		w.shows("in the call", first, "confirmed")
		w.shows("in the call", second, "confirmed")
		c.HangUp()
		w.shows("after the call", first, "terminated")
		w.shows("after the call", second, "terminated")
		before := second.Notices()
		if c, err = w.phones[0].Dial("202"); err != nil {
			w.t.Fatal(err)
		}
		w.shows("ringing again", second, "early")
		c.HangUp() // before anybody answers
		w.shows("given up", second, "terminated")
		w.shows("given up", first, "terminated")
		if n := second.Notices() - before; n != 2 {
			w.t.Errorf("%d notices of a call that was given up, want 2", n)
		}
		if c, err = w.phones[0].Dial("202"); err != nil {
			w.t.Fatal(err)
		}
		<-c.Up()
		w.phones[1].Forget()
		c.Die() // both vanish: the box gives up on the silent call
		time.Sleep(3 * time.Minute)
		w.shows("long after both have vanished", first, "terminated")
		w.shows("long after both have vanished", second, "terminated")
	})
}

// TestKeysFollowAShift: an agent's lamps and his phone's, as a call of the queue comes
// and goes; and none of it makes an event of its own in the journal.
func TestKeysFollowAShift(t *testing.T) {
	inBubble(t, options{}, nil, func(w *bubbleBox) {
		kinds := map[journal.Kind]int{}
		w.register(w.phones[0])
		w.register(w.phones[1])
		login, ready, more := w.watch(w.phones[0], "*70"), w.watch(w.phones[0], "*73"), w.watch(w.phones[0], "*74")
		phone := w.watch(w.phones[1], "201")
		w.shows("before the shift", login, "terminated")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if list, err := lamp.NewSQLStore(w.db).Load(w.t.Context()); len(list) != 4 || err != nil {
			w.t.Errorf("%d of 4 subscriptions are kept over a restart: %v", len(list), err)
		}
		w.talk(w.phones[0], "*70")
		w.shows("logged in", login, "confirmed")
		w.shows("logged in", ready, "confirmed")
		w.shows("logged in", phone, "terminated")
		c, err := w.phones[1].Dial("600")
		if err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		w.shows("offered a call", phone, "early")
		<-c.Up()
		time.Sleep(5 * time.Second)
		w.shows("in a call of the queue", phone, "confirmed")
		w.shows("in a call of the queue", ready, "terminated")
		w.shows("in a call of the queue", login, "confirmed")
		c.HangUp()
		w.shows("after the call", more, "confirmed")
		w.shows("after the call", phone, "terminated")
		time.Sleep(10 * time.Second)
		w.shows("ready again", more, "terminated")
		w.shows("ready again", ready, "confirmed")
		err = w.journal.Flush(w.t.Context())
		if err == nil {
			err = w.journal.Replay(w.t.Context(), 1, func(e journal.Event) error { kinds[e.Payload.JournalKind()]++; return nil })
		}
		if err != nil || kinds["call.started"] == 0 {
			w.t.Fatalf("%v, %v", err, kinds)
		}
		for kind, n := range kinds {
			if n > 40 {
				w.t.Errorf("%d events %s", n, kind)
			}
		}
		w.change(func(d *office.Document) {
			g := d.GroupByID("group-1")
			g.Members = g.Members[1:]
		})
		w.shows("no agent any more", login, "terminated")
	})
}
