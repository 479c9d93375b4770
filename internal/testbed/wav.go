package testbed

import (
	"encoding/binary"
	"fmt"
	"os"

	"centralino/internal/audio"
)

// readWAV reads a mono recording of 8 kHz; of one whose writer was killed it
// returns what is there.
func readWAV(path string) ([]int16, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	w, err := audio.ParseWAV(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if w.Rate != 8000 {
		return nil, fmt.Errorf("read %s: its rate is %d, not 8000", path, w.Rate)
	}
	return w.Samples, nil
}

// writeWAV writes 16-bit mono PCM of 8 kHz.
func writeWAV(path string, samples []int16) error {
	return os.WriteFile(path, audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVPCM, Samples: samples}), 0o600)
}

// espeakHeader is the fixed length of the header that espeak-ng writes.
const espeakHeader = 44

// readEspeak reads what espeak-ng wrote: 16-bit mono PCM, at a rate (22,050 Hz)
// that no telephone has and internal/audio does not read.
func readEspeak(path string) (samples []int16, rate int, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	if len(b) < espeakHeader || string(b[36:40]) != "data" {
		return nil, 0, fmt.Errorf("read %s: not as espeak-ng writes it", path)
	}
	rate = int(binary.LittleEndian.Uint32(b[24:]))
	for b = b[espeakHeader:]; len(b) >= 2; b = b[2:] {
		samples = append(samples, int16(binary.LittleEndian.Uint16(b)))
	}
	return samples, rate, nil
}
