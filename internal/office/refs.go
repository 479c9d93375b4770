package office

import (
	"maps"
	"slices"
	"strconv"
)

// Use is a place that refers to an object.
type Use struct {
	Kind   Kind
	Object string
	Field  string
}

// UsedBy returns every place that refers to an object, each once.
func (d *Document) UsedBy(k Kind, id string) []Use {
	var out []Use
	d.references(func(from Use, to Kind, ref string) {
		if to == k && ref == id && (len(out) == 0 || out[len(out)-1] != from) {
			out = append(out, from)
		}
	})
	return out
}

// references calls visit for every reference of the document that is not empty.
// Each reference knows the one kind of object it may point to.
func (d *Document) references(visit func(from Use, to Kind, id string)) {
	ref := func(k Kind, object ID, field string) func(Kind, ID) {
		return func(to Kind, id ID) {
			if id != "" {
				visit(Use{k, string(object), field}, to, string(id))
			}
		}
	}
	for _, l := range d.Lines {
		ref(KindLine, l.ID, "path")(KindPath, l.Path)
	}
	for _, n := range d.Numbers {
		ref(KindNumber, n.ID, "line")(KindLine, n.Line)
		ref(KindNumber, n.ID, "path")(KindPath, n.Path)
	}
	for _, p := range d.People {
		ref(KindPerson, ID(p.ID), "profile")(KindProfile, p.Profile)
		for _, skill := range slices.Sorted(maps.Keys(p.Skills)) {
			ref(KindPerson, ID(p.ID), "skills")(KindSkill, skill)
		}
	}
	for _, e := range d.Extensions {
		if k, ok := targetKinds[e.Target.Kind]; ok {
			ref(KindExtension, e.ID, "target")(k, ID(e.Target.ID))
		}
	}
	for _, v := range d.Devices {
		ref(KindDevice, v.ID, "owner")(KindPerson, ID(v.Owner))
	}
	for _, g := range d.Groups {
		for _, m := range g.Members {
			ref(KindGroup, g.ID, "members")(KindPerson, ID(m))
		}
		if g.Queue != nil {
			queueReferences(g.Queue, func(field string) func(Kind, ID) { return ref(KindGroup, g.ID, "queue."+field) })
		}
	}
	for _, s := range d.Surveys {
		ref(KindSurvey, s.ID, "intro")(KindPrompt, s.Intro)
		for _, q := range s.Questions {
			ref(KindSurvey, s.ID, "questions")(KindPrompt, q)
		}
		ref(KindSurvey, s.ID, "thanks")(KindPrompt, s.Thanks)
	}
	for _, m := range d.Menus {
		ref(KindMenu, m.ID, "prompt")(KindPrompt, m.Prompt)
		for _, key := range sortedKeys(m.Keys) {
			ref(KindMenu, m.ID, "keys")(KindPath, m.Keys[key])
		}
		ref(KindMenu, m.ID, "else")(KindPath, m.Else)
	}
	for _, p := range d.Paths {
		for _, s := range p.Steps {
			at := ref(KindPath, p.ID, "steps")
			at(KindSchedule, s.Schedule)
			for _, state := range dayStates {
				at(KindPath, s.On[DayState(state)])
			}
			at(KindPrompt, s.Prompt)
			at(KindMenu, s.Menu)
			at(KindGroup, s.Group)
			at(KindPerson, ID(s.Person))
			at(KindPath, s.Path)
		}
	}
	for _, l := range d.Outbound.Default {
		ref(KindOutbound, "", "default")(KindLine, l)
	}
	for _, c := range classes {
		for _, l := range d.Outbound.Classes[c] {
			ref(KindOutbound, "", "classes."+string(c))(KindLine, l)
		}
	}
}

// queueReferences visits what a queue's rules refer to.
func queueReferences(q *QueueRules, ref func(field string) func(Kind, ID)) {
	ref("music")(KindPrompt, q.Music)
	for _, skill := range slices.Sorted(maps.Keys(q.Needs)) {
		ref("needs")(KindSkill, skill)
	}
	for _, r := range q.Rings {
		for _, skill := range r.Without {
			ref("rings")(KindSkill, skill)
		}
		ref("rings")(KindGroup, r.Group)
	}
	ref("periodic")(KindPrompt, q.Periodic)
	for _, key := range sortedKeys(q.Exits) {
		ref("exits")(KindPath, q.Exits[key])
	}
	ref("whisper")(KindPrompt, q.Whisper)
	for _, o := range q.Outcomes {
		ref("outcomes")(KindOutcome, o)
	}
	ref("script")(KindScript, q.Script)
	ref("survey")(KindSurvey, q.Survey)
}

// graph judges the paths: each must end, and none may go round without the caller
// pressing a key, being answered, or hanging up.
func (v *validator) graph() {
	next := map[ID][]ID{}
	for i := range v.d.Paths {
		p := &v.d.Paths[i]
		next[p.ID] = v.walkPath(p)
	}
	const (
		unseen = iota
		open
		done
	)
	state := map[ID]int{}
	var visit func(id ID)
	visit = func(id ID) {
		state[id] = open
		for _, to := range next[id] {
			switch state[to] {
			case unseen:
				visit(to)
			case open:
				v.add(KindPath, string(id), "steps", ProblemLoop, "path", string(to))
			}
		}
		state[id] = done
	}
	for _, p := range v.d.Paths {
		if state[p.ID] == unseen {
			visit(p.ID)
		}
	}
}

// walkPath checks that every outcome of every step has a next one, and returns
// the paths that the caller may get to without doing anything.
func (v *validator) walkPath(p *Path) []ID {
	var out []ID
	for i, s := range p.Steps {
		ends := false
		switch s.Kind {
		case StepGoto:
			out, ends = append(out, s.Path), true
		case StepEnd:
			ends = true
		case StepHours:
			ends = true
			for _, state := range dayStates {
				if to := s.On[DayState(state)]; to != "" {
					out = append(out, to)
				} else {
					ends = false
				}
			}
		case StepMenu:
			if m := v.d.MenuByID(s.Menu); m != nil && m.Else != "" {
				out, ends = append(out, m.Else), true
			}
		}
		if ends {
			if i+1 < len(p.Steps) {
				v.warn(KindPath, string(p.ID), "steps", ProblemUnreachable, "step", strconv.Itoa(i+2))
			}
			return out
		}
	}
	v.add(KindPath, string(p.ID), "steps", ProblemEnd)
	return out
}
