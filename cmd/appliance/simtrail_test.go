package main

import (
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"time"

	"centralino/internal/logring"
	"centralino/pbx/pbxtest"
)

// leftOver tells everything that is known of calls that should be over: what the
// journal and the log say of each, in what state lines and phones are, and where the
// goroutines stand that could still end them.
func (w *simWorld) leftOver(b *box) string {
	var out strings.Builder
	fmt.Fprintf(&out, "it is %s\n", time.Now().Format("15:04:05.000"))
	w.check.mu.Lock()
	for id, call := range w.check.calls {
		if call.ended {
			continue
		}
		fmt.Fprintf(&out, "call %s, as the journal tells it:\n\t%s\n", id, strings.Join(call.trail, "\n\t"))
		for _, l := range b.ring.Lines(logring.Filter{Call: string(id), Level: slog.LevelDebug}) {
			fmt.Fprintf(&out, "\tlog %s %s %s %s\n", l.Time.Format("15:04:05.000"), l.Level, l.Text, l.Attrs)
		}
	}
	w.check.mu.Unlock()
	for _, l := range b.lines.list() {
		fmt.Fprintf(&out, "line %s is %v\n", l.ID(), l.State())
	}
	for _, l := range b.ring.Lines(logring.Filter{Text: "line", Limit: 40}) {
		fmt.Fprintf(&out, "\tlog %s %s %s %s\n", l.Time.Format("15:04:05.000"), l.Level, l.Text, l.Attrs)
	}
	for i, p := range append([]*pbxtest.Phone{w.provider}, w.phones...) {
		if c := p.Current(); c != nil {
			fmt.Fprintf(&out, "phone %d (0: the provider) is in a call: answered %t, over %t\n", i, isClosed(c.Up()), isClosed(c.End()))
		}
	}
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, g := range strings.Split(string(stacks), "\n\n") {
		if callGoroutines.MatchString(g) {
			fmt.Fprintf(&out, "%s\n\n", g)
		}
	}
	return out.String()
}

// callGoroutines are the goroutines of calls, of their lines and of dialogs.
var callGoroutines = regexp.MustCompile(`pbx\.\(\*(actor|lineLeg|sipLeg|lineReader)\)|voicemodem\.\(\*Line\)|dialog\.\(\*Leg\)`)

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
