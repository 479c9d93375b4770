package sdp

import (
	"net/netip"
	"strconv"
)

// Marshal writes d. The session's name is "-" as RFC 3264 section 5 asks, and the
// connection address stands in each m-line that is used.
func (d *Description) Marshal() []byte {
	b := make([]byte, 0, 512)
	origin := d.Origin.Addr
	if !origin.IsValid() {
		origin = netip.IPv4Unspecified()
		for _, m := range d.Media {
			if m.Addr.IsValid() {
				origin = m.Addr
				break
			}
		}
	}
	b = append(b, "v=0\r\no="...)
	b = append(b, d.Origin.User...)
	b = append(b, ' ')
	b = append(b, d.Origin.ID...)
	b = append(b, ' ')
	b = append(b, d.Origin.Version...)
	b = appendAddr(append(b, ' '), origin)
	b = append(b, "\r\ns=-\r\nc="...)
	b = appendAddr(b, origin)
	b = append(b, "\r\nt=0 0\r\n"...)
	for i := range d.Media {
		b = d.Media[i].append(b)
	}
	return b
}

func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		b = append(b, "IN IP4 "...)
	} else {
		b = append(b, "IN IP6 "...)
	}
	return append(b, a.WithZone("").String()...)
}

func (m *Media) append(b []byte) []byte {
	b = append(b, "m="...)
	b = append(b, m.Kind...)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(m.Port), 10)
	b = append(b, ' ')
	b = append(b, m.Proto...)
	for _, f := range m.Formats {
		b = append(b, ' ')
		b = append(b, f...)
	}
	b = append(b, "\r\n"...)
	if m.Port == 0 {
		return b
	}
	if m.Addr.IsValid() {
		b = append(b, "c="...)
		b = appendAddr(b, m.Addr)
		b = append(b, "\r\n"...)
	}
	for _, c := range m.Codecs {
		pt := strconv.Itoa(int(c.PT))
		b = append(b, "a=rtpmap:"+pt+" "+c.Name+"/"...)
		b = strconv.AppendInt(b, int64(c.Clock), 10)
		b = append(b, "\r\n"...)
		if c.Fmtp != "" {
			b = append(b, "a=fmtp:"+pt+" "+c.Fmtp+"\r\n"...)
		}
	}
	if m.Ptime != 0 {
		b = append(b, "a=ptime:"...)
		b = strconv.AppendInt(b, int64(m.Ptime), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "a="+string(m.Direction)+"\r\n"...)
}
