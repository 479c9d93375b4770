package pbx

import (
	"net/netip"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/dialog"
	"centralino/pbx/route"
	"centralino/pbx/sip"
)

// ring calls all contacts of the phones asked for, at once.
func (a *actor) ring(x call.Ring) {
	legs := 0
	for _, dev := range a.devices(x) {
		for _, c := range a.p.o.Phones.Contacts(dev.ID) {
			if a.ringContact(x, dev, c) {
				legs++
			}
		}
	}
	a.step(call.AttemptStarted{Attempt: x.Attempt, Legs: legs, Reason: "offline"})
}

// devices lists the phones to ring, each once: those of the office as it is now,
// since a call may have waited for long.
func (a *actor) devices(x call.Ring) []*office.Device {
	doc := a.p.o.Office()
	var list []*office.Device
	add := func(d *office.Device) {
		if d == nil || d.Disabled || d.ID == a.request.Device {
			return
		}
		for _, have := range list {
			if have.ID == d.ID {
				return
			}
		}
		list = append(list, d)
	}
	for _, id := range x.Devices {
		add(doc.DeviceByID(id))
	}
	if len(x.Devices) == 0 {
		for _, p := range x.People {
			for _, d := range doc.DevicesOf(p) {
				add(d)
			}
		}
	}
	return list
}

func (a *actor) ringContact(x call.Ring, dev *office.Device, c Contact) bool {
	l := &sipLeg{owned: in(a), id: a.newLegID(), kind: journal.LegPhone, device: dev.ID, urgent: a.back}
	local := a.p.localFor(c.Flow)
	if err := l.open(local); err != nil {
		a.log.Error("no RTP port", "err", err)
		return false
	}
	a.legs = append(a.legs, l)
	a.step(call.LegStarted{Attempt: x.Attempt, Leg: l.id, Kind: l.kind, Device: dev.ID, Person: dev.Owner})
	to := sip.Address{URI: c.URI}
	from := a.callerAddress(local)
	if x.Show != "" && from.Display != "" {
		from.Display = x.Show + ": " + from.Display
	} else if x.Show != "" {
		from.Display = x.Show
	}
	l.invite(dialog.InviteOptions{URI: c.URI, Dest: c.Dest, From: from, To: to, Urgent: a.back})
	return true
}

// invite sends the leg's INVITE with our offer.
func (l *sipLeg) invite(o dialog.InviteOptions) {
	l.local = nil
	body := l.answerSDP() // there is no offer of theirs: this is ours
	o.SDP = body
	o.On = func(ev dialog.Event) { l.owner().post(dialogMail{l, ev}) }
	l.d = l.a.p.dialogs.Invite(o)
	l.a.p.list(l)
}

// callerAddress is what the called phone shows: number and name of who calls.
func (a *actor) callerAddress(local netip.Addr) sip.Address {
	user, display := "anonymous", ""
	switch {
	case a.request.Device != "":
		user, display = a.deviceAddress(a.request.Device)
	case a.request.Caller.Number != "":
		user = route.Plan(a.doc).Dial(numbering.Number{E164: a.request.Caller.Number}, numbering.FormNational)
	case a.request.Caller.Short != "":
		user = a.request.Caller.Short
	}
	return sip.Address{Display: display, URI: sip.URI{Scheme: "sip", User: user, Host: local.String()}}
}

// deviceAddress is extension and name of a phone's owner.
func (a *actor) deviceAddress(id office.ID) (user, display string) {
	dev := a.doc.DeviceByID(id)
	if dev == nil {
		return "anonymous", ""
	}
	user = dev.Username
	if dev.Owner != "" {
		display = a.p.o.Names.NameForRouting(dev.Owner)
		for _, x := range a.doc.ExtensionsOf(office.Target{Kind: office.TargetPerson, ID: string(dev.Owner)}) {
			return x.Digits, display
		}
	}
	for _, x := range a.doc.ExtensionsOf(office.Target{Kind: office.TargetDevice, ID: string(dev.ID)}) {
		return x.Digits, display
	}
	return user, display
}

