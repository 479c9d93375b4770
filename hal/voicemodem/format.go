package voicemodem

import (
	"strconv"
	"strings"

	"centralino/internal/audio"
)

// encoding is how the modem writes one sample. All that the driver speaks take one
// octet: two would not fit through the modems' serial side both ways.
type encoding uint8

const (
	noEncoding encoding = iota
	aLaw
	muLaw
	unsigned8
	signed8
)

func (e encoding) String() string {
	return [...]string{"none", "A-law", "mu-law", "8-bit unsigned", "8-bit signed"}[e]
}

// format is a row of the modem's +VSM list that the driver can speak.
type format struct {
	cml int
	enc encoding
}

// formatNames tells encodings by the text of the list, without blanks, hyphens and
// dots, since the numbers mean something else on every modem.
var formatNames = []struct {
	text string
	enc  encoding
}{
	{"G711A", aLaw}, {"ALAW", aLaw},
	{"G711U", muLaw}, {"MULAW", muLaw}, {"ULAW", muLaw},
	{"UNSIGNEDPCM", unsigned8}, {"UNSIGNEDLINEAR", unsigned8}, {"8BITLINEAR", unsigned8}, {"LINEAR8", unsigned8},
	{"SIGNEDPCM", signed8}, {"SIGNEDLINEAR", signed8},
}

// parseFormat reads a line of the +VSM list: number, "name", bits per sample, …
// It returns false for formats that the driver does not speak.
func parseFormat(line string) (format, bool) {
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "+VSM:"))
	num, rest, ok := strings.Cut(line, ",")
	if !ok {
		return format{}, false
	}
	cml, err := strconv.Atoi(strings.Trim(num, " ()"))
	if err != nil || cml < 0 {
		return format{}, false
	}
	name, bits := rest, ""
	if open := strings.IndexByte(rest, '"'); open >= 0 {
		if end := strings.IndexByte(rest[open+1:], '"'); end >= 0 {
			name, bits = rest[open+1:open+1+end], rest[open+1+end+1:]
		}
	} else {
		name, bits, _ = strings.Cut(rest, ",")
	}
	if f := strings.Split(bits, ","); len(f) > 1 && strings.Trim(f[1], " ()") != "8" {
		if bits = strings.Trim(f[1], " ()"); bits != "" && bits != "0" {
			return format{}, false
		}
	}
	name = strings.NewReplacer(" ", "", "-", "", ".", "", "_", "").Replace(strings.ToUpper(name))
	for _, n := range formatNames {
		if strings.Contains(name, n.text) {
			return format{cml, n.enc}, true
		}
	}
	return format{}, false
}

// chooseFormats returns the formats of a +VSM list in the order in which the driver
// wants them: A-law passes to SIP untouched, mu-law loses little, 8 bit linear is
// noisy (about 48 dB) and the last resort.
func chooseFormats(lines []string) []format {
	var all []format
	for _, l := range lines {
		if f, ok := parseFormat(l); ok {
			all = append(all, f)
		}
	}
	var chosen []format
	for _, e := range []encoding{aLaw, muLaw, unsigned8, signed8} {
		for _, f := range all {
			if f.enc == e {
				chosen = append(chosen, f)
			}
		}
	}
	return chosen
}

// codecs translate octets of an encoding from and to A-law.
var codecs = func() (c [signed8 + 1]struct{ toA, fromA [256]byte }) {
	for i := range 256 {
		b := byte(i)
		s := audio.ALawDecode(b)
		c[noEncoding].toA[i], c[noEncoding].fromA[i] = b, b
		c[aLaw].toA[i], c[aLaw].fromA[i] = b, b
		c[muLaw].toA[i] = audio.ALawEncode(audio.MuLawDecode(b))
		c[muLaw].fromA[i] = audio.MuLawEncode(s)
		c[unsigned8].toA[i] = audio.ALawEncode(int16(b^0x80) << 8)
		near := byte(min(int(s)+128, 32767) >> 8) // rounded, so that silence stays silent
		c[unsigned8].fromA[i] = near ^ 0x80
		c[signed8].toA[i] = audio.ALawEncode(int16(b) << 8)
		c[signed8].fromA[i] = near
	}
	m := [256]byte{}
	for i := range m {
		m[i] = byte(i)
	}
	audio.MuLawToALaw(c[muLaw].toA[:], m[:])
	audio.ALawToMuLaw(c[muLaw].fromA[:], m[:])
	return c
}()
