package media

import (
	"crypto/rand"
	"encoding/binary"
	mrand "math/rand/v2"
)

// random gives the SSRCs and the first sequence numbers and time stamps, which
// RFC 3550 section 8 wants hard to guess.
type random struct{ *mrand.ChaCha8 }

func newRandom() random {
	var seed [32]byte
	rand.Read(seed[:]) // never fails (crypto/rand)
	return random{mrand.NewChaCha8(seed)}
}

func (r random) uint32() uint32 { return uint32(r.Uint64()) }

// name is a random CNAME of RFC 7022.
func (r random) name() (n [16]byte) {
	const hex = "0123456789abcdef"
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], r.Uint64())
	for i, v := range b {
		n[2*i], n[2*i+1] = hex[v>>4], hex[v&15]
	}
	return n
}
