// Package report makes the models of the reports: tables of figures and the list of
// people to call back. Reader is the one who reads the journal for it: it keeps the
// facts of acd/kpi and that list, live, and answers questions about any stretch of
// time from the same facts, so that the live board and the reports are one thing.
//
// It draws nothing: a Table is text ids and numbers, which pages, CSV and PDF write
// in the reader's language. It names nobody: people are pseudonyms, and tables of
// single people are made only for those whom the caller has asked internal/privacy
// about.
//
// Goroutines: Reader.Run is the only one that folds; the other methods may be called
// from any goroutine.
package report

import (
	"centralino/acd/kpi"
	"centralino/internal/office"
)

// RulesOf returns how each queue of the office is judged.
func RulesOf(doc *office.Document) kpi.Rules {
	rules := kpi.Rules{}
	for i := range doc.Groups {
		g := &doc.Groups[i]
		if g.Queue == nil {
			continue
		}
		r := kpi.DefaultRule
		if d := g.Queue.Threshold; d > 0 {
			r.Threshold = d
		}
		if d := g.Queue.ShortAbandon; d > 0 {
			r.Short = d
		}
		if n := g.Queue.Target; n > 0 {
			r.Target = float64(n) / 100
		}
		rules[string(g.ID)] = r
	}
	return rules
}

// Breaks tells which reasons of a pause are breaks from the screen.
func Breaks(doc *office.Document) func(reason string) bool {
	breaks := map[string]bool{"break": true} // the one that the break guard proposes
	for _, r := range doc.Reasons {
		if r.Break {
			breaks[string(r.ID)] = true
		}
	}
	return func(reason string) bool { return breaks[reason] }
}
