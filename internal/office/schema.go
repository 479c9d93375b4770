package office

// FieldType says how a field is written and shown.
type FieldType string

// Types of field.
const (
	TypeText     FieldType = "text"
	TypeLong     FieldType = "long"     // several lines
	TypeNumber   FieldType = "number"   // whole number
	TypeSwitch   FieldType = "switch"   // "true" or "false"
	TypeDuration FieldType = "duration" // whole units of Unit, for instance seconds
	TypeChoice   FieldType = "choice"   // one of Choices
	TypeChoices  FieldType = "choices"  // some of Choices, separated by spaces
	TypeRef      FieldType = "ref"      // id of an object of one of the kinds in Refs
	TypeRefs     FieldType = "refs"     // ids separated by spaces, in order
	TypeTarget   FieldType = "target"   // "kind:id"
	TypePhone    FieldType = "phone"    // telephone number, kept as E.164
	TypeSecret   FieldType = "secret"   // handle of a secret; never shown
	TypeHours    FieldType = "hours"    // one day: "09:00-13:00 14:00-18:00", empty: closed
	TypeKeys     FieldType = "keys"     // one line a key: "1=path-2"
	TypeSteps    FieldType = "steps"    // one line a step, see Step's text form
	TypeDates    FieldType = "dates"    // one line an exception: "2026-12-24 09:00-13:00 Christmas Eve"
	TypeOverride FieldType = "override" // "open until 2026-12-24T18:00", empty: none
	TypeTexts    FieldType = "texts"    // one line a language: "it=Buongiorno"
)

// Field is one field of one kind of object: the single source of form,
// validation, search, API and difference. Its texts stand in ui/i18n under
// "field.<kind>.<name>.label", ".help" and, if Example is set, ".example".
type Field struct {
	Kind     Kind
	Name     string // as in the document's JSON; parts of an inner struct with a dot: "trunk.server"
	Type     FieldType
	Unit     string // text id of the unit: "unit.seconds"; empty for none
	Min, Max int64  // number, duration (in Unit), length of text; both 0: no limit
	Default  string // what a new object has
	Choices  []string
	Refs     []Kind
	Role     Role // least powerful role that may change it
	Required bool
	Fixed    bool // set when the object is made, never edited
	Example  bool // ui/i18n has an example
	Expert   bool // shown only on request
}

// Label, Help and ExampleText return the text ids.
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

// Schema returns every field of every kind, in the order of forms.
func Schema() []Field { return nil }

// Fields returns the fields of one kind, in the order of forms.
func Fields(k Kind) []Field { return nil }

// FieldOf returns one field.
func FieldOf(k Kind, name string) (Field, bool) { return Field{}, false }

// Get returns a field as text; false if there is no such object or field. object
// is empty for site, outbound and codes.
func (d *Document) Get(k Kind, object, field string) (string, bool) { return "", false }

// Set parses text into a field of a draft. Problems are those of this text alone
// (Validate judges the whole); the document is unchanged if there are any.
func (d *Document) Set(k Kind, object, field, text string) []Problem { return nil }

// Add puts a new object with default values into a draft. The id comes from
// Store.NewID, or from privacy for a person.
func (d *Document) Add(k Kind, id string) []Problem { return nil }

// Remove takes an object out of a draft; if others refer to it, the problems name
// them and the document is unchanged.
func (d *Document) Remove(k Kind, id string) []Problem { return nil }

// Use is a place that refers to an object.
type Use struct {
	Kind   Kind
	Object string
	Field  string
}

// UsedBy returns every place that refers to an object.
func (d *Document) UsedBy(k Kind, id string) []Use { return nil }

// IDs returns the ids of all objects of a kind, in the document's order; one empty
// id for site, outbound and codes.
func (d *Document) IDs(k Kind) []string { return nil }
