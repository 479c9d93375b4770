package ui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui"
	"centralino/ui/api"
)

func (b *browser) board(t *testing.T) api.Board {
	t.Helper()
	var m api.Board
	if err := json.Unmarshal([]byte(b.get("/api/v1/board").is(t, http.StatusOK).body), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// staff adds people to the office, all of them in its queue.
func (r *rig) staff(n int) []journal.SubjectID {
	r.t.Helper()
	doc := r.office.Current().Doc.Clone()
	g := doc.GroupByID("group-1")
	for i := range n {
		id := journal.SubjectID(fmt.Sprintf("p-more-%d", i))
		if err := r.people.SetName(context.Background(), id, fmt.Sprintf("Persona Numero%d", i)); err != nil {
			r.t.Fatal(err)
		}
		doc.People = append(doc.People, office.Person{ID: id, Role: office.RoleOperator})
		g.Members = append(g.Members, id)
	}
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: r.office.Current().Version, Doc: doc, Note: "edit", By: tech}); err != nil {
		r.t.Fatal(err)
	}
	return g.Members
}

// visitOf appends a call that waits and is answered, or is not.
func (r *rig) visitOf(n int, answered bool) {
	call := journal.CallID(fmt.Sprint("v-", n))
	who := r.people.Number("+390298765432")
	r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: who})
	r.log.Append(call, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1", Arrival: time.Now(), Caller: who})
	if answered {
		r.log.Append(call, journal.ContactConnected{Contact: journal.ContactID(call), Queue: "group-1", Agent: bruno, Waited: 4 * time.Second})
		r.log.Append(call, journal.ContactEnded{Contact: journal.ContactID(call), Queue: "group-1", Agent: bruno, Outcome: "served", Waited: 4 * time.Second, Talked: time.Minute})
	} else {
		r.log.Append(call, journal.ContactEnded{Contact: journal.ContactID(call), Queue: "group-1", Outcome: "abandoned", Waited: 50 * time.Second})
	}
	r.log.Append(call, journal.CallEnded{Cause: "hangup"})
}

func TestBoardOfAQueue(t *testing.T) {
	r := deskRig(t)
	lead := r.as(anna)
	lead.lang = "en"
	r.as(bruno).get("/board").is(t, http.StatusForbidden)
	if b := lead.board(t); len(b.Queues) != 1 || b.Queues[0].State.ID != "open" || len(b.Queues[0].Levels) != 0 || len(b.Alarms) != 0 {
		t.Fatalf("before the first call: %+v", b)
	}
	for i := range 12 {
		r.visitOf(i, i%3 > 0)
	}
	waits := time.Now().Add(-2 * time.Minute)
	r.log.Append("w-1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1"})
	r.log.Append("w-1", journal.ContactQueued{Contact: "w-1", Queue: "group-1", Arrival: waits})
	r.log.Append("w-2", journal.ContactQueued{Contact: "w-2", Queue: "group-1", Arrival: waits, Caller: r.people.Number("+390255551234")})
	r.log.Append("w-2", journal.CallbackPromised{Contact: "w-2", Queue: "group-1", Caller: r.people.Number("+390255551234"), Arrival: waits})
	r.log.Append("w-2", journal.CallEnded{Cause: "hangup"})
	r.settle()
	b := lead.board(t)
	q := b.Queues[0]
	if q.Waiting != 1 || q.Promised != 1 || q.AtRisk != 0 || q.Expected == nil || q.Answered != 8 || q.Lost != 4 || q.Target != 80 || q.Threshold != 20 {
		t.Errorf("tile: %+v", q)
	}
	var home api.Home
	if err := json.Unmarshal([]byte(lead.get("/api/v1/home").body), &home); err != nil || !home.Queues[0].Oldest.Equal(q.Oldest) || time.Since(q.Oldest) > time.Minute {
		t.Errorf("who has been put in the place of one who came at %v waits since %v on the board, since %v on the first page (%v)", waits, q.Oldest, home.Queues[0].Oldest, err)
	}
	if len(q.Levels) != 6 || q.Levels[0].Variant != "shortRemoved" || q.Levels[0].Name != "short abandons removed" || q.Levels[0].Percent < 66 || q.Levels[0].Percent > 67 {
		t.Errorf("service levels: %+v", q.Levels)
	}
	if len(b.Alarms) != 1 || b.Alarms[0].ID != "level-group-1" || !strings.Contains(b.Alarms[0].Text, "66 %") || b.Alarms[0].Proposal == "" {
		t.Errorf("alarms: %+v", b.Alarms)
	}
	lead.get("/board").is(t, http.StatusOK).has(t, "Assistenza", "Today&#39;s service level: short abandons removed", "66.7 %", "target 80.0 % within 0:20", "fewer than five people").lacks(t, "Bruno", "Carla", "[board.")
}

