package voicemodem

import "time"

// Who heard a key.
const (
	ours   = 0 // our own detector
	theirs = 1 // the modem's
)

// keys makes one event of a key press that two detectors hear, each at its own
// time. A press heard by one waits for a while for the other's report, which is
// then swallowed. The zero value is ready.
type keys struct {
	waiting [2][8]press // by who heard it
	last    press       // of the modem, for those that repeat without brackets
}

type press struct {
	digit byte // 0 = free
	at    time.Time
}

// hear reports whether the digit heard by who is a new key press.
func (k *keys) hear(who int, digit byte, now time.Time) bool {
	other := &k.waiting[1-who]
	best := -1
	for i, p := range other {
		if p.digit == digit && now.Sub(p.at) < sameKey && (best < 0 || p.at.Before(other[best].at)) {
			best = i
		}
	}
	if best >= 0 {
		other[best] = press{}
		return false
	}
	mine, oldest := &k.waiting[who], 0
	for i, p := range mine {
		if p.digit == 0 || now.Sub(p.at) >= sameKey {
			oldest = i
			break
		}
		if p.at.Before(mine[oldest].at) {
			oldest = i
		}
	}
	mine[oldest] = press{digit, now}
	return true
}

// repeated reports whether the modem said the same digit a moment ago.
func (k *keys) repeated(digit byte, now time.Time) bool {
	same := k.last.digit == digit && now.Sub(k.last.at) < repeatedKey
	k.last = press{digit, now}
	return same
}
