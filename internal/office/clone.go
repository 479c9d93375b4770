package office

import (
	"maps"
	"slices"
)

// Clone returns a deep copy that may be edited.
func (d *Document) Clone() *Document {
	c := *d
	c.index = nil
	c.Lines = each(d.Lines, Line.clone)
	c.Numbers = slices.Clone(d.Numbers)
	c.People = each(d.People, func(p Person) Person { p.Skills = maps.Clone(p.Skills); return p })
	c.Extensions = slices.Clone(d.Extensions)
	c.Devices = slices.Clone(d.Devices)
	c.Groups = each(d.Groups, Group.clone)
	c.Schedules = each(d.Schedules, Schedule.clone)
	c.Menus = each(d.Menus, Menu.clone)
	c.Prompts = each(d.Prompts, Prompt.clone)
	c.Paths = each(d.Paths, Path.clone)
	c.Outbound = d.Outbound.clone()
	c.Profiles = each(d.Profiles, Profile.clone)
	c.Skills = slices.Clone(d.Skills)
	c.Reasons = slices.Clone(d.Reasons)
	c.Outcomes = slices.Clone(d.Outcomes)
	c.Scripts = slices.Clone(d.Scripts)
	c.Surveys = each(d.Surveys, func(s Survey) Survey { s.Questions = slices.Clone(s.Questions); return s })
	c.Webhooks = each(d.Webhooks, func(w Webhook) Webhook { w.Events = slices.Clone(w.Events); return w })
	c.Reports = each(d.Reports, func(r Report) Report {
		r.Days, r.To = slices.Clone(r.Days), slices.Clone(r.To)
		return r
	})
	c.Codes = maps.Clone(d.Codes)
	return &c
}

// each copies a list; nil stays nil.
func each[T any](list []T, clone func(T) T) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = clone(v)
	}
	return out
}

// pointed copies what a pointer points to.
func pointed[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func (l Line) clone() Line { l.Trunk = pointed(l.Trunk); return l }

func (g Group) clone() Group {
	g.Members = slices.Clone(g.Members)
	g.Queue = pointed(g.Queue)
	if q := g.Queue; q != nil {
		q.Needs = maps.Clone(q.Needs)
		q.Exits = maps.Clone(q.Exits)
		q.Outcomes = slices.Clone(q.Outcomes)
		q.Rings = each(q.Rings, func(r Ring) Ring { r.Without = slices.Clone(r.Without); return r })
	}
	return g
}

func (s Schedule) clone() Schedule {
	for i := range s.Week {
		s.Week[i] = slices.Clone(s.Week[i])
	}
	s.Exceptions = each(s.Exceptions, func(e Exception) Exception {
		e.Spans = slices.Clone(e.Spans)
		return e
	})
	s.Override = pointed(s.Override)
	return s
}

func (m Menu) clone() Menu { m.Keys = maps.Clone(m.Keys); return m }

func (p Prompt) clone() Prompt {
	p.Texts = maps.Clone(p.Texts)
	p.Audio = maps.Clone(p.Audio)
	return p
}

func (p Path) clone() Path {
	p.Steps = each(p.Steps, func(s Step) Step {
		s.On = maps.Clone(s.On)
		return s
	})
	return p
}

func (o Outbound) clone() Outbound {
	o.Default = slices.Clone(o.Default)
	classes := maps.Clone(o.Classes)
	for k, v := range classes {
		classes[k] = slices.Clone(v)
	}
	o.Classes = classes
	return o
}

func (p Profile) clone() Profile { p.Allow = slices.Clone(p.Allow); return p }
