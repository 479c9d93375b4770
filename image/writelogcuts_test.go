//go:build imagetest

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"centralino/acd/outcome"
	"centralino/board/boot"
	"centralino/internal/journal"
	doc "centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
	"centralino/internal/testbed"
	"centralino/pbx/lamp"
	"centralino/pbx/registrar"
	"centralino/ui"
	"centralino/ui/cti"

	"golang.org/x/sys/unix"
)

// copyPart copies a file from a place on, and leaves holes where it has some.
func copyPart(t *testing.T, to, from string, at int64) {
	t.Helper()
	r, err := os.Open(from)
	want(t, "copy", err)
	defer r.Close()
	w, err := os.Create(to)
	want(t, "copy", err)
	info, err := r.Stat()
	want(t, "copy", err)
	for pos := at; ; {
		begin, err := unix.Seek(int(r.Fd()), pos, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break
		}
		want(t, "data", err)
		end, err := unix.Seek(int(r.Fd()), begin, unix.SEEK_HOLE)
		want(t, "hole", err)
		_, err = io.Copy(io.NewOffsetWriter(w, begin-at), io.NewSectionReader(r, begin, end-begin))
		want(t, "copy", err)
		pos = end
	}
	want(t, "copy", w.Truncate(info.Size()-at))
	want(t, "copy", w.Close())
}

// window is the part of a disk that a file holds.
type window struct {
	*os.File
	begin, size int64
}

// WriteAt writes what falls into the window.
func (w window) WriteAt(b []byte, at int64) (int, error) {
	from, to := max(at, w.begin), min(at+int64(len(b)), w.begin+w.size)
	if from >= to {
		return len(b), nil
	}
	if _, err := w.File.WriteAt(b[from-at:to-at], from-w.begin); err != nil {
		return 0, err
	}
	return len(b), nil
}

// dataBegin is where the data partition begins on a disk.
func dataBegin() int64 { return int64(masterBootRecord().Partition(boot.PartData).Start) * boot.Sector }

// openWindow opens a file as the data partition.
func openWindow(t *testing.T, name string) window {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	want(t, "partition", err)
	return window{f, dataBegin(), cardSize - dataBegin()}
}

// fate is what becomes of writes that no flush has settled when the power goes.
type fate string

var fates = []fate{"all", "half", "torn"}

// unsettled writes what luck leaves of the entries from one to another.
func unsettled(t *testing.T, disk window, log *testbed.WriteLog, from, to int, luck fate, rng *rand.Rand) {
	t.Helper()
	last := -1
	for i := from; i < to; i++ {
		if log.Entries[i].Len > 0 && !log.Entries[i].Discard {
			last = i
		}
	}
	for i := from; i < to; i++ {
		e, sectors := log.Entries[i], int64(math.MaxInt64)
		switch {
		case e.FUA:
		case luck == "half" && rng.IntN(2) == 0:
			continue
		case luck == "torn" && i == last:
			sectors = rng.Int64N(e.Len / log.SectorSize)
		}
		want(t, "replay", log.Replay(disk, i, sectors))
	}
}

// tally is what the cuts of one life did.
type tally struct {
	losing, worst int // cuts that lost something acknowledged, and most things that one lost
	unrepaired    int // file systems that e2fsck -p does not repair
	corrupt       int // databases or journals that are not whole
}

// cuts cuts the power of a life that is over.
func (l *logged) cuts(t *testing.T, rng *rand.Rand) (sum tally) {
	t.Helper()
	f, err := os.Open(l.log)
	want(t, "log", err)
	defer f.Close()
	info, err := f.Stat()
	want(t, "log", err)
	log, err := testbed.ReadWriteLog(f, info.Size())
	want(t, "log", err)
	flushes := 0
	for _, e := range log.Entries {
		if e.Flush {
			flushes++
		}
	}
	if int64(len(log.Entries)) < log.Counted {
		t.Fatalf("the log counts %d entries and %d of them can be read", log.Counted, len(log.Entries))
	}
	first := log.At(l.acks[0].size)
	t.Logf("the log has %d octets in %d entries, %d of them flushes; the first acknowledgement is behind %d", info.Size(), len(log.Entries), flushes, first)
	points := make([]int, *logCuts)
	for i := range points {
		points[i] = first + rng.IntN(len(log.Entries)-first+1)
	}
	slices.Sort(points)
	dir := t.TempDir()
	settled, after := filepath.Join(dir, "settled"), filepath.Join(dir, "after")
	copyPart(t, settled, l.fresh, dataBegin())
	want(t, "partition", os.Truncate(settled, cardSize-dataBegin()))
	done, looked, disk := 0, 0, openWindow(t, settled)
	defer disk.Close()
	for i, n := range points {
		sure := log.Settled(n)
		for ; done < sure; done++ {
			want(t, "replay", log.Replay(disk, done, math.MaxInt64))
		}
		copyPart(t, after, settled, 0)
		cut := openWindow(t, after)
		luck := fates[i%len(fates)]
		unsettled(t, cut, log, sure, n, luck, rng)
		cut.Close()
		due := l.due(log, n)
		lost, trouble := lookInto(t, after, due, &sum)
		looked += len(due)
		if trouble != "" || len(lost) > 0 {
			first := ""
			if len(lost) > 0 {
				first = fmt.Sprintf("the %s %s first", lost[0].kind, lost[0].what)
			}
			t.Logf("cut behind entry %d, %d unsettled, of those %s: of %d acknowledged things %d are missing, %s %s", n, n-sure, luck, len(due), len(lost), first, trouble)
		}
		if i%50 == 49 {
			fmt.Printf("PROGRESS\t%s: %d of %d power cuts, %+v\n", t.Name(), i+1, len(points), sum)
		}
	}
	t.Logf("%d times an acknowledged thing was looked for", looked)
	return sum
}

