package timesync

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// server answers questions in memory: its clock is ahead of ours, and on the way there a
// question takes its time.
type server struct {
	ahead   time.Duration
	way     time.Duration
	spoil   func(b []byte)
	silent  bool
	mu      sync.Mutex
	answers int
}

func put(b []byte, t time.Time) {
	binary.BigEndian.PutUint32(b, uint32(t.Unix()-ntpEpoch.Unix()))
	binary.BigEndian.PutUint32(b[4:], uint32(uint64(t.Nanosecond())<<32/1e9))
}

// later moves a timestamp on.
func later(b []byte, d time.Duration) { put(b, stamp(b).Add(d)) }

func (s *server) dial(context.Context, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() { // ends with the connection
		b := make([]byte, 512)
		for {
			n, err := there.Read(b)
			if err != nil {
				return
			}
			time.Sleep(s.way)
			a := make([]byte, packetLength)
			a[0], a[1] = 4<<3|4, 2
			copy(a[24:], b[40:n])
			put(a[32:], time.Now().Add(s.ahead))
			put(a[40:], time.Now().Add(s.ahead))
			if s.spoil != nil {
				s.spoil(a)
			}
			time.Sleep(s.way)
			s.mu.Lock()
			silent := s.silent
			if !silent {
				s.answers++
			}
			s.mu.Unlock()
			if !silent {
				_, _ = there.Write(a)
			}
		}
	}()
	return here, nil
}

// clock is a wall clock that is wrong and can be moved.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) move(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
	return nil
}

func TestClockIsSet(t *testing.T) {
	for _, c := range []struct {
		name    string
		s       *server
		trusted bool
	}{
		{"by a server at hand", &server{}, true},
		{"by one whose answers take a while", &server{way: 300 * time.Millisecond}, true},
		{"not by one that never answers", &server{silent: true}, false},
		{"not by one that does not know the time", &server{spoil: func(b []byte) { b[0] |= 3 << 6 }}, false},
		{"not by one that asks to be left alone", &server{spoil: func(b []byte) { b[1] = 0 }}, false},
		{"not by an answer to another question", &server{spoil: func(b []byte) { b[24]++ }}, false},
		{"not by a time that goes backwards", &server{spoil: func(b []byte) { b[32]++ }}, false},
		{"not by half an answer", &server{spoil: func(b []byte) { clear(b[32:]) }}, false},
		{"by one whose clock ticks every 15 ms", &server{spoil: func(b []byte) { later(b[40:], 15*time.Millisecond) }}, true},
		{"not by one that thinks longer than we waited", &server{spoil: func(b []byte) { later(b[40:], time.Second) }}, false},
		{"not to a time before the program was built", &server{ahead: -26 * time.Hour}, false},
		{"not to a time in which nobody uses it any more", &server{ahead: 25 * 365 * 24 * time.Hour}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				k := &clock{off: -26 * time.Hour}
				var last State
				done := make(chan struct{})
				go func() {
					defer close(done)
					_ = Run(ctx, Options{Servers: func() []string { return []string{"a"} }, Dial: c.s.dial, Now: k.now, Set: k.move, Built: time.Now().Add(-time.Hour),
						Changed: func(s State) { last = s }, Log: slog.New(slog.DiscardHandler)})
				}()
				time.Sleep(time.Minute)
				stop()
				<-done
				off := k.now().Sub(time.Now())
				if last.Trusted != c.trusted || c.trusted && abs(off) > 10*time.Millisecond || !c.trusted && off != -26*time.Hour {
					t.Errorf("the clock is wrong by %v, %+v", off, last)
				}
			})
		})
	}
}

func TestServersAreAskedSeldomOnceTheTimeIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s, k := &server{}, &clock{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = Run(ctx, Options{Servers: func() []string { return []string{"a"} }, Dial: s.dial, Now: k.now, Set: k.move, Changed: func(State) {}, Log: slog.New(slog.DiscardHandler)})
		}()
		time.Sleep(24 * time.Hour)
		stop()
		<-done
		if s.answers < 80 || s.answers > 90 {
			t.Errorf("asked %d times a day", s.answers)
		}
	})
}

// Nobody answers for three hours: the cable was plugged in late, or the router had no line
// to the Internet. A minute after that the time is known, and when the network names
// another server at once.
func TestTimeIsKnownSoonOnceSomebodyTellsIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		after  func(a, b *server, names *[]string)
		within time.Duration
	}{
		{"the server answers", func(a, _ *server, _ *[]string) { a.silent = false }, eagerAsk + patience + time.Second},
		{"the network names another one", func(_, _ *server, names *[]string) { *names = []string{"b"} }, patience + 2*look},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				a, b, k := &server{silent: true}, &server{}, &clock{}
				var mu sync.Mutex
				names := []string{"a"}
				dial := func(ctx context.Context, address string) (net.Conn, error) {
					if address == "b:123" {
						return b.dial(ctx, address)
					}
					return a.dial(ctx, address)
				}
				var last State
				done := make(chan struct{})
				go func() {
					defer close(done)
					_ = Run(ctx, Options{Servers: func() []string {
						mu.Lock()
						defer mu.Unlock()
						return names
					}, Dial: dial, Now: k.now, Set: k.move, Changed: func(s State) { last = s }, Log: slog.New(slog.DiscardHandler)})
				}()
				time.Sleep(3 * time.Hour)
				a.mu.Lock()
				mu.Lock()
				c.after(a, b, &names)
				mu.Unlock()
				a.mu.Unlock()
				time.Sleep(c.within)
				stop()
				<-done
				if !last.Trusted {
					t.Errorf("not known %v later", c.within)
				}
			})
		})
	}
}

