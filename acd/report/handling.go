package report

import (
	"slices"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/privacy"
)

// spent is what people spent on contacts that they handled.
type spent struct {
	talk, wrap time.Duration
	n          int // contacts
}

// mean is the mean handling time: talk, hold and wrap-up; 0 where nothing is known.
func (x *spent) mean() time.Duration { return (x.talk + x.wrap) / time.Duration(max(1, x.n)) }

// handlingColumns tell of handling where the gate is closed.
var handlingColumns = []Column{{"talk", KindTime}, {"aht", KindTime}, {"acw", KindTime}}

// cells writes it into those columns.
func (x *spent) cells() []Cell {
	n := time.Duration(max(1, x.n))
	return []Cell{length(x.talk/n, x.n, nil), length(x.mean(), x.n, nil), length(x.wrap/n, x.n, nil)}
}

// handling is what a queue's contacts (empty: all queues') took of people's time, and
// hidden where something is known that may not be told.
//
// Waits, service levels and who hung up are figures of the queue and told always. How
// long people talk and write afterwards measures these people: in a queue of one it is
// one person's figure, whatever stands above the column, and circular 4/2017 of the
// labour inspectorate counts the mean times of handling among what may not be watched.
// So while the gate is closed it is told like the work of teams (see Teams): of the days
// that are over on which at least five people other than the reader handled contacts of
// the queue, which must be a team by itself. Days and teams that count do so for every
// reader, stretch of days and set of queues in the same way, so that no difference of two
// answers is of fewer people; the sum of all queues is that of the teams that count. The
// times of a single call stay with that call: on its page and in the lists of calls and
// contacts, as on a telephone bill and without anybody's name.
func (s *Source) handling(queue string) (x spent, hidden bool) {
	visits := s.visits(queue)
	if s.open {
		for i := range visits {
			if v := &visits[i]; kpi.CHandled.Has(v, kpi.Rule{}) {
				x.talk, x.wrap, x.n = x.talk+v.Talked, x.wrap+v.Wrap, x.n+1
			}
		}
		return x, false
	}
	some := false
	for _, day := range kpi.Days(s.Facts.From, s.Facts.To, s.zone) {
		in := slices.DeleteFunc(slices.Clone(arrivals(visits, day)), func(v kpi.Visit) bool { return !kpi.CHandled.Has(&v, kpi.Rule{}) })
		some = some || len(in) > 0
		if len(in) == 0 || day.To.After(s.Facts.Now) {
			continue
		}
		for _, team := range s.teams(day) {
			if queue == "" || slices.Equal(team.Groups, []string{queue}) {
				s.spent(&x, team, in, queue)
			}
		}
	}
	return x, some && x.n == 0
}

// spent adds what a team spent on contacts of one day, through the gate. Those of a queue
// count only if nobody else handled any of them.
func (s *Source) spent(x *spent, team privacy.Team, in []kpi.Visit, queue string) {
	talk, wrap, n := map[journal.SubjectID]time.Duration{}, map[journal.SubjectID]time.Duration{}, map[journal.SubjectID]time.Duration{}
	for i := range in {
		v := &in[i]
		switch {
		case slices.Contains(team.People, v.Agent):
			talk[v.Agent] += v.Talked
			wrap[v.Agent] += v.Wrap
			n[v.Agent]++ // nanoseconds
		case queue != "" && v.Agent != s.viewer.Subject:
			return
		}
	}
	sum := func(of map[journal.SubjectID]time.Duration) time.Duration {
		d, _ := s.gate.Sum(s.viewer, []map[journal.SubjectID]time.Duration{of})
		return d
	}
	x.talk, x.wrap, x.n = x.talk+sum(talk), x.wrap+sum(wrap), x.n+int(sum(n))
}
