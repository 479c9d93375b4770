package update_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"centralino/board/update"
)

var errPower = errors.New("the power is gone")

// power may vanish at the n-th thing that is done to a medium.
type power struct {
	mu    sync.Mutex
	done  int
	cutAt int // 0: never
	off   bool
	r     *rand.Rand
	media []*medium
}

// use counts one thing; false: the power goes now, or is gone. Called with mu held.
func (p *power) use() bool {
	if p.off {
		return false
	}
	p.done++
	if p.done != p.cutAt {
		return true
	}
	p.off = true
	for _, m := range p.media { // of what was not synced, anything may have arrived
		for at, b := range m.dirty {
			if p.r.IntN(2) == 0 {
				copy(m.data[at:], b)
			}
		}
		clear(m.dirty)
	}
	return false
}

func (p *power) on() { p.off, p.cutAt = false, 0 }

// medium is a block device. What was written is on it for certain after Sync alone; a
// sector is written whole or not at all.
type medium struct {
	p       *power
	data    []byte
	dirty   map[int64][]byte
	written int
	forgets bool // says that it has written what it has not
}

func (m *medium) Size() int64 { return int64(len(m.data)) }

func (m *medium) lock() func() {
	if m.p == nil {
		m.p = &power{}
	}
	m.p.mu.Lock()
	return m.p.mu.Unlock
}

func (m *medium) ReadAt(b []byte, at int64) (int, error) {
	defer m.lock()()
	if m.p.off {
		return 0, errPower
	}
	if at+int64(len(b)) > m.Size() {
		return 0, io.ErrUnexpectedEOF
	}
	copy(b, m.data[at:])
	for s := at; s < at+int64(len(b)); s += 512 {
		copy(b[s-at:], m.dirty[s])
	}
	return len(b), nil
}

func (m *medium) WriteAt(b []byte, at int64) (int, error) {
	defer m.lock()()
	if at+int64(len(b)) > m.Size() || at%512 != 0 || len(b)%512 != 0 {
		return 0, io.ErrShortWrite
	}
	if m.dirty == nil {
		m.dirty = map[int64][]byte{}
	}
	for i := 0; i < len(b) && !m.p.off && !m.forgets; i += 512 {
		m.dirty[at+int64(i)] = bytes.Clone(b[i : i+512])
	}
	if !m.p.use() {
		return 0, errPower
	}
	m.written += len(b)
	return len(b), nil
}

func (m *medium) Sync() error {
	defer m.lock()()
	if !m.p.use() {
		return errPower
	}
	for at, b := range m.dirty {
		copy(m.data[at:], b)
	}
	clear(m.dirty)
	return nil
}

// memo keeps a state, whole at any cut.
type memo struct {
	p     *power
	state update.State
	bad   error
	while func() // is done while a state is being written
}

func (m *memo) Load() (update.State, error) { return m.state, nil }

func (m *memo) Save(s update.State) error {
	if m.while != nil {
		m.while()
	}
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	if m.bad != nil {
		return m.bad
	}
	was := m.p.off
	if !m.p.use() {
		if !was && m.p.r.IntN(2) == 0 {
			m.state = s
		}
		return errPower
	}
	m.state = s
	return nil
}

// machine is a computer with two slots: the firmware, and what runs from a slot.
type machine struct {
	t      *testing.T
	p      *power
	disk   update.Disk
	slots  map[update.Slot]*medium
	memory *memo
	folder string
	images map[string][]byte // of each version
	ill    map[string]string // versions that do not work, and how
	try    bool              // the firmware's flag
	starts int

	mu      sync.Mutex
	calls   int
	backups int
	failing error // of the backup
	drained bool
	pressed bool
	free    int64
	updater *update.Updater
	seen    []update.Status
	ended   []update.Result
}

const slotSize = 3 * update.BlockSize

// newMachine is a computer as it is flashed: v1 in slot A, nothing in slot B.
func newMachine(t *testing.T, seed uint64) *machine {
	p := &power{r: rand.New(rand.NewPCG(seed, 1))}
	m := &machine{t: t, p: p, slots: map[update.Slot]*medium{}, memory: &memo{p: p}, folder: filepath.Join(t.TempDir(), "update"), free: 1 << 40,
		images: map[string][]byte{"v1": picture(1, slotSize-512), "v2": picture(2, 2*update.BlockSize+1024), "v3": picture(3, slotSize, 1)}, ill: map[string]string{}}
	selector := &medium{p: p, data: selectorDisk("AUTOBOOTTXT", update.FormatSelector(update.SlotA))}
	p.media = append(p.media, selector)
	m.disk = update.Disk{Selector: selector, Slots: map[update.Slot]update.Device{}}
	for _, s := range []update.Slot{update.SlotA, update.SlotB} {
		m.slots[s] = &medium{p: p, data: make([]byte, slotSize)}
		m.disk.Slots[s] = m.slots[s]
		p.media = append(p.media, m.slots[s])
	}
	copy(m.slots[update.SlotA].data, m.images["v1"])
	return m
}

