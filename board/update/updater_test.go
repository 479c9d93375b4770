package update_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/update"
)

func TestUpdateIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		if v := m.settle(m.install("v2")); v != "v2" {
			t.Fatalf("%s runs", v)
		}
		if v := m.settle(nil); v != "v2" {
			t.Errorf("after the next start %s runs", v)
		}
		if !bytes.HasPrefix(m.slots[update.SlotA].data, m.images["v1"]) {
			t.Error("the old slot is not whole any more")
		}
		st := m.updater.Status()
		if st.Last == nil || st.Last.Outcome != update.Committed || st.Last.Version != "v2" || len(m.ended) != 1 {
			t.Errorf("it is told as %+v, %d times", st.Last, len(m.ended))
		}
		if m.backups != 1 || m.leftovers() != 0 {
			t.Errorf("%d copies of the database, want 1; %d files left", m.backups, m.leftovers())
		}
		var phases []update.Phase
		for _, s := range m.seen {
			if len(phases) == 0 || phases[len(phases)-1] != s.Phase {
				phases = append(phases, s.Phase)
			}
			if s.Done > s.Total {
				t.Errorf("in phase %s %d of %d is done", s.Phase, s.Done, s.Total)
			}
		}
		want := []update.Phase{update.Receiving, update.BackingUp, update.Writing, update.Checking, update.Restarting, update.Idle}
		if !slices.Equal(phases, want) {
			t.Errorf("phases %v, want %v", phases, want)
		}
		if v := m.settle(m.install("v3")); v != "v3" {
			t.Errorf("after the next update %s runs", v)
		}
	})
}

func TestBadVersionsAreTakenBack(t *testing.T) {
	for _, c := range []struct {
		how  string
		want update.Outcome
		why  string
	}{
		{"gate", update.RolledBack, "page"},
		{"crash", update.RolledBack, ""},
		{"hang", update.RolledBack, ""},
	} {
		t.Run(c.how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, 1)
				m.ill["v2"] = c.how
				if v := m.settle(m.install("v2")); v != "v1" {
					t.Fatalf("%s runs", v)
				}
				last := m.updater.Status().Last
				if last == nil || last.Outcome != c.want || last.Why != c.why || last.Copy != "copy-1" {
					t.Fatalf("it is told as %+v", last)
				}
				if m.updater.Fallback() != "copy-1" {
					t.Errorf("the database of before is %q", m.updater.Fallback())
				}
				if len(m.ended) != 1 {
					t.Errorf("told %d times", len(m.ended))
				}
				if v := m.settle(nil); v != "v1" || len(m.ended) != 1 {
					t.Errorf("at the next start %s runs, told %d times", v, len(m.ended))
				}
				m.start(m.install("v3"))
				m.start(func(u *update.Updater) {
					if u.Fallback() != "" {
						t.Error("a version on trial may put back the database of before the last one")
					}
				})
				if v := m.settle(nil); v != "v3" {
					t.Errorf("a better version does not come in: %s runs", v)
				}
			})
		})
	}
}

// TestKernelThatDoesNotStart: the firmware comes back to the old slot, and no program of
// the new one ever ran. It is tried twice, as the flag may have been lost.
func TestKernelThatDoesNotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		if again, _ := m.start(m.install("v2")); !again || !m.try {
			t.Fatal("the new version is not tried")
		}
		tries := 1
		for range 5 {
			m.try = false // the kernel died
			if again, _ := m.start(nil); !again {
				break
			}
			if m.try {
				tries++
			}
		}
		last := m.updater.Status().Last
		if tries != 2 || last == nil || last.Outcome != update.NotStarted {
			t.Errorf("tried %d times, told as %+v", tries, last)
		}
	})
}

func TestVersionThatKeepsFailingGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		m.settle(m.install("v2"))
		m.ill["v2"] = "hang"
		if v := m.settle(nil); v != "v1" {
			t.Fatalf("%s runs", v)
		}
		if last := m.updater.Status().Last; last.Outcome != update.Returned || last.Version != "v1" {
			t.Errorf("it is told as %+v", last)
		}
		m.ill["v1"] = "hang" // now both
		for range 12 {
			m.start(nil)
		}
		if m.memory.state.Failures < 4 || m.memory.state.Trial != nil {
			t.Errorf("with no good slot left the state is %+v", m.memory.state)
		}
	})
}

