package store

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// SpaceLevel says how much room the disk has.
type SpaceLevel string

// Levels of free space.
const (
	SpaceFine     SpaceLevel = "fine"
	SpaceLow      SpaceLevel = "low"      // below MinFree: recordings and spare copies are dropped
	SpaceCritical SpaceLevel = "critical" // below a quarter of MinFree: traces and logs too
	SpaceFull     SpaceLevel = "full"     // below 1 MiB: nothing can be written soon; calls go on from memory
)

// fullBelow is what one commit and its log may need.
const fullBelow = 1 << 20

// Droppable is a kind of data that may be dropped when space is short. There is
// no kind for journal, configuration or names: they are never dropped.
type Droppable int

// What is dropped, first first.
const (
	DropRecordings Droppable = iota
	DropSpares               // former data that was set aside, older local copies: the store's own
	DropTraces
	DropLogs
)

// Space is what the watch saw last.
type Space struct {
	Level       SpaceLevel
	Free, Total uint64 // octets
}

// spaceWatch holds what the watch saw and who takes part.
type spaceWatch struct {
	mu    sync.Mutex // guards all below; never held over a callback
	last  Space
	drops []dropper
	told  []func(Space)
}

type dropper struct {
	kind Droppable
	drop func(need uint64) (freed uint64)
}

// Space returns what the watch saw last; the level is SpaceFine before Run.
func (db *DB) Space() Space {
	db.space.mu.Lock()
	defer db.space.mu.Unlock()
	if db.space.last.Level == "" {
		return Space{Level: SpaceFine}
	}
	return db.space.last
}

// OnShort registers what frees space: drop removes the oldest data of its kind
// until need octets are freed or none is left, and returns how many it freed. It
// is called from Run. Register before Run.
func (db *DB) OnShort(kind Droppable, drop func(need uint64) (freed uint64)) {
	db.space.mu.Lock()
	defer db.space.mu.Unlock()
	db.space.drops = append(db.space.drops, dropper{kind, drop})
	slices.SortStableFunc(db.space.drops, func(a, b dropper) int { return int(a.kind) - int(b.kind) })
}

// OnSpace registers who is told when the level changes. It is called from Run and
// must not block. Register before Run.
func (db *DB) OnSpace(told func(Space)) {
	db.space.mu.Lock()
	defer db.space.mu.Unlock()
	db.space.told = append(db.space.told, told)
}

// levelOf says how short a free space is.
func levelOf(free, minFree uint64) SpaceLevel {
	switch {
	case free < fullBelow:
		return SpaceFull
	case free < minFree/4:
		return SpaceCritical
	case free < minFree:
		return SpaceLow
	}
	return SpaceFine
}

// statfs reads the free space of a folder's file system for an ordinary user.
func statfs(path string) (free, total uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil
}

// CheckSpace looks once: it drops what may be dropped, in order and only as much
// as is missing, and tells a change of level. Run calls it every 10 s.
func (db *DB) CheckSpace() Space {
	free, total, err := db.freeSpace()
	if err != nil {
		db.o.Log.Warn("free space unknown", "cause", err)
		return db.Space()
	}
	db.space.mu.Lock()
	drops, told, before := db.space.drops, db.space.told, db.space.last.Level
	db.space.mu.Unlock()
	level := levelOf(free, db.o.MinFree)
	for _, d := range drops {
		if free >= db.o.MinFree || level == SpaceLow && d.kind > DropSpares {
			break
		}
		freed := d.drop(db.o.MinFree - free)
		if freed > 0 {
			db.o.Log.Warn("space short, dropped", "kind", int(d.kind), "freed", freed)
		}
		free += freed
	}
	now := Space{Level: levelOf(free, db.o.MinFree), Free: free, Total: total}
	db.space.mu.Lock()
	db.space.last = now
	db.space.mu.Unlock()
	if before == "" {
		before = SpaceFine
	}
	if now.Level != before {
		for _, f := range told {
			f(now)
		}
	}
	return now
}

func (db *DB) freeSpace() (free, total uint64, err error) {
	if err := db.fault("statfs"); err != nil {
		return 0, 0, err
	}
	return statfs(db.o.Folder)
}

const (
	spaceEvery = 10 * time.Second
	copyEvery  = 24 * time.Hour
	copyRetry  = time.Hour
)

// Run does the periodic work until ctx ends: watches space, makes the daily copy,
// and once checks a database that was too large to be checked by Open. It returns
// nil.
func (db *DB) Run(ctx context.Context) error {
	db.CheckSpace()
	db.checkLarge(ctx)
	tick := time.NewTicker(spaceEvery)
	defer tick.Stop()
	next := db.nextCopy()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-db.broken:
			for _, told := range db.onBreak {
				told(db.Damaged())
			}
			continue
		case <-db.unread.failed:
			db.unread.tell()
			continue
		case <-tick.C:
		}
		db.unread.tell()
		db.CheckSpace()
		if now := time.Now(); now.After(next) {
			next = now.Add(copyEvery)
			_, err := db.Copy(ctx)
			if ctx.Err() != nil {
				continue
			}
			if err != nil {
				db.o.Log.Warn("daily copy", "cause", err)
				next = now.Add(copyRetry)
			}
			for _, told := range db.onCopy {
				told(err)
			}
		}
	}
}

// nextCopy says when the next daily copy is due, on the timers' clock: a day after
// the newest one by the wall clock, at once if that looks wrong.
func (db *DB) nextCopy() time.Time {
	names, err := db.Copies()
	if err != nil || len(names) == 0 {
		return time.Now().Add(time.Minute) // not in the first rush after starting
	}
	age := db.o.Now().Sub(copyTime(names[0]))
	if age < 0 || age > copyEvery {
		return time.Now().Add(time.Minute)
	}
	return time.Now().Add(copyEvery - age)
}

// checkLarge checks in peace what Open had no time for.
func (db *DB) checkLarge(ctx context.Context) {
	size, err := fileSize(filepath.Join(db.o.Folder, fileName))
	if err != nil || size <= db.o.CheckLimit || db.r == db.w {
		return
	}
	if err := quickCheck(ctx, db.r); err != nil && ctx.Err() == nil {
		db.failed(err) // marks the database for the next start
	}
}
