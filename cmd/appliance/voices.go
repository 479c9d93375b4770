package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"centralino/internal/audio"
	"centralino/internal/audio/prompts"
	"centralino/internal/store"
	"centralino/ui"
)

// voicesFolder holds uploaded prompts in the data folder, each named by its SHA-256;
// it belongs to a backup.
const voicesFolder = "audio"

// voiceLimit is the longest uploaded prompt: three minutes of A-law.
const voiceLimit = 3 * 60 * 8000

// voices keeps uploaded prompts as A-law at 8 kHz, in memory and on disk: a call
// never waits for the disk. Files are named by content and never by what a person
// sent.
type voices struct {
	folder string
	mu     sync.Mutex
	known  map[string][]byte
}

// openVoices reads what has been uploaded. A file whose content is not what its
// name says is left out.
func openVoices(data string) (*voices, error) {
	v := &voices{folder: filepath.Join(data, voicesFolder), known: map[string][]byte{}}
	if err := os.MkdirAll(v.folder, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(v.folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(v.folder, e.Name()))
		if sum := sha256.Sum256(b); err == nil && len(b) <= voiceLimit && hex.EncodeToString(sum[:]) == e.Name() {
			v.known[e.Name()] = b
		}
	}
	return v, nil
}

// Put keeps a WAV file and returns the name under which Prompt.Audio refers to it.
// What can't be used is answered with ui.ErrVoice.
func (v *voices) Put(wav []byte) (string, error) {
	w, err := audio.ParseWAV(wav)
	if err != nil {
		return "", ui.ErrVoice
	}
	pcm := w.Samples
	if w.Rate != 8000 {
		if pcm, err = audio.Resample(pcm, w.Rate, 8000); err != nil {
			return "", ui.ErrVoice
		}
	}
	if len(pcm) > voiceLimit || !audible(pcm) {
		return "", ui.ErrVoice
	}
	alaw := make([]byte, len(pcm))
	audio.LinearToALaw(alaw, pcm)
	sum := sha256.Sum256(alaw)
	name := hex.EncodeToString(sum[:])
	if err := store.WriteFile(filepath.Join(v.folder, name), alaw); err != nil {
		return "", fmt.Errorf("keep an uploaded prompt: %w", err)
	}
	v.mu.Lock()
	v.known[name] = alaw
	v.mu.Unlock()
	return name, nil
}

// Where a recording counts as said: this many frames of 20 ms (0.3 s) with at least
// this mean magnitude (about -42 dBFS). Silence in place of a sentence, such as the
// warning before a call is ended for an emergency, would leave people in the dark.
const (
	audibleFrames = 15
	audibleMean   = 200
)

// audible says whether a person would hear something.
func audible(pcm []int16) bool {
	loud := 0
	for frame := range slices.Chunk(pcm, audio.FrameSamples) {
		sum := 0
		for _, v := range frame {
			sum += max(int(v), -int(v))
		}
		if sum >= audibleMean*audio.FrameSamples {
			loud++
		}
	}
	return loud >= audibleFrames
}

// get returns an uploaded prompt as A-law, nil if there is none of that name.
func (v *voices) get(name string) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.known[name]
}

// Has reports whether there is an uploaded prompt of that name.
func (v *voices) Has(name string) bool { return v.get(name) != nil }

// WAV returns a prompt for a browser: the uploaded one of that name, or the box's
// own sentence. False if there is neither.
func (v *voices) WAV(sha256, builtin, lang string) ([]byte, bool) {
	alaw := v.get(sha256)
	if alaw == nil {
		var ok bool
		if alaw, ok = prompts.Prompt(lang, builtin); !ok {
			return nil, false
		}
	}
	return audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVPCM, Samples: linear(alaw)}), true
}
