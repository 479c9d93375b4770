package registrar_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// memStore is a Store in memory that counts its transactions and may fail.
type memStore struct {
	mu    sync.Mutex
	rows  map[string]registrar.Binding
	saves int
	err   error
}

func newMemStore() *memStore { return &memStore{rows: map[string]registrar.Binding{}} }

func (s *memStore) Load(context.Context) ([]registrar.Binding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []registrar.Binding
	for _, b := range s.rows {
		out = append(out, b)
	}
	return out, s.err
}

func (s *memStore) Save(_ context.Context, put, remove []registrar.Binding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.saves++
	for _, b := range remove {
		delete(s.rows, string(b.Device)+b.URI.String())
	}
	for _, b := range put {
		s.rows[string(b.Device)+b.URI.String()] = b
	}
	return nil
}

func (s *memStore) contacts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, b := range s.rows {
		if b.Granted > 0 {
			out = append(out, b.URI.String())
		}
	}
	slices.Sort(out)
	return out
}

// storeContract is what every Store must do.
func storeContract(t *testing.T, s registrar.Store) {
	ctx := t.Context()
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	uri := func(v string) sip.URI {
		u, err := sip.ParseURI(v)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	one := registrar.Binding{Device: "phone-1", Username: "201", URI: uri("sip:201@10.0.0.11:5060;transport=udp"),
		Flow:   sip.NewFlow(sip.UDP, netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("10.0.0.11:5060")),
		Source: netip.MustParseAddrPort("10.0.0.11:5060"), Instance: "<urn:uuid:1>", RegID: "1",
		Path: []string{"<sip:a;lr>", "<sip:b;lr>"}, Agent: "phone/1", Q: 500, CallID: "c@d", CSeq: 1<<31 - 1,
		Granted: 90 * time.Second, Registered: at, Expires: at.Add(90 * time.Second)}
	two := registrar.Binding{Device: "phone-1", Username: "201", URI: uri("sip:201@10.0.0.12"), Q: 1000,
		Source: netip.MustParseAddrPort("[fe80::1]:5060"), Registered: at, Expires: at}
	load := func() []registrar.Binding {
		got, err := s.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b registrar.Binding) int { return len(b.URI.String()) - len(a.URI.String()) })
		for i := range got {
			got[i].Registered, got[i].Expires = got[i].Registered.UTC(), got[i].Expires.UTC()
		}
		return got
	}
	same := cmp.Options{cmpopts.IgnoreUnexported(registrar.Binding{}), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }), cmp.Comparer(func(a, b sip.Flow) bool { return a == b })}
	expect := func(name string, want ...registrar.Binding) {
		t.Helper()
		if diff := cmp.Diff(want, load(), same); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	save := func(put, remove []registrar.Binding) {
		t.Helper()
		if err := s.Save(ctx, put, remove); err != nil {
			t.Fatal(err)
		}
	}
	save([]registrar.Binding{one, two}, nil)
	expect("both are kept with all they have", one, two)
	one.CSeq, one.Granted = 7, 0
	save([]registrar.Binding{one}, []registrar.Binding{two})
	expect("one replaced, one removed", one)
	save(nil, []registrar.Binding{one, two})
	expect("nothing left; removing what is not there is no error")
}

func TestStores(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { storeContract(t, newMemStore()) })
	t.Run("in the database", func(t *testing.T) { storeContract(t, registrar.NewSQLStore(openDB(t, t.TempDir()))) })
}

