package testbed

import (
	"os"
	"strings"
	"testing"
)

// What a test may need, peers.sh fetches.
func TestPeersAreFetched(t *testing.T) {
	script, err := os.ReadFile("peers.sh")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(string(script), func(r rune) bool { return strings.ContainsRune(" =\n", r) })
	fetched := map[string]bool{}
	for _, w := range words {
		fetched[w] = true
	}
	for tool, name := range packages {
		if !fetched[name] {
			t.Errorf("%s of the package %s is needed and not fetched", tool, name)
		}
	}
}
