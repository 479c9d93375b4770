package engine

import "hash/maphash"

// contactTable finds the slot of a contact by its id: open addressing with linear
// probing, at most half full. Which place an id gets depends on the process, what
// is found does not.
type contactTable struct {
	seed  maphash.Seed
	at    []contactEntry // a power of two; slot 0 is stored as 1, 0 is free
	count int
}

type contactEntry struct {
	hash uint32
	slot int32 // plus 1
}

func newContactTable() contactTable {
	return contactTable{seed: maphash.MakeSeed(), at: make([]contactEntry, 64)}
}

func (t *contactTable) hash(id ContactID) uint32 { return uint32(maphash.String(t.seed, string(id))) }

// get returns the slot of an id that has this hash.
func (t *contactTable) get(contacts []contact, id ContactID, hash uint32) (slot int32, ok bool) {
	mask := len(t.at) - 1
	for pos := int(hash) & mask; t.at[pos].slot != 0; pos = (pos + 1) & mask {
		if e := t.at[pos]; e.hash == hash && contacts[e.slot-1].id == id {
			return e.slot - 1, true
		}
	}
	return 0, false
}

// put adds a slot whose id has this hash and is not in the table.
func (t *contactTable) put(slot int32, hash uint32) {
	if 2*(t.count+1) > len(t.at) {
		old := t.at
		t.at = make([]contactEntry, 2*len(old))
		for _, e := range old {
			if e.slot != 0 {
				t.insert(e)
			}
		}
	}
	t.insert(contactEntry{hash, slot + 1})
	t.count++
}

func (t *contactTable) insert(e contactEntry) {
	mask := len(t.at) - 1
	i := int(e.hash) & mask
	for t.at[i].slot != 0 {
		i = (i + 1) & mask
	}
	t.at[i] = e
}

// drop takes a slot whose id has this hash out, which must be in the table, and moves
// up those that had to stand behind it.
func (t *contactTable) drop(slot int32, hash uint32) {
	t.count--
	mask := len(t.at) - 1
	i := int(hash) & mask
	for t.at[i].slot != slot+1 {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; t.at[j].slot != 0; j = (j + 1) & mask {
		if (j-int(t.at[j].hash))&mask >= (j-i)&mask {
			t.at[i] = t.at[j]
			i = j
		}
	}
	t.at[i] = contactEntry{}
}

// find returns the slot of a contact.
func (s *State) find(id ContactID) (slot int32, ok bool) {
	return s.contactAt.get(s.contacts, id, s.contactAt.hash(id))
}
