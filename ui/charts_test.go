package ui_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"centralino/ui/api"
)

// sameAsTable holds the slots of a day's report against the rows of its table.
func sameAsTable(t *testing.T, body string) {
	t.Helper()
	var r api.Report
	if err := json.Unmarshal([]byte(body), &r); err != nil || r.Profile == nil {
		t.Fatal(err, r.Profile)
	}
	column := map[string]int{}
	for i, c := range r.Tables[0].Columns {
		column[c.ID] = i
	}
	n := 0
	for _, row := range r.Tables[0].Rows {
		for _, s := range r.Profile.Slots {
			if row.Sum || !strings.HasPrefix(row.Cells[0].Text, s.From+"–") {
				continue
			}
			n++
			value := func(id string) float64 { return *row.Cells[column[id]].Value }
			if value("offered") != float64(s.Offered) || value("answered") != float64(s.Answered) || value("lost") != float64(s.Lost) || s.Level == nil || 100*value("level") != *s.Level {
				t.Errorf("%+v is not %+v", s, row)
			}
		}
	}
	if n == 0 {
		t.Error("no row has a slot")
	}
}

// TestReportsDraw: the day and the intervals have charts of what their tables say, as
// SVG without script; the API has the numbers. Reports about people have none.
func TestReportsDraw(t *testing.T) {
	r := newRig(t, true)
	morning(r, 14, 4)
	b := r.as(dario)
	for _, path := range []string{"/reports", "/reports?what=interval", "/reports?what=interval&queue=group-1&step=15"} {
		b.get(path).is(t, http.StatusOK).has(t, `<figure class="chart">`, `role="img" aria-labelledby="calls-t calls-d"`, "Il massimo è alle", "Risposti", "Persi", "I numeri sono nella tabella", `class="target"`, `<table class="data">`).
			lacks(t, "<script>", " style=", "ZgotmplZ", "NaN")
	}
	b.get("/reports?from=2026-01-05&what=interval").is(t, http.StatusOK).lacks(t, `class="chart"`)
	for _, what := range []string{"team", "people", "queue", "lines", "unserved", "outcome"} {
		b.get("/reports?what="+what).is(t, http.StatusOK).lacks(t, `class="chart"`)
	}
	b.get("/api/v1/reports?what=interval").is(t, http.StatusOK).has(t, `"profile":{"stepMinutes":30,"targetPercent":80,"slots":[{"from":"`, `"offered":`)
	sameAsTable(t, b.get("/api/v1/reports?what=interval").body)
	b.lang = "en"
	b.get("/reports").has(t, "The most came at", "Offered every 30 minutes")
}
