package auth

import (
	"net/netip"
	"sync"
	"time"
)

// backoff counts failed attempts and says how long the next one has to wait. A
// key is an account name or a source address; the first freeTries are free, then
// the wait doubles from one second up to max. A key is forgotten a while after
// its last failure, or when it is among the oldest of more than maxKeys.
type backoff struct {
	max time.Duration
	mu  sync.Mutex
	by  map[string]*tries
}

type tries struct {
	failed int
	last   time.Time
	until  time.Time
}

const (
	freeTries   = 4
	maxKeys     = 4096 // a table of 4,096 keys is below 1 MiB
	forgetAfter = 30 * time.Minute
)

func newBackoff(longest time.Duration) *backoff {
	return &backoff{max: longest, by: map[string]*tries{}}
}

// wait returns how long key still has to wait; 0 when it may try now.
func (b *backoff) wait(key string, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.by[key]
	if t == nil || !now.Before(t.until) {
		return 0
	}
	if left := t.until.Sub(now); left <= b.max {
		return left
	}
	// The wall clock went back by hours: start the wait anew.
	t.until = now.Add(b.max)
	return b.max
}

// fail counts a failed attempt of key.
func (b *backoff) fail(key string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.by[key]
	if t == nil {
		b.makeRoom(now)
		t = &tries{}
		b.by[key] = t
	}
	if now.Sub(t.last) > forgetAfter {
		t.failed = 0
	}
	t.failed++
	t.last = now
	if n := t.failed - freeTries; n >= 0 {
		d := b.max
		if n < 20 && time.Second<<n < b.max {
			d = time.Second << n
		}
		t.until = now.Add(d)
	}
}

// forget clears key after a success.
func (b *backoff) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.by, key)
}

func (b *backoff) makeRoom(now time.Time) {
	if len(b.by) < maxKeys {
		return
	}
	var oldest string
	var at time.Time
	for k, t := range b.by {
		if now.Sub(t.last) > forgetAfter {
			delete(b.by, k)
			continue
		}
		if oldest == "" || t.last.Before(at) {
			oldest, at = k, t.last
		}
	}
	if len(b.by) >= maxKeys {
		delete(b.by, oldest)
	}
}

// sourceKey is the key of a source address: the address for IPv4, the /64 for
// IPv6, since one host owns all of that.
func sourceKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// OnLAN reports whether an address is of the local network: private, link-local
// or loopback (RFC 1918, RFC 4193, RFC 3927, RFC 4291).
func OnLAN(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
}
