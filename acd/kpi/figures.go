package kpi

import (
	"math"
	"slices"
	"time"

	"centralino/internal/journal"
)

// Count names a number of contacts. Which contacts make it is one predicate, so
// that every number can show them.
type Count string

// Counts of contacts.
const (
	Offered      Count = "offered"      // entered the queue
	CAnswered    Count = "answered"     // talked to an agent
	CAnsweredIn  Count = "answeredIn"   // … within the threshold
	CAbandoned   Count = "abandoned"    // hung up while waiting
	CAbandonedIn Count = "abandonedIn"  // … within the threshold
	CShort       Count = "short"        // … so soon that it does not count
	CLost        Count = "lost"         // … and counts
	CWaiting     Count = "waiting"      // wait now
	CWaitingPast Count = "waitingPast"  // … longer than the threshold
	COverflowed  Count = "overflowed"   // given back to their path
	CPromised    Count = "promised"     // left the line for a call back
	CReached     Count = "reached"      // … and were reached, also by hand
	CRestarted   Count = "restarted"    // lost in a restart
	CRepeated    Count = "repeated"     // called already within RepeatWithin
	CHandled     Count = "handled"      // talked to an agent of the queue, and that is over
	CTold        Count = "told"         // heard a wait range that held or not
	CJudged      Count = "judged"       // on which the default service level rests
	CJudgedLost  Count = "judgedOrLost" // on which the abandon rate rests
	CUnserved    Count = "unserved"     // went away without an agent, and it counts
)

var countRules = map[Count]func(v *Visit, r Rule) bool{
	Offered:      func(*Visit, Rule) bool { return true },
	CAnswered:    func(v *Visit, _ Rule) bool { return v.Result == Answered },
	CAnsweredIn:  func(v *Visit, r Rule) bool { return v.Result == Answered && v.Waited <= r.Threshold },
	CAbandoned:   func(v *Visit, _ Rule) bool { return v.Result == Abandoned },
	CAbandonedIn: func(v *Visit, r Rule) bool { return v.Result == Abandoned && v.Waited <= r.Threshold },
	CShort:       func(v *Visit, r Rule) bool { return v.Result == Abandoned && v.Waited <= r.Short },
	CLost:        func(v *Visit, r Rule) bool { return v.Result == Abandoned && v.Waited > r.Short },
	CWaiting:     func(v *Visit, _ Rule) bool { return v.Result == Waiting },
	CWaitingPast: func(v *Visit, r Rule) bool { return v.Result == Waiting && v.Waited > r.Threshold },
	COverflowed:  func(v *Visit, _ Rule) bool { return v.Result == Overflowed },
	CPromised:    func(v *Visit, _ Rule) bool { return v.Result == Promised },
	CReached:     func(v *Visit, _ Rule) bool { return v.Result == Promised && v.Reached },
	CRestarted:   func(v *Visit, _ Rule) bool { return v.Result == Restarted },
	CRepeated:    func(v *Visit, _ Rule) bool { return v.Before > 0 },
	CHandled:     func(v *Visit, _ Rule) bool { return handled(v) },
	CTold:        func(v *Visit, _ Rule) bool { return v.Kept+v.Broken > 0 },
	CJudged: func(v *Visit, r Rule) bool {
		return v.Result == Answered || v.Result == Abandoned && v.Waited > r.Short || v.Result == Waiting && v.Waited > r.Threshold
	},
	CJudgedLost: func(v *Visit, r Rule) bool {
		return v.Result == Answered || v.Result == Abandoned && v.Waited > r.Short
	},
	CUnserved: func(v *Visit, r Rule) bool {
		switch {
		case v.Reason == Merged:
			return false
		case v.Result == Abandoned:
			return v.Waited > r.Short
		case v.Result == Promised:
			return !v.Open && !v.Reached
		}
		return v.Result == Overflowed || v.Result == Restarted
	},
}

// handled reports whether an agent talked to the contact and that is over. Who called
// somebody back by hand talked to him in a call of no queue.
func handled(v *Visit) bool { return !v.Open && (v.Result == Answered || v.Reached && !v.ByHand) }

// Has reports whether a visit is one of those that a count counts; false for an
// unknown count.
func (c Count) Has(v *Visit, r Rule) bool {
	rule := countRules[c]
	return rule != nil && rule(v, r)
}

// Known reports whether there is such a count.
func (c Count) Known() bool { return countRules[c] != nil }

// Rules gives the rule of each queue.
type Rules map[string]Rule

