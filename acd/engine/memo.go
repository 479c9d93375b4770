package engine

// memo remembers what was put in last under each key, and forgets the oldest when
// it is full. It allocates nothing once it has been full.
type memo[K comparable, V any] struct {
	limit int
	at    map[K]int32
	slots []memory[K, V] // slot 0 is the ring's head: its next is the oldest, its prev the newest
	free  []int32
}

type memory[K comparable, V any] struct {
	key        K
	val        V
	prev, next int32
}

func newMemo[K comparable, V any](limit int) memo[K, V] {
	return memo[K, V]{limit: limit, at: map[K]int32{}, slots: make([]memory[K, V], 1)}
}

func (m *memo[K, V]) get(k K) (v V, ok bool) {
	if len(m.at) == 0 {
		return v, false
	}
	i, ok := m.at[k]
	if !ok {
		return v, false
	}
	return m.slots[i].val, true
}

// put remembers v as the newest.
func (m *memo[K, V]) put(k K, v V) {
	m.drop(k)
	if len(m.at) >= m.limit {
		m.drop(m.slots[m.slots[0].next].key)
	}
	var i int32
	if n := len(m.free); n > 0 {
		i = m.free[n-1]
		m.free = m.free[:n-1]
	} else {
		i = int32(len(m.slots))
		m.slots = append(m.slots, memory[K, V]{})
	}
	newest := m.slots[0].prev
	m.slots[i] = memory[K, V]{k, v, newest, 0}
	m.slots[newest].next, m.slots[0].prev = i, i
	m.at[k] = i
}

func (m *memo[K, V]) drop(k K) {
	if len(m.at) == 0 {
		return
	}
	i, ok := m.at[k]
	if !ok {
		return
	}
	delete(m.at, k)
	x := &m.slots[i]
	m.slots[x.prev].next, m.slots[x.next].prev = x.next, x.prev
	*x = memory[K, V]{}
	m.free = append(m.free, i)
}

// each calls f for what is remembered, the oldest first.
func (m *memo[K, V]) each(f func(K, *V)) {
	for i := m.slots[0].next; i != 0; i = m.slots[i].next {
		f(m.slots[i].key, &m.slots[i].val)
	}
}
