package numbering

// E164 is a number in international form with its plus sign, for instance
// "+390212345678" (ITU-T E.164: at most 15 digits). Empty means unknown.
type E164 string
