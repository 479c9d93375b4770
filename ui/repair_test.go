package ui_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

var dated = regexp.MustCompile(`<p class="small soft">[^<]*\d[^<]*: all&#39;avvio`)

// A repair of the memory card's file system is told with its date, quietly: no fault, no
// lamp; for a month, and through further starts.
func TestARepairOfTheCardIsToldQuietly(t *testing.T) {
	for _, c := range []struct {
		name   string
		repair journal.Repair
		it, en string
	}{
		{"nothing was lost", journal.RepairSafe, "è stato riparato; non si è perso niente", "was repaired; nothing was lost"},
		{"something may be lost", journal.RepairForced, "riparato fin dove si poteva; qualcosa può mancare", "repaired as far as possible; something may be missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var later atomic.Int64
			now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
			r := newRigOf(t, true, rigOf{now: now, sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: now()}), folder: t.TempDir()})
			read := func() (m api.System) {
				if err := json.Unmarshal([]byte(r.as(tech).get("/api/v1/system").is(t, http.StatusOK).body), &m); err != nil {
					t.Fatal(err)
				}
				return m
			}
			if m := read(); m.Repair != nil {
				t.Fatalf("told of no repair: %+v", m.Repair)
			}
			r.log.Append("", journal.BoxStarted{Repaired: c.repair})
			r.settle()
			at := read().Started
			r.log.Append("", journal.BoxStarted{})
			r.settle()
			m := read()
			if m.Repair == nil || !m.Repair.At.Equal(at) || m.Repair.Forced != (c.repair == journal.RepairForced) || !strings.Contains(m.Repair.Text, c.it) {
				t.Fatalf("the repair at %s is told as %+v", at, m.Repair)
			}
			b := r.as(tech)
			if p := b.get("/system").has(t, c.it, "Va tutto bene."); !dated.MatchString(p.body) {
				t.Errorf("without a date:\n%s", p.body)
			}
			b.lang = "en"
			b.get("/system").has(t, c.en)
			later.Store(int64(31 * 24 * time.Hour))
			r.as(tech).get("/system").lacks(t, c.it)
		})
	}
}
