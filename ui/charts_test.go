package ui_test

import (
	"compress/zlib"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
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

var (
	reBar    = regexp.MustCompile(`<rect class="s\d"`)
	reFilled = regexp.MustCompile(` re (f|B)\n`)
)

// TestReportFilesDraw: the PDF has the charts of the page, with every piece of their
// columns.
func TestReportFilesDraw(t *testing.T) {
	r := newRig(t, true)
	morning(r, 14, 4)
	b := r.as(dario)
	for _, what := range []string{"day", "interval", "queue"} {
		onPage := len(reBar.FindAllString(b.get("/reports?what="+what).body, -1))
		file := b.get("/reports/file?as=pdf&what="+what).is(t, http.StatusOK).body
		onPaper := 0
		for _, m := range rePDFStream.FindAllStringSubmatch(file, -1) {
			if in, err := zlib.NewReader(strings.NewReader(m[1])); err == nil {
				page, _ := io.ReadAll(in)
				onPaper += len(reFilled.FindAll(page, -1))
			}
		}
		if onPaper != onPage || onPage == 0 && what != "queue" {
			t.Errorf("%s: %d pieces on the page, %d on paper", what, onPage, onPaper)
		}
		text := pdfText(t, []byte(file))
		if what != "queue" && (!strings.Contains(text, "Risposti") || !strings.Contains(text, "obiettivo 80")) {
			t.Errorf("%s: no legend in %s", what, text)
		}
		if n := strings.Count(file, "/Type /Page\n"); n != 1 {
			t.Errorf("%s takes %d pages", what, n)
		}
	}
}
