package ui_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

// ofCalls are the pages and files that list calls one by one: there the duration of a call
// is the call's own, as on a telephone bill, and nobody of the office stands beside it.
var ofCalls = []string{"/calls", "/api/v1/calls", "/customers", "/api/v1/customer", "/reports/contacts", "/api/v1/reports/contacts", "/reports/queuelog",
	"/api/v1/events", "/callbacks", "/desk", "webhook"}

// figures are lengths of time of a world, as they are written, and whose they are.
type figures map[string]string

// write adds a length of time in the forms of pages, files and programs.
func (f figures) write(d float64, what string) {
	for _, s := range []float64{math.Floor(d), math.Round(d), math.Ceil(d)} {
		n := int(s)
		f[fmt.Sprint(n)] = what
		f[fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)] = what
	}
}

// means adds the means of talk, of wrap-up and of both.
func (f figures) means(talks []worldTalk, what string) {
	var talked, wrap float64
	for _, x := range talks {
		talked, wrap = talked+x.talked.Seconds(), wrap+x.wrap.Seconds()
	}
	n := float64(len(talks))
	f.write(talked/n, what+": talk")
	f.write(wrap/n, what+": wrap-up")
	f.write((talked+wrap)/n, what+": handling")
	if len(talks) > 1 {
		f.write(talked, what+": sum of talk")
		f.write(wrap, what+": sum of wrap-up")
	}
}

// spans are the stretches of days that a reader may ask for.
func spans() [][]time.Time {
	var out [][]time.Time
	for i := range worldDays {
		for j := i; j < len(worldDays); j++ {
			out = append(out, worldDays[i:j+1])
		}
	}
	return out
}

// groups cuts conversations as reports do: by queue and together, and these by stretches
// of days, hours, half hours and quarters.
func (w *world) groups() map[string][]worldTalk {
	out := map[string][]worldTalk{}
	for _, x := range w.talks {
		for _, queue := range []string{"all queues", x.queue} {
			for _, step := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour} {
				key := fmt.Sprint(queue, " ", x.arrived.Truncate(step).Format(time.DateTime), " ", step)
				out[key] = append(out[key], x)
			}
			for _, days := range spans() {
				if slices.ContainsFunc(days, func(d time.Time) bool { return worldDay(d).Equal(worldDay(x.arrived)) }) {
					key := fmt.Sprint(queue, " ", days[0].Format(time.DateOnly), " to ", days[len(days)-1].Format(time.DateOnly))
					out[key] = append(out[key], x)
				}
			}
		}
	}
	return out
}

// present adds how long somebody was logged in and in pauses on some days.
func (w *world) present(f figures, who journal.SubjectID, days []time.Time) {
	var loggedIn, paused float64
	for _, s := range w.shifts {
		if s.agent == who && slices.ContainsFunc(days, func(d time.Time) bool { return worldDay(d).Equal(s.day) }) {
			loggedIn, paused = loggedIn+s.loggedIn.Seconds(), paused+s.paused.Seconds()
		}
	}
	if loggedIn > 0 {
		f.write(loggedIn, string(who)+": logged in")
		f.write(paused, string(who)+": paused")
	}
}

