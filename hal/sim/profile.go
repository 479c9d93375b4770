package sim

import (
	"centralino/hal"
	"centralino/internal/audio"
)

// Encoding is how a modem writes one sample into its stream.
type Encoding uint8

// Encodings that the simulated codec has.
const (
	ALaw       Encoding = iota + 1
	MuLaw               // 8 bits each …
	Unsigned8           // linear, 0x80 = 0
	Signed8             // linear, two's complement
	Linear16            // linear, little-endian
	Compressed          // listed by the modem, refused by the simulation (ADPCM and the like)
)

// width is the encoding's octets per sample.
func (e Encoding) width() int {
	if e == Linear16 {
		return 2
	}
	return 1
}

// decode reads one sample from width octets.
func (e Encoding) decode(b []byte) int16 {
	switch e {
	case ALaw:
		return audio.ALawDecode(b[0])
	case MuLaw:
		return audio.MuLawDecode(b[0])
	case Unsigned8:
		return int16(b[0]^0x80) << 8
	case Signed8:
		return int16(b[0]) << 8
	}
	return int16(b[0]) | int16(b[1])<<8
}

// encode appends one sample.
func (e Encoding) encode(dst []byte, s int16) []byte {
	switch e {
	case ALaw:
		return append(dst, audio.ALawEncode(s))
	case MuLaw:
		return append(dst, audio.MuLawEncode(s))
	case Unsigned8:
		return append(dst, byte(s>>8)^0x80)
	case Signed8:
		return append(dst, byte(s>>8))
	}
	return append(dst, byte(s), byte(s>>8))
}

// Format is one row of a modem's +VSM list: its number and the text after it.
type Format struct {
	CML      int
	Text     string
	Encoding Encoding
}

// Profile is a kind of modem as data. What real ones answer is cited in the
// project's notes on line hardware from manuals and from reports of their users.
type Profile struct {
	Name string
	Kind hal.LineKind // of the line it is made for

	Info    map[int]string    // ATI answers by number
	Ident   map[string]string // +GMI, +GMM, +GMR answers
	Classes string            // +FCLASS=? answer; without 8 there is no voice
	Formats []Format
	Default int // +VSM after power on

	LineVLS  int    // +VLS label that means off hook on the line
	Labels   string // +VLS=? answer
	NoTest   bool   // +VTR=?, +VTX=? and +VRX=? answer ERROR
	Duplex   string // command that starts duplex: "+VTR" or "+VTX+VRX"
	EndCodes string // DLE codes of the host that leave duplex, all of them needed
	Equals   string // between name and value of caller ID: "=" or " = "
	Caller   string // caller ID as one line with this prefix instead of NMBR=
	LateRing bool   // reports one more RING after going off hook
	RingText string // "RING" unless set; "%s" takes the called number
}

// Generic is a plain V.253 modem with the formats of the Recommendation's table.
var Generic = Profile{
	Name: "generic", Kind: hal.Analog,
	Info:    map[int]string{0: "V253", 3: "Generic V.253 voice modem", 9: ""},
	Ident:   map[string]string{"+GMI": "Generic", "+GMM": "V.253 voice modem", "+GMR": "1.0"},
	Classes: "0,1,1.0,8",
	Formats: []Format{
		{0, `"SIGNED PCM",8,0,8000,0,0`, Signed8},
		{1, `"UNSIGNED PCM",8,0,8000,0,0`, Unsigned8},
		{4, `"G.711U",8,0,8000,0,0`, MuLaw},
		{5, `"G.711A",8,0,8000,0,0`, ALaw},
	},
	Default: 1, LineVLS: 1, Labels: "0,1,2,4", Duplex: "+VTR", EndCodes: "^", Equals: "=",
}

// CX93001 is a Conexant CX93001 USB stick: hyphenated format names, ERROR to the
// test form of action commands, blanks in its caller ID.
var CX93001 = Profile{
	Name: "cx93001", Kind: hal.Analog,
	Info:    map[int]string{0: "56000", 3: "CX93001-EIS_V0.2013-V92", 9: "19"},
	Ident:   map[string]string{"+GMI": "CONEXANT", "+GMM": "V90", "+GMR": "CX93001-EIS_V0.2013-V92"},
	Classes: "0,1,1.0,2,8",
	Formats: []Format{
		{1, `"UNSIGNED PCM",8,0,8000,0,0`, Unsigned8},
		{129, `"IMA ADPCM",4,0,8000,0,0`, Compressed},
		{130, `"UNSIGNED PCM",8,0,8000,0,0`, Unsigned8},
		{131, `"Mu-Law",8,0,8000,0,0`, MuLaw},
		{132, `"A-Law",8,0,8000,0,0`, ALaw},
		{133, `"14 bit PCM",14,0,8000,0,0`, Linear16},
	},
	Default: 130, LineVLS: 1, Labels: "0,1,2,3,4,5,6,7,8,9,11,13", NoTest: true,
	Duplex: "+VTR", EndCodes: "^", Equals: " = ",
}

