package office

import (
	"cmp"
	"strings"

	"centralino/internal/journal"
	"centralino/internal/numbering"
)

// index holds the look-up maps of a document that does not change any more.
type index struct {
	lines     map[ID]*Line
	numbers   map[numbering.E164]*Number
	people    map[journal.SubjectID]*Person
	exts      map[ID]*Extension
	digits    map[string]*Extension
	targets   map[Target][]*Extension
	devices   map[ID]*Device
	accounts  map[string]*Device
	owned     map[journal.SubjectID][]*Device
	groups    map[ID]*Group
	member    map[journal.SubjectID][]*Group
	schedules map[ID]*Schedule
	menus     map[ID]*Menu
	prompts   map[ID]*Prompt
	paths     map[ID]*Path
	profiles  map[ID]*Profile
	codes     map[string]Feature
}

// Freeze builds look-up maps, so that every finder is one map access. The document
// must not be changed afterwards; a Clone of it may. Applied documents are frozen.
func (d *Document) Freeze() {
	x := &index{
		lines:     byKey(d.Lines, func(v *Line) ID { return v.ID }),
		numbers:   byKey(d.Numbers, func(v *Number) numbering.E164 { return v.Number }),
		people:    byKey(d.People, func(v *Person) journal.SubjectID { return v.ID }),
		exts:      byKey(d.Extensions, func(v *Extension) ID { return v.ID }),
		digits:    byKey(d.Extensions, func(v *Extension) string { return v.Digits }),
		devices:   byKey(d.Devices, func(v *Device) ID { return v.ID }),
		accounts:  byKey(d.Devices, func(v *Device) string { return v.Username }),
		groups:    byKey(d.Groups, func(v *Group) ID { return v.ID }),
		schedules: byKey(d.Schedules, func(v *Schedule) ID { return v.ID }),
		menus:     byKey(d.Menus, func(v *Menu) ID { return v.ID }),
		prompts:   byKey(d.Prompts, func(v *Prompt) ID { return v.ID }),
		paths:     byKey(d.Paths, func(v *Path) ID { return v.ID }),
		profiles:  byKey(d.Profiles, func(v *Profile) ID { return v.ID }),
		targets:   map[Target][]*Extension{},
		owned:     map[journal.SubjectID][]*Device{},
		member:    map[journal.SubjectID][]*Group{},
		codes:     map[string]Feature{},
	}
	for i := range d.Extensions {
		e := &d.Extensions[i]
		x.targets[e.Target] = append(x.targets[e.Target], e)
	}
	for i := range d.Devices {
		if v := &d.Devices[i]; v.Owner != "" && !v.Disabled {
			x.owned[v.Owner] = append(x.owned[v.Owner], v)
		}
	}
	for i := range d.Groups {
		for _, m := range d.Groups[i].Members {
			x.member[m] = append(x.member[m], &d.Groups[i])
		}
	}
	for f := range StandardCodes {
		x.codes[d.Code(f)] = f
	}
	d.index = x
}

// byKey maps keys to elements; the first of equal keys wins, as in a search.
func byKey[T any, K comparable](list []T, key func(*T) K) map[K]*T {
	m := make(map[K]*T, len(list))
	for i := range list {
		if k := key(&list[i]); m[k] == nil {
			m[k] = &list[i]
		}
	}
	return m
}

// first returns the first element that fits.
func first[T any](list []T, fits func(*T) bool) *T {
	for i := range list {
		if fits(&list[i]) {
			return &list[i]
		}
	}
	return nil
}

// every returns all elements that fit.
func every[T any](list []T, fits func(*T) bool) []*T {
	var out []*T
	for i := range list {
		if fits(&list[i]) {
			out = append(out, &list[i])
		}
	}
	return out
}

// Finders return pointers into the document (nil if there is none): read only. On
// a frozen document they are one map access, otherwise a search.

// LineByID returns a line.
func (d *Document) LineByID(id ID) *Line {
	if d.index != nil {
		return d.index.lines[id]
	}
	return first(d.Lines, func(v *Line) bool { return v.ID == id })
}

