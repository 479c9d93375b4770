package pbx

import (
	"testing"
	"time"

	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/route"
)

// fakeTrunk is a trunk that only is or is not ready.
type fakeTrunk struct {
	Trunk
	line  office.ID
	ready bool
}

func (t *fakeTrunk) Line() office.ID { return t.line }
func (t *fakeTrunk) Ready() bool     { return t.ready }

// ledger is a book with an analog line and a trunk of two channels.
func ledger() (*book, *office.Document, *fakeTrunk, func(c journal.CallID, urgent bool, lines ...office.ID) office.ID) {
	b := newBook(func() time.Time { return time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC) })
	doc := &office.Document{Lines: []office.Line{{ID: "line", Kind: office.LineAnalog, Channels: 1}, {ID: "trunk", Kind: office.LineTrunk, Channels: 2}}}
	tr := &fakeTrunk{line: "trunk", ready: true}
	b.addLine("line", hal.LineIdle)
	return b, doc, tr, func(c journal.CallID, urgent bool, lines ...office.ID) office.ID {
		var cands []route.Candidate
		for _, l := range lines {
			cands = append(cands, route.Candidate{Line: l})
		}
		got, _ := b.seize(doc, []Trunk{tr}, cands, route.LineCall{Call: c, Emergency: urgent})
		return got.Line
	}
}

func TestBookKeepsAChannelOfABusyTrunkForTheEmergencyCall(t *testing.T) {
	b, _, _, seize := ledger()
	if seize("a", false, "trunk") == "" || seize("b", false, "trunk") == "" || seize("c", false, "trunk") != "" {
		t.Fatal("the trunk does not have two channels")
	}
	b.promise("trunk", "b", "help")
	b.release("trunk", "b")
	if seize("c", false, "trunk") != "" {
		t.Error("another call got the channel that was promised")
	}
	if seize("other help", true, "trunk") != "" {
		t.Error("another emergency call got the channel that was promised")
	}
	if seize("help", true, "trunk") != "trunk" {
		t.Error("the emergency call waits although a channel is free and the other one is in use")
	}
}

func TestBookForgetsPromises(t *testing.T) {
	b, doc, tr, seize := ledger()
	seize("a", false, "line")
	b.promise("line", "a", "help")
	if !b.state(doc, []Trunk{tr}).Lines["line"].Calls[0].Ending {
		t.Error("a second emergency call would wait for the same ordinary call")
	}
	if seize("help", true, "trunk") != "trunk" { // another way was found meanwhile
		t.Fatal("no channel")
	}
	b.release("line", "a")
	if seize("c", false, "line") != "line" {
		t.Error("the line is still kept")
	}
	b.release("line", "c")
	b.promise("line", "c", "gone")
	b.cancel("gone")
	if n := b.state(doc, []Trunk{tr}).Lines["line"].Free; n != 1 {
		t.Errorf("%d free", n)
	}
}

// A line that was handed to another call just as its own was asked to end for a call for
// help: that other call can be ended for it.
func TestBookLetsTheCallThatTookALineOverBeEnded(t *testing.T) {
	b, doc, tr, seize := ledger()
	seize("gives", false, "line")
	b.promise("line", "gives", "help")
	b.hand("line", "gives", "takes")
	if calls := b.state(doc, []Trunk{tr}).Lines["line"].Calls; len(calls) != 1 || calls[0].Call != "takes" || calls[0].Ending {
		t.Errorf("the line carries %+v", calls)
	}
	b.promise("line", "takes", "help")
	b.release("line", "takes")
	if seize("help", true, "line") != "line" {
		t.Error("the call for help does not get the line")
	}
}

func TestBookOfTrunkThatIsOut(t *testing.T) {
	_, _, tr, seize := ledger()
	tr.ready = false
	if seize("a", false, "trunk") != "" {
		t.Error("an ordinary call goes to a trunk that is out of service")
	}
	if seize("help", true, "trunk") != "trunk" {
		t.Error("an emergency call does not even try")
	}
}

// TestALineWithoutDialToneIsRemembered until somebody dials on it, or for half an hour.
func TestALineWithoutDialToneIsRemembered(t *testing.T) {
	b, doc, _, _ := ledger()
	at := b.now()
	b.now = func() time.Time { return at }
	mute := func() bool { return b.state(doc, nil).Lines["line"].NoDialTone }
	for _, step := range []struct {
		what  string
		do    func()
		known bool
	}{
		{"at first", func() {}, false},
		{"no dial tone", func() { b.dialTone("line", false) }, true},
		{"a quarter of an hour later", func() { at = at.Add(15 * time.Minute) }, true},
		{"a number went out", func() { b.dialTone("line", true) }, false},
		{"no dial tone again", func() { b.dialTone("line", false) }, true},
		{"an hour later", func() { at = at.Add(time.Hour) }, false},
		{"a line that is no more", func() { b.dialTone("gone", false) }, false},
	} {
		if step.do(); mute() != step.known {
			t.Errorf("%s: known to have no dial tone: %v", step.what, !step.known)
		}
	}
}
