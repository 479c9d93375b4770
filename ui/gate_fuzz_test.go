package ui_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// gateWorlds is how many offices of each sort the gate is tried on, and gateSeed by which
// lot they are drawn: GATE_WORLDS and GATE_SEED give others.
func gateWorlds() int { return fromEnv("GATE_WORLDS", 1) }
func gateSeed() int   { return fromEnv("GATE_SEED", 1) }

func fromEnv(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// sorts of offices: too few people to be counted, enough of them, and either with an
// agreement on record.
var sorts = map[string]func(seed, lengths uint64) world{
	"few": func(seed, lengths uint64) world {
		return drawWorld(seed, lengths, 2, 4, privacy.NoAgreement, withdrawn)
	},
	"many": func(seed, lengths uint64) world {
		return drawWorld(seed, lengths, 7, 12, privacy.NoAgreement, withdrawn)
	},
	"agreed": func(seed, lengths uint64) world {
		return drawWorld(seed, lengths, 2, 12, privacy.UnionDeal, privacy.Authorisation, privacy.NoEmployees)
	},
}

// viewers are one reader of each role.
var viewers = map[office.Role]journal.SubjectID{office.RoleTechnician: tech, office.RoleManager: dario, office.RoleLeader: anna, office.RoleOperator: bruno}

// reach is how many requests of each route follow from what was read, and of how many
// calls: more where the offices are many.
func reach() int {
	if gateWorlds() > 1 {
		return 6
	}
	return 2
}

// TestGate reads every route as every role, as a curious person does (see curious), and
// with them streams, files, what webhooks are told and what is sent by mail, in offices
// made by lot. It holds the gate to four laws.
//
// No name: whoever has no right reads no other person's name, pseudonym, extension or
// phone, but on the pages that set people up.
//
// No difference: whatever somebody without a right reads stays the same, to the letter,
// when colleagues change places in all that happened: so neither states nor figures
// nor anything made of them can be laid at one person's door. Where so few people
// answer that they must not be counted, it stays the same also when they do
// something else.
//
// No figure: no length of time that fewer than five others spent talking, with wrap-up or
// in pauses, alone or in the mean of any day, hour, queue or stretch of days, stands
// anywhere but as the duration of the one call that it was.
//
// No answer: what a customer has answered about a conversation stands in no file about him
// unless it can be of five people.
//
// That those who have a right see all of it is tested as well: else the laws would hold of
// empty pages, too. New routes are read as soon as they stand in the table.
func TestGate(t *testing.T) {
	t.Logf("offices drawn with GATE_SEED=%d, %d of each sort (GATE_WORLDS)", gateSeed(), gateWorlds())
	for name, sort := range sorts {
		for n := range gateWorlds() {
			seed := uint64(1000*gateSeed() + n)
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				w := sort(seed, 0)
				for role, who := range viewers {
					lot := rand.New(rand.NewPCG(seed, uint64(len(role))))
					box := w.play(t)
					a := box.newCurious(t, who, lot, reach())
					asked := a.explore(&w)
					if w.open(role) {
						seesAll(t, &w, role, who, a.read)
						continue
					}
					noNames(t, &w, role, who, a.read)
					told(t, tooFew(t, &w, role, who, a.read), func(lengths uint64, suspects map[string]string) map[string]string {
						o := sort(seed, lengths)
						c := o.play(t).newCurious(t, who, rand.New(rand.NewPCG(seed, uint64(len(role)))), reach())
						c.repeat(among(asked, suspects))
						return tooFew(t, &o, role, who, c.read)
					})
					noAnswers(t, &w, a.read)
					// A box of its own: reading leaves its traces, too.
					other, what := w.swap(who)
					b := other.play(t).newCurious(t, who, lot, reach())
					b.repeat(asked)
					same(t, &w, role, a.read, b.read, what)
				}
				w.leaves(t, func(lengths uint64) world { return sort(seed, lengths) })
			})
		}
	}
}

