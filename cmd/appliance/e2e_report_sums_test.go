package main

import (
	"encoding/csv"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/acd/kpi"
	"centralino/ui/api"
)

// judged is the wait by which a fate is judged against limits.
func (f *fate) judged() time.Duration {
	if f.near {
		return f.nearWait
	}
	return f.waited()
}

// sums are those of the fates.
type sums struct {
	offered, answered, in, abandoned, abandonedIn, short, overflowed int
	promised, kept, reached, repeated, handled, unserved             int             // kept: reached by the queue, or by hand
	callers, lostCallers                                             int             // different ones; … of whom nobody talked to
	byAgent                                                          int             // of those handled, whose agent hung up
	waits                                                            []time.Duration // of those answered, in order
	asa, longest, talk, wrap                                         time.Duration
}

func (c *reportCheck) sums() sums {
	var g sums
	served := map[string]bool{} // each number
	for _, f := range c.truth.fates {
		g.offered++
		g.longest = max(g.longest, f.waited())
		served[f.number] = served[f.number] || f.handled() || f.kept()
		if f.before != nil {
			g.repeated++
		}
		if f.handled() {
			g.handled++
			g.talk, g.wrap = g.talk+f.talked(), g.wrap+f.wrapped
			if f.answered() && f.byBox || f.reached() && f.byAgent {
				g.byAgent++
			}
		}
		in := f.judged() <= c.x.threshold
		switch {
		case f.answered():
			g.answered++
			g.waits = append(g.waits, f.waited())
			g.asa += f.waited()
			if in {
				g.in++
			}
		case f.promised():
			g.promised++
			if f.reached() {
				g.reached++
			}
			if f.kept() {
				g.kept++
			}
		case f.overflowed():
			g.overflowed++
		default:
			g.abandoned++
			if in {
				g.abandonedIn++
			}
			if f.judged() <= c.x.short {
				g.short++
			}
		}
	}
	if n := time.Duration(g.answered); n > 0 {
		g.asa /= n
	}
	if n := time.Duration(g.handled); n > 0 {
		g.talk, g.wrap = g.talk/n, g.wrap/n
	}
	g.unserved = g.abandoned - g.short + g.overflowed + g.promised - g.kept
	g.callers = len(served)
	lost := map[string]bool{} // each number
	for _, f := range c.truth.fates {
		if !served[f.number] && (f.overflowed() || f.promised() || f.abandoned() && f.judged() > c.x.short) {
			lost[f.number] = true
		}
	}
	g.lostCallers = len(lost)
	slices.Sort(g.waits)
	return g
}

// rank is the wait that a share of those answered did not exceed (nearest rank).
func (g *sums) rank(p float64) time.Duration {
	return g.waits[max(int(math.Ceil(p*float64(len(g.waits)))), 1)-1]
}

// counts compares the contacts behind each count.
func (c *reportCheck) counts(began time.Time) {
	c.t.Helper()
	g := c.sums()
	for _, x := range []struct {
		of   kpi.Count
		want int
	}{
		{kpi.Offered, g.offered}, {kpi.CAnswered, g.answered}, {kpi.CAnsweredIn, g.in}, {kpi.CAbandoned, g.abandoned},
		{kpi.CAbandonedIn, g.abandonedIn}, {kpi.CShort, g.short}, {kpi.CLost, g.abandoned - g.short}, {kpi.CWaiting, 0}, {kpi.COverflowed, g.overflowed},
		{kpi.CPromised, g.promised}, {kpi.CReached, g.kept}, {kpi.CRestarted, 0}, {kpi.CRepeated, g.repeated}, {kpi.CHandled, g.handled},
		{kpi.CJudged, g.answered + g.abandoned - g.short}, {kpi.CUnserved, g.unserved},
	} {
		c.count("contacts "+string(x.of), float64(c.behind(x.of, began).All), x.want)
	}
}

// report reads one report.
func (c *reportCheck) report(what, more string) tables {
	c.t.Helper()
	var r api.Report
	c.w.json("reports?what="+what+"&"+c.days+more, &r)
	return tables{c.t, r}
}

// tables finds cells in a report.
type tables struct {
	t *testing.T
	api.Report
}

func (r tables) table(id string) *api.DataTable {
	r.t.Helper()
	for i := range r.Tables {
		if r.Tables[i].ID == id {
			return &r.Tables[i]
		}
	}
	r.t.Fatalf("the report %s has no table %s", r.What, id)
	return nil
}

// value is the number in a column of a row.
func (r tables) value(table, column string, row int) float64 {
	r.t.Helper()
	x := r.table(table)
	i := slices.IndexFunc(x.Columns, func(c api.DataColumn) bool { return c.ID == column })
	if i < 0 || row >= len(x.Rows) || x.Rows[row].Cells[i].Value == nil {
		r.t.Errorf("the table %s has no number %s in row %d of %d: %+v", table, column, row, len(x.Rows), x.Rows)
		return math.NaN()
	}
	return *x.Rows[row].Cells[i].Value
}

