package ui_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui"
	"centralino/ui/api"
)

// morning plays calls of a queue and waits until the figures know them: how many
// were served and how many gave up.
func morning(r *rig, served, lost int) {
	r.t.Helper()
	play := func(id string, n numbering.E164, ended journal.ContactEnded) {
		c := journal.CallID(id)
		who := r.people.Number(n)
		r.log.Append(c, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: who})
		r.log.Append(c, journal.ContactQueued{Contact: journal.ContactID(id), Queue: "group-1", Caller: who})
		ended.Contact, ended.Queue = journal.ContactID(id), "group-1"
		if ended.Outcome == "served" {
			r.log.Append(c, journal.ContactConnected{Contact: ended.Contact, Queue: "group-1", Agent: bruno, Waited: ended.Waited})
		}
		r.log.Append(c, ended)
		r.log.Append(c, journal.CallEnded{Cause: "hangup", Talk: ended.Talked})
	}
	r.log.Append("", journal.AgentChanged{Agent: bruno, State: journal.AgentReady})
	for i := range served {
		play(fmt.Sprint("s-", i), numbering.E164(fmt.Sprintf("+39061234%04d", i)), journal.ContactEnded{Outcome: "served", Agent: bruno, Waited: 9 * time.Second, Talked: 95 * time.Second})
	}
	for i := range lost {
		play(fmt.Sprint("l-", i), numbering.E164(fmt.Sprintf("+39027654%04d", i)), journal.ContactEnded{Outcome: "abandoned", Waited: 47 * time.Second})
	}
	r.figures()
}

// figures waits until everything in the journal is in the figures.
func (r *rig) figures() {
	r.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	if err := errors.Join(r.log.Flush(ctx), r.reports.Await(ctx, r.log.Durable())); err != nil {
		r.t.Fatal(err)
	}
}

// TestReports: every report draws for those who lead, in both languages, and every
// number leads to as many contacts as it says.
func TestReports(t *testing.T) {
	r := newRig(t, true)
	morning(r, 6, 2)
	link := regexp.MustCompile(`href="(/reports/contacts[^"]+)"[^>]*>(?:<b class="warned">)?([0-9]+)<`)
	for _, lang := range []string{"it", "en"} {
		b := r.as(dario)
		b.lang = lang
		followed := 0
		for _, what := range []string{"day", "interval", "queue", "outcome", "unserved", "lines", "team", "people"} {
			p := b.get("/reports?what="+what).is(t, http.StatusOK).lacks(t, "[report", "[recall", "{n}", "{share}", "ZgotmplZ")
			for _, m := range link.FindAllStringSubmatch(p.body, -1) {
				followed++
				got := b.get(strings.ReplaceAll(m[1], "&amp;", "&")).is(t, http.StatusOK).lacks(t, "[report")
				if n := strings.Count(got.body, `data-label="`+map[string]string{"it": "Quando", "en": "When"}[lang]); fmt.Sprint(n) != m[2] {
					t.Errorf("%s: a %s leads to %d contacts: %s", what, m[2], n, m[1])
				}
			}
		}
		if followed < 10 {
			t.Errorf("only %d numbers lead to contacts", followed)
		}
	}
	b := r.as(anna)
	b.get("/reports").is(t, http.StatusOK).has(t, "75,0\u00a0%", "contatti entrati", "persone mai servite", "2 persone aspettano di essere richiamate", ">8<")
	b.get("/reports?what=queue&from=2026-02-30").is(t, http.StatusBadRequest)
	b.get("/reports?what=everything").is(t, http.StatusBadRequest)
	b.get("/reports?what=queue&from=2001-01-01&to=2026-01-01").is(t, http.StatusBadRequest)
	b.get("/reports/contacts?from=1&to=2&count=drop+table").is(t, http.StatusBadRequest)
	b.get("/reports?what=interval&queue=group-1&step=15&from=2026-10-25").is(t, http.StatusOK)
	b.get("/reports/file?as=exe").is(t, http.StatusBadRequest)
	r.as(tech).get("/reports").is(t, http.StatusForbidden)
	r.as(bruno).get("/api/v1/reports").is(t, http.StatusForbidden)
}

