package call

import (
	"strings"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// survey is where a caller stands in the questions after the conversation.
type survey struct {
	of      *office.Survey
	queue   office.ID
	n       int // the question, from 0
	tries   int // times it was said
	playing int
	by      string // who has ended the conversation
}

// surveyTries is how often a question is said that gets no answer.
const surveyTries = 2

// beginSurvey asks the customer the queue's questions after the agent has hung up. It
// reports whether there are any: then the call goes on. Who was called back takes the
// place of the caller in it.
func (s *State) beginSurvey(cause Cause) bool {
	c, by := s.caller(), "called"
	back := s.origin.offer != 0
	if back {
		c, by = s.partner, "caller"
	}
	if s.phase != Talking || cause != CauseNormal || s.queue.served == "" || !back && s.dir != journal.Inbound || !c.up() || c.state == legHeld {
		return false
	}
	of := s.doc.SurveyByID(s.rules(s.queue.served).Survey)
	if of == nil || len(of.Questions) == 0 || s.doc.PromptByID(of.Questions[0]) == nil {
		return false
	}
	s.survey = survey{of: of, queue: s.queue.served, by: by}
	s.stopTalk()
	s.first, s.partner, s.path = c, nil, nil
	if back {
		s.person = "" // he hears the office's language, not that of the agent who began the call
	}
	s.phase = Surveying
	clear(s.timers)
	s.ask(of.Intro)
	return true
}

// ask says the present question, after what there is to say first.
func (s *State) ask(first ...office.ID) {
	v := &s.survey
	var row []Sound
	for _, id := range append(first, v.of.Questions[v.n]) {
		if p, ok := s.prompt(id); ok {
			row = append(row, p)
		}
	}
	if len(row) == 0 { // the question is no more
		s.nextQuestion()
		return
	}
	v.tries++
	s.playID++
	v.playing = s.playID
	s.do(Play{Leg: s.caller().id, ID: s.playID, What: row[0], Then: row[1:]})
}

func (s *State) surveyHeard(id int) {
	if id == s.survey.playing {
		s.survey.playing = 0
		s.arm(timerKeys, s.now.Add(keyWait))
	}
}

// surveyKey takes an answer, also while the question is said.
func (s *State) surveyKey(key byte) {
	v := &s.survey
	s.disarm(timerKeys)
	if strings.IndexByte(v.of.Keys, key) < 0 {
		s.surveyTimeout()
		return
	}
	s.log(journal.SurveyAnswered{Call: journal.CallID(s.contact), Queue: string(v.queue), Survey: string(v.of.ID), Question: v.n + 1, Answer: string(key)})
	s.nextQuestion()
}

// surveyTimeout says the question once more, or leaves it.
func (s *State) surveyTimeout() {
	if s.survey.tries < surveyTries {
		s.ask()
		return
	}
	s.nextQuestion()
}

func (s *State) nextQuestion() {
	v := &s.survey
	v.n, v.tries, v.playing = v.n+1, 0, 0
	if v.n < len(v.of.Questions) {
		s.ask()
		return
	}
	thanks, ok := s.prompt(v.of.Thanks)
	if !ok {
		s.end(CauseNormal, v.by)
		return
	}
	s.sayLast(thanks, CauseNormal, v.by)
}
