package audio

// Law is one of the two companding laws of ITU-T G.711.
type Law uint8

// The laws. ALaw is the zero value: it is the law of the Italian network.
const (
	ALaw Law = iota
	MuLaw
)

func (l Law) String() string {
	if l == MuLaw {
		return "mu-law"
	}
	return "A-law"
}

// Silence octets: the smallest positive value of each law.
const (
	ALawSilence  = 0xD5
	MuLawSilence = 0xFF
)

// Silence is the octet of silence of l.
func (l Law) Silence() byte {
	if l == MuLaw {
		return MuLawSilence
	}
	return ALawSilence
}

// Tables after ITU-T G.711 and the reference code of G.191. The encoders look at
// the upper 12 (A-law) or 14 bits (mu-law) of a sample, which is all they need.
var (
	aDecode  [256]int16
	muDecode [256]int16
	aEncode  [1 << 12]byte
	muEncode [1 << 14]byte
	aToMu    [256]byte
	muToA    [256]byte
)

func init() {
	for i := range 256 {
		aDecode[i] = expandA(byte(i))
		muDecode[i] = expandMu(byte(i))
	}
	for i := range aEncode {
		aEncode[i] = compressA(int16(i << 4))
	}
	for i := range muEncode {
		muEncode[i] = compressMu(int16(i << 2))
	}
	for i := range 256 {
		aToMu[i] = MuLawEncode(aDecode[i])
		muToA[i] = ALawEncode(muDecode[i])
	}
}

func expandA(b byte) int16 {
	b ^= 0x55
	mag := int(b&0x0f)<<4 + 8
	if seg := int(b >> 4 & 7); seg > 0 {
		mag = (mag + 0x100) << (seg - 1)
	}
	if b&0x80 == 0 {
		mag = -mag
	}
	return int16(mag)
}

func expandMu(b byte) int16 {
	b = ^b
	mag := (int(b&0x0f)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		mag = -mag
	}
	return int16(mag)
}

func compressA(s int16) byte {
	mag, sign := int(s)>>4, byte(0x80)
	if s < 0 {
		mag, sign = ^int(s)>>4, 0
	}
	if mag > 15 { // beyond the first segment: find exponent and mantissa
		exp := 1
		for mag > 16+15 {
			mag >>= 1
			exp++
		}
		mag = mag - 16 + exp<<4
	}
	return (byte(mag) | sign) ^ 0x55
}

func compressMu(s int16) byte {
	mag, sign := int(s)>>2, byte(0x80)
	if s < 0 {
		mag, sign = ^int(s)>>2, 0
	}
	mag = min(mag+33, 0x1fff)
	seg := 0
	for v := mag >> 6; v > 0; v >>= 1 {
		seg++
	}
	low := 0x0f - mag>>(seg+1)&0x0f
	return byte((7-seg)<<4|low) | sign
}

// ALawDecode expands one octet of A-law.
func ALawDecode(b byte) int16 { return aDecode[b] }

// ALawEncode compresses one sample to A-law.
func ALawEncode(s int16) byte { return aEncode[uint16(s)>>4] }

// MuLawDecode expands one octet of mu-law.
func MuLawDecode(b byte) int16 { return muDecode[b] }

// MuLawEncode compresses one sample to mu-law.
func MuLawEncode(s int16) byte { return muEncode[uint16(s)>>2] }

// ALawToLinear expands src into dst, which must be at least as long.
func ALawToLinear(dst []int16, src []byte) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = aDecode[b]
	}
}

// LinearToALaw compresses src into dst, which must be at least as long.
func LinearToALaw(dst []byte, src []int16) {
	dst = dst[:len(src)]
	for i, s := range src {
		dst[i] = aEncode[uint16(s)>>4]
	}
}

// MuLawToLinear expands src into dst, which must be at least as long.
func MuLawToLinear(dst []int16, src []byte) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = muDecode[b]
	}
}

// LinearToMuLaw compresses src into dst, which must be at least as long.
func LinearToMuLaw(dst []byte, src []int16) {
	dst = dst[:len(src)]
	for i, s := range src {
		dst[i] = muEncode[uint16(s)>>2]
	}
}

// ALawToMuLaw converts src into dst, which must be at least as long and may be
// the same slice.
func ALawToMuLaw(dst, src []byte) { translate(dst, src, &aToMu) }

// MuLawToALaw converts src into dst, which must be at least as long and may be
// the same slice.
func MuLawToALaw(dst, src []byte) { translate(dst, src, &muToA) }

func translate(dst, src []byte, table *[256]byte) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = table[b]
	}
}
