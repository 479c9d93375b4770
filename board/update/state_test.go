package update_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"centralino/board/update"
)

// TestStateOfTheSlots: whatever happens in whatever order, no slot is tried that is not
// whole, the selector never names one, and a version in force is left for the other one
// at most once before a person comes.
func TestStateOfTheSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s update.State
		boot, slot := update.SlotA, update.SlotA
		written := map[update.Slot]bool{update.SlotA: true}
		swings, starts := 0, 0
		now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		start := func(at update.Slot) update.Verdict {
			slot, starts, now = at, starts+1, now.Add(time.Minute)
			var v update.Verdict
			s, v = s.Started(update.Start{Slot: at, Boot: boot, ID: string(rune('a' + starts%26)), Version: "v", At: now})
			return v
		}
		verdict := start(boot)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"install", "half", "healthy", "fail", "crash", "power", "stop", "restart"}).Draw(t, "step") {
			case "install":
				if verdict != update.OnTrial {
					free := boot.Other()
					s = s.Writing(free).Written(free, update.Manifest{Version: "n", Release: 2}).Arm(free, "copy", nil)
					written[free] = true
					verdict = start(free)
				}
			case "half":
				if verdict != update.OnTrial {
					s, written[boot.Other()] = s.Writing(boot.Other()), false
					verdict = start(boot)
				}
			case "healthy":
				if slot == boot || verdict == update.OnTrial {
					boot = slot
					s, verdict, swings = s.Healthy(slot, now), update.Ordinary, 0
				}
			case "fail":
				s = s.Unwell("page")
				verdict = start(boot)
			case "crash":
				verdict = start(slot)
			case "power":
				verdict = start(boot)
			case "stop":
				s = s.Stopping()
				verdict = start(slot)
			case "restart":
				verdict = start(boot)
			}
			for range 5 {
				switch verdict {
				case update.Again, update.Swing:
					if verdict == update.Swing {
						swings++
					}
					to := boot.Other()
					if !written[to] || s.Trial == nil || s.Trial.To != to {
						t.Fatalf("slot %s is tried, which is not whole: %+v", to, s)
					}
					verdict = start(to)
				case update.Back:
					verdict = start(boot)
				}
			}
			if verdict == update.Again || verdict == update.Swing || verdict == update.Back {
				t.Fatalf("the box starts for ever: %s, %+v", verdict, s)
			}
			if swings > 1 {
				t.Fatalf("the box swings between its slots: %+v", s)
			}
			if !s.Slots[slot].Whole && verdict != update.Stuck {
				t.Fatalf("the slot that runs counts as half: %+v", s)
			}
		}
	})
}

func TestStateIsKept(t *testing.T) {
	f := update.FileMemory{Path: t.TempDir() + "/update/state.json"}
	if s, err := f.Load(); err != nil || s.Trial != nil {
		t.Errorf("a new box has the state %+v, %v", s, err)
	}
	want, _ := update.State{}.Writing(update.SlotB).Written(update.SlotB, update.Manifest{Version: "v2", Release: 2}).Ordered(update.Order{Version: "v2"}).
		Arm(update.SlotB, "copy-1", []string{"line-1"}).Started(update.Start{Slot: update.SlotA, Boot: update.SlotA, Version: "v1"})
	if err := f.Save(want); err != nil {
		t.Fatal(err)
	}
	got, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTrialWithoutMemory(t *testing.T) {
	// The data partition was erased while the new version was on trial.
	s, v := update.State{}.Started(update.Start{Slot: update.SlotB, Boot: update.SlotA, ID: "1", Version: "v2"})
	if v != update.OnTrial {
		t.Fatalf("it is %s", v)
	}
	if s, v = s.Started(update.Start{Slot: update.SlotB, Boot: update.SlotA, ID: "1", Version: "v2"}); v != update.Back {
		t.Errorf("after a crash it is %s", v)
	}
	if s, v = s.Started(update.Start{Slot: update.SlotA, Boot: update.SlotA, ID: "2", Version: "v1"}); v != update.Ordinary || s.Last.Outcome != update.RolledBack {
		t.Errorf("back in the old slot it is %s, %+v", v, s.Last)
	}
}

// TestPowerGoesBetweenSelectorAndState: the selector counts.
func TestPowerGoesBetweenSelectorAndState(t *testing.T) {
	s := update.State{}.Written(update.SlotB, update.Manifest{Version: "v2"}).Arm(update.SlotB, "", nil)
	s, _ = s.Started(update.Start{Slot: update.SlotB, Boot: update.SlotA, ID: "1", Version: "v2"})
	s, v := s.Started(update.Start{Slot: update.SlotB, Boot: update.SlotB, ID: "2", Version: "v2"})
	if v != update.Ordinary || s.Trial != nil || s.Last.Outcome != update.Committed {
		t.Errorf("%s, %+v", v, s)
	}
}

// TestProgramThatDoesNotEvenBegin is given up by the process above it.
func TestProgramThatDoesNotEvenBegin(t *testing.T) {
	whole := update.State{}.Written(update.SlotA, update.Manifest{Version: "v1"}).Written(update.SlotB, update.Manifest{Version: "v2"})
	for _, c := range []struct {
		name         string
		state        update.State
		boot, slot   update.Slot
		other, twice bool
	}{
		{"the other slot holds a version: it is tried, once", whole, update.SlotB, update.SlotB, true, false},
		{"the other slot is empty", update.State{}.Written(update.SlotA, update.Manifest{Version: "v1"}), update.SlotA, update.SlotA, false, false},
		{"the other slot is half written", whole.Writing(update.SlotA), update.SlotB, update.SlotB, false, false},
		{"on trial: the box goes back by itself", whole, update.SlotA, update.SlotB, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := update.Disk{Selector: &medium{data: update.FormatSelector(c.boot)}}
			m := update.FileMemory{Path: t.TempDir() + "/state.json"}
			if err := m.Save(c.state); err != nil {
				t.Fatal(err)
			}
			b := update.Booted{Slot: c.slot, ID: "1"}
			if d.OnTrial(b) != (c.slot != c.boot) {
				t.Error("it is on trial, or not")
			}
			for _, want := range []bool{c.other, c.twice} {
				if other, err := update.GiveUp(d, m, b); other != want || err != nil {
					t.Errorf("%v, %v, want %v", other, err, want)
				}
			}
			s, err := m.Load()
			if err != nil || (s.Trial != nil) != c.other {
				t.Errorf("%+v, %v", s.Trial, err)
			}
			if !c.other {
				return
			}
			if _, v := s.Started(update.Start{Slot: c.slot.Other(), Boot: c.boot, ID: "2", Version: "v1"}); v != update.OnTrial {
				t.Errorf("the other slot is %s", v)
			}
		})
	}
}
