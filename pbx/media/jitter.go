package media

import "centralino/internal/audio"

// Delays of the jitter buffer, in samples.
const (
	jitterTarget = 320  // 40 ms are gathered before playing begins
	jitterMost   = 960  // 120 ms: more than that for richReads is thrown away
	jitterRing   = 4096 // 512 ms
	lowMargin    = 140  // less in hand: wait, since whole packets come and the margin
	midMargin    = 160  // moves in steps of one; what is waited for, or kept
	highMargin   = 300  // more in hand for three seconds: catch up
	lateMargin   = 40   // kept in hand beyond a late packet
	lateGrowth   = 160  // 20 ms: the delay grows by no more for one late burst
	richReads    = 15   // reads that too much must be in hand before it is thrown away: 300 ms
	window       = 50   // reads in which the smallest margin is looked for: 1 s
	patience     = 100  // reads that an adjustment waits for silence: 2 s
	lateLimit    = 4    // reads in a row between which packets came late: the sender's clock has jumped
	starved      = 4000 // 500 ms of nothing: the next packet begins a new spurt
	adjustSilent = 80   // samples moved at once in silence
	silentMean   = 60   // mean of the magnitude below which a frame is silent
)

// jitterBuffer turns packets that come irregularly, or not at all, into an even
// stream for a line whose clock differs from the sender's. It holds samples by
// time stamp; read takes one frame for each tick of the line.
//
// Delay and drift are adjusted by the margin, which is what is left in hand after
// a read: where its smallest value over a second comes near zero, a few samples
// are repeated, where it stays large, a few are left out, cross-faded over the
// frame and in silence if there is any within two seconds. Missing samples are
// made by repeating the last pitch period, faded out over 60 ms.
//
// A stall does not move what is heard against what was said: playing goes on in the
// sender's time while nothing comes, packets whose time has passed are left out, and
// the delay grows by little. Too much in hand is thrown away only when it stays: a
// burst of packets may be followed by a burst of reads of the same span, as after a
// stall of this machine.
//
// One goroutine uses it. The zero value is ready.
type jitterBuffer struct {
	ring [jitterRing]int16
	have [jitterRing]bool
	play uint32 // time stamp of the sample to be played next
	end  uint32 // time stamp after the newest

	started bool // play and end mean something
	primed  bool // playing, not gathering
	waited  int  // reads since gathering began
	missing int  // samples missed in a row
	lateRun int
	lateAt  int // reading at which lateRun was counted last
	reading int // counts reads

	rich      int // reads in a row after which more than jitterMost was in hand
	richLeast int // smallest of them

	debt   int // samples to wait for, because packets came late
	least  int // smallest margin of this window
	reads  int // of this window
	lows   [3]int
	adjust int // samples still to be left out (positive) or repeated
	asked  int // reads since adjust was decided

	hide concealer

	concealed, late uint64
}

// reset forgets the sender; what is concealed fades on.
func (j *jitterBuffer) reset() {
	if j.started {
		clear(j.have[:])
	}
	j.started = false
	j.unprime()
}

func (j *jitterBuffer) unprime() {
	j.primed, j.waited, j.lateRun, j.debt, j.rich = false, 0, 0, 0, 0
	j.adjust, j.reads, j.least = 0, 0, jitterRing
	j.lows = [3]int{}
}

// depth is how many samples lie between playing and the newest.
func (j *jitterBuffer) depth() int {
	if !j.started {
		return 0
	}
	return max(0, int(int32(j.end-j.play)))
}

func (j *jitterBuffer) anchor(ts uint32) {
	j.reset()
	j.play, j.end, j.started = ts, ts, true
}

// write takes a packet of A-law.
func (j *jitterBuffer) write(ts uint32, alaw []byte) {
	n := int(int32(len(alaw)))
	ahead := int(int32(ts - j.play))
	switch {
	case !j.started,
		!j.primed && j.missing >= starved && j.depth() == 0,
		ahead+n > jitterRing-audio.FrameSamples, ahead < -2*audio.Rate:
		j.anchor(ts)
	case !j.primed && ahead < 0 && ahead > -jitterTarget: // reordered beginning
		j.play = ts
	case ahead+n <= 0:
		j.tooLate(ts, -ahead)
		if j.started && j.play != ts {
			return
		}
	default:
		j.lateRun = 0
	}
	if ahead = int(int32(ts - j.play)); ahead < 0 { // partly late
		j.owe(-ahead)
		alaw, ts = alaw[-ahead:], j.play
	}
	for i, b := range alaw {
		k := (ts + uint32(i)) % jitterRing
		j.ring[k], j.have[k] = audio.ALawDecode(b), true
	}
	if e := ts + uint32(len(alaw)); int32(e-j.end) > 0 {
		j.end = e
	}
}

// tooLate handles a packet that should have been played by samples ago.
func (j *jitterBuffer) tooLate(ts uint32, by int) {
	j.late++
	if j.lateRun == 0 || j.lateAt != j.reading {
		j.lateRun, j.lateAt = j.lateRun+1, j.reading
	}
	if j.lateRun >= lateLimit {
		j.anchor(ts)
		return
	}
	j.owe(by)
}

// owe has playing wait so that a packet as late as this one comes in time; what is
// much later than that has happened once and is not waited for in future.
func (j *jitterBuffer) owe(by int) {
	if debt := min(by+lateMargin, lateGrowth); debt+j.depth() <= jitterMost {
		j.debt = max(j.debt, debt)
	}
}

