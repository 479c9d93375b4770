package health

import (
	"cmp"
	"slices"
	"time"
)

// Change is a fault that began or ceased to count, for the journal. Hidden faults
// are told too: they happened.
type Change struct {
	Kind    Kind
	Subject string
	Raised  bool
}

// List decides which faults count. It is pure: the caller says what time it is.
type List struct {
	faults map[key]*fault
}

// NewList returns an empty list.
func NewList() *List { return &List{faults: map[key]*fault{}} }

// Raise reports that a fault is seen now. Raising it again changes nothing. A kind
// that is not in the table is ignored.
func (l *List) Raise(k Kind, subject string, now time.Time) []Change {
	if _, ok := RuleOf(k); !ok {
		return nil
	}
	f := l.faults[key{k, subject}]
	if f == nil {
		f = &fault{}
		l.faults[key{k, subject}] = f
	}
	if !f.seen {
		f.seen, f.since = true, now
		if !f.count {
			f.from = now
		}
	}
	return l.Tick(now)
}

// Clear reports that a fault is not seen any more.
func (l *List) Clear(k Kind, subject string, now time.Time) []Change {
	if f := l.faults[key{k, subject}]; f != nil && f.seen {
		f.seen, f.since = false, now
	}
	return l.Tick(now)
}

// ClearSubject reports that nothing is seen about a subject any more: it was taken
// out of the configuration.
func (l *List) ClearSubject(subject string, now time.Time) []Change {
	for k, f := range l.faults {
		if k.subject == subject && f.seen {
			f.seen, f.since = false, now
		}
	}
	return l.Tick(now)
}

// Tick moves the time on and returns what began or ceased to count.
func (l *List) Tick(now time.Time) []Change {
	var out []Change
	for k, f := range l.faults {
		r, _ := RuleOf(k.kind)
		switch {
		case f.seen && !f.count && now.Sub(f.since) >= r.Lasts:
			f.count = true
			out = append(out, Change{k.kind, k.subject, true})
		case !f.seen && f.count && now.Sub(f.since) >= r.Gone:
			out = append(out, Change{k.kind, k.subject, false})
			delete(l.faults, k)
		case !f.seen && !f.count:
			delete(l.faults, k)
		}
	}
	slices.SortFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(order(a.Kind), order(b.Kind)), cmp.Compare(a.Subject, b.Subject))
	})
	return out
}

// Next says when Tick has something to do by itself; zero for never.
func (l *List) Next() time.Time {
	var next time.Time
	for k, f := range l.faults {
		r, _ := RuleOf(k.kind)
		var t time.Time
		switch {
		case f.seen && !f.count:
			t = f.since.Add(r.Lasts)
		case !f.seen && f.count:
			t = f.since.Add(r.Gone)
		default:
			continue
		}
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	return next
}

// All returns the faults that count, the worst first; those that another one
// hides have By set and come last.
func (l *List) All() []Entry {
	var out []Entry
	for k, f := range l.faults {
		if !f.count {
			continue
		}
		r, _ := RuleOf(k.kind)
		out = append(out, Entry{Kind: k.kind, Subject: k.subject, Code: r.Code, Severity: r.Severity, Since: f.from, By: l.cause(r)})
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(order(a.Kind), order(b.Kind)), cmp.Compare(a.Subject, b.Subject))
	})
	return out
}

// cause finds the counting fault that hides kind k, the root first.
func (l *List) cause(k Rule) Kind {
	for _, r := range Kinds {
		if !slices.Contains(r.Causes, k.Kind) || r.Severity == Warning && k.Severity == Fault {
			continue
		}
		for other, f := range l.faults {
			if other.kind == r.Kind && f.count {
				return r.Kind
			}
		}
	}
	return ""
}

// Worst is the fault that the STATUS lamp stands for, and false if there is none.
func (l *List) Worst() (Entry, bool) {
	all := l.All()
	if len(all) == 0 || all[0].By != "" {
		return Entry{}, false
	}
	return all[0], true
}

// weight sorts faults before warnings before hidden ones.
func weight(e Entry) int {
	switch {
	case e.By != "":
		return 2
	case e.Severity == Fault:
		return 0
	default:
		return 1
	}
}

// order is a kind's place in the table.
func order(k Kind) int {
	return slices.IndexFunc(Kinds, func(r Rule) bool { return r.Kind == k })
}
