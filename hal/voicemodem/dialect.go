package voicemodem

import "strings"

// Dialect is what the driver must know about a family of modems, as data.
type Dialect struct {
	Name  string
	Match []string // parts of ATI, ATI3, +GMI, +GMM answers, upper case
	Init  []Setting
	VSM   string // selects a sample format, %d is its number

	Answer string // answers VCON or OK when off hook
	Dial   string // %s is the number; OK at once and progress in the audio, or VCON on a real answer
	Blind  string // the same without waiting for dial tone; empty where there is none
	Duplex string // answers CONNECT
	End    string // octets that leave duplex
	HangUp []string
	Flash  string // empty = none

	RealAnswer bool // VCON to Dial means that the far end answered
	Digital    bool // the far end's clearing is signalled
}

// Setting is one command of the initialisation.
type Setting struct {
	Command string
	Needed  bool // without it there is no voice line
}

// vsmPlace stands in Init where the sample format is selected, countryPlace where
// the country is set, msnPlace where the own numbers are.
const (
	vsmPlace     = "(VSM)"
	countryPlace = "(GCI)"
	msnPlace     = "(MSN)"
)

// countries are the ITU-T T.35 codes for +GCI by ISO 3166 code.
var countries = map[string]string{"IT": "59"}

// dialects is the table. The last row that matches nothing else is generic; what
// each row rests on stands in the notes on line hardware.
var dialects = []Dialect{
	{
		Name: "cx930xx", Match: []string{"CONEXANT", "CX930", "CX93", "56000"},
		Init: []Setting{
			{"AT+FCLASS=0", false}, {countryPlace, false}, {"ATS0=0", false}, {"ATX3", false},
			{"AT+VCID=1", false}, {"AT+FCLASS=8", true}, {"AT+IFC=2,2", false}, {vsmPlace, true},
			{"AT+VSD=0,0", false}, {"AT+VIT=0", false}, {"AT+VNH=1", false},
			{"AT+VGR=128", false}, {"AT+VGT=128", false},
		},
		VSM: "AT+VSM=%d,8000", Answer: "ATA", Dial: "ATX4DT%s;", Blind: "ATX3DT%s;", Duplex: "AT+VTR",
		End: "\x10^", HangUp: []string{"ATH", "AT+VLS=0"}, Flash: "AT+VTS=!",
	},
	{
		Name: "usr5637", Match: []string{"U.S. ROBOTICS", "USROBOTICS", "5601"},
		Init: []Setting{
			{"AT+FCLASS=0", false}, {countryPlace, false}, {"ATS0=0", false}, {"ATX3", false},
			{"AT+VCID=1", false}, {"AT+FCLASS=8", true}, {"AT&H1&R2", false}, {vsmPlace, true},
			{"AT+VSD=128,0", false}, {"AT+VIT=0", false}, {"AT+VNH=1", false},
			{"AT+VGR=128", false}, {"AT+VGT=128", false},
		},
		VSM: "AT+VSM=%d,8000", Answer: "ATA", Dial: "ATX4DT%s;", Blind: "ATX3DT%s;", Duplex: "AT+VTR",
		End: "\x10\x03", HangUp: []string{"ATH", "AT+VLS=0"}, Flash: "AT+VTS=!",
	},
	{
		Name: "ttyi", Match: []string{"LINUX ISDN", "ISDN4LINUX"},
		Init: []Setting{
			{msnPlace, false}, {"ATS14=4", false}, {"ATS13=20", false}, {"ATS18=1", false},
			{"ATS23=1", false}, {"AT+FCLASS=8", true}, {"AT+VLS=2", false}, {vsmPlace, true},
		},
		VSM: "AT+VSM=%d", Answer: "ATA", Dial: "ATD%s", Duplex: "AT+VTX+VRX",
		End: "\x10\x14\x10\x03", HangUp: []string{"ATH"},
		RealAnswer: true, Digital: true,
	},
	{
		Name: "generic",
		Init: []Setting{
			{"AT+FCLASS=0", false}, {countryPlace, false}, {"ATS0=0", false}, {"ATX3", false},
			{"AT+VCID=1", false}, {"AT+FCLASS=8", true}, {"AT+IFC=2,2", false}, {vsmPlace, true},
			{"AT+VSD=0,0", false}, {"AT+VIT=0", false}, {"AT+VNH=1", false},
		},
		VSM: "AT+VSM=%d,8000", Answer: "ATA", Dial: "ATX4DT%s;", Blind: "ATX3DT%s;", Duplex: "AT+VTR",
		End: "\x10^", HangUp: []string{"ATH", "AT+VLS=0"}, Flash: "AT+VTS=!",
	},
}

// dialectNamed finds a row by name.
func dialectNamed(name string) (*Dialect, bool) {
	for i := range dialects {
		if dialects[i].Name == name {
			return &dialects[i], true
		}
	}
	return nil, false
}

// detect finds the row for what a modem says about itself.
func detect(identity []string) *Dialect {
	all := strings.ToUpper(strings.Join(identity, "\n"))
	for i := range dialects {
		for _, m := range dialects[i].Match {
			if strings.Contains(all, m) {
				return &dialects[i]
			}
		}
	}
	d, _ := dialectNamed("generic")
	return d
}
