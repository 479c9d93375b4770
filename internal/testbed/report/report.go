// Command report reads what `go test -json` says on its standard input and prints
// what a person wants to know of it: one line a package, everything that a failed
// test or package said, and nothing of the tests that passed. What was left out,
// whole tests and what a test that passed says it has "left out: ", it adds to a
// file, for the end of a run of several.
//
// Exit codes: 0 all passed; 1 something failed, or a test of -must did not pass; 3
// only tests failed that are judged by ear (-ear), and these may run once more: their
// names go to the file of -again. A panic, a time limit, or anything else that ended
// a package early allows nothing.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	ear := flag.String("ear", "", "names of the tests that may run once more, with spaces between")
	must := flag.String("must", "", "names of the tests that must have passed, with spaces between")
	again := flag.String("again", "", "file that gets the names of those that failed, with spaces between")
	skips := flag.String("skips", "", "file to which what was left out is added")
	flag.Parse()
	os.Exit(run(strings.Fields(*ear), strings.Fields(*must), *again, *skips))
}

func run(ear, must []string, again, skips string) int {
	r := newReader(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintf(os.Stderr, "report: %v\n", err)
		return 1
	}
	if skips != "" && len(r.skipped) > 0 {
		if err := appendLines(skips, r.skipped); err != nil {
			fmt.Fprintf(os.Stderr, "report: %v\n", err)
			return 1
		}
	}
	for _, name := range must {
		if !r.passed[name] {
			fmt.Printf("did not pass: %s\n", name)
		}
	}
	code := r.verdict(ear, must)
	if code == mayRunAgain && again != "" {
		if err := os.WriteFile(again, []byte(strings.Join(r.failedTests(), " ")+"\n"), 0o600); err != nil {
			fmt.Fprintf(os.Stderr, "report: %v\n", err)
			return 1
		}
	}
	return code
}

func appendLines(path string, lines []string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