func openDB(t *testing.T, dir string) *store.DB {
	t.Helper()
	db, _, err := store.Open(t.Context(), store.Options{Folder: dir, Migrations: registrar.Migrations,
		Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// running starts Run in the bubble and stops it at the end.
func running(t *testing.T, r *registrar.Registrar) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func bubbleBench(t *testing.T, s registrar.Store) *bench {
	return newBench(t, func(o *registrar.Options) { o.Now, o.Store = time.Now, s })
}

func TestRunExpiresAndAnnounces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bubbleBench(t, nil)
		stop := running(t, b.Registrar)
		defer stop()
		b.clock.now = time.Now()
		p := b.phone(t, "201", "10.0.0.11:5060")
		want(t, p.register(contactOf(p, ";expires=60")), 200)
		time.Sleep(60 * time.Second)
		synctest.Wait()
		if len(b.changes) != 1 || len(b.Contacts("phone-1")) != 1 {
			t.Errorf("gone before its time and grace: %v", b.changes)
		}
		time.Sleep(7 * time.Second)
		synctest.Wait()
		if len(b.changes) != 2 || b.changes[1].Online || b.Exempt(p.from) {
			t.Errorf("changes: %v", b.changes)
		}
		if n := b.Counters().Expired.Load(); n != 1 {
			t.Errorf("%d expired", n)
		}
	})
}

func TestBindingsAreWrittenInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemStore()
		b := bubbleBench(t, s)
		stop := running(t, b.Registrar)
		b.clock.now = time.Now()
		for i, from := range []string{"10.0.0.11:5060", "10.0.0.12:5060", "10.0.0.13:5060"} {
			p := b.phone(t, []string{"201", "202", "203"}[i], from)
			want(t, p.register(contactOf(p, ";expires=60")), 200)
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if got := s.contacts(); len(got) != 3 || s.saves != 1 {
			t.Errorf("%d saves, contacts %v, want all in one", s.saves, got)
		}
		p := b.phone(t, "201", "10.0.0.11:5060")
		p.cseq = 100
		for range 5 { // refreshes
			b.clock.now = time.Now()
			want(t, p.register(contactOf(p, ";expires=60")), 200)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if s.saves != 1 {
			t.Errorf("%d saves: refreshes are written at once", s.saves)
		}
		stop()
		if s.saves != 1 {
			t.Errorf("%d saves: a refresh is written that the disk need not know", s.saves)
		}
	})
}

// A memory card bears so many writes: an office at rest whose phones refresh every minute
// writes its bindings twice an hour, and yet its phones ring again after a power cut at any
// moment, for no longer than they were granted.
func TestRefreshesAreRarelyWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemStore()
		b := bubbleBench(t, s)
		defer running(t, b.Registrar)()
		b.clock.now = time.Now()
		var phones []*phone
		for i, from := range []string{"10.0.0.11:5060", "10.0.0.12:5060", "10.0.0.13:5060"} {
			phones = append(phones, b.phone(t, []string{"201", "202", "203"}[i], from))
		}
		before := 0
		for minute := range 24 * 60 {
			for i, p := range phones {
				b.clock.now = time.Now()
				want(t, p.register(contactOf(p, ";expires=120")), 200)
				time.Sleep(time.Duration(5+i) * time.Second)
			}
			time.Sleep(time.Minute - 18*time.Second)
			synctest.Wait()
			if minute == 1 {
				before = s.saves
			}
			if minute%7 != 3 {
				continue
			}
			again := newBench(t, func(o *registrar.Options) { o.Now, o.Store = time.Now, s })
			if err := again.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, id := range []office.ID{"phone-1", "phone-2", "phone-3"} {
				got := again.Contacts(id)
				if len(got) != 1 || time.Until(got[0].Expires) > 2*time.Minute {
					t.Fatalf("after a power cut in minute %d %s has %v", minute, id, got)
				}
			}
		}
		if n := s.saves - before; n < 20 || n > 50 {
			t.Errorf("%d transactions in a day", n)
		}
	})
}

func TestAStoreThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemStore()
		s.err = errors.New("disk full")
		b := newBench(t, func(o *registrar.Options) {
			o.Now, o.Store, o.Log = time.Now, s, slog.New(slog.DiscardHandler)
		})
		stop := running(t, b.Registrar)
		defer stop()
		b.clock.now = time.Now()
		p := b.phone(t, "201", "10.0.0.11:5060")
		want(t, p.register(contactOf(p, ";expires=3600")), 200)
		refuse := func(err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = err
		}
		time.Sleep(time.Second)
		if n := b.Counters().StoreErrors.Load(); n != 1 {
			t.Errorf("%d errors counted", n)
		}
		refuse(nil)
		time.Sleep(time.Second) // a new binding does not wait as long as a refresh may
		if got := s.contacts(); len(got) != 1 {
			t.Errorf("stored %v", got)
		}
		refuse(errors.New("disk full"))
		q := b.phone(t, "202", "10.0.0.12:5060")
		want(t, q.register(contactOf(q, ";expires=3600")), 200)
		time.Sleep(10 * time.Minute)
		if n := b.Counters().StoreErrors.Load(); n < 20 || n > 45 {
			t.Errorf("%d tries in ten minutes", n)
		}
		refuse(nil)
		time.Sleep(30 * time.Second)
		if got := s.contacts(); len(got) != 2 {
			t.Errorf("stored %v", got)
		}
	})
}

// A binding that was read from the disk lives by the steady clock: a wall clock that
// is set afterwards does not end it.
func TestAStoredBindingOutlivesASettingOfTheClock(t *testing.T) {
	kept := newMemStore()
	first := newBench(t, func(o *registrar.Options) { o.Now, o.Store = time.Now, kept })
	*first.clock = clock{time.Now()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- first.Run(ctx) }()
	p := first.phone(t, "201", "192.168.1.11:5060")
	want(t, p.register(contactOf(p, ";expires=600")), 200)
	device := first.Online()[0]
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for id, row := range kept.rows { // as the database has it: by the wall
		row.Registered, row.Expires = row.Registered.Round(0), row.Expires.Round(0)
		kept.rows[id] = row
	}
	second := newBench(t, func(o *registrar.Options) { o.Now, o.Store = time.Now, kept })
	if err := second.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	contacts := second.Contacts(device)
	if len(contacts) != 1 {
		t.Fatalf("%d contacts", len(contacts))
	}
	if e := contacts[0].Expires; e == e.Round(0) {
		t.Errorf("expires %v by the wall clock", e)
	}
}

func TestPhonesRingAgainAfterARestart(t *testing.T) {
	dir := t.TempDir()
	first := newBench(t, func(o *registrar.Options) { o.Store = registrar.NewSQLStore(openDB(t, dir)) })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- first.Run(ctx) }()
	p, q := first.phone(t, "201", "192.168.1.11:5060"), first.phone(t, "202", "192.168.1.12:5060")
	want(t, p.register(contactOf(p, ";expires=600")), 200)
	want(t, q.register(contactOf(q, ";expires=60")), 200)
	gone := first.phone(t, "203", "192.168.1.13:5060")
	want(t, gone.register(contactOf(gone, ";expires=600")), 200)
	want(t, gone.register(contactOf(gone, ";expires=0")), 200)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	tests := []struct {
		name  string
		after time.Duration
		gone  bool // a phone that went while the box ran is still known, for emergency calls
	}{
		{"at once", 10 * time.Second, true},
		{"just after its expiry, as its refresh may not be written", 610 * time.Second, true},
		{"an hour later, or with a clock that is an hour ahead", time.Hour, true},
		{"with a clock that stood in 2000 when it registered", 26 * 365 * 24 * time.Hour, false},
		{"with a clock that stands in 1970", -56 * 365 * 24 * time.Hour, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := openDB(t, t.TempDir()) // a copy, as each load must see the same
			all, err := registrar.NewSQLStore(openDB(t, dir)).Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := registrar.NewSQLStore(db)
			if err := s.Save(t.Context(), all, nil); err != nil {
				t.Fatal(err)
			}
			again := newBench(t, func(o *registrar.Options) { o.Store = s })
			again.clock.Advance(tt.after)
			if err := again.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := again.Contacts("phone-1")
			if len(got) != 1 {
				t.Fatalf("contacts %v", got)
			}
			id, known, expired := again.KnownSource(p.from, again.clock.Now())
			if id != "phone-1" || !known || expired {
				t.Errorf("source: %s known=%v expired=%v", id, known, expired)
			}
			if got[0].Destination() != sip.Destination(sip.NewFlow(sip.UDP, netip.MustParseAddrPort("10.0.0.1:5060"), p.from)) {
				t.Errorf("reached at %v", got[0].Destination())
			}
			if left := got[0].Expires.Sub(again.clock.Now()); left > 11*time.Minute {
				t.Errorf("it would last for %v more", left)
			}
			if !again.Exempt(p.from) || len(again.changes) == 0 {
				t.Error("neither exempt nor announced")
			}
			if _, known, expired := again.KnownSource(gone.from, again.clock.Now()); len(again.Contacts("phone-3")) != 0 || known != tt.gone || known && !expired {
				t.Errorf("who went before: %v, known=%v expired=%v", again.Contacts("phone-3"), known, expired)
			}
			// Its next refresh, with the nonce of before, needs one more round only.
			r := again.phone(t, "201", "192.168.1.11:5060")
			r.chal, r.nc, r.cseq = p.chal, p.nc, p.cseq
			want(t, r.register(contactOf(r, ";expires=600")), 200)
			if n := again.Counters().WrongPassword.Load(); n != 0 {
				t.Errorf("%d wrong passwords counted", n)
			}
		})
	}
}

