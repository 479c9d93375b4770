package lamp_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/store"
	"centralino/internal/testbed"
	"centralino/pbx/dialog"
	"centralino/pbx/lamp"
	"centralino/pbx/sip"
)

// TestAfterACrash: phones whose lamps still show what was are told to subscribe again
// at once, each once, with a number beyond those of before; what was ended in order is
// not among them.
func TestAfterACrash(t *testing.T) {
	kept := &memory{}
	var before *sip.Request
	inWorld(t, lamp.Options{Store: kept}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		w.begin()
		_, got := p.key("202").subscribe(600)
		before = got[0].req
		ended := p.key("203")
		ended.subscribe(600)
		ended.subscribe(0)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		kept.crash()
	})
	if kept.kept() != 1 {
		t.Fatalf("%d dialogs are kept, want 1", kept.kept())
	}
	inWorld(t, lamp.Options{Store: kept.restart()}, func(w *world) {
		p := w.phone("201", "192.0.2.11:5060")
		w.begin()
		got := p.all()
		if len(got) != 1 || got[0].req == nil || got[0].req.CallID() != before.CallID() {
			t.Fatalf("%d messages after the restart, want one NOTIFY", len(got))
		}
		n := got[0].req
		if v, _ := n.Header("Subscription-State"); v != "terminated;reason=deactivated" {
			t.Errorf("Subscription-State: %s", v)
		}
		for _, h := range []string{"From", "To", "Event"} {
			a, _ := before.Header(h)
			if v, _ := n.Header(h); v != a {
				t.Errorf("%s: %s, was %s", h, v, a)
			}
		}
		old, _ := before.CSeq()
		if seq, _ := n.CSeq(); seq <= old || n.URI() != before.URI() {
			t.Errorf("CSeq %d after %d, to %s instead of %s", seq, old, n.URI(), before.URI())
		}
	})
	if kept.kept() != 0 {
		t.Errorf("%d dialogs are told of once more", kept.kept())
	}
}

// memory is a Store that may crash: then nothing more is written.
type memory struct {
	mu   sync.Mutex
	rows map[dialog.PeerRecord]bool
	dead bool
}

func (m *memory) crash() { m.mu.Lock(); m.dead = true; m.mu.Unlock() }

func (m *memory) restart() *memory { m.mu.Lock(); m.dead = false; m.mu.Unlock(); return m }

func (m *memory) kept() int { m.mu.Lock(); defer m.mu.Unlock(); return len(m.rows) }

func (m *memory) Load(context.Context) ([]dialog.PeerRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.rows)), nil
}

func (m *memory) Save(_ context.Context, put, remove []dialog.PeerRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errors.New("the box is gone")
	}
	if m.rows == nil {
		m.rows = map[dialog.PeerRecord]bool{}
	}
	for _, r := range remove {
		delete(m.rows, r)
	}
	for _, r := range put {
		m.rows[r] = true
	}
	return nil
}

// TestTheStoreKeepsWhatItIsGiven, in the box's own database.
func TestTheStoreKeepsWhatItIsGiven(t *testing.T) {
	db, _, err := store.Open(t.Context(), store.Options{Folder: t.TempDir(), Migrations: lamp.Migrations, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n := testbed.PrepareAll(t, db, "."); n != 3 {
		t.Errorf("%d statements", n)
	}
	s := lamp.NewSQLStore(db)
	one := dialog.PeerRecord{CallID: "c1", Tag: "t", Local: "<sip:202@h>;tag=t", Remote: "<sip:201@h>;tag=r", Target: "sip:201@192.0.2.11", Address: netip.MustParseAddrPort("192.0.2.11:5060")}
	two := one
	two.CallID = "c2"
	if err := s.Save(t.Context(), []dialog.PeerRecord{one, two}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), []dialog.PeerRecord{one}, []dialog.PeerRecord{two}); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Load(t.Context()); err != nil || !slices.Equal(list, []dialog.PeerRecord{one}) {
		t.Errorf("read back %+v, %v", list, err)
	}
}
