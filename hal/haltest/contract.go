package haltest

import (
	"errors"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// contract is what hal.Line promises, case by case.
var contract = []struct {
	name string
	test func(b *bench)
}{
	{"incoming call: rings, tells the caller, is answered, both hear each other, the caller hangs up", incoming},
	{"keys of the caller are told once each", keys},
	{"the box hangs up: the caller's call is over and the line is idle after the guard time", boxHangsUp},
	{"hanging up while answering ends the call", hangUpWhileAnswering},
	{"the caller gives up: RingStop and no Hangup", givesUp},
	{"the caller gives up in the moment of answering: the call ends", goneAtAnswer},
	{"outgoing call: the far end is told the number, answers, both hear each other, hears our keys", outgoing},
	{"outgoing call to a busy number", outgoingBusy},
	{"outgoing call without dial tone", outgoingDead},
	{"outgoing call in the moment in which a caller takes the line: they are not joined", outgoingGlare},
	{"outgoing call that nobody answers ends by hanging up", outgoingNoReply},
	{"a number with anything but digits, star, hash and plus is refused", refusesNumbers},
	{"commands that the state does not allow are refused", refusesStates},
	{"unplugged in a call: the call is over, the line out of service; replugged: it takes calls again", unplugged},
	{"the context ends in a call: the line goes on hook and the events are closed", contextEnds},
	{"two calls in a row", twoCalls},
}

// taken rings and answers; it returns the caller when both ends talk.
func (b *bench) taken(number string) Far {
	b.Helper()
	far, err := b.Ring(number)
	if err != nil {
		b.Fatal(err)
	}
	await[hal.Ring](b, 10*time.Second)
	if err := b.Line.Answer(b.ctx); err != nil {
		b.Fatalf("Answer: %v", err)
	}
	a := await[hal.Answered](b, 10*time.Second)
	if a.Presumed {
		b.Error("answering is presumed")
	}
	b.closed("answered", far.Answered())
	return far
}

// talk lets both ends speak for two seconds and checks that they hear each other.
func (b *bench) talk(far Far) {
	b.Helper()
	was, _ := b.sound.take()
	far.Say(speech(2 * audio.Rate))
	want := func(what string, hz float64, heard func() []int16) {
		b.Helper()
		limit := time.After(20 * time.Second)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			// 1.6 of the two seconds: a loaded machine may lose a little.
			if holds(heard(), hz) >= 80 {
				return
			}
			select {
			case <-tick.C:
			case <-limit:
				b.Fatalf("%s heard the other one for %d of 100 frames", what, holds(heard(), hz))
			}
		}
	}
	want("the box", farTone, func() []int16 { s, _ := b.sound.take(); return s[len(was):] })
	want("the far end", boxTone, far.Heard)
}

func incoming(b *bench) {
	far, err := b.Ring("0612345678")
	if err != nil {
		b.Fatal(err)
	}
	b.state(hal.LineRinging, 10*time.Second)
	if r := await[hal.Ring](b, 10*time.Second); r.N != 1 {
		b.Errorf("first ring has number %d", r.N)
	}
	if c := await[hal.CallerID](b, 10*time.Second); c.Number != "0612345678" || c.Restricted || c.Unknown {
		b.Errorf("caller %+v", c)
	}
	if r := await[hal.Ring](b, 10*time.Second); r.N != 2 {
		b.Errorf("second ring has number %d", r.N)
	}
	if _, frames := b.sound.take(); frames != 0 {
		b.Errorf("%d frames of audio before answering", frames)
	}
	began := time.Now()
	if err := b.Line.Answer(b.ctx); err != nil {
		b.Fatal(err)
	}
	b.closed("answered", far.Answered())
	if d := time.Since(began); b.virtual && d > 300*time.Millisecond {
		b.Errorf("off hook %v after Answer", d)
	}
	b.state(hal.LineAnswering, 10*time.Second)
	await[hal.Answered](b, 10*time.Second)
	b.talk(far)
	if st := b.Line.Stats(); b.virtual && (st.Underruns != 0 || st.Overruns != 0 || st.RxFrames == 0) {
		b.Errorf("statistics of a call without disturbance: %+v", st)
	}
	far.HangUp()
	h := await[hal.Hangup](b, 10*time.Second)
	switch h.Cause {
	case hal.CauseBusyTone, hal.CauseLoopBreak, hal.CauseReported:
	default:
		b.Errorf("the far end hung up: cause %s", h.Cause)
	}
	b.atRest(1)
	if n := count[hal.CallerID](b); n != 1 {
		b.Errorf("caller was told %d times", n)
	}
	if n := count[hal.Answered](b); n != 1 {
		b.Errorf("answer was told %d times", n)
	}
}

