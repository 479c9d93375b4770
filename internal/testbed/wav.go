package testbed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// readWAV reads a 16-bit mono PCM file of 8 kHz. A data chunk that says more than
// there is (a recorder that was killed) gives what is there.
func readWAV(path string) ([]int16, error) {
	samples, rate, err := readWAVRate(path)
	if err == nil && rate != 8000 {
		return nil, fmt.Errorf("read %s: rate is %d, not 8000", path, rate)
	}
	return samples, err
}

func readWAVRate(path string) (samples []int16, rate int, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, 0, fmt.Errorf("read %s: %w", path, errNotWAV)
	}
	for at := 12; at+8 <= len(b); {
		id, size := string(b[at:at+4]), int(binary.LittleEndian.Uint32(b[at+4:]))
		body := b[at+8:]
		if size > len(body) {
			size = len(body)
		}
		body = body[:size]
		switch {
		case id == "fmt " && size >= 16:
			format, channels, bits := binary.LittleEndian.Uint16(body), binary.LittleEndian.Uint16(body[2:]), binary.LittleEndian.Uint16(body[14:])
			rate = int(binary.LittleEndian.Uint32(body[4:]))
			if (format != 1 && format != 0xfffe) || channels != 1 || bits != 16 {
				return nil, 0, fmt.Errorf("read %s: format %d, %d channels, %d bits: not 16-bit mono PCM", path, format, channels, bits)
			}
		case id == "data":
			samples = make([]int16, size/2)
			for i := range samples {
				samples[i] = int16(binary.LittleEndian.Uint16(body[2*i:]))
			}
			return samples, rate, nil
		}
		at += 8 + size + size&1
	}
	return nil, 0, fmt.Errorf("read %s: no data chunk: %w", path, errNotWAV)
}

var errNotWAV = errors.New("not a WAV file")

// writeWAV writes 16-bit mono PCM.
func writeWAV(path string, samples []int16, rate int) error {
	b := make([]byte, 44, 44+2*len(samples))
	copy(b, "RIFF")
	binary.LittleEndian.PutUint32(b[4:], uint32(36+2*len(samples)))
	copy(b[8:], "WAVEfmt ")
	binary.LittleEndian.PutUint32(b[16:], 16)
	binary.LittleEndian.PutUint16(b[20:], 1)
	binary.LittleEndian.PutUint16(b[22:], 1)
	binary.LittleEndian.PutUint32(b[24:], uint32(rate))
	binary.LittleEndian.PutUint32(b[28:], uint32(2*rate))
	binary.LittleEndian.PutUint16(b[32:], 2)
	binary.LittleEndian.PutUint16(b[34:], 16)
	copy(b[36:], "data")
	binary.LittleEndian.PutUint32(b[40:], uint32(2*len(samples)))
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return os.WriteFile(path, b, 0o600)
}
