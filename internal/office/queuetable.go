package office

import (
	"time"

	"centralino/internal/journal"
)

// countries are those that the box can name to a caller (the operator's country,
// Italian law decree 83/2012 article 24-bis); internal/audio/prompts has a word for
// each.
var countries = []string{
	"IT", "AL", "BG", "CH", "DE", "ES", "FR", "GB", "GR", "HR", "MA", "MD", "ME", "MK", "MT", "PL", "PT", "RO", "RS", "SI", "SM", "TN",
}

// Countries returns the countries that an operator may work in, as ISO 3166-1
// alpha-2 codes, the office's usual one first.
func Countries() []string { return append([]string(nil), countries...) }

var strategies = []string{
	string(LongestIdle), string(LeastOccupied), string(FewestCalls), string(RoundRobin), string(Ordered),
	string(Random), string(RingAll), string(Progressive),
}

// newQueue are the rules of a queue that is being made.
func newQueue() *QueueRules {
	return &QueueRules{
		Strategy: LongestIdle, RingTime: 20 * time.Second, MissesToPause: 2,
		LastAgentOf: 30 * 24 * time.Hour, CallbackTries: 3, CallbackRetry: 10 * time.Minute, WhisperName: true,
		Threshold: 20 * time.Second, Target: 80, ShortAbandon: 5 * time.Second,
	}
}

// ofQueue finds a place in a group's rules; nil for a ring group.
func ofQueue[V any](at func(*QueueRules) *V) func(*Group) *V {
	return func(g *Group) *V {
		if g.Queue == nil {
			return nil
		}
		return at(g.Queue)
	}
}

func groupTable() rows {
	type T = Group
	mode := word(Field{Name: "mode", Type: TypeChoice, Choices: []string{string(GroupRing), string(GroupQueue)}, Default: string(GroupQueue), Required: true, Role: RoleManager}, func(o *T) *GroupMode { return &o.Mode })
	setMode := mode.set
	mode.set = func(o *T, text string) *fault {
		bad := setMode(o, text)
		switch {
		case o.Mode != GroupQueue:
			o.Queue = nil
		case o.Queue == nil:
			o.Queue = newQueue()
		}
		return bad
	}
	fields := []accessor[T]{
		word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Name }),
		mode,
		words(Field{Name: "members", Type: TypeRefs, Refs: []Kind{KindPerson}, Role: RoleLeader}, func(o *T) *[]journal.SubjectID { return &o.Members }),
	}
	for _, part := range [][]accessor[T]{queueChoice(), queueWaiting(), queueHeard(), queueAfter()} {
		fields = append(fields, part...)
	}
	return &table[T]{
		kind: KindGroup, list: func(d *Document) *[]T { return &d.Groups }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} }, fields: fields,
	}
}

// Short ways to write the fields of a queue.

func queueTime(f Field, at func(*QueueRules) *time.Duration) accessor[Group] {
	return duration(queueField(f), ofQueue(at))
}

func queueNumber(f Field, at func(*QueueRules) *int) accessor[Group] {
	return number(queueField(f), ofQueue(at))
}

func queueSwitch(f Field, at func(*QueueRules) *bool) accessor[Group] {
	return toggle(queueField(f), ofQueue(at))
}

func queueRef(f Field, to Kind, at func(*QueueRules) *ID) accessor[Group] {
	f.Type, f.Refs = TypeRef, []Kind{to}
	return word(queueField(f), ofQueue(at))
}

func queueField(f Field) Field {
	f.Name = "queue." + f.Name
	if f.Role == "" {
		f.Role = RoleManager
	}
	return f
}

// queueChoice are the fields that say whom a call is offered to.
func queueChoice() []accessor[Group] {
	return []accessor[Group]{
		word(queueField(Field{Name: "strategy", Type: TypeChoice, Choices: strategies}), ofQueue(func(q *QueueRules) *Strategy { return &q.Strategy })),
		queueTime(Field{Name: "ringTime", Min: 5, Max: 120}, func(q *QueueRules) *time.Duration { return &q.RingTime }),
		queueNumber(Field{Name: "missesToPause", Min: 0, Max: 20}, func(q *QueueRules) *int { return &q.MissesToPause }),
		queueNumber(Field{Name: "step", Max: 50, Expert: true}, func(q *QueueRules) *int { return &q.Step }),
		queueTime(Field{Name: "every", Max: 600, Expert: true}, func(q *QueueRules) *time.Duration { return &q.Every }),
		parsed(queueField(Field{Name: "needs", Type: TypeLevels, Refs: []Kind{KindSkill}, Example: true}), ofQueue(func(q *QueueRules) *map[ID]int { return &q.Needs }), formatLevels, parseLevels),
		parsed(queueField(Field{Name: "rings", Type: TypeRings, Max: 2000, Refs: []Kind{KindSkill, KindGroup}, Example: true, Expert: true}), ofQueue(func(q *QueueRules) *[]Ring { return &q.Rings }), formatRings, parseRings),
		queueTime(Field{Name: "lastAgent", Max: 600, Expert: true}, func(q *QueueRules) *time.Duration { return &q.LastAgent }),
		days(queueField(Field{Name: "lastAgentOf", Max: 366, Expert: true}), ofQueue(func(q *QueueRules) *time.Duration { return &q.LastAgentOf })),
	}
}

