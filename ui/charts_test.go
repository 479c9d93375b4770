package ui_test

import (
	"net/http"
	"testing"
)

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
	b.lang = "en"
	b.get("/reports").has(t, "The most came at", "Offered every 30 minutes")
}
