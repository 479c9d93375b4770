package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WAVFormat is how samples stand in a WAV file.
type WAVFormat uint16

// The formats that are read and written (RFC 2361 names).
const (
	WAVPCM   WAVFormat = 1 // 16 bit linear
	WAVALaw  WAVFormat = 6
	WAVMuLaw WAVFormat = 7
)

// WAV is a mono recording.
type WAV struct {
	Rate    int
	Format  WAVFormat
	Samples []int16
}

// ErrWAV is wrapped by every error of ParseWAV.
var ErrWAV = errors.New("wav file")

// ParseWAV reads a mono WAV file of 16 bit PCM, A-law or mu-law at 8 or 16 kHz.
// A data chunk that is longer than the file, as a recorder leaves it that lost
// power, is read as far as it goes.
func ParseWAV(b []byte) (WAV, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return WAV{}, fmt.Errorf("%w: no RIFF/WAVE header", ErrWAV)
	}
	var w WAV
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), uint64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		body := b[:min(size, uint64(len(b)))]
		switch id {
		case "fmt ":
			if err := w.parseFormat(body); err != nil {
				return WAV{}, err
			}
		case "data":
			if w.Rate == 0 {
				return WAV{}, fmt.Errorf("%w: data before format", ErrWAV)
			}
			w.decode(body)
			return w, nil
		}
		b = b[min(size+size&1, uint64(len(b))):]
	}
	return WAV{}, fmt.Errorf("%w: no data", ErrWAV)
}

func (w *WAV) parseFormat(b []byte) error {
	if len(b) < 16 {
		return fmt.Errorf("%w: short format", ErrWAV)
	}
	tag := binary.LittleEndian.Uint16(b)
	channels := binary.LittleEndian.Uint16(b[2:])
	rate := binary.LittleEndian.Uint32(b[4:])
	bits := binary.LittleEndian.Uint16(b[14:])
	if tag == 0xfffe && len(b) >= 26 { // extensible: the sub format's first octets are the tag
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	want := map[WAVFormat]uint16{WAVPCM: 16, WAVALaw: 8, WAVMuLaw: 8}[WAVFormat(tag)]
	switch {
	case want == 0 || bits != want:
		return fmt.Errorf("%w: format %d with %d bits, want 16 bit PCM, A-law or mu-law", ErrWAV, tag, bits)
	case channels != 1:
		return fmt.Errorf("%w: %d channels, want one", ErrWAV, channels)
	case rate != 8000 && rate != 16000:
		return fmt.Errorf("%w: %d Hz, want 8000 or 16000", ErrWAV, rate)
	}
	w.Format, w.Rate = WAVFormat(tag), int(rate)
	return nil
}

func (w *WAV) decode(b []byte) {
	switch w.Format {
	case WAVALaw:
		w.Samples = make([]int16, len(b))
		ALawToLinear(w.Samples, b)
	case WAVMuLaw:
		w.Samples = make([]int16, len(b))
		MuLawToLinear(w.Samples, b)
	default:
		w.Samples = make([]int16, len(b)/2)
		for i := range w.Samples {
			w.Samples[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
		}
	}
}

// AppendWAV appends w as a WAV file to dst.
func AppendWAV(dst []byte, w WAV) []byte {
	width := 1
	if w.Format == WAVPCM {
		width = 2
	}
	n := len(w.Samples) * width
	le := binary.LittleEndian
	dst = append(dst, "RIFF"...)
	dst = le.AppendUint32(dst, uint32(36+n+n&1))
	dst = append(dst, "WAVEfmt "...)
	dst = le.AppendUint32(dst, 16)
	dst = le.AppendUint16(dst, uint16(w.Format))
	dst = le.AppendUint16(dst, 1)
	dst = le.AppendUint32(dst, uint32(w.Rate))
	dst = le.AppendUint32(dst, uint32(w.Rate*width))
	dst = le.AppendUint16(dst, uint16(width))
	dst = le.AppendUint16(dst, uint16(8*width))
	dst = append(dst, "data"...)
	dst = le.AppendUint32(dst, uint32(n))
	for _, s := range w.Samples {
		switch w.Format {
		case WAVALaw:
			dst = append(dst, ALawEncode(s))
		case WAVMuLaw:
			dst = append(dst, MuLawEncode(s))
		default:
			dst = le.AppendUint16(dst, uint16(s))
		}
	}
	if n&1 == 1 {
		dst = append(dst, 0)
	}
	return dst
}
