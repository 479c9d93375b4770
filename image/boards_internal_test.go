package main

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/board"
)

// rpiTrees are the device trees that the firmware looks for in the slot, by board.
var rpiTrees = map[string][]string{
	"rpi3b":     {"bcm2710-rpi-3-b.dtb", "bcm2710-rpi-3-b-plus.dtb"},
	"rpizero2w": {"bcm2710-rpi-zero-2-w.dtb"},
	"rpi4b":     {"bcm2711-rpi-4-b.dtb"},
	"rpi400":    {"bcm2711-rpi-400.dtb"},
	"rpicm4":    {"bcm2711-rpi-cm4.dtb"},
	"rpi5":      {"bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb", "overlays/bcm2712d0.dtbo"},
	"rpi500":    {"bcm2712-rpi-500.dtb", "overlays/bcm2712d0.dtbo"},
	"rpicm5":    {"bcm2712-rpi-cm5-cm5io.dtb", "bcm2712-rpi-cm5-cm4io.dtb", "bcm2712-rpi-cm5l-cm5io.dtb", "bcm2712-rpi-cm5l-cm4io.dtb", "overlays/bcm2712d0.dtbo"},
}

func TestTheSlotHoldsTheTreesOfEveryRaspberry(t *testing.T) {
	known := 0
	for _, b := range board.Boards {
		if !strings.HasPrefix(b.Name, "rpi") {
			continue
		}
		known++
		if len(rpiTrees[b.Name]) == 0 {
			t.Errorf("nobody says what %s needs in its slot", b.Title)
		}
		for _, tree := range rpiTrees[b.Name] {
			if !slices.Contains(piKernel.trees, tree) {
				t.Errorf("%s starts with %s, which is not in the slot", b.Title, tree)
			}
		}
	}
	if known != len(rpiTrees) {
		t.Errorf("%d boards, trees of %d", known, len(rpiTrees))
	}
}

// TestConfigOfTheFirmware reads config.txt as the firmware does, line by line.
func TestConfigOfTheFirmware(t *testing.T) {
	tg, ok := targetByName("rpi")
	if !ok {
		t.Fatal("no image for the Raspberry Pi")
	}
	section, of := "[all]", map[string]string{}
	for line := range strings.Lines(tg.config) {
		line = strings.TrimSuffix(line, "\n")
		switch name, value, assigned := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = line
		case strings.HasPrefix(line, "initramfs "):
			of["initramfs"] = section
		case !assigned || strings.ContainsAny(line, " \t"):
			t.Errorf("the firmware does not understand %q", line)
		case name == "dtoverlay":
			overlay, _, _ := strings.Cut(value, ",")
			for _, file := range []string{"overlays/" + overlay + ".dtbo", "overlays/overlay_map.dtb"} {
				if !slices.Contains(piKernel.trees, file) {
					t.Errorf("%s is asked for in section %s, %s is not in the slot", overlay, section, file)
				}
			}
			of[name] = section
		default:
			of[name] = section
		}
	}
	if section != "[all]" {
		t.Errorf("it ends in the section %s: what firmware or people add would count there alone", section)
	}
	for name, want := range map[string]string{"arm_64bit": "[all]", "kernel": "[all]", "initramfs": "[all]", "enable_uart": "[all]", "otg_mode": "[cm4]", "dtoverlay": "[cm5]"} {
		if of[name] != want {
			t.Errorf("%s stands in section %q, not %s", name, of[name], want)
		}
	}
}

// TestBoardsThatAreAskedFor: a name on a kernel's command line must be one of the table.
func TestBoardsThatAreAskedFor(t *testing.T) {
	for _, tg := range targets {
		_, asked := board.Asked(tg.cmdline)
		if asked != strings.Contains(tg.cmdline, "centralino.board") {
			t.Errorf("%s: the command line is %q", tg.name, tg.cmdline)
		}
	}
}

// TestListForImager asks for what its schema requires of a system, version 4.
func TestListForImager(t *testing.T) {
	tg, _ := targetByName("rpi")
	for _, c := range []struct{ name, place, url, icon string }{
		{"nobody says where it is published", "", "centralino-rpi.img.xz", "centralino-rpi.icon.svg"},
		{"it is published", "https://example.org/c/", "https://example.org/c/centralino-rpi.img.xz", "https://example.org/c/centralino-rpi.icon.svg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &build{options: options{target: tg, version: "v1", out: t.TempDir(), place: c.place, made: time.Unix(1795000000, 0).UTC()}, sum: strings.Repeat("0", 64)}
			if err := os.WriteFile(b.name("img.xz"), []byte("packed"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := b.writeImager(); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(b.name("imager.json"))
			if err != nil {
				t.Fatal(err)
			}
			var list struct {
				Systems []map[string]any `json:"os_list"`
			}
			if err := json.Unmarshal(text, &list); err != nil || len(list.Systems) != 1 {
				t.Fatalf("%v in %s", err, text)
			}
			s := list.Systems[0]
			for _, field := range []string{"name", "description", "icon", "url", "extract_size", "extract_sha256", "image_download_size", "release_date", "devices"} {
				if s[field] == nil {
					t.Errorf("it lacks %s", field)
				}
			}
			if s["url"] != c.url || s["icon"] != c.icon || s["init_format"] != "none" || s["image_download_size"] != 6.0 || s["release_date"] != "2026-11-18" {
				t.Errorf("%s", text)
			}
			if picture, err := os.ReadFile(b.name("icon.svg")); err != nil || xml.Unmarshal(picture, new(struct{})) != nil {
				t.Errorf("the picture is %q, %v", picture, err)
			}
		})
	}
}
