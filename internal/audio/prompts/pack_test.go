package prompts_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"centralino/internal/audio"
)

var pack = flag.String("pack", "", "folder of A-law files, the sentences by language, to make the packed ones of")

// TestPack makes the packed sentences and music (make.sh) when asked to.
func TestPack(t *testing.T) {
	if *pack == "" {
		t.Skip("only on request, by make.sh")
	}
	found, err := filepath.Glob(filepath.Join(*pack, "*", "*.al"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no sentences in %s: %v", *pack, err)
	}
	for _, f := range append(found, filepath.Join(*pack, "music.al")) {
		alaw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		samples := make([]int16, len(alaw))
		audio.ALawToLinear(samples, alaw)
		rel, _ := filepath.Rel(*pack, f)
		if err := os.WriteFile(strings.TrimSuffix(rel, ".al")+".ima", audio.ADPCMEncode(samples), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
