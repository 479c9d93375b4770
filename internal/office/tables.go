package office

import (
	"strconv"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
)

var (
	dayStates = []string{string(Open), string(Break), string(Closed), string(Holiday)}

	languages = []string{"it", "en"}

	// classes are the classes of number in the order of pages.
	classes = []NumberClass{
		ClassEmergency, ClassNational, ClassMobile, ClassFreephone, ClassShared,
		ClassInternational, ClassPremium, ClassService,
	}

	// targetKinds says what an extension may reach.
	targetKinds = map[TargetKind]Kind{
		TargetPerson: KindPerson, TargetGroup: KindGroup, TargetPath: KindPath, TargetDevice: KindDevice,
	}
)

// Classes returns the classes of number in the order of pages.
func Classes() []NumberClass { return append([]NumberClass(nil), classes...) }

// Features returns the features that have a code, in the order of pages.
func Features() []Feature {
	return []Feature{FeatureLogin, FeatureLogout, FeaturePause, FeatureReady, FeatureMore, FeatureOutcome, FeatureBreak, FeatureEcho, FeatureStatus}
}

// tables are the kinds of object in the order of pages and differences.
var tables = kindTables(
	siteTable(), lineTable(), numberTable(), personTable(), extensionTable(), deviceTable(), groupTable(),
	scheduleTable(), menuTable(), promptTable(), pathTable(), outboundTable(), profileTable(), skillTable(), reasonTable(),
	outcomeTable(), scriptTable(), surveyTable(), webhookTable(), reportTable(), mailTable(), codesTable(),
)

func kindTables(list ...rows) []kindTable {
	out := make([]kindTable, len(list))
	for i, t := range list {
		out[i] = kindTable{t}
	}
	return out
}

func siteTable() rows {
	type T = Site
	return &table[T]{kind: KindSite, one: func(d *Document) *T { return &d.Site }, fields: []accessor[T]{
		word(Field{Name: "name", Type: TypeText, Min: 1, Max: 80, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Name }),
		word(Field{Name: "country", Type: TypeChoice, Choices: []string{"IT"}, Default: "IT", Required: true, Role: RoleTechnician}, func(o *T) *string { return &o.Country }),
		word(Field{Name: "areaCode", Type: TypeText, Min: 2, Max: 4, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.AreaCode }),
		word(Field{Name: "timeZone", Type: TypeText, Min: 1, Max: 64, Default: "Europe/Rome", Required: true, Role: RoleTechnician, Example: true, Expert: true}, func(o *T) *string { return &o.TimeZone }),
		word(Field{Name: "language", Type: TypeChoice, Choices: languages, Default: "it", Required: true, Role: RoleManager}, func(o *T) *string { return &o.Language }),
		word(Field{Name: "patronDay", Type: TypeText, Min: 5, Max: 5, Role: RoleManager, Example: true}, func(o *T) *string { return &o.PatronDay }),
		word(Field{Name: "workCountry", Type: TypeChoice, Choices: append([]string{""}, countries...), Role: RoleManager}, func(o *T) *string { return &o.WorkCountry }),
		toggle(Field{Name: "acdNotice", Default: "true", Role: RoleManager}, func(o *T) *bool { return &o.ACDNotice }),
		minutes(Field{Name: "breakEvery", Max: 480, Role: RoleManager, Expert: true}, func(o *T) *time.Duration { return &o.BreakEvery }),
		minutes(Field{Name: "breakFor", Max: 120, Role: RoleManager, Expert: true}, func(o *T) *time.Duration { return &o.BreakFor }),
	}}
}

