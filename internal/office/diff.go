package office

// ChangeOp says what happened to an object or a field.
type ChangeOp string

// What happened.
const (
	Added   ChangeOp = "added"
	Removed ChangeOp = "removed"
	Changed ChangeOp = "changed"
)

// Change is one line of the difference of two documents. For a whole object that
// came or went, Field is empty and one Change per field that has a value follows.
type Change struct {
	Op    ChangeOp `json:"op"`
	Kind  Kind     `json:"kind"`
	ID    string   `json:"id,omitempty"`
	Field string   `json:"field,omitempty"`
	From  string   `json:"from,omitempty"`
	To    string   `json:"to,omitempty"`
}

// Diff returns what changed from a to b, in the order of the schema. It is empty
// exactly if the documents are equal.
func Diff(a, b *Document) []Change { return nil }
