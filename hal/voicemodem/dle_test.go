package voicemodem

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// decodeAll feeds pieces and returns samples and codes.
func decodeAll(pieces ...[]byte) (samples, codes []byte) {
	var d decoder
	for _, p := range pieces {
		for {
			var code byte
			samples, p, code = d.decode(samples, p)
			if code == 0 {
				break
			}
			codes = append(codes, code)
		}
	}
	return samples, codes
}

func TestDecode(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, c := range []struct {
		name, in, samples, codes string
	}{
		{"samples pass", "abc", "abc", ""},
		{"a doubled DLE is one sample", "a\x10\x10b", "a\x10b", ""},
		{"DLE SUB is two samples", "a\x10\x1ab", "a\x10\x10b", ""},
		{"nothing but DLE", "\x10\x10\x10\x10\x10\x10", "\x10\x10\x10", ""},
		{"a code between samples", "a\x10ub", "ab", "u"},
		{"a bracketed key", "\x10/\x101\x10~", "", "/1~"},
		{"end of stream", "xy\x10\x03", "xy", "\x03"},
		{"a code directly after a doubled DLE", "\x10\x10\x10b", "\x10", "b"},
		{"every octet, shielded", string(shield(nil, all)), string(all), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for cut := range len(c.in) + 1 { // split at every offset
				s, k := decodeAll([]byte(c.in[:cut]), []byte(c.in[cut:]))
				if string(s) != c.samples || string(k) != c.codes {
					t.Errorf("cut at %d: samples %q codes %q, want %q and %q", cut, s, k, c.samples, c.codes)
				}
			}
		})
	}
}

func TestShieldedSamplesArriveUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.SampledFrom([]byte{0, 0x10, 0x10, 0x1a, 0x03, 'u', 0xd5})).Draw(t, "samples")
		wire := shield(nil, in)
		var pieces [][]byte
		for len(wire) > 0 {
			n := rapid.IntRange(1, len(wire)).Draw(t, "piece")
			pieces, wire = append(pieces, wire[:n]), wire[n:]
		}
		if got, codes := decodeAll(pieces...); !bytes.Equal(got, in) || len(codes) > 0 {
			t.Fatalf("got %x and codes %q, want %x", got, codes, in)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x10\x10\x10"), 1)
	f.Add([]byte("a\x10\x03b\x10/\x105\x10~"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		whole, codes := decodeAll(b)
		if len(whole) > len(b) {
			t.Fatalf("%d samples out of %d octets", len(whole), len(b))
		}
		cut = min(max(cut, 0), len(b))
		s, c := decodeAll(b[:cut], b[cut:])
		if !bytes.Equal(s, whole) || !bytes.Equal(c, codes) {
			t.Fatalf("cut at %d changes the meaning of %x", cut, b)
		}
		back, none := decodeAll(shield(nil, b))
		if !bytes.Equal(back, b) || len(none) > 0 {
			t.Fatalf("%x came back as %x", b, back)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	in := shield(nil, bytes.Repeat([]byte("0123456789abcde\x10"), 10))
	out := make([]byte, 0, len(in)+2)
	var d decoder
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		out, _, _ = d.decode(out[:0], in)
	}
}

func BenchmarkShield(b *testing.B) {
	in := bytes.Repeat([]byte("0123456789abcde\x10"), 10)
	out := make([]byte, 0, 2*len(in))
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		out = shield(out[:0], in)
	}
}
