package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"centralino/board"
	"centralino/board/button"
	"centralino/board/health"
	"centralino/board/led"
	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/live"
)

// pairingWindow is how long the button opens the page that pairs phones, or claims a
// box that is nobody's.
const pairingWindow = 10 * time.Minute

// front is what the box tells by lamps and button, and what it is told by them.
type front struct {
	b       *box
	board   board.Board
	lamps   *led.Driver
	faults  *health.Monitor
	pinless error      // why pins that the board should have cannot be used; nil: they can, or it has none
	button  hal.Button // nil where none is fitted
	pressed *simButton // of the simulated board

	mu        sync.Mutex
	lines     map[office.ID]journal.LineChanged
	calls     map[journal.CallID]bool // under way; true: emergency
	waiting   map[journal.ContactID]bool
	pairUntil time.Time
	nobodys   bool      // nobody has claimed the box
	busy      bool      // starting, or about to restart
	updating  bool      // a new version is being written or on trial
	asked     time.Time // the last short press of the button

	// telling is held from reading a state until lamps or faults are told of it, so that
	// what was read last is told last.
	telling sync.Mutex
}

// openFront finds the board and its pins. A computer without pins runs without
// lamps and says so.
func (b *box) openFront() error {
	f := &front{b: b, busy: true, lines: map[office.ID]journal.LineChanged{}, calls: map[journal.CallID]bool{}, waiting: map[journal.ContactID]bool{}}
	b.front = f
	var err error
	if f.board, err = chooseBoard(b.opt.board); err != nil {
		return &exitError{exitBoard, "Name a board with -board, or leave it out", err}
	}
	var leds map[board.Lamp]hal.LED
	switch {
	case b.opt.sim:
		f.pressed = &simButton{edges: make(chan hal.ButtonEdge, 16)}
		f.button = f.pressed
	case f.board.HasGPIO():
		if leds, f.button, f.pinless = openPins(f.board); f.pinless != nil {
			b.log.Warn("lamps or button cannot be used", "board", f.board.Title, "err", f.pinless)
		}
	default:
		b.log.Info("this computer has no lamps and no button: the page shows the lamps", "board", f.board.Title)
	}
	f.faults = health.NewMonitor(f.faultsChanged)
	if f.pinless != nil {
		f.faults.Raise(health.LampsMissing, "")
	}
	f.lamps = led.NewDriver(led.Options{LEDs: leds, On: func([]led.Shown) { b.notify(live.Lamps) }})
	return nil
}

// Run reads the button until ctx ends.
func (f *front) Run(ctx context.Context) error {
	f.show()
	if f.button == nil {
		<-ctx.Done()
		return nil
	}
	return button.Run(ctx, button.Options{Button: f.button, Gesture: f.gesture, Hint: f.hint, PoweredOn: !onBoard() && switchedOn("/proc/uptime")}) // else the first process has read it then
}

// gesture does what a person asks for with the button.
func (f *front) gesture(g button.Gesture) {
	f.b.log.Info("button", "gesture", string(g))
	f.b.record.Append("", journal.AccessEvent{What: "button." + string(g), Source: "button"})
	switch g {
	case button.Press:
		f.mu.Lock()
		f.asked = f.b.now()
		f.mu.Unlock()
		code := 0
		if worst, ok := f.faults.Worst(); ok {
			code = worst.Code
		}
		f.lamps.Reply(led.LampTest(code)...)
	case button.Pair:
		f.pair()
	case button.Restart:
		f.b.endThen(wholeRestart())
	case button.ResetPassword:
		f.b.pages.OpenPasswordReset()
		f.b.post.Tell(f.b.pages.ResetLetter())
	case button.FactoryReset:
		f.b.log.Warn("factory reset asked for with the button: the image does that before this program starts; nothing was erased")
		f.lamps.Reply(led.NotHere()...)
	}
}

// pair opens the window for pairing phones and, on a box that belongs to nobody, for
// claiming it.
func (f *front) pair() {
	f.mu.Lock()
	f.pairUntil = f.b.now().Add(pairingWindow)
	f.mu.Unlock()
	time.AfterFunc(pairingWindow+time.Second, f.show)
	f.show()
}

// setNobodys shows that the box waits for somebody to claim it.
func (f *front) setNobodys() {
	f.mu.Lock()
	f.nobodys = true
	f.mu.Unlock()
	f.show()
}

// setClaimed closes the window, too: who opened it meant to claim the box.
func (f *front) setClaimed() {
	f.mu.Lock()
	f.nobodys, f.pairUntil = false, time.Time{}
	f.mu.Unlock()
	f.show()
}

// ready is the last part to start: from then on the box does its work.
func (f *front) ready(ctx context.Context) error {
	f.unbuiltFault(f.document())
	f.emergencyFault() // what never was there does not go, and so tells nothing
	f.phoneFault()
	f.setBusy(false)
	<-ctx.Done()
	return nil
}

