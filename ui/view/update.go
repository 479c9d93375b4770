package view

import "centralino/ui/api"

// Update is the page about updates of the program.
type Update struct {
	Frame
	Update    api.Update
	Running   string // the version that runs
	Busy      bool   // one is under way: no other is taken
	MayStop   bool
	Problem   string   // why the last one was refused, in words; empty if none was
	Sticks    []string // bundles that were found on a USB stick
	MayManage bool     // the other pages of the system
}
