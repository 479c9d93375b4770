// Command appliance is the whole box in one program: it joins the rooms (lines,
// switch, ACD, pages, lamps), starts and stops them in order, and offers the few
// subcommands a person needs. It is the only place that knows concrete drivers.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Exit codes. They do not change: scripts may rely on them.
const (
	exitOK       = 0
	exitFailed   = 1 // something went wrong while running
	exitUsage    = 2 // the command line is wrong
	exitPort     = 3 // a listen address is in use or not ours
	exitData     = 4 // the data folder cannot be read or written
	exitBoard    = 5 // the board is not known
	exitNotAlive = 6 // no running box answers in the data folder

	// For the process that started the program on a board (board/boot).
	exitReboot = 10 // start the computer anew
	exitTry    = 11 // the same, from the other slot, once ("tryboot")
)

// Set by the linker for releases and images.
var (
	version = "dev"
	release = "0" // a number that grows with every release
	image   = ""  // the image that the program is in, as update bundles name it
	// updateKeys are the public keys whose updates are taken (board/update.ParseKeys).
	updateKeys = ""
)

// exitError carries the exit code of an error that ends the program, with one
// sentence that says what to do.
type exitError struct {
	code   int
	advice string
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return e.advice
	}
	return fmt.Sprintf("%v. %s", e.err, e.advice)
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	firstProcess()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

type subcommand struct {
	name string
	help string
	run  func(args []string, out, errOut io.Writer) error
}

func subcommands() []subcommand {
	return []subcommand{
		{"serve", "start the box (the default)", serve},
		{"call", "make the simulated exchange ring a line of a running box", ringCommand},
		{"answer", "answer the next call that a simulated box makes", answerCommand},
		{"button", "press the simulated button of a running box", buttonCommand},
		{"unplug", "pull a line's simulated modem out of a running box", plugCommand("unplug")},
		{"replug", "put it back under another device name", plugCommand("replug")},
		{"version", "print the version", versionCommand},
		{"help", "print this help", nil},
	}
}

func run(args []string, out, errOut io.Writer) int {
	name := "serve"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	} else if len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "-help") {
		name = "help"
	}
	if name == "help" {
		printHelp(out)
		return exitOK
	}
	for _, c := range append(subcommands(), boardCommands()...) {
		if c.name != name {
			continue
		}
		return report(c.run(args, out, errOut), errOut)
	}
	fmt.Fprintf(errOut, "appliance: unknown command %q. Run 'appliance help' to see the commands.\n", name)
	return exitUsage
}

func report(err error, errOut io.Writer) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(errOut, "appliance: %v\n", err)
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitFailed
}

func printHelp(out io.Writer) {
	fmt.Fprintln(out, "Centralino, the telephone exchange and call center of a small office.")
	fmt.Fprintln(out)
	fmt.Fprintln(out, "Usage: appliance [command] [flags]")
	fmt.Fprintln(out)
	for _, c := range subcommands() {
		fmt.Fprintf(out, "  %-9s %s\n", c.name, c.help)
	}
	fmt.Fprintln(out)
	fmt.Fprintln(out, "Every command has -h. Exit codes: 0 well, 1 failed, 2 wrong usage, 3 address in use,")
	fmt.Fprintln(out, "4 data folder unusable, 5 unknown board, 6 no running box, 10 and 11 start the computer")
	fmt.Fprintln(out, "anew, with 11 once from the other slot.")
}

func versionCommand(_ []string, out, _ io.Writer) error {
	fmt.Fprintln(out, "centralino", version)
	return nil
}