// queueWaiting are the fields that say who waits, where in line and how long.
func queueWaiting() []accessor[Group] {
	return []accessor[Group]{
		queueTime(Field{Name: "maxWait", Min: 0, Max: 7200}, func(q *QueueRules) *time.Duration { return &q.MaxWait }),
		queueNumber(Field{Name: "maxLength", Min: 0, Max: 500}, func(q *QueueRules) *int { return &q.MaxLength }),
		queueTime(Field{Name: "maxExpected", Max: 7200, Expert: true}, func(q *QueueRules) *time.Duration { return &q.MaxExpected }),
		queueSwitch(Field{Name: "joinEmpty"}, func(q *QueueRules) *bool { return &q.JoinEmpty }),
		queueSwitch(Field{Name: "leaveEmpty"}, func(q *QueueRules) *bool { return &q.LeaveEmpty }),
		queueTime(Field{Name: "bonus", Max: 3600, Expert: true}, func(q *QueueRules) *time.Duration { return &q.Bonus }),
		queueSwitch(Field{Name: "urgent", Expert: true}, func(q *QueueRules) *bool { return &q.Urgent }),
		queueTime(Field{Name: "redial", Max: 86400, Expert: true}, func(q *QueueRules) *time.Duration { return &q.Redial }),
	}
}

// queueHeard are the fields that say what a waiting caller hears and may press, and
// what the agent hears.
func queueHeard() []accessor[Group] {
	return []accessor[Group]{
		queueRef(Field{Name: "music", Expert: true}, KindPrompt, func(q *QueueRules) *ID { return &q.Music }),
		queueTime(Field{Name: "announce", Max: 3600}, func(q *QueueRules) *time.Duration { return &q.Announce }),
		queueSwitch(Field{Name: "announceFirst", Expert: true}, func(q *QueueRules) *bool { return &q.AnnounceFirst }),
		queueSwitch(Field{Name: "sayPosition"}, func(q *QueueRules) *bool { return &q.SayPosition }),
		queueSwitch(Field{Name: "sayWait"}, func(q *QueueRules) *bool { return &q.SayWait }),
		queueRef(Field{Name: "periodic", Expert: true}, KindPrompt, func(q *QueueRules) *ID { return &q.Periodic }),
		queueTime(Field{Name: "periodicEvery", Max: 3600, Expert: true}, func(q *QueueRules) *time.Duration { return &q.PeriodicEvery }),
		parsed(queueField(Field{Name: "exits", Type: TypeKeys, Refs: []Kind{KindPath}, Example: true, Expert: true}), ofQueue(func(q *QueueRules) *map[string]ID { return &q.Exits }), formatMap[string, ID], parseMap[string, ID]),
		word(queueField(Field{Name: "callbackKey", Type: TypeText, Max: 1, Example: true}), ofQueue(func(q *QueueRules) *string { return &q.CallbackKey })),
		queueNumber(Field{Name: "callbackTries", Max: 10, Expert: true}, func(q *QueueRules) *int { return &q.CallbackTries }),
		queueTime(Field{Name: "callbackRetry", Max: 86400, Expert: true}, func(q *QueueRules) *time.Duration { return &q.CallbackRetry }),
		queueRef(Field{Name: "whisper", Expert: true}, KindPrompt, func(q *QueueRules) *ID { return &q.Whisper }),
		queueSwitch(Field{Name: "whisperName", Expert: true}, func(q *QueueRules) *bool { return &q.WhisperName }),
		queueSwitch(Field{Name: "noNotice", Expert: true}, func(q *QueueRules) *bool { return &q.NoNotice }),
	}
}

// queueAfter are the fields of what follows a call, and of how it is judged.
func queueAfter() []accessor[Group] {
	return []accessor[Group]{
		queueTime(Field{Name: "wrapUp", Min: 0, Max: 1800}, func(q *QueueRules) *time.Duration { return &q.WrapUp }),
		queueTime(Field{Name: "wrapUpMore", Max: 1800, Expert: true}, func(q *QueueRules) *time.Duration { return &q.WrapUpMore }),
		words(queueField(Field{Name: "outcomes", Type: TypeRefs, Refs: []Kind{KindOutcome}}), ofQueue(func(q *QueueRules) *[]ID { return &q.Outcomes })),
		queueSwitch(Field{Name: "mustOutcome", Expert: true}, func(q *QueueRules) *bool { return &q.MustOutcome }),
		queueRef(Field{Name: "script"}, KindScript, func(q *QueueRules) *ID { return &q.Script }),
		queueRef(Field{Name: "survey"}, KindSurvey, func(q *QueueRules) *ID { return &q.Survey }),
		word(queueField(Field{Name: "popURL", Type: TypeText, Max: 500, Example: true, Expert: true}), ofQueue(func(q *QueueRules) *string { return &q.PopURL })),
		queueTime(Field{Name: "threshold", Max: 600, Expert: true}, func(q *QueueRules) *time.Duration { return &q.Threshold }),
		queueNumber(Field{Name: "target", Max: 100, Expert: true}, func(q *QueueRules) *int { return &q.Target }),
		queueTime(Field{Name: "shortAbandon", Max: 60, Expert: true}, func(q *QueueRules) *time.Duration { return &q.ShortAbandon }),
	}
}