// works shows that the box is about to restart.
func (f *front) works() { f.setBusy(true) }

func (f *front) setBusy(busy bool) {
	f.mu.Lock()
	f.busy = busy
	f.mu.Unlock()
	f.show()
}

// updates shows that a new version is being written or on trial.
func (f *front) updates(on bool) {
	f.mu.Lock()
	same := f.updating == on
	f.updating = on
	f.mu.Unlock()
	if !same {
		f.show()
	}
}

// pressedLately says whether somebody pressed the button within d.
func (f *front) pressedLately(d time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.asked.IsZero() && f.b.now().Sub(f.asked) < d
}

func (f *front) hint(h button.Hint) { answerHint(f.lamps, h) }

// answerHint shows whoever holds the button what is seen of it.
func answerHint(lamps *led.Driver, h button.Hint) {
	switch h.Kind {
	case button.Pressed:
		lamps.Reply(led.Receipt()...)
	case button.Held:
		lamps.Reply(led.Window(h.Window)...)
	case button.Armed:
		lamps.Reply(led.Armed()...)
	case button.Released:
		lamps.Reply()
	}
}

// pairing tells until when the window that the button opened lasts; zero: closed.
func (f *front) pairing() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.b.now().Before(f.pairUntil) {
		return f.pairUntil
	}
	return time.Time{}
}

