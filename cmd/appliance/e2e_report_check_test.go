package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/testbed"
	"centralino/ui/api"
	"centralino/ui/i18n"
)

// timeOff is by how much a time of the reports may differ from the wires'; timeOffAtAll
// while the machine below is disturbed and a program may stand still for a while: then
// one time in timeOften may differ by more, and the output says which; one talk stands in
// several times, and where the host takes the machine away two may be off.
const (
	timeOff      = 100 * time.Millisecond
	timeOffAtAll = time.Second
	timeOften    = 20

	timeOftenHungry = 10
)

// reportCheck compares reports, as a manager gets them, with the wires.
type reportCheck struct {
	t        *testing.T
	x        traffic
	w        *web
	days     string // of the query
	truth    truth
	still    bool // the machine was: times are judged strictly
	compared int
	times    int                      // … of which are times
	late     int                      // … that differ by more than timeOff
	off      map[string]time.Duration // kind of time -> the largest difference
}

func (o *reportOffice) compare(all truth, began time.Time) {
	t := o.t
	t.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	c := &reportCheck{t: t, x: o.x, w: o.manager, truth: all, off: map[string]time.Duration{},
		days: url.Values{"from": {began.In(rome).Format(time.DateOnly)}, "to": {time.Now().In(rome).Format(time.DateOnly)}}.Encode()}
	still, hungry, words := testbed.Machine(began)
	c.still = still
	often := timeOften
	if hungry {
		often = timeOftenHungry
	}
	t.Log(words)
	c.lively()
	contacts := c.contacts(began)
	c.why(contacts)
	c.counts(began)
	c.queue()
	c.others(began)
	c.files()
	c.people(o)
	if c.late*often > c.times {
		t.Errorf("%d of %d times differ by more than %v", c.late, c.times, timeOff)
	}
	testbed.Figure(t, "reports against the capture: callers of the queue, calls of agents' telephones, agents", fmt.Sprintf("%d, %d, %d", len(all.fates), c.sum(func(f *fate) int { return f.offers }), o.x.agents), "")
	testbed.Figure(t, "reports against the capture: figures compared; times that differ by more than 100 ms", fmt.Sprintf("%d; %d", c.compared, c.late), "")
	for _, kind := range []string{"wait", "talk", "other time"} {
		testbed.Figure(t, "reports against the capture: largest difference of a "+kind, fmt.Sprintf("%.1f", float64(c.off[kind])/1e6), "ms")
	}
}

// lively fails the test when the traffic shows less than it is made for.
func (c *reportCheck) lively() {
	c.t.Helper()
	has := map[string]int{}
	var noticed []string
	for _, f := range c.truth.fates {
		c.t.Logf("%s %-6s came %s waited %6.3f talked %6.3f with %-15q offers %d missed %d by box %v acked %v promised %v called in vain %d by hand %v", f.number, f.line, f.began.Format("04:05.000"), f.waited().Seconds(), f.talked().Seconds(), f.agent, f.offers, f.misses, f.byBox, f.acked, f.promised(), f.tried, !f.byHand.IsZero())
		switch {
		case f.answered():
			has["answered"]++
		case f.overflowed():
			has["given up by the queue"]++
		case f.reached():
			has["called back and reached"]++
		case f.kept():
			has["called back by hand"]++
		case f.promised():
			has["called back in vain"]++
		case f.waited() <= c.x.short:
			has["hung up soon"]++
		case f.waited() <= c.x.threshold:
			has["hung up before the threshold"]++
		default:
			has["hung up after the threshold"]++
		}
		if f.misses > 0 {
			has["rung for in vain"]++
		}
		if f.answered() && f.waited() > c.x.threshold {
			has["answered late"]++
		}
		if f.before != nil {
			has["there for the second time"]++
		}
		if f.line != "" {
			has["over a line"]++
		} else {
			has["over the trunk"]++
		}
		if f.noticed > 0 {
			noticed = append(noticed, fmt.Sprintf("%s %.2f s", f.line, f.noticed.Seconds()))
		}
	}
	c.t.Logf("callers: %v; %d found the office closed; the box noticed callers who hung up on lines after %v", has, c.truth.closed, noticed)
	for _, kind := range []string{"answered", "answered late", "hung up soon", "hung up before the threshold", "hung up after the threshold", "rung for in vain", "over a line", "over the trunk",
		"called back and reached", "called back in vain", "called back by hand", "there for the second time"} {
		if has[kind] == 0 {
			c.t.Errorf("no caller was %s: this traffic shows too little", kind)
		}
	}
	want := 0
	for _, p := range c.x.plan(rand.New(rand.NewPCG(*reportSeed, 1))) {
		if want++; p.again > 0 {
			want++
		}
	}
	if len(c.truth.fates) != want || c.truth.closed != 1 {
		c.t.Errorf("the wires show %d calls to the queue and %d to the closed office, want %d and 1", len(c.truth.fates), c.truth.closed, want)
	}
}

func (c *reportCheck) sum(of func(f *fate) int) int {
	n := 0
	for _, f := range c.truth.fates {
		n += of(f)
	}
	return n
}

