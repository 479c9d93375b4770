package ui

import (
	"cmp"
	"net/http"

	"centralino/acd/survey"
	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/view"
)

// surveysModel are the results of all surveys, per queue. They never tell anything of
// a person of the office: the answers do not say who talked.
func (v *visit) surveysModel() ([]api.SurveyResult, error) {
	if v.s.d.Surveys == nil {
		return nil, errNotFound
	}
	doc := v.doc()
	out := []api.SurveyResult{}
	for _, r := range v.s.d.Surveys() {
		m := api.SurveyResult{Survey: r.Survey, Queue: r.Queue, Hidden: r.Hidden, Periods: []api.SurveyPeriod{}}
		sv := doc.SurveyByID(office.ID(r.Survey))
		if sv != nil {
			m.Survey = sv.Name
		}
		if g := doc.GroupByID(office.ID(r.Queue)); g != nil {
			m.Queue = g.Name
		}
		if r.Whole.N > 0 {
			p := v.surveyPeriod(doc, sv, r.Whole)
			m.Whole = &p
		}
		for _, p := range r.Periods {
			m.Periods = append(m.Periods, v.surveyPeriod(doc, sv, p))
		}
		out = append(out, m)
	}
	return out, nil
}

func (v *visit) surveyPeriod(doc *office.Document, sv *office.Survey, p survey.Period) api.SurveyPeriod {
	m := api.SurveyPeriod{From: p.From, To: p.To, Count: p.N, Word: v.month(p.From), Questions: []api.SurveyQuestion{}}
	if p.To != p.From {
		m.Word += " – " + v.month(p.To)
	}
	for _, q := range p.Questions {
		x := api.SurveyQuestion{Number: q.Number, Count: q.N, Mean: q.Mean, Text: v.surveyQuestion(doc, sv, q.Number), Answers: []api.SurveyAnswer{}}
		for _, a := range q.Answers {
			x.Answers = append(x.Answers, api.SurveyAnswer{Key: a.Key, Count: a.N, Percent: int(a.Share*100 + 0.5)})
		}
		m.Questions = append(m.Questions, x)
	}
	return m
}

// surveyQuestion is what a question of a survey asks, from 1; its number if the survey
// or its recording is there no more.
func (v *visit) surveyQuestion(doc *office.Document, sv *office.Survey, n int) string {
	if sv != nil && n >= 1 && n <= len(sv.Questions) {
		if pr := doc.PromptByID(sv.Questions[n-1]); pr != nil {
			return cmp.Or(pr.Texts[v.p.Lang()], pr.Name)
		}
	}
	return v.p.T("surveys.question", "n", n)
}

// month writes "2026-11" as people write it, in digits: 11/2026.
func (v *visit) month(s string) string {
	t := survey.MonthStart(s)
	if t.IsZero() {
		return s
	}
	return t.Format("01/2006")
}

func (v *visit) surveys() error {
	m, err := v.surveysModel()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "surveys", view.Surveys{Frame: v.frame(v.p.T("surveys.title")), Results: m, Tabs: v.tabs()})
}

func (v *visit) apiSurveys() error {
	m, err := v.surveysModel()
	if err != nil {
		return err
	}
	return v.json(m)
}