// TestReportFiles: what leaves the box. Numbers of callers are the manager's alone;
// agents are told apart nowhere while the gate is closed.
func TestReportFiles(t *testing.T) {
	r := newRig(t, true)
	morning(r, 3, 2)
	boss, leader := r.as(dario), r.as(anna)
	csv := boss.get("/reports/file?what=unserved&as=csv").is(t, http.StatusOK)
	if !strings.HasPrefix(csv.body, "\uFEFFQuando;Chi;Coda;") || strings.Count(csv.body, "\r\n") != 3 || !strings.Contains(csv.head.Get("Content-Disposition"), "centralino-unserved-") {
		t.Errorf("%q %v", csv.body, csv.head)
	}
	csv.has(t, "02 7654 0001")
	leader.get("/reports/file?what=unserved&as=csv").is(t, http.StatusOK).lacks(t, "7654").has(t, "numero non mostrato")
	boss.lang = "en"
	plain := boss.get("/reports/file?what=queue&as=csv&table=queue&bom=no&comma=comma").is(t, http.StatusOK)
	if !strings.HasPrefix(plain.body, "Queue,Offered,Answered,") || !strings.Contains(plain.body, ",5,3,2,40.0,60.0,9,47,,,\r\n") { // how long a few talk is not told
		t.Errorf("%q", plain.body)
	}
	for _, what := range []string{"day", "queue", "interval", "lines", "team"} {
		if pdf := boss.get("/reports/file?as=pdf&what="+what).is(t, http.StatusOK); !strings.HasPrefix(pdf.body, "%PDF-") || pdf.head.Get("Content-Type") != "application/pdf" {
			t.Errorf("%s: %.40q", what, pdf.body)
		}
	}
	log := boss.get("/reports/queuelog").is(t, http.StatusOK).has(t, "|agent|CONNECT|9|", "|ABANDON|", "|ENTERQUEUE||n-").lacks(t, "p-sample", "7654")
	if n := strings.Count(log.body, "\n"); n != 3*3+2*2 {
		t.Errorf("%d lines:\n%s", n, log.body)
	}
	leader.get("/reports/queuelog").is(t, http.StatusForbidden)
	open(t, r)
	boss.get("/reports/queuelog").is(t, http.StatusOK).has(t, "|"+string(bruno)+"|CONNECT|")
	boss.get("/reports?what=people").is(t, http.StatusOK).has(t, "Bruno Bianchi")
}

// TestFiguresOfPeopleLeaveTheBoxWithTheManager: with an agreement a leader reads them
// on the page, but takes them nowhere; and who they are about reads that they were
// taken.
func TestFiguresOfPeopleLeaveTheBoxWithTheManager(t *testing.T) {
	r := newRig(t, true)
	morning(r, 3, 0)
	open(t, r)
	ways := []string{"/reports/file?what=people&as=csv", "/reports/file?what=people&as=pdf", "/api/v1/reports?what=people"}
	leader := r.as(anna)
	leader.get("/reports?what=people").is(t, http.StatusOK).has(t, "Bruno Bianchi").lacks(t, "/reports/file")
	leader.get("/reports?what=team").is(t, http.StatusOK).has(t, "/reports/file")
	for _, way := range ways {
		leader.get(way).is(t, http.StatusForbidden).lacks(t, "Bruno")
	}
	looks := func(wanted string) map[string]int { // until one is written down: nobody waits for the disk
		t.Helper()
		n := map[string]int{}
		for range 500 {
			list, err := r.people.Looks(t.Context(), bruno, time.Time{}, 100)
			if err != nil {
				t.Fatal(err)
			}
			clear(n)
			for _, l := range list {
				n[string(l.Who)+" "+l.What]++
			}
			if n[wanted] > 0 {
				return n
			}
			r.log.Append("", journal.BreakProposed{Agent: carla})
			r.settle()
		}
		t.Errorf("no %s in %v", wanted, n)
		return n
	}
	if n := looks(string(anna) + " " + privacy.LookFigures); n[string(anna)+" "+privacy.LookExport] != 0 || n[string(dario)+" "+privacy.LookExport] != 0 {
		t.Errorf("after the leader: %v", n)
	}
	boss := r.as(dario)
	boss.get("/reports?what=people").is(t, http.StatusOK).has(t, "/reports/file")
	boss.get(ways[0]).is(t, http.StatusOK).has(t, "Bruno Bianchi")
	boss.get(ways[2]).is(t, http.StatusOK).has(t, "Bruno Bianchi")
	looks(string(dario) + " " + privacy.LookExport)
}

// open records an agreement.
func open(t *testing.T, r *rig) {
	t.Helper()
	if err := r.people.Record(context.Background(), privacy.Viewer{Subject: dario, Role: office.RoleManager}, privacy.Agreement{Kind: privacy.UnionDeal, Date: "2026-03-01"}); err != nil {
		t.Fatal(err)
	}
}

