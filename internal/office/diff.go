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
		out = append(out, diffKind(t, a, b)...)
	}
	return out
}

func diffKind(t kindTable, a, b *Document) []Change {
	var out []Change
	var common []string
	idsA, idsB := t.ids(a), t.ids(b)
	inA, inB := set(idsA), set(idsB)
	for _, id := range idsA {
		if !inB[id] {
			out = append(out, Change{Op: Removed, Kind: t.kindOf(), ID: id})
			out = append(out, diffObject(t, a, &Document{}, id, Removed)...)
			continue
		}
		common = append(common, id)
		out = append(out, diffObject(t, a, b, id, Changed)...)
	}
	for _, id := range idsB {
		if !inA[id] {
			out = append(out, Change{Op: Added, Kind: t.kindOf(), ID: id})
			out = append(out, diffObject(t, &Document{}, b, id, Added)...)
		}
	}
	now := slices.DeleteFunc(slices.Clone(idsB), func(id string) bool { return !inA[id] })
	if !slices.Equal(common, now) {
		out = append(out, Change{Op: Changed, Kind: t.kindOf(), Field: OrderField, From: strings.Join(common, " "), To: strings.Join(now, " ")})
	}
	return out
}

func diffObject(t kindTable, a, b *Document, id string, op ChangeOp) []Change {
	var out []Change
	for _, f := range t.schema() {
		from, _ := t.get(a, id, f.Name)
		to, _ := t.get(b, id, f.Name)
		if from != to {
			out = append(out, Change{Op: op, Kind: t.kindOf(), ID: id, Field: f.Name, From: from, To: to})
		}
	}
	return out
}

func set(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, s := range list {
		m[s] = true
	}
	return m
}