// NumberByE164 returns the own number, nil if it is not ours.
func (d *Document) NumberByE164(n numbering.E164) *Number {
	if d.index != nil {
		return d.index.numbers[n]
	}
	return first(d.Numbers, func(v *Number) bool { return v.Number == n })
}

// PersonByID returns a person.
func (d *Document) PersonByID(id journal.SubjectID) *Person {
	if d.index != nil {
		return d.index.people[id]
	}
	return first(d.People, func(v *Person) bool { return v.ID == id })
}

// ExtensionByID returns an extension.
func (d *Document) ExtensionByID(id ID) *Extension {
	if d.index != nil {
		return d.index.exts[id]
	}
	return first(d.Extensions, func(v *Extension) bool { return v.ID == id })
}

// ExtensionsOf returns the extensions that reach a target, the main one first.
func (d *Document) ExtensionsOf(t Target) []*Extension {
	if d.index != nil {
		return d.index.targets[t]
	}
	return every(d.Extensions, func(v *Extension) bool { return v.Target == t })
}

// DeviceByID returns a device.
func (d *Document) DeviceByID(id ID) *Device {
	if d.index != nil {
		return d.index.devices[id]
	}
	return first(d.Devices, func(v *Device) bool { return v.ID == id })
}

// DeviceByUsername returns the device with that SIP account.
func (d *Document) DeviceByUsername(username string) *Device {
	if d.index != nil {
		return d.index.accounts[username]
	}
	return first(d.Devices, func(v *Device) bool { return v.Username == username })
}

// DevicesOf returns the devices of a person that are not disabled.
func (d *Document) DevicesOf(person journal.SubjectID) []*Device {
	if person == "" {
		return nil
	}
	if d.index != nil {
		return d.index.owned[person]
	}
	return every(d.Devices, func(v *Device) bool { return v.Owner == person && !v.Disabled })
}

// GroupByID returns a group.
func (d *Document) GroupByID(id ID) *Group {
	if d.index != nil {
		return d.index.groups[id]
	}
	return first(d.Groups, func(v *Group) bool { return v.ID == id })
}

// GroupsOf returns the groups that a person is a member of.
func (d *Document) GroupsOf(person journal.SubjectID) []*Group {
	if d.index != nil {
		return d.index.member[person]
	}
	return every(d.Groups, func(v *Group) bool {
		for _, m := range v.Members {
			if m == person {
				return true
			}
		}
		return false
	})
}

// ScheduleByID returns a schedule.
func (d *Document) ScheduleByID(id ID) *Schedule {
	if d.index != nil {
		return d.index.schedules[id]
	}
	return first(d.Schedules, func(v *Schedule) bool { return v.ID == id })
}

// MenuByID returns a menu.
func (d *Document) MenuByID(id ID) *Menu {
	if d.index != nil {
		return d.index.menus[id]
	}
	return first(d.Menus, func(v *Menu) bool { return v.ID == id })
}

// PromptByID returns a prompt.
func (d *Document) PromptByID(id ID) *Prompt {
	if d.index != nil {
		return d.index.prompts[id]
	}
	return first(d.Prompts, func(v *Prompt) bool { return v.ID == id })
}

// PathByID returns a path.
func (d *Document) PathByID(id ID) *Path {
	if d.index != nil {
		return d.index.paths[id]
	}
	return first(d.Paths, func(v *Path) bool { return v.ID == id })
}

// ProfileByID returns a profile.
func (d *Document) ProfileByID(id ID) *Profile {
	if d.index != nil {
		return d.index.profiles[id]
	}
	return first(d.Profiles, func(v *Profile) bool { return v.ID == id })
}

// SkillByID returns a skill. Of this and the kinds below an office has a handful:
// they are searched.
func (d *Document) SkillByID(id ID) *Skill {
	return first(d.Skills, func(v *Skill) bool { return v.ID == id })
}

