package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"centralino/board"
	"centralino/board/led"
)

// drawing is what a test reads of a picture: texts, wires and pins by the group they are in.
type drawing struct {
	texts map[string]string
	wires map[string]string    // path of the group's wire
	pins  map[string][3]string // of the header by id: x, y and class
}

// readDrawing parses a picture. Groups are not nested in them.
func readDrawing(t *testing.T, name string) drawing {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := drawing{map[string]string{}, map[string]string{}, map[string][3]string{}}
	group, style := "", ""
	for x := xml.NewDecoder(f); ; {
		token, err := x.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			is := map[string]string{}
			for _, a := range e.Attr {
				is[a.Name.Local] = a.Value
			}
			switch {
			case e.Name.Local == "g":
				group = is["id"]
			case e.Name.Local == "circle" && is["id"] != "":
				d.pins[is["id"]] = [3]string{is["cx"], is["cy"], is["class"]}
			case strings.HasSuffix(is["class"], " wire"):
				d.wires[group] = is["d"]
			case e.Name.Local == "style":
				group = "style"
			}
		case xml.EndElement:
			if e.Name.Local == "g" || e.Name.Local == "style" {
				group = ""
			}
		case xml.CharData:
			if d.texts[group] += string(e) + "\n"; group == "style" {
				style += string(e)
			}
		}
	}
	if !strings.Contains(style, "prefers-color-scheme: dark") || d.texts[""] == "" {
		t.Errorf("%s cannot be read in the dark, or has no title", name)
	}
	return d
}

// grounds are the pins of the header that are connected to ground.
var grounds = []int{6, 9, 14, 20, 25, 30, 34, 39}

// TestPicturesShowTheTableOfBoards: a pin in a picture or in the guide's table that is not
// the board's would be soldered.
func TestPicturesShowTheTableOfBoards(t *testing.T) {
	d := readDrawing(t, "wiring-lamps.svg")
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	of, err := board.ByName("rpi4b") // all are wired alike, see the tests of board
	if err != nil {
		t.Fatal(err)
	}
	part := regexp.MustCompile(`piedino (\d+) \(GPIO (\d+)\)`)
	check := func(group, row string, p board.Pin, on string) {
		_, gpio, _ := strings.Cut(p.Name, "/")
		want := []string{fmt.Sprint(p.Header), gpio}
		if got := part.FindStringSubmatch(d.texts[group]); got == nil || !slices.Equal(got[1:], want) {
			t.Errorf("%s: the picture says %q, the board %v", group, strings.TrimSpace(d.texts[group]), want)
		}
		if !strings.HasPrefix(d.wires[group], "M"+d.place(p.Header)) {
			t.Errorf("%s: the wire begins at %.12s, pin %d is at %s", group, d.wires[group], p.Header, d.place(p.Header))
		}
		line := regexp.MustCompile(`(?m)^\| ` + row + ` \| (\d+) \| (\d+) \|.*\| (.*) \|$`).FindStringSubmatch(string(text))
		if line == nil || !slices.Equal(line[1:3], want) || line[3] != on {
			t.Errorf("%s: the guide's table says %q, the board %v, on at %s", group, line, want, on)
		}
	}
	for lamp, row := range map[board.Lamp]string{board.Status: `STATUS \(STATO\)`, board.Lines: `LINES \(LINEE\)`, board.Calls: `CALLS \(CHIAMATE\)`} {
		check(string(lamp), row, of.LEDs[lamp], "3.3 V")
		if of.LEDs[lamp].On != board.High {
			t.Errorf("%s is lit at %s", lamp, of.LEDs[lamp].On)
		}
	}
	check("button", `button \(PULSANTE\)`, of.Button, "ground")
	if of.Button.On != board.Low {
		t.Errorf("the button is pressed at %s", of.Button.On)
	}
	for _, p := range of.Relays {
		_, gpio, _ := strings.Cut(p.Name, "/")
		if want := fmt.Sprintf("%d (GPIO %s)", p.Header, gpio); !strings.Contains(d.texts["notes"], want) {
			t.Errorf("the picture does not keep %s free", want)
		}
	}
	ground := regexp.MustCompile(`massa: piedino (\d+)`)
	for _, group := range []string{"ground-lamps", "ground-button"} {
		var pin int
		if m := ground.FindStringSubmatch(d.texts[group]); m != nil {
			_, _ = fmt.Sscan(m[1], &pin)
		}
		if !slices.Contains(grounds, pin) || !strings.HasPrefix(d.wires[group], "M"+d.place(pin)) || !strings.Contains(string(text), fmt.Sprintf("ground (pin %d)", pin)) {
			t.Errorf("%s: pin %d, wire %.12s", group, pin, d.wires[group])
		}
	}
}

// place is where a pin is drawn.
func (d drawing) place(pin int) string {
	p := d.pins[fmt.Sprint("p", pin)]
	return p[0] + " " + p[1]
}

// TestTheDrawnHeaderIsThatOfTheRaspberry checks place and kind of all its pins.
func TestTheDrawnHeaderIsThatOfTheRaspberry(t *testing.T) {
	d := readDrawing(t, "wiring-lamps.svg")
	if len(d.pins) != 40 {
		t.Errorf("the header has %d pins", len(d.pins))
	}
	kinds := map[int]string{1: "v3", 17: "v3", 2: "v5", 4: "v5", 11: "used", 13: "used", 15: "used", 16: "used"}
	for _, n := range grounds {
		kinds[n] = "gnd"
	}
	for n := 1; n <= 40; n++ {
		x, y := 372, 80+25*((n-1)/2)
		if n%2 == 0 {
			x = 408
		}
		if want := strings.TrimSpace("pin " + kinds[n]); d.place(n) != fmt.Sprintf("%d %d", x, y) || d.pins[fmt.Sprint("p", n)][2] != want {
			t.Errorf("pin %d is drawn at %s as %q, not at %d %d as %q", n, d.place(n), d.pins[fmt.Sprint("p", n)][2], x, y, want)
		}
	}
}

func TestThePictureOfPlugsNamesWhatIsPlugged(t *testing.T) {
	d := readDrawing(t, "wiring-plugs.svg")
	for group, want := range map[string]string{"power": "Alimentatore", "card": "microSD", "network": "DHCP", "line": "Modem USB", "lamps": "wiring-lamps.svg"} {
		if !strings.Contains(d.texts[group], want) {
			t.Errorf("%s: %q", group, d.texts[group])
		}
	}
}

// TestTheGuideSaysWhatTheLampsSay compares the guide with the one table of lamps.
func TestTheGuideSaysWhatTheLampsSay(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	told, want := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (STATUS|LINES|CALLS) \| ([A-Z]+) \|`).FindAllStringSubmatch(string(text), -1) {
		told[m[1]+" "+m[2]] = true
	}
	for _, r := range led.Table {
		want[strings.ToUpper(string(r.Lamp))+" "+string(r.Pattern.Kind)] = true
	}
	for w := range want {
		if !told[w] {
			t.Errorf("the guide does not say what %s is", w)
		}
	}
	if len(told) != len(want) {
		t.Errorf("the guide knows %d patterns, the table %d", len(told), len(want))
	}
}
