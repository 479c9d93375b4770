package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"centralino/internal/logring"
	"centralino/internal/office"
	"centralino/pbx/registrar"
	"centralino/ui"
	"centralino/ui/live"
)

// openPages makes the web pages and opens their addresses.
func (b *box) openPages(ctx context.Context) error {
	d := ui.Deps{
		Now: b.now, Log: b.log, DB: b.db, Office: b.office, Secrets: b.secrets, People: b.people,
		Journal: ui.FromLog(b.journal),
		Lamps:   b.front.lamps.Shown, Lines: b.lineList, Phones: b.phoneList, Faults: b.front.faults.All,
		Agents: agents{b}, Desk: agents{b}, Voices: b.voices,
		Reports: b.reports, Dial: b.dial,
		PairingUntil: b.front.pairing, ClaimCode: b.card.code(), Claimed: b.claimed, Logs: b.logs,
		Backup: func(ctx context.Context, w io.Writer, passphrase string) error {
			_, err := b.db.Backup(ctx, w, passphrase, version)
			return err
		},
		Restore: func(ctx context.Context, r io.Reader, passphrase string) error {
			_, err := b.db.Restore(ctx, r, passphrase)
			return err
		},
		Clock:       b.clock(),
		Restart:     b.restart,
		Acknowledge: b.acknowledge,
		Refused:     b.refused,
		About:       ui.About{Version: version, Commit: commit(), Board: b.front.board.Title, BoardName: b.front.board.Name, Licences: linkedLicences},
		Names:       b.names,
		Addresses:   addresses, SIPAddr: b.opt.sip.Addr(), SIPPort: b.opt.sip.Port(), DataDir: b.opt.data,
		SubjectOf: b.people.Pseudonym, Customers: b.customers, Surveys: b.after.surveys, Webhooks: b.after.hooks,
	}
	if b.exchange != nil {
		d.TestRing = b.testRing
	} else {
		d.Ports = serialPorts
	}
	if b.updates != nil {
		d.Updates = b.updates
	}
	var err error
	if d.HTTP, err = listen(b.opt.http); err != nil {
		return fmt.Errorf("listen for the page on %s: %w", b.opt.http, err)
	}
	if d.HTTPS, err = listen(b.opt.https); err != nil {
		return fmt.Errorf("listen for the encrypted page on %s: %w", b.opt.https, err)
	}
	if d.HTTPS != nil {
		d.HTTPSPort = d.HTTPS.Addr().(*net.TCPAddr).AddrPort().Port()
	}
	b.pageAt = pageAddress(d.HTTP, d.HTTPS)
	if b.pages, err = ui.New(d); err != nil {
		return fmt.Errorf("make the pages: %w", err)
	}
	b.post = b.newPost()
	switch claimed, err := b.pages.Claimed(ctx); {
	case err != nil:
		b.log.Error("whether the box belongs to somebody can't be read: nobody can claim it now, a code on the card stays", "err", err)
	case claimed:
		b.claimed()
	default:
		b.front.setNobodys()
		b.card.offer(b.pages.ClaimCode(ctx))
	}
	return nil
}

// names are those of the box, beside its addresses.
func (b *box) names() []string { return namesOf(b.netName.Load()) }

// namesOf are the names of a box that has a name on its network; nil: the usual one.
func namesOf(name *string) []string {
	if name == nil || *name == "" {
		return []string{"centralino.local", "centralino"}
	}
	return []string{*name + ".local", *name}
}

// claimed hears that the box belongs to somebody: what lets one claim it is over.
func (b *box) claimed() {
	b.front.setClaimed()
	b.card.used()
}

func listen(addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	return net.Listen("tcp", addr)
}

// commit is the revision that the program was built from, if the build knows it.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

// lineStates follows the journal's line.changed events for the pages.
type lineStates struct {
	mu   sync.Mutex
	last map[office.ID]ui.LineStatus
}

func (l *lineStates) set(s ui.LineStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = make(map[office.ID]ui.LineStatus)
	}
	l.last[s.ID] = s
}

func (l *lineStates) list() []ui.LineStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]ui.LineStatus, 0, len(l.last))
	for _, s := range l.last {
		out = append(out, s)
	}
	return out
}

// lineList is the state of every line, with the device of those that have one.
func (b *box) lineList() []ui.LineStatus {
	list := b.lineStates.list()
	for i := range list {
		d := b.lines.device(list[i].ID)
		list[i].Model, list[i].Dialect, list[i].Port = d.Model, d.Dialect, d.Port
	}
	return list
}

// phoneList is every registered contact.
func (b *box) phoneList() []ui.PhoneStatus {
	var out []ui.PhoneStatus
	for _, id := range b.registrar.Online() {
		for _, x := range b.registrar.Contacts(id) {
			out = append(out, phoneStatus(&x))
		}
	}
	return out
}

func phoneStatus(x *registrar.Binding) ui.PhoneStatus {
	return ui.PhoneStatus{Device: x.Device, Address: x.Source, Transport: x.Flow.Transport(), Agent: x.Agent,
		Since: x.Registered, Expires: x.Expires}
}