// TestAlarmsProposeOneThing: what wants to be looked at comes with what to do, and with
// the place to do it where the reader may.
func TestAlarmsProposeOneThing(t *testing.T) {
	var ahead atomic.Int64 // how far the box's clock is ahead
	r := deskRig(t, func(d *ui.Deps) {
		d.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	for _, call := range []journal.CallID{"w-1", "w-2"} {
		r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1"})
		r.log.Append(call, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1", Arrival: time.Now()})
	}
	r.log.Append("w-2", journal.CallbackPromised{Contact: "w-2", Queue: "group-1", Arrival: time.Now()})
	r.settle()
	ids := func(m api.Board) (out []string) {
		for _, a := range m.Alarms {
			out = append(out, a.ID)
			if a.Text == "" || a.Proposal == "" {
				t.Errorf("alarm %+v", a)
			}
		}
		return out
	}
	if got := ids(r.as(anna).board(t)); len(got) != 0 {
		t.Errorf("at once: %q", got)
	}
	ahead.Store(int64(61 * time.Second))
	if got := ids(r.as(anna).board(t)); !slices.Equal(got, []string{"wait-group-1"}) {
		t.Errorf("after a minute: %q", got)
	}
	ahead.Store(int64(61 * time.Minute))
	boss := r.as(dario).board(t)
	if got := ids(boss); !slices.Equal(got, []string{"wait-group-1", "promise-group-1"}) || boss.Queues[0].AtRisk != 1 {
		t.Errorf("after an hour: %q", got)
	}
	if lead := r.as(anna).board(t); lead.Alarms[0].URL != boss.Alarms[0].URL || boss.Alarms[0].URL != "/edit/group/group-1" || !strings.Contains(boss.Alarms[0].Proposal, "richiamati") {
		t.Errorf("leader: %+v, manager: %+v", lead.Alarms[0], boss.Alarms[0])
	}
}

// TestBoardCountsFromFiveOn: a team of four beside the reader is not counted, five are;
// and nobody is counted right after somebody came or went.
func TestBoardCountsFromFiveOn(t *testing.T) {
	r := deskRig(t)
	lead := r.as(anna)
	lead.lang = "en"
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentPaused})
	r.agent(journal.AgentChanged{Agent: anna, State: journal.AgentReady})
	me := []api.Agent{{ID: string(anna), Name: "Anna Rossi"}}
	team := lead.board(t).Teams[0]
	if team.Counted || len(team.Counts) != 0 || len(team.Agents) != 1 || team.Agents[0].Name != me[0].Name {
		t.Errorf("two others: %+v", team)
	}
	r.staff(3)
	if team := lead.board(t).Teams[0]; team.Counted || team.Size != 0 || len(team.Counts) != 0 {
		t.Errorf("right after three came: %+v", team)
	}
	lead.get("/board").has(t, "fewer than five people").lacks(t, "Numero")
	if home := lead.get("/api/v1/home").body; !strings.Contains(home, `"counted":false`) {
		t.Errorf("the first page counts: %s", home)
	}
}

func TestBoardWithTeamsAndAgreement(t *testing.T) {
	var ahead atomic.Int64 // how far the pages' clock is ahead
	r := deskRig(t, func(d *ui.Deps) {
		d.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	r.staff(3)
	lead := r.as(anna)
	lead.lang = "en"
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentPaused})
	// Nobody has looked before the change, as after a restart: they rest all the same.
	if team := lead.board(t).Teams[0]; team.Counted || team.Size != 0 || len(team.Counts) != 0 {
		t.Errorf("the first look after three came: %+v", team)
	}
	ahead.Store(int64(16 * time.Minute))
	team := lead.board(t).Teams[0]
	got := map[string]int{}
	for _, c := range team.Counts {
		if c.N > 0 {
			got[c.State.ID] = c.N
		}
	}
	if diff := cmp.Diff(map[string]int{"paused": 1, "loggedOut": 4}, got); diff != "" || team.Size != 5 {
		t.Errorf("counts: %s %+v", diff, team)
	}
	lead.get("/board").lacks(t, "Bruno", "Numero")
	r.agree(privacy.UnionDeal, "")
	team = lead.board(t).Teams[0]
	if len(team.Agents) != 6 || team.Agents[0].Name != "Anna Rossi" || team.Agents[1].Name != "Bruno Bianchi" || team.Agents[1].State.ID != "paused" {
		t.Errorf("with an agreement: %+v", team.Agents)
	}
	lead.get("/board").has(t, "Agreement on record", "Bruno Bianchi")
	if tc := r.as(tech).board(t); len(tc.Teams[0].Agents) != 0 {
		t.Errorf("the technician reads names: %+v", tc.Teams)
	}
}
