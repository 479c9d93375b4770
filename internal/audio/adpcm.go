package audio

// ADPCM of four bits a sample, as the Interactive Multimedia Association recommends
// it for digital audio (1992, section 6): half of A-law's room, for sound that is
// kept and not sent. The state before the first sample is zero; the first sample of
// a pair is in an octet's low half.

var adpcmIndex = [8]int{-1, -1, -1, -1, 2, 4, 6, 8}

var adpcmStep = [89]int32{
	7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
	118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
	1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
	6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
}

type adpcm struct {
	value int32
	index int
}

// take moves on by one code and returns the sample.
func (a *adpcm) take(code byte) int16 {
	step := adpcmStep[a.index]
	d := step >> 3
	for bit, part := byte(4), step; bit != 0; bit, part = bit>>1, part>>1 {
		if code&bit != 0 {
			d += part
		}
	}
	if code&8 != 0 {
		d = -d
	}
	a.value = max(-32768, min(32767, a.value+d))
	a.index = max(0, min(len(adpcmStep)-1, a.index+adpcmIndex[code&7]))
	return int16(a.value)
}

// code is what brings the state nearest to the sample.
func (a *adpcm) code(sample int16) byte {
	d, code := int32(sample)-a.value, byte(0)
	if d < 0 {
		d, code = -d, 8
	}
	for bit, part := byte(4), adpcmStep[a.index]; bit != 0; bit, part = bit>>1, part>>1 {
		if d >= part {
			code |= bit
			d -= part
		}
	}
	return code
}

// ADPCMDecode returns the two samples of each octet.
func ADPCMDecode(b []byte) []int16 {
	out, a := make([]int16, 0, 2*len(b)), adpcm{}
	for _, c := range b {
		out = append(out, a.take(c&15), a.take(c>>4))
	}
	return out
}

// ADPCMEncode makes an octet of each two samples; a last single one is repeated.
func ADPCMEncode(samples []int16) []byte {
	out, a := make([]byte, 0, (len(samples)+1)/2), adpcm{}
	for i := 0; i < len(samples); i += 2 {
		low := a.code(samples[i])
		a.take(low)
		high := a.code(samples[min(i+1, len(samples)-1)])
		a.take(high)
		out = append(out, low|high<<4)
	}
	return out
}
