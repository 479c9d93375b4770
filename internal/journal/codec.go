package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
)

// Gap stands in the journal where events are missing on purpose, so that a missing
// number is never a doubt. It covers the sequence numbers From to To; To is its own.
type Gap struct {
	From   uint64       `json:"from"`
	To     uint64       `json:"to"`
	Reason GapReason    `json:"reason"`
	Kinds  map[Kind]int `json:"kinds"` // how many of which kind are missing
}

// GapReason says why events are missing.
type GapReason string

// Why events are missing.
const (
	GapRefused    GapReason = "refused"    // a promise could not be kept: its caller was told so
	GapMemory     GapReason = "memory"     // the disk refused for so long that details were dropped
	GapUnwritable GapReason = "unwritable" // the payload could not be encoded
)

// JournalKind implements Payload.
func (Gap) JournalKind() Kind { return "journal.gap" }

// Raw is the payload of a kind that this version does not know, or whose bytes it
// can't read: kept as it stands.
type Raw struct {
	RawKind Kind
	JSON    json.RawMessage
}

// JournalKind implements Payload.
func (r Raw) JournalKind() Kind { return r.RawKind }

// rank says how long an event is kept in memory while the disk refuses.
type rank int

const (
	detail   rank = iota // dropped first: how a call was decided
	ordinary             // dropped next: what happened in between
	lasting              // dropped last: what figures and duties rest on
	always               // never dropped
)

// known describes one kind of event.
type known struct {
	rank   rank
	decode func([]byte) (Payload, error)
}

// kinds is the one table of kinds.
var kinds = map[Kind]known{}

func register[P Payload](r rank) {
	var zero P
	kinds[zero.JournalKind()] = known{rank: r, decode: func(b []byte) (Payload, error) {
		var p P
		err := json.Unmarshal(b, &p)
		return p, err
	}}
}

func init() {
	register[CallStarted](lasting)
	register[CallCaller](lasting)
	register[CallRouted](detail)
	register[CallAnswered](lasting)
	register[CallStep](detail)
	register[CallLeg](ordinary)
	register[CallBridged](ordinary)
	register[CallTransfer](lasting)
	register[CallEnded](always)
	register[AgentChanged](ordinary)
	register[ContactQueued](lasting)
	register[ContactOffered](ordinary)
	register[OfferEnded](ordinary)
	register[ContactConnected](lasting)
	register[ContactEnded](lasting)
	register[LineChanged](detail)
	register[PhoneChanged](detail)
	register[OfficeChanged](always)
	register[ContactAnnounced](ordinary)
	register[NoticeSaid](lasting)
	register[CallbackPromised](always)
	register[CallbackTried](lasting)
	register[CallbackSettled](lasting)
	register[BreakProposed](ordinary)
	register[OutcomeSet](always)
	register[SurveyAnswered](lasting)
	register[RecallTaken](lasting)
	register[RecallDone](lasting)
	register[CustomerChanged](lasting)
	register[ReportMailed](lasting)
	register[BoxStarted](lasting)
	register[BoxStopped](lasting)
	register[FaultChanged](ordinary)
	register[UpdateChanged](lasting)
	register[ClockSet](lasting)
	register[AccessEvent](lasting)
	register[Gap](always)
}

// Kinds returns every kind with a zero payload of it, for schemas and tests.
func Kinds() map[Kind]reflect.Type {
	out := make(map[Kind]reflect.Type, len(kinds))
	for k, info := range kinds {
		p, err := info.decode([]byte("{}"))
		if err == nil {
			out[k] = reflect.TypeOf(p)
		}
	}
	return out
}

// Encode returns the canonical bytes of a payload: JSON with the struct's order of
// fields, sorted map keys, no escaping of HTML, no line end.
func Encode(p Payload) ([]byte, error) {
	if r, ok := p.(Raw); ok {
		return r.JSON, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return nil, fmt.Errorf("encode %s: %w", p.JournalKind(), err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode returns the payload behind canonical bytes. It never fails: what it does
// not understand it returns as Raw.
func Decode(k Kind, b []byte) Payload {
	if info, ok := kinds[k]; ok {
		if p, err := info.decode(b); err == nil {
			return p
		}
	}
	return Raw{RawKind: k, JSON: bytes.Clone(b)}
}

// chain computes the hash of an event: SHA-256 over the previous hash, the numbers
// (big endian), and each text after its length.
type chain struct{ buf []byte }

// row is an event as it stands on disk.
type row struct {
	seq     uint64
	nanos   int64
	trusted bool
	call    string
	kind    string
	payload []byte
	hash    [sha256.Size]byte
}

func (c *chain) next(previous [sha256.Size]byte, r row) [sha256.Size]byte {
	b := append(c.buf[:0], previous[:]...)
	b = binary.BigEndian.AppendUint64(b, r.seq)
	b = binary.BigEndian.AppendUint64(b, uint64(r.nanos))
	trusted := byte(0)
	if r.trusted {
		trusted = 1
	}
	b = append(b, trusted)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.call)))
	b = append(b, r.call...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.kind)))
	b = append(b, r.kind...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.payload)))
	b = append(b, r.payload...)
	c.buf = b
	return sha256.Sum256(b)
}
