package office

import (
	"strconv"
	"time"
)

// What a report shows, and when a webhook speaks.
var (
	reportKinds   = []string{"day", "queue", "outcome", "unserved", "lines"}
	reportDays    = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	webhookEvents = []string{"ringing", "answered", "ended", "outcome"}
)

// Weekday returns the name that a Report's Days have for a day.
func Weekday(d time.Weekday) string { return reportDays[(int(d)+6)%7] }

// objectName is the name that a manager gives to an object.
func objectName[T any](at func(*T) *string) accessor[T] {
	return word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleManager, Example: true}, at)
}

func skillTable() rows {
	type T = Skill
	return &table[T]{
		kind: KindSkill, list: func(d *Document) *[]T { return &d.Skills }, id: func(o *T) string { return string(o.ID) },
		make:   func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{objectName(func(o *T) *string { return &o.Name })},
	}
}

func reasonTable() rows {
	type T = PauseReason
	return &table[T]{
		kind: KindReason, list: func(d *Document) *[]T { return &d.Reasons }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			objectName(func(o *T) *string { return &o.Name }),
			word(Field{Name: "digit", Type: TypeText, Max: 1, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Digit }),
			toggle(Field{Name: "break", Role: RoleManager}, func(o *T) *bool { return &o.Break }),
			toggle(Field{Name: "work", Role: RoleManager}, func(o *T) *bool { return &o.Work }),
		},
	}
}

func outcomeTable() rows {
	type T = Outcome
	next := []string{string(OutcomeClosed), string(OutcomeCallBack), string(OutcomeTask)}
	return &table[T]{
		kind: KindOutcome, list: func(d *Document) *[]T { return &d.Outcomes }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			objectName(func(o *T) *string { return &o.Name }),
			word(Field{Name: "digit", Type: TypeText, Max: 1, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Digit }),
			word(Field{Name: "next", Type: TypeChoice, Choices: next, Default: string(OutcomeClosed), Required: true, Role: RoleManager}, func(o *T) *OutcomeNext { return &o.Next }),
			number(Field{Name: "after", Max: 365, Role: RoleManager}, func(o *T) *int { return &o.After }),
		},
	}
}

func scriptTable() rows {
	type T = Script
	return &table[T]{
		kind: KindScript, list: func(d *Document) *[]T { return &d.Scripts }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			objectName(func(o *T) *string { return &o.Name }),
			word(Field{Name: "text", Type: TypeLong, Max: 20000, Role: RoleManager}, func(o *T) *string { return &o.Text }),
		},
	}
}

func surveyTable() rows {
	type T = Survey
	return &table[T]{
		kind: KindSurvey, list: func(d *Document) *[]T { return &d.Surveys }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			objectName(func(o *T) *string { return &o.Name }),
			word(Field{Name: "intro", Type: TypeRef, Refs: []Kind{KindPrompt}, Role: RoleManager}, func(o *T) *ID { return &o.Intro }),
			words(Field{Name: "questions", Type: TypeRefs, Refs: []Kind{KindPrompt}, Required: true, Role: RoleManager}, func(o *T) *[]ID { return &o.Questions }),
			word(Field{Name: "keys", Type: TypeText, Min: 1, Max: 10, Default: "12345", Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Keys }),
			word(Field{Name: "thanks", Type: TypeRef, Refs: []Kind{KindPrompt}, Role: RoleManager}, func(o *T) *ID { return &o.Thanks }),
		},
	}
}

func webhookTable() rows {
	type T = Webhook
	return &table[T]{
		kind: KindWebhook, list: func(d *Document) *[]T { return &d.Webhooks }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.Name }),
			word(Field{Name: "url", Type: TypeText, Max: 500, Required: true, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.URL }),
			word(Field{Name: "secret", Type: TypeSecret, Max: 80, Role: RoleTechnician}, func(o *T) *SecretRef { return &o.Secret }),
			words(Field{Name: "events", Type: TypeChoices, Choices: webhookEvents, Default: "ringing answered ended outcome", Role: RoleTechnician}, func(o *T) *[]string { return &o.Events }),
			toggle(Field{Name: "off", Role: RoleTechnician}, func(o *T) *bool { return &o.Off }),
		},
	}
}

func reportTable() rows {
	type T = Report
	return &table[T]{
		kind: KindReport, list: func(d *Document) *[]T { return &d.Reports }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			objectName(func(o *T) *string { return &o.Name }),
			word(Field{Name: "what", Type: TypeChoice, Choices: reportKinds, Default: "day", Required: true, Role: RoleManager}, func(o *T) *string { return &o.What }),
			words(Field{Name: "days", Type: TypeChoices, Choices: reportDays, Default: "mon tue wed thu fri", Role: RoleManager}, func(o *T) *[]string { return &o.Days }),
			parsed(Field{Name: "at", Type: TypeTime, Default: "18:30", Required: true, Role: RoleManager, Example: true}, func(o *T) *int { return &o.At }, formatTime, parseTime),
			words(Field{Name: "to", Type: TypeText, Max: 1000, Required: true, Role: RoleManager, Example: true}, func(o *T) *[]string { return &o.To }),
		},
	}
}

func mailTable() rows {
	type T = Mail
	return &table[T]{kind: KindMail, one: func(d *Document) *T { return &d.Mail }, fields: []accessor[T]{
		word(Field{Name: "server", Type: TypeText, Max: 255, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.Server }),
		word(Field{Name: "user", Type: TypeText, Max: 120, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.User }),
		word(Field{Name: "secret", Type: TypeSecret, Max: 80, Role: RoleTechnician}, func(o *T) *SecretRef { return &o.Secret }),
		word(Field{Name: "from", Type: TypeText, Max: 120, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.From }),
		word(Field{Name: "tls", Type: TypeChoice, Choices: []string{"", "starttls", "tls", "none"}, Role: RoleTechnician, Expert: true}, func(o *T) *string { return &o.TLS }),
	}}
}

// formatTime writes minutes since midnight as "18:30"; what is no time of the day
// as it is.
func formatTime(m int) string {
	if m < 0 || m >= 24*60 {
		return strconv.Itoa(m)
	}
	return formatMinute(m)
}

func parseTime(text string) (int, *fault) {
	m, ok := parseMinute(text)
	if !ok || m == 24*60 {
		return 0, &fault{ProblemTime, map[string]string{"value": text}}
	}
	return m, nil
}

// formatLevels writes one "skill=level" a line, sorted by skill.
func formatLevels(m map[ID]int) string {
	text := make(map[ID]string, len(m))
	for k, n := range m {
		text[k] = strconv.Itoa(n)
	}
	return formatMap(text)
}

// maxLevel is the highest level of a skill.
const maxLevel = 9

func parseLevels(text string) (map[ID]int, *fault) {
	pairs, bad := parseMap[ID, string](text)
	if bad != nil || pairs == nil {
		return nil, bad
	}
	out := make(map[ID]int, len(pairs))
	for _, k := range sortedKeys(pairs) {
		n, err := strconv.Atoi(pairs[k])
		if err != nil || n < 1 || n > maxLevel {
			return nil, &fault{ProblemLevel, map[string]string{"value": pairs[k]}}
		}
		out[k] = n
	}
	return out, nil
}
