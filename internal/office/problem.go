package office

// Kind names a kind of object of the document.
type Kind string

// Kinds of object.
const (
	KindSite      Kind = "site"
	KindLine      Kind = "line"
	KindNumber    Kind = "number"
	KindPerson    Kind = "person"
	KindExtension Kind = "extension"
	KindDevice    Kind = "device"
	KindGroup     Kind = "group"
	KindSchedule  Kind = "schedule"
	KindMenu      Kind = "menu"
	KindPrompt    Kind = "prompt"
	KindPath      Kind = "path"
	KindOutbound  Kind = "outbound"
	KindProfile   Kind = "profile"
	KindSkill     Kind = "skill"
	KindReason    Kind = "reason"
	KindOutcome   Kind = "outcome"
	KindScript    Kind = "script"
	KindSurvey    Kind = "survey"
	KindWebhook   Kind = "webhook"
	KindReport    Kind = "report"
	KindMail      Kind = "mail"
	KindCodes     Kind = "codes"
)

// Problem is one thing that is wrong with a document, for people: Code is a text
// id of ui/i18n, Args fill its placeholders. A Warning does not keep the document
// from being applied.
type Problem struct {
	Kind    Kind              `json:"kind"`
	Object  string            `json:"object,omitempty"` // id; empty for site, outbound, mail, codes
	Field   string            `json:"field,omitempty"`  // name of the schema's field
	Code    string            `json:"code"`
	Args    map[string]string `json:"args,omitempty"`
	Warning bool              `json:"warning,omitempty"`
}

