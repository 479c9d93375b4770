package office

import (
	"centralino/internal/journal"
	"centralino/internal/numbering"
)

// Finders return pointers into the document (nil if there is none): read only. On
// a document that has been applied they are one map look-up.

// LineByID returns a line.
func (d *Document) LineByID(id ID) *Line { return nil }

// NumberByE164 returns the own number, nil if it is not ours.
func (d *Document) NumberByE164(n numbering.E164) *Number { return nil }

// PersonByID returns a person.
func (d *Document) PersonByID(id journal.SubjectID) *Person { return nil }

// ExtensionByID returns an extension.
func (d *Document) ExtensionByID(id ID) *Extension { return nil }

// ExtensionsOf returns the extensions that reach a target, the main one first.
func (d *Document) ExtensionsOf(t Target) []*Extension { return nil }

// DeviceByID returns a device.
func (d *Document) DeviceByID(id ID) *Device { return nil }

// DeviceByUsername returns the device with that SIP account.
func (d *Document) DeviceByUsername(username string) *Device { return nil }

// DevicesOf returns the devices of a person that are not disabled.
func (d *Document) DevicesOf(person journal.SubjectID) []*Device { return nil }

// GroupByID returns a group.
func (d *Document) GroupByID(id ID) *Group { return nil }

// GroupsOf returns the groups that a person is a member of.
func (d *Document) GroupsOf(person journal.SubjectID) []*Group { return nil }

// ScheduleByID returns a schedule.
func (d *Document) ScheduleByID(id ID) *Schedule { return nil }

// MenuByID returns a menu.
func (d *Document) MenuByID(id ID) *Menu { return nil }

// PromptByID returns a prompt.
func (d *Document) PromptByID(id ID) *Prompt { return nil }

// PathByID returns a path.
func (d *Document) PathByID(id ID) *Path { return nil }

// ProfileByID returns a profile.
func (d *Document) ProfileByID(id ID) *Profile { return nil }

// Resolved is what short digits mean inside the office: exactly one of Extension
// and Feature is set.
type Resolved struct {
	Extension *Extension
	Feature   Feature
}

// Resolve says what dialled short digits mean; false if they are neither an
// extension nor a feature code. Emergency numbers are not resolved here: they
// come before.
func (d *Document) Resolve(digits string) (Resolved, bool) { return Resolved{}, false }

// Code returns the code of a feature in this office.
func (d *Document) Code(f Feature) string { return "" }
