package kpi

import (
	"math"
	"time"
)

// ErlangB returns the probability that a call finds all n lines busy, when load
// erlang are offered and blocked calls are lost.
func ErlangB(load float64, n int) float64 {
	b := 1.0
	for k := 1; k <= n; k++ {
		b = load * b / (float64(k) + load*b)
	}
	return b
}

// ErlangC returns the probability that a call has to wait for one of n agents,
// when nobody ever hangs up; 1 if there are not enough agents for the load.
func ErlangC(load float64, n int) float64 {
	if float64(n) <= load {
		return 1
	}
	b := ErlangB(load, n)
	return float64(n) * b / (float64(n) - load*(1-b))
}

// Lines returns the smallest number of lines that lose at most the given share of
// calls.
func Lines(load, lost float64) int {
	n, b := 0, 1.0
	for b > lost && n < math.MaxInt16 {
		n++
		b = load * b / (float64(n) + load*b)
	}
	return n
}

// Traffic is what a queue has to cope with.
type Traffic struct {
	PerHour  float64       // calls
	Handle   time.Duration // mean of talk, hold and wrap-up
	Patience time.Duration // mean time after which a waiting caller hangs up; 0: never
}

// Load returns the traffic in erlang.
func (t Traffic) Load() float64 { return t.PerHour / 3600 * t.Handle.Seconds() }

// Outlook is what a number of agents makes of a traffic, in the long run.
type Outlook struct {
	Agents    int
	Waits     float64       // probability that a caller has to wait
	Abandons  float64       // probability that a caller hangs up
	Wait      time.Duration // mean over all callers, also those who need not wait or hang up
	Level     float64       // callers answered within the threshold, of all
	Occupancy float64       // share of the agents' time that is talk and wrap-up
}

// Predict returns what n agents make of the traffic, by Erlang A if callers lose
// patience and by Erlang C if not. False if the queue would grow without end.
func (t Traffic) Predict(n int, threshold time.Duration) (Outlook, bool) {
	if n <= 0 || t.PerHour <= 0 || t.Handle <= 0 {
		return Outlook{}, false
	}
	if t.Patience > 0 {
		return t.erlangA(n, threshold), true
	}
	load := t.Load()
	if float64(n) <= load {
		return Outlook{}, false
	}
	c := ErlangC(load, n)
	h := t.Handle.Seconds()
	free := float64(n) - load
	return Outlook{
		Agents:    n,
		Waits:     c,
		Wait:      seconds(c * h / free),
		Level:     1 - c*math.Exp(-free*threshold.Seconds()/h),
		Occupancy: load / float64(n),
	}, true
}

// Target is what a queue should reach.
type Target struct {
	Level     float64       // at least this share of callers …
	Threshold time.Duration // … answered within this time
	Abandons  float64       // at most this share hang up; 0: no target
}

// maxAgents is how many agents are thought of at most.
const maxAgents = 1000

// Agents returns the smallest whole number of agents that reaches the target, and
// false if no number up to 1,000 does. More agents are never worse, so it halves
// the range.
func (t Traffic) Agents(target Target) (Outlook, bool) {
	reaches := func(n int) (Outlook, bool) {
		o, ok := t.Predict(n, target.Threshold)
		return o, ok && o.Level >= target.Level && (target.Abandons == 0 || o.Abandons <= target.Abandons)
	}
	few, enough := 0, 1 // few does not do
	best, ok := reaches(enough)
	for !ok {
		if enough == maxAgents {
			return Outlook{}, false
		}
		few, enough = enough, min(2*enough, maxAgents)
		best, ok = reaches(enough)
	}
	for enough-few > 1 {
		middle := (few + enough) / 2
		if o, ok := reaches(middle); ok {
			enough, best = middle, o
		} else {
			few = middle
		}
	}
	return best, true
}

// negligible is the probability below which states of a queue are left out.
const negligible = 1e-14