// TestOrderlyStopsAreNoFailures: a person may restart the box as often as he likes.
func TestOrderlyStopsAreNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		m.settle(m.install("v2"))
		for range 8 {
			slot, version := m.firmware()
			u, verdict, err := update.Begin(m.options(slot, version, nil))
			if err != nil || verdict != update.Ordinary || version != "v2" {
				t.Fatalf("%s %s %v", version, verdict, err)
			}
			if err := u.Stopping(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWaitsForCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		m.add(2)
		m.start(func(u *update.Updater) {
			m.install("v2")(u)
			time.Sleep(90 * time.Second)
			st := u.Status()
			if st.Phase != update.Waiting || st.Calls != 2 || time.Since(st.Since) < 89*time.Second {
				t.Errorf("with calls under way: %+v", st)
			}
			if m.slots[update.SlotB].written != 0 || m.backups != 0 || m.drained {
				t.Error("it does not wait")
			}
			m.add(-1)
			time.Sleep(2 * time.Second)
			if st := u.Status(); st.Calls != 1 {
				t.Errorf("it waits for %d calls, want 1", st.Calls)
			}
			m.add(-1)
		})
		if v := m.settle(nil); v != "v2" {
			t.Errorf("%s runs", v)
		}
	})
}

// TestCallWhileWriting: the work pauses, and what happened meanwhile is in the copy of
// the database.
func TestCallWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		again, _ := m.start(func(u *update.Updater) {
			o := &hook{Device: m.slots[update.SlotB], at: update.BlockSize, do: func() { m.add(1) }}
			m.disk.Slots[update.SlotB] = o
			m.install("v2")(u)
			time.Sleep(time.Minute)
			if st := u.Status(); st.Phase != update.Waiting || m.drained {
				t.Errorf("in the call: %+v", st)
			}
			m.add(-1)
		})
		if !again || !m.try || m.backups != 2 {
			t.Errorf("restart %v, %d copies of the database", m.try, m.backups)
		}
	})
}

// hook does something once, when a place is written.
type hook struct {
	update.Device
	at int64
	do func()
}

func (h *hook) WriteAt(b []byte, at int64) (int, error) {
	if at == h.at && h.do != nil {
		h.do()
		h.do = nil
	}
	return h.Device.WriteAt(b, at)
}

func TestUpdatesThatAreGivenUp(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(m *machine)
		during  func(m *machine, u *update.Updater)
		want    update.Reason
		written bool
	}{
		{"the medium says that it has written", func(m *machine) { m.slots[update.SlotB].forgets = true }, nil, update.Medium, true},
		{"the database cannot be copied", func(m *machine) { m.failing = errors.New("full") }, nil, update.NoBackup, false},
		{"somebody calls it off while it waits", func(m *machine) { m.add(1) }, func(m *machine, u *update.Updater) {
			time.Sleep(time.Minute)
			if !u.Cancel() {
				m.t.Error("it cannot be called off")
			}
		}, update.Stopped, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, 1)
				c.prepare(m)
				again, v := m.start(func(u *update.Updater) {
					m.install("v2")(u)
					if c.during != nil {
						c.during(m, u)
					}
				})
				st := m.updater.Status()
				if again || v != "v1" || st.Phase != update.Idle || st.Problem != c.want || m.drained {
					t.Errorf("again %v, %s runs, %+v", again, v, st)
				}
				if (m.slots[update.SlotB].written > 0) != c.written || st.Slots[update.SlotB].Whole || m.leftovers() != 0 {
					t.Errorf("written %d, %+v, %d files left", m.slots[update.SlotB].written, st.Slots, m.leftovers())
				}
				if m.updater.Cancel() {
					t.Error("what is over can be called off")
				}
				m.slots[update.SlotB].forgets, m.failing = false, nil
				m.mu.Lock()
				m.calls = 0
				m.mu.Unlock()
				if v := m.settle(m.install("v2")); v != "v2" {
					t.Errorf("the next attempt ends with %s", v)
				}
			})
		})
	}
}

func TestRefusedWhenBroughtIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		m.settle(m.install("v2"))
		m.images["v9"] = picture(9, slotSize+512)
		m.start(func(u *update.Updater) {
			accept := func(file []byte) update.Reason {
				_, err := u.Accept(t.Context(), bytes.NewReader(file))
				return update.ReasonOf(err)
			}
			good := m.bundle("v3")
			if r := accept(m.bundle("v1")); r != update.Older {
				t.Errorf("an older one: %q", r)
			}
			if r := accept(m.bundle("v9")); r != update.TooLarge {
				t.Errorf("one that is too large: %q", r)
			}
			if r := accept(good[:len(good)-1]); r != update.Truncated {
				t.Errorf("half of one: %q", r)
			}
			if st := u.Status(); st.Problem != update.Truncated || st.Phase != update.Idle || m.leftovers() != 0 {
				t.Errorf("%+v, %d files left", st, m.leftovers())
			}
			m.free = 1 << 20
			if r := accept(good); r != update.NoSpace {
				t.Errorf("without space: %q", r)
			}
			m.free = 1 << 40
			m.add(1)
			if r := accept(good); r != "" {
				t.Errorf("a good one: %q", r)
			}
			if r := accept(good); r != update.Busy {
				t.Errorf("a second one: %q", r)
			}
			if st := u.Status(); st.Problem != "" {
				t.Errorf("the second one spoils the first: %+v", st)
			}
		})
		if m.slots[update.SlotA].written > slotSize {
			t.Error("a refused bundle was written")
		}
	})
}