// leaves holds what leaves the box by itself, letters and webhooks, to the laws.
func (w *world) leaves(t *testing.T, other func(lengths uint64) world) {
	all := func(w *world) map[string]string {
		box := w.play(t)
		read := box.letters(t)
		for key, body := range box.posted(t) {
			read[key] = body
		}
		return read
	}
	read := all(w)
	if len(read) < 30 {
		t.Errorf("only %d letters, files and events leave the box", len(read))
	}
	if w.open(office.RoleManager) {
		told := strings.Builder{}
		for key, body := range read {
			if strings.HasPrefix(key, "webhook") {
				told.WriteString(body)
			}
		}
		for _, x := range w.talks {
			if !strings.Contains(told.String(), w.sample.Names[x.agent]) {
				t.Errorf("no webhook hears of %s, who may be named", w.sample.Names[x.agent])
			}
		}
		return
	}
	noNames(t, w, "program", "", read)
	told(t, tooFew(t, w, "program", "", read), func(lengths uint64, _ map[string]string) map[string]string {
		o := other(lengths)
		return tooFew(t, &o, "program", "", all(&o))
	})
}

// among are the requests whose answers are suspect; all of them where one is suspect that
// comes after a form, or in a stream.
func among(asked []ask, suspects map[string]string) []ask {
	var out []ask
	for _, a := range asked {
		if _, is := suspects[a.key()]; is {
			out = append(out, a)
		}
	}
	if len(out) < len(suspects) || slices.ContainsFunc(out, func(a ask) bool { return a.form != "" || a.again }) {
		return asked
	}
	return out
}

// open says whether a role may see people in a world.
func (w *world) open(role office.Role) bool {
	return w.kind != privacy.NoAgreement && (role == office.RoleManager || role == office.RoleLeader)
}

// calls are all calls of a world.
func (w *world) calls() []journal.CallID {
	var out []journal.CallID
	for _, e := range w.events {
		if e.call != "" && !slices.Contains(out, e.call) {
			out = append(out, e.call)
		}
	}
	return out
}

// people are all but the technician.
func (w *world) people() []journal.SubjectID { return append(slices.Clone(w.agents), anna, dario) }

// digits are a person's extension.
func (w *world) digits(who journal.SubjectID) string {
	return w.sample.Doc.ExtensionsOf(office.Target{Kind: office.TargetPerson, ID: string(who)})[0].Digits
}

// marks are what leads to a person.
func (w *world) marks(who journal.SubjectID) []string {
	first, last, _ := strings.Cut(w.sample.Names[who], " ")
	out := []string{string(who), first, last, w.digits(who)}
	for i := range w.sample.Doc.Devices {
		if d := &w.sample.Doc.Devices[i]; d.Owner == who {
			out = append(out, string(d.ID), d.Username)
		}
	}
	return out
}

