package route

import (
	"errors"
	"slices"
	"strings"

	"centralino/internal/numbering"
	"centralino/internal/office"
)

// features are all features in a fixed order.
var features = func() []office.Feature {
	var all []office.Feature
	for f := range office.StandardCodes {
		all = append(all, f)
	}
	slices.Sort(all)
	return all
}()

// StandardClasses are the classes that a person without a profile, and a phone
// without a person, may call: premium and international numbers are off until a
// profile allows them.
var StandardClasses = []office.NumberClass{
	office.ClassNational, office.ClassMobile, office.ClassFreephone, office.ClassShared, office.ClassService,
}

// outside decides an ordinary outside number.
func (d *decision) outside(dev office.Device, dialled string) Action {
	if p := d.doc.Outbound.Prefix; p != "" && !strings.HasPrefix(dialled, "+") {
		rest, ok := strings.CutPrefix(dialled, p)
		if !ok {
			return d.refuse(404, PromptUnknown, "route.noPrefix", []string{"prefix", p})
		}
		d.because("route.prefix", "", "prefix", p)
		dialled = rest
	}
	n, err := d.plan.Parse(dialled)
	if err != nil {
		return d.badNumber(err)
	}
	class := office.NumberClass(n.Class)
	d.because("route.class."+string(class), "")
	if !d.allowed(dev, class) {
		return d.refuse(403, PromptNotAllowed, "route.notAllowed", nil)
	}
	return d.dial(n, class)
}

// badNumber refuses what is not a number of the plan (RFC 3261: 484 Address
// Incomplete, 404 Not Found).
func (d *decision) badNumber(err error) Action {
	var area *numbering.MissingArea
	switch {
	case errors.As(err, &area):
		return d.refuse(484, PromptUnknown, "route.missingArea", []string{"area", d.doc.Site.AreaCode})
	case errors.Is(err, numbering.ErrEmpty):
		return d.refuse(484, PromptUnknown, "route.empty", nil)
	case errors.Is(err, numbering.ErrLength):
		return d.refuse(484, PromptUnknown, "route.length", nil)
	case errors.Is(err, numbering.ErrCarrierPrefix):
		return d.refuse(404, PromptUnknown, "route.carrierPrefix", nil)
	case errors.Is(err, numbering.ErrNotDigits):
		return d.refuse(404, PromptUnknown, "route.notDigits", nil)
	default:
		return d.refuse(404, PromptUnknown, "route.notInPlan", nil)
	}
}

// allowed asks the profile of the phone's owner.
func (d *decision) allowed(dev office.Device, class office.NumberClass) bool {
	allow, profile := StandardClasses, office.ID("")
	if p := d.doc.PersonByID(dev.Owner); p != nil {
		if own := d.doc.ProfileByID(p.Profile); own != nil {
			allow, profile = own.Allow, own.ID
		}
	}
	if profile == "" {
		d.because("route.standardProfile", "")
	} else {
		d.because("route.profile", profile)
	}
	return slices.Contains(allow, class)
}

// dial picks the lines of an ordinary call: in the class's order, in service, with
// a free channel that is not kept for an emergency service's call back. Those known to
// have no dial tone are tried when all others are busy or have failed.
func (d *decision) dial(n numbering.Number, class office.NumberClass) Action {
	lines := d.lines(class)
	out := DialOut{Number: n, Class: class, Exhausted: PromptLinesBusy}
	inService := 0
	var late []Candidate
	for _, l := range lines {
		s := d.st.Lines[l.ID]
		if !s.InService {
			d.because("route.lineOut", l.ID)
			continue
		}
		inService++
		switch {
		case s.Free <= 0:
			d.because("route.lineBusy", l.ID)
		case d.kept(l, lines):
			d.because("route.lineKept", l.ID)
		case s.NoDialTone:
			d.because("route.lineNoTone", l.ID)
			late = append(late, Candidate{Line: l.ID, Dial: d.plan.Dial(n, form(l))})
		default:
			d.because("route.lineFree", l.ID)
			out.Candidates = append(out.Candidates, Candidate{Line: l.ID, Dial: d.plan.Dial(n, form(l))})
		}
	}
	out.Candidates = append(out.Candidates, late...)
	switch {
	case len(lines) == 0:
		return d.refuse(503, PromptNoLine, "route.noLines", nil)
	case inService == 0:
		return d.refuse(503, PromptNoLine, "route.allOut", nil)
	case len(out.Candidates) == 0:
		return d.refuse(486, PromptLinesBusy, "route.allBusy", nil)
	}
	d.because("route.dial", out.Candidates[0].Line)
	return out
}

// kept reports that the last free channel of l waits for an emergency service's
// call back and that ordinary calls of this class can be served otherwise: by
// another channel of l or by another line in service, even if that one is busy
// now. Where nothing else can serve them the line is not kept.
func (d *decision) kept(l office.Line, lines []office.Line) bool {
	s := d.st.Lines[l.ID]
	if !d.at.Before(s.ReservedUntil) || s.Free > 1 {
		return false
	}
	if l.Channels > 1 {
		return true
	}
	for _, o := range lines {
		so := d.st.Lines[o.ID]
		if o.ID != l.ID && so.InService && !(d.at.Before(so.ReservedUntil) && o.Channels <= 1) {
			return true
		}
	}
	return false
}