// testRing makes the simulated exchange ring a line for a few seconds.
func (b *box) testRing(ctx context.Context, line office.ID) error {
	select {
	case b.testRings <- line:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runTestRings makes the calls that testRing asks for; they end with ctx.
func (b *box) runTestRings(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line := <-b.testRings:
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
				defer cancel()
				r := controlRequest{Line: string(line), From: "0612345678", EndMS: 60000}
				if _, err := b.simulateCall(ctx, r, func(string) {}); err != nil && ctx.Err() == nil {
					b.log.Warn("test ring", "line", line, "err", err)
				}
			})
		}
	}
}

// restartWait is how long calls may go on before an orderly restart ends them.
const restartWait = time.Minute

// restart starts the program anew once no call is under way, or after restartWait.
// Until then no new calls begin but those for help.
func (b *box) restart() { b.endThen(programAnew) }

// wholeRestart is what a restart by the button begins with: all of the computer where it
// is the box's own, with its kernel, its drivers and what stands in centralino.txt.
func wholeRestart() nextStep {
	if onBoard() {
		return computerAnew
	}
	return programAnew
}

// endThen ends the program as restart does, and says what is to come after.
func (b *box) endThen(next nextStep) {
	if b.quit == nil {
		return
	}
	b.next.Store(int32(next))
	b.pbx.Drain()
	b.front.works()
	until := b.now().Add(restartWait)
	var look func()
	look = func() {
		if b.pbx.Calls() == 0 || b.now().After(until) {
			b.quit()
			return
		}
		time.AfterFunc(500*time.Millisecond, look)
	}
	look()
}

// hello tells the person at the terminal how to begin.
func (b *box) hello(w io.Writer) {
	fmt.Fprintf(w, "Centralino %s is running.\n\n", version)
	if b.opt.http != "" {
		fmt.Fprintf(w, "  Page            http://%s\n", visible(b.opt.http))
	}
	if code := b.pages.ClaimCode(context.Background()); code != "" {
		fmt.Fprintf(w, "  Claim it with   %s  (one-time code)\n", code)
	}
	if b.opt.sample == "office" {
		b.helloPhone(w)
	}
	if b.exchange != nil {
		fmt.Fprintf(w, "  Outside caller  %s call -data %s -line line-1 -from 0612345678\n", program(), asWord(b.opt.data))
	}
	switch {
	case b.front.pinless != nil:
		fmt.Fprintf(w, "  Lamps, button   cannot be used (%s): the page shows the lamps\n", strings.ReplaceAll(b.front.pinless.Error(), "\n", "; "))
	case !b.opt.sim && !b.front.board.HasGPIO():
		fmt.Fprintln(w, "  Lamps, button   none on this computer: the page shows the lamps")
	}
	fmt.Fprintf(w, "  Stop            Ctrl-C\n\n")
}

// helloPhone prints the SIP accounts that can be typed into a softphone.
func (b *box) helloPhone(w io.Writer) {
	doc := b.office.Current().Doc
	for i := range doc.Devices {
		dev := &doc.Devices[i]
		secret, ok := b.secrets.Get(dev.Secret)
		if !ok {
			continue
		}
		fmt.Fprintf(w, "  SIP account     server %s:%d, user %s, password %s\n", hostOf(b.opt.sip), b.opt.sip.Port(), dev.Username, secret)
	}
}

// visible names a listening address as a browser reaches it.
func visible(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if a, err := netip.ParseAddr(host); host == "" || (err == nil && a.IsUnspecified()) {
		return net.JoinHostPort(ownHost(), port)
	}
	return addr
}

func hostOf(a netip.AddrPort) string {
	if a.Addr().IsUnspecified() {
		return ownHost()
	}
	return a.Addr().String()
}

func ownHost() string {
	for _, a := range addresses() {
		if a.Is4() {
			return a.String()
		}
	}
	return "localhost"
}

// program is this program as the person at the terminal can call it from the folder in
// which it was started.
func program() string {
	self, err := os.Executable()
	if err != nil {
		return "appliance"
	}
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, self); err == nil && filepath.IsLocal(rel) {
			return asWord("." + string(filepath.Separator) + rel)
		}
	}
	return asWord(self)
}

// asWord writes a word so that a shell reads it as it is.
func asWord(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%=,") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// logs are the last lines of the log, as the system page asks for them.
func (b *box) logs(f ui.LogFilter) []ui.LogLine {
	var out []ui.LogLine
	for _, l := range b.ring.Lines(logring.Filter{Call: f.Call, Text: f.Text, Level: f.Level, Limit: f.Limit}) {
		out = append(out, ui.LogLine{Time: l.Time, Level: l.Level.String(), Text: l.Text, Attrs: l.Attrs, Call: l.Call})
	}
	return out
}

// notify tells the pages that something changed that is not in the journal.
func (b *box) notify(t live.Topics) {
	if b.pages != nil {
		b.pages.Notify(t)
	}
}
