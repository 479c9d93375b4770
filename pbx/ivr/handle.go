package ivr

import (
	"strconv"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// Handle takes an event at an instant. An event that does not fit the state (a
// late timer, the end of an old prompt, a key outside a menu) changes nothing.
func (s State) Handle(e Event, now time.Time) (State, []Action) {
	if s.phase == over {
		return s, nil
	}
	r := run{State: s, now: now}
	switch e := e.(type) {
	case Started:
		if r.phase == waiting {
			r.enter(r.path)
		}
	case PlayDone:
		if e.ID == r.ids {
			r.played()
		}
	case Digit:
		r.digit(e.Digit)
	case Timeout:
		if r.phase == collecting && e.ID == r.ids {
			r.again("no-key")
		}
	case GroupUnanswered:
		r.unanswered(ringingGroup, "ivr.groupUnanswered", e.Reason)
	case QueueLeft:
		r.unanswered(queued, "ivr.queueLeft", e.Reason)
	case CallbackDeclined:
		r.unanswered(offeringCallback, "ivr.callbackDeclined", e.Reason)
	case PersonUnanswered:
		r.unanswered(ringingPerson, "ivr.personUnanswered", e.Reason)
	case Connected, HungUp:
		r.phase = over
	}
	return r.State, r.acts
}

// run is one Handle: the state being changed and the actions so far.
type run struct {
	State
	now  time.Time
	acts []Action
}

func (r *run) do(a ...Action) { r.acts = append(r.acts, a...) }

// explain adds a reason; args are key, value pairs.
func (r *run) explain(rule string, object string, args ...string) {
	t := journal.TraceStep{Rule: rule, Object: object}
	if len(args) > 1 {
		t.Args = make(map[string]string, len(args)/2)
		for i := 0; i+1 < len(args); i += 2 {
			t.Args[args[i]] = args[i+1]
		}
	}
	r.do(Explain{t})
}

func (r *run) note(step, key string) {
	r.do(Note{journal.CallStep{Path: string(r.path), Step: step, Key: key}})
}

// enter goes on at the first step of a path.
func (r *run) enter(path office.ID) {
	p := r.doc.PathByID(path)
	if p == nil {
		r.explain("ivr.missingPath", string(path))
		r.everybody()
		return
	}
	r.path, r.step, r.tries = path, 0, 0
	r.walk()
}

// next goes on after the present step.
func (r *run) next() {
	r.step++
	r.tries = 0
	r.walk()
}

// walk takes steps until one has to wait for something.
func (r *run) walk() {
	for {
		p := r.doc.PathByID(r.path)
		if p == nil || r.step >= len(p.Steps) {
			r.explain("ivr.pathEnd", string(r.path))
			r.lastWords(EndPath, "agents-busy")
			return
		}
		if r.steps++; r.steps > MaxSteps {
			r.explain("ivr.tooLong", string(r.path))
			r.lastWords(EndTooLong, "agents-busy")
			return
		}
		if r.take(p.Steps[r.step]) {
			return
		}
	}
}

// take performs a step and reports whether the call now waits in it; otherwise
// r.path and r.step say where to go on.
func (r *run) take(st office.Step) bool {
	switch st.Kind {
	case office.StepHours:
		return r.hours(st)
	case office.StepMessage:
		r.note("message", "")
		if r.say(st.Prompt) {
			r.phase = saying
			return true
		}
	case office.StepMenu:
		if r.doc.MenuByID(st.Menu) != nil {
			r.note("menu", "")
			r.sayMenu()
			return true
		}
		r.explain("ivr.missingMenu", string(st.Menu))
	case office.StepGroup:
		return r.group(st)
	case office.StepPerson:
		if r.doc.PersonByID(st.Person) != nil {
			r.note("person", "")
			r.phase = ringingPerson
			r.do(RingPerson{Person: st.Person, For: orTime(st.Ring, RingTime)})
			return true
		}
		r.explain("ivr.missingPerson", string(st.Person))
	case office.StepCallback:
		if g := r.doc.GroupByID(st.Group); g != nil && g.Mode == office.GroupQueue {
			r.note("callback", "")
			r.phase = offeringCallback
			r.do(OfferCallback{Group: g.ID})
			return true
		}
		r.explain("ivr.missingGroup", string(st.Group))
	case office.StepGoto:
		return r.jump(st.Path)
	case office.StepEnd:
		r.note("end", "")
		r.ended = EndStep
		if st.Prompt != "" && r.say(st.Prompt) {
			r.phase = closing
			return true
		}
		r.finish()
		return true
	default:
		r.explain("ivr.unknownStep", string(r.path))
	}
	r.step++
	return false
}

// hours branches by the opening hours; a state without a path goes on, and so
// does a schedule that is missing: then the office counts as open.
func (r *run) hours(st office.Step) bool {
	s := r.doc.ScheduleByID(st.Schedule)
	if s == nil {
		r.explain("ivr.missingSchedule", string(st.Schedule))
		r.step++
		return false
	}
	state, _ := office.StateAt(*s, r.doc.Site, r.now)
	r.note("hours", "")
	r.explain("ivr.hours."+string(state), string(s.ID))
	if to := st.On[state]; to != "" {
		return r.jump(to)
	}
	r.step++
	return false
}

// jump sets path and step to the beginning of another path, or passes on where
// that is missing.
func (r *run) jump(to office.ID) bool {
	if r.doc.PathByID(to) == nil {
		r.explain("ivr.missingPath", string(to))
		r.step++
		return false
	}
	r.path, r.step, r.tries = to, 0, 0
	return false
}

// group hands the call to a queue or rings a group.
func (r *run) group(st office.Step) bool {
	g := r.doc.GroupByID(st.Group)
	switch {
	case g == nil:
		r.explain("ivr.missingGroup", string(st.Group))
	case g.Mode == office.GroupQueue:
		r.note("queue", "")
		music := StartMusic{}
		if g.Queue != nil {
			if p := r.doc.PromptByID(g.Queue.Music); p != nil {
				music.Prompt, music.Audio = p.ID, p.Audio[r.doc.Site.Language]
			}
		}
		r.phase = queued
		r.do(music, EnterQueue{Group: g.ID})
		return true
	case len(g.Members) == 0:
		r.explain("ivr.emptyGroup", string(g.ID))
	default:
		r.note("group", "")
		r.phase = ringingGroup
		r.do(RingGroup{Group: g.ID, Members: g.Members, For: orTime(st.Ring, RingTime)})
		return true
	}
	r.step++
	return false
}

// say plays a prompt of the office and reports whether there is one.
func (r *run) say(prompt office.ID) bool {
	p := r.doc.PromptByID(prompt)
	if p == nil {
		r.explain("ivr.missingPrompt", string(prompt))
		return false
	}
	r.ids++
	lang := r.doc.Site.Language
	play := Play{ID: r.ids, Prompt: p.ID, Audio: p.Audio[lang], Language: lang}
	if play.Audio == "" {
		play.Builtin = p.Builtin
	}
	r.do(play)
	return true
}

// sayBuiltin plays a sentence of the box itself.
func (r *run) sayBuiltin(name string) {
	r.ids++
	r.do(Play{ID: r.ids, Builtin: name, Language: r.doc.Site.Language})
}

// played goes on after a prompt.
func (r *run) played() {
	switch r.phase {
	case saying:
		r.next()
	case hinting:
		r.sayMenu()
	case menuSaying:
		r.collect()
	case closing:
		r.finish()
	}
}

// sayMenu says the present menu once more; without its prompt keys are simply
// awaited.
func (r *run) sayMenu() {
	m := r.menu()
	if m == nil {
		r.next()
		return
	}
	r.tries++
	r.phase = menuSaying
	if !r.say(m.Prompt) {
		r.collect()
	}
}

func (r *run) collect() {
	m := r.menu()
	r.ids++
	r.phase = collecting
	r.do(Collect{ID: r.ids, For: orTime(m.Timeout, MenuTimeout)})
}

// menu is the menu of the present step; nil only outside of one.
func (r *run) menu() *office.Menu {
	p := r.doc.PathByID(r.path)
	if p == nil || r.step >= len(p.Steps) {
		return nil
	}
	return r.doc.MenuByID(p.Steps[r.step].Menu)
}

// digit takes a key. It counts while a menu is said, while its hint is said and
// after it; elsewhere keys mean nothing.
func (r *run) digit(key byte) {
	if r.phase != menuSaying && r.phase != collecting && r.phase != hinting {
		return
	}
	if strings.IndexByte("0123456789*#ABCD", key) < 0 {
		return
	}
	m := r.menu()
	if m == nil {
		return
	}
	if r.phase != collecting {
		r.do(StopPlay{})
	}
	r.note("menu", string(key))
	to, ok := m.Keys[string(key)]
	if !ok || r.doc.PathByID(to) == nil {
		if ok {
			r.explain("ivr.missingPath", string(to))
		}
		r.again("wrong-key")
		return
	}
	r.steps = 0
	r.explain("ivr.key", string(m.ID), "key", string(key))
	r.enter(to)
}

// again says a hint and the menu once more, or leaves the menu after its last
// try: to its Else path, or to the next step.
func (r *run) again(hint string) {
	m := r.menu()
	tries := m.Tries
	if tries <= 0 {
		tries = MenuTries
	}
	if r.tries < tries {
		r.phase = hinting
		r.sayBuiltin(hint)
		return
	}
	r.explain("ivr.menuGivenUp", string(m.ID), "tries", strconv.Itoa(r.tries))
	if m.Else != "" && r.doc.PathByID(m.Else) != nil {
		r.enter(m.Else)
		return
	}
	if m.Else != "" {
		r.explain("ivr.missingPath", string(m.Else))
	}
	r.next()
}

// unanswered goes on after a group, queue or person, if the call is there.
func (r *run) unanswered(in phase, rule, reason string) {
	switch r.phase {
	case in:
		r.explain(rule, string(r.path), "reason", reason)
		r.next()
	case ringingAll:
		if in == ringingGroup {
			r.lastWords(EndNoAnswer, "agents-busy")
		}
	}
}

// everybody is the safe default of a call without a path: whoever is there.
func (r *run) everybody() {
	var all []journal.SubjectID
	for _, p := range r.doc.People {
		all = append(all, p.ID)
	}
	if len(all) == 0 {
		r.lastWords(EndNoAnswer, "agents-busy")
		return
	}
	r.explain("ivr.everybody", "")
	r.note("group", "")
	r.phase = ringingAll
	r.do(RingGroup{Members: all, For: RingTime})
}

// lastWords says a sentence of the box and hangs up.
func (r *run) lastWords(reason, builtin string) {
	r.ended = reason
	r.phase = closing
	r.sayBuiltin(builtin)
}

func (r *run) finish() {
	r.phase = over
	r.do(End{Reason: r.ended})
}

func orTime(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
