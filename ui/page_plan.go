package ui

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/view"
)

// historyWeeks is how many weeks of the box's own history a plan reads.
const historyWeeks = 8

// Limits of typed figures: what is more than any office has costs nobody a minute
// of computing.
const (
	maxPerHalfHour = 1000
	maxPlanRows    = 48
)

// planAsk is what the form of the plan says.
type planAsk struct {
	queue    string
	weekday  time.Weekday
	typed    string // "9:00 12, 9:30 20" or bare numbers
	handle   time.Duration
	patience time.Duration
	target   kpi.Target
	problems []view.FieldProblem
}

// readPlan reads the form; empty fields take what the office or its history says.
func (v *visit) readPlan(q url.Values) planAsk {
	doc := v.doc()
	a := planAsk{queue: q.Get("queue"), typed: strings.TrimSpace(q.Get("calls")), weekday: v.s.d.Now().In(v.s.zone()).Weekday()}
	if a.queue != "" && doc.GroupByID(office.ID(a.queue)) == nil {
		a.queue = ""
	}
	number := func(name string, min, max, otherwise int) int {
		s := strings.TrimSpace(q.Get(name))
		if s == "" {
			return otherwise
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < min || n > max {
			a.problems = append(a.problems, view.FieldProblem{Field: name, Label: v.p.T("plan." + name), Text: v.p.T("plan.range", "min", min, "max", max)})
			return otherwise
		}
		return n
	}
	rule := report.RulesOf(doc).Of(a.queue)
	a.weekday = time.Weekday(number("weekday", 0, 6, int(a.weekday)))
	a.handle = time.Duration(number("handle", 5, 3600, 0)) * time.Second
	a.patience = time.Duration(number("patience", 5, 3600, 0)) * time.Second
	a.target = kpi.Target{
		Level:     float64(number("level", 1, 99, int(100*rule.Target+0.5))) / 100,
		Threshold: time.Duration(number("threshold", 1, 600, int(rule.Threshold/time.Second))) * time.Second,
		Abandons:  float64(number("abandons", 1, 50, 5)) / 100,
	}
	return a
}

// typedRows reads typed traffic: calls of half hours, each with its time before it
// or alone, between commas, semicolons or line ends.
func (v *visit) typedRows(a *planAsk) []report.NeedRow {
	var out []report.NeedRow
	at := 9 * 60
	for part := range strings.FieldsFuncSeq(a.typed, func(r rune) bool { return strings.ContainsRune(",;\r\n", r) }) {
		f := strings.Fields(part)
		if len(f) == 0 {
			continue
		}
		if len(f) == 2 {
			var h, m int
			if _, err := fmt.Sscanf(f[0], "%d:%d", &h, &m); err != nil || h < 0 || h > 23 || m < 0 || m > 59 {
				f = nil
			} else {
				at, f = h*60+m, f[1:]
			}
		}
		n := 0
		err := strconv.ErrSyntax
		if len(f) == 1 {
			n, err = strconv.Atoi(f[0])
		}
		if err != nil || n < 0 || n > maxPerHalfHour || len(out) == maxPlanRows {
			a.problems = append(a.problems, view.FieldProblem{Field: "calls", Label: v.p.T("plan.calls"), Text: v.p.T("plan.calls.wrong", "max", maxPerHalfHour)})
			return nil
		}
		out = append(out, report.NeedRow{Label: fmt.Sprintf("%02d:%02d", at/60%24, at%60), PerHour: float64(2 * n)})
		at += 30
	}
	return out
}

// planModel reads what is asked for and makes the plan.
func (v *visit) planModel() (api.Plan, planAsk, error) {
	if v.s.d.Reports == nil {
		return api.Plan{}, planAsk{}, errNotFound
	}
	a := v.readPlan(v.r.URL.Query())
	m, err := v.makePlan(&a)
	return m, a, err
}

// makePlan makes the plan that was asked for; what is wrong about typed traffic stands
// in the problems of a afterwards.
func (v *visit) makePlan(a *planAsk) (api.Plan, error) {
	doc, zone := v.doc(), v.s.zone()
	today := kpi.Day(v.s.d.Now(), zone)
	facts, err := v.s.d.Reports.Facts(v.ctx(), kpi.Interval{From: kpi.Day(today.From.AddDate(0, 0, -7*historyWeeks).Add(12*time.Hour), zone).From, To: today.From})
	if err != nil {
		return api.Plan{}, err
	}
	src := report.NewSource(facts, doc, v.s.d.People, v.viewer())
	if src.Membership, err = v.s.members.since(v.ctx(), v.s.d.Office, facts.From); err != nil {
		return api.Plan{}, err
	}
	h := src.HistoryOf(a.queue, a.weekday)
	out := api.Plan{Queue: a.queue, Days: h.Days, Hidden: h.Hidden, Text: []string{}}
	rows := h.Rows()
	if a.typed != "" {
		rows, out.Days = v.typedRows(a), 0
	}
	// Without history, or where it would tell of a few people: the means of small offices
	// in the field.
	a.handle = cmp.Or(a.handle, h.Handle.Round(time.Second), report.UsualHandling)
	a.patience = cmp.Or(a.patience, h.Patience.Round(time.Second), 2*time.Minute)
	a.handle, a.patience = min(a.handle, time.Hour), min(max(a.patience, 5*time.Second), time.Hour)
	out.Handle, out.Patience = a.handle.Seconds(), a.patience.Seconds()
	plan := report.Plan(report.Need{Rows: rows, Handle: a.handle, Patience: a.patience, Target: a.target})
	w := words{p: v.p, doc: doc, zone: zone}
	out.Table = w.table(report.PlanTable(plan))
	for _, s := range report.PlanSentences(plan) {
		out.Text = append(out.Text, w.sentence(s).Text)
	}
	return out, nil
}

func (v *visit) planning() error {
	m, a, err := v.planModel()
	if err != nil {
		return err
	}
	page := view.Plan{Frame: v.frame(v.p.T("plan.title")), Plan: m, Problems: a.problems, Queues: v.queueOptions(a.queue), Calls: a.typed,
		Handle: int(m.Handle), Patience: int(m.Patience), Level: int(100*a.target.Level + 0.5), Threshold: int(a.target.Threshold / time.Second), Abandons: int(100*a.target.Abandons + 0.5)}
	for d := range 7 {
		day := time.Weekday((d + 1) % 7)
		page.Weekdays = append(page.Weekdays, view.Option{Value: strconv.Itoa(int(day)), Label: v.p.Weekday(day), Selected: day == a.weekday})
	}
	status := http.StatusOK
	if len(a.problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return v.show(status, "plan", page)
}

func (v *visit) apiPlan() error {
	m, a, err := v.planModel()
	if err != nil {
		return err
	}
	if len(a.problems) > 0 {
		return errBad
	}
	return v.json(m)
}
