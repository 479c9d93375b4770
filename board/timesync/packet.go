package timesync

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"
)

var (
	// errStray is something that is no answer to the question; the answer may yet come.
	errStray = errors.New("not the answer")
	// errUnsure is a server that says that it does not know the time, or to go away.
	errUnsure = errors.New("the server has no time to give")
)

const packetLength = 48 // RFC 5905 figure 8, without extensions

// coarse is how long the tick of a server's clock may be: on a short cable it then seems
// to have thought longer than we waited.
const coarse = 50 * time.Millisecond

// question is what is asked. The time of sending is not told: a number by chance stands
// in its place, which a forger who does not see the question cannot know.
type question struct{ nonce uint64 }

func newQuestion() question { return question{rand.Uint64() | 1} }

func (q question) marshal() []byte {
	b := make([]byte, packetLength)
	b[0] = 4<<3 | 3 // version 4, client
	binary.BigEndian.PutUint64(b[40:], q.nonce)
	return b
}

// read reads the answer to a question that was sent and answered at these times of the
// clock that is to be set.
func (q question) read(b []byte, sent, came time.Time) (reading, error) {
	if len(b) < packetLength || b[0]&7 != 4 || binary.BigEndian.Uint64(b[24:]) != q.nonce {
		return reading{}, errStray
	}
	stratum := b[1]
	received, transmitted := stamp(b[32:]), stamp(b[40:])
	if b[0]>>6 == 3 || stratum == 0 || stratum > 15 || transmitted.IsZero() || received.IsZero() || transmitted.Before(received) {
		return reading{}, errUnsure
	}
	delay := came.Sub(sent) - transmitted.Sub(received)
	if delay < -coarse || delay > patience {
		return reading{}, errUnsure
	}
	delay = max(delay, 0)
	return reading{offset: (received.Sub(sent) + transmitted.Sub(came)) / 2, delay: delay}, nil
}

// ntpEpoch is the beginning of era 0; era 1 begins in February 2036.
var ntpEpoch = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// stamp reads a timestamp (RFC 5905 clause 6) between 2004 and 2140: what is below half
// of an era belongs to the next one. The zero time stands for no timestamp.
func stamp(b []byte) time.Time {
	s, f := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if s == 0 && f == 0 {
		return time.Time{}
	}
	seconds := int64(s)
	if s < 1<<31 {
		seconds += 1 << 32
	}
	return time.Unix(ntpEpoch.Unix()+seconds, int64(uint64(f)*1e9>>32)).UTC()
}
