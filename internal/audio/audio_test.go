package audio_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/audio/prompts"

	"pgregory.net/rapid"
)

func TestG711KnownValues(t *testing.T) {
	// ITU-T G.711 tables 1a and 2a: decision and quantised values, in units of the
	// 16 bit that the reference code of G.191 uses.
	cases := []struct {
		linear int16
		a, mu  byte
	}{
		{0, 0xD5, 0xFF}, {-1, 0x55, 0x7F}, {32767, 0xAA, 0x80}, {-32768, 0x2A, 0x00},
		{8, 0xD5, 0xFE}, {-9, 0x55, 0x7E}, {1000, 0xFA, 0xCE}, {-1000, 0x7A, 0x4E},
	}
	for _, c := range cases {
		if got := audio.ALawEncode(c.linear); got != c.a {
			t.Errorf("A-law of %d: %#02x, want %#02x", c.linear, got, c.a)
		}
		if got := audio.MuLawEncode(c.linear); got != c.mu {
			t.Errorf("mu-law of %d: %#02x, want %#02x", c.linear, got, c.mu)
		}
	}
	if a, mu := audio.ALawDecode(0xAA), audio.MuLawDecode(0x80); a != 32256 || mu != 32124 {
		t.Errorf("largest values %d and %d, want 32256 and 32124", a, mu)
	}
}

func TestG711RoundTrips(t *testing.T) {
	for i := range 256 {
		b := byte(i)
		if got := audio.ALawEncode(audio.ALawDecode(b)); got != b {
			t.Errorf("A-law %#02x comes back as %#02x", b, got)
		}
		if got := audio.MuLawEncode(audio.MuLawDecode(b)); got != b && b != 0x7f { // 0x7f is minus zero
			t.Errorf("mu-law %#02x comes back as %#02x", b, got)
		}
		// A-law to mu-law and back: at most one step of quantisation.
		var x [1]byte
		audio.ALawToMuLaw(x[:], []byte{b})
		audio.MuLawToALaw(x[:], x[:])
		v, w := float64(audio.ALawDecode(b)), float64(audio.ALawDecode(x[0]))
		if math.Abs(v-w) > math.Max(16, math.Abs(v)/15) {
			t.Errorf("A-law %#02x (%v) by mu-law is %v", b, v, w)
		}
	}
	// Half a step of quantisation: the steps are a sixteenth of where their segment
	// begins, which mu-law reckons from -132 on (G.711, tables 1 and 2).
	for s := math.MinInt16; s <= math.MaxInt16; s++ {
		size := math.Abs(float64(s))
		if got := audio.ALawDecode(audio.ALawEncode(int16(s))); math.Abs(float64(got)-float64(s)) > math.Max(16, size/32) {
			t.Errorf("A-law of %d is %d", s, got)
		}
		if got := audio.MuLawDecode(audio.MuLawEncode(int16(s))); math.Abs(float64(got)-float64(s)) > math.Max(16, (size+132)/32) {
			t.Errorf("mu-law of %d is %d", s, got)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, level := range []float64{0, -13, -30} {
		s := make([]int16, 8000)
		audio.NewToneGen(audio.Tone{{Low: 425}}, level).Read(s)
		if got := audio.Level(s); math.Abs(got-level) > 0.1 {
			t.Errorf("a tone of %v dBm0 measures %.2f", level, got)
		}
		audio.NewNoise(1, level-10).Read(s)
		if got := audio.Level(s); math.Abs(got-level+10) > 0.3 {
			t.Errorf("noise of %v dBm0 measures %.2f", level-10, got)
		}
	}
	if audio.Level(nil) != audio.Silent || audio.Level(make([]int16, 10)) != audio.Silent {
		t.Error("silence has a level")
	}
	s := []int16{20000, -20000}
	audio.Gain(s, 2)
	if s[0] != 32767 || s[1] != -32768 {
		t.Errorf("clipped to %v", s)
	}
}

func TestTheItalianCadence(t *testing.T) {
	cases := map[audio.ToneKind][]int{ // ms on, off, …
		audio.DialTone:        {200, 200, 600, 1000, 200, 200},
		audio.RingbackTone:    {1000, 4000, 1000},
		audio.BusyTone:        {500, 500, 500, 500},
		audio.CongestionTone:  {200, 200, 200, 200},
		audio.CallWaitingTone: {400, 100, 250, 100, 150, 14000, 400},
	}
	for kind, want := range cases {
		tone, ok := audio.CountryTone("it", kind)
		if !ok {
			t.Fatalf("no %s", kind)
		}
		s := make([]int16, 160000)
		audio.NewToneGen(tone, -13).Read(s)
		at := 0
		for i, ms := range want {
			part := s[at : at+ms*8]
			if loud := audio.Level(part) > -20; loud != (i%2 == 0) {
				t.Errorf("%s: part %d of %d ms has %.1f dBm0", kind, i, ms, audio.Level(part))
			}
			at += ms * 8
		}
	}
	if _, ok := audio.CountryTone("zz", audio.BusyTone); ok {
		t.Error("a country that there is not")
	}
}

func TestWAV(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := audio.WAV{
			Rate:    rapid.SampledFrom([]int{8000, 16000}).Draw(t, "rate"),
			Format:  rapid.SampledFrom([]audio.WAVFormat{audio.WAVPCM, audio.WAVALaw, audio.WAVMuLaw}).Draw(t, "format"),
			Samples: rapid.SliceOf(rapid.Int16()).Draw(t, "samples"),
		}
		file := audio.AppendWAV(nil, w)
		if size := int(binary.LittleEndian.Uint32(file[4:])); size != len(file)-8 || size%2 != 0 {
			t.Fatalf("size %d of a file of %d", size, len(file))
		}
		got, err := audio.ParseWAV(file)
		if err != nil || got.Rate != w.Rate || got.Format != w.Format || len(got.Samples) != len(w.Samples) {
			t.Fatalf("%v %+v", err, got)
		}
		if w.Format == audio.WAVPCM && len(w.Samples) > 0 && !bytes.Equal(raw(got.Samples), raw(w.Samples)) {
			t.Fatal("other samples")
		}
		cut := file[:44+(len(file)-44)/4*2] // a recorder without power
		if got, err := audio.ParseWAV(cut); err != nil || len(got.Samples) > len(w.Samples) {
			t.Fatalf("cut off: %v", err)
		}
	})
}