// What one start believes a second time, the next does not believe for as long again: a
// phone that is gone stays in the list no longer because the box restarts often.
func TestASecondRestartGrantsNothingAnew(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration // by the wall, until the first restart
	}{
		{"the clock is ahead", time.Hour},
		{"the clock stands in 1970", -56 * 365 * 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newMemStore()
			run := func(b *bench) {
				t.Helper()
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := b.Run(ctx); err != nil {
					t.Fatal(err)
				}
			}
			first := newBench(t, func(o *registrar.Options) { o.Store = s })
			p := first.phone(t, "201", "192.168.1.11:5060")
			want(t, p.register(contactOf(p, ";expires=600")), 200)
			run(first)
			for _, start := range []struct{ after, most time.Duration }{
				{tt.after, 10 * time.Minute}, {tt.after + 5*time.Minute, 6 * time.Minute},
			} {
				b := newBench(t, func(o *registrar.Options) { o.Store = s })
				b.clock.Advance(start.after)
				if err := b.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				got := b.Contacts("phone-1")
				if len(got) != 1 {
					t.Fatalf("contacts %v", got)
				}
				if left := got[0].Expires.Sub(b.clock.Now()); left <= 0 || left > start.most {
					t.Errorf("%v after the registration it would last for %v more", start.after, left)
				}
				run(b)
			}
		})
	}
}

func TestATCPBindingIsReachedByItsContactAfterARestart(t *testing.T) {
	s := newMemStore()
	b := newBench(t, func(o *registrar.Options) { o.Store = s })
	p := b.phone(t, "201", "192.168.1.11:49152")
	req := p.request("REGISTER", "sip:box.test", "Contact: <sip:201@192.168.1.11:5060;transport=tcp>")
	tcp := sip.NewFlow(sip.TCP, netip.MustParseAddrPort("10.0.0.1:5060"), p.from)
	p.learn(b.Register(req.WithFlow(tcp), b.clock.Now()))
	want(t, b.Register(p.sign(p.request("REGISTER", "sip:box.test", "Contact: <sip:201@192.168.1.11:5060;transport=tcp>")).WithFlow(tcp), b.clock.Now()), 200)
	if got := b.Contacts("phone-1")[0].Destination(); got != sip.Destination(tcp) {
		t.Errorf("reached at %v, want its connection", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Fatal(err)
	}
	again := newBench(t, func(o *registrar.Options) { o.Store = s })
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := sip.Destination(sip.Target{Transport: "tcp", Host: "192.168.1.11", Port: 5060})
	if got := again.Contacts("phone-1")[0].Destination(); got != want {
		t.Errorf("reached at %v, want %v", got, want)
	}
}
