package engine

import "math/bits"

// slots is a set of agent slots.
type slots []uint64

// grow makes room for n slots.
func (b *slots) grow(n int) {
	for len(*b)*64 < n {
		*b = append(*b, 0)
	}
}

func (b slots) set(i int32)      { b[i>>6] |= 1 << (i & 63) }
func (b slots) clear(i int32)    { b[i>>6] &^= 1 << (i & 63) }
func (b slots) has(i int32) bool { return b[i>>6]&(1<<(i&63)) != 0 }

// meets reports whether both sets share a slot.
func (b slots) meets(c slots) bool {
	for i := range b {
		if b[i]&c[i] != 0 {
			return true
		}
	}
	return false
}

// next returns the first slot not before i that is in both sets, or -1.
func (b slots) next(c slots, i int32) int32 {
	w := int(i >> 6)
	if w >= len(b) {
		return -1
	}
	word := b[w] & c[w] &^ (1<<(i&63) - 1)
	for word == 0 {
		w++
		if w >= len(b) {
			return -1
		}
		word = b[w] & c[w]
	}
	return int32(w<<6 + bits.TrailingZeros64(word))
}

// empty reports whether no slot is in the set.
func (b slots) empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

// put adds a slot to the set or takes it out.
func (b slots) put(i int32, in bool) {
	if in {
		b.set(i)
	} else {
		b.clear(i)
	}
}

// common returns how many slots are in both sets.
func (b slots) common(c slots) (n int) {
	for i := range b {
		n += bits.OnesCount64(b[i] & c[i])
	}
	return n
}

// common2 returns how many slots are in all three.
func (b slots) common2(c, d slots) (n int) {
	for i := range b {
		n += bits.OnesCount64(b[i] & c[i] & d[i])
	}
	return n
}