func raw(s []int16) (b []byte) {
	for _, v := range s {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func TestWAVRefuses(t *testing.T) {
	good := audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVPCM, Samples: make([]int16, 10)})
	change := func(at int, v byte) []byte { b := bytes.Clone(good); b[at] = v; return b }
	cases := map[string][]byte{
		"nothing": nil, "no RIFF": change(0, 'X'), "stereo": change(22, 2), "44.1 kHz": change(24, 0x44),
		"24 bit": change(34, 24), "MP3 in WAV": change(20, 0x55), "no data": good[:36],
	}
	for name, b := range cases {
		if _, err := audio.ParseWAV(b); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzParseWAV(f *testing.F) {
	f.Add(audio.AppendWAV(nil, audio.WAV{Rate: 8000, Format: audio.WAVALaw, Samples: make([]int16, 3)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := audio.ParseWAV(b)
		if err == nil && (len(w.Samples) > len(b) || w.Rate != 8000 && w.Rate != 16000) {
			t.Fatalf("%d samples at %d Hz from %d octets", len(w.Samples), w.Rate, len(b))
		}
	})
}

func sine(hz float64, rate, n int) []int16 {
	s := make([]int16, n)
	for i := range s {
		s[i] = int16(10000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return s
}

func TestResample(t *testing.T) {
	cases := []struct{ from, to int }{{16000, 8000}, {8000, 16000}, {48000, 8000}, {8000, 48000}, {8000, 8000}}
	for _, c := range cases {
		for _, hz := range []float64{300, 1000, 3200} {
			out, err := audio.Resample(sine(hz, c.from, c.from), c.from, c.to)
			if err != nil || len(out) != c.to {
				t.Fatalf("%v: %d samples, %v", c, len(out), err)
			}
			want := sine(hz, c.to, c.to)
			var noise, power float64
			for i := c.to / 10; i < c.to*9/10; i++ {
				d := float64(out[i]) - float64(want[i])
				noise += d * d
				power += float64(want[i]) * float64(want[i])
			}
			if snr := 10 * math.Log10(power/noise); snr < 40 && hz < 3200 || snr < 20 {
				t.Errorf("%v at %v Hz: %.1f dB", c, hz, snr)
			}
		}
	}
	alias, _ := audio.Resample(sine(5500, 16000, 16000), 16000, 8000)
	if l := audio.Level(alias[800:7200]); l > -55 {
		t.Errorf("5.5 kHz comes through with %.1f dBm0", l)
	}
	if _, err := audio.Resample(nil, 44100, 8000); err == nil {
		t.Error("44.1 kHz was taken")
	}
}

func TestResamplingInPiecesIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SampledFrom([][2]int{{16000, 8000}, {8000, 16000}, {48000, 8000}}).Draw(t, "rates")
		s := rapid.SliceOfN(rapid.Int16(), 0, 500).Draw(t, "samples")
		whole, _ := audio.NewResampler(rates[0], rates[1])
		parts, _ := audio.NewResampler(rates[0], rates[1])
		want := whole.Append(nil, s)
		var got []int16
		for len(s) > 0 {
			n := rapid.IntRange(1, len(s)).Draw(t, "piece")
			got = parts.Append(got, s[:n])
			s = s[n:]
		}
		if !bytes.Equal(raw(got), raw(want)) {
			t.Fatal("pieces make another sound")
		}
	})
}

func TestPrompts(t *testing.T) {
	total := len(prompts.Music())
	if len(prompts.Music()) < 15*audio.Rate {
		t.Error("the music is too short")
	}
	for _, lang := range prompts.Languages() {
		for _, name := range prompts.Names() {
			a, ok := prompts.Prompt(lang, name)
			total += len(a)
			s := make([]int16, len(a))
			audio.ALawToLinear(s, a)
			if !ok || prompts.Text(lang, name) == "" || len(a) < audio.Samples(200*time.Millisecond) || len(a) > 10*audio.Rate {
				t.Errorf("%s in %s: %d octets", name, lang, len(a))
			} else if l := audio.Level(s); l < -30 || l > -8 {
				t.Errorf("%s in %s has %.1f dBm0", name, lang, l)
			}
		}
	}
	if total > 3400<<10 {
		t.Errorf("%d octets in all", total)
	}
	if _, ok := prompts.Prompt("it", "../music"); ok {
		t.Error("a name that is none")
	}
	if _, ok := prompts.Prompt("de", "greeting"); ok {
		t.Error("a language that is none")
	}
	if a, ok := prompts.Prompt("en-GB", "greeting"); !ok || len(a) == 0 {
		t.Error("en-GB is not English")
	}
}

func BenchmarkTranscodeFrame(b *testing.B) {
	frame := make([]byte, 160)
	b.ReportAllocs()
	for b.Loop() {
		audio.ALawToMuLaw(frame, frame)
	}
}
