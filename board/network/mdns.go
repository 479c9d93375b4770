package network

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Multicast DNS (RFC 6762): where it is spoken, how long records last, and the times of
// probing and announcing (clauses 8.1, 8.3, 10).
const (
	mdnsPort     = 5353
	hostTTL      = 120  // of addresses and what leads to them, in seconds
	serviceTTL   = 4500 // of the rest
	legacyTTL    = 10   // for askers that are no neighbours in the sense of RFC 6762, clause 6.7
	probeCount   = 3
	probeGap     = 250 * time.Millisecond
	lostWait     = time.Second // after another host wanted the name at the same moment, and won
	announceGap  = time.Second
	announceMore = 2           // announcements
	sharedLeast  = 20          // milliseconds before an answer that others may give, too
	sharedMost   = 120         //
	oftenGap     = time.Second // between two answers with the same record to everybody
	manyLost     = 15          // conflicts after which probing is slow (clause 8.1)
	slowProbe    = 5 * time.Second
)

var mdnsGroup = netip.AddrPortFrom(netip.AddrFrom4([4]byte{224, 0, 0, 251}), mdnsPort)

// Names of service discovery (RFC 6763 clauses 4, 9).
const (
	httpService = "_http._tcp.local"
	allServices = "_services._dns-sd._udp.local"
)

// outgoing is a message and whom it goes to; the group, unless to one asker.
type outgoing struct {
	b  []byte
	to netip.AddrPort
}

// responder gives the box its name.local on one interface. It is pure: the caller tells
// it addresses, messages and the time, sends what it returns, and calls tick at due.
//
//	silent ──address──▶ probing ──nobody minds──▶ announcing ──▶ owner
//	   ▲ address gone      │ ▲ somebody has it: another name         │
//	   └──────────────────-┘ └──────────────a conflict───────────────┘
type responder struct {
	base   string // the name that is wished for
	tries  int    // other hosts that had it
	port   uint16 // of the page
	prefix netip.Prefix
	chance func(n int) int // of 0 to n-1

	phase  phase
	count  int // probes or announcements sent
	next   time.Time
	sent   map[string]time.Time // when a record went to everybody last
	late   []record             // answers that wait until lateAt
	lateAt time.Time
}

type phase string

const (
	quiet      phase = ""
	probing    phase = "probing"
	announcing phase = "announcing"
	owner      phase = "owner"
)

func newResponder(name string, port uint16) *responder {
	return &responder{base: name, port: port, chance: rand.IntN, sent: map[string]time.Time{}}
}

// label is the name without ".local": "centralino", after a conflict "centralino-2".
func (r *responder) label() string {
	if r.tries == 0 {
		return r.base
	}
	end := "-" + strconv.Itoa(r.tries+1)
	return strings.TrimRight(r.base[:min(len(r.base), 63-len(end))], "-") + end
}

func (r *responder) host() string     { return r.label() + ".local" }
func (r *responder) instance() string { return r.label() + "." + httpService }

// known reports that the name is the box's own.
func (r *responder) known() bool { return r.phase == announcing || r.phase == owner }

// unique are the records that only the box may have; shared those that others have, too.
func (r *responder) unique() []record {
	a := r.prefix.Addr().As4()
	srv := binary.BigEndian.AppendUint16(make([]byte, 4), r.port)
	return []record{
		{r.host(), typeA, true, hostTTL, a[:]},
		{r.instance(), typeSRV, true, hostTTL, appendName(srv, r.host())},
		{r.instance(), typeTXT, true, serviceTTL, []byte{0}},
	}
}

func (r *responder) shared() []record {
	return []record{
		{httpService, typePTR, false, serviceTTL, appendName(nil, r.instance())},
		{allServices, typePTR, false, serviceTTL, appendName(nil, httpService)},
	}
}

// nothing says which types of records a name of ours has, so that nobody waits for others
// (RFC 6762 clause 6.1).
func (r *responder) nothing(name string) record {
	data := appendName(nil, name)
	if strings.EqualFold(name, r.host()) {
		data = append(data, 0, 1, 0x40) // A
	} else {
		data = append(data, 0, 5, 0, 0, 0x80, 0, 0x40) // TXT, SRV
	}
	return record{name, typeNSEC, true, hostTTL, data}
}

