// Package survey counts what callers answered by keys after their conversation. It is
// a fold of the journal: the same events always give the same figures, per survey and
// queue and never per person of the office; the events do not even say who talked.
//
// Few answers would give away single callers, and through them who served them. So
// months are put together until each question has ten answers, and what is not yet
// ten is not shown at all, not even as part of a sum. Nor is the month that is not
// over: whoever looked after each call would see what its caller has answered. So
// what is shown changes once a month at most, and by ten answers at least.
//
// Goroutines: none. A State has one writer.
package survey

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"centralino/internal/journal"
)

// Smallest is how many answers a question needs before anything of it is shown.
const Smallest = 10

// StateVersion is the form in which a state is kept; another one is not read.
const StateVersion = 1

// monthForm is how months are written; they sort as text.
const monthForm = "2006-01"

// maxQuestions is how many questions a survey may have.
const maxQuestions = 20

// State is what was answered so far.
type State struct {
	Seq    uint64                                 // last event seen
	Late   []uint64                               `json:",omitempty"` // before it, and did not come yet
	Counts map[string]map[string]map[string]Month // survey -> queue -> month ("2026-11", UTC)
	Odd    int                                    // answers that fit no question or key
}

// Month is the answers of one month: question (from 1) -> key -> how often.
type Month map[int]map[string]int

// New returns the state before the first event.
func New() *State { return &State{Counts: map[string]map[string]map[string]Month{}} }

// Keep writes the state, so that a later start need not read the whole journal.
func (s *State) Keep() ([]byte, error) { return json.Marshal(s) }

// Resume reads a kept state.
func Resume(b []byte) (*State, error) {
	s := New()
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("read kept survey results: %w", err)
	}
	if s.Counts == nil {
		s.Counts = map[string]map[string]map[string]Month{}
	}
	return s, nil
}

// Apply folds one event in; those seen already change nothing. It says whether
// anything changed.
func (s *State) Apply(e journal.Event) bool {
	if !journal.Fresh(e.Seq, &s.Seq, &s.Late) {
		return false
	}
	p, ok := e.Payload.(journal.SurveyAnswered)
	if !ok {
		return false
	}
	if p.Survey == "" || p.Question < 1 || p.Question > maxQuestions || len(p.Answer) != 1 {
		s.Odd++
		return false
	}
	queues := sub(s.Counts, p.Survey)
	months := sub(queues, p.Queue)
	month := e.Time.UTC().Format(monthForm)
	if months[month] == nil {
		months[month] = Month{}
	}
	if months[month][p.Question] == nil {
		months[month][p.Question] = map[string]int{}
	}
	months[month][p.Question][p.Answer]++
	return true
}

// sub returns a map within a map, made if missing.
func sub[V any](m map[string]map[string]V, key string) map[string]V {
	if m[key] == nil {
		m[key] = map[string]V{}
	}
	return m[key]
}

// Result is what may be shown of one survey in one queue.
type Result struct {
	Survey, Queue string
	Whole         Period   // all periods together; N 0: nothing may be shown yet
	Periods       []Period // the newest first
	Hidden        bool     // there are answers that are too few or too new to be shown
}

// Period is some months in a row, both inclusive.
type Period struct {
	From, To  string // "2026-11"
	N         int    // answers to the question that got the most
	Questions []Question
}

// Question is how one question was answered.
type Question struct {
	Number  int
	N       int
	Answers []Answer
	Mean    float64 // of the keys as numbers; 0 where a key is none
}

// Answer is how often one key was pressed.
type Answer struct {
	Key   string
	N     int
	Share float64 // 0 to 1
}

// Results returns what may be shown at an instant, by survey and queue.
func (s *State) Results(now time.Time) []Result {
	running := now.UTC().Format(monthForm)
	var out []Result
	for _, sv := range slices.Sorted(maps.Keys(s.Counts)) {
		for _, q := range slices.Sorted(maps.Keys(s.Counts[sv])) {
			out = append(out, results(sv, q, s.Counts[sv][q], running))
		}
	}
	return out
}

// results puts together the months before the running one.
func results(sv, queue string, months map[string]Month, running string) Result {
	r := Result{Survey: sv, Queue: queue, Periods: []Period{}}
	whole := Month{}
	group, from := Month{}, ""
	for _, m := range slices.Sorted(maps.Keys(months)) {
		if m >= running {
			r.Hidden = true
			break
		}
		if from == "" {
			from = m
		}
		group.add(months[m])
		if !group.enough() {
			continue
		}
		r.Periods = append(r.Periods, group.period(from, m))
		whole.add(group)
		group, from = Month{}, ""
	}
	r.Hidden = r.Hidden || len(group) > 0
	if n := len(r.Periods); n > 0 {
		r.Whole = whole.period(r.Periods[0].From, r.Periods[n-1].To)
	}
	slices.Reverse(r.Periods)
	return r
}

func (m Month) add(other Month) {
	for q, answers := range other {
		if m[q] == nil {
			m[q] = map[string]int{}
		}
		for k, n := range answers {
			m[q][k] += n
		}
	}
}

// enough says whether every question has answers enough to be shown.
func (m Month) enough() bool {
	for _, answers := range m {
		if total(answers) < Smallest {
			return false
		}
	}
	return len(m) > 0
}

func total(answers map[string]int) int {
	n := 0
	for _, x := range answers {
		n += x
	}
	return n
}

func (m Month) period(from, to string) Period {
	p := Period{From: from, To: to}
	for _, q := range slices.Sorted(maps.Keys(m)) {
		n := total(m[q])
		x := Question{Number: q, N: n}
		sum, numeric := 0.0, true
		for _, k := range slices.Sorted(maps.Keys(m[q])) {
			x.Answers = append(x.Answers, Answer{Key: k, N: m[q][k], Share: float64(m[q][k]) / float64(n)})
			v, err := strconv.Atoi(k)
			numeric = numeric && err == nil
			sum += float64(v * m[q][k])
		}
		if numeric && n > 0 {
			x.Mean = sum / float64(n)
		}
		p.Questions = append(p.Questions, x)
		p.N = max(p.N, n)
	}
	return p
}

// MonthStart is the first instant of a month of a Period, for showing its name.
func MonthStart(month string) time.Time {
	t, err := time.Parse(monthForm, month)
	if err != nil {
		return time.Time{}
	}
	return t
}
