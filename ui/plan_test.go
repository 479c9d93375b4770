package ui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/ui/api"
)

// TestThePlanTellsNobodysTimes: how long calls take comes out of the box's own history
// only where that is no one person's time.
func TestThePlanTellsNobodysTimes(t *testing.T) {
	others := []journal.SubjectID{bruno, carla, "p-agent00x", "p-agent01x", "p-agent02x", "p-agent03x", "p-agent04x"}
	for _, c := range []struct {
		name    string
		members int // of the queue, beside the leader
		worked  int // of them
		open    bool
		ask     string
		handle  float64
		hidden  bool
	}{
		{"one person answers the queue: the usual four minutes", 1, 1, false, "", 240, true},
		{"and what is typed stays", 1, 1, false, "&handle=300", 300, true},
		{"all queues together are that one person too", 1, 1, false, "&queue=", 240, true},
		{"many belong to it, four worked", 7, 4, false, "", 240, true},
		{"five worked: their mean", 7, 5, false, "", 95, false},
		{"one person, with an agreement", 1, 1, true, "", 95, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			now := worldStart
			clock := func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return now
			}
			sample := office.Sample(office.SampleOptions{AlwaysOpen: true, Now: worldStart})
			for _, id := range others[2:] {
				sample.Doc.People = append(sample.Doc.People, office.Person{ID: id, Role: office.RoleOperator, Profile: "profile-1"})
				sample.Names[id] = string(id)
			}
			sample.Doc.GroupByID("group-1").Members = append([]journal.SubjectID{anna}, others[:c.members]...)
			r := newRigOf(t, true, rigOf{now: clock, sample: sample, folder: t.TempDir()})
			for i, who := range others[:c.worked] {
				id := journal.CallID(fmt.Sprint("c-", i))
				con := journal.ContactID(id)
				r.log.Append(id, journal.ContactQueued{Contact: con, Queue: "group-1", Caller: r.people.Number(numbering.E164(fmt.Sprintf("+39061234%04d", i)))})
				r.log.Append(id, journal.ContactConnected{Contact: con, Queue: "group-1", Agent: who})
				r.log.Append(id, journal.ContactEnded{Contact: con, Queue: "group-1", Agent: who, Outcome: "served", Talked: 95 * time.Second})
			}
			if err := r.log.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			now = now.AddDate(0, 0, 1)
			mu.Unlock()
			if c.open {
				open(t, r)
			}
			r.figures()
			ask := c.ask
			if ask != "&queue=" {
				ask = "&queue=group-1" + ask
			}
			for _, who := range []journal.SubjectID{anna, dario} {
				var plan api.Plan
				p := r.as(who).get("/api/v1/plan?calls=10"+ask).is(t, http.StatusOK)
				if err := json.Unmarshal([]byte(p.body), &plan); err != nil || plan.Handle != c.handle || plan.Hidden != c.hidden {
					t.Errorf("%s reads %v s, hidden %v (%v)", who, plan.Handle, plan.Hidden, err)
				}
				page := r.as(who).get("/plan?calls=10"+ask).is(t, http.StatusOK).has(t, fmt.Sprintf(`name="handle" value="%v"`, c.handle))
				if c.hidden {
					page.has(t, "La media vera non si mostra")
				} else {
					page.lacks(t, "La media vera non si mostra")
				}
			}
		})
	}
}