// setAddress begins anew with an address of IPv4; the invalid prefix ends it. What was
// said before is taken back by farewell, which the caller sends first.
func (r *responder) setAddress(p netip.Prefix, now time.Time) {
	r.prefix = p
	if !p.IsValid() || !p.Addr().Is4() {
		r.phase, r.next = quiet, time.Time{}
		return
	}
	r.probe(now.Add(time.Duration(r.chance(250)) * time.Millisecond))
}

// probe asks at an instant, and twice more, whether somebody has the name.
func (r *responder) probe(at time.Time) {
	r.phase, r.count, r.next = probing, 0, at
	r.late, r.sent = nil, map[string]time.Time{}
}

// farewell takes back what was announced (clause 10.1); nothing if nothing was.
func (r *responder) farewell() []outgoing {
	if !r.known() {
		return nil
	}
	list := append(r.unique(), r.shared()[0])
	for i := range list {
		list[i].ttl = 0
	}
	return everybody(&packet{answer: true, answers: list})
}

func everybody(p *packet) []outgoing { return []outgoing{{p.marshal(), mdnsGroup}} }

// due says when tick has something to do; zero: never.
func (r *responder) due() time.Time {
	if r.next.IsZero() || len(r.late) > 0 && r.lateAt.Before(r.next) {
		if len(r.late) > 0 {
			return r.lateAt
		}
	}
	return r.next
}

// tick does what is due.
func (r *responder) tick(now time.Time) (out []outgoing) {
	if len(r.late) > 0 && !now.Before(r.lateAt) {
		out = append(out, r.toAll(r.late, now)...)
		r.late = nil
	}
	if r.next.IsZero() || now.Before(r.next) {
		return out
	}
	switch r.phase {
	case probing:
		if r.count == probeCount {
			r.phase, r.count = announcing, 0
			return append(out, r.announce(now)...)
		}
		r.count++
		r.next = now.Add(probeGap)
		// Both names in question stand in one message, with what we would say of them.
		p := &packet{questions: []question{{r.host(), typeANY, true}, {r.instance(), typeANY, true}}}
		for _, rec := range r.unique() {
			rec.flush = false
			p.authority = append(p.authority, rec)
		}
		return append(out, everybody(p)...)
	case announcing:
		return append(out, r.announce(now)...)
	}
	return out
}

func (r *responder) announce(now time.Time) []outgoing {
	r.count++
	if r.next = now.Add(announceGap); r.count >= announceMore {
		r.phase, r.next = owner, time.Time{}
	}
	list := append(r.unique(), r.shared()...)
	for _, rec := range list {
		r.sent[key(rec)] = now
	}
	return everybody(&packet{answer: true, answers: list})
}

func key(r record) string { return strconv.Itoa(int(r.kind)) + strings.ToLower(r.name) }

// toAll sends records to everybody, without those that went a moment ago.
func (r *responder) toAll(list []record, now time.Time) []outgoing {
	list = slices.DeleteFunc(slices.Clone(list), func(rec record) bool {
		last, ok := r.sent[key(rec)]
		return ok && now.Sub(last) < oftenGap
	})
	if len(list) == 0 {
		return nil
	}
	for _, rec := range list {
		r.sent[key(rec)] = now
	}
	return everybody(&packet{answer: true, answers: list, more: r.beside(list)})
}

// beside are the records that who asked for these ones will ask for next.
func (r *responder) beside(list []record) (more []record) {
	for _, rec := range r.unique() {
		has := slices.ContainsFunc(list, rec.about)
		if !has && (slices.ContainsFunc(list, func(l record) bool { return l.kind == typePTR && strings.EqualFold(l.name, httpService) }) ||
			rec.kind == typeA && slices.ContainsFunc(list, func(l record) bool { return l.kind == typeSRV })) {
			more = append(more, rec)
		}
	}
	return more
}

// receive takes a message and returns the answers to it. What comes from another network
// is not heard (clause 11).
func (r *responder) receive(b []byte, from netip.AddrPort, now time.Time) []outgoing {
	if r.phase == quiet || !r.prefix.Contains(from.Addr()) || from.Addr() == r.prefix.Addr() {
		return nil
	}
	p, err := parseDNS(b)
	if err != nil {
		return nil
	}
	if p.answer {
		if from.Port() == mdnsPort {
			r.heard(p, now)
		}
		return nil
	}
	if r.phase == probing {
		r.rival(p, now)
		return nil
	}
	return r.reply(p, from, now)
}

