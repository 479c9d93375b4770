package office

import "slices"

// FieldType says how a field is written and shown. Every field has one text form,
// the same in forms, API, search and differences.
type FieldType string

// Types of field.
const (
	TypeText     FieldType = "text"
	TypeLong     FieldType = "long"     // several lines
	TypeNumber   FieldType = "number"   // whole number
	TypeSwitch   FieldType = "switch"   // "true" or "false"
	TypeDuration FieldType = "duration" // whole units of Unit
	TypeChoice   FieldType = "choice"   // one of Choices
	TypeChoices  FieldType = "choices"  // some of Choices, separated by spaces
	TypeRef      FieldType = "ref"      // id of an object of one of the kinds in Refs
	TypeRefs     FieldType = "refs"     // ids separated by spaces, in order
	TypeTarget   FieldType = "target"   // "kind:id"
	TypePhone    FieldType = "phone"    // telephone number in E.164, "+390212345678"
	TypeSecret   FieldType = "secret"   // handle of a secret; the secret itself is never shown
	TypeHours    FieldType = "hours"    // one day: "09:00-13:00 14:00-18:00", empty: closed
	TypeKeys     FieldType = "keys"     // one line a key: "1=path-2"
	TypeSteps    FieldType = "steps"    // one line a step: "person person=p-1 ring=20"
	TypeDates    FieldType = "dates"    // one line an exception: "2026-12-24 09:00-13:00 Christmas Eve"
	TypeOverride FieldType = "override" // "open until 2026-12-24T18:00:00+01:00", empty: none
	TypeTexts    FieldType = "texts"    // one line a language: "it=Buongiorno"
	TypeLevels   FieldType = "levels"   // one line a skill: "skill-1=3"
	TypeRings    FieldType = "rings"    // one line a ring: "after=30 lower=1 without=skill-1,skill-2 group=group-2"
	TypeTime     FieldType = "time"     // "18:30"
)

// Field is one field of one kind of object: the single source of form,
// validation, search, API and difference. Its texts stand in ui/i18n under
// "field.<kind>.<name>.label", ".help" and, if Example is set, ".example".
type Field struct {
	Kind     Kind
	Name     string // as in the document's JSON; parts of an inner struct with a dot: "trunk.server"
	Type     FieldType
	Unit     string   // text id of the unit: "unit.seconds"; empty for none
	Min, Max int64    // number, duration (in Unit), length of text in characters; both 0: no limit
	Default  string   // what a new object has
	Choices  []string // their texts: "choice.<kind>.<name>.<choice>"
	Unbuilt  []string // choices that a document may hold and that are not offered, because the box cannot do them yet
	Refs     []Kind
	Role     Role // least powerful role that may change it
	Required bool
	Fixed    bool // set when the object is made; forms of existing objects show it only
	Example  bool // ui/i18n has an example
	Expert   bool // shown only on request
}

// Offered returns the choices that forms offer.
func (f Field) Offered() []string {
	var out []string
	for _, c := range f.Choices {
		if !slices.Contains(f.Unbuilt, c) {
			out = append(out, c)
		}
	}
	return out
}

// Offers says whether a field of a kind offers a choice.
func Offers(k Kind, field, choice string) bool {
	for _, f := range Fields(k) {
		if f.Name == field {
			return slices.Contains(f.Offered(), choice)
		}
	}
	return false
}

// Label returns the text id of the field's name.
func (f Field) Label() string { return "field." + string(f.Kind) + "." + f.Name + ".label" }

// Help returns the text id of the help line.
func (f Field) Help() string { return "field." + string(f.Kind) + "." + f.Name + ".help" }

// ExampleText returns the text id of the example, empty if there is none.
func (f Field) ExampleText() string {
	if !f.Example {
		return ""
	}
	return "field." + string(f.Kind) + "." + f.Name + ".example"
}

// ChoiceText returns the text id of one of the choices.
func (f Field) ChoiceText(choice string) string {
	return "choice." + string(f.Kind) + "." + f.Name + "." + choice
}

// Kinds returns every kind of object, in the order of pages and differences.
func Kinds() []Kind {
	out := make([]Kind, len(tables))
	for i, t := range tables {
		out[i] = t.kindOf()
	}
	return out
}

// Schema returns every field of every kind, in the order of forms.
func Schema() []Field {
	var out []Field
	for _, t := range tables {
		out = append(out, t.schema()...)
	}
	return out
}

// Fields returns the fields of one kind, in the order of forms; nil for an unknown
// kind.
func Fields(k Kind) []Field {
	if t, ok := tableOf(k); ok {
		return t.schema()
	}
	return nil
}

// FieldOf returns one field.
func FieldOf(k Kind, name string) (Field, bool) {
	for _, f := range Fields(k) {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Get returns a field as text; false if there is no such object or field. object
// is empty for site, outbound and codes.
func (d *Document) Get(k Kind, object, field string) (string, bool) {
	if t, ok := tableOf(k); ok {
		return t.get(d, object, field)
	}
	return "", false
}

// Set parses text into a field of a draft. Problems are those of this text alone
// (Validate judges the whole); the document is unchanged if there are any.
func (d *Document) Set(k Kind, object, field, text string) []Problem {
	if t, ok := tableOf(k); ok {
		return t.set(d, object, field, text)
	}
	return []Problem{{Kind: k, Object: object, Field: field, Code: ProblemUnknown}}
}

// Add puts a new object with default values into a draft. The id comes from
// Store.NewID, or from privacy.NewPerson for a person.
func (d *Document) Add(k Kind, id string) []Problem {
	t, known := tableOf(k)
	switch {
	case !known || t.single():
		return []Problem{{Kind: k, Object: id, Code: ProblemUnknown}}
	case !validID(id):
		return []Problem{{Kind: k, Object: id, Field: "id", Code: ProblemID}}
	case d.kindOf(id) != "":
		return []Problem{{Kind: k, Object: id, Field: "id", Code: ProblemDuplicate, Args: map[string]string{"value": id}}}
	}
	t.add(d, id)
	return nil
}

// Remove takes an object out of a draft; if others refer to it, the problems name
// them and the document is unchanged.
func (d *Document) Remove(k Kind, id string) []Problem {
	t, known := tableOf(k)
	if !known || t.single() || !t.has(d, id) {
		return []Problem{{Kind: k, Object: id, Code: ProblemUnknown}}
	}
	var out []Problem
	for _, u := range d.UsedBy(k, id) {
		out = append(out, Problem{Kind: u.Kind, Object: u.Object, Field: u.Field, Code: ProblemUsed,
			Args: map[string]string{"kind": string(k), "id": id}})
	}
	if out == nil {
		t.remove(d, id)
	}
	return out
}

// IDs returns the ids of all objects of a kind, in the document's order; one empty
// id for site, outbound and codes.
func (d *Document) IDs(k Kind) []string {
	if t, ok := tableOf(k); ok {
		return t.ids(d)
	}
	return nil
}

// kindOf returns the kind of the object with an id, empty if there is none.
func (d *Document) kindOf(id string) Kind {
	for _, t := range tables {
		if !t.single() && t.has(d, id) {
			return t.kindOf()
		}
	}
	return ""
}

// validID accepts ids: 1 to 40 small letters, digits and hyphens, a letter first.
func validID(id string) bool {
	if id == "" || len(id) > 40 || id[0] < 'a' || id[0] > 'z' {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
