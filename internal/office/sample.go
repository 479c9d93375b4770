package office

import (
	"fmt"
	"strconv"
	"time"

	"centralino/internal/journal"
)

// SampleOptions shape the sample office.
type SampleOptions struct {
	AlwaysOpen bool      // the opening hours are overridden to open
	Now        time.Time // the override lasts for ten years from here
}

// SampleOffice is a document with the names and secrets that it refers to. The
// secrets are fresh each time.
type SampleOffice struct {
	Doc     *Document
	Names   map[journal.SubjectID]string
	Secrets map[SecretRef]string
}

// samplePeople are the people of the sample office, on extensions from 201 on.
var samplePeople = []struct {
	id, name, phone string
	role            Role
	agent           bool
}{
	{"p-sample-anna", "Anna Rossi", "Telefono Anna", RoleLeader, true},
	{"p-sample-bruno", "Bruno Bianchi", "Telefono Bruno", RoleOperator, true},
	{"p-sample-carla", "Carla Verdi", "Telefono Carla", RoleOperator, true},
	{"p-sample-dario", "Dario Neri", "Telefono Dario", RoleManager, false},
}

// Sample returns the sample office: a site in Milan, four people with phones on
// 201 to 204, the queue "Assistenza" on 600 and a ring group on 601, a menu,
// opening hours, two analog lines and an ISDN line with their own numbers. A call
// from outside is greeted and hears the menu: 1 is the queue, 2 administration,
// and who presses nothing gets the queue.
func Sample(o SampleOptions) SampleOffice {
	s := SampleOffice{Names: map[journal.SubjectID]string{}, Secrets: map[SecretRef]string{}}
	hours := Schedule{ID: "schedule-1", Name: "Orario di ufficio", Holidays: true}
	for day := time.Monday; day <= time.Friday; day++ {
		hours.Week[day] = []Span{{9 * 60, 13 * 60}, {14 * 60, 18 * 60}}
	}
	if o.AlwaysOpen {
		hours.Override = &Override{State: Open, Until: o.Now.AddDate(10, 0, 0).UTC().Truncate(time.Second)}
	}
	d := &Document{
		Schema: documentSchema,
		Site: Site{
			Name: "Ufficio di prova", Country: "IT", AreaCode: "02", TimeZone: "Europe/Rome", Language: "it",
			PatronDay: "12-07", ACDNotice: true,
		},
		Lines: []Line{
			{ID: "line-1", Name: "Linea 1", Kind: LineAnalog, Port: "sim:1", Dialect: "auto", Channels: 1, RingsBeforeAnswer: 2, Emergency: true, Path: "path-main"},
			{ID: "line-2", Name: "Linea 2", Kind: LineAnalog, Port: "sim:2", Dialect: "auto", Channels: 1, RingsBeforeAnswer: 2, Emergency: true, Path: "path-main"},
			{ID: "line-3", Name: "ISDN", Kind: LineISDN, Port: "sim:3", Dialect: "auto", Channels: 1, RingsBeforeAnswer: 1, Emergency: true, Path: "path-main"},
		},
		Numbers: []Number{
			{ID: "number-1", Number: "+390212345671", Line: "line-1", Path: "path-main"},
			{ID: "number-2", Number: "+390212345672", Line: "line-2", Path: "path-main"},
			{ID: "number-3", Number: "+390212345673", Line: "line-3", Path: "path-main"},
		},
		Schedules: []Schedule{hours},
		Menus: []Menu{{
			ID: "menu-1", Name: "Menu principale", Prompt: "prompt-menu", Timeout: 5 * time.Second, Tries: 3,
			Keys: map[string]ID{"1": "path-queue", "2": "path-admin"}, Else: "path-queue",
		}},
		Prompts: []Prompt{
			{ID: "prompt-greeting", Name: "Benvenuto", Builtin: "greeting"},
			{ID: "prompt-menu", Name: "Menu", Builtin: "menu"},
			{ID: "prompt-closed", Name: "Ufficio chiuso", Builtin: "closed"},
			{ID: "prompt-holiday", Name: "Festivo", Builtin: "holiday"},
			{ID: "prompt-break", Name: "Pausa", Builtin: "break"},
			{ID: "prompt-busy", Name: "Operatori occupati", Builtin: "agents-busy"},
		},
		Paths:    samplePaths(),
		Outbound: Outbound{Default: []ID{"line-3", "line-2", "line-1"}},
		Profiles: []Profile{{ID: "profile-1", Name: "Normale", Allow: []NumberClass{
			ClassEmergency, ClassNational, ClassMobile, ClassFreephone, ClassService,
		}}},
		Skills:   []Skill{{ID: "skill-1", Name: "Inglese"}},
		Reasons:  sampleReasons(),
		Outcomes: sampleOutcomes(),
	}
	s.Doc = d
	queue := Group{ID: "group-1", Name: "Assistenza", Mode: GroupQueue, Queue: newQueue()}
	queue.Queue.WrapUp, queue.Queue.MaxWait, queue.Queue.JoinEmpty = 5*time.Second, 10*time.Minute, true
	admin := Group{ID: "group-2", Name: "Amministrazione", Mode: GroupRing}
	for i, p := range samplePeople {
		person := journal.SubjectID(p.id)
		s.Names[person] = p.name
		d.People = append(d.People, Person{ID: person, Role: p.role, Profile: "profile-1"})
		if p.agent {
			queue.Members = append(queue.Members, person)
		} else {
			admin.Members = append(admin.Members, person)
		}
		s.phone(i+1, strconv.Itoa(201+i), p.phone, person, NewSecret())
	}
	d.Groups = []Group{queue, admin}
	d.Extensions = append(d.Extensions,
		Extension{ID: "extension-5", Digits: "600", Target: Target{TargetGroup, "group-1"}},
		Extension{ID: "extension-6", Digits: "601", Target: Target{TargetGroup, "group-2"}},
	)
	return s
}

