package kpi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
)

// block is what is kept together: the facts of one day in UTC.
type block struct {
	visits []Visit
	agents map[agentKey]time.Duration
	lines  map[lineKey]*LineUse
	said   []Said
	dirty  bool // differs from the kept bytes
}

type agentKey struct {
	slot   Slot
	agent  journal.SubjectID
	state  journal.AgentStateName
	queue  string
	reason string
}

type lineKey struct {
	slot Slot
	line string
}

func newBlock() *block {
	return &block{agents: map[agentKey]time.Duration{}, lines: map[lineKey]*LineUse{}}
}

// block returns a block to be written to; one that is not held is fetched.
func (f *Fold) block(n int64) *block {
	b := f.blocks[n]
	if b == nil {
		b = newBlock()
		if kept, ok := f.fetch(n); ok {
			if read, err := readBlock(kept); err == nil {
				b = read
			} else {
				f.broken = fmt.Errorf("block %d: %w", n, err)
			}
		}
		f.blocks[n] = b
		f.indexBlock(n, b)
	}
	return b
}

// indexBlock makes the visits of a block be found.
func (f *Fold) indexBlock(n int64, b *block) {
	for i := range b.visits {
		v := &b.visits[i]
		where := place{n, i}
		f.visits[visitKey{v.Contact, v.Queue}] = where
		if cur, ok := f.current[v.Contact]; !ok || cur.block < n || cur.block == n && cur.n < i {
			f.current[v.Contact] = where
		}
		if v.Back != "" {
			f.backs[v.Back] = visitKey{v.Contact, v.Queue}
		}
	}
}

// Facts returns what is held of an interval, as it stands at now, and the blocks
// that the owner must add with Read because they are not held. What goes on is
// counted up to now.
func (f *Fold) Facts(i Interval, now time.Time) (facts Facts, missing []int64) {
	facts = Facts{Interval: i, Now: now}
	if !i.To.After(i.From) {
		return facts, nil
	}
	for n := BlockOf(i.From); n <= BlockOf(i.To.Add(-1)); n++ {
		if b := f.blocks[n]; b != nil {
			facts.add(b)
		} else {
			missing = append(missing, n)
		}
	}
	f.addOpen(&facts)
	return facts, missing
}

// Read adds a kept block.
func (f *Facts) Read(kept []byte) error {
	b, err := readBlock(kept)
	if err != nil {
		return err
	}
	f.add(b)
	return nil
}

func (f *Facts) add(b *block) {
	first, last := SlotOf(f.From), SlotOf(f.To.Add(-1))
	for i := range b.visits {
		v := b.visits[i]
		if !f.Has(v.Arrived) {
			continue
		}
		if v.Open && v.Result == Waiting {
			v.Waited = v.base + max(0, f.Now.Sub(v.since))
		}
		f.Visits = append(f.Visits, v)
	}
	for k, d := range b.agents {
		if k.slot >= first && k.slot <= last {
			f.Agents = append(f.Agents, AgentTime{k.slot, k.agent, k.state, k.queue, k.reason, d})
		}
	}
	for _, u := range b.lines {
		if u.Slot >= first && u.Slot <= last {
			f.Lines = append(f.Lines, *u)
		}
	}
	for _, s := range b.said {
		if f.Has(s.At) {
			f.Said = append(f.Said, s)
		}
	}
}

// addOpen adds the states and uses that go on, up to now.
func (f *Fold) addOpen(facts *Facts) {
	first, last := SlotOf(facts.From), SlotOf(facts.To.Add(-1))
	inside := func(s Slot) bool { return s >= first && s <= last }
	for id, a := range f.agents {
		if a.state == journal.AgentLoggedOut {
			continue
		}
		perSlot(a.since, facts.Now, func(s Slot, d time.Duration) {
			if inside(s) {
				facts.Agents = append(facts.Agents, AgentTime{s, id, a.state, a.queueOf(), a.reason, d})
			}
		})
	}
	for id, l := range f.lines {
		if l.busy == 0 {
			continue
		}
		perSlot(l.since, facts.Now, func(s Slot, d time.Duration) {
			if inside(s) {
				facts.Lines = append(facts.Lines, LineUse{Slot: s, Line: id, Busy: d * time.Duration(l.busy), Peak: l.busy})
			}
		})
	}
}

// Sort puts the facts in order and adds up what belongs together. It must be
// called once everything was added.
func (f *Facts) Sort() {
	byArrival := func(a, b Visit) int { return a.Arrived.Compare(b.Arrived) }
	if !slices.IsSortedFunc(f.Visits, byArrival) { // they mostly are, and moving them costs
		slices.SortStableFunc(f.Visits, byArrival)
	}
	slices.SortFunc(f.Agents, func(a, b AgentTime) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), strings.Compare(string(a.Agent), string(b.Agent)),
			strings.Compare(string(a.State), string(b.State)), strings.Compare(a.Queue, b.Queue), strings.Compare(a.Reason, b.Reason))
	})
	f.Agents = merge(f.Agents, func(sum *AgentTime, x AgentTime) bool {
		if sum.Slot != x.Slot || sum.Agent != x.Agent || sum.State != x.State || sum.Queue != x.Queue || sum.Reason != x.Reason {
			return false
		}
		sum.Time += x.Time
		return true
	})
	slices.SortFunc(f.Lines, func(a, b LineUse) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), strings.Compare(a.Line, b.Line))
	})
	f.Lines = merge(f.Lines, func(sum *LineUse, x LineUse) bool {
		if sum.Slot != x.Slot || sum.Line != x.Line {
			return false
		}
		sum.Busy, sum.In, sum.Out, sum.Peak = sum.Busy+x.Busy, sum.In+x.In, sum.Out+x.Out, max(sum.Peak, x.Peak)
		return true
	})
	slices.SortStableFunc(f.Said, func(a, b Said) int { return a.At.Compare(b.At) })
}

// merge adds neighbours up as far as add lets it.
func merge[T any](list []T, add func(sum *T, x T) bool) []T {
	n := 0
	for i := range list {
		if n > 0 && add(&list[n-1], list[i]) {
			continue
		}
		list[n] = list[i]
		n++
	}
	return list[:n]
}
