package sdp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	pion "github.com/pion/sdp/v3"
)

// maxBody bounds what is parsed: the largest UDP datagram.
const maxBody = 65535

// maxMedia bounds the m-lines of a description.
const maxMedia = 32

func parse(body []byte) (*Description, error) {
	if len(body) > maxBody {
		return nil, fmt.Errorf("%w: %d octets", ErrMalformed, len(body))
	}
	var p pion.SessionDescription
	if err := p.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if len(p.MediaDescriptions) > maxMedia {
		return nil, fmt.Errorf("%w: %d m-lines", ErrMalformed, len(p.MediaDescriptions))
	}
	d := &Description{Origin: Origin{
		User:    p.Origin.Username,
		ID:      strconv.FormatUint(p.Origin.SessionID, 10),
		Version: strconv.FormatUint(p.Origin.SessionVersion, 10),
	}}
	session := directionOf(p.Attributes, SendRecv)
	for _, pm := range p.MediaDescriptions {
		m, err := parseMedia(pm, p.ConnectionInformation, session)
		if err != nil {
			return nil, err
		}
		d.Media = append(d.Media, m)
	}
	return d, nil
}

func parseMedia(pm *pion.MediaDescription, session *pion.ConnectionInformation, dir Direction) (Media, error) {
	m := Media{
		Kind:      pm.MediaName.Media,
		Proto:     strings.Join(pm.MediaName.Protos, "/"),
		Formats:   pm.MediaName.Formats,
		Direction: directionOf(pm.Attributes, dir),
	}
	if p := pm.MediaName.Port.Value; p < 0 || p > 65535 {
		return m, fmt.Errorf("%w: port %d", ErrMalformed, p)
	}
	m.Port = uint16(pm.MediaName.Port.Value)
	c := pm.ConnectionInformation
	if c == nil {
		c = session
	}
	switch {
	case c != nil && c.Address != nil:
		m.Addr, m.Host = parseAddress(c.Address.Address)
	case m.Port != 0:
		return m, fmt.Errorf("%w: no connection address for %s", ErrMalformed, m.Kind)
	}
	for _, a := range pm.Attributes {
		switch a.Key {
		case "ptime":
			if n, err := strconv.Atoi(strings.TrimSpace(a.Value)); err == nil && n > 0 && n <= 200 {
				m.Ptime = n
			}
		case "rtcp":
			m.RTCP = parseRTCP(a.Value, m.Addr)
		}
	}
	if strings.HasPrefix(m.Proto, "RTP/") {
		m.Codecs = parseCodecs(m.Formats, pm.Attributes)
	}
	return m, nil
}

// parseAddress reads a connection address; a multicast TTL behind it is cut off.
func parseAddress(s string) (netip.Addr, string) {
	s, _, _ = strings.Cut(s, "/")
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, s
	}
	return a.Unmap(), ""
}

// parseRTCP reads "port [IN IP4 address]" of RFC 3605.
func parseRTCP(v string, addr netip.Addr) netip.AddrPort {
	f := strings.Fields(v)
	if len(f) == 0 {
		return netip.AddrPort{}
	}
	port, err := strconv.ParseUint(f[0], 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}
	}
	if len(f) == 4 {
		if a, host := parseAddress(f[3]); host == "" {
			addr = a
		}
	}
	if !addr.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

func directionOf(attrs []pion.Attribute, def Direction) Direction {
	for _, a := range attrs {
		switch d := Direction(a.Key); d {
		case SendRecv, SendOnly, RecvOnly, Inactive:
			def = d
		}
	}
	return def
}

// static are the payload types that need no rtpmap (RFC 3551 table 4), as far as
// phones offer them.
var static = map[uint8]Codec{
	0:  PCMU,
	3:  {PT: 3, Name: "GSM", Clock: 8000},
	4:  {PT: 4, Name: "G723", Clock: 8000},
	8:  PCMA,
	9:  {PT: 9, Name: "G722", Clock: 8000},
	13: {PT: 13, Name: "CN", Clock: 8000},
	15: {PT: 15, Name: "G728", Clock: 8000},
	18: {PT: 18, Name: "G729", Clock: 8000},
}

func parseCodecs(formats []string, attrs []pion.Attribute) []Codec {
	var list []Codec
	for _, f := range formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		c := static[uint8(n)]
		c.PT, c.Fmtp = uint8(n), ""
		for _, a := range attrs {
			pt, rest, _ := strings.Cut(strings.TrimSpace(a.Value), " ")
			if pt != f {
				continue
			}
			switch a.Key {
			case "rtpmap":
				if name, clock, ok := parseRtpmap(rest); ok {
					c.Name, c.Clock = name, clock
				}
			case "fmtp":
				c.Fmtp = strings.TrimSpace(rest)
			}
		}
		if c.Name != "" {
			list = append(list, c)
		}
	}
	return list
}

// parseRtpmap reads "PCMA/8000[/1]"; more than one channel is not ours.
func parseRtpmap(s string) (name string, clock int, ok bool) {
	f := strings.Split(strings.TrimSpace(s), "/")
	if len(f) < 2 || f[0] == "" || len(f) == 3 && strings.TrimSpace(f[2]) != "1" || len(f) > 3 {
		return "", 0, false
	}
	clock, err := strconv.Atoi(strings.TrimSpace(f[1]))
	return f[0], clock, err == nil && clock > 0
}

func isInvalidDomain(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "invalid" || strings.HasSuffix(host, ".invalid")
}
