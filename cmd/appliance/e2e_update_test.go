package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"centralino/board/update"
	"centralino/internal/testbed"
	"centralino/ui/api"
)

// TestUpdateOfASimulatedBox brings a bundle by the interface: the box installs it,
// starts from the other slot and commits it; the next version is killed on trial, and
// the one before comes back.
func TestUpdateOfASimulatedBox(t *testing.T) {
	t.Parallel()
	slots := t.TempDir()
	file, err := update.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := update.ParsePrivateKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(slots, simKeyName), []byte(update.PublicText(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	bundle := func(version string, release uint64) []byte {
		image := bytes.Repeat([]byte(version+" "), 1<<19)
		var out bytes.Buffer
		m := update.Manifest{Version: version, Release: release, Boards: []string{simImage}}
		if err := update.Make(&out, m, bytes.NewReader(image), int64(len(image)/512*512), key); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	r := startBox(t, testbed.NewNet(t), "-slots", slots)
	r.linesReady()
	w := r.claim()
	send := func(file []byte, status int) {
		t.Helper()
		resp, err := w.c.Post("http://10.77.0.1:8080/api/v1/update", "application/octet-stream", bytes.NewReader(file))
		if a := w.read(resp, err); a.status != status {
			t.Fatalf("the bundle is answered with %d %s, want %d", a.status, a.body, status)
		}
	}
	// state is what the box tells; nothing while it starts anew.
	state := func() (s api.Update) {
		resp, err := w.c.Get("http://10.77.0.1:8080/api/v1/update")
		if err != nil {
			return s
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			_ = json.NewDecoder(resp.Body).Decode(&s) // half an answer is none
		}
		return s
	}
	until := func(what string, yes func(s api.Update) bool) {
		t.Helper()
		if !eventually(t, 90*time.Second, func() bool { return yes(state()) }) {
			t.Fatalf("%s: %+v\n%s", what, state(), r.proc.Output())
		}
	}
	good := bundle("v2", 2)
	bad := bytes.Clone(good)
	bad[len(bad)-1] ^= 1
	send(bad, http.StatusUnprocessableEntity)
	send(good, http.StatusOK)
	until("v2 is not committed", func(s api.Update) bool {
		return s.Phase.ID == string(update.Idle) && s.Last != nil && s.Last.Outcome.ID == string(update.Committed) && s.Slots[1].State.ID == "runs" && s.Slots[1].Version == "v2"
	})
	send(bundle("v1", 1), http.StatusUnprocessableEntity)
	send(bundle("v3", 3), http.StatusOK)
	until("v3 is not on trial", func(s api.Update) bool { return s.Phase.ID == string(update.Proving) })
	r.proc.Kill()
	<-r.proc.Done()
	r.start()
	until("v2 is not back", func(s api.Update) bool {
		return s.Last != nil && s.Last.Outcome.ID == string(update.RolledBack) && s.Last.Version == "v3" && s.Slots[1].State.ID == "runs" && s.Slots[0].State.ID == "empty"
	})
	sel, err := os.ReadFile(filepath.Join(slots, "selector"))
	if err != nil || !bytes.Equal(sel, update.FormatSelector(update.SlotB)) {
		t.Errorf("the selector holds %q, %v", sel, err)
	}
}
