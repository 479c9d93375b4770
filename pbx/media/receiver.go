package media

import "time"

// receiver counts what an RTP source sent (RFC 3550 appendices A.1, A.3, A.8).
// The totals go on over a change of SSRC.
type receiver struct {
	base    uint32 // extended sequence number of the first packet
	max     uint32 // highest extended sequence number
	got     uint64 // packets of this SSRC
	begun   bool
	jitter  float64 // in samples
	transit int64
	heard   bool // transit is set

	expectedPrior, gotPrior uint64 // at the last report

	packets, octets uint64 // of all SSRCs
	lostBefore      uint64 // of earlier SSRCs
}

// restart begins a new SSRC.
func (r *receiver) restart(seq uint16) {
	if r.begun {
		r.lostBefore += r.lost()
	}
	*r = receiver{packets: r.packets, octets: r.octets, lostBefore: r.lostBefore, begun: true}
	r.base = 1<<16 + uint32(seq) // room to count down for a reordered beginning
	r.max = r.base
}

func (r *receiver) count(now time.Time, h *header) {
	r.got++
	r.packets++
	r.octets += uint64(h.end - h.start)
	switch d := int16(h.seq - uint16(r.max)); {
	case d > maxJump || d < -maxJump: // the source began anew with the same SSRC
		r.lostBefore += r.lost()
		r.base = 1<<16 + uint32(h.seq)
		r.max, r.got, r.heard = r.base, 1, false
		r.expectedPrior, r.gotPrior = 0, 0
	case d > 0:
		r.max += uint32(d)
	}
	transit := now.UnixMicro()*8/1000 - int64(h.ts)
	if r.heard {
		d := int64(int32(transit - r.transit))
		if d < 0 {
			d = -d
		}
		if d < maxStep {
			r.jitter += (float64(d) - r.jitter) / 16
		}
	}
	r.transit, r.heard = transit, true
}

func (r *receiver) expected() uint64 { return uint64(r.max-r.base) + 1 }

// lost are the packets of this SSRC that did not come; duplicates hide losses.
func (r *receiver) lost() uint64 {
	if !r.begun || r.got >= r.expected() {
		return 0
	}
	return r.expected() - r.got
}

// interval is the fraction lost since the last report, in parts of 256.
func (r *receiver) interval() uint8 {
	expected, got := r.expected()-r.expectedPrior, r.got-r.gotPrior
	r.expectedPrior, r.gotPrior = r.expected(), r.got
	if expected == 0 || got >= expected {
		return 0
	}
	return uint8(min(255, (expected-got)*256/expected))
}

func (r *receiver) figures(st *Stats) {
	st.Received, st.ReceivedOctets = r.packets, r.octets
	st.Lost = r.lostBefore + r.lost()
	st.Jitter = time.Duration(r.jitter * float64(time.Second) / 8000)
}
