package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sip"
)

// bubbleBox is the box as it is, but for its wires, in virtual time, with a telephone
// for each device of the sample office and a provider of SIP trunks.
type bubbleBox struct {
	*box
	t        *testing.T
	sip      *sip.MemNet
	rtp      *media.MemNet
	addr     netip.AddrPort
	disk     simDisk
	phones   []*pbxtest.Phone
	provider *pbxtest.Phone
}

// inBubble runs f while a claimed box runs. change, if not nil, makes of the sample office the
// one that is in force.
func inBubble(t *testing.T, o options, change func(*office.Document), f func(*bubbleBox)) {
	t.Parallel()
	o.data = t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		runBubble(t, o, diskFine, func(w *bubbleBox) {
			w.front.setClaimed()
			if change != nil {
				w.change(change)
			}
			f(w)
		})
	})
}

// runBubble runs f while a box runs on o's data folder, which starts with its disk in
// that state; of o's seams the clock counts. Call it in a bubble.
func runBubble(t *testing.T, o options, disk int32, f func(*bubbleBox)) {
	w := &bubbleBox{t: t, sip: sip.NewMemNet(), rtp: &media.MemNet{}, addr: netip.MustParseAddrPort("192.0.2.1:5060")}
	w.disk.state.Store(disk)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o.board, o.sim, o.sample, o.sip = "sim", true, "office", w.addr
	o.seams = seams{sip: w.sip.Host(w.addr.Addr()), media: w.rtp, loops: 1, readers: store.OneConnection,
		disk: w.disk.fault, now: o.seams.now, hand: o.seams.hand, log: io.Discard, mail: o.seams.mail, virtual: true, modem: modemLine}
	var err error
	if w.box, err = newBox(ctx, o); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	w.addPhones(func(p *pbxtest.Phone) { wg.Go(func() { p.Run(ctx) }) })
	boxCtx, stopBox := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.run(boxCtx) }()
	time.Sleep(time.Second)
	f(w)
	stopBox()
	if err := <-done; err != nil {
		t.Error(err)
	}
	stop()
	wg.Wait()
}

// change applies a changed office.
func (w *bubbleBox) change(f func(*office.Document)) {
	w.t.Helper()
	doc := w.office.Current().Doc.Clone()
	f(doc)
	if err := apply(w.t.Context(), w.box, doc); err != nil {
		w.t.Fatal(err)
	}
}

func (w *bubbleBox) addPhones(run func(*pbxtest.Phone)) {
	add := func(o pbxtest.PhoneOptions) *pbxtest.Phone {
		o.Box, o.SIP, o.Media, o.Log = w.addr, w.sip, w.rtp, slog.New(slog.NewTextHandler(io.Discard, nil))
		o.Answer = func() (time.Duration, int, bool) { return time.Second, 0, true }
		p, err := pbxtest.New(o)
		if err != nil {
			w.t.Fatal(err)
		}
		run(p)
		return p
	}
	w.provider = add(pbxtest.PhoneOptions{User: "0612345678", Addr: netip.AddrPortFrom(providerAddr, 5060), Stateless: provide})
	for i, d := range w.office.Current().Doc.Devices {
		secret, _ := w.secrets.Get(d.Secret)
		w.phones = append(w.phones, add(pbxtest.PhoneOptions{User: d.Username, Password: secret,
			Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)}), 5060)}))
	}
}

// register registers a telephone.
func (w *bubbleBox) register(p *pbxtest.Phone) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	if err := p.Register(ctx); err != nil {
		w.t.Error(err)
	}
}

// talk dials and asserts that somebody answers, then hangs up after a second.
func (w *bubbleBox) talk(p *pbxtest.Phone, number string) {
	w.t.Helper()
	c, err := p.Dial(number)
	if err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-c.Up():
		time.Sleep(time.Second)
	case <-c.End():
		w.t.Errorf("the call to %s is refused", number)
	case <-time.After(30 * time.Second):
		w.t.Errorf("nobody answers at %s", number)
	}
	c.HangUp()
	time.Sleep(3 * time.Second) // a line comes to rest
}

// faulty lists the faults that count now.
func (w *bubbleBox) faulty() []string {
	var out []string
	for _, e := range w.front.faults.All() {
		out = append(out, fmt.Sprint(e.Kind, e.Subject))
	}
	slices.Sort(out)
	return out
}