// A person's word counts until a server tells the time, and never against one.
func TestClockIsSetByHandWhereNoServerAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s, k := &server{silent: true}, &clock{off: -26 * time.Hour}
		hand := make(chan time.Duration, 1)
		var told []State
		done := make(chan struct{})
		built := time.Now().Add(-48 * time.Hour)
		go func() {
			defer close(done)
			_ = Run(ctx, Options{Servers: func() []string { return []string{"a"} }, Dial: s.dial, Now: k.now, Set: k.move, Built: built,
				Hand: hand, Changed: func(s State) { told = append(told, s) }, Log: slog.New(slog.DiscardHandler)})
		}()
		time.Sleep(time.Hour)
		wish := func(by time.Duration, want time.Duration, states int) {
			t.Helper()
			hand <- by
			time.Sleep(maxServers*patience + look)
			if off := k.now().Sub(time.Now()); off != want || len(told) != states {
				t.Errorf("moved by %v the clock is wrong by %v, want %v; told %v", by, off, want, told)
			}
		}
		wish(25*time.Hour, -time.Hour, 1)
		wish(-50*time.Hour, -time.Hour, 1) // to before the program was built
		wish(time.Hour, 0, 2)
		wish(time.Minute, time.Minute, 3)
		if last := told[2]; last.Trusted || !last.Known() || last.Hand.IsZero() {
			t.Errorf("by hand the state is %+v", last)
		}
		s.mu.Lock()
		s.silent = false
		s.mu.Unlock()
		time.Sleep(eagerAsk + patience)
		if last := told[len(told)-1]; !last.Trusted || !last.Hand.IsZero() || k.now().Sub(time.Now()).Abs() > time.Millisecond {
			t.Errorf("a server answers and the state is %+v, wrong by %v", last, k.now().Sub(time.Now()))
		}
		wish(time.Hour, 0, len(told))
		stop()
		<-done
	})
}

func TestMiddle(t *testing.T) {
	r := func(ms, delay int64) reading {
		return reading{offset: time.Duration(ms) * time.Millisecond, delay: time.Duration(delay) * time.Millisecond}
	}
	for _, c := range []struct {
		name string
		got  []reading
		want time.Duration
	}{
		{"one", []reading{r(5, 1)}, 5 * time.Millisecond},
		{"of two the nearer", []reading{r(5, 10), r(7, 1)}, 7 * time.Millisecond},
		{"one of three is wrong by a year", []reading{r(5, 10), r(365*86400e3, 1), r(6, 10)}, 6 * time.Millisecond},
	} {
		if got, err := middle(c.got); err != nil || got.offset != c.want {
			t.Errorf("%s: %v %v", c.name, got, err)
		}
	}
	if _, err := middle(nil); !errors.Is(err, errNoServer) {
		t.Errorf("nobody: %v", err)
	}
}

func TestStampsOfBothEras(t *testing.T) {
	for _, want := range []time.Time{
		time.Date(2026, 11, 22, 12, 0, 0, 500e6, time.UTC), time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC),
		time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		b := make([]byte, 8)
		put(b, want)
		if got := stamp(b); got.Sub(want).Abs() > time.Microsecond {
			t.Errorf("%v is read as %v", want, got)
		}
	}
}

func TestFloor(t *testing.T) {
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	kept := built.AddDate(0, 3, 0)
	for _, c := range []struct {
		name      string
		now, kept time.Time
		want      time.Time
	}{
		{"a clock that begins in 1970", time.Unix(5, 0), time.Time{}, built},
		{"the same, and the box ran in spring", time.Unix(5, 0), kept, kept},
		{"a battery clock goes before what was kept", kept.AddDate(0, 1, 0), kept, kept.AddDate(0, 1, 0)},
		{"what was kept is nonsense", time.Unix(5, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), built},
	} {
		if got := Floor(c.now, built, c.kept); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	q := newQuestion()
	b := make([]byte, packetLength)
	b[0], b[1] = 4<<3|4, 1
	binary.BigEndian.PutUint64(b[24:], q.nonce)
	put(b[32:], time.Now())
	put(b[40:], time.Now())
	f.Add(b)
	f.Add(slices.Concat(b, b))
	f.Add([]byte{0x24})
	sent := time.Now()
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := q.read(b, sent, sent.Add(time.Second))
		if err == nil && (r.delay < 0 || r.delay > patience) {
			t.Errorf("%+v", r)
		}
	})
}
