package main

import (
	"cmp"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// licenceList is what the page of the box shows, too: licences of the linked modules.
const licenceList = "cmd/appliance/licences.json.gz"

// The list of sources is an SPDX 2.3 document.
type (
	spdxDocument struct {
		Version     string             `json:"spdxVersion"`
		Licence     string             `json:"dataLicense"`
		ID          string             `json:"SPDXID"`
		Name        string             `json:"name"`
		Space       string             `json:"documentNamespace"`
		Created     spdxCreation       `json:"creationInfo"`
		Packages    []spdxPackage      `json:"packages"`
		Relations   []spdxRelationship `json:"relationships"`
		CommentText string             `json:"comment"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		ID        string         `json:"SPDXID"`
		Name      string         `json:"name"`
		Version   string         `json:"versionInfo"`
		Place     string         `json:"downloadLocation"`
		Analyzed  bool           `json:"filesAnalyzed"`
		Licence   string         `json:"licenseDeclared"`
		Source    string         `json:"sourceInfo,omitempty"`
		Checksums []spdxChecksum `json:"checksums,omitempty"`
	}
	spdxChecksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	spdxRelationship struct {
		From string `json:"spdxElementId"`
		Kind string `json:"relationshipType"`
		To   string `json:"relatedSpdxElement"`
	}
)

// offer is what the licences of the GNU project ask of whoever passes the image on.
const offer = "Whoever passes this image on must offer the source of the packages under the GNU licences (GPL, LGPL) with it: " +
	"for three years, on request, exactly the versions named in sourceInfo. Debian keeps the source of every version of its " +
	"packages that it ever published under the name and version of the source package. " +
	"The firmware of the Raspberry Pi may be passed on for use with Raspberry Pi computers only."

// writeSources writes what the image is made of beside it.
func (b *build) writeSources() error {
	parts, err := b.sources()
	if err != nil {
		return err
	}
	doc := spdxDocument{Version: "SPDX-2.3", Licence: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: "centralino-" + b.target.name + "-" + b.version,
		Space:       "urn:centralino:" + b.target.name + ":" + b.sum,
		Created:     spdxCreation{b.made.Format(time.RFC3339), []string{"Tool: centralino-image"}},
		CommentText: offer,
		Packages: []spdxPackage{{ID: "SPDXRef-image", Name: "centralino-" + b.target.name + ".img", Version: b.version, Place: "NOASSERTION",
			Licence: "NOASSERTION", Checksums: []spdxChecksum{{"SHA256", b.sum}}}},
		Relations: []spdxRelationship{{"SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image"}}}
	for i, p := range parts {
		id := fmt.Sprintf("SPDXRef-part-%d", i+1)
		x := spdxPackage{ID: id, Name: p.Name, Version: p.Version, Place: "NOASSERTION", Licence: p.Licence, Source: p.Origin}
		if p.SHA256 != "" {
			x.Checksums = []spdxChecksum{{"SHA256", p.SHA256}}
		}
		doc.Packages = append(doc.Packages, x)
		doc.Relations = append(doc.Relations, spdxRelationship{"SPDXRef-image", "CONTAINS", id})
	}
	text, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.name("spdx.json"), append(text, '\n'), 0o644)
}

// sources lists the packages and the modules that are linked into the program.
func (b *build) sources() ([]source, error) {
	parts := slices.Clone(b.in.sources)
	slices.SortFunc(parts, func(x, y source) int { return cmp.Compare(x.Name, y.Name) })
	info, err := buildinfo.ReadFile(b.program)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(licenceList)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", licenceList, err)
	}
	var licences []struct{ Module, Name string }
	if err := json.NewDecoder(z).Decode(&licences); err != nil {
		return nil, fmt.Errorf("%s: %w", licenceList, err)
	}
	licence := map[string]string{}
	for _, l := range licences {
		licence[l.Module] = l.Name
	}
	parts = append(parts, source{Name: "Go", Version: strings.TrimPrefix(info.GoVersion, "go"), Licence: "BSD-3-Clause"})
	for _, m := range info.Deps {
		parts = append(parts, source{Name: m.Path, Version: m.Version, Licence: cmp.Or(licence[m.Path], "NOASSERTION")})
	}
	return parts, nil
}
