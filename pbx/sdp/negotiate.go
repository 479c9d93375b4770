package sdp

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
)

var defaultCodecs = []Codec{PCMA, PCMU, TelephoneEvent}

func (l Local) codecs() []Codec {
	if l.Codecs == nil {
		return defaultCodecs
	}
	return l.Codecs
}

func (l Local) ptime() int {
	if l.Ptime == 0 {
		return 20
	}
	return l.Ptime
}

func (l Local) direction() Direction { return l.Direction.and(SendRecv) }

func (c Codec) same(d Codec) bool {
	return strings.EqualFold(c.Name, d.Name) && c.Clock == d.Clock
}

func (c Codec) isEvent() bool { return strings.EqualFold(c.Name, "telephone-event") }

func find(list []Codec, want Codec) (Codec, bool) {
	for _, c := range list {
		if c.same(want) {
			return c, true
		}
	}
	return Codec{}, false
}

// audioMedia writes our audio m-line.
func audioMedia(l Local, proto string, codecs []Codec, d Direction, ptime int) Media {
	m := Media{
		Kind: "audio", Port: l.RTP.Port(), Proto: proto, Codecs: codecs,
		Addr: l.RTP.Addr(), Direction: d, Ptime: ptime,
	}
	for _, c := range codecs {
		m.Formats = append(m.Formats, strconv.Itoa(int(c.PT)))
	}
	return m
}

// refused is the m-line that turns m down or keeps its place (RFC 3264 section 6).
func refused(m Media) Media {
	f := m.Formats
	if len(f) == 0 {
		f = []string{"0"}
	}
	return Media{Kind: m.Kind, Proto: m.Proto, Formats: f[:1], Direction: Inactive}
}

// withOrigin completes d with the origin that follows previous.
func withOrigin(previous, d *Description, l Local) *Description {
	if previous == nil {
		id := strconv.FormatUint(l.ID, 10)
		d.Origin = Origin{User: "-", ID: id, Version: id, Addr: l.RTP.Addr()}
		return d
	}
	d.Origin = previous.Origin
	if !reflect.DeepEqual(previous.Media, d.Media) {
		d.Origin.Version = increment(d.Origin.Version)
	}
	return d
}

// increment adds one to a decimal number of any length.
func increment(s string) string {
	b := []byte(s)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}

func makeOffer(previous *Description, l Local) *Description {
	audio := audioMedia(l, "RTP/AVP", l.codecs(), l.direction(), l.ptime())
	d := &Description{}
	if previous == nil {
		d.Media = []Media{audio}
		return withOrigin(nil, d, l)
	}
	placed := false
	for _, m := range previous.Media {
		switch {
		case m.Kind == "audio" && m.Port != 0 && !placed:
			audio.Proto = m.Proto
			d.Media, placed = append(d.Media, audio), true
		default:
			d.Media = append(d.Media, refused(m))
		}
	}
	if !placed {
		d.Media = append(d.Media, audio)
	}
	return withOrigin(previous, d, l)
}

func makeAnswer(previous, offer *Description, l Local) (*Description, Agreed, error) {
	d := &Description{}
	var agreed Agreed
	var reason error
	found := false
	for i := range offer.Media {
		m := &offer.Media[i]
		if found || m.Kind != "audio" {
			d.Media = append(d.Media, refused(*m))
			continue
		}
		mine, a, err := answerAudio(m, l)
		if err != nil {
			reason = err
			d.Media = append(d.Media, refused(*m))
			continue
		}
		d.Media, agreed, found = append(d.Media, mine), a, true
	}
	switch {
	case found:
		return withOrigin(previous, d, l), agreed, nil
	case reason == nil:
		reason = fmt.Errorf("%w: no audio", ErrNotAcceptable)
	}
	return nil, Agreed{}, reason
}