// ReasonByID returns a reason of a pause.
func (d *Document) ReasonByID(id ID) *PauseReason {
	return first(d.Reasons, func(v *PauseReason) bool { return v.ID == id })
}

// ReasonByDigit returns the reason that a phone gives by a digit.
func (d *Document) ReasonByDigit(digit string) *PauseReason {
	return first(d.Reasons, func(v *PauseReason) bool { return v.Digit == digit && digit != "" })
}

// OutcomeByID returns an outcome.
func (d *Document) OutcomeByID(id ID) *Outcome {
	return first(d.Outcomes, func(v *Outcome) bool { return v.ID == id })
}

// outcomesOf returns the outcomes that calls of a queue may have: its own, or all of
// the office if it names none.
func (d *Document) outcomesOf(g *Group) []*Outcome {
	if len(g.Queue.Outcomes) == 0 {
		return every(d.Outcomes, func(*Outcome) bool { return true })
	}
	var out []*Outcome
	for _, id := range g.Queue.Outcomes {
		if o := d.OutcomeByID(id); o != nil {
			out = append(out, o)
		}
	}
	return out
}

// ScriptByID returns a script.
func (d *Document) ScriptByID(id ID) *Script {
	return first(d.Scripts, func(v *Script) bool { return v.ID == id })
}

// SurveyByID returns a survey.
func (d *Document) SurveyByID(id ID) *Survey {
	return first(d.Surveys, func(v *Survey) bool { return v.ID == id })
}

// WebhookByID returns a webhook.
func (d *Document) WebhookByID(id ID) *Webhook {
	return first(d.Webhooks, func(v *Webhook) bool { return v.ID == id })
}

// ReportByID returns a report.
func (d *Document) ReportByID(id ID) *Report {
	return first(d.Reports, func(v *Report) bool { return v.ID == id })
}

// CountryOf returns the country that a person works in; that of the office's people
// for somebody who is not in the document.
func (d *Document) CountryOf(person journal.SubjectID) string {
	if p := d.PersonByID(person); p != nil && p.Country != "" {
		return p.Country
	}
	return cmp.Or(d.Site.WorkCountry, d.Site.Country)
}

// Resolved is what short digits mean inside the office: exactly one of Extension
// and Feature is set. Digit is what was dialled after the code of a feature that
// takes a digit.
type Resolved struct {
	Extension *Extension
	Feature   Feature
	Digit     string
}

// Resolve says what dialled short digits mean; false if they are neither an
// extension nor a feature code. Emergency numbers are not resolved here: they
// come before.
func (d *Document) Resolve(digits string) (Resolved, bool) {
	if digits == "" {
		return Resolved{}, false
	}
	if d.index != nil {
		if e := d.index.digits[digits]; e != nil {
			return Resolved{Extension: e}, true
		}
		if f, ok := d.index.codes[digits]; ok {
			return Resolved{Feature: f}, true
		}
		return d.withDigit(digits)
	}
	if e := first(d.Extensions, func(v *Extension) bool { return v.Digits == digits }); e != nil {
		return Resolved{Extension: e}, true
	}
	for f := range StandardCodes {
		if d.Code(f) == digits {
			return Resolved{Feature: f}, true
		}
	}
	return d.withDigit(digits)
}

// digitFeatures are the features whose code takes one digit more.
var digitFeatures = []Feature{FeaturePause, FeatureOutcome}

// withDigit reads a code and one digit.
func (d *Document) withDigit(digits string) (Resolved, bool) {
	for _, f := range digitFeatures {
		if digit, ok := strings.CutPrefix(digits, d.Code(f)); ok && len(digit) == 1 && onlyDigits(digit) {
			return Resolved{Feature: f, Digit: digit}, true
		}
	}
	return Resolved{}, false
}

// Code returns the code of a feature in this office; empty for an unknown one.
func (d *Document) Code(f Feature) string {
	if code := d.Codes[f]; code != "" {
		return code
	}
	return StandardCodes[f]
}
