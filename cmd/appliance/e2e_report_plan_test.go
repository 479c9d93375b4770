package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Every sort of caller that the reports are judged by comes by plan, of whatever seed: one
// who hangs up before anybody can answer, and behind more callers than there are agents one
// who hangs up before the threshold, one who does after it, and those who press to be
// called back, all before an agent could be free for the second time.
func TestEverySortOfCallerIsPlanned(t *testing.T) {
	for _, c := range []struct {
		agents, callers int
		span            time.Duration
	}{{3, 12, 24 * time.Second}, {10, 60, 5 * time.Minute}, {4, 20, 2 * time.Minute}} {
		x := trafficOf(c.agents, c.callers, c.span)
		for seed := range uint64(200) {
			list := x.plan(rand.New(rand.NewPCG(seed, 1)))
			at := x.span/2 - 2*time.Second
			free := at + x.answer.least + x.talk.least + x.wrap // sooner nobody is free for the second time
			stay, has := 0, map[string]int{}
			for _, p := range list {
				behind := p.line == "" && stay > x.agents && p.at+p.patience < free
				if p.again > 0 {
					has["who calls again"]++
				}
				switch {
				case p.line != "":
					has["over a line"]++
				case p.presses:
					_, w := presser(int(p.number[len(p.number)-1] - '0'))
					switch early := stay > x.agents && p.at+2*time.Second < free; {
					case early:
						has[map[wish]string{wishQueue: "who is called back and reached", wishVain: "who is called back in vain",
							wishTelephone: "who is dialled by hand", wishPage: "who is taken from the list"}[w]]++
					case w == wishTelephone:
						t.Fatalf("%+v, seed %d: dialled by hand when an agent may be free", c, seed)
					}
				case p.patience >= x.loyal.least && p.again == 0 && p.at >= at && p.at < at+time.Duration(x.agents+x.agents/5+1)*x.apart:
					stay++
				case p.patience < x.answer.least:
					has["who hangs up soon"]++
				case behind && p.patience > x.short+100*time.Millisecond && p.patience < x.threshold-100*time.Millisecond:
					has["who hangs up before the threshold"]++
				case behind && p.patience > x.threshold+100*time.Millisecond:
					has["who hangs up after the threshold"]++
				}
			}
			if stay <= x.agents {
				t.Fatalf("%+v, seed %d: %d in the rush", c, seed, stay)
			}
			for _, kind := range []string{"who calls again", "over a line", "who is called back and reached", "who is called back in vain", "who is dialled by hand", "who is taken from the list", "who hangs up soon",
				"who hangs up before the threshold", "who hangs up after the threshold"} {
				if has[kind] == 0 {
					t.Fatalf("%+v, seed %d: nobody %s: %v", c, seed, kind, has)
				}
			}
		}
	}
}
