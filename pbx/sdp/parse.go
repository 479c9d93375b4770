package sdp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxBody bounds what is parsed: the largest UDP datagram.
const maxBody = 65535

// maxMedia bounds the m-lines of a description.
const maxMedia = 32

// letters are the line types of RFC 8866 section 9. A description with another
// one is to be ignored as a whole.
const letters = "vosiuepcbtrzkam"

// line is one "x=value".
type line struct {
	letter byte
	value  string
}

// section is the session part or one m-line with what is below it.
type section struct {
	m     string // value of the m-line
	conn  string // value of the c-line, the first one
	attrs []line // of a-lines; letter is not used
}

// attribute splits "key:value".
func (l line) attribute() (key, value string) {
	key, value, _ = strings.Cut(l.value, ":")
	return key, value
}

// parse reads leniently where RFC 8866 is often broken and no harm follows (bare
// line feeds, missing s= or t=, lines out of order) and strictly elsewhere. It
// takes m-lines of any kind and transport, which the parser of pion does not.
func parse(body []byte) (*Description, error) {
	if len(body) > maxBody {
		return nil, fmt.Errorf("%w: %d octets", ErrMalformed, len(body))
	}
	d := &Description{}
	sections := []section{{}}
	n := 0
	for raw := range strings.Lines(string(body)) {
		raw = strings.TrimRight(raw, "\r\n")
		if raw == "" {
			continue
		}
		n++
		if len(raw) < 2 || raw[1] != '=' || strings.IndexByte(letters, raw[0]) < 0 || strings.IndexByte(raw, 0) >= 0 {
			return nil, fmt.Errorf("%w: line %d: %.40q", ErrMalformed, n, raw)
		}
		l := line{raw[0], strings.TrimSpace(raw[2:])}
		if n == 1 && (l.letter != 'v' || l.value != "0") {
			return nil, fmt.Errorf("%w: does not begin with v=0", ErrMalformed)
		}
		here := &sections[len(sections)-1]
		switch l.letter {
		case 'o':
			if err := d.Origin.parse(l.value); err != nil {
				return nil, err
			}
		case 'c':
			if here.conn == "" {
				here.conn = l.value
			}
		case 'a':
			here.attrs = append(here.attrs, l)
		case 'm':
			if len(sections) > maxMedia {
				return nil, fmt.Errorf("%w: more than %d m-lines", ErrMalformed, maxMedia)
			}
			sections = append(sections, section{m: l.value})
		}
	}
	if n == 0 || d.Origin.ID == "" {
		return nil, fmt.Errorf("%w: no origin", ErrMalformed)
	}
	session := directionOf(sections[0].attrs, SendRecv)
	for i := range sections[1:] {
		s := &sections[i+1]
		if s.conn == "" {
			s.conn = sections[0].conn
		}
		m, err := s.media(session)
		if err != nil {
			return nil, err
		}
		d.Media = append(d.Media, m)
	}
	return d, nil
}

// parse reads "user id version IN IP4 address".
func (o *Origin) parse(v string) error {
	f := strings.Fields(v)
	if len(f) != 6 || !isNumber(f[1]) || !isNumber(f[2]) {
		return fmt.Errorf("%w: origin %.60q", ErrMalformed, v)
	}
	*o = Origin{User: f[0], ID: f[1], Version: f[2]}
	return nil
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// media reads an m-line, "kind port[/count] transport format …".
func (s *section) media(dir Direction) (Media, error) {
	f := strings.Fields(s.m)
	if len(f) < 4 {
		return Media{}, fmt.Errorf("%w: media %.60q", ErrMalformed, s.m)
	}
	number, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return Media{}, fmt.Errorf("%w: port %.20q", ErrMalformed, f[1])
	}
	m := Media{Kind: f[0], Port: uint16(port), Proto: f[2], Formats: f[3:], Direction: directionOf(s.attrs, dir)}
	conn := strings.Fields(s.conn)
	switch {
	case len(conn) == 3 && conn[0] == "IN":
		m.Addr, m.Host = parseAddress(conn[2])
	case m.Port != 0:
		return m, fmt.Errorf("%w: connection %.60q of %s", ErrMalformed, s.conn, m.Kind)
	}
	for _, a := range s.attrs {
		switch key, value := a.attribute(); key {
		case "ptime":
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n > 0 && n <= 200 {
				m.Ptime = n
			}
		case "rtcp":
			m.RTCP = parseRTCP(value, m.Addr)
		}
	}
	if strings.HasPrefix(m.Proto, "RTP/") {
		m.Codecs = parseCodecs(m.Formats, s.attrs)
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

func directionOf(attrs []line, def Direction) Direction {
	for _, a := range attrs {
		switch d := Direction(a.value); d {
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

func parseCodecs(formats []string, attrs []line) []Codec {
	var list []Codec
	for _, f := range formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		c := static[uint8(n)]
		c.PT, c.Fmtp = uint8(n), ""
		for _, a := range attrs {
			key, value := a.attribute()
			pt, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
			if pt != f {
				continue
			}
			switch key {
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
