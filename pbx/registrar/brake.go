package registrar

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// How guesses are braked: after freeGuesses wrong passwords at an account or from
// an address, further credentials are not looked at for a time that doubles with
// each further wrong one.
const (
	freeGuesses = 5
	firstBrake  = time.Second
	// longestAccount is short: it also holds up the owner at an unknown address.
	longestAccount = 60 * time.Second
	longestSource  = 15 * time.Minute
	// guessesKept bounds what is remembered of each sort, in two generations.
	guessesKept = 4096
)

// misses counts wrong passwords in a row at one account or from one address.
type misses struct {
	count int
	until time.Time
}

// brakes are bounded memories of guesses. An attacker with more addresses than fit
// makes them be forgotten; the account's own brake still holds him.
type brakes struct {
	mu                  sync.Mutex
	seed                maphash.Seed
	sources, accounts   map[uint64]*misses
	sources2, accounts2 map[uint64]*misses
}

func (k *brakes) init() {
	k.seed = maphash.MakeSeed()
	k.sources, k.accounts = map[uint64]*misses{}, map[uint64]*misses{}
}

// closed says whether credentials of this account from this address are not
// looked at now.
func (k *brakes) closed(source netip.Addr, username string, now time.Time) bool {
	s, a := maphash.Comparable(k.seed, source), maphash.String(k.seed, username)
	k.mu.Lock()
	defer k.mu.Unlock()
	return look(k.sources, k.sources2, s).closed(now) || look(k.accounts, k.accounts2, a).closed(now)
}

func (m *misses) closed(now time.Time) bool { return m != nil && now.Before(m.until) }

// failed notes a wrong password and says whether a brake begins with it.
func (k *brakes) failed(source netip.Addr, username string, now time.Time) bool {
	s, a := maphash.Comparable(k.seed, source), maphash.String(k.seed, username)
	k.mu.Lock()
	defer k.mu.Unlock()
	first := enter(&k.sources, &k.sources2, s).miss(now, longestSource)
	return enter(&k.accounts, &k.accounts2, a).miss(now, longestAccount) || first
}

func (m *misses) miss(now time.Time, longest time.Duration) (began bool) {
	if !m.until.IsZero() && now.Sub(m.until) > 2*longest {
		*m = misses{} // long ago
	}
	m.count++
	if m.count < freeGuesses {
		m.until = now // nothing is closed, but the time counts for "long ago"
		return false
	}
	wait := firstBrake << min(m.count-freeGuesses, 20)
	m.until = now.Add(min(wait, longest))
	return m.count == freeGuesses
}

// passed forgets the guesses of an address that has shown the right password; the
// account's brake goes on for others.
func (k *brakes) passed(source netip.Addr, username string) {
	s := maphash.Comparable(k.seed, source)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.sources, s)
	delete(k.sources2, s)
}

func look(now, old map[uint64]*misses, key uint64) *misses {
	if m := now[key]; m != nil {
		return m
	}
	return old[key]
}

// enter finds or makes an entry of the younger generation.
func enter(now, old *map[uint64]*misses, key uint64) *misses {
	if m := (*now)[key]; m != nil {
		return m
	}
	m := (*old)[key]
	if m == nil {
		m = &misses{}
	}
	if len(*now) >= guessesKept {
		*old, *now = *now, make(map[uint64]*misses, guessesKept)
	}
	(*now)[key] = m
	return m
}
