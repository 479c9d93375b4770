package call

import (
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/ivr"
	"centralino/pbx/route"
)

// room is what a caller hears and may press while he waits, beside the music.
//
//	           key                 1                OK
//	music ────────────▶ confirming ──▶ asking ─────────────▶ (call over)
//	  ▲                   │ 2  ▲ #        │ refused
//	  │ nothing pressed   ▼    │          │
//	  ├───────────────── entering         │
//	  └───────────────────────────────────┘
//
// A path's callback step begins with confirming; music then is the path's next
// step.
type room struct {
	phase   roomPhase
	step    bool           // asked by a step of the path, not by the queue's key
	group   office.ID      // whose turn is kept
	playing int            // id of the sentence being said, 0 for none
	number  numbering.E164 // to be confirmed
	typed   string         // of a number so far
	tries   int            // questions that were not answered well
}

type roomPhase string

const (
	roomMusic      roomPhase = ""
	roomConfirming roomPhase = "confirming"
	roomEntering   roomPhase = "entering"
	roomAsking     roomPhase = "asking" // the ACD
)

// roomTries is how often the caller is asked before he is left in peace.
const roomTries = 3

// callbackClasses are the classes of number that a caller may ask to be called back
// at: what he types must not cost the office dear.
var callbackClasses = map[numbering.Class]bool{
	numbering.Class(office.ClassNational): true, numbering.Class(office.ClassMobile): true,
}

// sentence is a sentence of the box.
func (s *State) sentence(name string) Sound { return Sound{Builtin: name, Lang: s.lang()} }

// sentences are several, for the caller.
func (s *State) sentences(names ...[]string) []Sound { return spoken(s.lang(), names...) }

func spoken(lang string, names ...[]string) []Sound {
	var out []Sound
	for _, list := range names {
		for _, n := range list {
			out = append(out, Sound{Builtin: n, Lang: lang})
		}
	}
	return out
}

// prompt is a message of the office; false if there is none of that id.
func (s *State) prompt(id office.ID) (Sound, bool) {
	p := s.doc.PromptByID(id)
	if p == nil {
		return Sound{}, false
	}
	lang := s.lang()
	return Sound{Prompt: p.ID, Audio: p.Audio[lang], Lang: lang}, true
}

// sayInRoom says a row of sentences instead of the music.
func (s *State) sayInRoom(row []Sound) {
	if len(row) == 0 {
		return
	}
	s.playID++
	s.room.playing = s.playID
	s.hear(Play{Leg: s.caller().id, ID: s.playID, What: row[0], Then: row[1:]})
}

// announced tells a waiting caller where he stands. Who is being asked something
// hears nothing else, and neither does who is about to be joined.
func (s *State) announced(e Announced) {
	if !s.inQueue() || s.room.phase != roomMusic || s.room.playing != 0 {
		return
	}
	if e.Periodic {
		if p, ok := s.prompt(s.rules(s.queue.group).Periodic); ok {
			s.sayInRoom([]Sound{p})
		}
		return
	}
	row := s.sentences(ivr.SpokenPosition(e.Position), ivr.SpokenWait(e.Low, e.High))
	s.sayInRoom(append(row, s.callbackHint()...))
}

// callbackHint tells the key by which one is called back; empty where none is.
func (s *State) callbackHint() []Sound {
	key := s.rules(s.queue.group).CallbackKey
	if key == "" {
		return nil
	}
	return s.sentences([]string{"callback-press"}, ivr.SpokenKeys(key))
}

// offerKey tells the key at the start where nothing else will.
func (s *State) offerKey() {
	if q := s.rules(s.queue.group); q.Announce == 0 && q.PeriodicEvery == 0 {
		s.sayInRoom(s.callbackHint())
	}
}

// roomHeard goes on after a sentence.
func (s *State) roomHeard() {
	s.room.playing = 0
	switch s.room.phase {
	case roomMusic, roomAsking:
		s.do(PlayLoop{Leg: s.caller().id, What: s.music(s.queue.group)})
	case roomConfirming:
		s.arm(timerKeys, s.now.Add(keyWait))
	case roomEntering:
		s.arm(timerKeys, s.now.Add(numberWait))
	}
}

// roomKey takes a key of a waiting caller.
func (s *State) roomKey(key byte) {
	if !s.caller().up() {
		return
	}
	switch s.room.phase {
	case roomMusic:
		s.waitingKey(string(key))
	case roomConfirming:
		s.confirmKey(key)
	case roomEntering:
		s.numberKey(key)
	}
}

// waitingKey leads out of the queue or asks for a call back.
func (s *State) waitingKey(key string) {
	if !s.inQueue() {
		return
	}
	q := s.rules(s.queue.group)
	if key == q.CallbackKey {
		s.note("callback", key)
		s.startCallback(room{group: s.queue.group})
		return
	}
	to, ok := q.Exits[key]
	if !ok || s.doc.PathByID(to) == nil {
		return
	}
	s.note("exit", key)
	s.exitQueue()
	s.room = room{}
	s.playID++ // a Played that is on its way counts no more
	s.followPath(to)
}

// offerCallback is the step of a path.
func (s *State) offerCallback(group office.ID) {
	s.startCallback(room{group: group, step: true})
}

