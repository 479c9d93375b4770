package update_test

import (
	"bytes"
	"flag"
	"testing"
	"testing/synctest"

	"centralino/board/update"
)

var cuts = flag.Int("cuts", 3, "random outcomes of a power cut at each thing that an update does to the media")

// TestPowerCutAnywhere takes the power away at each write, sync and note of an update,
// from the first block to the commit. Of what was not synced, random sectors arrive.
// The computer must start from a whole slot each time, end with the old version or the
// new one, and take the same update once more.
func TestPowerCutAnywhere(t *testing.T) {
	steps := 0
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 0)
		if v := m.settle(m.install("v2")); v != "v2" {
			t.Fatalf("without a cut %s runs", v)
		}
		steps = m.p.done
	})
	resumed, ends := 0, map[string]int{}
	for at := 1; at <= steps; at++ {
		for seed := range *cuts {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, uint64(at*1000+seed))
				m.p.cutAt = at
				during := m.install("v2")
				for range 10 {
					if again, _ := m.start(during); m.p.off || !again {
						break
					}
					during = nil
				}
				if !m.p.off {
					t.Fatalf("no cut at %d", at)
				}
				m.p.on()
				m.try = false // the flag is lost with the power
				ordered := m.memory.state.Order != nil
				v := m.settle(nil)
				ends[v]++
				if ordered && v != "v2" {
					t.Errorf("cut at %d, seed %d: the update that waited was not taken up: %s runs", at, seed, v)
				}
				if ordered {
					resumed++
				}
				if v = m.settle(m.install("v2")); v != "v2" {
					t.Errorf("cut at %d, seed %d: the second attempt ends with %s, %+v", at, seed, v, m.updater.Status())
				}
			})
		}
	}
	if resumed == 0 || ends["v1"] == 0 || ends["v2"] == 0 {
		t.Errorf("of all cuts %d were resumed, and they ended with %v: the cuts do not reach everything", resumed, ends)
	}
	t.Logf("FIGURE\tpower cuts during an update, all started from a whole slot\t%d\tcuts", steps**cuts)
	t.Logf("%d places, %d resumed, ends %v", steps, resumed, ends)
}

// TestPowerCutControl shows that the model sees a wrong order: whoever selects the new
// slot before it is written has a box that does not start.
func TestPowerCutControl(t *testing.T) {
	broken := 0
	for at := 1; at <= 8; at++ {
		m := newMachine(t, uint64(at))
		m.p.cutAt = at
		if err := m.disk.Select(update.SlotB); err == nil {
			b, err := update.Open(bytes.NewReader(m.bundle("v2")), trusted)
			if err == nil {
				err = update.WriteSlot(t.Context(), m.slots[update.SlotB], b, func(int64) error { return nil })
			}
			if err == nil {
				t.Fatalf("no cut at %d", at)
			}
		}
		m.p.on()
		sel, err := m.disk.ReadSelector()
		if err != nil {
			t.Fatal(err)
		}
		slot := m.slots[sel.Boot].data
		if !bytes.HasPrefix(slot, m.images["v1"]) && !bytes.HasPrefix(slot, m.images["v2"]) {
			broken++
		}
	}
	if broken == 0 {
		t.Error("the model lets a wrong order pass")
	}
}

// TestResumeWritesTheRestOnly: what the first attempt wrote is not written again.
func TestResumeWritesTheRestOnly(t *testing.T) {
	m := newMachine(t, 1)
	bundle := m.bundle("v2")
	write := func() (int, error) {
		b, err := update.Open(bytes.NewReader(bundle), trusted)
		if err != nil {
			t.Fatal(err)
		}
		before := m.slots[update.SlotB].written
		err = update.WriteSlot(t.Context(), m.slots[update.SlotB], b, func(int64) error { return nil })
		return m.slots[update.SlotB].written - before, err
	}
	whole, err := write()
	if err != nil {
		t.Fatal(err)
	}
	again, err := write()
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * update.BlockSize; again != want { // the first block, blanked and restored
		t.Errorf("the second time %d octets were written, want %d of %d", again, want, whole)
	}
}
