package view

import (
	"html/template"

	"centralino/ui/api"
)

// Desk is an operator's own page. Card, Script and Outcome are drawn by the pages of
// customers, scripts and outcomes.
type Desk struct {
	Frame
	Desk    api.Desk
	Due     Follows // today, the first of them
	All     int     // of them
	Regions DeskRegions
}

// Board is the leader's board.
type Board struct {
	Frame
	Board api.Board
}

// DeskRegions are the parts of the desk that belong to a call.
type DeskRegions struct {
	Who                   string // the caller's name, if it is known
	Language              string // the caller's, if it is known: "it"
	Card, Script, Outcome template.HTML
}
