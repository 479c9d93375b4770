package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Image and bundle hold a slot each: what the GNU licences ask for must be in it.
func TestSlotOffersTheSourceOfItsParts(t *testing.T) {
	b := signing(t)
	b.in = &inputs{kernel: []byte("kernel"), builtin: []string{}}
	for _, m := range append(append(append([]string{}, everyModule...), append(forSticks, always...)...), b.target.modules...) {
		b.in.builtin = append(b.in.builtin, moduleName(m))
	}
	packages := []debPackage{kernelImage, checkerPackage, authorityPackage, raspiFirmware}
	for _, p := range packages {
		b.in.use(p)
	}
	for maker, asked := range map[string]string{"": "chi l'ha consegnato.", "Ditta Rossi, sorgenti@example.org": "Rivolgersi a: Ditta Rossi, sorgenti@example.org."} {
		b.maker = maker
		files, err := b.slotFiles()
		if err != nil {
			t.Fatal(err)
		}
		list := string(files[licenceFile])
		for _, p := range packages {
			if !strings.Contains(list, p.name+" "+p.version) || !strings.Contains(list, p.origin) || !strings.Contains(list, p.licence) {
				t.Errorf("%s, its licence or its source is not in the list:\n%s", p.name, list)
			}
		}
		for _, want := range []string{asked, "per tre anni", "for three years", "Written offer"} {
			if !strings.Contains(list, want) {
				t.Errorf("%q does not stand in the list:\n%s", want, list)
			}
		}
		for name, last := range map[string]string{"GPL-2.TXT": "Ty Coon, President of Vice", "LGPL-2.1.TXT": "That's all there is to it!"} {
			if !strings.Contains(string(files[name]), last) {
				t.Errorf("%s is not whole", name)
			}
		}
	}
}

func TestPackedImageThatIsTooLarge(t *testing.T) {
	name := filepath.Join(t.TempDir(), "img.xz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size, fine := range map[int64]bool{packedMost: true, packedMost + 1: false} {
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		if err := smallEnough(name); (err == nil) != fine {
			t.Errorf("%d octets: %v", size, err)
		}
	}
}

// The list of sources beside the image names every package with its sum and source, and
// every module that is linked in, and holds the offer.
func TestListOfSources(t *testing.T) {
	t.Chdir("..")
	b := signing(t)
	var err error
	if b.program, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	b.sum, b.in = strings.Repeat("ab", 32), &inputs{}
	b.in.use(kernelImage)
	b.in.use(checkerPackage)
	if err := b.writeSources(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(b.name("spdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Version  string `json:"spdxVersion"`
		Comment  string
		Packages []spdxPackage
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	if list.Version != "SPDX-2.3" || !strings.Contains(list.Comment, "for three years") {
		t.Errorf("version %q, offer %q", list.Version, list.Comment)
	}
	byName := map[string]spdxPackage{}
	for _, p := range list.Packages {
		byName[p.Name] = p
	}
	for _, p := range []debPackage{kernelImage, checkerPackage} {
		got := byName[p.name]
		if got.Version != p.version || got.Licence != p.licence || got.Source != p.origin || len(got.Checksums) != 1 || got.Checksums[0].Value != p.sha256 {
			t.Errorf("%s: %+v", p.name, got)
		}
	}
	if m := byName["github.com/diskfs/go-diskfs"]; m.Version == "" {
		t.Errorf("a module that is linked in: %+v", m)
	}
	if img := byName["centralino-qemu-virt.img"]; len(img.Checksums) != 1 || img.Checksums[0].Value != b.sum {
		t.Errorf("the image itself: %+v", img)
	}
}
