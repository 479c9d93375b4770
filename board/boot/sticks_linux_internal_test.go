package boot

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestSticksThatComeAndGo(t *testing.T) {
	var present, did []string
	s := &sticks{log: slog.New(slog.DiscardHandler), known: map[string]bool{}, present: func() []string { return present },
		mount: func(name string) (string, error) {
			did = append(did, "+"+name)
			if name == "sdb" {
				return "", errors.New("no file system")
			}
			return "vfat", nil
		},
		unmount: func(name string) error { did = append(did, "-"+name); return errors.New("it is gone") }}
	for _, c := range []struct {
		name    string
		present []string
		did     string
	}{
		{"nothing is there", nil, "[]"},
		{"a stick", []string{"sda1"}, "[+sda1]"},
		{"it stays", []string{"sda1"}, "[]"},
		{"one that cannot be read", []string{"sda1", "sdb"}, "[+sdb]"},
		{"it is not tried again", []string{"sda1", "sdb"}, "[]"},
		{"both are pulled out", nil, "[-sda1]"},
		{"and come back", []string{"sda1", "sdb"}, "[+sda1 +sdb]"},
		{"more than anybody has", []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}, "[-sda1 +a +b +c +d +e +f +g +h]"},
	} {
		present, did = c.present, nil
		if s.look(); fmt.Sprint(did) != c.did {
			t.Errorf("%s: %v, want %s", c.name, did, c.did)
		}
	}
}

func TestWhatIsAStick(t *testing.T) {
	root := t.TempDir()
	blocks := filepath.Join(root, "block")
	disk := func(place, name, size string, parts ...string) {
		for _, dir := range append([]string{name}, parts...) {
			at := filepath.Join(root, "devices", place, name)
			if dir != name {
				at = filepath.Join(at, dir)
			}
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(at, "size"), []byte(size+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			if dir != name {
				if err := os.WriteFile(filepath.Join(at, "partition"), []byte("1\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := os.MkdirAll(blocks, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(root, "devices", place, name), filepath.Join(blocks, name)); err != nil {
			t.Fatal(err)
		}
	}
	disk("platform/mmc1", "mmcblk0", "900000", "mmcblk0p1", "mmcblk0p4")
	disk("pci/usb1/1-1", "sda", "62500000", "sda1", "sda2")
	disk("pci/usb1/1-2", "sdb", "62500000")
	disk("pci/usb1/1-3", "sdc", "0")
	disk("pci/usb2/2-1", "sdd", "900000", "sdd1", "sdd4")
	if got := fmt.Sprint(sticksIn(blocks, "sdd")); got != "[sda1 sda2 sdb]" {
		t.Errorf("sticks %s", got)
	}
}
