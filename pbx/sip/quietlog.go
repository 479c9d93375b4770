package sip

import (
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// quietLog writes what goes wrong on the wire: a line every 5 s with a burst of 20, the number of lines left out with the next one, 512 octets of
// foreign text at most, control characters escaped, never a whole message.
type quietLog struct {
	log *slog.Logger

	mu     sync.Mutex
	bucket bucket
	start  time.Time
	left   int // lines left out
}

var logRate = Rate{PerSecond: 0.2, Burst: 20}

func newQuietLog(l *slog.Logger) *quietLog {
	return &quietLog{log: l, start: time.Now(), bucket: bucket{tokens: float32(logRate.Burst)}}
}

// note logs a warning; args are key and value in turn as for slog.
func (q *quietLog) note(msg string, args ...any) {
	left, ok := q.admit()
	if !ok {
		return
	}
	if left > 0 {
		args = append(args, "leftOut", left)
	}
	for i := 1; i < len(args); i += 2 {
		switch v := args[i].(type) {
		case string:
			args[i] = clip(v)
		case error:
			args[i] = clip(v.Error())
		}
	}
	q.log.Warn(msg, args...)
}

func (q *quietLog) admit() (int, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.bucket.take(uint32(time.Since(q.start).Milliseconds()), logRate) {
		q.left++
		return 0, false
	}
	left := q.left
	q.left = 0
	return left, true
}

// refused logs that bytes were no message; 60 octets of the start line tell what
// kind of sender it was.
func (q *quietLog) refused(f Flow, cause error, b []byte) {
	q.note("SIP dropped", "flow", f.String(), "cause", cause, "octets", fmt.Sprint(len(b)), "begins", string(b[:min(len(b), 60)]))
}

// clip escapes control characters and cuts to 160 octets.
func clip(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 160)])
	return q[1:min(len(q)-1, 161)]
}
