package kpi

import (
	"math"
	"time"
)

// Pace is what a queue's recent past says about its speed: sums in which every
// caller counts a little less than the one after him, so that about the last
// hundred matter. The zero value knows nothing and goes by priors.
type Pace struct {
	Calls   float64 // conversations, weighted
	Handled float64 // seconds of talk and wrap-up of these, weighted
	Left    float64 // callers who hung up while waiting, weighted
	Stood   float64 // seconds that callers waited until they hung up, were served or went on, weighted
}

// How a Pace forgets and what it believes before it has seen anything.
const (
	keep          = 0.985 // weight of the past at each new caller: half is gone after 46
	priorCalls    = 5
	priorHandle   = 240.0 // seconds of talk and wrap-up
	priorLeft     = 2
	priorPatience = 240.0 // seconds after which a waiting caller hangs up
	enoughCalls   = 5     // below this weight no wait is told
)

// Served takes in a conversation of the given length. Its wrap-up follows by Wrapped.
func (p *Pace) Served(talk time.Duration) {
	p.Calls = p.Calls*keep + 1
	p.Handled = p.Handled*keep + talk.Seconds()
}

// Wrapped takes in wrap-up, or a part of it, of the conversation that Served took last.
func (p *Pace) Wrapped(d time.Duration) { p.Handled += d.Seconds() }

// Waited takes in a caller's wait that has ended: because he hung up, or otherwise.
func (p *Pace) Waited(d time.Duration, hungUp bool) {
	p.Left *= keep
	p.Stood = p.Stood*keep + d.Seconds()
	if hungUp {
		p.Left++
	}
}

// Handle returns the mean of talk and wrap-up.
func (p *Pace) Handle() time.Duration { return seconds(p.handle()) }

func (p *Pace) handle() float64 {
	return max((p.Handled+priorCalls*priorHandle)/(p.Calls+priorCalls), 1)
}

// Patience returns the mean time after which waiting callers hang up, as it would
// be if all of them waited until then.
func (p *Pace) Patience() time.Duration { return seconds(1 / p.impatience()) }

// impatience is the rate at which one waiting caller hangs up, per second.
func (p *Pace) impatience() float64 {
	return (p.Left + priorLeft) / (p.Stood + priorLeft*priorPatience)
}

// Ahead is what stands between a caller and an agent.
type Ahead struct {
	Agents float64 // who take calls of this kind, all of them engaged now
	Live   float64 // callers before him on the line; they may hang up
	Bound  float64 // callers before him who are to be called back; they do not
}

// Wait returns how long a caller has to wait yet: the median (low) and the time that
// nine of ten do not exceed (high) of those in his place who are served in the end.
// False means that too little is known to tell.
//
// The agents become free at the rate n·μ, each of those ahead hangs up at the rate
// θ, so the wait of somebody who stays is a sum of exponential stages with mean
// Σ 1/(nμ+iθ) (Whitt 1999; Ibrahim and Whitt 2009) and variance Σ 1/(nμ+iθ)²; it is
// taken as gamma distributed. Those to be called back count as served last. That the
// mean handling time is itself estimated widens the variance. That he may hang up
// before, at the rate θ, makes of a gamma distribution with rate β one with rate β+θ.
func (p *Pace) Wait(a Ahead) (low, high time.Duration, known bool) {
	if p.Calls < enoughCalls || a.Agents <= 0 || a.Live < 0 || a.Bound < 0 {
		return 0, 0, false
	}
	serve, leave := a.Agents/p.handle(), p.impatience()
	mean := (1 + a.Bound) / serve
	variance := mean / serve
	for i := a.Live; i > 0; i-- { // the last stage may be a part of one
		part := min(i, 1)
		stage := 1 / (serve + i*leave)
		mean += part * stage
		variance += part * stage * stage
	}
	variance += mean * mean / (p.Calls + priorCalls)
	shorter := 1 / (1 + p.impatience()*variance/mean)
	mean, variance = mean*shorter, variance*shorter*shorter
	return seconds(gammaQuantile(mean, variance, 0)), seconds(gammaQuantile(mean, variance, z90)), true
}

// z90 is the 90 % quantile of the normal distribution; that of the median is 0.
const z90 = 1.2815515655446004

// gammaQuantile returns the quantile of the gamma distribution with this mean and
// variance whose normal twin is z, by Wilson and Hilferty (1931); for the shapes
// met here, 1 and more, it is within 1.5 % of the truth.
func gammaQuantile(mean, variance, z float64) float64 {
	if mean <= 0 || variance <= 0 {
		return max(mean, 0)
	}
	shape := mean * mean / variance
	root := 1 - 1/(9*shape) + z/(3*math.Sqrt(shape))
	return mean * max(root*root*root, 0)
}

// Spoken rounds a wait up to what is said to a caller: half minutes up to five
// minutes, then whole ones.
func Spoken(d time.Duration) time.Duration {
	step := 30 * time.Second
	if d > 5*time.Minute {
		step = time.Minute
	}
	return (max(d, 0) + step - 1) / step * step
}
