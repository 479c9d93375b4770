package ui

import (
	"centralino/ui/api"
	"centralino/ui/view"
)

// deskCard draws what the pages of customers, scripts and outcomes add to the desk for
// a call that rings, goes on or was just had: who calls, the card, the script, the
// outcome. Parts that stay empty are not shown.
func (v *visit) deskCard(api.DeskCall) view.DeskRegions { return view.DeskRegions{} }