// USR5637 is a US Robotics 5637: A-law is 130, ETX ends duplex, a late RING.
var USR5637 = Profile{
	Name: "usr5637", Kind: hal.Analog,
	Info:    map[int]string{0: "5601", 3: "U.S. Robotics 56K FAX USB V1.2.23", 9: ""},
	Ident:   map[string]string{"+GMI": "U.S. ROBOTICS", "+GMM": "U.S. Robotics 56K FAX USB", "+GMR": "V1.2.23"},
	Classes: "0,1,2,2.0,8",
	Formats: []Format{
		{128, `"8-BIT LINEAR",8,0,8000,0,0`, Unsigned8},
		{129, `"16-BIT LINEAR",16,0,8000,0,0`, Linear16},
		{130, `"8-BIT ALAW",8,0,8000,0,0`, ALaw},
		{131, `"8-BIT ULAW",8,0,8000,0,0`, MuLaw},
		{132, `"IMA ADPCM",4,0,8000,0,0`, Compressed},
	},
	Default: 129, LineVLS: 1, Labels: "0,1,2,4,5,7", Duplex: "+VTR", EndCodes: "\x03",
	Equals: " = ", LateRing: true,
}

// TTYI is an ISDN terminal adapter that speaks the dialect of isdn4linux: the line
// is label 2, duplex is +VTX+VRX in one line, its two halves end separately.
var TTYI = Profile{
	Name: "ttyi", Kind: hal.ISDN,
	Info:    map[int]string{0: "Linux ISDN", 3: "Linux ISDN", 9: "Linux ISDN"},
	Ident:   map[string]string{"+GMI": "ISDN", "+GMM": "Linux ISDN", "+GMR": "1.0"},
	Classes: "0,2,8",
	Formats: []Format{
		{2, `"ADPCM",2,0,8000,0,0`, Compressed},
		{5, `"ALAW",8,0,8000,0,0`, ALaw},
		{6, `"ULAW",8,0,8000,0,0`, MuLaw},
	},
	Default: 6, LineVLS: 2, Labels: "0,2", Duplex: "+VTX+VRX", EndCodes: "\x14\x03",
	Caller: "CALLER NUMBER: ",
}

// CX81801 is a Conexant modem of the SmartACF kind (manual 102184B), which has no
// G.711: 8-bit linear samples only.
var CX81801 = Profile{
	Name: "cx81801", Kind: hal.Analog,
	Info:    map[int]string{0: "56000", 3: "CX81801-V90", 9: ""},
	Ident:   map[string]string{"+GMI": "CONEXANT", "+GMM": "V90", "+GMR": "CX81801-V90"},
	Classes: "0,1,8",
	Formats: []Format{
		{1, `"UNSIGNED PCM",8,0,8000,0,0`, Unsigned8},
		{129, `"IMA ADPCM",4,0,8000,0,0`, Compressed},
		{130, `"UNSIGNED PCM",8,0,8000,0,0`, Unsigned8},
	},
	Default: 130, LineVLS: 1, Labels: "0,1,2,3,4,5,6,7", NoTest: true, Duplex: "+VTR", EndCodes: "^", Equals: " = ",
}

// MuLawOnly is a V.253 modem of a country with mu-law.
var MuLawOnly = Profile{
	Name: "mulaw", Kind: hal.Analog,
	Info:    map[int]string{0: "V253", 3: "V.253 voice modem, mu-law", 9: ""},
	Ident:   map[string]string{"+GMI": "Generic", "+GMM": "V.253 voice modem", "+GMR": "1.0"},
	Classes: "0,1,8",
	Formats: []Format{
		{1, `"UNSIGNED PCM",8,0,8000,0,0`, Unsigned8},
		{4, `"G.711U",8,0,8000,0,0`, MuLaw},
	},
	Default: 1, LineVLS: 1, Labels: "0,1,2,4", Duplex: "+VTR", EndCodes: "^", Equals: "=",
}

// NoVoice is a data and fax modem that refuses +FCLASS=8.
var NoVoice = Profile{
	Name: "novoice", Kind: hal.Analog,
	Info:    map[int]string{0: "14400", 3: "soft fax", 9: ""},
	Ident:   map[string]string{"+GMI": "soft", "+GMM": "fax", "+GMR": "1.2"},
	Classes: "0,1,1.0", LineVLS: 1, EndCodes: "^", Equals: "=",
}

// Profiles lists all of them.
func Profiles() []Profile {
	return []Profile{Generic, CX93001, USR5637, TTYI, CX81801, MuLawOnly, NoVoice}
}

// voice reports whether the modem has +FCLASS=8.
func (p *Profile) voice() bool { return len(p.Formats) > 0 }

// format finds the row of a +VSM number.
func (p *Profile) format(cml int) (Format, bool) {
	for _, f := range p.Formats {
		if f.CML == cml {
			return f, true
		}
	}
	return Format{}, false
}
