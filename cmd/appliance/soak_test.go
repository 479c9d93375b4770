package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/testbed"
	"centralino/pbx/pbxtest"
)

var soakTime = flag.Duration("soak", 15*time.Second, "how long TestSoak keeps the box busy")

const (
	// soakRounds is in how many parts the time goes, soakFew for less than a minute; after
	// each the box comes to rest and is looked at. The first is for warming up: what it
	// leaves is the measure.
	soakRounds = 6
	soakFew    = 3
	// soakRest is how long coming to rest may take: transactions live up to 32 s
	// (RFC 3261, 17.1.1.2), freed ports rest 5 s.
	soakRest = 60 * time.Second
	// soakRoom is how many more may be held than at first: connections of the database
	// and the runtime's own come and go.
	soakRoom = 3
	// soakGrowth is by how much the memory may grow an hour, in MiB: judged only over
	// enough time to tell a slope from the garbage collector.
	soakGrowth = 40.0
	soakJudged = 5 * time.Minute
)

// TestSoak keeps a box busy over real sockets with calls inside, outward, from outside
// and through the queue, and with registrations: whenever it is at rest, it holds as
// many goroutines, file descriptors and RTP ports as at first, and its memory does not
// climb. It counts what this process holds, so it runs alone and with the phones inside.
func TestSoak(t *testing.T) {
	s := newSoak(t)
	var looks []look
	rounds := soakRounds
	if *soakTime < time.Minute {
		rounds = soakFew
	}
	for round := range rounds {
		s.busy(*soakTime / time.Duration(rounds))
		looks = append(looks, s.rest(looks))
		t.Logf("round %d: %+v", round, looks[round])
	}
	first, last := looks[0], looks[len(looks)-1]
	for _, x := range []struct {
		name        string
		first, last int
		room        int
	}{
		{"goroutines", first.goroutines, last.goroutines, soakRoom},
		{"file descriptors", first.files, last.files, soakRoom},
		{"RTP ports", first.ports, last.ports, 0},
	} {
		testbed.Figure(t, "soak: "+x.name+" at rest, at first and at the end", fmt.Sprintf("%d, %d", x.first, x.last), "")
		if x.last > x.first+x.room {
			t.Errorf("%s at rest: %d at first and %d at the end", x.name, x.first, x.last)
		}
	}
	// Over a short time the slope is that of warming up.
	slope := 0.0
	if *soakTime >= soakJudged {
		slope = slopeOf(looks)
		testbed.Figure(t, "soak: slope of the memory", fmt.Sprintf("%.1f", slope), "MiB an hour")
	}
	testbed.Figure(t, "soak: time over real sockets", soakTime.Round(time.Second), "")
	testbed.Figure(t, "soak: calls; registrations", fmt.Sprintf("%d; %d", s.calls.Load(), s.registers.Load()), "")
	testbed.Figure(t, "soak: memory (RSS) at rest, at first and at the end", fmt.Sprintf("%.1f, %.1f", first.rss, last.rss), "MiB")
	if slope > soakGrowth {
		t.Errorf("the memory climbs by %.1f MiB an hour: %+v", slope, looks)
	}
	if s.calls.Load() < int64(rounds) || s.registers.Load() < int64(rounds) || s.bound.Load() == 0 {
		t.Errorf("only %d calls, %d RTP ports in them, and %d registrations", s.calls.Load(), s.bound.Load(), s.registers.Load())
	}
}

// look is what a box at rest holds.
type look struct {
	at                       time.Time
	goroutines, files, ports int
	rss                      float64 // MiB
}

