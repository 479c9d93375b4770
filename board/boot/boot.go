// Package boot is the box's first process. The kernel unpacks the program into its
// memory and starts it as /init; from then on this package is what other systems have an
// init for: mounts, modules, the data partition, address, clock, watchdog, restart and
// shutdown. The serving program runs as its child, so that a fault of that one is a
// restart of a second and no kernel panic.
//
// It never asks anybody anything, starts no shell and never gives up: what cannot be had
// is left out and told in the Report. Main's goroutine owns the child and the report;
// network and clock have a goroutine each and tell it what changed.
package boot

import (
	"time"

	"centralino/board/network"
	"centralino/board/timesync"
)

// Places in the running box.
const (
	Init         = "/init"              // the program, as the kernel starts it
	Modules      = "/lib/modules"       // modules and their IndexFile
	IndexFile    = "index"              // of modules, see ParseIndex
	Checker      = "/sbin/e2fsck"       // repairs the data partition; may be missing
	Data         = "/data"              // the data partition
	Selector     = "/boot"              // the partition that every computer can read, read-only
	ReportFile   = "/run/boot.json"     // the Report
	ClockFile    = "clock"              // in Data: the last known time
	Slots        = "/run/slots"         // links to the block devices "selector", "2" and "3"
	SettingsFile = "centralino.txt"     // in Selector
	resolvFile   = "/run/resolv.conf"   // name servers; /etc/resolv.conf leads there
	HeartbeatEnv = "CENTRALINO_BEAT"    // descriptor into which the child writes words (wordWell …)
	onBoardEnv   = "CENTRALINO_ONBOARD" // tells the child that it has a board of its own
)

// Partitions of the disk, by their number in the master boot record.
const (
	PartSelector = 1 // which slot starts
	PartSlotA    = 2
	PartSlotB    = 3
	PartData     = 4
)

// DiskID is the signature of our master boot record: by it the disk is found, whatever
// the kernel calls it.
const DiskID = 0x43454e54

// Exit codes of the serving program that ask for something other than its restart.
const (
	ExitReboot   = 10
	ExitTry      = 11 // restart into the other slot once (the firmware's tryboot)
	ExitPowerOff = 12
)

// ExitData is that of a program that cannot use the data folder.
const ExitData = 4

// Exit codes of the program that reads the button while the box is switched on.
const (
	ExitNetwork = 20 // this start asks for its address by DHCP, whatever is in centralino.txt
	ExitRenewed = 21 // the data partition was made empty
)

// Report is what the first process tells the serving program, in ReportFile.
type Report struct {
	Disk     string         `json:"disk,omitempty"`    // "mmcblk0"; empty: none of ours was found
	Name     string         `json:"name,omitempty"`    // of the box on the network, without ".local"; empty: not settled yet
	Trouble  Trouble        `json:"trouble,omitempty"` // not empty: the rescue page is served
	Problems []Problem      `json:"problems,omitempty"`
	Network  network.State  `json:"network"`
	Clock    timesync.State `json:"clock"`
	Restarts int            `json:"restarts,omitempty"` // of the serving program, not asked for; none once it has run ten minutes
}

// ProblemKind says what went wrong at start.
type ProblemKind string

// Kinds of problems.
const (
	ProblemSettings ProblemKind = "settings" // a line of centralino.txt
	ProblemData     ProblemKind = "data"     // nothing is kept: the data partition is not in use, or cannot be written to
	ProblemRepaired ProblemKind = "repaired" // its file system was repaired, and nothing lost by it
	ProblemForced   ProblemKind = "forced"   // it was repaired as far as it goes: something may be lost
)

// Problem is something that a person should know of the start.
type Problem struct {
	Kind ProblemKind `json:"kind"`
	Line int         `json:"line,omitempty"` // of centralino.txt
	Text string      `json:"text,omitempty"` // what was there, or the system's own words
}

// Words of the serving program over its pipe (HeartbeatEnv): that it is well, and by how
// much a person moves the clock.
const (
	wordWell = 1
	wordMove = 2 // eight octets follow: nanoseconds, big-endian, signed
)

// Options of Main.
type Options struct {
	Serve []string // the child's arguments, its name first
	// Rescue are those of the program that serves the rescue page in its place, PowerOn
	// those of one that reads the button while the box is switched on, does what is asked
	// for and ends with ExitNetwork, ExitRenewed or 0. Empty: there is none.
	Rescue, PowerOn []string
	Built           time.Time     // of the program: the clock shows no earlier time
	Watch           time.Duration // period of the watchdog; 0: 15 s, what the smallest boards have
	// Trial says whether a version that is not committed runs: it has one attempt, and the
	// box restarts when its program ends, hangs or is not committed in time. Asked once the
	// disk was looked for, then until it is false; nil: never.
	Trial func() bool
	// Hopeless is the exit code by which the box restarts when the program fails again and
	// again; nil: ExitReboot.
	Hopeless func() int
}

// Repaired is the kind of repair that the data partition needed at this start:
// ProblemRepaired, ProblemForced, or empty for none.
func (r *Report) Repaired() ProblemKind {
	for _, p := range r.Problems {
		if p.Kind == ProblemRepaired || p.Kind == ProblemForced {
			return p.Kind
		}
	}
	return ""
}
