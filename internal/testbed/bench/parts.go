package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// starts is how often the start is measured.
const starts = 5

// measureStart measures start to first accepted REGISTER and idle memory, on a data
// folder that is furnished already. The time runs from before the box's program is
// started until the generator has ended, which it does on the first 200: what it
// says itself counts from its own start, long before the box's.
func measureStart(ctx context.Context, w *world) error {
	data := w.folder()
	p, err := w.startBox(ctx, data)
	if err != nil {
		return err
	}
	p.stop()
	var idle float64
	s, err := w.collect(ctx, starts, func(i int) (round, error) {
		const before = 300 * time.Millisecond // the generator is up by then
		result := make(chan error, 1)
		go func() { // ends with the generator, within a minute
			_, err := w.load(ctx, "wait", boxAddr, "")
			result <- err
		}()
		if err := pause(ctx, before); err != nil {
			return nil, err
		}
		taken, launched := stealing(), time.Now()
		p, err := w.launchBox(data)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		if err := <-result; err != nil {
			return nil, err
		}
		took := ms(time.Since(launched))
		r := round{"box": {"first": took, "steal": taken()}}
		fmt.Printf("   %.0f ms after its launch the box has accepted a REGISTER\n", took)
		if i == 0 {
			if err := pause(ctx, 12*time.Second); err != nil {
				return nil, err
			}
			idle, err = rss(p)
		}
		return r, err
	})
	if err != nil {
		return err
	}
	w.sheet.add("start to first accepted REGISTER, 1000 extensions", s.figure("box", "first"), 300, "ms", s.String())
	w.sheet.add("idle memory (RSS), 1000 extensions", sure(idle), 40, "MiB", "")
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// measureMedia lays the relayed call beside the kit's bare relay.
func measureMedia(ctx context.Context, w *world) error {
	args := []string{"-calls", "100", "-dur", "8s", "-warm", "3s"}
	var memory float64
	s, err := w.collect(ctx, w.o.rounds, func(i int) (round, error) {
		p, err := w.startBox(ctx, w.folder())
		if err != nil {
			return nil, err
		}
		box, err := w.load(ctx, "media", boxAddr, p.pid(), append(args, "-setup", "40", "-label", "box")...)
		if err == nil && i == 0 {
			memory = box[0].num("kib_per_call")
			err = transcode(ctx, w, p)
		}
		p.stop()
		if err != nil {
			return nil, err
		}
		relay, err := w.start(filepath.Join(w.o.build, "udp"), "relay", "-mode", "goroutine", "-n", "100", "-base", "50000")
		if err != nil {
			return nil, err
		}
		defer relay.stop()
		if err := pause(ctx, time.Second); err != nil {
			return nil, err
		}
		bare, err := w.load(ctx, "rtp", boxAddr, relay.pid(), append(args, "-label", "bare")...)
		if err != nil {
			return nil, err
		}
		return round{"box": box[0], "bare": bare[0]}, nil
	})
	if err != nil {
		return err
	}
	m, d := s.ratio("box", "bare", "cpu_s_per_call_min")
	w.sheet.add("CPU of a relayed call-minute, 100 calls, times the bare goroutine relay", m, 1.2, "", d+" CPU-s, "+s.String())
	m = s.figure("box", "p99")
	m.value /= 1000
	w.sheet.add("forwarding delay p99, 100 calls", m, 0.5, "ms", s.String()+"; bare relay "+number(s.figure("bare", "p99").value/1000)+" ms")
	m = s.worst("box", "loss")
	m.value *= 100
	w.sheet.add("packets lost, 100 calls", m, 0, "%", "worst of "+s.String())
	w.sheet.add("calls failed of 100", s.worst("box", "failed"), 0, "", "worst of "+s.String())
	w.sheet.add("memory of a call, first 100 after the start", sure(memory), 80, "KiB", "")
	return nil
}

// transcode has calls between A-law and mu-law.
func transcode(ctx context.Context, w *world, p *program) error {
	rows, err := w.load(ctx, "media", boxAddr, p.pid(), "-calls", "50", "-dur", "5s", "-warm", "2s", "-setup", "40", "-pta", "8", "-ptb", "0", "-label", "box A-law/mu-law")
	if err != nil {
		return err
	}
	w.sheet.add("CPU of a call-minute A-law to mu-law, 50 calls", sure(rows[0].num("cpu_s_per_call_min")), noGoal, "CPU-s",
		fmt.Sprintf("%.0f packets a second heard of 5000", rows[0].num("rec_any_per_s")))
	return nil
}

// rates are the calls a second that are tried.
var rates = []string{"25", "100"}

// measureCalls lays calls with digest and records beside Kamailio with rtpengine.
func measureCalls(ctx context.Context, w *world) error {
	var alone error
	args := []string{"-rates", strings.Join(rates, ","), "-dur", "6s", "-hold", "200ms"}
	s, err := w.collect(ctx, w.o.rounds, func(int) (round, error) {
		p, err := w.startBox(ctx, w.folder())
		if err != nil {
			return nil, err
		}
		rows, err := w.load(ctx, "cps", boxAddr, p.pid(), append(args, "-label", "box")...)
		p.stop()
		if err != nil {
			return nil, err
		}
		r := round{}
		for i := range rows {
			r["box "+rates[i]] = rows[i]
		}
		if alone != nil {
			return r, nil
		}
		k, err := w.startPeer(ctx)
		if errors.Is(err, errNoPeer) {
			alone = err
			return r, nil
		} else if err != nil {
			return nil, err
		}
		defer k.stop()
		rows, err = w.load(ctx, "cps", peerAddr, k.pids(), append(args, "-label", "kamailio+rtpengine")...)
		for i := range rows {
			r["peer "+rates[i]] = rows[i]
		}
		return r, err
	})
	if err != nil {
		return err
	}
	for _, rate := range rates {
		if m, d := s.ratio("box "+rate, "peer "+rate, "cpu_ms_per_call"); alone == nil {
			w.sheet.add("CPU of a digest call with records, "+rate+" a second, times Kamailio with rtpengine", m, 1.3, "", d+" ms, "+s.String())
		}
	}
	w.sheet.add("post-dial delay p50, 25 calls a second", s.figure("box 25", "pdd_p50_ms"), 2, "ms", s.String())
	d := s.String()
	if k := s.figure("peer 25", "pdd_p99_ms"); k.ok {
		d += "; Kamailio " + number(k.value) + " ms"
	}
	w.sheet.add("post-dial delay p99, 25 calls a second", s.figure("box 25", "pdd_p99_ms"), 10, "ms", d)
	for _, rate := range rates {
		w.sheet.add("calls failed, "+rate+" a second", s.worst("box "+rate, "failed"), 0, "", "worst of "+s.String())
	}
	return alone
}

// measureRegister measures registrations with digest; there is no goal yet.
func measureRegister(ctx context.Context, w *world) error {
	p, err := w.startBox(ctx, w.folder())
	if err != nil {
		return err
	}
	defer p.stop()
	for _, window := range []string{"1", "32"} {
		rows, err := w.load(ctx, "reg", boxAddr, p.pid(), "-n", "10000", "-window", window, "-label", "box")
		if err != nil {
			return err
		}
		w.sheet.add("registrations a second, "+window+" under way", sure(rows[0].num("per_s")), noGoal, "",
			strings.TrimSpace(number(rows[0].num("cpu_ms_per_reg"))+" ms of CPU each"))
	}
	return nil
}

// kept is what counts as given back, in MiB: what an idle box's memory moves by.
const kept = 8

// measureStorm has 40,000 REGISTERs of strangers come within two seconds.
func measureStorm(ctx context.Context, w *world) error {
	p, err := w.startBox(ctx, w.folder())
	if err != nil {
		return err
	}
	defer p.stop()
	if err := pause(ctx, 10*time.Second); err != nil {
		return err
	}
	before, err := rss(p)
	if err != nil {
		return err
	}
	s := storm{to: boxAddr, count: 40000, within: 2 * time.Second, sources: 200}
	peak := before
	watch, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { // awaited below
		defer close(watched)
		for pause(watch, 20*time.Millisecond) == nil {
			if now, err := rss(p); err == nil { // its end is found below
				peak = max(peak, now)
			}
		}
	}()
	sent, answered, err := s.send(ctx)
	if err == nil {
		err = pause(ctx, 3*time.Second)
	}
	stop()
	<-watched
	if err != nil {
		return err
	}
	w.sheet.add("40,000 REGISTERs of strangers in 2 s add (RSS)", sure(peak-before), 128, "MiB", fmt.Sprintf("from %.1f; %d sent, %d answered", before, sent, answered))
	if err := pause(ctx, 57*time.Second); err != nil {
		return err
	}
	after, err := rss(p)
	if err != nil {
		return err
	}
	w.sheet.add("of that still there after 60 s", sure(max(0, after-before)), kept, "MiB", "")
	return nil
}
