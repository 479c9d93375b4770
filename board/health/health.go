// Package health is the one list of what is wrong with the box: it feeds the
// lamps, the banner of the page, the e-mail and the journal. A fault is raised and
// cleared by whoever sees it; Kinds says how long it must last before it counts,
// what it hides because it is the cause of it, and its number on the STATUS lamp.
//
// List decides purely; Monitor keeps one List, and its Run is the only goroutine,
// started by the caller. What a person reads about a fault of kind k are the texts
// "fault.<k>.title", "fault.<k>.effect" (what it means for calls) and
// "fault.<k>.action" (what to do).
package health

import "time"

// Kind is a kind of fault.
type Kind string

// Severity says how bad a fault is.
type Severity string

// Severities: a Fault affects calls, a Warning needs a person.
const (
	Warning Severity = "warning"
	Fault   Severity = "fault"
)

// Kinds of fault.
const (
	Undervoltage     Kind = "power.undervoltage"
	StorageRecovered Kind = "storage.recovered" // corrupt database set aside, last good copy taken
	StorageFull      Kind = "storage.full"
	StorageFailed    Kind = "storage.failed"   // nothing can be written
	StorageCorrupt   Kind = "storage.corrupt"  // database found broken while running; set aside at the next start
	StorageUnread    Kind = "storage.unread"   // the disk fails when it is read
	JournalBroken    Kind = "journal.broken"   // the newest rows of the journal's chain do not verify
	OfficeSkipped    Kind = "office.skipped"   // newest versions of the settings unreadable, an older one is in force
	SecretsLost      Kind = "secrets.lost"     // passwords of phones and trunks that the key file does not open
	CustomersFailed  Kind = "customers.failed" // the disk refuses customers' cards and outcomes
	BackupFailed     Kind = "backup.failed"
	NetworkCable     Kind = "network.cable"
	NetworkAddress   Kind = "network.address"
	NetworkSettings  Kind = "network.settings" // a line of centralino.txt
	WebhookDown      Kind = "webhook.down"     // another program takes no events
	MailFailed       Kind = "mail.failed"      // a report can't be sent
	ClockUntrusted   Kind = "clock.untrusted"
	TrunkDown        Kind = "trunk.down"
	LineGone         Kind = "line.gone"       // device unplugged or silent
	LineNoDialTone   Kind = "line.noDialTone" // cable of the exchange
	LineUnbuilt      Kind = "line.unbuilt"    // of a kind that the box cannot drive yet
	TemperatureHigh  Kind = "temperature.high"
	SoftwareRestarts Kind = "software.restarts" // a part was restarted repeatedly
	NoPhones         Kind = "phones.none"
	NoEmergencyLine  Kind = "emergency.noLine" // no line in service could carry an emergency call
	LampsMissing     Kind = "lamps.missing"
	UpdateTakenBack  Kind = "update.takenBack" // a new version did not pass its trial
)

// Rule is what the box knows about a kind.
type Rule struct {
	Kind     Kind
	Code     int // flashes on the STATUS lamp, 1 to 9
	Severity Severity
	// Lasts is how long it must be seen before it counts, Gone how long it must be
	// away before it is over.
	Lasts, Gone time.Duration
	// Causes are kinds that this one is the root of: while it counts they are
	// hidden. A kind never hides a worse one.
	Causes []Kind
}

// Kinds is the table of faults, by their number.
var Kinds = []Rule{
	{Undervoltage, 1, Warning, 2 * time.Second, time.Minute, nil},
	{StorageFailed, 2, Fault, 0, 10 * time.Second, []Kind{StorageFull, BackupFailed, CustomersFailed}},
	{StorageCorrupt, 2, Fault, 0, 0, nil},
	{StorageUnread, 2, Fault, 0, 0, nil},
	{SecretsLost, 2, Fault, 0, 0, nil},
	{StorageFull, 2, Warning, 5 * time.Second, time.Minute, []Kind{BackupFailed}},
	{StorageRecovered, 2, Warning, 0, 0, nil},
	{OfficeSkipped, 2, Warning, 0, 0, nil},
	{JournalBroken, 2, Warning, 0, 0, nil},
	{CustomersFailed, 2, Warning, 0, 0, nil},
	{BackupFailed, 2, Warning, 0, 0, nil},
	{NetworkCable, 3, Fault, 3 * time.Second, 3 * time.Second, []Kind{NetworkAddress, TrunkDown, NoPhones, ClockUntrusted, WebhookDown, MailFailed}},
	{NetworkAddress, 3, Fault, 15 * time.Second, 3 * time.Second, []Kind{TrunkDown, NoPhones, ClockUntrusted, WebhookDown, MailFailed}},
	{NetworkSettings, 3, Warning, 0, 0, nil},
	{WebhookDown, 3, Warning, 0, 0, nil},
	{MailFailed, 3, Warning, 0, 0, nil},
	{ClockUntrusted, 4, Warning, 2 * time.Minute, 0, nil},
	{TrunkDown, 5, Fault, 15 * time.Second, 5 * time.Second, nil},
	{LineGone, 6, Fault, time.Second, 3 * time.Second, []Kind{LineNoDialTone}},
	{LineNoDialTone, 6, Fault, 0, 0, nil},
	{LineUnbuilt, 6, Fault, 0, 0, nil},
	{TemperatureHigh, 7, Warning, 30 * time.Second, 2 * time.Minute, nil},
	{SoftwareRestarts, 8, Fault, 0, 5 * time.Minute, []Kind{NoPhones}},
	{UpdateTakenBack, 8, Warning, 0, 0, nil},
	{NoEmergencyLine, 9, Fault, 30 * time.Second, 5 * time.Second, nil},
	{NoPhones, 9, Fault, time.Minute, 3 * time.Second, nil},
	{LampsMissing, 9, Warning, 0, 0, nil},
}

// Over reports a kind that tells of something that is over: it stays on the list until
// a person has read it.
func Over(k Kind) bool {
	return k == StorageRecovered || k == JournalBroken || k == OfficeSkipped || k == UpdateTakenBack
}

// RuleOf returns the rule of a kind, and false for one that is not in the table.
func RuleOf(k Kind) (Rule, bool) {
	for _, r := range Kinds {
		if r.Kind == k {
			return r, true
		}
	}
	return Rule{}, false
}

// Entry is a fault that counts now. Subject is what it is about ("line-1"), empty
// for the box. By is the fault that hides it, because it is its cause.
type Entry struct {
	Kind     Kind      `json:"kind"`
	Subject  string    `json:"subject,omitempty"`
	Code     int       `json:"code"`
	Severity Severity  `json:"severity"`
	Since    time.Time `json:"since"`
	By       Kind      `json:"by,omitempty"`
}

// Title is the text id of what the fault is.
func (e Entry) Title() string { return "fault." + string(e.Kind) + ".title" }

// Effect is the text id of what the fault means for calls.
func (e Entry) Effect() string { return "fault." + string(e.Kind) + ".effect" }

// Action is the text id of what to do about it.
func (e Entry) Action() string { return "fault." + string(e.Kind) + ".action" }

// key is one fault: a kind about a subject.
type key struct {
	kind    Kind
	subject string
}

// fault is what is known of a key.
type fault struct {
	seen  bool      // raised, not cleared
	since time.Time // of seen
	count bool      // lasted long enough
	from  time.Time // when it began, for people
}
