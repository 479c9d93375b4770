package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/board"
	"centralino/board/health"
	"centralino/internal/testbed"
	"centralino/ui/api"
)

// A computer without pins serves without lamps and says so: at the terminal, in its log,
// and on the page, which shows the lamps instead. Where the board was named, pins that
// cannot be used are a fault; on a computer of which none are expected they are not.
func TestServeWithoutPinsRunsWithoutLampsAndSaysSo(t *testing.T) {
	testbed.Need(t, "ip")
	t.Parallel()
	if model, err := os.ReadFile("/proc/device-tree/model"); err == nil {
		if b, ok := board.Detect(string(model)); ok {
			t.Skipf("this computer is a %s and has pins", b.Title)
		}
	}
	for _, c := range []struct {
		board, says, logs, page string
		fault                   bool
	}{
		{"rpi4b", "Lamps, button   cannot be used (", "lamps or button cannot be used", "Le spie o il pulsante del centralino non si possono usare.", true},
		{"auto", "Lamps, button   none on this computer", "no lamps and no button: the page shows the lamps", "", false},
	} {
		t.Run(c.board, func(t *testing.T) {
			r := &running{t: t, net: testbed.NewNet(t, "a"), data: t.TempDir()}
			r.args = []string{"serve", "-board", c.board, "-data", r.data, "-http", "0.0.0.0:8080", "-https", ""}
			r.start()
			for _, s := range []string{c.says, c.logs} {
				if !strings.Contains(r.proc.Output(), s) {
					t.Errorf("%q is not in:\n%s", s, r.proc.Output())
				}
			}
			w := r.claim()
			if n := len(w.home().Lamps); n != 3 {
				t.Errorf("the page shows %d lamps", n)
			}
			missing := func() bool {
				return slices.ContainsFunc(w.home().Health.Faults, func(f api.Fault) bool { return f.Code == string(health.LampsMissing) })
			}
			if eventually(t, 2*time.Second, missing) != c.fault {
				t.Errorf("faults %+v", w.home().Health.Faults)
			}
			if !strings.Contains(w.get("/").body, c.page) {
				t.Errorf("the page does not say %q", c.page)
			}
		})
	}
}