// dialOut seizes the first free line and dials. An emergency call that finds none
// goes on looking.
func (a *actor) dialOut(x call.DialOut) {
	switch {
	case a.dialFirst(x):
	case x.Out.Emergency:
		a.awaitLine(x)
	default:
		a.step(call.AttemptStarted{Attempt: x.Attempt, Reason: "noLine"})
	}
}

// dialFirst dials on the first candidate that is free and takes the call.
func (a *actor) dialFirst(x call.DialOut) bool {
	held := route.LineCall{Call: a.id, Start: a.p.o.Now(), Emergency: x.Out.Emergency}
	for cands := x.Out.Candidates; ; {
		cand, ok := a.p.book.seize(a.p.o.Office(), a.p.o.Trunks(), cands, held)
		if !ok {
			return false
		}
		if x.Out.Emergency {
			a.try(cand.Line)
		}
		if a.dialOn(x, cand) {
			a.step(call.AttemptStarted{Attempt: x.Attempt, Legs: 1})
			return true
		}
		cands = without(cands, cand.Line)
	}
}

func without(list []route.Candidate, line office.ID) []route.Candidate {
	var out []route.Candidate
	for _, c := range list {
		if c.Line != line {
			out = append(out, c)
		}
	}
	return out
}

// dialOn dials on a line that has been seized; false if it would not.
func (a *actor) dialOn(x call.DialOut, cand route.Candidate) bool {
	for _, t := range a.p.o.Trunks() {
		if t.Line() == cand.Line {
			return a.dialTrunk(x, cand, t)
		}
	}
	if r := a.p.reader(cand.Line); r != nil {
		return a.dialLine(x, cand, r)
	}
	a.p.book.release(cand.Line, a.id)
	return false
}

// trunkSilence is how long a provider may take to say anything at all before the
// next line is tried.
const trunkSilence = 4 * time.Second

func (a *actor) dialTrunk(x call.DialOut, cand route.Candidate, t Trunk) bool {
	o := t.Invite(cand.Dial, a.ownNumber(cand.Line))
	o.Silence, o.Urgent = trunkSilence, x.Out.Emergency
	l := &sipLeg{owned: in(a), id: a.newLegID(), kind: journal.LegTrunk, line: cand.Line, urgent: x.Out.Emergency, called: presented(x.Out.Number.E164)}
	if err := l.open(a.p.localToward(o.Dest, o.URI)); err != nil {
		a.log.Error("no RTP port", "err", err)
		a.p.book.release(cand.Line, a.id)
		return false
	}
	a.legs = append(a.legs, l)
	a.step(call.LegStarted{Attempt: x.Attempt, Leg: l.id, Kind: l.kind, Line: cand.Line})
	l.invite(o)
	return true
}

// ownNumber is the office's number to show on a line, empty for the line's own.
func (a *actor) ownNumber(line office.ID) numbering.E164 {
	for i := range a.doc.Numbers {
		if n := &a.doc.Numbers[i]; n.Line == line {
			return n.Number
		}
	}
	return ""
}

// localFor is our address as the other side of a flow sees it.
func (p *PBX) localFor(f sip.Flow) netip.Addr {
	if a := f.Local().Addr(); a.IsValid() && !a.IsUnspecified() {
		return a
	}
	return p.o.Stack.LocalAddrFor(f.Transport(), f.Remote().Addr()).Addr()
}

// localToward is our address towards a destination that may still have to be
// looked up; then any address of ours that leads out.
func (p *PBX) localToward(d sip.Destination, u sip.URI) netip.Addr {
	switch d := d.(type) {
	case sip.Flow:
		return p.localFor(d)
	case sip.Target:
		if a, err := netip.ParseAddr(d.Host); err == nil {
			return p.o.Stack.LocalAddrFor(sip.UDP, a).Addr()
		}
	}
	if a, err := netip.ParseAddr(u.Host); err == nil {
		return p.o.Stack.LocalAddrFor(sip.UDP, a).Addr()
	}
	return p.o.Stack.LocalAddrFor(sip.UDP, netip.IPv4Unspecified()).Addr()
}
