package main

import (
	"context"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/route"
	"centralino/pbx/trunk"
)

// trunkSet keeps one running trunk for each trunk line of the office. Trunks whose
// settings have not changed stay registered when the office changes.
type trunkSet struct {
	b *box

	mu      sync.Mutex
	ctx     context.Context // of Run, nil before it
	running map[office.ID]*runningTrunk
	list    []pbx.Trunk
	exempt  atomic.Pointer[[]*trunk.Trunk] // for every packet: no lock
	wg      sync.WaitGroup
}

type runningTrunk struct {
	line  office.Line
	trunk *trunk.Trunk
	stop  context.CancelFunc
}

// all returns the trunks as the switch uses them.
func (t *trunkSet) all() []pbx.Trunk {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.list
}

// Run registers the trunks until ctx ends, then takes their registrations back.
func (t *trunkSet) Run(ctx context.Context) error {
	t.mu.Lock()
	t.ctx = ctx
	t.running = make(map[office.ID]*runningTrunk)
	t.mu.Unlock()
	t.set(t.b.office.Current().Doc)
	<-ctx.Done()
	t.wg.Wait()
	return nil
}

// set starts and stops trunks so that they are those of doc.
func (t *trunkSet) set(doc *office.Document) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil || t.ctx.Err() != nil {
		return
	}
	wanted := make(map[office.ID]*office.Line)
	for i := range doc.Lines {
		if l := &doc.Lines[i]; l.Kind == office.LineTrunk && !l.Disabled && l.Trunk != nil {
			wanted[l.ID] = l
		}
	}
	for id, r := range t.running {
		if l := wanted[id]; l == nil || !reflect.DeepEqual(*l, r.line) {
			r.stop()
			delete(t.running, id)
		}
	}
	t.list = nil
	var exempt []*trunk.Trunk
	for i := range doc.Lines {
		id := doc.Lines[i].ID
		if wanted[id] == nil {
			continue
		}
		if t.running[id] == nil {
			t.start(wanted[id], doc)
		}
		if r := t.running[id]; r != nil {
			t.list = append(t.list, r.trunk)
			exempt = append(exempt, r.trunk)
		}
	}
	t.exempt.Store(&exempt)
}

// exempt says whose packets the flood budgets do not count: registered phones and
// the trunks' providers.
func (b *box) exempt(from netip.AddrPort) bool {
	if b.registrar.Exempt(from) {
		return true
	}
	if list := b.trunks.exempt.Load(); list != nil {
		for _, t := range *list {
			if t.Exempt(from) {
				return true
			}
		}
	}
	return false
}

func (t *trunkSet) start(l *office.Line, doc *office.Document) {
	secret, _ := t.b.secrets.Get(l.Trunk.Secret)
	tr, err := trunk.New(trunk.Options{
		Line: l.ID, Config: *l.Trunk, Secret: secret, Plan: route.Plan(doc),
		Stack: t.b.stack, Now: t.b.now, Log: t.b.log,
		OnState: func(s trunk.State) {
			t.b.record.Append("", journal.LineChanged{Line: string(l.ID), State: string(s.Phase), Reason: string(s.Cause)})
		},
	})
	if err != nil {
		t.b.log.Error("trunk cannot be used", "line", l.ID, "err", err)
		return
	}
	ctx, stop := context.WithCancel(t.ctx)
	t.running[l.ID] = &runningTrunk{line: *l, trunk: tr, stop: stop}
	t.wg.Go(func() { _ = tr.Run(ctx) }) // it reports by OnState
}