// queue compares the report by queue.
func (c *reportCheck) queue() {
	c.t.Helper()
	g, r := c.sums(), c.report("queue", "")
	if n := len(r.table("queue").Rows); n != 1 {
		c.t.Fatalf("%d queues in the report", n)
	}
	counted := g.answered + g.abandoned - g.short
	for _, x := range []struct {
		table, column string
		want          int
	}{
		{"queue", "offered", g.offered}, {"queue", "answered", g.answered}, {"queue", "lost", g.abandoned - g.short},
		{"callers", "callers", g.callers}, {"callers", "lostCallers", g.lostCallers}, {"callers", "repeated", g.repeated},
		{"callers", "overflowed", g.overflowed}, {"callers", "promised", g.promised}, {"callers", "reached", g.kept}, {"callers", "restarted", 0},
	} {
		c.count("queue report, "+x.column, r.value(x.table, x.column, 0), x.want)
	}
	for _, x := range []struct {
		table, column string
		good, all     int
	}{
		{"queue", "level", g.in, counted}, {"queue", "abandonRate", g.abandoned - g.short, counted},
		{"levels", "level.shortRemoved", g.in, counted}, {"levels", "level.icmi", g.in + g.abandonedIn, g.answered + g.abandoned},
		{"levels", "level.answeredOnly", g.in, g.answered}, {"levels", "level.strict", g.in, g.answered + g.abandoned},
		{"levels", "level.earlyIgnored", g.in, g.answered + g.abandoned - g.abandonedIn},
		{"levels", "level.shortForgiven", g.in + g.short, g.answered + g.abandoned},
		{"callers", "repeatRate", g.repeated, g.offered},
		{"waits", "abandonRate", g.abandoned - g.short, counted}, {"waits", "abandonRateAll", g.abandoned, g.answered + g.abandoned},
	} {
		c.share("queue report, "+x.column, r.value(x.table, x.column, 0), x.good, x.all)
	}
	for _, x := range []struct {
		kind, table, column string
		want                time.Duration
	}{
		{"wait", "queue", "asa", g.asa}, {"wait", "queue", "longest", g.longest}, {"other time", "levels", "threshold", c.x.threshold},
		{"wait", "waits", "p50", g.rank(0.5)}, {"wait", "waits", "p90", g.rank(0.9)}, {"wait", "waits", "p99", g.rank(0.99)},
	} {
		c.length(x.kind, "queue report, "+x.column, r.value(x.table, x.column, 0), x.want)
	}
}

// others compares what the other reports say of the same callers.
func (c *reportCheck) others(began time.Time) {
	c.t.Helper()
	g := c.sums()
	counted := g.answered + g.abandoned - g.short
	day := c.report("day", "")
	five := map[string]float64{}
	for _, x := range day.Five {
		if x.Cell.Value != nil {
			five[x.ID] = *x.Cell.Value
		}
	}
	if day.From == day.To && began.Day() == time.Now().Day() { // it is of one day
		c.count("day sheet, offered", five["offered"], g.offered)
		c.count("day sheet, lost callers", five["lostCallers"], g.lostCallers)
		c.share("day sheet, level", five["level"], g.in, counted)
		c.share("day sheet, abandon rate", five["abandonRate"], g.abandoned-g.short, counted)
		c.length("wait", "day sheet, asa", five["asa"], g.asa)
	}
	c.count("rows of who was not served", float64(len(c.report("unserved", "").table("unserved").Rows)), g.unserved)

	quarters := map[int64]int{}
	for _, f := range c.truth.fates {
		quarters[f.began.Unix()/900]++
	}
	r := c.report("interval", "&step=15&queue=group-1")
	for i, row := range r.table("interval").Rows {
		if !row.Sum {
			k := row.Cells[0].At.Unix() / 900
			c.count("interval "+row.Cells[0].Text+", offered", r.value("interval", "offered", i), quarters[k])
			delete(quarters, k)
		}
	}
	if len(quarters) > 0 {
		c.t.Errorf("intervals without a row: %v", quarters)
	}
	lines := c.report("lines", "")
	over := map[string]int{"Operatore VoIP": c.truth.closed}
	for _, f := range c.truth.fates {
		over[map[string]string{"": "Operatore VoIP", "line-1": "Linea 1", "line-2": "Linea 2", "line-3": "ISDN"}[f.line]]++
	}
	for i, row := range lines.table("lines").Rows {
		if row.Sum {
			c.count("all lines, in", lines.value("lines", "in", i), len(c.truth.fates)+c.truth.closed)
			c.count("all lines, out", lines.value("lines", "out", i), c.truth.out)
			continue
		}
		if row.Cells[0].Text == "Operatore VoIP" {
			c.count("Operatore VoIP, out", lines.value("lines", "out", i), c.truth.out)
		}
		c.count(row.Cells[0].Text+", in", lines.value("lines", "in", i), over[row.Cells[0].Text])
	}
}

