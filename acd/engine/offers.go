package engine

// offerTable finds the agent of an offer that rings or has become a talk: open
// addressing with linear probing, at most half full. The zero value is empty.
type offerTable struct {
	at    []offerEntry // a power of two; offer 0 is free
	count int
}

type offerEntry struct {
	offer OfferID
	agent int32
}

// home is where an offer belongs: neighbours in number, as most are, stand far apart.
func (t *offerTable) home(o OfferID) int {
	return int(uint64(o) * 0x9e3779b97f4a7c15 >> 32 & uint64(len(t.at)-1))
}

func (t *offerTable) get(o OfferID) (agent int32, ok bool) {
	if t.count == 0 || o == 0 {
		return 0, false
	}
	for i := t.home(o); t.at[i].offer != 0; i = (i + 1) & (len(t.at) - 1) {
		if t.at[i].offer == o {
			return t.at[i].agent, true
		}
	}
	return 0, false
}

// put adds an offer.
func (t *offerTable) put(o OfferID, agent int32) {
	if 2*(t.count+1) > len(t.at) {
		old := t.at
		*t = offerTable{at: make([]offerEntry, max(16, 2*len(old)))}
		for _, e := range old {
			if e.offer != 0 {
				t.put(e.offer, e.agent)
			}
		}
	}
	i := t.home(o)
	for t.at[i].offer != 0 && t.at[i].offer != o {
		i = (i + 1) & (len(t.at) - 1)
	}
	if t.at[i].offer == 0 {
		t.count++
	}
	t.at[i] = offerEntry{o, agent}
}

// drop takes an offer out, if it is in the table, and moves up those that had to
// stand behind it.
func (t *offerTable) drop(o OfferID) {
	if t.count == 0 || o == 0 {
		return
	}
	mask := len(t.at) - 1
	i := t.home(o)
	for t.at[i].offer != o {
		if t.at[i].offer == 0 {
			return
		}
		i = (i + 1) & mask
	}
	t.count--
	for j := (i + 1) & mask; t.at[j].offer != 0; j = (j + 1) & mask {
		if (j-t.home(t.at[j].offer))&mask >= (j-i)&mask { // its place is not behind the gap
			t.at[i] = t.at[j]
			i = j
		}
	}
	t.at[i] = offerEntry{}
}
