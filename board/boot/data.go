package boot

import (
	"errors"
	"io/fs"
	"log/slog"
	"syscall"
)

// Trouble is why a box serves its rescue page.
type Trouble string

// Troubles, from the one that a person can mend least.
const (
	NoTrouble   Trouble = ""
	NoDisk      Trouble = "disk"    // no disk of ours was found
	Worn        Trouble = "worn"    // nothing can be written, and what can be read does not do
	NoPartition Trouble = "missing" // the disk has no data partition
	Damaged     Trouble = "damaged" // it holds no file system that can be used
	NoData      Trouble = "data"    // it can be used, but the program cannot use what it holds
)

// dataPart is the data partition as bringUp needs it.
type dataPart interface {
	// halfFormatted reports that formatting it began and did not end; format does it anew.
	halfFormatted() bool
	format() error
	// check repairs what is safe to repair, or, the hard way, everything, whatever is lost
	// by it. It returns the exit code of e2fsck, negative if it cannot say.
	check(hardWay bool) int
	mount(how access) error
	// empty reports a partition, mounted to be written to, that holds nothing of the program.
	empty() bool
	unmount()
	// try writes a little.
	try() error
	// copy takes what can be read into memory, in place of the partition.
	copy() error
}

// access is how a partition is mounted.
type access string

const (
	toWrite access = "write"
	toRead  access = "read"
)

// Exit codes of e2fsck(8) are bits; from this one on something is not repaired.
const notRepaired = 4

// bringUp puts the data partition to use: repaired if need be, and if nothing can be
// written to it, with what can be read in memory. Trouble is why it cannot be used at
// all; problems are what a person should know in any case.
func bringUp(p dataPart, log *slog.Logger) (Trouble, []Problem) {
	if p.halfFormatted() {
		log.Warn("formatting of the data partition did not end; it is done again")
		if err := p.format(); err != nil {
			log.Error("format the data partition", "err", err)
			return Worn, []Problem{dataProblem(err)}
		}
	}
	var problems []Problem
	code, hard := p.check(false), false
	if code >= notRepaired {
		hard = true
		log.Error("the data partition cannot be repaired safely; it is repaired as far as it goes", "code", code)
		if code = p.check(true); code >= notRepaired {
			code = p.check(true) // the first one may end once it has a superblock and has replayed the journal
		}
	}
	switch {
	case code >= notRepaired:
		log.Error("the data partition could not be repaired", "code", code)
	case code > 0 && hard:
		log.Warn("the data partition was repaired, something may be lost", "code", code)
		problems = append(problems, Problem{Kind: ProblemForced})
	case code > 0:
		log.Warn("the data partition was repaired, nothing is lost", "code", code)
		problems = append(problems, Problem{Kind: ProblemRepaired})
	}
	err := p.mount(toWrite)
	if err == nil {
		err = p.try()
		switch {
		case err != nil && !errors.Is(err, syscall.ENOSPC):
		case hard && p.empty():
			// Somebody should hear of it before the box begins as a new one, at the next start.
			log.Error("the repair has left nothing of what the data partition held")
			p.unmount()
			return Damaged, append(problems, dataProblem(errLeftNothing))
		default:
			return NoTrouble, problems
		}
		p.unmount()
	}
	log.Error("the data partition cannot be written to", "err", err)
	problems = append(problems, dataProblem(err))
	why := Damaged
	if readOnlyMedium(err) {
		why = Worn
	}
	if err := p.mount(toRead); err != nil {
		log.Error("the data partition cannot be read", "err", err)
		return why, problems
	}
	if err := p.copy(); err != nil {
		log.Error("what can be read of the data partition cannot be used", "err", err)
		p.unmount()
		return why, problems
	}
	log.Error("the box works with a copy in memory: what changes from now on is lost at the next start")
	return NoTrouble, problems
}

var errLeftNothing = errors.New("the repair has left nothing of what it held")

// readOnlyMedium reports the error of a card that takes nothing any more: it says so, or
// fails.
func readOnlyMedium(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO) || errors.Is(err, fs.ErrPermission)
}

func dataProblem(err error) Problem {
	return Problem{Kind: ProblemData, Text: shorten(err.Error())}
}
