package store

import "context"

// SpaceLevel says how much room the disk has.
type SpaceLevel string

// Levels of free space.
const (
	SpaceFine     SpaceLevel = "fine"
	SpaceLow      SpaceLevel = "low"      // below MinFree: recordings are dropped
	SpaceCritical SpaceLevel = "critical" // below a quarter of MinFree: traces and logs too
	SpaceFull     SpaceLevel = "full"     // nothing can be written; calls go on from memory
)

// Droppable is a kind of data that may be dropped when space is short. There is
// no kind for journal, configuration or names: they are never dropped.
type Droppable int

// What is dropped, first first.
const (
	DropRecordings Droppable = iota
	DropTraces
	DropLogs
)

// Space is what the watch saw last.
type Space struct {
	Level       SpaceLevel
	Free, Total uint64 // octets
}

type spaceWatch struct{}

// Space returns what the watch saw last.
func (db *DB) Space() Space { return Space{Level: SpaceFine} }

// OnShort registers what frees space: drop removes the oldest data of kind until
// need octets are free or none is left, and returns how many it freed. It is
// called from Run. Register before Run.
func (db *DB) OnShort(kind Droppable, drop func(need uint64) (freed uint64)) {}

// OnSpace registers who is told when the level changes. It is called from Run.
func (db *DB) OnSpace(told func(Space)) {}

// Run does the periodic work until ctx ends: watches space, makes the daily copy,
// checks a large database.
func (db *DB) Run(ctx context.Context) error { panic("thin") }