func answerAudio(m *Media, l Local) (Media, Agreed, error) {
	if err := usable(m); err != nil {
		return Media{}, Agreed{}, err
	}
	codec, ok := firstCommon(m.Codecs, l.codecs())
	if !ok {
		return Media{}, Agreed{}, fmt.Errorf("%w: none of our codecs among %s", ErrNotAcceptable, strings.Join(m.Formats, " "))
	}
	codec.Fmtp = ""
	codecs := []Codec{codec}
	event, hasEvent := eventOf(m.Codecs, l.codecs(), codec.Clock)
	if hasEvent {
		codecs = append(codecs, event)
	}
	theirs := m.Direction
	if m.held() { // RFC 3264 section 8.4: nothing is sent to it
		theirs = theirs.and(SendOnly)
	}
	d := theirs.Reverse().and(l.direction())
	ptime := l.ptime()
	if m.Ptime != 0 {
		ptime = m.Ptime
	}
	mine := audioMedia(l, m.Proto, codecs, d, ptime)
	a := agreedOn(m, codec, d)
	a.RecvPT, a.Held = codec.PT, !theirs.Receives()
	if hasEvent {
		a.DTMF, a.RecvDTMF = event.PT, event.PT
	}
	return mine, a, nil
}

// usable says why an audio m-line of the peer cannot be used at all.
func usable(m *Media) error {
	switch {
	case m.Port == 0:
		return fmt.Errorf("%w: audio is switched off", ErrNotAcceptable)
	case m.Proto != "RTP/AVP" && m.Proto != "RTP/AVPF":
		return fmt.Errorf("%w: transport %s", ErrNotAcceptable, m.Proto)
	case !m.Addr.IsValid() && !m.held():
		return fmt.Errorf("%w: connection address %q is a name", ErrNotAcceptable, m.Host)
	}
	return nil
}

func firstCommon(theirs, ours []Codec) (Codec, bool) {
	for _, c := range theirs {
		if _, ok := find(ours, c); ok && !c.isEvent() {
			return c, true
		}
	}
	return Codec{}, false
}

// eventOf finds telephone-event at the codec's clock rate, which both have.
func eventOf(theirs, ours []Codec, clock int) (Codec, bool) {
	want := Codec{Name: TelephoneEvent.Name, Clock: clock}
	if _, ok := find(ours, want); !ok {
		return Codec{}, false
	}
	c, ok := find(theirs, want)
	c.Fmtp = TelephoneEvent.Fmtp
	return c, ok
}

// agreedOn fills in what follows from the peer's m-line.
func agreedOn(m *Media, codec Codec, d Direction) Agreed {
	a := Agreed{Codec: codec, Direction: d, Ptime: 20}
	if m.Ptime != 0 {
		a.Ptime = m.Ptime
	}
	if m.held() {
		return a
	}
	a.RTP = netip.AddrPortFrom(m.Addr, m.Port)
	a.RTCP = m.RTCP
	if !a.RTCP.IsValid() && m.Port < 65535 {
		a.RTCP = netip.AddrPortFrom(m.Addr, m.Port+1)
	}
	return a
}

func accept(offer, answer *Description) (Agreed, error) {
	if len(answer.Media) < len(offer.Media) {
		return Agreed{}, fmt.Errorf("%w: %d m-lines answer %d", ErrNotAcceptable, len(answer.Media), len(offer.Media))
	}
	for i := range offer.Media {
		ours, theirs := &offer.Media[i], &answer.Media[i]
		if ours.Kind != "audio" || ours.Port == 0 {
			continue
		}
		if theirs.Kind != "audio" {
			return Agreed{}, fmt.Errorf("%w: %s answers audio", ErrNotAcceptable, theirs.Kind)
		}
		return acceptAudio(ours, theirs)
	}
	return Agreed{}, fmt.Errorf("%w: no audio was offered", ErrNotAcceptable)
}

func acceptAudio(ours, theirs *Media) (Agreed, error) {
	if err := usable(theirs); err != nil {
		return Agreed{}, err
	}
	codec, ok := firstCommon(theirs.Codecs, ours.Codecs)
	if !ok {
		return Agreed{}, fmt.Errorf("%w: none of our codecs in the answer", ErrNotAcceptable)
	}
	dir := theirs.Direction
	if theirs.held() {
		dir = dir.and(SendOnly)
	}
	a := agreedOn(theirs, codec, dir.Reverse().and(ours.Direction))
	// On hold the peer wants less than we offered, not merely what we asked for.
	a.Held = !dir.Receives() && ours.Direction.Sends()
	mine, _ := find(ours.Codecs, codec)
	a.RecvPT = mine.PT
	if event, ok := eventOf(theirs.Codecs, ours.Codecs, codec.Clock); ok {
		mine, _ := find(ours.Codecs, event)
		a.DTMF, a.RecvDTMF = event.PT, mine.PT
	}
	return a, nil
}
