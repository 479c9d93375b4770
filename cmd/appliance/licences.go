package main

import (
	_ "embed"
	"encoding/json"

	"centralino/ui"
)

// licencesJSON lists the modules that are linked in, with their licences; a test
// keeps it true and makes it anew with -update.
//
//go:embed licences.json
var licencesJSON []byte

// linkedLicences are the licences for the About page.
func linkedLicences() []ui.Licence {
	var list []ui.Licence
	_ = json.Unmarshal(licencesJSON, &list) // the test reads the same bytes
	return list
}