func lineTable() rows {
	type T = Line
	kinds := []string{string(LineAnalog), string(LineISDN), string(LineMobile), string(LineTrunk)}
	kind := word(Field{Name: "kind", Type: TypeChoice, Choices: kinds, Unbuilt: []string{string(LineMobile)}, Default: string(LineAnalog), Required: true, Fixed: true, Role: RoleTechnician}, func(o *T) *LineKind { return &o.Kind })
	setKind := kind.set
	kind.set = func(o *T, text string) *fault {
		bad := setKind(o, text)
		switch {
		case o.Kind != LineTrunk:
			o.Trunk = nil
		case o.Trunk == nil:
			o.Trunk = &Trunk{Transport: "udp", Register: true, Expires: 10 * time.Minute, NumberFormat: "e164"}
		}
		return bad
	}
	sip := func(at func(*Trunk) *string) func(*T) *string {
		return func(o *T) *string {
			if o.Trunk == nil {
				return nil
			}
			return at(o.Trunk)
		}
	}
	return &table[T]{
		kind: KindLine, list: func(d *Document) *[]T { return &d.Lines }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.Name }),
			kind,
			toggle(Field{Name: "disabled", Role: RoleTechnician}, func(o *T) *bool { return &o.Disabled }),
			word(Field{Name: "port", Type: TypeText, Max: 120, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.Port }),
			word(Field{Name: "dialect", Type: TypeChoice, Choices: []string{"", "auto", "generic", "cx930xx", "usr5637", "ttyi"}, Default: "auto", Role: RoleTechnician, Expert: true}, func(o *T) *string { return &o.Dialect }),
			number(Field{Name: "channels", Min: 1, Max: 120, Default: "1", Required: true, Role: RoleTechnician}, func(o *T) *int { return &o.Channels }),
			number(Field{Name: "rings", Min: 0, Max: 10, Default: "2", Role: RoleTechnician}, func(o *T) *int { return &o.RingsBeforeAnswer }),
			toggle(Field{Name: "emergency", Default: "true", Role: RoleTechnician}, func(o *T) *bool { return &o.Emergency }),
			word(Field{Name: "path", Type: TypeRef, Refs: []Kind{KindPath}, Role: RoleManager}, func(o *T) *ID { return &o.Path }),
			word(Field{Name: "trunk.server", Type: TypeText, Max: 255, Role: RoleTechnician, Example: true}, sip(func(t *Trunk) *string { return &t.Server })),
			word(Field{Name: "trunk.domain", Type: TypeText, Max: 255, Role: RoleTechnician, Expert: true}, sip(func(t *Trunk) *string { return &t.Domain })),
			word(Field{Name: "trunk.user", Type: TypeText, Max: 80, Role: RoleTechnician, Example: true}, sip(func(t *Trunk) *string { return &t.User })),
			word(Field{Name: "trunk.authUser", Type: TypeText, Max: 80, Role: RoleTechnician, Expert: true}, sip(func(t *Trunk) *string { return &t.AuthUser })),
			word(Field{Name: "trunk.secret", Type: TypeSecret, Max: 40, Role: RoleTechnician}, func(o *T) *SecretRef {
				if o.Trunk == nil {
					return nil
				}
				return &o.Trunk.Secret
			}),
			word(Field{Name: "trunk.transport", Type: TypeChoice, Choices: []string{"udp", "tcp"}, Role: RoleTechnician, Expert: true}, sip(func(t *Trunk) *string { return &t.Transport })),
			toggle(Field{Name: "trunk.register", Role: RoleTechnician}, func(o *T) *bool {
				if o.Trunk == nil {
					return nil
				}
				return &o.Trunk.Register
			}),
			duration(Field{Name: "trunk.expires", Min: 60, Max: 86400, Role: RoleTechnician, Expert: true}, func(o *T) *time.Duration {
				if o.Trunk == nil {
					return nil
				}
				return &o.Trunk.Expires
			}),
			word(Field{Name: "trunk.numberFormat", Type: TypeChoice, Choices: []string{"e164", "00", "national"}, Role: RoleTechnician, Expert: true}, sip(func(t *Trunk) *string { return &t.NumberFormat })),
		},
	}
}

func numberTable() rows {
	type T = Number
	return &table[T]{
		kind: KindNumber, list: func(d *Document) *[]T { return &d.Numbers }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "number", Type: TypePhone, Required: true, Role: RoleTechnician, Example: true}, func(o *T) *numbering.E164 { return &o.Number }),
			word(Field{Name: "line", Type: TypeRef, Refs: []Kind{KindLine}, Required: true, Role: RoleTechnician}, func(o *T) *ID { return &o.Line }),
			word(Field{Name: "path", Type: TypeRef, Refs: []Kind{KindPath}, Required: true, Role: RoleManager}, func(o *T) *ID { return &o.Path }),
		},
	}
}

