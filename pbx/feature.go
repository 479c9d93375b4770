package pbx

import "centralino/pbx/call"

// maxFeatures is how many feature codes may be under way at a time, in all calls: as
// many as an office has people who begin at once. Of one more it is said at once that it
// was not performed.
const (
	maxFeatures  = 64
	tooManyNamed = "call-failed" // the sentence
)

// feature performs a feature code beside the call, because it may wait for the ACD or
// the disk: what the call hears and how long it waits must not depend on that.
func (a *actor) feature(x call.DoFeature) {
	select {
	case a.p.features <- struct{}{}:
	default:
		a.log.Warn("too many feature codes at a time", "feature", x.Feature)
		a.step(call.FeatureDone{Prompt: tooManyNamed})
		return
	}
	a.p.wg.Go(func() {
		var done featureDone
		defer func() {
			done.fault = recover()
			<-a.p.features
			a.post(done)
		}()
		done.prompt = a.p.o.Feature(x.Feature, x.Person, x.Args)
	})
}

// featureDone is what became of a feature code. A fault in it is one of its call.
type featureDone struct {
	prompt string
	fault  any
}

func (m featureDone) deliver(a *actor) {
	if m.fault != nil {
		panic(m.fault)
	}
	a.step(call.FeatureDone{Prompt: m.prompt})
}
