package boot

import (
	"net/netip"
	"strings"

	"centralino/board/network"
)

// Settings are what stands in centralino.txt.
type Settings struct {
	Name string // of the box on the network
	Net  network.Settings
}

// DefaultName is the box's name on the network where nobody gave one.
const DefaultName = "centralino"

// longestSettings bounds the file, in octets; one that is longer is not ours. Of the lines
// that cannot be used so many are told.
const (
	longestSettings = 64 << 10
	mostProblems    = 10
)

// settingNames are the words before the equals sign, English and Italian.
var settingNames = map[string]string{
	"name": "name", "nome": "name",
	"address": "address", "indirizzo": "address",
	"gateway": "gateway", "router": "gateway",
	"dns": "dns",
	"ntp": "ntp", "ora": "ntp",
}

// ParseSettings reads centralino.txt: lines of the form "name = value", of which those
// that begin with # and empty ones are not read. What cannot be used is a Problem with its
// line. If an address or what belongs to it is wrong, none of it counts and the box asks
// by DHCP: a box that can be reached somewhere is better than one with half a setting.
func ParseSettings(text string) (Settings, []Problem) {
	s := Settings{Name: DefaultName}
	var problems []Problem
	if len(text) > longestSettings {
		return s, []Problem{{Kind: ProblemSettings, Text: "the file is too long"}}
	}
	seen := map[string]bool{}
	wrong, addressLine := false, 0
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		name := settingNames[strings.ToLower(strings.TrimSpace(key))]
		value = strings.TrimSpace(value)
		if ok = ok && name != "" && !seen[name]; ok {
			ok = s.set(name, value)
			seen[name] = true
		}
		if name == "address" {
			addressLine = i + 1
		}
		if !ok {
			if len(problems) < mostProblems {
				problems = append(problems, Problem{ProblemSettings, i + 1, shorten(line)})
			}
			wrong = wrong || name == "address" || name == "gateway" || name == "dns"
		}
	}
	if s.Net.Gateway.IsValid() && s.Net.Address.IsValid() && !sameNetwork(s.Net.Address, s.Net.Gateway) {
		problems = append(problems, Problem{ProblemSettings, addressLine, shorten(s.Net.Gateway.String() + " / " + s.Net.Address.String())})
		wrong = true
	}
	if wrong || !s.Net.Address.IsValid() {
		s.Net = network.Settings{DNS: s.Net.DNS, NTP: s.Net.NTP}
	}
	if wrong {
		s.Net.DNS = nil
	}
	return s, problems
}

// sameNetwork reports a router that the address reaches and that is not the box itself.
func sameNetwork(a netip.Prefix, router netip.Addr) bool {
	return a.Masked().Contains(router) && a.Addr() != router
}

func (s *Settings) set(name, value string) bool {
	switch name {
	case "name":
		if !hostName(value) {
			return false
		}
		s.Name = strings.ToLower(value)
	case "address":
		if strings.EqualFold(value, "dhcp") {
			return true
		}
		p, err := netip.ParsePrefix(value)
		if err != nil || !hostOf(p) {
			return false
		}
		s.Net.Address = p
	case "gateway":
		a, err := netip.ParseAddr(value)
		if err != nil || !a.Is4() {
			return false
		}
		s.Net.Gateway = a
	case "dns":
		for part := range strings.SplitSeq(value, ",") {
			a, err := netip.ParseAddr(strings.TrimSpace(part))
			if err != nil || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" || len(s.Net.DNS) == 8 {
				return false
			}
			s.Net.DNS = append(s.Net.DNS, a)
		}
	case "ntp":
		for part := range strings.SplitSeq(value, ",") {
			h := strings.TrimSpace(part)
			if _, err := netip.ParseAddr(h); err != nil && !domainName(h) || len(s.Net.NTP) == 8 {
				return false
			}
			s.Net.NTP = append(s.Net.NTP, h)
		}
	}
	return true
}

// hostOf reports an IPv4 address of a host with its network: "192.168.1.10/24", and
// neither the network's own address nor that of everybody on it.
func hostOf(p netip.Prefix) bool {
	a := p.Addr()
	if !a.Is4() || p.Bits() < 8 || p.Bits() > 30 || a.IsLoopback() || a.IsMulticast() || a.As4()[0] == 0 || a.As4()[0] >= 240 {
		return false
	}
	v := a.As4()
	n := uint32(v[0])<<24 | uint32(v[1])<<16 | uint32(v[2])<<8 | uint32(v[3])
	host := n & (^uint32(0) >> p.Bits())
	return host != 0 && host != ^uint32(0)>>p.Bits()
}

// hostName reports a label of RFC 1123: letters, digits and hyphens inside.
func hostName(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if !(c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}

func domainName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if !hostName(label) {
			return false
		}
	}
	return true
}

// shorten keeps what a person needs to find the place, of text that may be anything.
func shorten(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == '\ufffd' {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
