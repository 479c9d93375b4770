package boot

import (
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
)

// card is a data partition in memory: what is asked of it, and how it answers.
type card struct {
	half, gone                    bool
	codes                         []int // of e2fsck, one after the other
	formats, writes, reads, tries error
	copies                        error
	did                           []string
}

func (c *card) say(what string, err error) error { c.did = append(c.did, what); return err }

func (c *card) halfFormatted() bool { return c.half }
func (c *card) empty() bool         { return c.gone }
func (c *card) format() error       { return c.say("format", c.formats) }
func (c *card) unmount()            { _ = c.say("unmount", nil) }
func (c *card) try() error          { return c.say("try", c.tries) }
func (c *card) copy() error         { return c.say("copy", c.copies) }

func (c *card) check(hardWay bool) int {
	what := "check"
	if hardWay {
		what = "repair"
	}
	_ = c.say(what, nil)
	if len(c.codes) == 0 {
		return 0
	}
	code := c.codes[0]
	c.codes = c.codes[1:]
	return code
}

func (c *card) mount(how access) error {
	if how == toRead {
		return c.say("mount to read", c.reads)
	}
	return c.say("mount", c.writes)
}

func TestBringUp(t *testing.T) {
	for _, c := range []struct {
		name    string
		card    card
		did     string
		trouble Trouble
		kinds   string
	}{
		{"a good card", card{}, "check mount try", NoTrouble, ""},
		{"a small repair", card{codes: []int{1}}, "check mount try", NoTrouble, "repaired"},
		{"no checker", card{codes: []int{-1}}, "check mount try", NoTrouble, ""},
		{"damage that only a person would repair", card{codes: []int{4, 1}}, "check repair mount try", NoTrouble, "forced"},
		{"damage that takes two repairs", card{codes: []int{8, 12, 1}}, "check repair repair mount try", NoTrouble, "forced"},
		{"damage of which the repair leaves nothing", card{codes: []int{4, 1}, gone: true}, "check repair mount try unmount", Damaged, "forced data"},
		{"a new card after a power cut", card{codes: []int{1}, gone: true}, "check mount try", NoTrouble, "repaired"},
		{"damage that nobody repairs, but it can be used", card{codes: []int{8, 8, 8}}, "check repair repair mount try", NoTrouble, ""},
		{"a full card", card{tries: syscall.ENOSPC}, "check mount try", NoTrouble, ""},
		{"no file system", card{codes: []int{8, 8, 8}, writes: syscall.EINVAL, reads: syscall.EINVAL}, "check repair repair mount mount to read", Damaged, "data"},
		{"a damaged one that can be read", card{writes: syscall.EUCLEAN}, "check mount mount to read copy", NoTrouble, "data"},
		{"a worn card", card{codes: []int{8, 8, 8}, writes: syscall.EROFS}, "check repair repair mount mount to read copy", NoTrouble, "data"},
		{"one that fails when it is written to", card{tries: syscall.EIO}, "check mount try unmount mount to read copy", NoTrouble, "data"},
		{"a worn one with more on it than memory takes", card{tries: syscall.EROFS, copies: syscall.ENOSPC}, "check mount try unmount mount to read copy unmount", Worn, "data"},
		{"a worn one that cannot be read", card{writes: syscall.EROFS, reads: syscall.EIO}, "check mount mount to read", Worn, "data"},
		{"formatting that did not end", card{half: true}, "format check mount try", NoTrouble, ""},
		{"formatting that cannot end", card{half: true, formats: syscall.EIO}, "format", Worn, "data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trouble, problems := bringUp(&c.card, slog.New(slog.DiscardHandler))
			var kinds []string
			for _, p := range problems {
				kinds = append(kinds, string(p.Kind))
			}
			did := strings.Join(c.card.did, " ")
			if r := (Report{Problems: problems}); !strings.HasPrefix(c.kinds, string(r.Repaired())) || (r.Repaired() == "") != (c.kinds == "" || c.kinds == "data") {
				t.Errorf("the report tells of the repair %q", r.Repaired())
			}
			if did != c.did || trouble != c.trouble || strings.Join(kinds, " ") != c.kinds {
				t.Errorf("did %s: trouble %q, problems %v", did, trouble, problems)
			}
		})
	}
}

// memoryCard is a partition in memory that loses its power after some operations. What
// was not written for good by then is there, or not, as luck has it.
type memoryCard struct {
	b      []byte
	left   int // operations until the power goes
	lucky  bool
	synced []byte
}

var errPower = fmt.Errorf("the power is gone")

func (m *memoryCard) step() error {
	if m.left--; m.left < 0 {
		return errPower
	}
	return nil
}

func (m *memoryCard) ReadAt(b []byte, at int64) (int, error) { return copy(b, m.b[at:]), nil }
func (m *memoryCard) WriteAt(b []byte, at int64) (int, error) {
	if err := m.step(); err != nil {
		if m.left == -1 { // in the middle of it: a disk writes sectors whole, and no more
			copy(m.b[at:], b[:Sector])
		}
		return 0, err
	}
	return copy(m.b[at:], b), nil
}

func (m *memoryCard) Zero(at, n int64) error {
	if err := m.step(); err != nil {
		return err
	}
	clear(m.b[at : at+n])
	return nil
}

func (m *memoryCard) Discard(at int64) { clear(m.b[at:]) }

func (m *memoryCard) Sync() error {
	if err := m.step(); err != nil {
		return err
	}
	if !m.lucky {
		copy(m.synced, m.b)
	}
	return nil
}

// after is what a start finds.
func (m *memoryCard) after() []byte {
	if m.lucky {
		return m.b
	}
	return m.synced
}

func TestPowerCutWhileFormatting(t *testing.T) {
	want := &memoryCard{b: make([]byte, TemplateSize), left: 1 << 30}
	if err := Format(want); err != nil {
		t.Fatal(err)
	}
	steps := 1<<30 - want.left
	seen := map[string]int{}
	m := &memoryCard{b: make([]byte, TemplateSize), synced: make([]byte, TemplateSize)}
	for _, lucky := range []bool{true, false} {
		for left := range steps + 1 {
			for i := range m.b[:1<<20] {
				m.b[i] = byte(i)*7 | 1
			}
			clear(m.b[:superblock])
			clear(m.b[1<<20:])
			old := append([]byte(nil), m.b[:1<<20]...)
			if m.left, m.lucky = left, lucky; !lucky {
				copy(m.synced, m.b)
			}
			err := Format(m)
			found := &memoryCard{b: m.after()}
			switch {
			case HalfFormatted(found):
				seen["half"]++
			case string(found.b[:1<<20]) == string(old):
				seen["old"]++
			case string(found.b) == string(want.b):
				seen["new"]++
			default:
				t.Fatalf("power cut after %d of %d steps (%v): neither old nor new, and nobody knows", left, steps, err)
			}
			if done := left >= steps; done != (err == nil) {
				t.Errorf("after %d of %d steps: %v", left, steps, err)
			}
		}
	}
	if seen["old"] == 0 || seen["new"] == 0 || seen["half"] < 10 {
		t.Errorf("found %v", seen)
	}
}
