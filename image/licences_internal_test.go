package main

import (
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
