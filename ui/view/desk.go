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
	Pop     DeskPop
}

// DeskPop is the page of another program that belongs to a call, and how it is opened.
type DeskPop struct {
	Offer  bool     // a queue of the reader's has one
	Window string   // name of the one window
	When   []Option // when it opens by itself
	Auto   bool     // it does
	Now    string   // the call for which it shall be open now
}

// Board is the leader's board.
type Board struct {
	Frame
	Board api.Board
}

// DeskRegions are the parts of the desk that belong to a call.
type DeskRegions struct {
	Who                   string // the caller's name, if it is known, with the company
	Known                 string // the name alone, or the company
	Language              string // the caller's, if it is known: "it"
	Card, Script, Outcome template.HTML
}