// swap puts everybody but the reader in the place of somebody who is in the same
// queues. Where people are too few to be counted, what they do is changed too.
func (w *world) swap(reader journal.SubjectID) (other world, what string) {
	doc := w.sample.Doc
	belongs := func(s journal.SubjectID) string {
		var in []string
		for i := range doc.Groups {
			if slices.Contains(doc.Groups[i].Members, s) {
				in = append(in, string(doc.Groups[i].ID))
			}
		}
		return strings.Join(in, " ")
	}
	alike := map[string][]journal.SubjectID{}
	for _, a := range w.agents {
		if a != reader {
			alike[belongs(a)] = append(alike[belongs(a)], a)
		}
	}
	put := map[journal.SubjectID]journal.SubjectID{}
	for _, people := range alike {
		for i, a := range people {
			put[a] = people[(i+1)%len(people)]
		}
	}
	other, what = w.as(put), "colleagues change places"
	others := map[journal.SubjectID]bool{}
	for _, id := range queueIDs(doc) {
		for _, m := range doc.GroupByID(office.ID(id)).Members {
			others[m] = m != reader
		}
	}
	n := 0
	for _, is := range others {
		if is {
			n++
		}
	}
	if n >= 5 {
		return other, what
	}
	for i, e := range other.events {
		switch p := e.payload.(type) {
		case journal.AgentChanged:
			if p.Agent == reader {
				continue
			}
			if p.State == journal.AgentPaused {
				p.State = journal.AgentReady
			} else {
				p.State = journal.AgentPaused
			}
			p.Misses++
			other.events[i].payload = p
		case journal.BreakProposed:
			if p.Agent != reader {
				other.events[i].payload = journal.AgentChanged{Agent: p.Agent, State: journal.AgentReady}
			}
		case journal.ContactOffered: // in the copy that as has made
			for n, c := range p.Candidates {
				if c.Agent != reader && c.Reason == "paused" {
					p.Candidates[n].Reason = "talking"
				}
			}
		}
	}
	return other, "a few colleagues do something else"
}

// noNames fails the test where a page names somebody whom the reader has no right to see.
func noNames(t *testing.T, w *world, role office.Role, reader journal.SubjectID, read map[string]string) {
	t.Helper()
	for key, body := range read {
		if role != office.RoleOperator && (isConfiguring(strings.TrimPrefix(strings.TrimSuffix(key, " again"), "token ")) || slices.ContainsFunc(liveSettings, func(p string) bool { return strings.HasPrefix(key, p) })) {
			continue
		}
		for _, who := range w.people() {
			if who == reader {
				continue
			}
			for _, mark := range w.marks(who) {
				if strings.Contains(key, mark) || strings.Contains(key, strings.ReplaceAll(mark, " ", "+")) {
					continue // it was asked for
				}
				if i := indexMark(body, mark); i >= 0 {
					t.Errorf("%s reads %s and learns of %s by %q: …%s…", role, key, who, mark, body[max(0, i-100):min(len(body), i+100)])
				}
			}
		}
	}
}

// indexMark finds a mark that is not part of a longer word or number.
func indexMark(body, mark string) int {
	for from := 0; ; {
		i := strings.Index(body[from:], mark)
		if i < 0 {
			return -1
		}
		i += from
		if end := i + len(mark); (i == 0 || !isWord(body[i-1])) && (end == len(body) || !isWord(body[end])) {
			return i
		}
		from = i + 1
	}
}

func isWord(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// same fails the test where a page differs.
func same(t *testing.T, w *world, role office.Role, a, b map[string]string, what string) {
	t.Helper()
	if len(a) < 100 {
		t.Fatalf("only %d pages were read", len(a))
	}
	chance := slices.Clone(byChance)
	if w.kind != privacy.NoAgreement {
		chance = append(chance, lookedAt...)
	}
	for path, was := range a {
		got, ok := b[path]
		if was == got || !ok && isStream(path) || slices.ContainsFunc(chance, func(p string) bool { return strings.HasPrefix(strings.TrimPrefix(path, "token "), p) }) {
			continue
		}
		i := 0
		for i < min(len(was), len(got)) && was[i] == got[i] {
			i++
		}
		t.Errorf("%s sees on %s that %s: …%s… or …%s…", role, path, what, was[max(0, i-150):min(len(was), i+80)], got[max(0, i-60):min(len(got), i+80)])
	}
}

// liveSettings are the streams of pages that set people up.
var liveSettings = []string{"/live?page=phone&", "/live?page=line&", "/live?page=lines&"}

// byChance are the pages that say how long something took.
var byChance = []string{"/webhooks", "/api/v1/webhooks"}

// lookedAt are the pages that change by what webhooks look at, a little later: what was
// looked at stands in the journal between what happened.
var lookedAt = []string{"/me", "/api/v1/me", "/api/v1/events", "/calls", "/api/v1/calls"}
