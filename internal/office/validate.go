package office

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"centralino/internal/numbering"
)

// maxObjects of one kind; the document is held whole in memory and in a page.
const maxObjects = 3000

// maxSteps of one path.
const maxSteps = 50

// Validate checks every invariant of the document and returns what is wrong:
// each field by the schema, every reference, one number space, paths that end,
// and what belongs together. No problem that is not a Warning means that it may
// be applied. It never fails, whatever the document holds.
func Validate(d *Document) []Problem {
	v := &validator{d: d}
	v.plan, _ = numbering.New(d.Site.Country, d.Site.AreaCode) // a usable plan in any case
	v.fields()
	v.identities()
	v.dangling()
	v.site()
	v.linesAndNumbers()
	v.numberSpace()
	v.peopleAndPhones()
	v.schedules()
	v.menusAndPrompts()
	v.queues()
	v.afterCalls()
	v.outside()
	if !v.failed(KindPath) {
		v.graph()
	}
	return v.problems
}

// Blocking returns the problems that keep a document from being applied.
func Blocking(problems []Problem) []Problem {
	var out []Problem
	for _, p := range problems {
		if !p.Warning {
			out = append(out, p)
		}
	}
	return out
}

type validator struct {
	d        *Document
	plan     numbering.Plan
	problems []Problem
}

func (v *validator) add(k Kind, object, field, code string, args ...string) {
	p := Problem{Kind: k, Object: object, Field: field, Code: code}
	for i := 0; i+1 < len(args); i += 2 {
		if p.Args == nil {
			p.Args = map[string]string{}
		}
		p.Args[args[i]] = args[i+1]
	}
	v.problems = append(v.problems, p)
}

func (v *validator) warn(k Kind, object, field, code string, args ...string) {
	v.add(k, object, field, code, args...)
	v.problems[len(v.problems)-1].Warning = true
}

// failed says whether something of a kind is wrong already.
func (v *validator) failed(k Kind) bool {
	return slices.ContainsFunc(v.problems, func(p Problem) bool { return p.Kind == k && !p.Warning })
}

// fields judges each field by the schema; texts of parts that an object does not
// have are empty and pass.
func (v *validator) fields() {
	for _, t := range tables {
		if t.count(v.d) > maxObjects {
			v.add(t.kindOf(), "", "", ProblemMany, "max", strconv.Itoa(maxObjects))
			continue
		}
		for i := range t.count(v.d) {
			t.judge(v, i)
		}
	}
}

// judge checks every field of the i-th object: its form, and that its text means
// the same again.
func (t kindTable) judge(v *validator, i int) {
	o := t.at(v.d, i)
	for f := range t.fieldCount() {
		field, text := t.field(f), t.read(o, f)
		bad := check(*field, text)
		if bad == nil && field.Type.structured() && text != "" {
			scratch := t.copyOf(o)
			if bad = t.write(scratch, f, text); bad == nil && t.read(scratch, f) != text {
				bad = &fault{ProblemControl, nil}
			}
		}
		if bad != nil {
			v.problems = append(v.problems, Problem{Kind: t.kindOf(), Object: t.idAt(v.d, i), Field: field.Name, Code: bad.code, Args: bad.args})
		}
	}
}

// structured are the types whose text form has a grammar.
func (t FieldType) structured() bool {
	return slices.Contains([]FieldType{TypeHours, TypeDates, TypeOverride, TypeKeys, TypeSteps, TypeTexts, TypeTarget, TypeLevels, TypeRings, TypeTime}, t)
}

// identities: every id is an id and names one object of all kinds.
func (v *validator) identities() {
	seen := map[string]bool{}
	for _, t := range tables {
		if t.single() {
			continue
		}
		for _, id := range t.ids(v.d) {
			switch {
			case !validID(id):
				v.add(t.kindOf(), id, "id", ProblemID)
			case seen[id]:
				v.add(t.kindOf(), id, "id", ProblemDuplicate, "value", id)
			}
			seen[id] = true
		}
	}
}

// dangling: every reference points to an object of its kind.
func (v *validator) dangling() {
	have := map[Kind]map[string]bool{}
	for _, t := range tables {
		set := map[string]bool{}
		for _, id := range t.ids(v.d) {
			set[id] = true
		}
		have[t.kindOf()] = set
	}
	v.d.references(func(from Use, to Kind, id string) {
		if !have[to][id] {
			v.add(from.Kind, from.Object, from.Field, ProblemRef, "kind", string(to), "id", id)
		}
	})
}