// erlangA solves the birth-death chain with rates PerHour up, and
// min(k, n)/Handle + max(k-n, 0)/Patience down (Palm 1946; Mandelbaum and Zeltyn
// 2005).
func (t Traffic) erlangA(n int, threshold time.Duration) Outlook {
	lambda, mu, theta := t.PerHour/3600, 1/t.Handle.Seconds(), 1/t.Patience.Seconds()
	// Weights of the states relative to "all agents busy, nobody waits".
	below, busyBelow := 0.0, 0.0
	for k, w := n, 1.0; k > 0 && w > negligible*negligible; k-- {
		w *= float64(k) * mu / lambda
		below += w
		busyBelow += w * float64(k-1)
	}
	waiting := []float64{1} // by number of waiting callers
	sum, queue := 1.0, 0.0
	for q := 1; ; q++ {
		w := waiting[q-1] * lambda / (float64(n)*mu + float64(q)*theta)
		if w < negligible*(sum+below) && float64(q)*theta+float64(n)*mu > lambda {
			break
		}
		waiting = append(waiting, w)
		sum += w
		queue += w * float64(q)
	}
	all := below + sum
	for q := range waiting {
		waiting[q] /= all
	}
	queue /= all
	return Outlook{
		Agents:    n,
		Waits:     sum / all,
		Abandons:  theta * queue / lambda,
		Wait:      seconds(queue / lambda),
		Level:     below/all + servedWithin(waiting, float64(n)*mu, theta, threshold.Seconds()),
		Occupancy: (busyBelow + sum*float64(n)) / all / float64(n),
	}
}

// servedWithin returns the probability that a caller who finds q others waiting
// with probability found[q] is served within t: those before him go at the rate
// serve + q*leave, he himself loses patience at the rate leave. The chain is
// solved by uniformisation.
func servedWithin(found []float64, serve, leave, t float64) float64 {
	t = min(t, 40/leave) // nobody waits 40 times the patience
	x := append([]float64(nil), found...)
	rate := serve + float64(len(x))*leave
	steps := rate * t
	served, poisson := 0.0, math.Exp(-steps)
	if poisson == 0 { // too many steps for one go: halve the time
		return servedInParts(x, serve, leave, t)
	}
	done, left := 0.0, 1.0
	for k := 0; left > negligible; k++ {
		if k > 0 {
			poisson *= steps / float64(k)
			done += serve / rate * x[0]
			for q := range x {
				stay := 1 - (serve+float64(q)*leave+leave)/rate
				x[q] *= stay
				if q+1 < len(x) {
					x[q] += (serve + float64(q+1)*leave) / rate * x[q+1]
				}
			}
		}
		served += poisson * done
		left -= poisson
		if k > int(steps)+1000 && poisson < negligible {
			break
		}
	}
	return served
}

// servedInParts advances the chain in steps short enough for servedWithin.
func servedInParts(x []float64, serve, leave, t float64) float64 {
	rate := serve + float64(len(x))*leave
	parts := int(rate*t/500) + 1
	dt := t / float64(parts)
	served := 0.0
	for range parts {
		served += servedWithin(x, serve, leave, dt)
		x = advance(x, serve, leave, dt)
	}
	return served
}

// advance returns the distribution of those still waiting after dt.
func advance(x []float64, serve, leave, dt float64) []float64 {
	rate := serve + float64(len(x))*leave
	steps := rate * dt
	now := append([]float64(nil), x...)
	out := make([]float64, len(x))
	poisson, left := math.Exp(-steps), 1.0
	for k := 0; left > negligible; k++ {
		if k > 0 {
			poisson *= steps / float64(k)
			for q := range now {
				now[q] *= 1 - (serve+float64(q)*leave+leave)/rate
				if q+1 < len(now) {
					now[q] += (serve + float64(q+1)*leave) / rate * now[q+1]
				}
			}
		}
		for q := range out {
			out[q] += poisson * now[q]
		}
		left -= poisson
		if k > int(steps)+1000 && poisson < negligible {
			break
		}
	}
	return out
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
