// Package outcome is what comes after a conversation: the script that leads through
// it, the outcome (esito) that an agent sets, the call-backs that customers asked
// for, and the customers' cards with their history, import, export and erasure.
//
// Its pure part is the script: Parse reads the text form, Lint finds dead ends, Walk
// goes through it step by step. Its table part is the Book, which keeps cards and
// outcomes in tables of its own, each change in one transaction with its event of
// the journal. The journal holds ids and pseudonyms only; a number stands on a card
// as its pseudonym and comes out through internal/privacy alone. Nothing in here
// dials: an imported card serves to recognise who calls.
//
// Goroutines: none. The methods of Book may be called from any goroutine; Walks and
// Scripts are values that nobody shares while changing them.
package outcome
