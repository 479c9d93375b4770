package arch_test

import (
	"slices"
	"strings"
	"testing"
)

// plan is the list of rooms. A room is built when its issue comes and then stands
// here; a new one needs a sentence that begins with a noun and holds no "and
// various".
var plan = []string{
	"cmd/appliance",
	"hal", "hal/gpio", "hal/serial", "hal/voicemodem", "hal/sim", "hal/haltest",
	"board", "board/led", "board/button", "board/health", "board/update",
	"board/boot",     // first process of the image: mounts, modules, data partition, watchdog, supervision
	"board/network",  // address of the box: DHCP, fixed, link-local
	"board/timesync", // clock of the box
	"image",          // builder of the flashable image, a program of its own
	"pbx", "pbx/call", "pbx/sip", "pbx/dialog", "pbx/registrar", "pbx/lamp", "pbx/trunk", "pbx/sdp", "pbx/media", "pbx/route", "pbx/ivr",
	"pbx/pbxtest", // in-memory twins of the switch's neighbours, for tests of several rooms
	"acd", "acd/engine", "acd/kpi", "acd/report", "acd/sim", "acd/outcome", "acd/survey",
	"ui", "ui/auth", "ui/view", "ui/live", "ui/i18n", "ui/api", "ui/assets", "ui/export", "ui/cti", "ui/chart", "ui/rescue",
	"internal/store", "internal/audio", "internal/office", "internal/journal", "internal/numbering", "internal/privacy",
	"internal/service", "internal/logring", "internal/testbed", "internal/arch",
	"image/bundle",            // makes keys and signs update bundles, a program of its own
	"internal/testbed/bench",  // the measuring run of `make bench`, a program of its own
	"internal/testbed/report", // what `make test` prints, a program of its own
	"internal/testbed/chrome", // Chromium for tests of pages
	"internal/audio/prompts",  // generated sound files with the table of their sentences
}

func TestRoomsAreOnThePlan(t *testing.T) {
	rooms, _ := roomFiles(t)
	for _, r := range rooms {
		if !slices.Contains(plan, r) {
			t.Errorf("room %s is not on the plan", r)
		}
	}
}

// mayImport says which rooms a room may import, by folders; the longest row that
// fits counts. "hal." is the room hal alone, without its drivers.
var mayImport = map[string][]string{
	"cmd":              {"hal", "board", "pbx", "acd", "ui", "internal", "image"},
	"ui":               {"ui", "acd", "pbx", "board", "internal"},
	"acd":              {"acd", "internal"},
	"pbx":              {"pbx", "hal.", "internal"},
	"board":            {"board", "hal.", "internal"},
	"image":            {"board", "internal"},
	"hal":              {"hal.", "internal"},
	"hal/sim":          {"hal.", "hal/sim", "internal"},
	"internal":         {"internal"},
	"internal/testbed": {"internal"},
}

func rulesFor(room string) []string {
	best := ""
	for r := range mayImport {
		if under(room, r) && len(r) > len(best) {
			best = r
		}
	}
	return mayImport[best]
}

func allowed(room, imported string) bool {
	for _, r := range rulesFor(room) {
		if alone, ok := strings.CutSuffix(r, "."); ok {
			if imported == alone {
				return true
			}
		} else if under(imported, r) {
			return true
		}
	}
	return false
}

// forTests are rooms that only tests, and each other, may import.
var forTests = []string{"internal/testbed", "internal/testbed/bench", "internal/testbed/report", "internal/testbed/chrome", "internal/arch", "hal/haltest", "pbx/pbxtest"}

// TestImports: who may import whom. Tests may import concrete drivers and peers,
// but not cmd.
func TestImports(t *testing.T) {
	for _, f := range files(t) {
		for _, imp := range f.imports {
			room, ours := strings.CutPrefix(imp, module+"/")
			if !ours {
				continue
			}
			switch {
			case under(room, "cmd"):
				t.Errorf("%s imports %s: nobody imports cmd", f.path, room)
			case f.test || slices.Contains(forTests, f.room):
			case slices.Contains(forTests, room):
				t.Errorf("%s imports %s, which is for tests", f.path, room)
			case !allowed(f.room, room):
				t.Errorf("%s imports %s: %s may import %v", f.path, room, f.room, rulesFor(f.room))
			}
		}
	}
}

func TestRulesBite(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"acd", "pbx", false}, {"pbx", "acd", false}, {"pbx/media", "hal", true}, {"pbx/media", "hal/gpio", false},
		{"board/led", "hal", true}, {"board/led", "hal/gpio", false}, {"hal/gpio", "hal", true}, {"hal/gpio", "hal/serial", false},
		{"internal/office", "internal/journal", true}, {"internal/office", "hal", false}, {"ui", "hal", false},
		{"ui", "pbx/route", true}, {"cmd/appliance", "hal/sim", true}, {"nowhere", "internal/office", false},
	} {
		if got := allowed(c.from, c.to); got != c.want {
			t.Errorf("%s imports %s: allowed %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// fences keep a module, or a package of the standard library, in its rooms; tests
// says whether tests anywhere may use it too.
var fences = []struct {
	path  string
	rooms []string
	tests bool
}{
	{"github.com/emiago/sipgo", []string{"pbx/sip"}, false},
	{"github.com/pion/rtp", []string{"pbx/media"}, true},
	{"github.com/pion/rtcp", []string{"pbx/media"}, true},
	{"github.com/pion/srtp", []string{"pbx/media"}, true},
	{"github.com/pion/sdp", []string{"pbx/sdp"}, false},
	{"codeberg.org/go-pdf", []string{"ui/export"}, false},
	{"github.com/wneessen/go-mail", []string{"ui/export"}, false},
	{"periph.io/x", []string{"hal/gpio"}, false},
	{"go.bug.st/serial", []string{"hal/serial"}, false},
	{"modernc.org/sqlite", []string{"internal/store"}, false},
	{"github.com/chromedp", []string{"internal/testbed/chrome"}, true},
	{"pgregory.net/rapid", forTests, true},
	{"github.com/google/go-cmp", forTests, true},
	{"os/exec", []string{"internal/testbed", "image"}, false}, // apt, dpkg-deb, xz: what builds the image is never in it
	{"github.com/diskfs", []string{"image"}, false},
	{"plugin", nil, false},
	{"C", nil, false},
	{"testing", forTests, true},
	{"html/template", []string{"ui"}, false},
	{"text/template", []string{"ui", "internal/testbed"}, false},
	{"net/http", []string{"ui", "cmd"}, true},
}

func TestFences(t *testing.T) {
	for _, f := range files(t) {
		for _, imp := range f.imports {
			for _, fence := range fences {
				if !under(imp, fence.path) || f.test && fence.tests {
					continue
				}
				if !slices.ContainsFunc(fence.rooms, func(r string) bool { return under(f.room, r) }) {
					t.Errorf("%s imports %s, which stays in %v", f.path, imp, fence.rooms)
				}
			}
		}
	}
}
