package ui_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui"
)

// versions are the versions of an office; only what is asked of them is there.
type versions struct {
	ui.Office
	list []office.VersionInfo // the newest first
	docs map[int]*office.Document
}

func (v *versions) Versions(_ context.Context, before, limit int) ([]office.VersionInfo, error) {
	var out []office.VersionInfo
	for _, x := range v.list {
		if (before == 0 || x.Version < before) && len(out) < limit {
			out = append(out, x)
		}
	}
	return out, nil
}

func (v *versions) At(_ context.Context, n int) (*office.Document, error) {
	if d := v.docs[n]; d != nil {
		return d, nil
	}
	return nil, office.ErrNoVersion
}

// TestWhoBelongedToWhichQueue: the versions of the office tell it of each day, however
// many there are; one that cannot be read has no queues.
func TestWhoBelongedToWhichQueue(t *testing.T) {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	v := &versions{docs: map[int]*office.Document{}}
	for n := 1; n <= 200; n++ {
		var members []journal.SubjectID
		for i := range 1 + n/60 { // changes at 60, 120, 180
			members = append(members, journal.SubjectID("p-"+string(rune('a'+i))))
		}
		if n != 150 {
			v.docs[n] = &office.Document{Groups: []office.Group{{ID: "g", Mode: office.GroupQueue, Members: members}, {ID: "ring", Mode: "ringAll"}}}
		}
		v.list = append([]office.VersionInfo{{Version: n, Applied: start.Add(time.Duration(n) * time.Hour)}}, v.list...)
	}
	for _, c := range []struct {
		name string
		from int // hours
		want []string
	}{
		{"all of them", 0, []string{"1h0m0s 1", "60h0m0s 2", "120h0m0s 3", "150h0m0s none", "151h0m0s 3", "180h0m0s 4"}},
		{"from between two changes on", 70, []string{"70h0m0s 2", "120h0m0s 3", "150h0m0s none", "151h0m0s 3", "180h0m0s 4"}},
		{"since the last one", 199, []string{"199h0m0s 4"}},
		{"from now on", 300, []string{"200h0m0s 4"}},
	} {
		if d := cmp.Diff(c.want, ui.HeldSince(t, v, start, start.Add(time.Duration(c.from)*time.Hour))); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
