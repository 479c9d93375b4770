package numbering

// country is the numbering data of one country.
type country struct {
	code      string
	emergency []string
	ranges    []span
}

// countries is the data set of countries. Emergency numbers are exact strings.
var countries = map[string]country{
	"IT": {code: "39", emergency: []string{"112", "113", "114", "115", "117", "118"}, ranges: italy},
}

// europe is the emergency number of a country without its own row: Directive
// (EU) 2018/1972 article 109, also the GSM emergency number everywhere.
var europe = []string{"112"}

// span is a range of national numbers: a prefix, how many digits the whole
// number has, and what it is. The first row that fits counts.
type span struct {
	prefix   string
	min, max int
	class    Class
	short    bool // exists only inside the country, dialled as it stands
}

// italy is the Italian plan (AGCOM resolution 8/15/CIR, annex A, with its later
// amendments), by decades. Lengths are of the whole number with its 0. Ranges that
// were closed but may still be routed (144, 166) stay in the dearest class. No
// emergency number stands here: they are matched before.
var italy = []span{
	// 0: geographic; 0878 is televoting
	{"0878", 6, 11, Premium, false},
	{"01", 6, 11, National, false},
	{"02", 6, 11, National, false},
	{"03", 6, 11, National, false},
	{"04", 6, 11, National, false},
	{"05", 6, 11, National, false},
	{"06", 6, 11, National, false},
	{"07", 6, 11, National, false},
	{"08", 6, 11, National, false},
	{"09", 6, 11, National, false},

	// 1: services and emergency; 10xx (carrier selection) is refused before
	{"116", 6, 6, Service, true}, // harmonised social services, 116 000
	{"11", 3, 3, Service, true},
	{"12", 3, 4, Premium, true}, // directory assistance 12xy, free price
	{"144", 9, 10, Premium, false},
	{"163", 9, 10, Premium, false},
	{"164", 9, 10, Premium, false},
	{"166", 9, 10, Premium, false},
	{"178", 9, 11, Shared, false}, // universal personal numbers
	{"199", 9, 9, Shared, false},
	{"13", 3, 6, Service, true},
	{"14", 3, 6, Service, true},
	{"15", 3, 6, Service, true}, // public utility 1515, 1522, 1530
	{"16", 3, 6, Service, true},
	{"17", 3, 6, Service, true},
	{"18", 3, 6, Service, true}, // customer care 187
	{"19", 3, 6, Service, true},

	// 3: mobile
	{"3", 9, 10, Mobile, false},

	// 4: services of a network, donations, messages
	{"40", 3, 6, Service, true},
	{"41", 3, 6, Service, true},
	{"42", 3, 6, Service, true},
	{"43", 3, 7, Premium, true},
	{"44", 3, 7, Premium, true},
	{"45", 3, 7, Premium, true},
	{"46", 3, 7, Premium, true},
	{"47", 3, 7, Premium, true},
	{"48", 3, 7, Premium, true},
	{"49", 3, 7, Premium, true},

	// 5: nomadic (VoIP)
	{"55", 10, 10, National, false},

	// 7: access to internet by dialling
	{"70", 10, 10, Shared, false},

	// 8: freephone, shared cost, premium
	{"800", 6, 9, Freephone, false},
	{"803", 6, 6, Freephone, true},
	{"840", 6, 9, Shared, false},
	{"841", 6, 6, Shared, true},
	{"847", 6, 6, Shared, true},
	{"848", 6, 9, Shared, false},
	{"892", 6, 6, Premium, true},
	{"893", 6, 6, Premium, true},
	{"894", 6, 6, Premium, true},
	{"895", 6, 6, Premium, true},
	{"89", 6, 10, Premium, false},
}

// dearCodes are international codes that are not countries and cost several euro
// a minute: satellite (870, 881), networks (882, 883), universal personal numbers
// (878), premium rate (979) and reserved ones used for fraud (888).
var dearCodes = []string{"870", "878", "881", "882", "883", "888", "979"}