// see follows the journal's events that lamps and faults tell of.
func (f *front) see(call journal.CallID, p journal.Payload) {
	f.mu.Lock()
	switch e := p.(type) {
	case journal.LineChanged:
		f.lines[office.ID(e.Line)] = e
	case journal.CallStarted:
		f.calls[call] = e.Emergency
	case journal.CallEnded:
		delete(f.calls, call)
	case journal.ContactQueued:
		f.waiting[e.Contact] = true
	case journal.ContactConnected:
		delete(f.waiting, e.Contact)
	case journal.ContactEnded:
		delete(f.waiting, e.Contact)
	case journal.PhoneChanged:
	default:
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	switch e := p.(type) {
	case journal.LineChanged:
		f.lineFault(e)
	case journal.PhoneChanged:
		f.phoneFault()
	}
	f.show()
}

// lineFault raises and clears what a line's state means.
func (f *front) lineFault(e journal.LineChanged) {
	kind := health.LineGone
	if l := f.b.office.Current().Doc.LineByID(office.ID(e.Line)); l != nil && l.Kind == office.LineTrunk {
		kind = health.TrunkDown
	}
	if lineDown(e.State) {
		f.faults.Raise(kind, e.Line)
	} else {
		f.faults.Clear(kind, e.Line)
	}
	f.emergencyFault()
}

// dialTone raises and clears the fault of a line on which nothing can be dialled. It
// lasts from one attempt to the next: a line at rest does not tell.
func (f *front) dialTone(line office.ID, there bool) {
	if there {
		f.faults.Clear(health.LineNoDialTone, string(line))
	} else {
		f.faults.Raise(health.LineNoDialTone, string(line))
	}
}

func lineDown(state string) bool {
	return state == string(hal.LineOutOfService) || state == "failed"
}

// emergencyFault tells when no line in service could carry an emergency call.
func (f *front) emergencyFault() {
	f.telling.Lock()
	defer f.telling.Unlock()
	doc := f.b.office.Current().Doc
	f.mu.Lock()
	able := false
	for i := range doc.Lines {
		l := &doc.Lines[i]
		st, known := f.lines[l.ID]
		able = able || l.Emergency && !l.Disabled && known && !lineDown(st.State)
	}
	f.mu.Unlock()
	if able || len(doc.Lines) == 0 {
		f.faults.Clear(health.NoEmergencyLine, "")
	} else {
		f.faults.Raise(health.NoEmergencyLine, "")
	}
}

// phoneFault tells when phones are set up and none is there.
func (f *front) phoneFault() {
	f.telling.Lock()
	defer f.telling.Unlock()
	if len(f.b.office.Current().Doc.Devices) > 0 && len(f.b.registrar.Online()) == 0 {
		f.faults.Raise(health.NoPhones, "")
	} else {
		f.faults.Clear(health.NoPhones, "")
	}
}

// unbuiltFault tells of lines in use that this box cannot drive.
func (f *front) unbuiltFault(doc *office.Document) {
	wanted := map[string]bool{}
	for i := range doc.Lines {
		if l := &doc.Lines[i]; !l.Disabled && !office.Offers(office.KindLine, "kind", string(l.Kind)) {
			wanted[string(l.ID)] = true
			f.faults.Raise(health.LineUnbuilt, string(l.ID))
		}
	}
	for _, e := range f.faults.All() {
		if e.Kind == health.LineUnbuilt && !wanted[e.Subject] {
			f.faults.Clear(e.Kind, e.Subject)
		}
	}
}

// officeChanged forgets what is about lines that are no more, or not in use.
func (f *front) officeChanged(doc *office.Document) {
	f.mu.Lock()
	var gone []office.ID
	for id := range f.lines {
		if l := doc.LineByID(id); l == nil || l.Disabled {
			gone = append(gone, id)
			delete(f.lines, id)
		}
	}
	f.mu.Unlock()
	for _, id := range gone {
		f.faults.ClearSubject(string(id))
	}
	f.unbuiltFault(doc)
	f.emergencyFault()
	f.phoneFault()
	f.show()
}

func (f *front) faultsChanged(_ []health.Entry, changes []health.Change) {
	for _, c := range changes {
		f.b.record.Append("", journal.FaultChanged{Code: string(c.Kind), Subject: c.Subject, Raised: c.Raised})
	}
	f.b.notify(live.Health)
	f.show()
}

// show says every state that each lamp has now.
func (f *front) show() {
	f.telling.Lock()
	defer f.telling.Unlock()
	doc := f.document()
	f.mu.Lock()
	status := []led.State{led.StatusReady}
	if f.busy || f.updating {
		status = append(status, led.StatusWorking)
	}
	if f.b.now().Before(f.pairUntil) {
		status = append(status, led.StatusPairing)
	}
	if f.nobodys {
		status = append(status, led.StatusNobodys)
	}
	lines, calls := f.lineStates(), f.callStates()
	f.mu.Unlock()
	for i := range doc.Lines {
		if doc.Lines[i].Disabled {
			lines = append(lines, led.LinesDisabled)
		}
	}
	if closedNow(doc, f.b.now()) {
		calls = append(calls, led.CallsNight)
	}
	for _, e := range f.faults.All() {
		switch e.Kind {
		case health.NoEmergencyLine, health.NoPhones:
			calls = append(calls, led.CallsFault)
		case health.LineNoDialTone:
			lines = append(lines, led.LinesFault)
		}
	}
	if worst, ok := f.faults.Worst(); ok {
		state := led.StatusWarning
		if worst.Severity == health.Fault {
			state = led.StatusFault
		}
		status = append(status, state)
	}
	f.lamps.Set(board.Status, status...)
	f.lamps.Set(board.Lines, lines...)
	f.lamps.Set(board.Calls, calls...)
}

// document is the office in force; an empty one before there is any.
func (f *front) document() *office.Document {
	if f.b.office == nil {
		return &office.Document{}
	}
	return f.b.office.Current().Doc
}

// closedNow says whether the office keeps hours and all of them are closed.
func closedNow(doc *office.Document, now time.Time) bool {
	for i := range doc.Schedules {
		if st, _ := office.StateAt(doc.Schedules[i], doc.Site, now); st == office.Open {
			return false
		}
	}
	return len(doc.Schedules) > 0
}

// lineStates are those of the LINES lamp. Called with mu held.
func (f *front) lineStates() []led.State {
	if len(f.lines) == 0 {
		return []led.State{led.LinesNone}
	}
	var out []led.State
	for _, l := range f.lines {
		switch {
		case lineDown(l.State):
			out = append(out, led.LinesFault)
		case l.State == string(hal.LineRinging):
			out = append(out, led.LinesRinging)
		case l.State == "registering":
			out = append(out, led.LinesWorking)
		case l.State == string(hal.LineIdle), l.State == "registered":
			out = append(out, led.LinesReady)
		default:
			out = append(out, led.LinesInUse)
		}
	}
	return out
}

// callStates are those of the CALLS lamp. Called with mu held.
func (f *front) callStates() []led.State {
	out := []led.State{led.CallsReady}
	if len(f.calls) > 0 {
		out = append(out, led.CallsActive)
	}
	if len(f.waiting) > 0 {
		out = append(out, led.CallsWaiting)
	}
	for _, emergency := range f.calls {
		if emergency {
			out = append(out, led.CallsEmergency)
		}
	}
	return out
}

// statusPrompt is the sentence that tells how the box is.
func (b *box) statusPrompt() string {
	worst, ok := b.front.faults.Worst()
	switch {
	case !ok:
		return "status-ok"
	case worst.Kind == health.TrunkDown:
		return "status-trunk"
	case strings.HasPrefix(string(worst.Kind), "line."):
		return "status-line"
	}
	return "status-fault"
}

// simButton is the simulated board's button.
type simButton struct{ edges chan hal.ButtonEdge }

// Watch gives the edges that press makes.
func (s *simButton) Watch(context.Context) (<-chan hal.ButtonEdge, error) { return s.edges, nil }

// press holds the button down for a time.
func (s *simButton) press(ctx context.Context, hold time.Duration) {
	s.edge(true)
	t := time.NewTimer(hold)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	s.edge(false)
}

// edge drops what nobody reads, as a real button's reader does.
func (s *simButton) edge(pressed bool) {
	select {
	case s.edges <- hal.ButtonEdge{Pressed: pressed, At: time.Now()}:
	default:
	}
}
