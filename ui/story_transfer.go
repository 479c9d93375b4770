package ui

import (
	"cmp"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

// transferMoment tells how somebody hands a call on.
func (v *visit) transferMoment(m *api.Moment, doc *office.Document, p journal.CallTransfer) {
	names := v.namer(doc, nil)
	to := v.dialledWords(doc, p.Dialled)
	switch {
	case p.To != "":
		to = v.party(p.To)
	case p.Object != "":
		to = cmp.Or(names.any(p.Object), p.Object)
	}
	who := v.p.T("story.leg.phone")
	if p.By != "" {
		who = v.party(p.By)
	}
	m.Text, m.Icon = v.p.T("story.transfer."+string(p.State), "who", who, "to", to), "path"
	m.Call = string(p.Call)
	switch p.State {
	case journal.TransferRefused, journal.TransferFailed:
		m.Tone = "bad"
	case journal.TransferAnswered, journal.TransferReturned:
		m.Icon, m.Tone = "talk", "good"
	case journal.TransferBack:
		m.Icon = "bell"
	}
	if p.Why != "" {
		m.Why = v.reasons(names, []journal.TraceStep{{Rule: p.Why}})
	}
}
