package voicemodem

// Octets of the V.253 stream (ITU-T V.253 clause 9): in both directions DLE marks
// a code, a DLE among the samples is sent twice, and DLE SUB stands for two.
const (
	dle = 0x10
	etx = 0x03
	dc4 = 0x14
	sub = 0x1a
)

// decoder takes the shielding off the modem's stream. The zero value is ready. It
// may be cut anywhere: the next call goes on where the last one stopped.
type decoder struct{ escaped bool }

// decode appends samples of src to dst until src is used up or a code was found.
// It returns the grown dst, what is left of src, and the code, or 0 if there was
// none. It does not allocate while dst has room for len(src)+2.
func (d *decoder) decode(dst, src []byte) (out, rest []byte, code byte) {
	for i, b := range src {
		switch {
		case !d.escaped && b != dle:
			dst = append(dst, b)
		case !d.escaped:
			d.escaped = true
		case b == dle:
			d.escaped = false
			dst = append(dst, dle)
		case b == sub:
			d.escaped = false
			dst = append(dst, dle, dle)
		default:
			d.escaped = false
			return dst, src[i+1:], b
		}
	}
	return dst, nil, 0
}

// shield appends src to dst with every DLE doubled.
func shield(dst, src []byte) []byte {
	for _, b := range src {
		if b == dle {
			dst = append(dst, dle)
		}
		dst = append(dst, b)
	}
	return dst
}