func (m *machine) bundle(version string) []byte {
	man := update.Manifest{Version: version, Release: uint64(version[1] - '0'), Boards: []string{"sim"}}
	return makeBundle(m.t, man, m.images[version], key)
}

// firmware finds the slot that starts and the version in it, which must be whole.
func (m *machine) firmware() (update.Slot, string) {
	m.t.Helper()
	sel, err := m.disk.ReadSelector()
	if err != nil {
		m.t.Fatalf("the computer does not start: %v", err)
	}
	slot := sel.Starts(m.try)
	m.try = false
	for v, image := range m.images {
		if bytes.HasPrefix(m.slots[slot].data, image) {
			return slot, v
		}
	}
	m.t.Fatalf("the computer does not start: slot %s is not whole", slot)
	return 0, ""
}

func (m *machine) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls += n
}

func (m *machine) options(slot update.Slot, version string, restart func(bool)) update.Options {
	return update.Options{
		Disk: m.disk, Booted: update.Booted{Slot: slot, ID: fmt.Sprint(m.starts)}, Memory: m.memory, Folder: m.folder, Keys: trusted,
		Board: "sim", Version: version, Release: uint64(version[1] - '0'),
		Calls: func() int { m.mu.Lock(); defer m.mu.Unlock(); return m.calls },
		Drain: func() { m.mu.Lock(); defer m.mu.Unlock(); m.drained = true },
		Backup: func(context.Context) (string, error) {
			m.backups++
			return fmt.Sprintf("copy-%d", m.backups), m.failing
		},
		Works:   func() []string { return []string{"line-1"} },
		Pressed: func() bool { return m.pressed },
		Free:    func() int64 { return m.free },
		Restart: restart,
		Gate: update.Gate{Checks: []update.Check{{Name: "page", Probe: func(context.Context) error {
			if m.ill[version] == "gate" {
				return errors.New("no page")
			}
			return nil
		}}}},
		Changed: func(s update.Status) { m.mu.Lock(); defer m.mu.Unlock(); m.seen = append(m.seen, s) },
		Ended:   func(r update.Result) { m.ended = append(m.ended, r) },
		Now:     time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// start is one start of the computer, from the firmware until it starts anew (true) or
// has worked for a while. during is what happens meanwhile; it may take its time.
func (m *machine) start(during func(*update.Updater)) (again bool, version string) {
	m.t.Helper()
	slot, version := m.firmware()
	m.starts++
	for range 10 { // starts of the program: who keeps it running does not tire
		again, crashed := m.program(slot, version, during)
		if !crashed {
			return again, version
		}
	}
	return false, version
}

func (m *machine) program(slot update.Slot, version string, during func(*update.Updater)) (again, crashed bool) {
	restarts := make(chan bool, 4) // more than there can be
	u, verdict, err := update.Begin(m.options(slot, version, func(try bool) { restarts <- try }))
	switch {
	case m.p.off:
		return false, false
	case err != nil:
		m.t.Fatal(err)
	case verdict == update.Again || verdict == update.Swing:
		m.try = true
		return true, false
	case verdict == update.Back:
		return true, false
	case m.ill[version] == "hang":
		return true, false // the watchdog
	case m.ill[version] == "crash":
		return false, true
	}
	m.updater, m.drained = u, false
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = u.Run(ctx) }) // it has no error
	defer wg.Wait()
	defer stop()
	if during != nil {
		during(u)
	}
	select {
	case m.try = <-restarts:
		return true, false
	case <-time.After(20 * time.Minute):
		return false, false
	}
}

// settle starts the computer until it stays, and says what runs then.
func (m *machine) settle(during func(*update.Updater)) string {
	m.t.Helper()
	for range 12 {
		again, version := m.start(during)
		if m.p.off {
			m.t.Fatal("the power went")
		}
		if during = nil; !again {
			return version
		}
	}
	m.t.Fatal("the computer starts again and again")
	return ""
}

// install is what somebody does who brings a bundle.
func (m *machine) install(version string) func(*update.Updater) {
	return func(u *update.Updater) {
		if _, err := u.Accept(context.Background(), bytes.NewReader(m.bundle(version))); err != nil && !m.p.off {
			m.t.Errorf("bundle of %s: %v", version, err)
		}
	}
}

// leftovers are the bundles that still lie on the data partition.
func (m *machine) leftovers() int {
	entries, _ := os.ReadDir(m.folder)
	return len(entries)
}
