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
func (t *table[T]) diff(a, b *Document) []Change {
	if t.single() {
		return t.diffFields("", t.one(a), t.one(b), Changed)
	}
	var out []Change
	var before, after []string // ids of what is in both, in either order
	inA, inB := byKey(*t.list(a), t.id), byKey(*t.list(b), t.id)
	for i := range *t.list(a) {
		o := &(*t.list(a))[i]
		id := t.id(o)
		if inB[id] == nil {
			out = append(out, Change{Op: Removed, Kind: t.kind, ID: id})
			out = append(out, t.diffFields(id, o, nil, Removed)...)
			continue
		}
		before = append(before, id)
		out = append(out, t.diffFields(id, o, inB[id], Changed)...)
	}
	for i := range *t.list(b) {
		o := &(*t.list(b))[i]
		id := t.id(o)
		if inA[id] == nil {
			out = append(out, Change{Op: Added, Kind: t.kind, ID: id})
			out = append(out, t.diffFields(id, nil, o, Added)...)
			continue
		}
		after = append(after, id)
	}
	if !slices.Equal(before, after) {
		out = append(out, Change{Op: Changed, Kind: t.kind, Field: OrderField, From: strings.Join(before, " "), To: strings.Join(after, " ")})
	}
	return out
}

// diffFields compares two objects field by field; nil has only empty fields.
func (t *table[T]) diffFields(id string, a, b *T, op ChangeOp) []Change {
	text := func(f accessor[T], o *T) string {
		if o == nil {
			return ""
		}
		return f.get(o)
	}
	var out []Change
	for _, f := range t.fields {
		if from, to := text(f, a), text(f, b); from != to {
			out = append(out, Change{Op: op, Kind: t.kind, ID: id, Field: f.field.Name, From: from, To: to})
		}
	}
	return out
}
