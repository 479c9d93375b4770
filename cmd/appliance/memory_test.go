package main

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestBoardMemoryIsRead(t *testing.T) {
	if m := boardMemory(); m < 64<<20 {
		t.Errorf("this machine has %d octets of memory", m)
	}
}

func TestMemoryGoesBackWhenNobodyTalks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls, looked := 1, 0
		go returnMemory(ctx, func() int { looked++; return calls })
		rush := make([]byte, 64<<20)
		for i := range rush {
			rush[i] = 1
		}
		before := heldMemory()
		runtime.KeepAlive(rush)
		rush = nil
		time.Sleep(quietLook + time.Second)
		synctest.Wait()
		if looked != 1 || heldMemory()+32<<20 < before {
			t.Errorf("looked %d times and gave %d of %d back during a call", looked, before-heldMemory(), before)
		}
		calls = 0
		time.Sleep(quietLook)
		synctest.Wait()
		if after := heldMemory(); after+48<<20 > before {
			t.Errorf("%d octets were held, %d still are", before, after)
		}
		cancel()
		synctest.Wait()
	})
}
