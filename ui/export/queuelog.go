package export

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"centralino/acd/engine"
	"centralino/acd/kpi"
	"centralino/internal/journal"
)

// QueueLog writes visits in the form of Asterisk's queue_log, which existing report
// programs read: time|callid|queue|agent|event|arguments, one event a line, in order
// of time. Callers are pseudonyms; agent says how an agent may be called in the file.
//
// It knows of contacts what the reports know:
//
//	ENTERQUEUE(url, caller, position)
//	CONNECT(wait, channel, ring time)          the ring time is not known: 0
//	COMPLETEAGENT, COMPLETECALLER(wait, talk, position)
//	BLINDTRANSFER, ATTENDEDTRANSFER(extension, context, wait, talk, position)  to whom is not known
//	ABANDON(position, first position, wait)    also contacts lost in a restart
//	EXITWITHTIMEOUT, EXITEMPTY(position, first position, wait)
//	EXITWITHKEY(key, position, first position, wait)
//
// EXITEMPTY are those whom the queue did not take or keep, EXITWITHKEY those who
// pressed an exit key or asked to be called back; which key is not known. Who was
// called back and reached is a second call with an id of its own: he waits no more,
// and the agent is on the line before him. Logins, pauses and phones that rang in
// vain are not in it: they are about people.
func QueueLog(w io.Writer, visits []kpi.Visit, agent func(journal.SubjectID) string) error {
	var lines []logLine
	ahead := map[string][]time.Time{} // queue -> ends of the waits of those who came before
	for i := range visits {
		v := &visits[i]
		left := v.Arrived.Add(v.Waited)
		ahead[v.Queue] = slices.DeleteFunc(ahead[v.Queue], func(end time.Time) bool { return !end.After(v.Arrived) })
		first, last := len(ahead[v.Queue])+1, 1
		for _, end := range ahead[v.Queue] {
			if end.After(left) {
				last++
			}
		}
		ahead[v.Queue] = append(ahead[v.Queue], left)
		l := visitLog{visit: v, agent: agent, first: first, last: last}
		l.write(left)
		lines = append(lines, l.lines...)
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

// visitLog makes the lines of one visit.
type visitLog struct {
	visit *kpi.Visit
	agent func(journal.SubjectID) string
	first int // position in line when he came
	last  int // and when he left it
	lines []logLine
}

// nobody stands where no agent has a part.
const nobody = "NONE"

func (l *visitLog) add(at time.Time, call, who, event string, args ...any) {
	s := fmt.Sprint(logField(call), "|", logField(l.visit.Queue), "|", logField(who), "|", event)
	for _, a := range args {
		s += "|" + logField(fmt.Sprint(a))
	}
	l.lines = append(l.lines, logLine{at, s})
}

// write writes what happened to a contact that waited until left.
func (l *visitLog) write(left time.Time) {
	v, call, wait := l.visit, string(l.visit.Contact), seconds(l.visit.Waited)
	l.add(v.Arrived, call, nobody, "ENTERQUEUE", "", v.Caller, l.first)
	switch v.Result {
	case kpi.Answered:
		l.talk(left, call, wait, l.first)
	case kpi.Abandoned, kpi.Restarted:
		l.add(left, call, nobody, "ABANDON", l.last, l.first, wait)
	case kpi.Overflowed:
		l.exit(left, wait)
	case kpi.Promised:
		l.add(left, call, nobody, "EXITWITHKEY", "", l.last, l.first, wait)
		if v.Reached && v.BackIn > 0 { // else somebody called him by hand
			back := cmp.Or(string(v.Back), call+"-back")
			at := v.Arrived.Add(v.BackIn)
			l.add(at, back, nobody, "ENTERQUEUE", "", v.Caller, 1)
			l.talk(at, back, 0, 1)
		}
	}
}

// exit writes why the queue gave the caller up.
func (l *visitLog) exit(left time.Time, wait int) {
	call := string(l.visit.Contact)
	switch engine.Reason(l.visit.Reason) {
	case engine.ReasonExit:
		l.add(left, call, nobody, "EXITWITHKEY", "", l.last, l.first, wait)
	case engine.ReasonMaxWait:
		l.add(left, call, nobody, "EXITWITHTIMEOUT", l.last, l.first, wait)
	default:
		l.add(left, call, nobody, "EXITEMPTY", l.last, l.first, wait)
	}
}

// talk writes a talk that began at an instant, and its end if it is over.
func (l *visitLog) talk(at time.Time, call string, wait, position int) {
	v, who := l.visit, l.agent(l.visit.Agent)
	l.add(at, call, who, "CONNECT", wait, call, 0)
	if v.Open {
		return
	}
	if v.Reason == kpi.HandedOn {
		l.add(at.Add(v.Talked), call, who, "BLINDTRANSFER", "", "", wait, seconds(v.Talked), position)
		return
	}
	if v.Reason == kpi.Consulted {
		l.add(at.Add(v.Talked), call, who, "ATTENDEDTRANSFER", "", "", wait, seconds(v.Talked), position)
		return
	}
	event := "COMPLETECALLER"
	if v.ByAgent {
		event = "COMPLETEAGENT"
	}
	l.add(at.Add(v.Talked), call, who, event, wait, seconds(v.Talked), position)
}

func seconds(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }

// logField keeps a field from being read as several.
func logField(s string) string { return strings.NewReplacer("|", "_", "\n", "_", "\r", "_").Replace(s) }
