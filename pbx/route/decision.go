package route

import (
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
)

// decision is one run of Decide: its arguments and the trace so far.
type decision struct {
	doc   *office.Document
	req   Request
	at    time.Time
	st    State
	plan  numbering.Plan
	trace []journal.TraceStep
}

// because adds a reason. args are key, value pairs; object is the office object
// that decided, or empty.
func (d *decision) because(rule string, object office.ID, args ...string) {
	s := journal.TraceStep{Rule: rule, Object: string(object)}
	if len(args) > 1 {
		s.Args = make(map[string]string, len(args)/2)
		for i := 0; i+1 < len(args); i += 2 {
			s.Args[args[i]] = args[i+1]
		}
	}
	d.trace = append(d.trace, s)
}

func (d *decision) refuse(code int, prompt, rule string, args []string) Action {
	d.because(rule, "", args...)
	return Refuse{Code: code, Prompt: prompt, Reason: rule}
}

// fromPhone decides what a phone dialled.
func (d *decision) fromPhone() Action {
	dev := d.doc.DeviceByID(d.req.Device)
	dialled := numbering.Clean(d.req.Dialled)
	if number, ok := d.emergency(dialled); ok && dev != nil && d.req.Trust != TrustNone && d.req.Trust != "" {
		return d.emergencyCall(number)
	}
	switch {
	case dev == nil:
		return d.refuse(403, "", "route.unknownPhone", nil)
	case d.req.Trust != TrustDigest:
		return d.refuse(403, "", "route.notProved", nil)
	case dev.Disabled:
		return d.refuse(403, "", "route.phoneDisabled", nil)
	}
	d.because("route.phone", dev.ID)
	if f, args, ok := d.feature(dialled); ok {
		d.because("route.feature", "", "feature", string(f))
		return Feature{Feature: f, Args: args}
	}
	if r, ok := d.doc.Resolve(dialled); ok && r.Extension != nil {
		d.because("route.extension", r.Extension.ID, "digits", r.Extension.Digits)
		return d.extension(*r.Extension)
	}
	return d.outside(*dev, dialled)
}

// emergency reports whether the complete dialled string is an emergency number,
// as it stands or after the outside-line prefix.
func (d *decision) emergency(dialled string) (string, bool) {
	if d.plan.IsEmergency(dialled) {
		return dialled, true
	}
	if p := d.doc.Outbound.Prefix; p != "" {
		if rest, ok := strings.CutPrefix(dialled, p); ok && d.plan.IsEmergency(rest) {
			return rest, true
		}
	}
	return "", false
}

// feature finds the feature code that dialled is, alone or followed by "*" and
// arguments, or by the one digit that some take. Codes are compared in the order of their names, so that an office
// with two equal codes still has one answer.
func (d *decision) feature(dialled string) (office.Feature, string, bool) {
	for _, f := range features {
		code := d.doc.Code(f)
		if code == "" {
			continue
		}
		rest, ok := strings.CutPrefix(dialled, code)
		if ok && rest == "" {
			return f, "", true
		}
		if args, star := strings.CutPrefix(rest, "*"); ok && star && strings.Trim(args, "0123456789*") == "" {
			return f, args, true
		}
	}
	if r, ok := d.doc.Resolve(dialled); ok && r.Digit != "" {
		return r.Feature, r.Digit, true
	}
	return "", "", false
}

// extension decides what an extension of the office leads to.
func (d *decision) extension(x office.Extension) Action {
	switch x.Target.Kind {
	case office.TargetPerson:
		return d.ring(x, []journal.SubjectID{journal.SubjectID(x.Target.ID)}, "")
	case office.TargetDevice:
		return d.ring(x, nil, office.ID(x.Target.ID))
	case office.TargetGroup:
		g := d.doc.GroupByID(office.ID(x.Target.ID))
		switch {
		case g == nil:
			return d.refuse(404, PromptUnknown, "route.missingTarget", []string{"kind", string(x.Target.Kind)})
		case g.Mode == office.GroupQueue:
			d.because("route.queue", g.ID)
			return EnterQueue{Extension: x.ID, Group: g.ID}
		default:
			d.because("route.group", g.ID)
			return d.ring(x, g.Members, "")
		}
	case office.TargetPath:
		if d.doc.PathByID(office.ID(x.Target.ID)) != nil {
			d.because("route.path", office.ID(x.Target.ID))
			return EnterPath{Path: office.ID(x.Target.ID)}
		}
	}
	return d.refuse(404, PromptUnknown, "route.missingTarget", []string{"kind", string(x.Target.Kind)})
}

