package dialog

import (
	"net/netip"

	"centralino/pbx/sip"
)

// Peer is the other side of a dialog that its SUBSCRIBE made (RFC 6665 4.4.1): what
// is needed to tell requests of that dialog from others and to send ours within it.
// It is used in the queue of its Call-ID alone.
type Peer struct {
	callID, tag string
	state       dialogState
	flow        sip.Flow // of the latest request
}

// NewPeer makes the dialog of a request that is accepted with resp, a 2xx.
func NewPeer(req *sip.Request, resp *sip.Response) *Peer {
	return &Peer{callID: req.CallID(), tag: resp.To().Tag(), state: answering(req, resp.To()), flow: req.Flow()}
}

// Key names a dialog by Call-ID and our tag; KeyOf gives the same for a request
// within it.
func (p *Peer) Key() string { return legKey(p.callID, p.tag) }

// KeyOf is the key of the dialog that a request belongs to.
func KeyOf(req *sip.Request) string { return legKey(req.CallID(), req.To().Tag()) }

// CallID returns the dialog's Call-ID.
func (p *Peer) CallID() string { return p.callID }

// Take checks a request within the dialog and takes its contact and flow for what is
// sent from now on. It returns 0, or the status to refuse it with: 481 where the
// other side's tag differs, 500 for a request older than one before (RFC 3261 12.2.2).
func (p *Peer) Take(req *sip.Request) int {
	if req.From().Tag() != p.state.rtag {
		return 481
	}
	seq, _ := req.CSeq()
	if seq <= p.state.remoteSeq {
		return 500
	}
	p.state.remoteSeq, p.flow = seq, req.Flow()
	p.state.refresh(req.Contacts())
	return 0
}

// Target is the other side's contact, Flow where its latest request came from.
func (p *Peer) Target() sip.URI { return p.state.target }

// Flow is where the other side's latest request came from.
func (p *Peer) Flow() sip.Flow { return p.flow }

// Request makes our next request within the dialog.
func (p *Peer) Request(method string) *sip.Request {
	p.state.localSeq++
	return p.state.request(method, p.state.localSeq, p.callID)
}

// Way is where such a request goes. Where nobody stands between, better, if not nil,
// is preferred to where the latest request came from: the phone may have moved.
func (p *Peer) Way(better sip.Destination) sip.Destination {
	if better != nil && p.state.dest != nil {
		return better
	}
	return p.state.way(p.flow)
}

// Contact is our Contact in the answer to a request of the dialog.
func (p *Peer) Contact(stack *sip.Stack) string { return ourContact(stack, p.flow, p.state.user) }

// PeerRecord is a dialog as it may be kept over a restart, for one last request.
type PeerRecord struct {
	CallID, Tag   string // ours
	Local, Remote string // From and To of our requests
	Target        string // their contact
	Address       netip.AddrPort
}

// Key names the dialog as Peer.Key does.
func (r PeerRecord) Key() string { return legKey(r.CallID, r.Tag) }

// Record returns what to keep; nothing where the other side cannot be reached after a
// restart without more: over a connection or another server.
func (p *Peer) Record() PeerRecord {
	if p.state.dest == nil || p.flow.Transport() != sip.UDP {
		return PeerRecord{}
	}
	return PeerRecord{CallID: p.callID, Tag: p.tag, Local: p.state.local, Remote: p.state.remote,
		Target: p.state.target.String(), Address: p.flow.Remote()}
}

// lastSeq is the number of the last request: beyond all that were sent before
// (RFC 3261 12.2.1.1 lets it be any greater one).
const lastSeq = 1 << 30

// Last makes the last request of a dialog of before the restart, and where it goes.
func (r PeerRecord) Last(method string) (*sip.Request, sip.Flow, bool) {
	target, err := sip.ParseURI(r.Target)
	if err != nil || !r.Address.IsValid() {
		return nil, sip.Flow{}, false
	}
	d := dialogState{local: r.Local, remote: r.Remote, target: target, user: target.User}
	return d.request(method, lastSeq, r.CallID), sip.NewFlow(sip.UDP, netip.AddrPort{}, r.Address), true
}