// hidden are the figures of fewer than five people other than the reader: wherever they
// stand, and those that may stand where calls are listed, because they are one call's.
func (w *world) hidden(reader journal.SubjectID) (everywhere, single figures) {
	everywhere, single = figures{}, figures{}
	add := func(name string, talks []worldTalk) {
		people := map[journal.SubjectID]bool{}
		for _, x := range talks {
			people[x.agent] = people[x.agent] || x.agent != reader
		}
		delete(people, reader)
		switch {
		case len(people) == 0 || len(people) >= 5:
		case len(talks) == 1:
			single.means(talks, name)
		default:
			everywhere.means(talks, name)
		}
	}
	for name, talks := range w.groups() {
		add(name, talks)
	}
	for _, who := range w.people() {
		for name, talks := range w.groups() {
			add(fmt.Sprint(who, ", ", name), slices.DeleteFunc(slices.Clone(talks), func(x worldTalk) bool { return x.agent != who }))
		}
		if who == reader {
			continue
		}
		for _, days := range spans() {
			w.present(everywhere, who, days)
		}
	}
	for _, x := range w.talks { // as long as one call, which may be listed
		of := figures{}
		of.write(x.talked.Seconds(), "")
		of.write((x.talked + x.waited).Seconds(), "")
		for s := range of {
			if what, ok := everywhere[s]; ok {
				single[s] = what
				delete(everywhere, s)
			}
		}
	}
	own := figures{} // what the reader did himself may be as long
	for _, talks := range w.groups() {
		talks = slices.DeleteFunc(talks, func(x worldTalk) bool { return x.agent != reader })
		if len(talks) > 0 {
			own.means(talks, "")
		}
	}
	for _, days := range spans() {
		w.present(own, reader, days)
	}
	for _, who := range w.people() {
		own[w.digits(who)] = "" // and so may an extension
	}
	for s := range own {
		delete(everywhere, s)
		delete(single, s)
	}
	// A mean of many may be as long as one of few: that it stands there proves nothing.
	for _, talks := range w.groups() {
		people := map[journal.SubjectID]bool{}
		for _, x := range talks {
			if x.agent != reader {
				people[x.agent] = true
			}
		}
		if len(people) >= 5 {
			many := figures{}
			many.means(slices.DeleteFunc(slices.Clone(talks), func(x worldTalk) bool { return x.agent == reader }), "")
			many.means(talks, "")
			for s := range many {
				delete(everywhere, s)
				delete(single, s)
			}
		}
	}
	return everywhere, single
}

// numbers are the numbers and lengths of time of a text as pages write them, with where
// each begins: without the fraction, which belongs to its number.
func numbers(body string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		digits := func(i int) int {
			for i < len(body) && body[i] >= '0' && body[i] <= '9' {
				i++
			}
			return i
		}
		for i := 0; i < len(body); i++ {
			end := digits(i)
			if end == i {
				continue
			}
			next := end
			for next < len(body) && body[next] == ':' && digits(next+1) == next+3 {
				next += 3
				end = next
			}
			if !yield(i, body[i:end]) {
				return
			}
			if next < len(body) && body[next] == '.' {
				next = digits(next + 1)
			}
			i = next
		}
	}
}

// moreLengths is in how many worlds of other lengths a figure is looked for again.
const moreLengths = 5

// told fails the test where a figure stands that is of too few people. By chance any number
// may be as long as something that somebody did, a port or a sum: so again looks at the same
// pages of worlds in which everything took other lengths of time, and what is told there
// each time is no chance.
func told(t *testing.T, suspects map[string]string, again func(lengths uint64, suspects map[string]string) map[string]string) {
	t.Helper()
	for n := uint64(1); n <= moreLengths && len(suspects) > 0; n++ {
		also := again(n, suspects)
		maps.DeleteFunc(suspects, func(key, _ string) bool { return also[key] == "" })
	}
	for _, what := range suspects {
		t.Error(what)
	}
}

// tooFew finds figures that stand on a page and may be of too few people, one of each page.
func tooFew(t *testing.T, w *world, role office.Role, reader journal.SubjectID, read map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	everywhere, single := w.hidden(reader)
	if len(everywhere) < 50 {
		t.Errorf("only %d figures to look for", len(everywhere))
	}
	for key, body := range read {
		lists := slices.ContainsFunc(ofCalls, func(p string) bool { return strings.HasPrefix(strings.TrimPrefix(key, "token "), p) })
		for at, number := range numbers(body) {
			what, found := everywhere[number]
			if !found && !lists {
				what, found = single[number]
			}
			if found {
				out[key] = fmt.Sprintf("%s reads %s, and a figure of too few, %s (%s): …%s…", role, key, number, what, body[max(0, at-100):min(len(body), at+60)])
				break
			}
		}
	}
	return out
}