func keys(b *bench) {
	far := b.taken("0612345678")
	const pressed = "1590*#11"
	far.Say(make([]int16, audio.Rate/4))
	far.Key(pressed)
	got := ""
	for range len(pressed) {
		got += string(await[hal.DTMF](b, 10*time.Second).Digit)
	}
	if got != pressed {
		b.Errorf("pressed %s, told %s", pressed, got)
	}
	far.Say(speech(audio.Rate))
	far.HangUp()
	await[hal.Hangup](b, 10*time.Second)
	b.atRest(1)
	if n := count[hal.DTMF](b); n != len(pressed) {
		b.Errorf("%d keys told for %d pressed", n, len(pressed))
	}
}

func boxHangsUp(b *bench) {
	far := b.taken("0612345678")
	began := time.Now()
	b.Line.HangUp()
	if h := await[hal.Hangup](b, 10*time.Second); h.Cause != hal.CauseLocal {
		b.Errorf("cause %s", h.Cause)
	}
	b.closed("cleared", far.Done())
	b.atRest(1)
	if d := time.Since(began); b.virtual && (d < time.Second || d > 4*time.Second) {
		b.Errorf("idle again after %v, want the guard time of a second and little more", d)
	}
	b.Line.HangUp() // on an idle line it does nothing
	again := b.taken("0698765432")
	again.HangUp()
	await[hal.Hangup](b, 10*time.Second)
	b.atRest(2)
}

func hangUpWhileAnswering(b *bench) {
	if _, err := b.Ring("0612345678"); err != nil {
		b.Fatal(err)
	}
	await[hal.Ring](b, 10*time.Second)
	if err := b.Line.Answer(b.ctx); err != nil {
		b.Fatal(err)
	}
	b.Line.HangUp()
	if h := await[hal.Hangup](b, 10*time.Second); h.Cause != hal.CauseLocal {
		b.Errorf("cause %s", h.Cause)
	}
	b.next("rest", 20*time.Second, func(ev hal.LineEvent) bool {
		c, ok := ev.(hal.StateChanged)
		return ok && (c.State == hal.LineIdle || c.State == hal.LineRinging)
	})
	if b.OffHook() {
		b.Error("off hook after hanging up")
	}
}

func givesUp(b *bench) {
	far, err := b.Ring("0612345678")
	if err != nil {
		b.Fatal(err)
	}
	await[hal.Ring](b, 10*time.Second)
	last := time.Now()
	far.HangUp()
	await[hal.RingStop](b, 10*time.Second)
	if d := time.Since(last); b.virtual && (d < 5500*time.Millisecond || d > 6500*time.Millisecond) {
		b.Errorf("RingStop %v after the last ring", d)
	}
	b.atRest(0)
}

// goneAtAnswer answers what no longer rings, which the box cannot know: an analog
// line gives dial tone then.
func goneAtAnswer(b *bench) {
	far, err := b.Ring("0612345678")
	if err != nil {
		b.Fatal(err)
	}
	await[hal.Ring](b, 10*time.Second)
	far.HangUp()
	if err := b.Line.Answer(b.ctx); err != nil {
		b.Fatal(err)
	}
	if h := await[hal.Hangup](b, 10*time.Second); h.Cause == hal.CauseLocal || h.Cause == hal.CauseGone {
		b.Errorf("cause %s", h.Cause)
	}
	b.atRest(1)
	again := b.taken("0698765432")
	b.talk(again)
	again.HangUp()
	await[hal.Hangup](b, 10*time.Second)
	b.atRest(2)
}

