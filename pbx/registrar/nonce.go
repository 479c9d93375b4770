package registrar

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A nonce is 24 octets in base64: milliseconds since the registrar began (6), a
// running number (4), and 14 octets of HMAC-SHA-256 over both and the address it
// was given to, under a key of this run. So nothing is kept for a challenge; what
// is kept is the use of nonces that proved good, to refuse replays.
const (
	nonceHead = 10
	nonceSize = 24
	nonceLen  = nonceSize / 3 * 4

	// repeatTime is how long a retransmission of a request is taken for one
	// (RFC 3261 timer J).
	repeatTime = 32 * time.Second

	// usesKept bounds the used nonces of one generation: as many registrations
	// with a nonce of their own as may come in one life of a nonce.
	usesKept = 1 << 15
)

// verdict about a nonce and its count.
type verdict int

const (
	good   verdict = iota
	repeat         // the very request that was seen a moment ago
	stale          // too old, of another address or not ours
	replay         // its count was used before
)

// use is what is kept of a nonce that proved good: a window over its counts as in
// RFC 4303 3.4.3.
type use struct {
	high  uint32
	seen  uint64 // bit i: high-i was used
	last  uint64 // hash of the last request
	since time.Time
}

type nonces struct {
	key   []byte
	begin time.Time
	life  time.Duration
	seq   atomic.Uint32
	macs  sync.Pool // of hash.Hash keyed with key

	mu sync.Mutex
	// Two generations by time of issue; what is older than the second is stale. A
	// generation ends after life, or when it is full.
	started, before time.Duration // begin of the first and second
	now, old        map[[nonceHead]byte]*use
}

func (n *nonces) init(random func([]byte), life time.Duration, begin time.Time) {
	n.key = make([]byte, 32)
	random(n.key)
	n.begin, n.life = begin, life
	n.macs.New = func() any { return hmac.New(sha256.New, n.key) }
	n.now, n.old = map[[nonceHead]byte]*use{}, map[[nonceHead]byte]*use{}
}

// issue returns a fresh nonce for an address.
func (n *nonces) issue(to netip.Addr, now time.Time) string {
	var b [nonceSize]byte
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(now.Sub(n.begin), 0).Milliseconds()))
	copy(b[:6], ms[2:])
	binary.BigEndian.PutUint32(b[6:], n.seq.Add(1))
	n.mac(b[:nonceHead], to, b[nonceHead:])
	return base64.StdEncoding.EncodeToString(b[:])
}

func (n *nonces) mac(head []byte, to netip.Addr, out []byte) {
	m := n.macs.Get().(hash.Hash)
	defer n.macs.Put(m)
	m.Reset()
	ip := to.As16()
	var sum [sha256.Size]byte
	var in [nonceHead + 16]byte
	copy(in[:], head)
	copy(in[nonceHead:], ip[:])
	m.Write(in[:])
	copy(out, m.Sum(sum[:0]))
}

// genuine checks that a nonce was given to this address in this run.
func (n *nonces) genuine(nonce string, from netip.Addr) (head [nonceHead]byte, ok bool) {
	var b [nonceSize + 2]byte
	if len(nonce) != nonceLen {
		return head, false
	}
	if k, err := base64.StdEncoding.Decode(b[:], []byte(nonce)); err != nil || k != nonceSize {
		return head, false
	}
	copy(head[:], b[:])
	var want [nonceSize - nonceHead]byte
	n.mac(head[:], from, want[:])
	return head, hmac.Equal(want[:], b[nonceHead:nonceSize])
}

// take uses count nc of a nonce for the request with this hash. nc 0 stands for a
// request without count (no qop), which uses the nonce up.
func (n *nonces) take(nonce string, from netip.Addr, nc uint32, request uint64, now time.Time) verdict {
	head, ok := n.genuine(nonce, from)
	if !ok {
		return stale
	}
	var ms [8]byte
	copy(ms[2:], head[:6])
	issued := time.Duration(binary.BigEndian.Uint64(ms[:])) * time.Millisecond
	at := now.Sub(n.begin)
	if at-issued > 2*n.life {
		return stale
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if at-n.started > n.life || len(n.now) >= usesKept {
		n.old, n.now = n.now, map[[nonceHead]byte]*use{}
		n.before, n.started = n.started, at
	}
	generation := n.now
	switch {
	case issued < n.before:
		return stale
	case issued < n.started:
		generation = n.old
	}
	u := generation[head]
	if u == nil {
		if len(generation) >= 2*usesKept {
			return stale
		}
		u = &use{}
		generation[head] = u
	}
	return u.count(nc, request, now)
}

// count checks and marks one count.
func (u *use) count(nc uint32, request uint64, now time.Time) verdict {
	if u.high != 0 && request == u.last && now.Sub(u.since) < repeatTime {
		return repeat
	}
	if nc == 0 {
		if u.high != 0 {
			return replay
		}
		nc = ^uint32(0) // nothing is left of this nonce
	}
	switch {
	case nc > u.high:
		if shift := nc - u.high; shift < 64 {
			u.seen <<= shift
		} else {
			u.seen = 0
		}
		u.seen |= 1
		u.high = nc
	case u.high-nc >= 64 || u.seen&(1<<(u.high-nc)) != 0:
		return replay
	default:
		u.seen |= 1 << (u.high - nc)
	}
	u.last, u.since = request, now
	return good
}
