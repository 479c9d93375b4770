package ui

import (
	"cmp"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
)

// story tells the events of one call in words. Whom the gate hides is called "an
// operator", also in the reasons of decisions.
func (v *visit) story(doc *office.Document, events []journal.Event) []api.Moment {
	out := []api.Moment{}
	handed := false
	legs := map[journal.LegID]journal.CallLeg{}
	for _, e := range events {
		m := api.Moment{Time: e.Time}
		switch p := e.Payload.(type) {
		case journal.CallLeg:
			known := legs[p.Leg]
			p.Person, p.Line, p.Device = cmp.Or(p.Person, known.Person), cmp.Or(p.Line, known.Line), cmp.Or(p.Device, known.Device)
			p.Kind = cmp.Or(p.Kind, known.Kind)
			legs[p.Leg] = p
			v.legMoment(&m, doc, p)
		case journal.CallBridged:
			m.Text, m.Icon, m.Tone = v.p.T("story.bridged"), "talk", "good"
		case journal.CallTransfer:
			handed = handed || p.State == journal.TransferHanded
			v.transferMoment(&m, doc, p)
		case journal.ContactQueued:
			v.moment(&m, doc, p)
			if handed && p.Arrival.Before(e.Time.Add(-time.Second)) {
				m.Why = []string{v.p.T("story.queued.kept", "time", v.p.Clock(e.Time.Sub(p.Arrival).Round(time.Second)))}
			}
		default:
			v.moment(&m, doc, e.Payload)
		}
		if m.Text != "" {
			out = append(out, m)
		}
	}
	return out
}

// moment tells one event that needs nothing of the others.
func (v *visit) moment(m *api.Moment, doc *office.Document, payload journal.Payload) {
	names := v.namer(doc, nil)
	switch p := payload.(type) {
	case journal.CallStarted:
		icons := map[journal.Direction]string{journal.Inbound: "in", journal.Outbound: "out", journal.Internal: "inside"}
		m.Icon = icons[p.Direction]
		m.Text = v.p.T("story.started."+string(p.Direction), "from", v.party(p.From), "line", cmp.Or(names.any(p.Line), p.Line),
			"to", v.startedTo(doc, p))
		if p.From == "" && p.Direction == journal.Inbound { // the network tells it after the first ring
			m.Text = v.p.T("story.started.in.yet", "line", cmp.Or(names.any(p.Line), p.Line))
		}
		if p.Emergency {
			m.Tone, m.Text = "bad", v.p.T("story.started.emergency", "from", v.party(p.From), "to", p.Dialled)
		}
	case journal.CallCaller:
		m.Text, m.Icon = v.p.T("story.caller", "from", v.party(p.From)), "user"
	case journal.CallRouted:
		m.Text, m.Icon, m.Tone = v.p.T("story.routed"), "think", "think"
		m.Why = v.reasons(names, p.Trace)
	case journal.CallAnswered:
		m.Text, m.Icon, m.Tone = v.p.T("story.answered.box"), "ok", "good"
		if p.By != "" {
			m.Text = v.p.T("story.answered", "who", v.party(p.By))
		}
	case journal.CallStep:
		m.Text, m.Icon = v.stepWords(names, p), "path"
	case journal.ContactQueued:
		m.Text, m.Icon = v.p.T("story.queued", "queue", names.object(office.KindGroup, p.Queue)), "queue"
	case journal.ContactOffered:
		m.Text, m.Icon, m.Tone = v.p.T("story.offered", "who", v.party(p.Agent)), "bell", "think"
		m.Why = v.candidates(doc, p, m.Time)
	case journal.OfferEnded:
		if p.Outcome != journal.OfferAccepted {
			m.Text, m.Icon = v.p.T("story.offer."+string(p.Outcome), "who", v.party(p.Agent)), "bell"
		}
	case journal.ContactConnected:
		m.Text, m.Icon, m.Tone = v.p.T("story.connected", "who", v.party(p.Agent), "waited", v.p.Clock(p.Waited)), "talk", "good"
	case journal.ContactEnded:
		if p.Outcome != "served" && v.p.Has("story.contact."+p.Outcome) {
			m.Text, m.Icon, m.Tone = v.p.T("story.contact."+p.Outcome, "waited", v.p.Clock(p.Waited)), "queue", "bad"
		}
	case journal.CallbackSettled:
		if key := "story.settled." + strings.ReplaceAll(p.Why, " ", ""); v.p.Has(key) {
			m.Text, m.Icon = v.p.T(key, "who", v.party(p.By)), "phone"
		}
	case journal.CallEnded:
		m.Icon, m.Tone = "end", ""
		key := "story.ended." + p.By
		if !v.p.Has(key) {
			key = "story.ended"
		}
		m.Text = v.p.T(key, "cause", v.cause(p.Cause), "talk", v.p.Clock(p.Talk.Round(time.Second)))
	}
}

