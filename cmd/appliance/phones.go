package main

import (
	"net/netip"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
)

// phones is the registrar as the switch sees it.
type phones struct{ b *box }

func (p phones) Authenticate(req *sip.Request) (office.ID, *sip.Response) {
	return p.b.registrar.Authenticate(req, p.b.now())
}

func (p phones) KnownSource(from netip.AddrPort) (office.ID, bool) {
	dev, known, _ := p.b.registrar.KnownSource(from, p.b.now())
	return dev, known
}

func (p phones) Contacts(device office.ID) []pbx.Contact {
	bindings := p.b.registrar.Contacts(device)
	list := make([]pbx.Contact, len(bindings))
	for i := range bindings {
		x := &bindings[i]
		list[i] = pbx.Contact{URI: x.URI, Flow: x.Flow, Dest: x.Destination()}
	}
	return list
}

// account finds the SIP account of a user name in the office.
func (b *box) account(username string) (registrar.Account, bool) {
	dev := b.office.Current().Doc.DeviceByUsername(username)
	if dev == nil {
		return registrar.Account{}, false
	}
	secret, ok := b.secrets.Get(dev.Secret)
	if !ok {
		return registrar.Account{}, false
	}
	return registrar.Account{Device: dev.ID, Secret: secret, Algorithm: dev.Algorithm, Disabled: dev.Disabled}, true
}

// stateless answers REGISTER without a transaction.
func (b *box) stateless(req *sip.Request) *sip.Response {
	if req.Method() == sip.REGISTER {
		return b.registrar.Register(req, b.now())
	}
	return nil
}

// phoneChanged tells journal and ACD that a phone came or went.
func (b *box) phoneChanged(c registrar.Change) {
	b.record.Append("", journal.PhoneChanged{Device: string(c.Device), Online: c.Online})
	if !c.Online {
		b.keys.PhoneGone(c.Device)
	}
	if dev := b.office.Current().Doc.DeviceByID(c.Device); dev != nil && dev.Owner != "" {
		b.acd.PhoneReachable(dev.Owner, b.reachable(dev.Owner))
	}
}

// reachable says whether any phone of a person is registered.
func (b *box) reachable(person journal.SubjectID) bool {
	for _, d := range b.office.Current().Doc.DevicesOf(person) {
		if len(b.registrar.Contacts(d.ID)) > 0 {
			return true
		}
	}
	return false
}

// tellReachable tells the ACD about everybody's phones, at the start and after the
// office has changed.
func (b *box) tellReachable() {
	for _, p := range b.office.Current().Doc.People {
		b.acd.PhoneReachable(p.ID, b.reachable(p.ID))
	}
}
