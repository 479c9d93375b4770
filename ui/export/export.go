// Package export writes reports for other programs and for paper: CSV, PDF, the
// queue_log of Asterisk, and mail. It gets sheets whose texts are in the reader's
// language already and in which stands only what the reader may see; it decides
// nothing. It is the only room that knows the libraries for PDF and mail.
//
// Goroutines: Post.Run sends the reports that are due, one after the other.
package export

import "centralino/ui/chart"

// Sheet is a report in words.
type Sheet struct {
	Title    string
	Subtitle string
	Big      []Pair        // the few numbers that matter
	Text     []string      // sentences
	Charts   []chart.Chart // of paper only
	Grids    []Grid
	Footer   string
}

// Pair is a number with its name. Warn: worse than it should be.
type Pair struct {
	Name, Value string
	Warn        bool
}

// Grid is one table.
type Grid struct {
	ID    string // for names of files
	Title string
	Head  []string
	Rows  []Row
	Notes []string
}

// Row is one line of a table; Sum marks the one that adds up the others.
type Row struct {
	Cells []Field
	Sum   bool
}

// Field is one value. Number says that Plain is a number and not a text, so that a
// leading minus is one.
type Field struct {
	Text   string // for people
	Plain  string // for programs: seconds, percent, a date by ISO 8601; Text if empty and no number
	Number bool   // empty Plain: there is nothing to measure
	Warn   bool
}
