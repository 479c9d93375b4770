package testbed_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"centralino/internal/testbed"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// request is an entry of a log as a test writes it.
type request struct {
	sector, sectors, flags, text uint64
	data                         string
}

const logFlush, logFUA, logDiscard, logMark = 1, 2, 4, 8

// writeLog makes a log with sectors of 512 octets.
func writeLog(all ...request) []byte {
	var b bytes.Buffer
	put := func(v ...any) {
		for _, x := range v {
			_ = binary.Write(&b, binary.LittleEndian, x)
		}
		b.Write(make([]byte, -b.Len()&511))
	}
	put(uint64(0x6a736677736872), uint64(1), uint64(len(all)), uint32(512))
	for _, r := range all {
		put(r.sector, r.sectors, r.flags, r.text)
		if r.flags&logDiscard == 0 && r.sectors > 0 {
			b.Write(append([]byte(r.data), make([]byte, int(r.sectors)*512-len(r.data))...))
		}
	}
	return b.Bytes()
}

// disk is a small disk in memory.
type disk []byte

func (d disk) WriteAt(b []byte, at int64) (int, error) { return copy(d[at:], b), nil }

func TestWriteLogIsReadInOrder(t *testing.T) {
	b := writeLog(
		request{sector: 2, sectors: 2, data: "first"},
		request{flags: logFlush},
		request{sector: 1, sectors: 1, flags: logFUA, data: "second"},
		request{text: 4, flags: logMark},
		request{sector: 0, sectors: 4, flags: logDiscard},
		request{sector: 2, sectors: 1, data: "third"},
	)
	l, err := testbed.ReadWriteLog(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	want := &testbed.WriteLog{SectorSize: 512, Counted: 6, Entries: []testbed.WriteEntry{
		{At: 1024, Len: 1024, Data: 1024, End: 2048},
		{Data: 2560, End: 2560, Flush: true},
		{At: 512, Len: 512, Data: 3072, End: 3584, FUA: true},
		{Len: 2048, Data: 4608, End: 4608, Discard: true},
		{At: 1024, Len: 512, Data: 5120, End: 5632},
	}}
	if d := cmp.Diff(want, l, cmpopts.IgnoreUnexported(testbed.WriteLog{})); d != "" {
		t.Error(d)
	}
	for n, settled := range []int{0, 0, 2, 2, 2, 2} {
		if got := l.Settled(n); got != settled {
			t.Errorf("of %d entries %d are settled, want %d", n, got, settled)
		}
	}
	for size, n := range map[int64]int{0: 0, 2047: 0, 2048: 1, 3583: 2, 4608: 4, math.MaxInt64: 5} {
		if got := l.At(size); got != n {
			t.Errorf("a log of %d octets has %d entries, want %d", size, got, n)
		}
	}
	d := make(disk, 2048)
	for i, sectors := range []int64{1, math.MaxInt64, math.MaxInt64, math.MaxInt64, 0} {
		if err := l.Replay(d, i, sectors); err != nil {
			t.Fatal(err)
		}
	}
	shown := make(disk, 2048)
	copy(shown[1024:], "first")
	copy(shown[512:], "second")
	if !bytes.Equal(d, shown) {
		t.Errorf("the disk holds %q", bytes.ReplaceAll(d, []byte{0}, nil))
	}
}

// A request may ask for a flush and write, too: what it writes is not on the medium by that.
func TestFlushThatWrites(t *testing.T) {
	b := writeLog(request{sector: 1, sectors: 1}, request{sector: 2, sectors: 1, flags: logFlush}, request{sector: 3, sectors: 1, flags: logFlush | logFUA})
	l, err := testbed.ReadWriteLog(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for n, settled := range []int{0, 0, 1, 3} {
		if got := l.Settled(n); got != settled {
			t.Errorf("of %d entries %d are settled, want %d", n, got, settled)
		}
	}
}

func TestWriteLogThatWasCutOff(t *testing.T) {
	b := writeLog(request{sector: 2, sectors: 1, data: "first"}, request{sector: 3, sectors: 2, data: "second"})
	for size, entries := range map[int]int{512: 0, 600: 0, 1024: 0, 1536: 1, 2048: 1, 2560: 1, 3071: 1, 3072: 2} {
		l, err := testbed.ReadWriteLog(bytes.NewReader(b[:size]), int64(size))
		if err != nil || len(l.Entries) != entries {
			t.Errorf("%d octets: %v, want %d entries", size, err, entries)
		}
	}
	b = append(b, make([]byte, 1024)...)
	if l, err := testbed.ReadWriteLog(bytes.NewReader(b), int64(len(b))); err != nil || len(l.Entries) != 2 {
		t.Errorf("an entry whose place was only taken: %v", err)
	}
}

func TestWriteLogThatIsNone(t *testing.T) {
	change := func(at int, v byte) []byte {
		b := writeLog(request{sector: 2, sectors: 1, data: "first"})
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{
		"empty":                        nil,
		"another magic":                change(0, 1),
		"another version":              change(8, 2),
		"sectors of three octets":      change(24, 3),
		"a flag that nobody knows":     change(512+16, 1<<6),
		"beyond the end of any disk":   change(512+7, 0xff),
		"longer than any disk":         change(512+15, 0xff),
		"text longer than its sector":  change(512+25, 0xff),
		"less than its own superblock": change(0, 0x72)[:20],
	} {
		if l, err := testbed.ReadWriteLog(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%s: read as %+v", name, l)
		}
	}
}

func FuzzReadWriteLog(f *testing.F) {
	f.Add(writeLog(request{sector: 2, sectors: 1, data: "first"}, request{flags: logFlush}, request{sector: 1, sectors: 9, flags: logDiscard}))
	f.Add(writeLog(request{text: 4, flags: logMark}))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := testbed.ReadWriteLog(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		last := l.SectorSize
		for i, e := range l.Entries {
			if e.At < 0 || e.Len < 0 || e.Data < last || e.End < e.Data || e.End > int64(len(b)) && !e.Discard {
				t.Fatalf("entry %d of %d octets: %+v", i, len(b), e)
			}
			last = e.End
			if got := l.At(e.End); got <= i {
				t.Fatalf("at the end of entry %d there are %d", i, got)
			}
			if n := l.Settled(i + 1); n > i+1 || e.Flush && n < i {
				t.Fatalf("of %d entries %d are settled", i+1, n)
			}
			if err := l.Replay(nowhere{}, i, math.MaxInt64); err != nil {
				t.Fatal(err)
			}
		}
	})
}

type nowhere struct{}

func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