// noAnswers fails the test where an answer about a conversation stands in a file about a
// customer though it can only be of fewer than five people.
func noAnswers(t *testing.T, w *world, read map[string]string) {
	t.Helper()
	for i, callers := range [][]int{{0, 1}, {2}} { // the cards
		body, ok := read[ask{path: "/customers/" + cardName(i) + "/export", form: "as=json"}.key()]
		var all api.Customer
		if !ok || !strings.HasPrefix(body, "{\n  \"id\": \"k-") {
			continue // refused
		}
		if err := json.Unmarshal([]byte(body), &all); err != nil {
			t.Fatal(err)
		}
		for _, x := range all.Surveys {
			first, last, several := strings.Cut(x.Month, "/")
			if !several {
				last = first
			}
			by := map[string]map[journal.SubjectID]bool{}
			for _, talk := range w.talks {
				if month := talk.arrived.Format("2006-01"); month >= first && month <= last && slices.Contains(callers, talk.caller) {
					if by[talk.queue] == nil {
						by[talk.queue] = map[journal.SubjectID]bool{}
					}
					by[talk.queue][talk.agent] = true
				}
			}
			if !x.Time.IsZero() || x.Month == "" {
				t.Errorf("an answer stands with its time: %+v", x)
			}
			most := 0
			for _, people := range by {
				delete(people, dario) // who reads it
				most = max(most, len(people))
			}
			if most < 5 {
				t.Errorf("an answer of %s is of one of %d people: %+v", x.Month, most, x)
			}
		}
	}
}

// seesAll fails the test where somebody with a right does not read the names and figures
// that others must not: else nothing that is not found elsewhere would prove anything.
func seesAll(t *testing.T, w *world, role office.Role, reader journal.SubjectID, read map[string]string) {
	t.Helper()
	whole := "what=people&from=2026-01-26&to=2026-03-01"
	pages := []string{"/reports?" + whole}
	if role == office.RoleManager { // what leaves the box
		pages = append(pages, "/api/v1/reports?"+whole, "/reports/file?"+whole+"&as=csv", "/reports/file?"+whole+"&as=pdf")
	}
	mean := map[journal.SubjectID]figures{}
	for _, who := range w.members() {
		talks := slices.DeleteFunc(slices.Clone(w.talks), func(x worldTalk) bool { return x.agent != who })
		if len(talks) > 0 {
			mean[who] = figures{}
			mean[who].means(talks, "")
		}
	}
	if len(mean) == 0 {
		t.Fatal("nobody talked")
	}
	for _, page := range pages {
		body := read[page]
		for who, f := range mean {
			if !strings.Contains(body, w.sample.Names[who]) {
				t.Errorf("%s does not read the name %s on %s: %s", role, w.sample.Names[who], page, body)
			}
			seen := false
			for _, n := range numbers(body) {
				seen = seen || f[n] != ""
			}
			if !seen {
				t.Errorf("%s does not read how long %s handles calls on %s", role, who, page)
			}
		}
	}
	named := func(what string, ok func(key string) bool) {
		for key, body := range read {
			if ok(key) && slices.ContainsFunc(w.members(), func(s journal.SubjectID) bool { return s != reader && indexMark(body, w.sample.Names[s]) >= 0 }) {
				return
			}
		}
		t.Errorf("%s reads no colleague's name on %s", role, what)
	}
	for _, p := range []string{"/board", "/api/v1/board", "/live?page=board", "/calls", "/api/v1/calls", "/api/v1/events"} {
		named(p, func(key string) bool { return strings.HasPrefix(key, p) })
	}
	if role == office.RoleManager && !strings.Contains(read["/reports/queuelog?from=2026-01-26&to=2026-03-01"], "|"+string(w.talks[0].agent)+"|") {
		t.Error("no agent stands in the queue_log")
	}
}