// read fills dst, one frame.
func (j *jitterBuffer) read(dst []int16) {
	j.reading++
	if j.started && !j.primed {
		j.waited++
		j.primed = j.depth() >= jitterTarget || j.depth() > 0 && j.waited > jitterTarget/audio.FrameSamples+1
	}
	if !j.primed {
		j.missing += len(dst)
		j.conceal(dst)
		return
	}
	if j.rich >= richReads {
		j.jump(j.richLeast - jitterTarget)
	}
	step := j.plan(len(dst))
	switch {
	case step == 0:
		j.take(dst)
	case step > 0:
		j.stretch(dst, step)
	default:
		j.hold(dst, -step)
	}
	j.learn()
	if j.missing >= starved {
		j.unprime()
	}
}

// jump leaves out n samples that are too much.
func (j *jitterBuffer) jump(n int) {
	for range n {
		j.next()
	}
	j.rich = 0
	j.hide.begin()
}

// plan says by how many samples this frame is to be shortened (positive) or
// lengthened (negative).
func (j *jitterBuffer) plan(frame int) int {
	whole := j.whole(frame)
	if j.debt > 0 {
		if !whole { // nothing to stretch: simply wait
			n := min(j.debt, frame)
			j.debt -= n
			return -n
		}
		n := min(j.debt, j.hide.pitch())
		j.debt -= n
		return -n
	}
	if j.adjust == 0 {
		return 0
	}
	j.asked++
	n := min(adjustSilent, max(j.adjust, -j.adjust))
	if !j.silent(frame) {
		if j.asked < patience {
			return 0
		}
		n = j.hide.pitch()
	}
	switch {
	case j.adjust > 0 && j.whole(frame+n):
		j.adjust = max(0, j.adjust-n)
		return n
	case j.adjust < 0 && whole:
		j.adjust = min(0, j.adjust+n)
		return -n
	}
	return 0
}

// whole reports whether the next n samples are all there.
func (j *jitterBuffer) whole(n int) bool {
	if j.depth() < n {
		return false
	}
	for i := range uint32(n) {
		if !j.have[(j.play+i)%jitterRing] {
			return false
		}
	}
	return true
}

func (j *jitterBuffer) silent(n int) bool {
	sum := 0
	for i := range uint32(n) {
		v := int(j.ring[(j.play+i)%jitterRing])
		sum += max(v, -v)
	}
	return sum < silentMean*n
}

// next takes one sample, and false if it is missing.
func (j *jitterBuffer) next() (int16, bool) {
	k := j.play % jitterRing
	v, ok := j.ring[k], j.have[k]
	j.have[k] = false
	j.play++
	return v, ok
}

// take plays one frame, concealing what is missing.
func (j *jitterBuffer) take(dst []int16) {
	for i := range dst {
		v, ok := j.next()
		if ok {
			j.missing = 0
			dst[i] = j.hide.real(v)
			continue
		}
		j.missing++
		dst[i] = j.fake()
	}
	if int32(j.end-j.play) < 0 {
		j.end = j.play
	}
}

func (j *jitterBuffer) fake() int16 {
	v, made := j.hide.fake()
	if made {
		j.concealed++
	}
	return v
}

func (j *jitterBuffer) conceal(dst []int16) {
	for i := range dst {
		dst[i] = j.fake()
	}
}

// stretch plays one frame while passing over n samples more.
func (j *jitterBuffer) stretch(dst []int16, n int) {
	size := len(dst)
	for i := range dst {
		a := int(j.ring[(j.play+uint32(i))%jitterRing])
		b := int(j.ring[(j.play+uint32(i+n))%jitterRing])
		dst[i] = j.hide.real(int16((a*(size-i) + b*i) / size))
	}
	for range size + n {
		j.next()
	}
	j.missing = 0
}

// hold plays one frame while passing over n samples less: the last n are heard
// again. Without samples it conceals and waits.
func (j *jitterBuffer) hold(dst []int16, n int) {
	size := len(dst)
	if !j.whole(size) {
		j.missing += size
		j.conceal(dst)
		for range size - n {
			j.next()
		}
		if int32(j.end-j.play) < 0 {
			j.end = j.play
		}
		return
	}
	j.missing = 0
	past := j.hide.past(n)
	for i := range dst {
		a := int(j.ring[(j.play+uint32(i))%jitterRing])
		var b int
		if i < n {
			b = int(past[i])
		} else {
			b = int(j.ring[(j.play+uint32(i-n))%jitterRing])
		}
		dst[i] = j.hide.real(int16((a*(size-i) + b*i) / size))
	}
	for range size - n {
		j.next()
	}
}

// learn follows the margin and decides about adjustments.
func (j *jitterBuffer) learn() {
	margin := int(int32(j.end - j.play))
	switch {
	case margin <= jitterMost:
		j.rich = 0
	case j.rich == 0:
		j.rich, j.richLeast = 1, margin
	default:
		j.rich, j.richLeast = j.rich+1, min(j.richLeast, margin)
	}
	j.least = min(j.least, margin)
	if j.reads++; j.reads < window {
		return
	}
	j.lows[0], j.lows[1], j.lows[2] = j.lows[1], j.lows[2], j.least
	least := j.least
	j.reads, j.least = 0, jitterRing
	switch {
	case j.adjust != 0: // still waiting for silence
	case least < lowMargin:
		j.adjust, j.asked = least-midMargin, 0
	case min(j.lows[0], j.lows[1], j.lows[2]) > highMargin:
		j.adjust, j.asked = min(j.lows[0], j.lows[1], j.lows[2])-midMargin, 0
		j.lows = [3]int{}
	}
}