// TestPeopleToCallBack: one press takes a caller and calls; a second person is told
// so; who gets through leaves the list.
func TestPeopleToCallBack(t *testing.T) {
	var called []string
	var refuse error
	r := newRig(t, true, func(d *ui.Deps) {
		d.Dial = func(_ context.Context, by, party journal.SubjectID) (journal.CallID, error) {
			called = append(called, string(by)+" "+string(party))
			return "c-77", refuse
		}
	})
	morning(r, 1, 2)
	b, c := r.as(bruno), r.as(carla)
	b.get("/").has(t, "Da richiamare", "02 7654 0000", "02 7654 0001", "ha rinunciato aspettando")
	r.as(tech).get("/").lacks(t, `action="/recall/take"`)
	one := string(r.people.Number("+390276540000"))
	two := string(r.people.Number("+390276540001"))
	b.post("/recall/take", url.Values{"caller": {one}, "back": {"/recall"}}).is(t, http.StatusOK).has(t, "Squilla il tuo telefono", "Fatto")
	if len(called) != 1 || called[0] != string(bruno)+" "+one {
		t.Fatalf("called %v", called)
	}
	c.get("/recall").has(t, "lo richiama un operatore").lacks(t, "Bruno")
	c.post("/recall/take", url.Values{"caller": {one}}).has(t, "già richiamando qualcun altro")
	if p := c.post("/api/v1/recall/take", url.Values{"caller": {one}}).is(t, http.StatusConflict); len(called) != 1 || !strings.Contains(p.body, "E-TAKEN") {
		t.Errorf("called %v, %s", called, p.body)
	}
	refuse = ui.ErrNoPhone
	c.post("/recall/take", url.Values{"caller": {two}}).has(t, "Nessun tuo telefono è collegato")
	c.post("/api/v1/recall/take", url.Values{"caller": {two}}).is(t, http.StatusConflict).has(t, "E-DIAL-PHONE")
	refuse = ui.ErrNotAllowed
	c.post("/api/v1/recall/take", url.Values{"caller": {two}}).is(t, http.StatusForbidden).has(t, "E-DIAL-RIGHT")
	refuse = errors.New("cut")
	c.post("/api/v1/recall/take", url.Values{"caller": {two}}).is(t, http.StatusServiceUnavailable).has(t, "E-DIAL-FAILED")
	refuse = nil
	var list api.Recall
	if err := json.Unmarshal([]byte(c.get("/api/v1/recall").is(t, http.StatusOK).body), &list); err != nil || list.All != 2 || !list.Call {
		t.Fatalf("%+v %v", list, err)
	}
	for _, p := range list.People {
		if p.Taken != (p.ID == one) || p.Mine || len(p.Tries) != 1 || p.Longest != 47 || p.Dial == "" {
			t.Errorf("%+v", p)
		}
	}
	// He is reached.
	r.log.Append("o-1", journal.CallStarted{Direction: journal.Outbound, From: bruno, To: journal.SubjectID(one)})
	r.log.Append("o-1", journal.CallEnded{Talk: time.Minute})
	r.figures()
	c.get("/recall").lacks(t, "02 7654 0000").has(t, "02 7654 0001")
	c.post("/recall/take", url.Values{"caller": {one}}).has(t, "Non è più da richiamare")
	c.post("/recall/done", url.Values{"caller": {two}, "why": {"noNeed"}}).has(t, "Tolto dall", "Nessuno da richiamare")
	c.post("/recall/done", url.Values{"caller": {two}, "why": {"made up"}}).is(t, http.StatusBadRequest)
	c.post("/recall/take", url.Values{"caller": {string(anna)}}).is(t, http.StatusBadRequest)
	r.as(tech).get("/recall").is(t, http.StatusForbidden)
}

// TestPlanPage: typed figures give the golden numbers; nonsense is told beside its
// field.
func TestPlanPage(t *testing.T) {
	r := newRig(t, true)
	b := r.as(anna)
	b.get("/plan").is(t, http.StatusOK).has(t, "Non ci sono ancora chiamate")
	var p api.Plan
	got := b.get("/api/v1/plan?calls=5,30,60%0A9:00+100&handle=240&patience=120&abandons=5&level=80&threshold=20").is(t, http.StatusOK)
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatal(err)
	}
	want := map[int][2]string{0: {"3", "2"}, 1: {"7", "7"}, 2: {"11", "11"}}
	for i, w := range want {
		c := p.Table.Rows[i].Cells
		if c[2].Text != w[0] || c[9].Text != w[1] {
			t.Errorf("row %d: %s people, %s by C", i, c[2].Text, c[9].Text)
		}
	}
	if len(p.Text) != 3 || p.Table.Rows[3].Cells[0].Text != "09:00" || p.Table.Rows[0].Cells[7].Text == "–" {
		t.Errorf("%+v", p)
	}
	b.get("/plan?calls=many").is(t, http.StatusUnprocessableEntity).has(t, "Numeri interi da 0 a 1000")
	b.get("/plan?handle=1").is(t, http.StatusUnprocessableEntity).has(t, "Un numero intero da 5 a 3600")
	b.get("/api/v1/plan?handle=x").is(t, http.StatusBadRequest)
	r.as(carla).get("/plan").is(t, http.StatusForbidden)
}

// TestWithoutAReader: a box that was built without one has no such pages.
func TestWithoutAReader(t *testing.T) {
	r := newRig(t, true, func(d *ui.Deps) { d.Reports = nil })
	b := r.as(dario)
	for _, path := range []string{"/reports", "/recall", "/plan", "/reports/file?as=pdf", "/api/v1/reports", "/api/v1/recall"} {
		b.get(path).is(t, http.StatusNotFound)
	}
	b.get("/").is(t, http.StatusOK).lacks(t, `href="/reports"`, `href="/recall"`)
}
