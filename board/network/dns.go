package network

import (
	"encoding/binary"
	"errors"
	"strings"
)

// Types of DNS records (RFC 1035 clause 3.2.2, RFC 2782, RFC 4034).
const (
	typeA    = 1
	typePTR  = 12
	typeTXT  = 16
	typeSRV  = 33
	typeNSEC = 47
	typeANY  = 255
)

// The class of all records; its upper bit says of a question that the answer may come to
// the asker alone, and of a record that it replaces what is known (RFC 6762 clauses 5.4,
// 10.2).
const (
	classIN  = 1
	classTop = 1 << 15
)

// question is what somebody asks on the network.
type question struct {
	name    string
	kind    uint16
	unicast bool
}

// record is a resource record. Names in its data are written out.
type record struct {
	name  string
	kind  uint16
	flush bool
	ttl   uint32
	data  []byte
}

// same reports records that say the same.
func (r record) same(o record) bool {
	return r.about(o) && string(r.data) == string(o.data)
}

// about reports records of the same name and type.
func (r record) about(o record) bool { return r.kind == o.kind && strings.EqualFold(r.name, o.name) }

// packet is a DNS message (RFC 1035 clause 4), as multicast DNS uses it.
type packet struct {
	id        uint16
	answer    bool // it answers, or announces
	questions []question
	answers   []record
	authority []record // of a probe: what its sender would like to have
	more      []record
}

const (
	dnsHeader  = 12
	dnsAnswer  = 0x8400 // an answer with authority
	dnsRecords = 64     // of a message that are read
)

var errDNS = errors.New("not a DNS message")

// marshal writes the packet, no name shortened.
func (p *packet) marshal() []byte {
	b := make([]byte, dnsHeader, 512)
	binary.BigEndian.PutUint16(b, p.id)
	if p.answer {
		binary.BigEndian.PutUint16(b[2:], dnsAnswer)
	}
	for i, n := range []int{len(p.questions), len(p.answers), len(p.authority), len(p.more)} {
		binary.BigEndian.PutUint16(b[4+2*i:], uint16(n))
	}
	for _, q := range p.questions {
		b = appendName(b, q.name)
		b = binary.BigEndian.AppendUint16(b, q.kind)
		b = binary.BigEndian.AppendUint16(b, classOf(q.unicast))
	}
	for _, list := range [][]record{p.answers, p.authority, p.more} {
		for _, r := range list {
			b = appendName(b, r.name)
			b = binary.BigEndian.AppendUint16(b, r.kind)
			b = binary.BigEndian.AppendUint16(b, classOf(r.flush))
			b = binary.BigEndian.AppendUint32(b, r.ttl)
			b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
			b = append(b, r.data...)
		}
	}
	return b
}

func classOf(top bool) uint16 {
	if top {
		return classIN | classTop
	}
	return classIN
}

// appendName writes a name of labels parted by dots.
func appendName(b []byte, name string) []byte {
	for label := range strings.SplitSeq(name, ".") {
		b = append(b, byte(len(label)))
		b = append(b, label...)
	}
	return append(b, 0)
}

// parseDNS reads a message. Records of other classes than the internet's are left out.
func parseDNS(b []byte) (*packet, error) {
	if len(b) < dnsHeader || b[2]&0x78 != 0 { // another operation than a query
		return nil, errDNS
	}
	p := &packet{id: binary.BigEndian.Uint16(b), answer: b[2]&0x80 != 0}
	r := reader{b: b, at: dnsHeader}
	left := dnsRecords
	for range binary.BigEndian.Uint16(b[4:]) {
		if left--; left < 0 {
			return nil, errDNS
		}
		q := question{name: r.name(), kind: r.two()}
		class := r.two()
		if r.bad {
			return nil, errDNS
		}
		q.unicast = class&classTop != 0
		if class &^= classTop; class == classIN || class == typeANY {
			p.questions = append(p.questions, q)
		}
	}
	for i, list := range []*[]record{&p.answers, &p.authority, &p.more} {
		for range binary.BigEndian.Uint16(b[6+2*i:]) {
			if left--; left < 0 {
				return nil, errDNS
			}
			rec, class := r.record()
			if r.bad {
				return nil, errDNS
			}
			if class == classIN {
				*list = append(*list, rec)
			}
		}
	}
	return p, nil
}

// reader reads a message; bad is set once it ends too early.
type reader struct {
	b   []byte
	at  int
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || r.at+n > len(r.b) {
		r.bad = true
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *reader) two() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// name reads a name (RFC 1035 clauses 3.1, 4.1.4). A label with a dot in it is none of
// ours; the dot is written as another character.
func (r *reader) name() string {
	var labels []string
	end, length := -1, 0
	for jumps := 0; ; {
		n := r.take(1)
		switch {
		case n == nil:
			return ""
		case n[0] == 0:
			if end >= 0 {
				r.at = end
			}
			return strings.Join(labels, ".")
		case n[0]&0xc0 == 0xc0:
			low := r.take(1)
			if jumps++; low == nil || jumps > 16 {
				r.bad = true
				return ""
			}
			if end < 0 {
				end = r.at
			}
			r.at = int(n[0]&0x3f)<<8 | int(low[0])
		case n[0]&0xc0 != 0:
			r.bad = true
			return ""
		default:
			label := r.take(int(n[0]))
			if length += len(label) + 1; length > 255 {
				r.bad = true
			}
			labels = append(labels, strings.ReplaceAll(string(label), ".", "\x00"))
		}
	}
}

// record reads a record and its class.
func (r *reader) record() (record, uint16) {
	rec := record{name: r.name(), kind: r.two()}
	class := r.two()
	rec.flush = class&classTop != 0
	if b := r.take(4); b != nil {
		rec.ttl = binary.BigEndian.Uint32(b)
	}
	size := int(r.two())
	begin := r.at
	data := r.take(size)
	if r.bad {
		return rec, 0
	}
	in := reader{b: r.b[:begin+size], at: begin}
	switch rec.kind {
	case typePTR:
		data = appendName(nil, in.name())
	case typeSRV:
		data = append([]byte(nil), in.take(6)...)
		data = appendName(data, in.name())
	}
	if in.bad {
		r.bad = true
		return rec, 0
	}
	rec.data = append([]byte(nil), data...)
	return rec, class &^ classTop
}