// Of returns a queue's rule, the default one if it has none.
func (r Rules) Of(queue string) Rule {
	if rule, ok := r[queue]; ok {
		return rule
	}
	return DefaultRule
}

// Figures are what a number of visits comes to. Means and percentiles are zero
// where nothing was there to be measured; the counts beside them tell.
type Figures struct {
	Counts
	Offered     int
	Waiting     int
	Overflowed  int
	Promised    int
	Reached     int
	Restarted   int
	Handled     int
	Repeated    int
	Unserved    int
	Callers     int           // different ones; each hidden number is one of its own
	LostCallers int           // of them, those who gave up or were given up and never got through
	ASA         time.Duration // mean wait of those answered
	P50         time.Duration // percentiles of their wait
	P90         time.Duration
	P99         time.Duration
	Longest     time.Duration // longest wait of all, also of those who hung up or wait now
	LongestNow  time.Duration // of those who wait now
	AHT         time.Duration // talk, hold and wrap-up, mean of those handled
	Talk        time.Duration // mean
	ACW         time.Duration // wrap-up, mean
	Kept        int           // spoken wait ranges that held
	Broken      int
	Misses      int // offers that rang in vain
}

// KeptRate returns the share of spoken wait ranges that held, and false if none
// was judged.
func (f *Figures) KeptRate() (float64, bool) {
	if f.Kept+f.Broken == 0 {
		return 0, false
	}
	return float64(f.Kept) / float64(f.Kept+f.Broken), true
}

// RepeatRate returns the share of contacts whose caller had called already.
func (f *Figures) RepeatRate() (float64, bool) {
	if f.Offered == 0 {
		return 0, false
	}
	return float64(f.Repeated) / float64(f.Offered), true
}

// Sum adds visits up; each is judged by the rule of its queue.
func Sum(visits []Visit, rules Rules) Figures {
	var f Figures
	var waits []time.Duration
	var wait, talk, wrap time.Duration
	callers := map[journal.SubjectID]fate{}
	for i := range visits {
		v, r := &visits[i], rules.Of(visits[i].Queue)
		for _, t := range tally {
			if t.rule(v, r) {
				*t.field(&f)++
			}
		}
		if v.Result == Answered {
			waits = append(waits, v.Waited)
			wait += v.Waited
		}
		f.Longest = max(f.Longest, v.Waited)
		if v.Result == Waiting {
			f.LongestNow = max(f.LongestNow, v.Waited)
		}
		if handled(v) {
			talk, wrap = talk+v.Talked, wrap+v.Wrap
		}
		f.Kept, f.Broken, f.Misses = f.Kept+v.Kept, f.Broken+v.Broken, f.Misses+v.Misses
		unserved := CUnserved.Has(v, r)
		if v.Caller == "" {
			f.Callers++
			if unserved {
				f.LostCallers++
			}
			continue
		}
		one := callers[v.Caller]
		one.served = one.served || v.Result == Answered || v.Reached || v.Open
		one.unserved = one.unserved || unserved
		callers[v.Caller] = one
	}
	f.Callers += len(callers)
	for _, one := range callers {
		if one.unserved && !one.served {
			f.LostCallers++
		}
	}
	if n := len(waits); n > 0 {
		f.ASA = wait / time.Duration(n)
		slices.Sort(waits)
		f.P50, f.P90, f.P99 = percentile(waits, 0.5), percentile(waits, 0.9), percentile(waits, 0.99)
	}
	if n := time.Duration(f.Handled); n > 0 {
		f.AHT, f.Talk, f.ACW = (talk+wrap)/n, talk/n, wrap/n
	}
	return f
}

// fate is how a caller fared in all of his contacts.
type fate struct{ served, unserved bool }

// tally says which counts Sum makes.
var tally = []struct {
	rule  func(v *Visit, r Rule) bool
	field func(f *Figures) *int
}{
	{countRules[Offered], func(f *Figures) *int { return &f.Offered }},
	{countRules[CAnswered], func(f *Figures) *int { return &f.Answered }},
	{countRules[CAnsweredIn], func(f *Figures) *int { return &f.AnsweredIn }},
	{countRules[CAbandoned], func(f *Figures) *int { return &f.Abandoned }},
	{countRules[CAbandonedIn], func(f *Figures) *int { return &f.AbandonedIn }},
	{countRules[CShort], func(f *Figures) *int { return &f.Short }},
	{countRules[CWaiting], func(f *Figures) *int { return &f.Waiting }},
	{countRules[CWaitingPast], func(f *Figures) *int { return &f.WaitingPast }},
	{countRules[COverflowed], func(f *Figures) *int { return &f.Overflowed }},
	{countRules[CPromised], func(f *Figures) *int { return &f.Promised }},
	{countRules[CReached], func(f *Figures) *int { return &f.Reached }},
	{countRules[CRestarted], func(f *Figures) *int { return &f.Restarted }},
	{countRules[CHandled], func(f *Figures) *int { return &f.Handled }},
	{countRules[CRepeated], func(f *Figures) *int { return &f.Repeated }},
	{countRules[CUnserved], func(f *Figures) *int { return &f.Unserved }},
}