func outgoing(b *bench) {
	c := b.Expect(Answers)
	if err := b.Line.Dial(b.ctx, "0212345"); err != nil {
		b.Fatal(err)
	}
	b.state(hal.LineDialing, 10*time.Second)
	far := b.receive(c)
	if far.Number() != "0212345" {
		b.Errorf("dialled %q", far.Number())
	}
	b.closed("answered", far.Answered())
	far.Say(speech(audio.Rate))
	if a := await[hal.Answered](b, 20*time.Second); a.Presumed == b.Line.Caps().RealAnswer {
		b.Errorf("answer presumed: %v, line knows real answers: %v", a.Presumed, b.Line.Caps().RealAnswer)
	}
	b.talk(far)
	if err := b.Line.SendDTMF("7"); err != nil {
		b.Error(err)
	}
	limit, tick := time.After(10*time.Second), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for heard := ""; heard != "7"; {
		select {
		case <-tick.C:
			heard = string(audio.NewDTMFDetector().Feed(far.Heard()))
		case <-limit:
			b.Fatalf("far end heard the keys %q, want 7", heard)
		}
	}
	b.Line.HangUp()
	await[hal.Hangup](b, 10*time.Second)
	b.closed("cleared", far.Done())
	b.atRest(1)
	if n := count[hal.DTMF](b); n != 0 {
		b.Errorf("our own key came back as %d DTMF events", n)
	}
}

func outgoingBusy(b *bench) {
	b.Expect(Busy)
	if err := b.Line.Dial(b.ctx, "0212345"); err != nil {
		b.Fatal(err)
	}
	if h := await[hal.Hangup](b, 20*time.Second); h.Cause != hal.CauseBusy {
		b.Errorf("cause %s", h.Cause)
	}
	b.atRest(1)
	if n := count[hal.Answered](b); n != 0 {
		b.Error("a busy number was reported as answered")
	}
}

func outgoingDead(b *bench) {
	b.Cut(true)
	if err := b.Line.Dial(b.ctx, "0212345"); err != nil {
		b.Fatal(err)
	}
	if h := await[hal.Hangup](b, 20*time.Second); h.Cause != hal.CauseNoDial {
		b.Errorf("cause %s", h.Cause)
	}
	b.state(hal.LineIdle, 10*time.Second)
	b.Cut(false)
	b.Expect(Busy)
	if err := b.Line.Dial(b.ctx, "0212345"); err != nil {
		b.Fatal(err)
	}
	if h := await[hal.Hangup](b, 20*time.Second); h.Cause != hal.CauseBusy {
		b.Errorf("with its cable again: cause %s", h.Cause)
	}
	b.atRest(2)
	if n := count[hal.Answered](b); n != 0 {
		b.Error("a dead line was reported as answered")
	}
}

// outgoingGlare is for analog lines: a digital one tells of the caller before it can be
// seized.
func outgoingGlare(b *bench) {
	if b.Line.Kind() != hal.Analog {
		return
	}
	far, err := b.Ring("0612345678")
	if err != nil {
		b.Fatal(err)
	}
	far.Say(speech(10 * audio.Rate))
	b.Expect(NoReply)
	switch err := b.Line.Dial(b.ctx, "0212345"); {
	case errors.Is(err, hal.ErrLineState): // it knows of the caller
		return
	case err != nil:
		b.Fatal(err)
	}
	b.closed("cleared", far.Done())
	b.Line.HangUp()
	await[hal.Hangup](b, 10*time.Second)
	b.atRest(1)
	if n := count[hal.Answered](b); n != 0 {
		b.Error("the caller was taken for the called party")
	}
}