func (v *validator) site() {
	s := v.d.Site
	if _, err := numbering.New(s.Country, s.AreaCode); err != nil && s.Country != "" {
		v.add(KindSite, "", "country", ProblemCountry, "value", s.Country)
	}
	if s.AreaCode != "" && (!onlyDigits(s.AreaCode) || s.AreaCode[0] != '0') {
		v.add(KindSite, "", "areaCode", ProblemArea, "value", s.AreaCode)
	}
	if _, ok := zone(s.TimeZone); !ok && s.TimeZone != "" {
		v.add(KindSite, "", "timeZone", ProblemZone, "value", s.TimeZone)
	}
	if s.PatronDay != "" {
		// 2000 was a leap year: 29 February is a day.
		if _, err := time.Parse(time.DateOnly, "2000-"+s.PatronDay); err != nil {
			v.add(KindSite, "", "patronDay", ProblemPatron, "value", s.PatronDay)
		}
	}
}

// maxChannels of the kinds of line that have a bound of their own.
var maxChannels = map[LineKind]int{LineAnalog: 1, LineMobile: 1, LineISDN: 30}

func (v *validator) linesAndNumbers() {
	ports := map[string]ID{}
	emergency := false
	for _, l := range v.d.Lines {
		id := string(l.ID)
		if most := maxChannels[l.Kind]; most > 0 && l.Channels > most {
			v.add(KindLine, id, "channels", ProblemChannels, "max", strconv.Itoa(most))
		}
		emergency = emergency || l.Emergency && !l.Disabled
		v.trunk(l)
		switch by := ports[l.Port]; {
		case l.Disabled || l.Kind == LineTrunk:
		case l.Port == "":
			v.warn(KindLine, id, "port", ProblemPort)
		case by != "":
			v.add(KindLine, id, "port", ProblemPortTwice, "value", l.Port, "by", string(by))
		default:
			ports[l.Port] = l.ID
		}
	}
	if !emergency && len(v.d.Lines) > 0 {
		v.warn(KindOutbound, "", "default", ProblemNoEmergency)
	}
	seen := map[numbering.E164]bool{}
	for _, n := range v.d.Numbers {
		if seen[n.Number] && n.Number != "" {
			v.add(KindNumber, string(n.ID), "number", ProblemDuplicate, "value", string(n.Number))
		}
		seen[n.Number] = true
	}
}

func (v *validator) trunk(l Line) {
	id := string(l.ID)
	if (l.Kind == LineTrunk) != (l.Trunk != nil) {
		v.add(KindLine, id, "kind", ProblemTrunk)
	}
	if l.Trunk == nil {
		return
	}
	if !validHost(l.Trunk.Server) {
		v.add(KindLine, id, "trunk.server", ProblemHost, "value", l.Trunk.Server)
	}
	if l.Trunk.Domain != "" && !validHost(l.Trunk.Domain) {
		v.add(KindLine, id, "trunk.domain", ProblemHost, "value", l.Trunk.Domain)
	}
	if l.Trunk.Transport == "" {
		v.add(KindLine, id, "trunk.transport", ProblemRequired)
	}
	if l.Trunk.NumberFormat == "" {
		v.add(KindLine, id, "trunk.numberFormat", ProblemRequired)
	}
	if l.Trunk.User == "" && l.Trunk.Register {
		v.add(KindLine, id, "trunk.user", ProblemRequired)
	}
}

