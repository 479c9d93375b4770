package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"centralino/internal/audio"
	"centralino/ui"
)

// wavOf is some seconds of a rising saw as a WAV file.
func wavOf(rate, seconds int) []byte {
	pcm := make([]int16, rate*seconds)
	for i := range pcm {
		pcm[i] = int16(i % 4000)
	}
	return audio.AppendWAV(nil, audio.WAV{Rate: rate, Format: audio.WAVPCM, Samples: pcm})
}

func TestUploadedVoicesOutliveARestart(t *testing.T) {
	data := t.TempDir()
	v, err := openVoices(data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, rate := range []int{8000, 16000} {
		name, err := v.Put(wavOf(rate, 2))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(v.get(name)); got != 16000 {
			t.Errorf("%d Hz became %d octets, want two seconds of A-law", rate, got)
		}
		names = append(names, name)
	}
	if again, err := v.Put(wavOf(8000, 2)); err != nil || again != names[0] {
		t.Errorf("the same file is %q, then %q (%v)", names[0], again, err)
	}
	// What is not what its name says, and what is no recording at all, is left out.
	folder := filepath.Join(data, voicesFolder)
	altered := slices.Clone(v.get(names[1]))
	altered[0] ^= 1
	for name, b := range map[string][]byte{names[1]: altered, "notes.txt": []byte("ciao")} {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	after, err := openVoices(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(after.get(names[0]), v.get(names[0])) || !after.Has(names[0]) {
		t.Error("a voice is gone after the restart")
	}
	if after.Has(names[1]) || len(after.known) != 1 {
		t.Errorf("%d voices known, want the sound one alone", len(after.known))
	}
	if wav, ok := after.WAV(names[0], "closed", "it"); !ok || len(wav) != 44+2*16000 {
		t.Errorf("the page gets %d octets", len(wav))
	}
	own, ok := after.WAV(names[1], "closed", "it")
	if want, _ := after.WAV("", "closed", "it"); !ok || !bytes.Equal(own, want) {
		t.Error("a damaged voice is not replaced by the box's own")
	}
	if _, ok := after.WAV(names[1], "", "it"); ok {
		t.Error("a damaged voice without a sentence is heard")
	}
}

// click is two seconds of faint hiss with one loud frame.
func click() []int16 {
	pcm := make([]int16, 16000)
	for i := range pcm {
		pcm[i] = int16(i*7919%64 - 32)
	}
	for i := range 160 {
		pcm[8000+i] = 20000
	}
	return pcm
}

func TestVoicesRefuseWhatIsNoSound(t *testing.T) {
	v, err := openVoices(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stereo := wavOf(8000, 1)
	stereo[22] = 2
	for name, file := range map[string][]byte{
		"nothing": nil, "garbage": []byte("RIFF but no more"), "no samples": wavOf(8000, 0), "stereo": stereo,
		"44.1 kHz": wavOf(44100, 1), "longer than three minutes": wavOf(8000, 181),
		"silence":         audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVPCM, Samples: make([]int16, 16000)}),
		"a click in hiss": audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVPCM, Samples: click()}),
	} {
		if _, err := v.Put(file); !errors.Is(err, ui.ErrVoice) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(v.known) != 0 {
		t.Errorf("%d voices kept", len(v.known))
	}
	if name, err := v.Put(wavOf(16000, 180)); err != nil || !v.Has(name) {
		t.Errorf("three minutes: %v", err)
	}
}
