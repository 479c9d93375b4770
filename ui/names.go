package ui

import (
	"cmp"
	"strings"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// namer names the objects of one document for one reader. names holds people who
// are being made and whom the gate does not know yet.
type namer struct {
	v     *visit
	doc   *office.Document
	names map[journal.SubjectID]string
}

func (v *visit) namer(doc *office.Document, names map[journal.SubjectID]string) namer {
	return namer{v, doc, names}
}

// person names somebody of the office on the pages that set people up.
func (n namer) person(id journal.SubjectID) string {
	if name := n.names[id]; name != "" {
		return name
	}
	return n.v.name(privacy.Configure, id)
}

// object names an object of a kind; the id where it has no name.
func (n namer) object(k office.Kind, id string) string {
	d, oid := n.doc, office.ID(id)
	switch k {
	case office.KindPerson:
		return n.person(journal.SubjectID(id))
	case office.KindLine:
		if o := d.LineByID(oid); o != nil {
			return o.Name
		}
	case office.KindNumber:
		for i := range d.Numbers {
			if d.Numbers[i].ID == oid {
				return n.v.number(d, d.Numbers[i].Number)
			}
		}
	case office.KindExtension:
		if o := d.ExtensionByID(oid); o != nil {
			return o.Digits
		}
	case office.KindDevice:
		if o := d.DeviceByID(oid); o != nil {
			return cmp.Or(o.Name, o.Username)
		}
	case office.KindGroup:
		if o := d.GroupByID(oid); o != nil {
			return o.Name
		}
	case office.KindSchedule:
		if o := d.ScheduleByID(oid); o != nil {
			return o.Name
		}
	case office.KindMenu:
		if o := d.MenuByID(oid); o != nil {
			return o.Name
		}
	case office.KindPrompt:
		if o := d.PromptByID(oid); o != nil {
			return o.Name
		}
	case office.KindPath:
		if o := d.PathByID(oid); o != nil {
			return o.Name
		}
	case office.KindProfile:
		if o := d.ProfileByID(oid); o != nil {
			return o.Name
		}
	case office.KindSkill, office.KindReason, office.KindOutcome, office.KindScript, office.KindSurvey, office.KindWebhook, office.KindReport:
		if name, ok := d.Get(k, id, "name"); ok {
			return name
		}
	}
	return id
}

// kinds are the kinds with ids of their own, in the order of the pages.
var kinds = []office.Kind{
	office.KindPerson, office.KindDevice, office.KindExtension, office.KindLine, office.KindNumber, office.KindGroup,
	office.KindSchedule, office.KindMenu, office.KindPath, office.KindPrompt, office.KindProfile,
	office.KindSkill, office.KindReason, office.KindOutcome, office.KindScript, office.KindSurvey, office.KindWebhook, office.KindReport,
}

// any names an object by its id alone; empty if the document has none of that id.
func (n namer) any(id string) string {
	k, ok := n.kindOf(id)
	if !ok {
		return ""
	}
	return n.object(k, id)
}

func (n namer) kindOf(id string) (office.Kind, bool) {
	for _, k := range kinds {
		for _, have := range n.doc.IDs(k) {
			if have == id && id != "" {
				return k, true
			}
		}
	}
	return "", false
}

// titled is the kind and the name: "Gruppo Assistenza".
func (n namer) titled(k office.Kind, id string) string {
	kind := n.v.p.T("kind." + string(k))
	if id == "" {
		return kind
	}
	name := n.object(k, id)
	if strings.HasPrefix(strings.ToLower(name)+" ", strings.ToLower(kind)+" ") {
		return name // "Linea 1" needs no "Linea" before it
	}
	return kind + " " + name
}

// target names what a target points at.
func (n namer) target(t office.Target) string {
	return n.object(office.Kind(t.Kind), t.ID)
}

// objectURL is the page of an object.
func objectURL(k office.Kind, id string) string {
	switch k {
	case office.KindPerson:
		return "/people/" + id
	case office.KindDevice:
		return "/phones/" + id
	case office.KindLine:
		return "/lines/" + id
	case office.KindPrompt:
		return "/prompts/" + id
	case office.KindScript:
		if id != "" {
			return "/scripts/" + id
		}
	}
	if id == "" {
		return "/edit/" + string(k)
	}
	return "/edit/" + string(k) + "/" + id
}

// number writes an own or outside number for people.
func (v *visit) number(doc *office.Document, e numbering.E164) string {
	plan, err := numbering.New(doc.Site.Country, doc.Site.AreaCode)
	if err != nil {
		return string(e)
	}
	return plan.Display(e)
}

// fieldLabel is the label of a field of the schema.
func (v *visit) fieldLabel(k office.Kind, name string) string {
	base, rest, _ := strings.Cut(name, ".")
	if f, ok := office.FieldOf(k, name); ok {
		return v.p.T(f.Label())
	}
	if f, ok := office.FieldOf(k, base); ok {
		return v.p.T(f.Label()) + " " + rest
	}
	return name
}
