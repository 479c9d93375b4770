package main

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strings"
)

// licenceFile is the file of a slot that names the parts of others in it with their
// licences, and offers their source. It is in the slot because image and update bundle
// are passed on each by itself.
const licenceFile = "LICENZE.TXT"

// gnuTexts are the texts of the GNU licences, which everybody who gets the parts must get.
//
//go:embed licences/GPL-2.txt licences/LGPL-2.1.txt
var gnuTexts embed.FS

// licenceFiles are what the licences of kernel, firmware and e2fsck ask to come along.
func (b *build) licenceFiles() (map[string][]byte, error) {
	files := map[string][]byte{licenceFile: []byte(b.licenceText())}
	for name, to := range map[string]string{"GPL-2.txt": "GPL-2.TXT", "LGPL-2.1.txt": "LGPL-2.1.TXT"} {
		text, err := gnuTexts.ReadFile("licences/" + name)
		if err != nil {
			return nil, err
		}
		files[to] = []byte(strings.ReplaceAll(string(text), "\n", "\r\n"))
	}
	return files, nil
}

// licenceText is the list with the offer.
func (b *build) licenceText() string {
	var t strings.Builder
	fmt.Fprintf(&t, "Centralino %s (%s)\n\n", b.version, b.target.name)
	fmt.Fprintf(&t, "Licenze delle parti di altri in questo sistema. Quelle dei moduli del programma\n"+
		"stanno nella sua pagina, sotto Sistema, Licenze.\n\n"+
		"Offerta scritta: chi consegna quest'immagine, un aggiornamento o un apparecchio\n"+
		"che li contiene da' a chiunque lo chieda, per tre anni, al prezzo della copia, i\n"+
		"sorgenti completi delle parti sotto licenza GNU (GPL, LGPL), esattamente nelle\n"+
		"versioni elencate sotto \"source\". Rivolgersi a: %s.\n\n", cmp.Or(b.maker, "chi l'ha consegnato"))
	fmt.Fprintf(&t, "Licences of the parts of others in this system. Those of the program's modules\n"+
		"are on its page, under System, Licences.\n\n"+
		"Written offer: whoever passes this image, an update or a device with them on\n"+
		"gives anybody who asks for it, for three years, at the cost of copying, the\n"+
		"complete source code of the parts under the GNU licences (GPL, LGPL), exactly\n"+
		"in the versions listed as \"source\". Ask: %s.\n", cmp.Or(b.maker, "whoever has passed it on"))
	parts := slices.Clone(b.in.sources)
	slices.SortFunc(parts, func(x, y source) int { return cmp.Compare(x.Name, y.Name) })
	for _, p := range parts {
		fmt.Fprintf(&t, "\n%s %s\n  licence  %s\n  source   %s\n", p.Name, p.Version, p.Licence, p.Origin)
	}
	return strings.ReplaceAll(t.String(), "\n", "\r\n")
}