func sampleReasons() []PauseReason {
	return []PauseReason{
		{ID: "reason-1", Name: "Pranzo", Digit: "1"},
		{ID: "reason-2", Name: "Pausa dallo schermo", Digit: "2", Break: true},
		{ID: "reason-3", Name: "Altro lavoro", Digit: "3", Work: true},
	}
}

func sampleOutcomes() []Outcome {
	return []Outcome{
		{ID: "outcome-1", Name: "Risolto", Digit: "1", Next: OutcomeClosed},
		{ID: "outcome-2", Name: "Da richiamare", Digit: "2", Next: OutcomeCallBack, After: 1},
		{ID: "outcome-3", Name: "Da fare", Digit: "3", Next: OutcomeTask},
		{ID: "outcome-4", Name: "Non interessato", Digit: "4", Next: OutcomeClosed},
	}
}

func samplePaths() []Path {
	return []Path{
		{ID: "path-main", Name: "Principale", Steps: []Step{
			{Kind: StepHours, Schedule: "schedule-1", On: map[DayState]ID{Break: "path-break", Closed: "path-closed", Holiday: "path-holiday"}},
			{Kind: StepMessage, Prompt: "prompt-greeting"},
			{Kind: StepMenu, Menu: "menu-1"},
		}},
		{ID: "path-queue", Name: "Assistenza", Steps: []Step{
			{Kind: StepGroup, Group: "group-1"}, {Kind: StepEnd, Prompt: "prompt-busy"},
		}},
		{ID: "path-admin", Name: "Amministrazione", Steps: []Step{
			{Kind: StepGroup, Group: "group-2", Ring: 30 * time.Second}, {Kind: StepGoto, Path: "path-queue"},
		}},
		{ID: "path-closed", Name: "Chiuso", Steps: []Step{{Kind: StepEnd, Prompt: "prompt-closed"}}},
		{ID: "path-holiday", Name: "Festivo", Steps: []Step{{Kind: StepEnd, Prompt: "prompt-holiday"}}},
		{ID: "path-break", Name: "Pausa", Steps: []Step{{Kind: StepEnd, Prompt: "prompt-break"}}},
	}
}

// phone adds a phone with an extension of the same digits to a person.
func (s *SampleOffice) phone(n int, digits, name string, owner journal.SubjectID, secret string) {
	ref := SecretRef("secret-sample-" + digits)
	s.Secrets[ref] = secret
	s.Doc.Devices = append(s.Doc.Devices, Device{
		ID: ID(fmt.Sprintf("device-%d", n)), Name: name, Owner: owner, Username: digits, Secret: ref, Algorithm: "MD5",
	})
	s.Doc.Extensions = append(s.Doc.Extensions, Extension{
		ID: ID(fmt.Sprintf("extension-%d", n)), Digits: digits, Target: Target{TargetPerson, string(owner)},
	})
}

// SamplePerf returns the office of the performance kit: extensions 1000 to 1999
// with account of the same name and password "pw" and number, and the queue 6000
// with agents 1500 to 1509. Its passwords are known to everybody: for measuring
// only.
func SamplePerf() SampleOffice {
	s := SampleOffice{Names: map[journal.SubjectID]string{}, Secrets: map[SecretRef]string{}}
	s.Doc = &Document{
		Schema:   documentSchema,
		Site:     Site{Name: "Misure", Country: "IT", AreaCode: "02", TimeZone: "Europe/Rome", Language: "it"},
		Profiles: []Profile{{ID: "profile-1", Name: "Interni", Allow: []NumberClass{ClassEmergency}}},
	}
	queue := Group{ID: "group-1", Name: "6000", Mode: GroupQueue, Queue: &QueueRules{Strategy: LongestIdle, RingTime: 20 * time.Second}}
	for n := 1000; n < 2000; n++ {
		digits := strconv.Itoa(n)
		person := journal.SubjectID("p-perf-" + digits)
		s.Names[person] = digits
		s.Doc.People = append(s.Doc.People, Person{ID: person, Role: RoleOperator, Profile: "profile-1"})
		s.phone(n, digits, digits, person, "pw"+digits)
		if n >= 1500 && n < 1510 {
			queue.Members = append(queue.Members, person)
		}
	}
	s.Doc.Groups = []Group{queue}
	s.Doc.Extensions = append(s.Doc.Extensions, Extension{ID: "extension-6000", Digits: "6000", Target: Target{TargetGroup, "group-1"}})
	return s
}
