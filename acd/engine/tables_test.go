package engine

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestTablesAreMaps holds the engine's own tables against Go's maps under random
// puts, drops and looks.
func TestTablesAreMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var offers offerTable
		contacts := newContactTable()
		slots := make([]contact, 0, 64)
		wantOffer, wantSlot := map[OfferID]int32{}, map[ContactID]int32{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			o := OfferID(rapid.IntRange(1, 90).Draw(t, "offer"))
			id := ContactID(fmt.Sprint("c", rapid.IntRange(1, 90).Draw(t, "contact")))
			if rapid.Bool().Draw(t, "put") {
				a := int32(rapid.IntRange(0, 50).Draw(t, "agent"))
				offers.put(o, a)
				wantOffer[o] = a
				if _, ok := wantSlot[id]; !ok {
					slots = append(slots, contact{id: id})
					contacts.put(int32(len(slots)-1), contacts.hash(id))
					wantSlot[id] = int32(len(slots) - 1)
				}
			} else {
				offers.drop(o)
				delete(wantOffer, o)
				if slot, ok := wantSlot[id]; ok {
					contacts.drop(slot, contacts.hash(id))
				}
				delete(wantSlot, id)
			}
			for o := OfferID(0); o <= 91; o++ {
				got, ok := offers.get(o)
				if want, is := wantOffer[o]; ok != is || got != want {
					t.Fatalf("offer %d: %d %v, want %d %v", o, got, ok, want, is)
				}
			}
			for n := range 92 {
				id := ContactID(fmt.Sprint("c", n))
				got, ok := contacts.get(slots, id, contacts.hash(id))
				if want, is := wantSlot[id]; ok != is || got != want {
					t.Fatalf("contact %s: %d %v, want %d %v", id, got, ok, want, is)
				}
			}
		}
	})
}

// TestMemoForgetsTheOldest: the newest of each key up to the limit, oldest first.
func TestMemoForgetsTheOldest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 6).Draw(t, "limit")
		m := newMemo[int, int](limit)
		var want [][2]int // oldest first
		drop := func(k int) {
			for i, w := range want {
				if w[0] == k {
					want = append(want[:i:i], want[i+1:]...)
					return
				}
			}
		}
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			k := rapid.IntRange(0, 9).Draw(t, "key")
			drop(k)
			if rapid.IntRange(0, 3).Draw(t, "drop") == 0 {
				m.drop(k)
			} else {
				m.put(k, n)
				if len(want) == limit {
					want = want[1:]
				}
				want = append(want, [2]int{k, n})
			}
			var got [][2]int
			m.each(func(k int, v *int) { got = append(got, [2]int{k, *v}) })
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("remembers %v, want %v", got, want)
			}
			for _, w := range want {
				if v, ok := m.get(w[0]); !ok || v != w[1] {
					t.Fatalf("%d is %d %v, want %d", w[0], v, ok, w[1])
				}
			}
		}
	})
}
