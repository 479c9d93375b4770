package hal_test

import (
	"testing"

	"centralino/hal"
)

// A reader that is late loses keys and tones and nothing else; what it gets is in
// order.
func TestLateReaderLosesKeysOnly(t *testing.T) {
	q := hal.NewEventQueue()
	for n := 1; n <= 100; n++ {
		q.Put(hal.Ring{N: n})
		q.Put(hal.DTMF{Digit: '1'})
		q.Put(hal.Progress{Tone: hal.BusyTone})
	}
	rings, others := 0, 0
	for range 1000 {
		for len(q.C) > 0 {
			switch ev := (<-q.C).(type) {
			case hal.Ring:
				if rings++; ev.N != rings {
					t.Fatalf("ring %d came as number %d", ev.N, rings)
				}
			default:
				others++
			}
		}
		c, ev := q.Late()
		if c == nil {
			break
		}
		c <- ev
		q.Sent()
	}
	if rings != 100 {
		t.Errorf("%d of 100 rings came", rings)
	}
	if others == 0 || others > 64 {
		t.Errorf("%d keys and tones came", others)
	}
}
