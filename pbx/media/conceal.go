package media

// Lengths of concealment, in samples.
const (
	concealPast  = 480 // what is remembered of what was played
	concealHold  = 80  // 10 ms at full level
	concealFade  = 480 // then faded out over 60 ms
	concealBlend = 32  // 4 ms of cross-fade back to the real sound
	pitchLeast   = 20  // 400 Hz
	pitchMost    = 120 // 67 Hz
)

// concealer makes up missing sound after the idea of ITU-T G.711 appendix I: the
// last pitch period again and again, faded out. The zero value remembers silence.
type concealer struct {
	memory [2 * concealPast]int16 // written twice, so that the past lies in one piece
	pos    int
	lag    int // period that is repeated; 0: not concealing
	made   int // samples made in a row
	blend  int // samples left of the cross-fade
}

func (c *concealer) remember(v int16) {
	c.memory[c.pos], c.memory[c.pos+concealPast] = v, v
	if c.pos++; c.pos == concealPast {
		c.pos = 0
	}
}

// past is the last n samples, oldest first; valid until the next sample.
func (c *concealer) past(n int) []int16 {
	return c.memory[c.pos+concealPast-n : c.pos+concealPast]
}

// begin makes the next real samples follow smoothly on what was played.
func (c *concealer) begin() {
	if c.lag == 0 {
		c.lag, c.made = c.pitch(), 0
	}
}

// real takes a sample that is there and returns what to play.
func (c *concealer) real(v int16) int16 {
	if c.lag != 0 {
		if c.blend == 0 {
			c.blend = concealBlend
		}
		old, _ := c.repeat()
		c.blend--
		v = int16((int(v)*(concealBlend-c.blend) + int(old)*c.blend) / concealBlend)
		if c.blend == 0 {
			c.lag = 0
		}
	}
	c.remember(v)
	return v
}

// fake returns a sample for one that is missing, and whether it is more than
// silence.
func (c *concealer) fake() (int16, bool) {
	c.begin()
	c.blend = 0
	raw := c.past(c.lag)[0]
	v, loud := c.repeat()
	if !loud {
		raw = 0
	}
	c.remember(raw)
	c.made++
	return v, v != 0
}

// repeat is the sample one period ago at the present level of the fade.
func (c *concealer) repeat() (int16, bool) {
	v := int(c.past(c.lag)[0])
	fade := c.made - concealHold
	switch {
	case fade <= 0:
		return int16(v), true
	case fade >= concealFade:
		return 0, false
	}
	return int16(v * (concealFade - fade) / concealFade), true
}

// pitch is the period of what was played last, by its autocorrelation.
func (c *concealer) pitch() int {
	const span = 160
	x := c.past(span + pitchMost)
	now := x[pitchMost:]
	best, lag := -1.0, pitchMost/2
	for l := pitchMost; l >= pitchLeast; l-- {
		then := x[pitchMost-l:]
		var cross, power float64
		for i := 0; i < span; i += 2 {
			a, b := float64(now[i]), float64(then[i])
			cross += a * b
			power += b * b
		}
		if cross <= 0 || power == 0 {
			continue
		}
		if r := cross * cross / power; r > best {
			best, lag = r, l
		}
	}
	return lag
}
