package ui_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"centralino/acd/outcome"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/ui"
)

// dialler is a box that writes down whom it is to call, and the answer of its switch.
type dialler struct {
	*rig
	mu   sync.Mutex
	did  []string
	next error
}

func newDialler(t *testing.T) *dialler {
	d := &dialler{}
	d.rig = furnished(t, func(deps *ui.Deps) {
		deps.Dial = func(_ context.Context, who, party journal.SubjectID) (journal.CallID, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.did = append(d.did, string(who)+" "+string(party))
			return "c-77", d.next
		}
	})
	d.givesUp()
	return d
}

// wish asks for a call with JSON, as a program.
func (d *dialler) wish(token, body string) page {
	d.t.Helper()
	return d.with(token, http.MethodPost, "/api/v1/dial", func(q *http.Request) {
		*q = *mustRequest(d.t, d.http.URL+"/api/v1/dial", body)
		q.Header.Set("Authorization", "Bearer "+token)
		q.Header.Set("Content-Type", "application/json; charset=utf-8")
	})
}

func mustRequest(t testing.TB, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestProgramsCallWhomTheirOwnersMay(t *testing.T) {
	d := newDialler(t)
	mine := d.card(outcome.Customer{Name: "Cliente Mio"}, ofBruno)
	never := d.card(outcome.Customer{Name: "Mai chiamato"}, nobodys)
	his, hers, chief := d.program(bruno, "dial"), d.program(carla, "dial"), d.program(dario, "dial")
	party := string(bruno) + " " + string(d.people.Number(ofBruno))
	for _, c := range []struct {
		name, token, body string
		status            int
		has               string
	}{
		{"a number that the owner talked with", his, `{"number":"02 9876 5432"}`, 200, `{"call":"c-77"}`},
		{"the same from an own extension", his, `{"number":"+390298765432","from":"202"}`, 200, `"c-77"`},
		{"from an own phone", his, `{"number":"+390298765432","from":"device-2"}`, 200, `"c-77"`},
		{"by the call", his, `{"contact":"c-0"}`, 200, `"c-77"`},
		{"by the card", his, `{"contact":"` + mine + `"}`, 200, `"c-77"`},
		{"while somebody else calls him", chief, `{"number":"0298765432"}`, 409, "E-TAKEN"},
		{"from somebody else's extension", his, `{"number":"+390298765432","from":"201"}`, 403, "E-DIAL-FROM"},
		{"from somebody else's phone", his, `{"number":"+390298765432","from":"device-1"}`, 403, "E-DIAL-FROM"},
		{"a number that is not the owner's to know", hers, `{"number":"0298765432"}`, 404, "E-404"},
		{"a call of somebody else's", hers, `{"contact":"c-0"}`, 404, "E-404"},
		{"somebody else's card", hers, `{"contact":"` + mine + `"}`, 404, "E-404"},
		{"a number that nobody knows", his, `{"number":"0288888888"}`, 404, "E-404"},
		{"somebody who never called", chief, `{"contact":"` + never + `"}`, 403, "E-DIAL-NEVER"},
		{"… by the number", chief, `{"number":"0277777777"}`, 403, "E-DIAL-NEVER"},
		{"an emergency number", chief, `{"number":"112"}`, 422, "E-DIAL-NUMBER"},
		{"a colleague's extension", chief, `{"number":"203"}`, 422, "E-DIAL-NUMBER"},
		{"a call among colleagues", chief, `{"contact":"c-4"}`, 404, "E-404"},
		{"a call that never was", chief, `{"contact":"c-x"}`, 404, "E-404"},
		{"a card that is not there", chief, `{"contact":"k-x"}`, 404, "E-404"},
		{"words", chief, `{"number":"<b>Mario</b>"}`, 422, "E-DIAL-NUMBER"},
		{"nobody", his, `{}`, 400, "E-DIAL-FORM"},
		{"nothing", his, ``, 400, "E-DIAL-FORM"},
		{"two", his, `{"number":"0298765432","contact":"c-0"}`, 400, "E-DIAL-FORM"},
		{"in a list", his, `[{"number":"0298765432"}]`, 400, "E-DIAL-FORM"},
		{"twice", his, `{"number":"0298765432"}{"number":"0298765432"}`, 400, "E-DIAL-FORM"},
		{"with more than is asked for", his, `{"number":"0298765432","as":"p-tech"}`, 400, "E-DIAL-FORM"},
		{"a very long one", his, `{"number":"` + strings.Repeat("0", 300) + `"}`, 400, "E-DIAL-FORM"},
		{"a huge one", his, `{"number":"` + strings.Repeat("0", 100<<10) + `"}`, 413, "E-413"},
	} {
		if p := d.wish(c.token, c.body); p.status != c.status || !strings.Contains(p.body, c.has) {
			t.Errorf("%s: %d %s", c.name, p.status, p.body)
		}
	}
	if len(d.did) != 5 || d.did[0] != party || d.did[4] != party {
		t.Errorf("dialled %v", d.did)
	}

	// A form does, too, and a login; another scope does not, nor does who is nobody.
	d.as(bruno).post("/api/v1/dial", map[string][]string{"contact": {"c-0"}}).is(t, http.StatusOK).has(t, "c-77")
	d.wish(d.program(bruno, "events customers"), `{"contact":"c-0"}`).is(t, http.StatusForbidden).has(t, "E-SCOPE")
	d.as("").post("/api/v1/dial", map[string][]string{"contact": {"c-0"}}).is(t, http.StatusUnauthorized)
	if len(d.did) != 6 {
		t.Errorf("dialled %v", d.did)
	}
	d.settle()
	taken := 0
	if err := d.log.Replay(context.Background(), 0, func(e journal.Event) error {
		if p, ok := e.Payload.(journal.RecallTaken); ok && p.By == bruno {
			taken++
		}
		return nil
	}); err != nil || taken == 0 {
		t.Errorf("taken %d times in the journal, %v", taken, err)
	}
}

func TestProgramsHearWhyACallCannotBeMade(t *testing.T) {
	d := newDialler(t)
	his := d.program(bruno, "dial")
	for _, c := range []struct {
		name   string
		next   error
		desk   error
		status int
		code   string
	}{
		{"no phone", ui.ErrNoPhone, nil, 409, "E-DIAL-PHONE"},
		{"not his to dial", ui.ErrNotAllowed, nil, 403, "E-DIAL-RIGHT"},
		{"the line is cut", errors.New("cut"), nil, 503, "E-DIAL-FAILED"},
		{"he waits on the line", nil, report.ErrBusy, 409, "E-DIAL-BUSY"},
		{"now it works", nil, nil, 200, "c-77"},
	} {
		d.mu.Lock()
		d.next = c.next
		d.mu.Unlock()
		d.box.set(func(b *fakeBox) { b.atDesk = c.desk })
		if p := d.wish(his, `{"contact":"c-0"}`); p.status != c.status || !strings.Contains(p.body, c.code) {
			t.Errorf("%s: %d %s", c.name, p.status, p.body)
		}
	}
}

// FuzzDialWish: whatever a program sends, either it is refused or one party is meant.
func FuzzDialWish(f *testing.F) {
	for _, s := range []string{`{"number":"0298765432"}`, `{"contact":"c-0","from":"202"}`, `{}`, `null`, `{"number":1}`, "\xff", `{"number":"a"} x`, `{"NUMBER":"1"}`} {
		f.Add(s, "application/json")
	}
	f.Add("number=1", "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, body, kind string) {
		req := httptest.NewRequest(http.MethodPost, "/api/v1/dial", strings.NewReader(body))
		req.Header.Set("Content-Type", kind)
		_ = req.ParseForm()
		w, err := ui.ReadDial(req)
		if err == nil && ((w.Number == "") == (w.Contact == "") || len(w.Number+w.Contact+w.From) > 200) {
			t.Errorf("%q is taken as %+v", body, w)
		}
	})
}