// soak is a box in this process and its phones.
type soak struct {
	t                *testing.T
	b                *box
	desk             *deskBox
	phones           []*pbxtest.Phone
	calls, registers atomic.Int64
	bound            atomic.Int64 // RTP ports seen during calls
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, desk: newDesk(t)}
	s.desk.answers = 30 * time.Millisecond
	s.b = s.desk.here(io.Discard, "-http", "")
	doc := s.b.office.Current().Doc
	for i := range doc.Devices {
		secret, _ := s.b.secrets.Get(doc.Devices[i].Secret)
		p := s.desk.phone(byte(11+i), doc.Devices[i].Username, secret)
		if err := p.Register(limit(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
		s.phones = append(s.phones, p)
	}
	s.call(context.Background(), anna, "*70", 10*time.Second)
	return s
}

// busy keeps everybody busy for a while; the calls of that moment end with it.
func (s *soak) busy(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var all sync.WaitGroup
	loop := func(f func()) {
		all.Go(func() {
			for ctx.Err() == nil {
				f()
				wait(ctx, 100*time.Millisecond)
			}
		})
	}
	loop(func() { s.call(ctx, dario, "202", 300*time.Millisecond) })
	loop(func() { s.call(ctx, carla, "600", 3*time.Second) })
	loop(func() { s.call(ctx, bruno, "0612345678", 2*time.Second) })
	loop(func() { s.ring(ctx) })
	loop(func() {
		if err := s.phones[carla].Register(ctx); err == nil {
			s.registers.Add(1)
		} else if ctx.Err() == nil {
			s.t.Errorf("register: %v", err)
		}
	})
	all.Wait()
}

// call dials, talks for a while and hangs up. A phone that is in a call already does
// nothing.
func (s *soak) call(ctx context.Context, phone int, number string, talk time.Duration) {
	c, err := s.phones[phone].Dial(number)
	if err != nil {
		return
	}
	select {
	case <-c.Up():
		s.calls.Add(1)
		s.bound.Store(max(s.bound.Load(), int64(s.ports())))
		select {
		case <-c.End():
		default:
			ended, cancel := context.WithCancel(ctx)
			go func() { // ends with the call, which is hung up below
				<-c.End()
				cancel()
			}()
			wait(ended, talk)
			cancel()
		}
	case <-c.End():
	case <-ctx.Done():
	}
	c.HangUp()
	<-c.End()
}

// ring is an outside caller on line 2, who waits for the answer: one who hangs up in its
// very moment leaves the box with a dial tone, which is another test's business.
func (s *soak) ring(ctx context.Context) {
	p, err := s.b.exchange.Ring("line-2", sim.CallerSpec{Number: "0612345678", GiveUp: 10 * time.Second})
	if err != nil {
		return
	}
	select {
	case <-p.Answered():
		s.calls.Add(1)
	case <-p.Done():
		return
	}
	wait(ctx, 2*time.Second)
	p.HangUp()
}

// rest waits until all calls are over and no more is held than at the first look, or
// the time for it is up, and looks.
func (s *soak) rest(before []look) look {
	s.t.Helper()
	if !eventually(s.t, soakRest, func() bool { return s.b.pbx.Calls() == 0 }) {
		s.t.Fatalf("%d calls do not end:\n%s", s.b.pbx.Calls(), s.open())
	}
	var now look
	least := look{goroutines: runtime.NumGoroutine()}
	began := time.Now()
	eventually(s.t, soakRest, func() bool {
		now = s.look()
		if len(before) > 0 {
			return now.goroutines <= before[0].goroutines+soakRoom && now.files <= before[0].files+soakRoom && now.ports == 0
		}
		if now.goroutines < least.goroutines { // still falling
			least, began = now, time.Now()
		}
		return now.ports == 0 && time.Since(began) > 2*time.Second
	})
	debug.FreeOSMemory()
	now.rss = residentMiB(s.t)
	return now
}

// open tells the stories of calls that have no end.
func (s *soak) open() string {
	stories := map[journal.CallID]string{}
	err := s.b.journal.Replay(s.t.Context(), 1, func(e journal.Event) error {
		if e.Call != "" {
			stories[e.Call] += fmt.Sprintf("%s %s %+v\n", e.Time.Format("15:04:05.000"), e.Payload.JournalKind(), e.Payload)
		}
		if e.Payload.JournalKind() == (journal.CallEnded{}).JournalKind() {
			delete(stories, e.Call)
		}
		return nil
	})
	return fmt.Sprint(slices.Collect(maps.Values(stories)), err)
}

func (s *soak) look() look {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		s.t.Fatal(err)
	}
	return look{at: time.Now(), goroutines: runtime.NumGoroutine(), files: len(files), ports: s.ports()}
}

// ports counts the box's RTP and RTCP sockets, by the kernel's table (proc_net(5)).
func (s *soak) ports() (n int) {
	table, err := os.ReadFile("/proc/self/net/udp")
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.desk.addr(1, 0).Addr().As4()
	own := fmt.Sprintf("%02X%02X%02X%02X", a[3], a[2], a[1], a[0])
	for _, line := range strings.Split(string(table), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		addr, port, _ := strings.Cut(f[1], ":")
		if p, err := strconv.ParseUint(port, 16, 16); err == nil && addr == own && p >= 16384 && p < 32768 {
			n++
		}
	}
	return n
}

func residentMiB(t *testing.T) float64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kib, err := strconv.ParseFloat(strings.Fields(rest + " x")[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib / 1024
}

// slopeOf is the slope of the memory over the looks after the first, least squares, in
// MiB an hour.
func slopeOf(looks []look) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, l := range looks[1:] {
		x := l.at.Sub(looks[0].at).Hours()
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+l.rss, sxx+x*x, sxy+x*l.rss
	}
	if d := n*sxx - sx*sx; d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

// wait lets time pass for the world outside, until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