func outgoingNoReply(b *bench) {
	c := b.Expect(NoReply)
	if err := b.Line.Dial(b.ctx, "0212345"); err != nil {
		b.Fatal(err)
	}
	far := b.receive(c)
	b.Line.HangUp()
	if h := await[hal.Hangup](b, 10*time.Second); h.Cause != hal.CauseLocal {
		b.Errorf("cause %s", h.Cause)
	}
	b.closed("cleared", far.Done())
	b.atRest(1)
}

func refusesNumbers(b *bench) {
	for _, n := range []string{"", "12a", "1 2", "0212345;H", "02,12", "T02", "02\r", "02\rATH", "!1", "W1", "(02)", "112\x10"} {
		if err := b.Line.Dial(b.ctx, n); !errors.Is(err, hal.ErrDialString) {
			b.Errorf("Dial(%q): %v, want ErrDialString", n, err)
		}
	}
	if b.OffHook() || b.Line.State() != hal.LineIdle {
		b.Errorf("after refused numbers the line is %s", b.Line.State())
	}
}

func refusesStates(b *bench) {
	refused := func(what string, err error) {
		b.Helper()
		if !errors.Is(err, hal.ErrLineState) {
			b.Errorf("%s: %v, want ErrLineState", what, err)
		}
	}
	refused("Answer on an idle line", b.Line.Answer(b.ctx))
	refused("SendDTMF on an idle line", b.Line.SendDTMF("1"))
	if b.Line.Caps().Flash {
		refused("Flash on an idle line", b.Line.Flash(b.ctx))
	}
	far, err := b.Ring("0612345678")
	if err != nil {
		b.Fatal(err)
	}
	await[hal.Ring](b, 10*time.Second)
	refused("Dial on a ringing line", b.Line.Dial(b.ctx, "0212345"))
	far.HangUp()
	await[hal.RingStop](b, 10*time.Second)
	b.atRest(0)
	b.stop()
	refused("Answer after Run has returned", b.Line.Answer(b.Context()))
	b.Line.HangUp()
}

func unplugged(b *bench) {
	far := b.taken("0612345678")
	began := time.Now()
	b.Unplug()
	if h := await[hal.Hangup](b, 10*time.Second); h.Cause != hal.CauseGone {
		b.Errorf("cause %s", h.Cause)
	}
	b.state(hal.LineOutOfService, 10*time.Second)
	if d := time.Since(began); b.virtual && d > time.Second {
		b.Errorf("out of service after %v", d)
	}
	b.closed("cleared", far.Done())
	if err := b.Line.Dial(b.ctx, "0212345"); !errors.Is(err, hal.ErrLineState) {
		b.Errorf("Dial out of service: %v", err)
	}
	began = time.Now()
	b.Replug()
	b.state(hal.LineIdle, 30*time.Second)
	if d := time.Since(began); b.virtual && d > 10*time.Second {
		b.Errorf("back in service after %v", d)
	}
	again := b.taken("0698765432")
	b.talk(again)
	again.HangUp()
	await[hal.Hangup](b, 10*time.Second)
	b.atRest(2)
}

func contextEnds(b *bench) {
	far := b.taken("0612345678")
	began := time.Now()
	b.stop()
	if d := time.Since(began); b.virtual && d > 5*time.Second {
		b.Errorf("Run took %v to end", d)
	}
	b.closed("cleared", far.Done())
	if b.OffHook() {
		b.Error("off hook after Run has returned")
	}
	hangups := 0
	for ev := range b.Line.Events() { // closed: no end without
		if _, ok := ev.(hal.Hangup); ok {
			hangups++
		}
	}
	if hangups != 1 {
		b.Errorf("%d Hangup events", hangups)
	}
}

func twoCalls(b *bench) {
	for i := range 2 {
		far := b.taken("0612345678")
		b.talk(far)
		far.HangUp()
		await[hal.Hangup](b, 10*time.Second)
		b.atRest(i + 1)
	}
}
