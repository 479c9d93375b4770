package export

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
)

// QueueLog writes visits in the form of Asterisk's queue_log, which existing report
// programs read: time|callid|queue|agent|event|arguments, one event a line, in order
// of time. Callers are pseudonyms; agent says how an agent may be called in the file.
//
// It knows of contacts what the reports know: ENTERQUEUE, CONNECT, COMPLETECALLER,
// ABANDON (also contacts lost in a restart), EXITWITHTIMEOUT, EXITEMPTY and
// EXITWITHKEY (the caller asked to be called back). Logins, pauses and phones that
// rang in vain are not in it: they are about people.
func QueueLog(w io.Writer, visits []kpi.Visit, agent func(journal.SubjectID) string) error {
	var lines []logLine
	waiting := map[string][]time.Time{} // queue -> ends of waits
	for i := range visits {
		v := &visits[i]
		left := v.Arrived.Add(v.Waited)
		waiting[v.Queue] = slices.DeleteFunc(waiting[v.Queue], func(end time.Time) bool { return !end.After(v.Arrived) })
		position := len(waiting[v.Queue]) + 1
		waiting[v.Queue] = append(waiting[v.Queue], left)
		lines = append(lines, visitLines(v, position, left, agent)...)
	}
	slices.SortStableFunc(lines, func(a, b logLine) int { return a.at.Compare(b.at) })
	b := bufio.NewWriter(w)
	for _, l := range lines {
		fmt.Fprintf(b, "%d|%s\n", l.at.Unix(), l.text)
	}
	return b.Flush()
}

type logLine struct {
	at   time.Time
	text string
}

// visitLines are the events of one visit.
func visitLines(v *kpi.Visit, position int, left time.Time, agent func(journal.SubjectID) string) []logLine {
	line := func(at time.Time, who, event string, args ...any) logLine {
		s := fmt.Sprint(logField(string(v.Contact)), "|", logField(v.Queue), "|", logField(who), "|", event)
		for _, a := range args {
			s += "|" + logField(fmt.Sprint(a))
		}
		return logLine{at, s}
	}
	const nobody = "NONE"
	wait := int(v.Waited.Round(time.Second) / time.Second)
	out := []logLine{line(v.Arrived, nobody, "ENTERQUEUE", "", v.Caller, position)}
	switch v.Result {
	case kpi.Answered:
		who := agent(v.Agent)
		out = append(out, line(left, who, "CONNECT", wait, v.Contact, 0))
		if !v.Open {
			out = append(out, line(left.Add(v.Talked), who, "COMPLETECALLER", wait, int(v.Talked.Round(time.Second)/time.Second), position))
		}
	case kpi.Abandoned, kpi.Restarted:
		out = append(out, line(left, nobody, "ABANDON", position, position, wait))
	case kpi.Overflowed:
		out = append(out, line(left, nobody, "EXITWITHTIMEOUT", position, position, wait))
	case kpi.Closed:
		out = append(out, line(left, nobody, "EXITEMPTY", position, position, wait))
	case kpi.Promised:
		out = append(out, line(left, nobody, "EXITWITHKEY", "", position, position, wait))
	}
	return out
}

// logField keeps a field from being read as several.
func logField(s string) string { return strings.NewReplacer("|", "_", "\n", "_", "\r", "_").Replace(s) }
