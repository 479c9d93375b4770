package sim

// Profile is a kind of modem as data.
type Profile struct {
	Name string
}

// Generic is a plain V.253 modem.
var Generic = Profile{Name: "generic"}

// CX93001 is a Conexant CX93001 USB stick.
var CX93001 = Profile{Name: "cx93001"}

// USR5637 is a US Robotics 5637.
var USR5637 = Profile{Name: "usr5637"}

// TTYI is an ISDN terminal adapter of the isdn4linux family.
var TTYI = Profile{Name: "ttyi"}

// NoVoice is a data and fax modem that refuses +FCLASS=8.
var NoVoice = Profile{Name: "novoice"}

// Profiles lists all of them.
func Profiles() []Profile { return []Profile{Generic, CX93001, USR5637, TTYI, NoVoice} }