func personTable() rows {
	type T = Person
	roles := []string{string(RoleTechnician), string(RoleManager), string(RoleLeader), string(RoleOperator)}
	return &table[T]{
		kind: KindPerson, list: func(d *Document) *[]T { return &d.People }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: journal.SubjectID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "language", Type: TypeChoice, Choices: append([]string{""}, languages...), Role: RoleManager}, func(o *T) *string { return &o.Language }),
			word(Field{Name: "role", Type: TypeChoice, Choices: roles, Default: string(RoleOperator), Required: true, Role: RoleTechnician}, func(o *T) *Role { return &o.Role }),
			word(Field{Name: "profile", Type: TypeRef, Refs: []Kind{KindProfile}, Role: RoleManager}, func(o *T) *ID { return &o.Profile }),
			word(Field{Name: "country", Type: TypeChoice, Choices: append([]string{""}, countries...), Role: RoleManager, Expert: true}, func(o *T) *string { return &o.Country }),
			parsed(Field{Name: "skills", Type: TypeLevels, Refs: []Kind{KindSkill}, Role: RoleLeader, Example: true}, func(o *T) *map[ID]int { return &o.Skills }, formatLevels, parseLevels),
		},
	}
}

func extensionTable() rows {
	type T = Extension
	return &table[T]{
		kind: KindExtension, list: func(d *Document) *[]T { return &d.Extensions }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "digits", Type: TypeText, Min: 2, Max: 5, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Digits }),
			parsed(Field{Name: "target", Type: TypeTarget, Refs: []Kind{KindPerson, KindGroup, KindPath, KindDevice}, Required: true, Role: RoleManager}, func(o *T) *Target { return &o.Target }, formatTarget, parseTarget),
		},
	}
}

func deviceTable() rows {
	type T = Device
	return &table[T]{
		kind: KindDevice, list: func(d *Document) *[]T { return &d.Devices }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Name }),
			word(Field{Name: "owner", Type: TypeRef, Refs: []Kind{KindPerson}, Role: RoleManager}, func(o *T) *journal.SubjectID { return &o.Owner }),
			word(Field{Name: "username", Type: TypeText, Min: 1, Max: 32, Required: true, Role: RoleTechnician, Example: true, Expert: true}, func(o *T) *string { return &o.Username }),
			word(Field{Name: "secret", Type: TypeSecret, Max: 40, Required: true, Role: RoleTechnician}, func(o *T) *SecretRef { return &o.Secret }),
			word(Field{Name: "algorithm", Type: TypeChoice, Choices: []string{"MD5", "SHA-256"}, Default: "MD5", Required: true, Role: RoleTechnician, Expert: true}, func(o *T) *string { return &o.Algorithm }),
			toggle(Field{Name: "disabled", Role: RoleManager}, func(o *T) *bool { return &o.Disabled }),
		},
	}
}

func scheduleTable() rows {
	type T = Schedule
	fields := []accessor[T]{
		word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Name }),
	}
	for _, day := range []time.Weekday{1, 2, 3, 4, 5, 6, 0} {
		fields = append(fields, parsed(Field{Name: "week." + strconv.Itoa(int(day)), Type: TypeHours, Role: RoleManager, Example: day == 1},
			func(o *T) *[]Span { return &o.Week[day] }, formatSpans, parseSpans))
	}
	fields = append(fields,
		toggle(Field{Name: "holidays", Default: "true", Role: RoleManager}, func(o *T) *bool { return &o.Holidays }),
		parsed(Field{Name: "exceptions", Type: TypeDates, Max: 20000, Role: RoleManager, Example: true}, func(o *T) *[]Exception { return &o.Exceptions }, formatExceptions, parseExceptions),
		parsed(Field{Name: "override", Type: TypeOverride, Role: RoleLeader, Example: true}, func(o *T) **Override { return &o.Override }, formatOverride, parseOverride),
	)
	return &table[T]{
		kind: KindSchedule, list: func(d *Document) *[]T { return &d.Schedules }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} }, fields: fields,
	}
}

