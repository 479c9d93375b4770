package ui_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// gateWorlds is how many offices of each sort the gate is tried on; GATE_WORLDS gives
// more.
func gateWorlds() int {
	if n, err := strconv.Atoi(os.Getenv("GATE_WORLDS")); err == nil {
		return n
	}
	return 1
}

// sorts of offices: too few people to be counted, enough of them, and either with an
// agreement on record.
var sorts = map[string]*rapid.Generator[world]{
	"few":    worlds(2, 4, privacy.NoAgreement),
	"many":   worlds(7, 12, privacy.NoAgreement),
	"agreed": worlds(2, 12, privacy.UnionDeal, privacy.Authorisation, privacy.NoEmployees),
}

// viewers are one reader of each role; the leader and the operator answer calls
// themselves.
var viewers = map[office.Role]journal.SubjectID{office.RoleTechnician: tech, office.RoleManager: dario, office.RoleLeader: anna, office.RoleOperator: bruno}

// TestGate reads every route, part of a stream and export as every role, in offices
// made by lot, and holds the gate to two laws.
//
// No name: whoever has no right reads no other person's name or pseudonym, but on the
// pages that set people up.
//
// No difference: whatever somebody without a right reads stays the same, to the letter,
// when colleagues change places in all that happened: so neither states nor figures
// nor anything made of them can be laid at one person's door. Where so few people
// answer that they must not be counted, it stays the same also when they do
// something else.
//
// New routes are read as soon as they stand in the table.
func TestGate(t *testing.T) {
	for name, sort := range sorts {
		for n := range gateWorlds() {
			t.Run(name+" "+strconv.Itoa(n), func(t *testing.T) {
				w := sort.Example(n)
				for role, who := range viewers {
					if w.open(role) {
						continue
					}
					other, what := w.swap(who)
					// Boxes of their own: reading leaves its traces, too.
					a, b := w.play(t).reading(t, who, w.calls()), other.play(t).reading(t, who, w.calls())
					noNames(t, w, role, who, a)
					same(t, role, a, b, what)
				}
			})
		}
	}
}

// open says whether a role may see people in a world.
func (w world) open(role office.Role) bool {
	return w.kind != privacy.NoAgreement && (role == office.RoleManager || role == office.RoleLeader)
}

// calls are all calls of a world.
func (w world) calls() []journal.CallID {
	var out []journal.CallID
	for _, e := range w.events {
		if e.call != "" && !slices.Contains(out, e.call) {
			out = append(out, e.call)
		}
	}
	return out
}

// swap puts everybody but the reader in the place of somebody who is in the same
// queues. Where people are too few to be counted, what they do is changed too.
func (w world) swap(reader journal.SubjectID) (other world, what string) {
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
func noNames(t *testing.T, w world, role office.Role, reader journal.SubjectID, read map[string]string) {
	t.Helper()
	for path, body := range read {
		if role != office.RoleOperator && isConfiguring(path) {
			continue
		}
		for _, who := range append(slices.Clone(w.agents), anna, dario) {
			if who == reader {
				continue
			}
			first, last, _ := strings.Cut(w.sample.Names[who], " ")
			for _, mark := range []string{string(who), first, last} {
				if strings.Contains(path, mark) {
					continue // it was asked for
				}
				if i := strings.Index(body, mark); i >= 0 {
					t.Errorf("%s reads %s and learns of %s: …%s…", role, path, who, body[max(0, i-100):min(len(body), i+100)])
				}
			}
		}
	}
}

// same fails the test where a page differs.
func same(t *testing.T, role office.Role, a, b map[string]string, what string) {
	t.Helper()
	if len(a) < 40 {
		t.Fatalf("only %d pages were read", len(a))
	}
	for path, was := range a {
		got := b[path]
		if was == got {
			continue
		}
		i := 0
		for i < min(len(was), len(got)) && was[i] == got[i] {
			i++
		}
		t.Errorf("%s sees on %s that %s: …%s… or …%s…", role, path, what, was[max(0, i-150):min(len(was), i+80)], got[max(0, i-60):min(len(got), i+80)])
	}
}
