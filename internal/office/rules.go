package office

import (
	"net/url"
	"strings"
)

// telephoneKeys are the keys that every telephone has.
const telephoneKeys = "0123456789*#"

func isKey(s string) bool { return len(s) == 1 && strings.Contains(telephoneKeys, s) }

// queues judges the rules of queues beyond their fields.
func (v *validator) queues() {
	told := map[ID]bool{} // outcomes whose digit is taken: queues may share them
	for i := range v.d.Groups {
		g := &v.d.Groups[i]
		if g.Queue == nil {
			continue
		}
		id, q := string(g.ID), g.Queue
		for _, key := range sortedKeys(q.Exits) {
			switch {
			case !isKey(key):
				v.add(KindGroup, id, "queue.exits", ProblemKey, "value", key)
			case key == q.CallbackKey:
				v.add(KindGroup, id, "queue.callbackKey", ProblemDuplicate, "value", key)
			case v.leadsBack(q.Exits[key], g.ID, map[ID]bool{}):
				v.add(KindGroup, id, "queue.exits", ProblemExit, "value", key)
			}
		}
		if q.CallbackKey != "" && !isKey(q.CallbackKey) {
			v.add(KindGroup, id, "queue.callbackKey", ProblemKey, "value", q.CallbackKey)
		}
		for _, r := range q.Rings {
			if r.Group == g.ID {
				v.add(KindGroup, id, "queue.rings", ProblemRingGroup)
			}
		}
		if q.PopURL != "" && !validURL(popPlaces.Replace(q.PopURL)) {
			v.add(KindGroup, id, "queue.popURL", ProblemURL, "value", q.PopURL)
		}
		v.digits(g, told)
	}
	for _, p := range v.d.Paths {
		for _, s := range p.Steps {
			if g := v.d.GroupByID(s.Group); s.Kind == StepCallback && g != nil && g.Queue == nil {
				v.add(KindPath, string(p.ID), "steps", ProblemNoQueue, "value", string(s.Group))
			}
		}
	}
}

// leadsBack says whether a path leads into a queue without anybody else being rung
// and without the caller being asked: who pressed the key would lose his place for
// nothing.
func (v *validator) leadsBack(path, queue ID, seen map[ID]bool) bool {
	p := v.d.PathByID(path)
	if p == nil || seen[path] {
		return false
	}
	seen[path] = true
	for _, s := range p.Steps {
		switch s.Kind {
		case StepGroup:
			return s.Group == queue
		case StepHours:
			for _, state := range dayStates {
				if to := s.On[DayState(state)]; to != "" && v.leadsBack(to, queue, seen) {
					return true
				}
			}
		case StepGoto:
			return v.leadsBack(s.Path, queue, seen)
		case StepMenu, StepPerson, StepEnd, StepCallback:
			return false
		}
	}
	return false
}

// digits: within a queue each digit means one outcome.
func (v *validator) digits(g *Group, told map[ID]bool) {
	by := map[string]ID{}
	seen := map[ID]bool{}
	for _, o := range v.d.outcomesOf(g) {
		if seen[o.ID] {
			v.add(KindGroup, string(g.ID), "queue.outcomes", ProblemDuplicate, "value", string(o.ID))
			continue
		}
		seen[o.ID] = true
		if other := by[o.Digit]; other != "" && o.Digit != "" && !told[o.ID] {
			told[o.ID] = true
			v.add(KindOutcome, string(o.ID), "digit", ProblemTaken, "value", o.Digit, "by", string(other))
		}
		by[o.Digit] = o.ID
	}
}

// afterCalls judges reasons, outcomes and surveys.
func (v *validator) afterCalls() {
	by := map[string]ID{}
	for _, r := range v.d.Reasons {
		id := string(r.ID)
		switch other := by[r.Digit]; {
		case r.Digit == "":
		case !onlyDigits(r.Digit):
			v.add(KindReason, id, "digit", ProblemDigit, "value", r.Digit)
		case other != "":
			v.add(KindReason, id, "digit", ProblemTaken, "value", r.Digit, "by", string(other))
		default:
			by[r.Digit] = r.ID
		}
		if r.Break && r.Work {
			v.add(KindReason, id, "work", ProblemBreakWork)
		}
	}
	for _, o := range v.d.Outcomes {
		if o.Digit != "" && !onlyDigits(o.Digit) {
			v.add(KindOutcome, string(o.ID), "digit", ProblemDigit, "value", o.Digit)
		}
	}
	for _, s := range v.d.Surveys {
		for i, c := range s.Keys {
			if !strings.ContainsRune("0123456789", c) || strings.ContainsRune(s.Keys[:i], c) {
				v.add(KindSurvey, string(s.ID), "keys", ProblemKeys, "value", s.Keys)
				break
			}
		}
	}
}

// outside judges what the box tells other programs and people.
func (v *validator) outside() {
	for _, w := range v.d.Webhooks {
		if w.URL != "" && !validURL(w.URL) {
			v.add(KindWebhook, string(w.ID), "url", ProblemURL, "value", w.URL)
		}
	}
	for _, r := range v.d.Reports {
		for _, to := range r.To {
			if !validAddress(to) {
				v.add(KindReport, string(r.ID), "to", ProblemAddress, "value", to)
			}
		}
	}
	m := v.d.Mail
	if m.Server != "" && !validHost(m.Server) {
		v.add(KindMail, "", "server", ProblemHost, "value", m.Server)
	}
	if m.Server != "" && m.From == "" {
		v.add(KindMail, "", "from", ProblemRequired)
	}
	if m.From != "" && !validAddress(m.From) {
		v.add(KindMail, "", "from", ProblemAddress, "value", m.From)
	}
	if m.Server != "" && m.TLS == "none" && m.Secret != "" {
		v.warn(KindMail, "", "tls", ProblemPrivate)
	}
}

// popPlaces fills the places of a screen pop with something harmless, to judge the
// rest.
var popPlaces = strings.NewReplacer("{number}", "0", "{name}", "0", "{call}", "0", "{queue}", "0")

// validURL accepts an absolute http or https address with a host and without a
// password in it (RFC 3986).
func validURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && !strings.ContainsAny(s, " \"<>{}\\^`")
}

// validAddress accepts a plain mail address, "name@host" (the addr-spec of RFC 5322
// section 3.4.1 without comments and quotes).
func validAddress(s string) bool {
	local, host, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > 64 || !validHost(host) || strings.Contains(host, ":") {
		return false
	}
	for _, c := range []byte(local) {
		if c <= ' ' || c >= 0x7F || strings.IndexByte("\"(),:;<>@[\\]", c) >= 0 {
			return false
		}
	}
	return true
}
