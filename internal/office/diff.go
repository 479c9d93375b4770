package office

import (
	"slices"
	"strings"
)

// ChangeOp says what happened to an object or a field.
type ChangeOp string

// What happened.
const (
	Added   ChangeOp = "added"
	Removed ChangeOp = "removed"
	Changed ChangeOp = "changed"
)

// OrderField is the Field of a Change that reports another order of the objects of
// a kind; From and To are their ids.
const OrderField = "order"

// Change is one line of the difference of two documents. For a whole object that
// came or went, Field is empty, and one Change per field that has a value follows.
type Change struct {
	Op    ChangeOp `json:"op"`
	Kind  Kind     `json:"kind"`
	ID    string   `json:"id,omitempty"`
	Field string   `json:"field,omitempty"`
	From  string   `json:"from,omitempty"`
	To    string   `json:"to,omitempty"`
}

// Diff returns what changed from a to b, in the order of the schema. It is empty
// exactly if the documents mean the same.
func Diff(a, b *Document) []Change {
	var out []Change
	if a.Schema != b.Schema {
		out = append(out, Change{Op: Changed, Kind: KindSite, Field: "schema"})
	}
	for _, t := range tables {
		out = append(out, t.diff(a, b)...)
	}
	return out
}

// diff compares the objects of one kind.
func (t kindTable) diff(a, b *Document) []Change {
	if t.single() {
		return t.diffFields("", t.at(a, 0), t.at(b, 0), Changed)
	}
	var out []Change
	var before, after []string // ids of what is in both, in either order
	inA, inB := t.byID(a), t.byID(b)
	for i := range t.count(a) {
		o, id := t.at(a, i), t.idAt(a, i)
		if inB[id] == nil {
			out = append(out, Change{Op: Removed, Kind: t.kindOf(), ID: id})
			out = append(out, t.diffFields(id, o, nil, Removed)...)
			continue
		}
		before = append(before, id)
		out = append(out, t.diffFields(id, o, inB[id], Changed)...)
	}
	for i := range t.count(b) {
		o, id := t.at(b, i), t.idAt(b, i)
		if inA[id] == nil {
			out = append(out, Change{Op: Added, Kind: t.kindOf(), ID: id})
			out = append(out, t.diffFields(id, nil, o, Added)...)
			continue
		}
		after = append(after, id)
	}
	if !slices.Equal(before, after) {
		out = append(out, Change{Op: Changed, Kind: t.kindOf(), Field: OrderField, From: strings.Join(before, " "), To: strings.Join(after, " ")})
	}
	return out
}

// byID returns the first object of each id.
func (t kindTable) byID(d *Document) map[string]any {
	m := make(map[string]any, t.count(d))
	for i := range t.count(d) {
		if id := t.idAt(d, i); m[id] == nil {
			m[id] = t.at(d, i)
		}
	}
	return m
}

// diffFields compares two objects field by field; nil has only empty fields.
func (t kindTable) diffFields(id string, a, b any, op ChangeOp) []Change {
	text := func(o any, field int) string {
		if o == nil {
			return ""
		}
		return t.read(o, field)
	}
	var out []Change
	for i := range t.fieldCount() {
		if from, to := text(a, i), text(b, i); from != to {
			out = append(out, Change{Op: op, Kind: t.kindOf(), ID: id, Field: t.field(i).Name, From: from, To: to})
		}
	}
	return out
}
