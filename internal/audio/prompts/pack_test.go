package prompts_test

import (
	"bytes"
	"compress/gzip"
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
	for _, f := range found {
		rel, _ := filepath.Rel(*pack, f)
		write(t, strings.TrimSuffix(rel, ".al")+".ima.gz", deflated(t, adpcm(t, f)))
	}
	write(t, "music.ima", adpcm(t, filepath.Join(*pack, "music.al"))) // deflating would take a tenth off, not a quarter
}

func adpcm(t *testing.T, name string) []byte {
	alaw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]int16, len(alaw))
	audio.ALawToLinear(samples, alaw)
	return audio.ADPCMEncode(samples)
}

func deflated(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func write(t *testing.T, name string, b []byte) {
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