// count compares a number of things.
func (c *reportCheck) count(what string, got float64, want int) {
	c.t.Helper()
	c.compared++
	if got != float64(want) {
		c.t.Errorf("%s: the report says %v, the capture %d", what, got, want)
	}
}

// share compares what was computed of equal counts.
func (c *reportCheck) share(what string, got float64, good, all int) {
	c.t.Helper()
	c.compared++
	if want := float64(good) / float64(all); math.Abs(got-want) > 1e-9 {
		c.t.Errorf("%s: the report says %v, the capture %d of %d", what, got, good, all)
	}
}

// length compares a time in seconds.
func (c *reportCheck) length(kind, what string, got float64, want time.Duration) {
	c.t.Helper()
	c.compared++
	c.times++
	off := (time.Duration(got*float64(time.Second)) - want).Abs()
	c.off[kind] = max(c.off[kind], off)
	if off <= timeOff {
		return
	}
	c.late++
	tell := c.t.Errorf
	if !c.still && off <= timeOffAtAll {
		tell = c.t.Logf
	}
	tell("%s: the report says %.3f s, the capture %.3f s", what, got, want.Seconds())
}

// behind asks for the contacts behind a count.
func (c *reportCheck) behind(count kpi.Count, began time.Time) api.Contacts {
	c.t.Helper()
	var out api.Contacts
	c.w.json("reports/contacts?"+url.Values{"count": {string(count)}, "queue": {"group-1"},
		"from": {strconv.FormatInt(began.Add(-time.Hour).Unix(), 10)}, "to": {strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)}}.Encode(), &out)
	return out
}

// result is how the reports name a fate.
func (f *fate) result() string {
	switch {
	case f.answered():
		return kpi.Answered.String()
	case f.promised():
		return kpi.Promised.String()
	case f.overflowed():
		return kpi.Overflowed.String()
	}
	return kpi.Abandoned.String()
}

// contacts compares each contact with its fate and returns the call of each fate.
// Where a wait lies so close to a limit that both sides of it are within what may
// differ, the fate takes the report's side.
func (c *reportCheck) contacts(began time.Time) map[*fate]string {
	c.t.Helper()
	list := c.behind(kpi.Offered, began)
	c.count("contacts offered", float64(list.All), len(c.truth.fates))
	slices.SortFunc(list.Contacts, func(a, b api.Contact) int { return a.At.Compare(b.At) })
	by := map[string][]api.Contact{}
	for _, x := range list.Contacts {
		by[lastTen(x.Caller)] = append(by[lastTen(x.Caller)], x)
	}
	calls := map[*fate]string{}
	for _, f := range c.truth.fates {
		if len(by[f.number]) == 0 {
			c.t.Errorf("the reports know nothing of %s", f.number)
			continue
		}
		x := by[f.number][0]
		calls[f], by[f.number] = x.Call, by[f.number][1:]
		c.compared++
		if x.Result.ID != f.result() {
			c.t.Errorf("%s was %s says the report, %s the capture", f.number, x.Result.ID, f.result())
		}
		c.length("wait", f.number+" waited", x.Waited, f.waited())
		c.length("talk", f.number+" talked", x.Talked, f.talked())
		c.length("other time", f.number+" came, after the capture,", x.At.Sub(f.began).Seconds(), 0)
		for _, limit := range []time.Duration{c.x.threshold, c.x.short} {
			if (f.waited() - limit).Abs() <= timeOff {
				f.near, f.nearWait = true, time.Duration(x.Waited*float64(time.Second))
				c.t.Logf("%s waited %v, near the limit of %v: on which side is the report's word (%.3f s)", f.number, f.waited(), limit, x.Waited)
			}
		}
	}
	return calls
}

// why compares the offers of each call with the telephones that rang for it.
func (c *reportCheck) why(calls map[*fate]string) {
	c.t.Helper()
	texts, err := i18n.Load()
	if err != nil {
		c.t.Fatal(err)
	}
	byHand := texts.Printer("it").T("why.end.byhand")
	missed := strings.TrimRight(texts.Printer("it").T("why.outcome.missed", "who", ""), ": \u00a0")
	for _, f := range c.truth.fates {
		var e api.Explanation
		c.w.json("calls/"+calls[f]+"/why", &e)
		n := 0
		for _, o := range e.Offers {
			if strings.HasPrefix(o.Outcome, missed) {
				n++
			}
		}
		c.count("telephones that rang in vain for "+f.number, float64(n), f.misses)
		c.count("telephones that rang for "+f.number, float64(len(e.Offers)), f.offers)
		c.compared++
		if said := slices.ContainsFunc(e.Waits, func(w api.WaitWhy) bool { return slices.Contains(w.Words, byHand) }); said == f.byHand.IsZero() {
			c.t.Errorf("%s was called by hand: the call's page says %v: %+v", f.number, said, e.Waits)
		}
		if len(e.Waits) == 1 && !f.promised() {
			c.length("wait", f.number+" was rung for in vain", e.Waits[0].Vain, f.vain)
		}
	}
}