// numberSpace: extensions, codes and reserved numbers neither collide nor hide
// each other; emergency and three-digit service numbers are never given out.
func (v *validator) numberSpace() {
	prefix := v.d.Outbound.Prefix
	if prefix != "" && (!onlyDigits(prefix) || prefix[0] == '1') {
		v.add(KindOutbound, "", "prefix", ProblemPrefixForm, "value", prefix)
	}
	taken := map[string]string{}
	for _, f := range Features() {
		code := v.d.Code(f)
		if by, ok := taken[code]; ok {
			v.add(KindCodes, "", string(f), ProblemTaken, "value", code, "by", by)
		}
		taken[code] = string(f)
		if code[0] != '*' && code[0] != '#' || strings.Trim(code, "0123456789*#") != "" || len(code) < 2 {
			v.add(KindCodes, "", string(f), ProblemCode, "value", code)
		}
	}
	for _, f := range Features() {
		code := v.d.Code(f)
		if r, ok := v.d.withDigit(code); ok && r.Feature != f {
			v.add(KindCodes, "", string(f), ProblemTaken, "value", code, "by", string(r.Feature))
		}
	}
	for _, f := range slices.Sorted(maps.Keys(v.d.Codes)) {
		if StandardCodes[f] == "" {
			v.add(KindCodes, "", string(f), ProblemUnknown)
		}
	}
	for _, e := range v.d.Extensions {
		id := string(e.ID)
		by, twice := taken[e.Digits]
		switch {
		case !onlyDigits(e.Digits):
			v.add(KindExtension, id, "digits", ProblemDigits, "value", e.Digits)
		case twice:
			v.add(KindExtension, id, "digits", ProblemTaken, "value", e.Digits, "by", by)
		case v.plan.IsEmergency(e.Digits) || len(e.Digits) <= 3 && e.Digits[0] == '1':
			v.add(KindExtension, id, "digits", ProblemReserved, "value", e.Digits)
		case prefix != "" && strings.HasPrefix(e.Digits, prefix):
			v.add(KindExtension, id, "digits", ProblemPrefix, "value", e.Digits, "prefix", prefix)
		case prefix == "" && v.public(e.Digits):
			v.warn(KindExtension, id, "digits", ProblemShadows, "value", e.Digits)
		}
		taken[e.Digits] = id
	}
}

// public says whether digits are a short number of the public network.
func (v *validator) public(digits string) bool {
	n, err := v.plan.Parse(digits)
	return err == nil && n.Short != ""
}

func (v *validator) peopleAndPhones() {
	accounts := map[string]bool{}
	for _, p := range v.d.Devices {
		if !validUsername(p.Username) {
			v.add(KindDevice, string(p.ID), "username", ProblemUsername, "value", p.Username)
		}
		if accounts[p.Username] {
			v.add(KindDevice, string(p.ID), "username", ProblemDuplicate, "value", p.Username)
		}
		accounts[p.Username] = true
	}
	for _, g := range v.d.Groups {
		id := string(g.ID)
		if (g.Mode == GroupQueue) != (g.Queue != nil) {
			v.add(KindGroup, id, "mode", ProblemQueue)
		}
		if g.Queue != nil && g.Queue.Strategy == "" {
			v.add(KindGroup, id, "queue.strategy", ProblemRequired)
		}
		if len(g.Members) == 0 {
			v.warn(KindGroup, id, "members", ProblemEmptyGroup)
		}
		seen := map[string]bool{}
		for _, m := range g.Members {
			if seen[string(m)] {
				v.add(KindGroup, id, "members", ProblemDuplicate, "value", string(m))
			}
			seen[string(m)] = true
		}
	}
}

// schedules: the text form has judged the days; an override must have a state.
func (v *validator) schedules() {
	for _, s := range v.d.Schedules {
		for i, day := range s.Week {
			if bad := checkSpans(day); bad != nil && !v.failed(KindSchedule) {
				v.add(KindSchedule, string(s.ID), "week."+strconv.Itoa(i), bad.code, "value", bad.args["value"])
			}
		}
	}
}

func (v *validator) menusAndPrompts() {
	for _, m := range v.d.Menus {
		if len(m.Keys) == 0 {
			v.add(KindMenu, string(m.ID), "keys", ProblemNoKeys)
		}
		for _, key := range sortedKeys(m.Keys) {
			if len(key) != 1 || !strings.Contains("0123456789*#", key) {
				v.add(KindMenu, string(m.ID), "keys", ProblemKey, "value", key)
			}
		}
	}
	for _, p := range v.d.Prompts {
		id := string(p.ID)
		if p.Builtin == "" && len(p.Texts) == 0 && len(p.Audio) == 0 {
			v.add(KindPrompt, id, "builtin", ProblemSilent)
		}
		for _, lang := range append(sortedKeys(p.Texts), sortedKeys(p.Audio)...) {
			if !slices.Contains(languages, lang) {
				v.add(KindPrompt, id, "texts", ProblemLanguage, "value", lang)
			}
		}
		for _, hash := range p.Audio {
			if len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
				v.add(KindPrompt, id, "audio", ProblemHash, "value", hash)
			}
		}
	}
	for _, p := range v.d.Paths {
		if len(p.Steps) > maxSteps {
			v.add(KindPath, string(p.ID), "steps", ProblemMany, "max", strconv.Itoa(maxSteps))
		}
	}
}

func sortedKeys[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