// lines returns the enabled lines of a class in order: the class's own list, else
// the default, else (neither was configured) all.
func (d *decision) lines(class office.NumberClass) []office.Line {
	ids, ok := d.doc.Outbound.Classes[class]
	if !ok || len(ids) == 0 {
		ids = d.doc.Outbound.Default
	}
	return d.enabled(ids)
}

func (d *decision) enabled(ids []office.ID) []office.Line {
	var out []office.Line
	if len(ids) == 0 {
		for _, l := range d.doc.Lines {
			ids = append(ids, l.ID)
		}
	}
	for _, id := range ids {
		l := d.doc.LineByID(id)
		if l != nil && !l.Disabled && !slices.ContainsFunc(out, func(o office.Line) bool { return o.ID == l.ID }) {
			out = append(out, *l)
		}
	}
	return out
}

// form is how a line wants its numbers.
func form(l office.Line) numbering.Form {
	if l.Trunk != nil && l.Kind == office.LineTrunk {
		if l.Trunk.NumberFormat == "" {
			return numbering.FormE164
		}
		return numbering.Form(l.Trunk.NumberFormat)
	}
	return numbering.FormNational
}

// emergencyCall never refuses. Its candidates are, in this order: free lines that
// can carry emergency calls (those kept for a call back after the others, those known
// to have no dial tone last); if there is none,
// the line whose youngest ordinary call is ended for it; if there is none of those
// either, free lines that are not marked for emergency calls; then lines that no
// call holds, which will be free in a moment; and last the lines that are out of
// service, because trying costs nothing.
func (d *decision) emergencyCall(number string) Action {
	d.because("route.emergency", "", "number", number)
	out := DialOut{
		Number:    numbering.Number{Short: number, Class: numbering.Emergency},
		Class:     office.ClassEmergency,
		Emergency: true,
		Exhausted: PromptNoEmergency,
	}
	var free, kept, faulty, other, soon, dead []office.ID
	var busy []office.Line
	for _, l := range d.emergencyLines() {
		s := d.st.Lines[l.ID]
		switch {
		case !s.InService:
			dead = append(dead, l.ID)
		case s.Free <= 0 && l.Emergency && len(s.Calls) == 0:
			soon = append(soon, l.ID) // clears, or begins to ring
		case s.Free <= 0 && l.Emergency:
			busy = append(busy, l)
		case s.Free <= 0:
		case !l.Emergency:
			other = append(other, l.ID)
		case s.NoDialTone:
			faulty = append(faulty, l.ID)
		case d.at.Before(s.ReservedUntil):
			kept = append(kept, l.ID)
		default:
			free = append(free, l.ID)
		}
	}
	free = slices.Concat(free, kept, faulty)
	if len(free) == 0 {
		if call, line, ok := d.youngest(busy); ok {
			out.Preempt = &Preempt{Call: call.Call, Line: line, Prompt: PromptPreempt}
			free, other = []office.ID{line}, nil
			d.because("route.preempt", line)
		}
	}
	for _, id := range slices.Concat(free, other, soon, dead) {
		out.Candidates = append(out.Candidates, Candidate{Line: id, Dial: number})
	}
	if len(out.Candidates) == 0 {
		d.because("route.emergencyNoLine", "")
		return out
	}
	d.because("route.dial", out.Candidates[0].Line)
	return out
}

// emergencyLines are all enabled lines in the order of the emergency class, then
// of the default, then of the document.
func (d *decision) emergencyLines() []office.Line {
	ids := slices.Concat(d.doc.Outbound.Classes[office.ClassEmergency], d.doc.Outbound.Default)
	for _, l := range d.doc.Lines {
		ids = append(ids, l.ID)
	}
	return d.enabled(ids)
}

// youngest finds the ordinary call that started last on the lines; of two that
// started at the same instant the one with the greater id. What may be the emergency
// service's call back is found only where there is nothing else. Emergency calls are
// never found, nor one that is being ended for another emergency call.
func (d *decision) youngest(lines []office.Line) (LineCall, office.ID, bool) {
	var best LineCall
	var on office.ID
	for _, l := range lines {
		for _, c := range d.st.Lines[l.ID].Calls {
			if !c.Emergency && !c.Ending && (on == "" || sooner(c, best)) {
				best, on = c, l.ID
			}
		}
	}
	return best, on, on != ""
}

// sooner says whether a is ended for an emergency call rather than b.
func sooner(a, b LineCall) bool {
	if a.CallBack != b.CallBack {
		return b.CallBack
	}
	if !a.Start.Equal(b.Start) {
		return a.Start.After(b.Start)
	}
	return a.Call > b.Call
}