// due is what the box had acknowledged when its disk had done so many requests.
func (l *logged) due(log *testbed.WriteLog, requests int) []ack {
	n := 0
	for n < len(l.acks) && requests > 0 && l.acks[n].size <= log.Entries[requests-1].End {
		n++
	}
	return l.acks[:n]
}

// lookInto starts what a start of the box would of a data partition, and returns what is
// missing of what is due.
func lookInto(t *testing.T, partition string, due []ack, sum *tally) (lost []ack, trouble string) {
	t.Helper()
	check := testbed.Start(t, nil, testbed.Command{Path: "e2fsck", Args: []string{"-p", partition}})
	if code := check.ExitCode(); code >= 4 {
		sum.unrepaired++
		trouble = fmt.Sprintf("e2fsck -p ends with %d: %s", code, check.Output())
	}
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	dump := testbed.Start(t, nil, testbed.Command{Path: "debugfs", Args: []string{"-R", "rdump /box " + dir, partition}})
	if dump.ExitCode() != 0 {
		t.Fatal(dump.Output())
	}
	found, err := openRemains(t.Context(), filepath.Join(dir, "box"))
	if err != nil {
		sum.corrupt++
		trouble += err.Error()
	}
	for _, a := range due {
		if !found.has(a) {
			lost = append(lost, a)
		}
	}
	if len(lost) > 0 {
		sum.losing++
		sum.worst = max(sum.worst, len(lost))
	}
	return lost, trouble
}

// remains are what a dead box left on its disk.
type remains struct {
	edit                               int // number of the edit in force
	cards, notes, agreements, finished map[string]bool
}

// has reports that something acknowledged is there.
func (r *remains) has(a ack) bool {
	switch a.kind {
	case ackEdit:
		n := 0
		_, _ = fmt.Sscan(a.what, &n)
		return r.edit >= n
	case ackCard:
		return r.cards[a.what]
	case ackNote:
		return r.notes[a.what]
	case ackAgreement:
		return r.agreements[a.what]
	case ackCall:
		return r.finished[a.what]
	}
	return false
}

// migrations are those of every room that keeps something in the database.
func migrations() []store.Migration {
	return slices.Concat(journal.Migrations(), doc.Migrations(), privacy.Migrations(), registrar.Migrations, lamp.Migrations, outcome.Migrations(), cti.Migrations(), ui.Migrations())
}

// openRemains opens a data folder as the program does and reads all of it. What could be
// read is returned in any case.
func openRemains(ctx context.Context, folder string) (*remains, error) {
	r := &remains{}
	quiet := slog.New(slog.DiscardHandler)
	db, opened, err := store.Open(ctx, store.Options{Folder: folder, Migrations: migrations(), Now: time.Now, Log: quiet})
	if err != nil {
		return r, err
	}
	defer db.Close()
	if d := opened.Damage; d != nil {
		return r, fmt.Errorf("the database was set aside: %w", d.Cause)
	}
	read := func(tx *sql.Tx) error {
		var verdict string
		if err := tx.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil || verdict != "ok" {
			return fmt.Errorf("integrity: %s %w", verdict, err)
		}
		for _, list := range []struct {
			to    *map[string]bool
			query string
		}{
			{&r.cards, `SELECT id FROM outcome_customers`}, {&r.notes, `SELECT text FROM outcome_notes`},
			{&r.agreements, `SELECT note FROM privacy_agreements`}, {&r.finished, `SELECT id FROM calls WHERE ended <> 0`},
		} {
			if *list.to, err = words(ctx, tx, list.query); err != nil {
				return err
			}
		}
		return nil
	}
	if err := db.Read(ctx, read); err != nil {
		return r, err
	}
	log, rec, err := journal.Open(ctx, journal.Options{DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: quiet})
	if err != nil {
		return r, err
	}
	if _, bad, err := log.Verify(ctx); bad != nil || err != nil || rec.Bad != nil {
		return r, fmt.Errorf("the journal's chain: %+v %w", bad, err)
	}
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = log.Run(ctx) }) // a box that was cut off before it had an office makes one
	defer running.Wait()
	defer stop()
	versions, err := doc.OpenStore(ctx, doc.StoreOptions{DB: db, Journal: log, Now: time.Now})
	if err != nil {
		return r, err
	}
	for _, p := range versions.Current().Doc.Paths {
		if _, err := fmt.Sscanf(p.Name, "Chiuso %d", &r.edit); err == nil {
			return r, nil
		}
	}
	return r, errors.New("the path that was edited is gone")
}

// words reads a column.
func words(ctx context.Context, tx *sql.Tx, query string) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var w string
		if err := rows.Scan(&w); err != nil {
			return nil, err
		}
		all[w] = true
	}
	return all, rows.Err()
}