// percentile returns the smallest of the sorted values that at least the share p of
// them does not exceed (nearest rank).
func percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// Work is what agents did, added up.
type Work struct {
	Talk, Wrap, Offered, Ready, Paused, Busy, Other time.Duration
	Break                                           time.Duration // of Paused: breaks from the screen
}

// Add adds the time of one state. isBreak says whether a pause's reason is a break.
func (w *Work) Add(t AgentTime, isBreak func(reason string) bool) {
	switch t.State {
	case journal.AgentTalking:
		w.Talk += t.Time
	case journal.AgentWrapUp:
		w.Wrap += t.Time
	case journal.AgentOffered:
		w.Offered += t.Time
	case journal.AgentReady:
		w.Ready += t.Time
	case journal.AgentBusy:
		w.Busy += t.Time
	case journal.AgentOtherWork:
		w.Other += t.Time
	case journal.AgentPaused:
		w.Paused += t.Time
		if isBreak != nil && isBreak(t.Reason) {
			w.Break += t.Time
		}
	}
}

// Handling is the time spent on contacts of queues.
func (w *Work) Handling() time.Duration { return w.Talk + w.Wrap }

// LoggedIn is all of the time.
func (w *Work) LoggedIn() time.Duration {
	return w.Talk + w.Wrap + w.Offered + w.Ready + w.Paused + w.Busy + w.Other
}

// Occupancy returns the share of the time in which an agent could be given contacts
// that he had one, and false if there was none.
func (w *Work) Occupancy() (float64, bool) {
	return share(w.Handling(), w.Handling()+w.Ready+w.Offered)
}

// Utilisation returns the share of the time logged in that was spent on contacts.
func (w *Work) Utilisation() (float64, bool) { return share(w.Handling(), w.LoggedIn()) }

func share(part, all time.Duration) (float64, bool) {
	if all <= 0 {
		return 0, false
	}
	return float64(part) / float64(all), true
}

// Patience returns the mean time after which a waiting caller hangs up: all the
// waiting divided by the number of those who gave up, since the others were
// answered before we could know (censored exponential times). False under three
// who gave up.
func Patience(visits []Visit) (time.Duration, bool) {
	var waited time.Duration
	gave := 0
	for i := range visits {
		switch visits[i].Result {
		case Abandoned:
			gave++
			waited += visits[i].Waited
		case Answered, Overflowed, Promised:
			waited += visits[i].Waited
		}
	}
	if gave < 3 {
		return 0, false
	}
	return waited / time.Duration(gave), true
}

// Busiest is the busiest hour of an interval.
type Busiest struct {
	Interval
	Erlang float64 // lines busy on average
	Peak   int     // … at once, at most
	Calls  int
}

// BusyHour finds the hour in which a line was busy most, in steps of quarters of an
// hour; the empty line is all of them together. False if it never was.
func BusyHour(lines []LineUse, line string) (Busiest, bool) {
	const hour = Slot(time.Hour / SlotLength)
	use := map[Slot]*LineUse{}
	for i := range lines {
		if lines[i].Line == line {
			use[lines[i].Slot] = &lines[i]
		}
	}
	var best Busiest
	found := false
	for s := range use {
		for from := s - hour + 1; from <= s; from++ {
			var b Busiest
			var busy time.Duration
			for k := from; k < from+hour; k++ {
				if u := use[k]; u != nil {
					busy += u.Busy
					b.Peak, b.Calls = max(b.Peak, u.Peak), b.Calls+u.In+u.Out
				}
			}
			b.Interval = Interval{from.Start(), (from + hour).Start()}
			b.Erlang = busy.Hours()
			if !found || b.Erlang > best.Erlang || b.Erlang == best.Erlang && b.From.Before(best.From) {
				best, found = b, true
			}
		}
	}
	return best, found
}
