package ui_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"centralino/board/update"
	"centralino/internal/journal"
	"centralino/ui"
	"centralino/ui/i18n"
)

// fakeUpdates takes what begins with "good".
type fakeUpdates struct {
	status update.Status
	took   []string
	why    update.Reason // of what is not good
	early  bool          // refuses by the beginning alone
}

func newFakeUpdates(since time.Time) *fakeUpdates {
	return &fakeUpdates{why: update.Tampered, status: update.Status{Phase: update.Idle, Since: since, Running: update.SlotA,
		Slots: map[update.Slot]update.Content{update.SlotA: {Version: "v1.0", Whole: true}, update.SlotB: {Version: "v0.9", Whole: true}}}}
}

func (f *fakeUpdates) Status() update.Status { return f.status }

func (f *fakeUpdates) Accept(_ context.Context, r io.Reader) (update.Manifest, error) {
	if f.early {
		_, _ = io.ReadFull(r, make([]byte, 100))
		return update.Manifest{}, &update.Refusal{Reason: f.why}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return update.Manifest{}, &update.Refusal{Reason: update.Truncated, Err: err}
	}
	if !strings.HasPrefix(string(b), "good") {
		return update.Manifest{}, &update.Refusal{Reason: f.why}
	}
	f.took = append(f.took, string(b))
	return update.Manifest{Version: "v2.0", Release: 2}, nil
}

func (f *fakeUpdates) Cancel() bool { return f.status.Phase == update.Waiting }

func (f *fakeUpdates) Sticks() []string { return []string{"sda1/centralino-v2.bundle"} }

func (f *fakeUpdates) Stick(name string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("good " + name)), nil
}

// raw sends a body as it is.
func (b *browser) raw(path, content string) page {
	b.r.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, b.r.http.URL+path, strings.NewReader(content))
	req.Header.Set("Origin", b.r.http.URL)
	return b.send(req)
}

// updateEvents are what the journal tells of updates, in order.
func updateEvents(t *testing.T, r *rig) (out []journal.UpdateChanged) {
	t.Helper()
	if err := r.log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := r.log.Replay(t.Context(), 1, func(e journal.Event) error {
		if u, ok := e.Payload.(journal.UpdateChanged); ok {
			out = append(out, u)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUpdateByPageStickAndInterface(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	b.get("/system").has(t, "/system/update")
	b.get("/system/update").has(t, "v1.0", "v0.9", "Aggiornamento", "sda1/centralino-v2.bundle", "non si annulla")
	b.upload("/system/update", "file", []byte("good page")).has(t, "Il file è buono")
	b.post("/system/update/stick", url.Values{"name": {"sda1/centralino-v2.bundle"}}).has(t, "Il file è buono")
	b.post("/system/update/stick", url.Values{"name": {"../../etc/passwd"}}).is(t, http.StatusUnprocessableEntity)
	r.as(dario).raw("/api/v1/update", "good api").has(t, `"phase"`)
	if want := []string{"good page", "good sda1/centralino-v2.bundle", "good api"}; strings.Join(r.updates.took, ",") != strings.Join(want, ",") {
		t.Errorf("the updater got %q, want %q", r.updates.took, want)
	}
	p := b.upload("/system/update", "file", []byte("bad"))
	p.is(t, http.StatusUnprocessableEntity)
	p.has(t, "La firma non corrisponde")
	r.updates.why = update.Busy
	p = b.raw("/api/v1/update", "bad")
	p.is(t, http.StatusConflict)
	p.has(t, `"code":"update.busy"`)
	b.upload("/system/update", "file", []byte("")).is(t, http.StatusConflict)
	var got []string
	for _, e := range updateEvents(t, r) {
		got = append(got, e.What+" "+e.Version+" "+e.Reason+" "+string(e.By)+" "+e.Source)
	}
	want := []string{"accepted v2.0  p-tech page", "accepted v2.0  p-tech stick", "accepted v2.0  p-sample-dario api",
		"refused  tampered p-tech page", "refused  busy p-tech api", "refused  busy p-tech page"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the journal holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A bundle that is refused by its first octets comes in to its end: who still sends would
// otherwise read no answer.
func TestRefusedUpdateComesInToItsEnd(t *testing.T) {
	r := newRig(t, true)
	r.updates.early = true
	b := r.as(tech)
	const size = 24 << 20 // more than what lies on the way
	body := &io.LimitedReader{R: zeros{}, N: size}
	req, _ := http.NewRequest(http.MethodPost, r.http.URL+"/api/v1/update", body)
	req.Header.Set("Origin", r.http.URL)
	if p := b.send(req); p.status != http.StatusUnprocessableEntity || body.N != 0 {
		t.Errorf("it is answered with %d, %d octets of %d were not taken", p.status, body.N, size)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestUpdatePageTellsHowFarItIs(t *testing.T) {
	r := newRig(t, true)
	st := r.updates.status
	st.Phase, st.Calls, st.Version, st.Since = update.Waiting, 2, "v2.0", time.Now().Add(-time.Minute)
	r.updates.status = st
	b := r.as(tech)
	b.get("/system/update").has(t, "Aspetta che finiscano le chiamate", "2 chiamate", "Annulla l&#39;aggiornamento", "v2.0")
	b.post("/system/update/cancel", nil).has(t, "è stato annullato")
	st.Phase, st.Calls, st.Done, st.Total = update.Writing, 0, 25, 100
	r.updates.status = st
	b.get("/system/update").has(t, "25 %", "Scrive la nuova versione")
	st.Phase = update.Idle
	st.Last = &update.Result{Outcome: update.RolledBack, Version: "v2.0", Why: "sip stable", At: time.Now()}
	st.Problem = update.Medium
	r.updates.status = st
	b.get("/system/update").has(t, "è tornata quella di prima", "i telefoni (SIP)", "memoria è da cambiare")
	b.get("/api/v1/update").has(t, `"lacking":["i telefoni (SIP)"`, `"id":"rolledBack"`, `"id":"medium"`)
}

// TestUpdateTexts: whatever the updater says has words in both languages.
func TestUpdateTexts(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, r := range update.Reasons {
		keys = append(keys, "update.refused."+string(r))
	}
	for _, p := range []update.Phase{update.Idle, update.Proving, update.Receiving, update.Waiting, update.BackingUp, update.Writing, update.Checking, update.Restarting} {
		keys = append(keys, "update.phase."+string(p))
	}
	for _, o := range []update.Outcome{update.Committed, update.RolledBack, update.NotStarted, update.Returned} {
		keys = append(keys, "update.outcome."+string(o))
	}
	for _, lang := range i18n.Languages {
		for _, k := range keys {
			if p := texts.Choose(lang, ""); !p.Has(k) {
				t.Errorf("%s is not in %s", k, lang)
			}
		}
	}
}

// TestBoxWithoutUpdates has no such page.
func TestBoxWithoutUpdates(t *testing.T) {
	r := newRig(t, true, func(d *ui.Deps) { d.Updates = nil })
	b := r.as(tech)
	b.get("/system/update").is(t, http.StatusNotFound)
	b.get("/api/v1/update").is(t, http.StatusNotFound)
	b.upload("/system/update", "file", []byte("good")).is(t, http.StatusNotFound)
	if p := b.get("/system"); strings.Contains(p.body, "/system/update") {
		t.Error("the page about the system leads to it")
	}
}