// Problem codes. Their arguments are named beside them.
const (
	ProblemUnknown  = "problem.unknown"  // no such object or field
	ProblemRequired = "problem.required" // empty
	ProblemShort    = "problem.short"    // min
	ProblemLong     = "problem.long"     // max
	ProblemSmall    = "problem.small"    // min
	ProblemLarge    = "problem.large"    // max
	ProblemNumber   = "problem.number"   // not a whole number
	ProblemSwitch   = "problem.switch"   // not "true" or "false"
	ProblemChoice   = "problem.choice"   // value
	ProblemControl  = "problem.control"  // a character that can't be shown
	ProblemPhone    = "problem.phone"    // not a number in international form
	ProblemUnused   = "problem.unused"   // this kind of object has no such field

	ProblemHours      = "problem.hours"      // value: not "09:00-13:00"
	ProblemHoursOrder = "problem.hoursOrder" // value: out of order, overlapping, or empty
	ProblemDate       = "problem.date"       // value: no date, or twice the same
	ProblemOverride   = "problem.override"   // not "open until <time>"
	ProblemPair       = "problem.pair"       // value: not "key=value"
	ProblemTarget     = "problem.target"     // value: not "kind:id"
	ProblemStep       = "problem.step"       // value: a line that is no step

	ProblemID        = "problem.id"        // not an id
	ProblemDuplicate = "problem.duplicate" // value: is there already
	ProblemRef       = "problem.ref"       // kind, id: refers to what is not there
	ProblemUsed      = "problem.used"      // kind, id: can't be removed, is used here
	ProblemMany      = "problem.many"      // max: too many objects

	ProblemDigits      = "problem.digits"      // digits only
	ProblemTaken       = "problem.taken"       // value, by: the short number has another meaning
	ProblemReserved    = "problem.reserved"    // value: emergency and service numbers can't be given
	ProblemShadows     = "problem.shadows"     // value: warning, hides a public short number
	ProblemPrefix      = "problem.prefix"      // value, prefix: begins like a call to the outside
	ProblemPrefixForm  = "problem.prefixForm"  // value: prefix must be one or two digits, not 1
	ProblemCode        = "problem.code"        // value: a code begins with * or #
	ProblemArea        = "problem.area"        // value: no area code
	ProblemZone        = "problem.zone"        // value: no time zone
	ProblemPatron      = "problem.patron"      // value: no day of the year
	ProblemCountry     = "problem.country"     // value: no rules for this country
	ProblemUsername    = "problem.username"    // value: characters that an account name can't have
	ProblemHost        = "problem.host"        // value: no host name or address
	ProblemTrunk       = "problem.trunk"       // a trunk needs this, or only a trunk has it
	ProblemChannels    = "problem.channels"    // max: this kind of line carries fewer calls
	ProblemPort        = "problem.port"        // warning: a line without a port
	ProblemPortTwice   = "problem.portTwice"   // value, by: two lines on one port
	ProblemNoEmergency = "problem.noEmergency" // warning: no line can carry emergency calls
	ProblemQueue       = "problem.queue"       // a queue needs its rules, a ring group has none
	ProblemEmptyGroup  = "problem.emptyGroup"  // warning: nobody answers
	ProblemKey         = "problem.key"         // value: no key of a telephone
	ProblemNoKeys      = "problem.noKeys"      // a menu without keys
	ProblemLanguage    = "problem.language"    // value: no such language
	ProblemHash        = "problem.hash"        // value: not the name of a recording
	ProblemSilent      = "problem.silent"      // a message without sentence, text or recording
	ProblemEnd         = "problem.end"         // the path runs out of steps
	ProblemUnreachable = "problem.unreachable" // step: warning, never reached
	ProblemLoop        = "problem.loop"        // path: goes round without the caller doing anything

	ProblemLevel     = "problem.level"     // value: a level is 1 to 9
	ProblemRing      = "problem.ring"      // value: a line that is no ring
	ProblemRingOrder = "problem.ringOrder" // rings come one after the other
	ProblemRingGroup = "problem.ringGroup" // a queue's ring can't add the queue itself
	ProblemDigit     = "problem.digit"     // value: one digit
	ProblemKeys      = "problem.keys"      // value: digits, each once
	ProblemExit      = "problem.exit"      // value: the key leads back into the same queue at once
	ProblemBreakWork = "problem.breakWork" // a break is no work
	ProblemNoQueue   = "problem.noQueue"   // value: only a queue can call back
	ProblemURL       = "problem.url"       // value: no address of the web
	ProblemAddress   = "problem.address"   // value: no mail address
	ProblemTime      = "problem.time"      // value: not "18:30"
	ProblemPrivate   = "problem.private"   // warning: a password would go over the net unprotected
)

// ProblemCodes lists every code, for the test of translations.
func ProblemCodes() []string {
	return []string{
		ProblemUnknown, ProblemRequired, ProblemShort, ProblemLong, ProblemSmall, ProblemLarge, ProblemNumber,
		ProblemSwitch, ProblemChoice, ProblemControl, ProblemPhone, ProblemUnused, ProblemHours, ProblemHoursOrder,
		ProblemDate, ProblemOverride, ProblemPair, ProblemTarget, ProblemStep, ProblemID, ProblemDuplicate, ProblemRef,
		ProblemUsed, ProblemMany, ProblemDigits, ProblemTaken, ProblemReserved, ProblemShadows, ProblemPrefix,
		ProblemPrefixForm, ProblemCode, ProblemArea, ProblemZone, ProblemPatron, ProblemCountry, ProblemUsername,
		ProblemHost, ProblemTrunk, ProblemChannels, ProblemPort, ProblemPortTwice, ProblemNoEmergency, ProblemQueue,
		ProblemEmptyGroup, ProblemKey, ProblemNoKeys, ProblemLanguage, ProblemHash, ProblemSilent, ProblemEnd,
		ProblemUnreachable, ProblemLoop, ProblemLevel, ProblemRing, ProblemRingOrder, ProblemRingGroup, ProblemDigit,
		ProblemKeys, ProblemExit, ProblemBreakWork, ProblemNoQueue, ProblemURL, ProblemAddress, ProblemTime, ProblemPrivate,
	}
}