// startCallback asks for the number to call back at: the caller's own if it may be
// called, else one that he types.
func (s *State) startCallback(r room) {
	s.room = r
	own := s.request.Caller.Number
	if s.mayCallBack(own) {
		s.confirm(own)
		return
	}
	s.enterNumber(nil)
}

// mayCallBack says whether the office calls such a number back.
func (s *State) mayCallBack(n numbering.E164) bool {
	class, ok := route.Plan(s.doc).ClassOf(n)
	return n != "" && ok && callbackClasses[class]
}

// confirm reads a number aloud and asks whether it is right.
func (s *State) confirm(n numbering.E164) {
	s.room.phase, s.room.number = roomConfirming, n
	plan := route.Plan(s.doc)
	number, _ := plan.Parse(string(n))
	s.sayInRoom(s.sentences([]string{"callback-number"}, ivr.SpokenKeys(plan.Dial(number, numbering.FormNational)), []string{"callback-confirm"}))
}

func (s *State) confirmKey(key byte) {
	s.disarm(timerKeys)
	switch key {
	case '1':
		s.askPromise()
	case '2':
		s.enterNumber(nil)
	case '*':
		s.backToMusic(nil)
	default:
		s.askAgain()
	}
}

// enterNumber asks for a number, after what there is to say first.
func (s *State) enterNumber(first []string) {
	s.room.phase, s.room.typed = roomEntering, ""
	s.sayInRoom(s.sentences(first, []string{"callback-enter"}))
}

// maxTyped bounds what a caller types (E.164: 15 digits, and 00 before them).
const maxTyped = 18

func (s *State) numberKey(key byte) {
	r := &s.room
	switch {
	case key == '#':
		s.numberTyped()
		return
	case key == '*':
		s.enterNumber(nil)
		return
	case key < '0' || key > '9' || len(r.typed) >= maxTyped:
		return
	}
	if r.playing != 0 {
		r.playing = 0
		s.do(StopPlay{Leg: s.caller().id})
	}
	r.typed += string(key)
	s.arm(timerKeys, s.now.Add(numberWait))
}

// numberTyped takes the number that was typed, or asks again.
func (s *State) numberTyped() {
	s.disarm(timerKeys)
	n, err := route.Plan(s.doc).Parse(s.room.typed)
	if err == nil && s.mayCallBack(n.E164) {
		s.confirm(n.E164)
		return
	}
	if s.room.tries++; s.room.tries >= roomTries {
		s.backToMusic([]string{"callback-wrong"})
		return
	}
	s.enterNumber([]string{"callback-wrong"})
}

// askAgain repeats the question, or leaves the caller in peace.
func (s *State) askAgain() {
	if s.room.tries++; s.room.tries >= roomTries {
		s.backToMusic(nil)
		return
	}
	if s.room.phase == roomConfirming {
		s.confirm(s.room.number)
		return
	}
	s.enterNumber(nil)
}

// keysTimeout goes on where a question got no answer in time.
func (s *State) keysTimeout() {
	switch {
	case s.phase == Surveying:
		s.surveyTimeout()
	case s.phase != Following:
	case s.room.phase == roomEntering && s.room.typed != "":
		s.numberTyped()
	case s.room.phase == roomAsking:
		s.callbackTaken(false)
	case s.room.phase != roomMusic:
		s.askAgain()
	}
}

// askPromise asks the ACD.
func (s *State) askPromise() {
	s.room.phase, s.room.playing = roomAsking, 0
	s.do(PlayLoop{Leg: s.caller().id, What: s.music(s.room.group)})
	ask := AskCallback{Number: s.room.number}
	if s.room.step {
		ask.Group = s.room.group
	}
	s.do(ask)
	s.arm(timerKeys, s.now.Add(promiseLimit))
}

// callbackTaken says goodbye to a caller who will be called back; one whose wish
// was refused goes on waiting. A promise that comes late holds all the same; who has
// been joined with an agent meanwhile needs none any more.
func (s *State) callbackTaken(ok bool) {
	asking := s.room.phase == roomAsking
	if s.phase != Following || s.queue.group == "" && !asking || !ok && !asking {
		return
	}
	s.disarm(timerKeys)
	if !ok {
		s.backToMusic([]string{"callback-refused"})
		return
	}
	s.room = room{}
	s.queue = queueState{}
	s.stopOffers(CauseElsewhere)
	s.path = nil
	s.say("callback-promised", CauseCallback, "box")
}

// backToMusic ends the question: the caller waits on, or his path goes on.
func (s *State) backToMusic(first []string) {
	r := s.room
	s.disarm(timerKeys)
	s.room = room{}
	if r.step {
		s.lead(ivr.CallbackDeclined{})
		return
	}
	if len(first) > 0 {
		s.sayInRoom(s.sentences(first))
		return
	}
	s.do(PlayLoop{Leg: s.caller().id, What: s.music(s.queue.group)})
}

// note writes a key that leads out of the music.
func (s *State) note(step, key string) {
	path := ""
	if s.path != nil {
		at, _ := s.path.At()
		path = string(at)
	}
	s.log(journal.CallStep{Path: path, Step: step, Key: key})
}
