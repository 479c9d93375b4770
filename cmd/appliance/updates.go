package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"centralino/board/health"
	"centralino/board/update"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/ui/live"
)

// nextStep is what comes after the program has stopped.
type nextStep int32

const (
	stayStopped   nextStep = iota
	programAnew            // the program alone starts anew
	computerAnew           // the computer
	computerOther          // the computer, once from the other slot
)

// startFirst is the error of a box that must not open: the computer has to start anew.
type startFirst nextStep

func (s startFirst) Error() string { return "the computer has to start anew for an update" }

// follow does what comes after the program has stopped. The simulated computer starts
// anew with the program; a real one is started by who started the program.
func follow(o options, next nextStep) error {
	switch {
	case next == stayStopped:
		return nil
	case next == programAnew:
		return restartSelf()
	case o.sim:
		if next == computerOther {
			if err := os.WriteFile(filepath.Join(o.slots, simTryName), nil, 0o600); err != nil {
				return err
			}
		}
		return restartSelf()
	case next == computerOther:
		return &exitError{code: exitTry, advice: "The computer has to start anew from its other slot"}
	}
	return &exitError{code: exitReboot, advice: "The computer has to start anew"}
}

// updates is the updater with what the pages need besides.
type updates struct {
	*update.Updater
	folder string // under which sticks are mounted
}

// openUpdates finds out what this start means. A box without slots runs without
// updates; so does one whose slots cannot be read, and says so. It returns startFirst
// where the computer has to start anew.
func (b *box) openUpdates() error {
	if b.opt.slots == "" {
		return nil
	}
	o, err := b.updateOptions()
	if err != nil {
		b.log.Error("no updates", "err", err)
		return nil
	}
	u, verdict, err := update.Begin(o)
	if err != nil {
		b.log.Error("no updates", "err", err)
		return nil
	}
	b.log.Info("start", "slot", o.Booted.Slot.String(), "version", o.Version, "release", o.Release, "verdict", string(verdict))
	switch verdict {
	case update.Again, update.Swing:
		return startFirst(computerOther)
	case update.Back:
		return startFirst(computerAnew)
	case update.Stuck:
		b.log.Error("this version keeps failing and there is no other one to go back to")
	}
	b.updates = &updates{u, b.opt.sticks}
	return nil
}

// updateFolder is where the data folder keeps what updates need.
func updateFolder(data string) string { return filepath.Join(data, "update") }

// slotMemory keeps the state of the slots.
func slotMemory(data string) update.FileMemory {
	return update.FileMemory{Path: filepath.Join(updateFolder(data), "state.json")}
}

func (b *box) updateOptions() (update.Options, error) {
	o := update.Options{
		Memory: slotMemory(b.opt.data), Folder: updateFolder(b.opt.data),
		Board: image, Version: version,
		Calls: func() int { return b.pbx.Calls() }, Drain: func() { b.pbx.Drain() },
		Backup:  func(ctx context.Context) (string, error) { return b.db.Copy(ctx) },
		Works:   b.worksNow,
		Pressed: func() bool { return b.front.pressedLately(pressLasts) },
		Free:    func() int64 { return int64(b.db.CheckSpace().Free) },
		Restart: func(try bool) {
			if try {
				b.endThen(computerOther)
			} else {
				b.endThen(computerAnew)
			}
		},
		Gate: update.Gate{Checks: []update.Check{
			{Name: "sip", Probe: b.probeSIP}, {Name: "lines", Probe: b.probeLines, Trial: true},
			{Name: "database", Probe: b.probeDatabase}, {Name: "page", Probe: b.probePage},
		}},
		Changed: b.updateChanged, Ended: b.updateEnded, Failed: b.updateFailed,
		Now: b.now, Log: b.log,
	}
	var err error
	if o.Release, err = strconv.ParseUint(release, 10, 64); err != nil {
		return o, fmt.Errorf("release %q: %w", release, err)
	}
	if o.Keys, err = update.ParseKeys(updateKeys); err != nil {
		return o, err
	}
	if b.opt.sim {
		return o, simSlots(b.opt.slots, &o)
	}
	if o.Disk, err = update.OpenDisk(b.opt.slots); err != nil {
		return o, err
	}
	o.Booted, err = update.BootedFrom(os.DirFS("/"))
	return o, err
}

// pressLasts is how long a press of the button permits an older release.
const pressLasts = 10 * time.Minute

// stopping says that the program ends because somebody wished so.
func (u *updates) stopping() {
	_ = u.Stopping() // costs one count of a start that was well
}

