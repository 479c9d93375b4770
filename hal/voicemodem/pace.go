package voicemodem

import (
	"math"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// frameTime is the length of a frame.
const frameTime = hal.FrameSamples * time.Second / audio.Rate

// Bounds of the pace.
const (
	early     = 15 * time.Millisecond  // a frame is handled so much before its time rather than kept
	reserve   = 10 * time.Millisecond  // left to say in the modem when silence is sent
	lateTimer = 5 * time.Millisecond   // and more: we were not served
	lookAgain = 2 * time.Millisecond   // when we were late: more may wait in the port
	heldMost  = 16                     // frames that wait for their time: 320 ms
	fedMost   = 12                     // frames of silence while nothing comes: 240 ms
	tooMuch   = 3                      // frames beyond the level: more was sent than the modem played
	codecSpan = 2 * time.Second        // the codec's time is the earliest of one to two of it …
	stoodSpan = 500 * time.Millisecond // … if not in one to two of this everything came …
	stoodFor  = 5 * frameTime          // … later by more than this: then it stood still
	depthSpan = 5 * time.Second        // more delay than was needed for one to two of it is taken back …
	quietWait = 2 * time.Second        // … in silence, or after this in the middle of a sound
	quietPeak = 128                    // of 32768: less is silence
)

// pace says when the next frame is handled. Its measure is what the modem still has
// to say: what it was sent, less what its codec has played. The codec's time is read
// from the samples that came, by those that came with the least delay.
//
// A port may bring samples in lumps: a USB serial adapter waits for its latency timer,
// a virtual machine for its host. Frames that come together are handled one by one,
// each when the modem has no more than queue-1 frames left, so that the handler is
// called evenly and the modem's own buffer is never given more than queue frames. If
// nothing has come when reserve is left, silence is sent: from then on both directions
// together are later by it. So the lasting delay becomes, whatever the lumps:
//
//	from the line:  the lump itself, which the port keeps, and at most 15 ms (early)
//	to the line:    queue, 40 ms without underruns, and at most 15 ms
//
// Nothing is lost by this but at the beginning, when the first lump does not come: a
// silence of its length. Larger lumps than before make the same once. Delay that was
// not needed for 5 to 10 s is taken back by leaving out frames of silence. So is what was
// sent to a modem that stood still, which is noticed within a second.
//
// When we ourselves were not served in time, the modem had nothing to say and its
// frames come all at once, too. That is no manner of the port: as many of ours as it
// lacked are left out at once, and no delay stays.
type pace struct {
	began   time.Time
	sent    int64         // frames given to the modem since then
	fresh   int64         // of those, not yet written
	taken   int64         // samples that came
	codec   least         // beginning of the codec's time after ours
	recent  least         // the same, of late
	dry     time.Duration // in which the modem had nothing to say
	due     time.Time     // of the timer; zero: none
	owed    time.Duration // of dry, our own lateness that was not left out yet
	starved time.Duration // the last lateness …
	missed  time.Time     // … and when
	doubt   time.Duration // of dry, what the codec's time has not confirmed yet
	stood   bool          // the codec stood still just now
	lacks   bool          // the timer ran in time and nothing has come
	fed     int           // frames of silence since samples came
	depth   least         // what was left, in the modem and here, when samples came
	extra   int           // frames to be left out in silence …
	waited  time.Time     // … or after this in any case
	first   int           // oldest of held
	count   int           // frames in held
	held    [heldMost][hal.FrameSamples]byte
}

// least is the smallest value of the last one to two spans.
type least struct {
	until       time.Time
	before, now time.Duration
}

// none is the least of nothing.
const none = time.Duration(math.MaxInt64)

// note takes a value and says whether a span has ended by it.
func (l *least) note(at time.Time, span, v time.Duration) (ended bool) {
	if l.until.IsZero() {
		*l = least{at.Add(span), none, none}
	}
	if ended = !at.Before(l.until); ended {
		l.before, l.now, l.until = l.now, none, at.Add(span)
	}
	l.now = min(l.now, v)
	return ended
}

func (l *least) value() time.Duration { return min(l.before, l.now) }

// begin is the modem's CONNECT.
func (p *pace) begin(now time.Time) { *p = pace{began: now} }

// played is the time of the modem's codec.
func (p *pace) played(now time.Time) time.Duration {
	d := now.Sub(p.began)
	if p.taken > 0 {
		d -= p.codec.value()
	}
	return d
}

// left is what the modem still has to say, in time; at the moment of writing.
func (p *pace) left(now time.Time) time.Duration {
	return time.Duration(p.sent)*frameTime + p.dry - p.played(now)
}

// served notes what the modem lacked if we come too late, when fresh of the frames
// sent had not been written yet. Modems play in blocks: what it began to play before
// now counts.
func (p *pace) served(now time.Time, fresh int64) {
	played := p.played(now) / frameTime * frameTime
	lack := played - time.Duration(p.sent-fresh)*frameTime - p.dry
	if lack <= 0 || now.Sub(p.began) < frameTime {
		return
	}
	switch {
	case p.due.IsZero(): // the port brought nothing for too long
	case now.Sub(p.due) < lateTimer:
		return
	default:
		p.owed += lack
		p.starved, p.missed = lack, now
		p.doubt += lack
	}
	p.dry += lack
}

// come notes n samples.
func (p *pace) come(now time.Time, n int) {
	old := none
	if p.taken > 0 {
		old = p.codec.value()
	}
	p.taken += int64(n)
	since := now.Sub(p.began)
	at := since - audio.Duration(int(p.taken))
	over := p.codec.note(now, codecSpan, at)
	p.recent.note(now, stoodSpan, at)
	if v := p.recent.value(); v > p.codec.value()+stoodFor {
		p.codec.before, p.codec.now, over, p.stood = v, v, true, true
	}
	if over {
		// Where the codec stood still as we did, as in a machine that was stopped,
		// the modem lacked nothing.
		if now.Sub(p.missed) > 3*codecSpan {
			p.doubt = 0
		}
		if back := min(p.codec.value()-old, p.doubt); back > 0 {
			p.dry -= back
			p.doubt -= back
			p.owed = max(0, p.owed-back)
		}
	}
	// What came with CONNECT was before the modem had anything from us.
	if before := min(old, -frameTime); since < stallAfter && at < before {
		p.dry += before - at
	}
}

// level is what the modem has left when the next frame is to be sent to it.
func level(queue int) time.Duration { return time.Duration(queue-1) * frameTime }

// surplus notes what was left when samples came, and decides at the end of a span, and
// when the codec has stood still, how many frames were more than needed.
func (p *pace) surplus(now time.Time, queue int) {
	left := p.left(now) + time.Duration(p.count)*frameTime
	lowest := left
	switch {
	case p.extra > 0 || p.missed.Equal(now):
		return
	case p.stood: // what was sent meanwhile is too much
		p.stood = false
	case !p.depth.note(now, depthSpan, left) || p.depth.before == none:
		return
	default:
		lowest = p.depth.value()
	}
	if over := lowest - level(queue) - early; over >= 0 {
		p.extra, p.waited = int(over/frameTime)+1, now.Add(quietWait)
		p.depth = least{}
	}
}

// next is what is to be done.
type next uint8

const (
	nextWait    next = iota // until due
	nextFrame               // handle a frame and send what the handler says
	nextSkip                // handle a frame and send nothing
	nextSilence             // send silence
	nextNone                // nothing, until samples come
)

// next decides; tolerance is by how much a frame may be before its time. With nextWait
// it sets due.
func (p *pace) next(now time.Time, queue int, tolerance time.Duration) next {
	left, level := p.left(now), level(queue)
	low := level - frameTime + reserve
	switch {
	case p.count > 0 && left <= level+tolerance:
		return nextFrame
	case p.count > 0 && p.owed >= frameTime:
		p.owed -= frameTime
		return nextSkip
	case p.count > 0 && left > level+tooMuch*frameTime && p.extra == 0:
		return nextSkip
	case p.count > 0:
		p.due = now.Add(left - level)
	case left > low:
		p.due = now.Add(left - low)
	case !p.lacks:
		p.due = now.Add(lookAgain)
	case p.fed < fedMost:
		p.fed++
		return nextSilence
	default:
		p.due = time.Time{}
		return nextNone
	}
	return nextWait
}

// put takes the place of the next frame that came.
func (p *pace) put() *[hal.FrameSamples]byte {
	f := &p.held[(p.first+p.count)%heldMost]
	p.count++
	return f
}

// take gives the oldest frame back; it is valid until the next put.
func (p *pace) take() *[hal.FrameSamples]byte {
	f := &p.held[p.first]
	p.first = (p.first + 1) % heldMost
	p.count--
	return f
}

// spare says whether a frame with this sound is left out, because there is more delay
// than is needed.
func (p *pace) spare(now time.Time, tx []byte) bool {
	if p.extra == 0 || !quiet(tx) && now.Before(p.waited) {
		return false
	}
	p.extra--
	return true
}

// quiet says whether a frame is silence.
func quiet(alaw []byte) bool {
	for _, b := range alaw {
		if v := audio.ALawDecode(b); v > quietPeak || v < -quietPeak {
			return false
		}
	}
	return true
}
