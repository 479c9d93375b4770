package survey_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"centralino/acd/survey"
	"centralino/internal/journal"
)

// answers folds n answers of each month: "2026-01 11223" means question 1 answered by
// these keys.
func answers(s *survey.State, list ...string) *survey.State {
	for _, l := range list {
		f := strings.Fields(l)
		at, err := time.Parse("2006-01", f[0])
		if err != nil {
			panic(err)
		}
		for q, keys := range f[1:] {
			for _, k := range keys {
				s.Apply(journal.Event{Seq: s.Seq + 1, Time: at, Payload: journal.SurveyAnswered{Call: "c", Queue: "group-1", Survey: "survey-1", Question: q + 1, Answer: string(k)}})
			}
		}
	}
	return s
}

// later is when all months of the tests are over.
var later = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

func TestWhatIsShownOfASurvey(t *testing.T) {
	ten := strings.Repeat("5", 10)
	for _, c := range []struct {
		name  string
		given []string
		want  string // "from..to n" per period, newest first; "+" if something is hidden
	}{
		{"nine answers are not shown", []string{"2026-01 555555555"}, "+"},
		{"ten are", []string{"2026-01 " + ten}, "2026-01..2026-01 10 "},
		{"months are put together until there are ten", []string{"2026-01 55555", "2026-03 5555", "2026-04 5"}, "2026-01..2026-04 10 "},
		{"what is over is hidden, not added", []string{"2026-01 " + ten, "2026-02 11"}, "2026-01..2026-01 10 +"},
		{"each month that has enough stands alone", []string{"2026-01 " + ten, "2026-02 " + ten + "1"}, "2026-02..2026-02 11 2026-01..2026-01 10 "},
		{"each question needs ten", []string{"2026-01 " + ten + " 111", "2026-02 " + ten + " 1111111"}, "2026-01..2026-02 20 "},
		{"nothing at all", nil, ""},
	} {
		got := ""
		for _, r := range answers(survey.New(), c.given...).Results(later) {
			for _, p := range r.Periods {
				got += fmt.Sprintf("%s..%s %d ", p.From, p.To, p.N)
			}
			if r.Hidden {
				got += "+"
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSharesAndMean(t *testing.T) {
	r := answers(survey.New(), "2026-01 1122255555 ##*5555555").Results(later)[0]
	want := []survey.Question{
		{Number: 1, N: 10, Mean: 3.3, Answers: []survey.Answer{{Key: "1", N: 2, Share: .2}, {Key: "2", N: 3, Share: .3}, {Key: "5", N: 5, Share: .5}}},
		{Number: 2, N: 10, Answers: []survey.Answer{{Key: "#", N: 2, Share: .2}, {Key: "*", N: 1, Share: .1}, {Key: "5", N: 7, Share: .7}}},
	}
	if d := cmp.Diff(want, r.Whole.Questions); d != "" {
		t.Error(d)
	}
}

func TestOddAnswersAreCountedAndNothingElse(t *testing.T) {
	s := survey.New()
	for _, p := range []journal.SurveyAnswered{{Survey: "survey-1", Question: 0, Answer: "1"}, {Survey: "survey-1", Question: 21, Answer: "1"}, {Survey: "survey-1", Question: 1}, {Question: 1, Answer: "1"}, {Survey: "s", Question: 1, Answer: "12"}} {
		if s.Apply(journal.Event{Payload: p}) {
			t.Errorf("%+v counts", p)
		}
	}
	if s.Odd != 5 || len(s.Results(later)) != 0 {
		t.Errorf("odd %d, results %v", s.Odd, s.Results(later))
	}
}

func TestAKeptStateGoesOnTheSame(t *testing.T) {
	s := answers(survey.New(), "2026-01 11223344", "2026-02 5 1")
	b, err := s.Keep()
	if err != nil {
		t.Fatal(err)
	}
	again, err := survey.Resume(b)
	if err != nil {
		t.Fatal(err)
	}
	if again.Apply(journal.Event{Seq: 3, Payload: journal.SurveyAnswered{Survey: "survey-1", Question: 1, Answer: "1"}}) {
		t.Error("an event that was seen counts again")
	}
	if d := cmp.Diff(answers(s, "2026-03 55555555 123456789").Results(later), answers(again, "2026-03 55555555 123456789").Results(later)); d != "" {
		t.Error(d)
	}
	if _, err := survey.Resume([]byte("{")); err == nil {
		t.Error("a broken state was read")
	}
}

// TestWhoeverWatchesSeesNoSingleAnswer: looked at after each answer, what is shown
// changes by ten answers at least, and never within a month.
func TestWhoeverWatchesSeesNoSingleAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := survey.New()
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		shown, month := 0, ""
		for i := range rapid.IntRange(1, 150).Draw(t, "answers") {
			now = now.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)
			s.Apply(journal.Event{Seq: uint64(i + 1), Time: now, Payload: journal.SurveyAnswered{Survey: "s", Question: 1, Answer: "4"}})
			n := s.Results(now)[0].Whole.N
			if n == shown {
				continue
			}
			if m := now.Format("2006-01"); n-shown < survey.Smallest || m == month {
				t.Fatalf("%d answers are shown after %d, the last change was in %s, now is %s", n, shown, month, m)
			} else {
				shown, month = n, m
			}
		}
	})
	r := answers(survey.New(), "2026-01 5555555555", "2026-02 5555555555").Results(time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC))[0]
	if len(r.Periods) != 1 || r.Whole.N != 10 || !r.Hidden {
		t.Errorf("on the last day of February: %+v", r)
	}
}

// TestNobodyIsShownBelowTen: in whatever order answers come, and whatever is
// subtracted from whatever, nothing that is shown rests on fewer than ten.
func TestNobodyIsShownBelowTen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := survey.New()
		total := map[int]int{}
		for i := range rapid.IntRange(0, 120).Draw(t, "answers") {
			q := rapid.IntRange(1, 3).Draw(t, "question")
			at := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), 1, 0, 0, 0, 0, time.UTC)
			s.Apply(journal.Event{Seq: uint64(i + 1), Time: at, Payload: journal.SurveyAnswered{Survey: "s", Question: q, Answer: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "key")}})
			total[q]++
		}
		for _, r := range s.Results(later) {
			sum := map[int]int{}
			for _, p := range r.Periods {
				for _, q := range p.Questions {
					n := 0
					for _, a := range q.Answers {
						n += a.N
					}
					if q.N < survey.Smallest || n != q.N {
						t.Fatalf("%s..%s shows %d answers (%d)", p.From, p.To, q.N, n)
					}
					sum[q.Number] += q.N
				}
			}
			for _, q := range r.Whole.Questions {
				if q.N != sum[q.Number] {
					t.Fatalf("the whole shows %d, its periods %d: the difference gives somebody away", q.N, sum[q.Number])
				}
			}
			if !r.Hidden {
				for q, n := range total {
					if sum[q] != n {
						t.Fatalf("question %d: %d of %d shown, nothing said to be hidden", q, sum[q], n)
					}
				}
			}
		}
	})
}
