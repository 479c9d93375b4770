package sip

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// budgets are token buckets for sources, in a table of fixed size: a flood from
// many forged addresses cannot make it grow. Each source maps to a set of four
// places; the longest unused one gives way.
type budgets struct {
	mu    sync.Mutex
	seed  maphash.Seed
	rate  Rate
	start time.Time
	sets  [][4]bucket
}

type bucket struct {
	key    uint64 // 0 = free
	tokens float32
	last   uint32 // ms since start
}

func newBudgets(rate Rate, sources int) *budgets {
	n := 1
	for n*4 < sources {
		n *= 2
	}
	return &budgets{seed: maphash.MakeSeed(), rate: rate, start: time.Now(), sets: make([][4]bucket, n)}
}

// take takes one token of the source's bucket and says whether there was one.
func (b *budgets) take(source netip.AddrPort) bool {
	key := maphash.Comparable(b.seed, source) | 1
	b.mu.Lock()
	defer b.mu.Unlock()
	now := uint32(time.Since(b.start).Milliseconds())
	set := &b.sets[key>>1&uint64(len(b.sets)-1)]
	oldest := 0
	for i := range set {
		if set[i].key == key {
			return set[i].take(now, b.rate)
		}
		if set[i].key == 0 || set[i].last < set[oldest].last && set[oldest].key != 0 {
			oldest = i
		}
	}
	set[oldest] = bucket{key, float32(b.rate.Burst), now}
	return set[oldest].take(now, b.rate)
}

func (k *bucket) take(now uint32, r Rate) bool {
	if now > k.last {
		k.tokens = min(float32(r.Burst), k.tokens+float32(float64(now-k.last)/1000*r.PerSecond))
		k.last = now
	}
	if k.tokens < 1 {
		return false
	}
	k.tokens--
	return true
}