// startedTo says whom a call was for when it began.
func (v *visit) startedTo(doc *office.Document, p journal.CallStarted) string {
	if p.To != "" {
		return v.party(p.To)
	}
	if n := v.dialledWords(doc, p.Dialled); n != "" {
		return n
	}
	return doc.Site.Name
}

// legMoment tells a change of a leg.
func (v *visit) legMoment(m *api.Moment, doc *office.Document, p journal.CallLeg) {
	names := v.namer(doc, nil)
	who := v.p.T("story.leg." + string(p.Kind))
	switch {
	case p.Person != "":
		who = v.party(p.Person)
	case p.Line != "":
		who = cmp.Or(names.any(p.Line), p.Line)
	case p.Device != "":
		// A phone's name may be its owner's.
		if d := doc.DeviceByID(office.ID(p.Device)); d != nil && d.Owner != "" {
			who = v.party(d.Owner)
		}
	}
	iconOf := map[journal.LegState]string{journal.LegRinging: "bell", journal.LegAnswered: "phone", journal.LegHeld: "pause", journal.LegResumed: "play", journal.LegEnded: "end"}
	m.Icon = iconOf[p.State]
	m.Text = v.p.T("story.leg."+string(p.State), "who", who)
	if p.State == journal.LegEnded && p.Cause != "" {
		m.Text += " (" + v.cause(p.Cause) + ")"
	}
}

// cause is the word for why something ended; what is unknown stands as it is.
func (v *visit) cause(c string) string {
	if v.p.Has("cause." + c) {
		return v.p.T("cause." + c)
	}
	return c
}

// stepWords tells that a call entered a step of its path.
func (v *visit) stepWords(names namer, p journal.CallStep) string {
	path := names.object(office.KindPath, p.Path)
	if p.Key != "" {
		return v.p.T("story.key", "key", p.Key, "path", path)
	}
	key := "story.step." + p.Step
	if !v.p.Has(key) {
		key = "story.step"
	}
	return v.p.T(key, "path", path, "step", p.Step)
}

// reasons are the steps of a decision in words. Arguments that are pseudonyms or
// ids become names as the gate allows.
func (v *visit) reasons(names namer, trace []journal.TraceStep) []string {
	var out []string
	for _, s := range trace {
		args := map[string]string{"object": v.explained(names, s.Object)}
		for k, a := range s.Args {
			args[k] = v.explained(names, a)
		}
		key := s.Rule
		if !v.p.Has(key) {
			key = "rule.unknown"
			args["rule"] = s.Rule
		}
		out = append(out, v.p.Args(key, args))
	}
	return out
}

// explained writes an argument of a reason for people.
func (v *visit) explained(names namer, a string) string {
	if isPerson(journal.SubjectID(a)) || isNumber(a) {
		return v.name(privacy.Explain, journal.SubjectID(a))
	}
	if k, ok := names.kindOf(a); ok {
		switch k {
		case office.KindDevice:
			if d := names.doc.DeviceByID(office.ID(a)); d.Owner != "" {
				return v.name(privacy.Explain, d.Owner)
			}
		case office.KindExtension:
			if e := names.doc.ExtensionByID(office.ID(a)); e.Target.Kind == office.TargetPerson {
				return v.name(privacy.Explain, journal.SubjectID(e.Target.ID))
			}
		}
		return names.object(k, a)
	}
	// Digits of a person's extension would name the person.
	if r, ok := names.doc.Resolve(a); ok && r.Extension != nil && r.Extension.Target.Kind == office.TargetPerson {
		who := journal.SubjectID(r.Extension.Target.ID)
		if _, may := v.s.d.People.Name(v.viewer(), privacy.Explain, who); !may {
			return v.p.T("who.operator")
		}
	}
	return a
}