// ring rings the enabled telephones of people, or one device, but not the one
// that asks.
func (d *decision) ring(x office.Extension, people []journal.SubjectID, device office.ID) Action {
	r := RingExtension{Extension: x.ID, Digits: x.Digits, Target: x.Target}
	add := func(dev *office.Device) {
		if dev.ID != d.req.Device {
			r.add(dev)
		}
	}
	for _, p := range people {
		for _, dev := range d.doc.DevicesOf(p) {
			add(dev)
		}
	}
	if dev := d.doc.DeviceByID(device); dev != nil {
		add(dev)
	}
	if len(r.Devices) == 0 {
		return d.refuse(480, PromptNobody, "route.noPhone", nil)
	}
	if x.ID == "" {
		d.because("route.ringAll", "")
	} else {
		d.because("route.ring", office.ID(x.Target.ID))
	}
	return r
}

// fromLine decides where a call from outside goes: own number, line's path,
// the line's only number, everybody.
func (d *decision) fromLine() Action {
	line := d.doc.LineByID(d.req.Line)
	switch {
	case line == nil:
		return d.refuse(404, "", "route.unknownLine", nil)
	case line.Disabled:
		return d.refuse(480, "", "route.lineDisabled", nil)
	}
	d.because("route.line", line.ID)
	d.because("route.caller."+string(presentation(d.req.Caller)), "")
	if d.mayBeCallBack(line) {
		return d.callBack(line)
	}
	if n, ok := d.ownNumber(line.ID); ok {
		d.because("route.number", n.ID)
		if d.doc.PathByID(n.Path) != nil {
			d.because("route.path", n.Path)
			return EnterPath{Path: n.Path, Number: n.ID}
		}
		d.because("route.missingPath", n.Path)
	}
	if d.doc.PathByID(line.Path) != nil {
		d.because("route.path", line.Path)
		return EnterPath{Path: line.Path}
	}
	if n, ok := d.onlyNumber(line.ID); ok && d.doc.PathByID(n.Path) != nil {
		d.because("route.onlyNumber", n.ID)
		d.because("route.path", n.Path)
		return EnterPath{Path: n.Path, Number: n.ID}
	}
	d.because("route.noPath", line.ID)
	var everybody []journal.SubjectID
	for _, p := range d.doc.People {
		everybody = append(everybody, p.ID)
	}
	return d.ring(office.Extension{}, everybody, "")
}

// mayBeCallBack says whether the emergency service may be calling back: within
// CallBackWindow after an emergency call on the line, and over a trunk only at the
// number that was shown, its first.
func (d *decision) mayBeCallBack(line *office.Line) bool {
	if !d.at.Before(d.st.Lines[line.ID].ReservedUntil) {
		return false
	}
	called, ok := d.ownNumber(line.ID)
	if line.Kind != office.LineTrunk || !ok {
		return true
	}
	shown := slices.IndexFunc(d.doc.Numbers, func(n office.Number) bool { return n.Line == line.ID })
	return shown < 0 || d.doc.Numbers[shown].ID == called.ID
}

// callBack rings without greeting, menu or night message: the phone that called for
// help, and then all, or all at once if it is gone.
func (d *decision) callBack(line *office.Line) Action {
	d.because("route.callBack", line.ID)
	all := RingExtension{CallBack: true}
	for i := range d.doc.Devices {
		all.add(&d.doc.Devices[i])
	}
	if dev := d.doc.DeviceByID(d.st.Lines[line.ID].CallBack); dev != nil && !dev.Disabled {
		d.because("route.callBackPhone", dev.ID)
		r := RingExtension{Then: all.Devices, CallBack: true}
		r.add(dev)
		return r
	}
	if len(all.Devices) == 0 {
		return d.refuse(480, PromptNobody, "route.noPhone", nil)
	}
	d.because("route.ringAll", "")
	return all
}

// add adds a telephone that is in use, once.
func (r *RingExtension) add(dev *office.Device) {
	if dev.Disabled || slices.Contains(r.Devices, dev.ID) {
		return
	}
	r.Devices = append(r.Devices, dev.ID)
	if dev.Owner != "" && !slices.Contains(r.People, dev.Owner) {
		r.People = append(r.People, dev.Owner)
	}
}

// ownNumber finds the number of ours that was called; numbers of the line itself
// come before those of other lines.
func (d *decision) ownNumber(line office.ID) (office.Number, bool) {
	if d.req.Dialled == "" {
		return office.Number{}, false
	}
	var other *office.Number
	for _, e := range d.plan.Own(d.req.Dialled) {
		for i, n := range d.doc.Numbers {
			if n.Number != e {
				continue
			}
			if n.Line == line {
				return n, true
			}
			if other == nil {
				other = &d.doc.Numbers[i]
			}
		}
	}
	if other != nil {
		return *other, true
	}
	return office.Number{}, false
}

func (d *decision) onlyNumber(line office.ID) (office.Number, bool) {
	var found []office.Number
	for _, n := range d.doc.Numbers {
		if n.Line == line {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		return office.Number{}, false
	}
	return found[0], true
}

// presentation treats a caller that nobody normalised as unavailable.
func presentation(c numbering.Caller) numbering.Presentation {
	switch c.Presentation {
	case numbering.Presented, numbering.Restricted:
		return c.Presentation
	default:
		return numbering.Unavailable
	}
}