// openStore opens the database. Where a version was taken back that had changed it, the
// copy from before takes its place.
func (b *box) openStore(ctx context.Context, o store.Options) (*store.DB, store.Opened, error) {
	db, found, err := store.Open(ctx, o)
	if !errors.Is(err, store.ErrNewer) || b.updates == nil || b.updates.Fallback() == "" {
		return db, found, err
	}
	aside, putErr := store.PutBack(ctx, o, b.updates.Fallback())
	if putErr != nil {
		return db, found, errors.Join(err, putErr)
	}
	b.log.Warn("the database of the version that was taken back is set aside; the copy from before the update is used", "aside", aside, "copy", b.updates.Fallback())
	return store.Open(ctx, o)
}

func (b *box) updateChanged(s update.Status) {
	b.front.updates(slices.Contains([]update.Phase{update.Proving, update.BackingUp, update.Writing, update.Checking, update.Restarting}, s.Phase))
	b.notify(live.Updates)
}

func (b *box) updateEnded(r update.Result) {
	b.record.Append("", journal.UpdateChanged{What: string(r.Outcome), Version: r.Version, Reason: r.Why})
	if r.Outcome != update.Committed {
		b.log.Warn("a new version was taken back", "version", r.Version, "outcome", string(r.Outcome), "lacking", r.Why)
		b.front.faults.Raise(health.UpdateTakenBack, "")
	}
}

func (b *box) updateFailed(version string, why update.Reason) {
	b.record.Append("", journal.UpdateChanged{What: "failed", Version: version, Reason: string(why)})
}

// worksNow are the lines in service: after an update they must be so again.
func (b *box) worksNow() []string {
	var up []string
	for _, l := range b.lineStates.list() {
		if !lineDown(l.State) {
			up = append(up, string(l.ID))
		}
	}
	slices.Sort(up)
	return up
}

// probeLines asks whether every line that was in service before the update is so, as
// far as the office still has it.
func (b *box) probeLines(context.Context) error {
	up := b.worksNow()
	for _, id := range b.updates.Before() {
		l := b.office.Current().Doc.LineByID(office.ID(id))
		if l != nil && !l.Disabled && !slices.Contains(up, id) {
			return fmt.Errorf("line %s is not in service", id)
		}
	}
	return nil
}

// probeSIP asks the box's own SIP address how it is (RFC 3261 section 11).
func (b *box) probeSIP(ctx context.Context) error {
	addrs := b.stack.Addrs("udp")
	if len(addrs) == 0 {
		return errors.New("nothing listens for SIP")
	}
	to := addrs[0]
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port())
	}
	return askSIP(ctx, to)
}

// askSIP returns nil if something that speaks SIP answers at an address before the
// context's deadline.
func askSIP(ctx context.Context, to netip.AddrPort) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", to.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline() // a probe has one
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	id := strconv.FormatInt(time.Now().UnixNano(), 36)
	_, err = fmt.Fprintf(conn, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 1\r\nFrom: <sip:check@localhost>;tag=%s\r\nTo: <sip:%s>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		to, conn.LocalAddr(), id, id, to, id)
	if err != nil {
		return err
	}
	answer := make([]byte, 2048)
	n, err := conn.Read(answer)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(answer[:n]), "SIP/2.0 ") {
		return errors.New("what answers is not SIP")
	}
	return nil
}

// probeDatabase writes a row and waits until it is on disk.
func (b *box) probeDatabase(ctx context.Context) error {
	return b.journal.SaveFold(ctx, journal.Fold{Name: "update.check", Version: 1, State: []byte("{}")})
}

// probePage asks the box's own page.
func (b *box) probePage(ctx context.Context) error {
	if b.pageAt == "" {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.pageAt+"login", nil)
	if err != nil {
		return err
	}
	// To itself; its certificate is its own.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("the page answers %s", answer.Status)
	}
	return nil
}

// pageAddress is how the box itself reaches its page.
func pageAddress(plain, secure net.Listener) string {
	scheme, l := "http", plain
	if l == nil {
		scheme, l = "https", secure
	}
	if l == nil {
		return ""
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	return scheme + "://" + at.String() + "/"
}

// bundleEnding is what the names of update bundles end in.
const bundleEnding = ".bundle"

// Sticks names the bundles on USB sticks: in the folder, or one below it.
func (u *updates) Sticks() []string {
	if u.folder == "" {
		return nil
	}
	var names []string
	for _, pattern := range []string{"*" + bundleEnding, "*/*" + bundleEnding} {
		found, err := filepath.Glob(filepath.Join(u.folder, pattern))
		if err != nil {
			continue // the patterns are right
		}
		for _, f := range found {
			if rel, err := filepath.Rel(u.folder, f); err == nil {
				names = append(names, filepath.ToSlash(rel))
			}
		}
	}
	return names[:min(len(names), maxSticks)]
}

const maxSticks = 20 // shown at once

// Stick opens a bundle that Sticks has named.
func (u *updates) Stick(name string) (io.ReadCloser, error) {
	return os.OpenInRoot(u.folder, filepath.FromSlash(path.Clean(name)))
}