// heard looks whether somebody else says that a name of ours is his.
func (r *responder) heard(p *packet, now time.Time) {
	for _, rec := range slices.Concat(p.answers, p.more) {
		if rec.ttl == 0 {
			continue // somebody takes it back
		}
		for _, own := range r.unique() {
			if !rec.about(own) || rec.same(own) {
				continue
			}
			if r.known() { // clause 9: both probe again, and who has it then keeps it
				r.probe(now.Add(time.Duration(r.chance(250)) * time.Millisecond))
				return
			}
			r.tries++
			wait := time.Duration(0)
			if r.tries >= manyLost {
				wait = slowProbe
			}
			r.probe(now.Add(wait))
			return
		}
	}
}

// rival looks whether somebody else probes for a name of ours at the same moment. Whose
// records come later in order wins; the other one waits and asks again (clause 8.2).
func (r *responder) rival(p *packet, now time.Time) {
	for _, name := range []string{r.host(), r.instance()} {
		mine := ordered(r.unique(), name)
		theirs := ordered(p.authority, name)
		if len(theirs) > 0 && slices.CompareFunc(mine, theirs, compareRecords) < 0 {
			r.probe(now.Add(lostWait))
			return
		}
	}
}

// ordered are the records of a name in the order of clause 8.2.1.
func ordered(list []record, name string) []record {
	list = slices.DeleteFunc(slices.Clone(list), func(rec record) bool { return !strings.EqualFold(rec.name, name) })
	slices.SortFunc(list, compareRecords)
	return list
}

func compareRecords(a, b record) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), bytes.Compare(a.data, b.data))
}

// reply answers what was asked.
func (r *responder) reply(p *packet, from netip.AddrPort, now time.Time) []outgoing {
	var direct, all []record
	add := func(list *[]record, rec record) {
		asked := func(k record) bool { return k.same(rec) && k.ttl >= rec.ttl/2 } // clause 7.1
		if !slices.ContainsFunc(*list, rec.same) && !slices.ContainsFunc(p.answers, asked) {
			*list = append(*list, rec)
		}
	}
	legacy := from.Port() != mdnsPort
	for _, q := range p.questions {
		list := &all
		if q.unicast || legacy {
			list = &direct
		}
		ours := strings.EqualFold(q.name, r.host()) || strings.EqualFold(q.name, r.instance())
		found := false
		for _, rec := range slices.Concat(r.unique(), r.shared()) {
			if strings.EqualFold(rec.name, q.name) && (q.kind == rec.kind || q.kind == typeANY) {
				found = true
				add(list, rec)
			}
		}
		if ours && !found {
			add(list, r.nothing(q.name))
		}
	}
	var out []outgoing
	if len(direct) > 0 {
		out = append(out, outgoing{r.directly(p, direct, legacy).marshal(), from})
	}
	if len(all) == 0 {
		return out
	}
	if slices.ContainsFunc(all, func(rec record) bool { return !rec.flush }) { // others answer, too
		if len(r.late) == 0 {
			r.lateAt = now.Add(time.Duration(sharedLeast+r.chance(sharedMost-sharedLeast)) * time.Millisecond)
		}
		for _, rec := range all {
			if !slices.ContainsFunc(r.late, rec.same) {
				r.late = append(r.late, rec)
			}
		}
		return out
	}
	if len(p.authority) > 0 { // a probe is always answered, at once
		for _, rec := range all {
			delete(r.sent, key(rec))
		}
	}
	return append(out, r.toAll(all, now)...)
}

// directly is an answer to one asker. One that does not speak multicast DNS gets it as
// from any other name server (clause 6.7).
func (r *responder) directly(p *packet, list []record, legacy bool) *packet {
	a := &packet{answer: true, answers: slices.Clone(list), more: r.beside(list)}
	if !legacy {
		return a
	}
	a.id, a.questions = p.id, p.questions
	for _, l := range [][]record{a.answers, a.more} {
		for i := range l {
			l[i].flush, l[i].ttl = false, min(l[i].ttl, legacyTTL)
		}
	}
	return a
}