func menuTable() rows {
	type T = Menu
	return &table[T]{
		kind: KindMenu, list: func(d *Document) *[]T { return &d.Menus }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Name }),
			word(Field{Name: "prompt", Type: TypeRef, Refs: []Kind{KindPrompt}, Required: true, Role: RoleManager}, func(o *T) *ID { return &o.Prompt }),
			parsed(Field{Name: "keys", Type: TypeKeys, Refs: []Kind{KindPath}, Role: RoleManager, Example: true}, func(o *T) *map[string]ID { return &o.Keys }, formatMap[string, ID], parseMap[string, ID]),
			duration(Field{Name: "timeout", Min: 1, Max: 60, Default: "5", Role: RoleManager}, func(o *T) *time.Duration { return &o.Timeout }),
			number(Field{Name: "tries", Min: 1, Max: 9, Default: "3", Role: RoleManager}, func(o *T) *int { return &o.Tries }),
			word(Field{Name: "else", Type: TypeRef, Refs: []Kind{KindPath}, Role: RoleManager}, func(o *T) *ID { return &o.Else }),
		},
	}
}

func promptTable() rows {
	type T = Prompt
	return &table[T]{
		kind: KindPrompt, list: func(d *Document) *[]T { return &d.Prompts }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Name }),
			word(Field{Name: "builtin", Type: TypeText, Max: 40, Role: RoleManager}, func(o *T) *string { return &o.Builtin }),
			parsed(Field{Name: "texts", Type: TypeTexts, Max: 4000, Role: RoleManager, Example: true}, func(o *T) *map[string]string { return &o.Texts }, formatMap[string, string], parseMap[string, string]),
			parsed(Field{Name: "audio", Type: TypeTexts, Max: 500, Fixed: true, Role: RoleManager, Expert: true}, func(o *T) *map[string]string { return &o.Audio }, formatMap[string, string], parseMap[string, string]),
		},
	}
}

func pathTable() rows {
	type T = Path
	return &table[T]{
		kind: KindPath, list: func(d *Document) *[]T { return &d.Paths }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Name }),
			parsed(Field{Name: "steps", Type: TypeSteps, Max: 8000, Default: "end", Required: true, Role: RoleManager, Example: true}, func(o *T) *[]Step { return &o.Steps }, formatSteps, parseSteps),
		},
	}
}

func outboundTable() rows {
	type T = Outbound
	fields := []accessor[T]{
		word(Field{Name: "prefix", Type: TypeText, Max: 2, Role: RoleTechnician, Example: true}, func(o *T) *string { return &o.Prefix }),
		words(Field{Name: "default", Type: TypeRefs, Refs: []Kind{KindLine}, Role: RoleTechnician}, func(o *T) *[]ID { return &o.Default }),
	}
	for _, class := range classes {
		fields = append(fields, accessor[T]{
			Field{Name: "classes." + string(class), Type: TypeRefs, Refs: []Kind{KindLine}, Role: RoleTechnician, Expert: true},
			func(o *T) string { return joinWords(o.Classes[class]) },
			func(o *T, text string) *fault {
				c := o.clone().Classes
				if c == nil {
					c = map[NumberClass][]ID{}
				}
				c[class] = splitWords[ID](text)
				if len(c[class]) == 0 {
					delete(c, class)
				}
				if len(c) == 0 {
					c = nil
				}
				o.Classes = c
				return nil
			}})
	}
	return &table[T]{kind: KindOutbound, one: func(d *Document) *T { return &d.Outbound }, fields: fields}
}

func profileTable() rows {
	type T = Profile
	choices := make([]string, len(classes))
	for i, c := range classes {
		choices[i] = string(c)
	}
	return &table[T]{
		kind: KindProfile, list: func(d *Document) *[]T { return &d.Profiles }, id: func(o *T) string { return string(o.ID) },
		make: func(id string) T { return T{ID: ID(id)} },
		fields: []accessor[T]{
			word(Field{Name: "name", Type: TypeText, Min: 1, Max: 60, Required: true, Role: RoleManager, Example: true}, func(o *T) *string { return &o.Name }),
			words(Field{Name: "allow", Type: TypeChoices, Choices: choices, Default: "emergency national mobile freephone service", Role: RoleManager}, func(o *T) *[]NumberClass { return &o.Allow }),
		},
	}
}

func codesTable() rows {
	type T = Document
	var fields []accessor[T]
	for _, f := range Features() {
		fields = append(fields, entry(Field{Name: string(f), Type: TypeText, Min: 2, Max: 6, Role: RoleTechnician, Example: true},
			func(o *T) *map[Feature]string { return &o.Codes }, f))
	}
	return &table[T]{kind: KindCodes, one: func(d *Document) *T { return d }, fields: fields}
}