// files compares what is given as files: the table of queues as CSV, and the queue_log.
func (c *reportCheck) files() {
	c.t.Helper()
	g := c.sums()
	a := c.w.get("/reports/file?what=queue&as=csv&table=queue&comma=semicolon&bom=no&" + c.days)
	in := csv.NewReader(strings.NewReader(a.body))
	in.Comma = ';'
	rows, err := in.ReadAll()
	if err != nil || a.status != http.StatusOK || len(rows) != 2 || len(rows[1]) < 9 {
		c.t.Fatalf("CSV: %d %v %q", a.status, err, a.body)
	}
	number := func(i int) float64 {
		n, err := strconv.ParseFloat(strings.Replace(rows[1][i], ",", ".", 1), 64)
		if err != nil {
			c.t.Errorf("CSV: %q is no number: %v", rows[1][i], err)
		}
		return n
	}
	for i, want := range []int{g.offered, g.answered, g.abandoned - g.short} {
		c.count("CSV, "+rows[0][i+1], number(i+1), want)
	}
	for i, want := range map[int]time.Duration{6: g.asa, 7: g.longest} { // whole seconds
		if c.compared++; math.Abs(number(i)-want.Seconds()) > 0.5+timeOff.Seconds() {
			c.t.Errorf("CSV, %s: %v, the capture says %v", rows[0][i], rows[1][i], want)
		}
	}
	a = c.w.get("/reports/queuelog?" + c.days)
	for event, want := range map[string]int{"ENTERQUEUE": g.offered + g.reached, "CONNECT": g.handled, "COMPLETEAGENT": g.byAgent, "COMPLETECALLER": g.handled - g.byAgent,
		"ABANDON": g.abandoned, "EXITWITHTIMEOUT": g.overflowed, "EXITWITHKEY": g.promised} {
		c.count("queue_log, "+event, float64(strings.Count(a.body, "|"+event+"|")), want)
	}
	if c.compared++; strings.Count(a.body, "|agent|") != 2*g.handled {
		c.t.Errorf("the queue_log tells agents apart, which nobody has agreed to:\n%s", a.body)
	}
}

// people compares what agents did. Before anything is on record the reports say nothing
// of it; once the manager has declared that nobody is employed they say it of each.
func (c *reportCheck) people(o *reportOffice) {
	c.t.Helper()
	c.compared++
	r := c.report("queue", "").table("queue")
	for i, col := range r.Columns {
		if slices.Contains([]string{"talk", "aht", "acw", "occupancy"}, col.ID) && r.Rows[0].Cells[i].Value != nil {
			c.t.Errorf("the report of queues shows %s of today before anything is on record", col.ID)
		}
	}
	c.count("people shown before anything is on record", float64(len(c.report("people", "").table("people").Rows)), 0)
	c.count("teams shown before anything is on record, of today", float64(len(c.report("team", "").table("team").Rows)), 0)
	if a := c.w.post("/office/privacy", url.Values{"kind": {"noEmployees"}, "date": {time.Now().AddDate(0, 0, -2).Format(time.DateOnly)}}); a.status != http.StatusOK {
		c.t.Fatalf("the declaration ends with %d:\n%s", a.status, a.body)
	}
	g := c.sums()
	last := time.Now()
	for _, f := range c.truth.fates {
		if at := f.ended.Add(f.wrapped); at.After(last) {
			last = at
		}
	}
	wait(c.t.Context(), time.Until(last)+time.Second) // the last wrap-ups go on
	told := c.report("queue", "")
	c.length("talk", "queue report, talk", told.value("queue", "talk", 0), g.talk)
	c.length("other time", "queue report, wrap-up", told.value("queue", "acw", 0), g.wrap)
	c.length("talk", "queue report, handling time", told.value("queue", "aht", 0), g.talk+g.wrap)

	calls, talk, wrap := map[string]int{}, map[string]time.Duration{}, map[string]time.Duration{}
	for _, f := range c.truth.fates {
		if f.handled() {
			calls[f.agent]++
			talk[f.agent] += f.talked()
			wrap[f.agent] += f.wrapped
		}
	}
	of := c.report("people", "")
	seen := 0
	for i, row := range of.table("people").Rows {
		name := row.Cells[0].Text
		if !slices.ContainsFunc(o.desks, func(d *desk) bool { return d.name == name }) {
			continue
		}
		seen++
		c.count(name+", calls", of.value("people", "handled", i), calls[name])
		if n := time.Duration(calls[name]); n > 0 {
			c.length("other time", name+", wrap-up", of.value("people", "acw", i), wrap[name]/n)
			c.length("talk", name+", handling time", of.value("people", "aht", i), (talk[name]+wrap[name])/n)
		}
		c.length("talk", name+", talk in all", of.value("people", "talkTime", i), talk[name])
	}
	c.count("agents in the report", float64(seen), len(o.desks))
}
