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
// folder that is furnished already.
func measureStart(ctx context.Context, w *world) error {
	data := w.folder()
	p, err := w.startBox(ctx, data)
	if err != nil {
		return err
	}
	p.stop()
	var times []float64
	var idle float64
	for range starts {
		const before = 300 * time.Millisecond // the generator is up by then
		result := make(chan []row, 1)
		go func() { // ends with the generator, within a minute
			rows, _ := w.load(ctx, "wait", boxAddr, "")
			result <- rows
		}()
		begin := time.Now()
		if err := pause(ctx, before); err != nil {
			return err
		}
		launched := time.Since(begin)
		if p, err = w.launchBox(data); err != nil {
			return err
		}
		rows := <-result
		if len(rows) == 1 {
			times = append(times, max(1, rows[0].num("first_register_ms")-ms(launched)))
		}
		if idle == 0 {
			err = pause(ctx, 12*time.Second)
			idle = rss(p)
		}
		p.stop()
		if err != nil {
			return err
		}
	}
	w.sheet.add("start to first accepted REGISTER, 1000 extensions", median(times), 300, "ms", fmt.Sprintf("median of %d", len(times)))
	w.sheet.add("idle memory (RSS), 1000 extensions", idle, 40, "MiB", "")
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// measureMedia lays the relayed call beside the kit's bare relay.
func measureMedia(ctx context.Context, w *world) error {
	args := []string{"-calls", "100", "-dur", "8s", "-warm", "3s"}
	var box, bare []row
	var memory float64
	for i := 0; again(i, w.o.rounds, box); i++ {
		p, err := w.startBox(ctx, w.folder())
		if err != nil {
			return err
		}
		rows, err := w.load(ctx, "media", boxAddr, p.pid(), append(args, "-setup", "40", "-label", "box")...)
		if err == nil && i == 0 {
			memory = rows[0].num("kib_per_call")
			err = transcode(ctx, w, p)
		}
		p.stop()
		if err != nil {
			return err
		}
		box = append(box, rows...)
		relay, err := w.start(filepath.Join(w.o.build, "udp"), "relay", "-mode", "goroutine", "-n", "100", "-base", "50000")
		if err != nil {
			return err
		}
		err = pause(ctx, time.Second)
		if err == nil {
			rows, err = w.load(ctx, "rtp", boxAddr, relay.pid(), append(args, "-label", "bare")...)
		}
		relay.stop()
		if err != nil {
			return err
		}
		bare = append(bare, rows...)
	}
	v, d := ratio(box, bare, "cpu_s_per_call_min")
	w.sheet.add("CPU of a relayed call-minute, 100 calls, times the bare goroutine relay", v, 1.2, "", d+" CPU-s")
	v, d = figure(box, "p99")
	bareP99, _ := figure(bare, "p99")
	w.sheet.add("forwarding delay p99, 100 calls", v/1000, 0.5, "ms", d+"; bare relay "+number(bareP99/1000)+" ms")
	loss, _ := figure(box, "loss")
	w.sheet.add("packets lost, 100 calls", 100*loss, 0, "%", "")
	w.sheet.add("memory of a call, first 100 after the start", memory, 80, "KiB", "")
	return nil
}

// transcode has calls between A-law and mu-law.
func transcode(ctx context.Context, w *world, p *program) error {
	rows, err := w.load(ctx, "media", boxAddr, p.pid(), "-calls", "50", "-dur", "5s", "-warm", "2s", "-setup", "40", "-pta", "8", "-ptb", "0", "-label", "box A-law/mu-law")
	if err != nil {
		return err
	}
	v, _ := figure(rows, "cpu_s_per_call_min")
	w.sheet.add("CPU of a call-minute A-law to mu-law, 50 calls", v, 0, "CPU-s", fmt.Sprintf("%.0f packets a second heard of 5000", rows[0].num("rec_any_per_s")))
	return nil
}

// measureCalls lays calls with digest and records beside Kamailio with rtpengine.
func measureCalls(ctx context.Context, w *world) error {
	var box, other [2][]row
	var alone error
	for i := 0; again(i, w.o.rounds, box[0]); i++ {
		p, err := w.startBox(ctx, w.folder())
		if err != nil {
			return err
		}
		rows, err := w.load(ctx, "cps", boxAddr, p.pid(), "-rates", "25,100", "-dur", "6s", "-hold", "200ms", "-label", "box")
		p.stop()
		if err != nil {
			return err
		}
		for i, r := range rows {
			box[i] = append(box[i], r)
		}
		if alone != nil {
			continue
		}
		k, err := w.startPeer(ctx)
		if errors.Is(err, errNoPeer) {
			alone = err
			continue
		} else if err != nil {
			return err
		}
		rows, err = w.load(ctx, "cps", peerAddr, k.pids(), "-rates", "25,100", "-dur", "6s", "-hold", "200ms", "-label", "kamailio+rtpengine")
		k.stop()
		if err != nil {
			return err
		}
		for i, r := range rows {
			other[i] = append(other[i], r)
		}
	}
	for i, rate := range []string{"25", "100"} {
		if v, d := ratio(box[i], other[i], "cpu_ms_per_call"); alone == nil {
			w.sheet.add("CPU of a digest call with records, "+rate+" a second, times Kamailio with rtpengine", v, 1.3, "", d+" ms")
		}
	}
	v, d := figure(box[0], "pdd_p50_ms")
	w.sheet.add("post-dial delay p50, 25 calls a second", v, 2, "ms", d)
	v, d = figure(box[0], "pdd_p99_ms")
	if k, _ := figure(other[0], "pdd_p99_ms"); k > 0 {
		d += "; Kamailio " + number(k) + " ms"
	}
	w.sheet.add("post-dial delay p99, 25 calls a second", v, 10, "ms", d)
	failed := 0.0
	for _, r := range append(box[0], box[1]...) {
		failed += r.num("failed")
	}
	w.sheet.add("calls failed", failed, 0, "", "")
	return alone
}

// measureQueue measures how soon an agent who hangs up rings again.
func measureQueue(ctx context.Context, w *world) error {
	var all []row
	for range max(1, w.o.rounds-1) {
		p, err := w.startBox(ctx, w.folder())
		if err != nil {
			return err
		}
		rows, err := w.load(ctx, "queue", boxAddr, p.pid(), "-agents", "10", "-waiting", "10", "-talk", "2s", "-ring", "0", "-warm", "5s", "-dur", "25s", "-label", "box")
		p.stop()
		if err != nil {
			return err
		}
		all = append(all, rows...)
	}
	v, d := figure(all, "free_to_ring_p50_ms")
	w.sheet.add("agent free to agent ringing p50", v, 10, "ms", d)
	v, d = figure(all, "p99_ms")
	w.sheet.add("agent free to agent ringing p99", v, 50, "ms", d)
	v, _ = figure(all, "cpu_ms_per_served")
	w.sheet.add("CPU of a served queue call, ten callers hearing music", v, 0, "ms", "")
	return nil
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
		w.sheet.add("registrations a second, "+window+" under way", rows[0].num("per_s"), 0, "",
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
	before := rss(p)
	s := storm{to: boxAddr, count: 40000, within: 2 * time.Second, sources: 200}
	peak := before
	watch, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { // awaited below
		defer close(watched)
		for pause(watch, 20*time.Millisecond) == nil {
			peak = max(peak, rss(p))
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
	w.sheet.add("40,000 REGISTERs of strangers in 2 s add (RSS)", peak-before, 128, "MiB", fmt.Sprintf("from %.1f; %d sent, %d answered", before, sent, answered))
	if err := pause(ctx, 57*time.Second); err != nil {
		return err
	}
	w.sheet.add("of that still there after 60 s", max(0, rss(p)-before), kept, "MiB", "")
	return nil
}
