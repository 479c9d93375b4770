// Package prompts holds what the box says: our own sentences in Italian and
// English, spoken by espeak-ng, and a loop of music on hold, inside the program as
// ADPCM of four bits at 8 kHz: all that a telephone line or a phone here hears is
// narrow-band, and 16 kHz would cost the small program 1.6 MB more. The sentences are
// deflated on top of it (RFC 1952), which loses nothing and takes a quarter off.
// sentences.tsv is the table of their names and texts; make.sh makes the audio from
// it. It runs no goroutine.
package prompts

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"strings"

	"centralino/internal/audio"
)

//go:generate bash make.sh

//go:embed it/*.ima.gz en/*.ima.gz
var files embed.FS

//go:embed music.ima
var packedMusic []byte

//go:embed sentences.tsv
var table string

// languages stand in the order of the table's columns.
var languages = []string{"it", "en"}

type sentence struct {
	name string
	text [2]string
}

var sentences, byName = parse(table)

func parse(table string) ([]sentence, map[string]sentence) {
	var list []sentence
	index := map[string]sentence{}
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		s := sentence{f[0], [2]string{f[1], f[2]}}
		list = append(list, s)
		index[s.name] = s
	}
	return list, index
}

func column(lang string) int {
	lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
	for i, l := range languages {
		if l == lang {
			return i
		}
	}
	return -1
}

// Prompt is the sentence of that name in a language ("it", "en", also "en-GB") as
// A-law at 8 kHz. A language that is not there is answered with false, as is a
// name. The audio is the caller's.
func Prompt(lang, name string) (alaw []byte, ok bool) {
	c := column(lang)
	if _, known := byName[name]; c < 0 || !known {
		return nil, false
	}
	adpcm, err := inflated(languages[c] + "/" + name + ".ima.gz")
	if err != nil {
		return nil, false
	}
	return alawOf(adpcm), true
}

func inflated(name string) ([]byte, error) {
	b, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func alawOf(adpcm []byte) []byte {
	samples := audio.ADPCMDecode(adpcm)
	alaw := make([]byte, len(samples))
	audio.LinearToALaw(alaw, samples)
	return alaw
}

// Text is what the prompt says, and empty where Prompt would say false.
func Text(lang, name string) string {
	c := column(lang)
	if c < 0 {
		return ""
	}
	return byName[name].text[c]
}

// Names are the names of all prompts, in the order of the table.
func Names() []string {
	names := make([]string, len(sentences))
	for i, s := range sentences {
		names[i] = s.name
	}
	return names
}

// Languages are the languages of every prompt.
func Languages() []string { return append([]string(nil), languages...) }

// Music unpacks the music on hold, A-law at 8 kHz, made to be repeated without a pause.
// The audio is the caller's, who should keep it: it takes some milliseconds.
func Music() []byte { return alawOf(packedMusic) }