func TestOlderReleaseWithTheButton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		m.settle(m.install("v3"))
		m.pressed = true
		if v := m.settle(m.install("v2")); v != "v2" {
			t.Errorf("%s runs", v)
		}
	})
}

func TestNoUpdateOnTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		m.start(m.install("v2"))
		m.start(func(u *update.Updater) {
			if st := u.Status(); st.Phase != update.Proving {
				t.Errorf("on trial it is %+v", st)
			}
			if _, err := u.Accept(t.Context(), bytes.NewReader(m.bundle("v3"))); update.ReasonOf(err) != update.NotSound {
				t.Errorf("on trial a bundle is answered %v", err)
			}
			time.Sleep(2 * time.Minute)
			if st := u.Status(); st.Phase != update.Idle {
				t.Errorf("after the gate it is %+v", st)
			}
		})
	})
}

func TestBoxWithoutSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1)
		u, verdict, err := update.Begin(m.options(0, "v1", nil))
		if err != nil || verdict != update.Ordinary {
			t.Fatal(verdict, err)
		}
		if _, err := u.Accept(t.Context(), bytes.NewReader(m.bundle("v2"))); update.ReasonOf(err) != update.NoSlots {
			t.Errorf("it answers %v", err)
		}
	})
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		well := func(context.Context) error { return nil }
		after := func(d time.Duration) func(context.Context) error {
			return func(context.Context) error {
				if time.Since(began) < d {
					return errors.New("not yet")
				}
				return nil
			}
		}
		hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		flaps := func(context.Context) error {
			if int((time.Since(began)+10*time.Second)/(30*time.Second))%2 == 0 { // also around the limit
				return errors.New("now and then")
			}
			return nil
		}
		for _, c := range []struct {
			name  string
			gate  update.Gate
			trial bool
			want  []string
			takes time.Duration
		}{
			{"all is well for a minute", update.Gate{Checks: []update.Check{{Name: "a", Probe: well}}}, true, nil, time.Minute},
			{"lines take their time", update.Gate{Checks: []update.Check{{Name: "a", Probe: well}, {Name: "lines", Probe: after(2 * time.Minute)}}}, true, nil, 3 * time.Minute},
			{"too late", update.Gate{Checks: []update.Check{{Name: "lines", Probe: after(270 * time.Second)}}}, true, []string{"stable"}, 5 * time.Minute},
			{"a probe hangs, and hides no other", update.Gate{Checks: []update.Check{{Name: "a", Probe: hangs}, {Name: "b", Probe: well}, {Name: "c", Probe: after(time.Hour)}}}, true, []string{"a", "c"}, 5 * time.Minute},
			{"it comes and goes", update.Gate{Checks: []update.Check{{Name: "a", Probe: flaps}}}, true, []string{"a"}, 5 * time.Minute},
			{"a line without a cable does not count against the version in force", update.Gate{Checks: []update.Check{{Name: "lines", Probe: after(time.Hour), Trial: true}}}, false, nil, time.Minute},
		} {
			synctest.Wait() // a probe of the case before may have been left behind
			began = time.Now()
			got := update.Pass(c.gate, t.Context(), c.trial)
			if took := time.Since(began); !slices.Equal(got, c.want) || took < c.takes || took > c.takes+6*time.Second {
				t.Errorf("%s: %v after %v, want %v after %v", c.name, got, took, c.want, c.takes)
			}
		}
	})
}

func TestStatusWaitsForNoDisk(t *testing.T) {
	m := newMachine(t, 1)
	u, _, err := update.Begin(m.options(update.SlotA, "v1", nil))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	m.memory.while = func() {
		asked++
		told := make(chan struct{})
		go func() { u.Status(); close(told) }()
		select {
		case <-told:
		case <-time.After(10 * time.Second):
			t.Error("the page waits until the state is written")
		}
	}
	if err := u.Stopping(); err != nil || asked != 1 {
		t.Fatal(asked, err)
	}
}
