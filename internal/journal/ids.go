package journal

// CallID names one call from its first ring to its last leg's end. It is unique
// over restarts, sorts by time and says nothing about anybody.
type CallID string

// ContactID names one customer contact in the ACD. A call that enters a queue is
// a contact of the same name as the call; a callback is the contact it keeps.
type ContactID string

// LegID names one leg of a call; it is unique within its call ("a", "b", …).
type LegID string

// OfferID names one offer of a contact to an agent. Offers are numbered anew by
// the engine from the journal after a restart and never repeat.
type OfferID uint64

// SubjectID is a pseudonym: of a person of the office ("p-…") or of an outside
// party's number ("n-…"). Names and numbers behind it stand in one side table
// that only internal/privacy reads.
type SubjectID string
