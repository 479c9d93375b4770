package main

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"

	"centralino/ui"
)

// packedLicences lists the modules that are linked in, with their licences, in JSON.
// It is deflated because licences repeat each other: 27 kB instead of 151. A test
// keeps it true and makes it anew with -update.
//
//go:embed licences.json.gz
var packedLicences []byte

// linkedLicences are the licences for the About page.
func linkedLicences() []ui.Licence {
	var list []ui.Licence
	if z, err := gzip.NewReader(bytes.NewReader(packedLicences)); err == nil {
		_ = json.NewDecoder(z).Decode(&list) // the test reads the same octets
	}
	return list
}
