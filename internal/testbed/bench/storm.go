package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// storm is a bounded flood of REGISTERs without credentials, each of its own
// Call-ID and account, from many loopback addresses so that no budget of one
// source stops it.
type storm struct {
	to      string
	count   int
	within  time.Duration
	sources int
}

// send sends at an even pace and returns how many went out and how many answers
// came until half a second after the last.
func (s storm) send(ctx context.Context) (sent, answered int64, err error) {
	to, err := netip.ParseAddrPort(s.to)
	if err != nil {
		return 0, 0, err
	}
	conns := make([]*net.UDPConn, s.sources)
	var answers atomic.Int64
	var readers sync.WaitGroup
	defer readers.Wait()
	for i := range conns {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 1, byte(1 + i%250)}), 0)
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(from))
		if err != nil {
			return 0, 0, fmt.Errorf("open source %d of the storm: %w", i, err)
		}
		defer c.Close()
		conns[i] = c
		readers.Go(func() { // ends with its socket
			b := make([]byte, 2048)
			for {
				if _, err := c.Read(b); err != nil {
					return
				}
				answers.Add(1)
			}
		})
	}
	begin := time.Now()
	for i := range s.count {
		due := begin.Add(time.Duration(i) * s.within / time.Duration(s.count))
		if wait := time.Until(due); wait > time.Millisecond {
			if err := pause(ctx, wait); err != nil {
				return sent, answers.Load(), err
			}
		}
		c := conns[i%len(conns)]
		if _, err := c.WriteToUDPAddrPort(s.message(i, c), to); err == nil {
			sent++
		}
	}
	err = pause(ctx, 500*time.Millisecond)
	return sent, answers.Load(), err
}

func (s storm) message(i int, c *net.UDPConn) []byte {
	from := c.LocalAddr()
	return fmt.Appendf(nil, "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKstorm%d;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%d@%s>;tag=s%d\r\nTo: <sip:%d@%s>\r\nCall-ID: storm-%d@%s\r\nCSeq: 1 REGISTER\r\nContact: <sip:%d@%s>\r\n"+
		"Expires: 3600\r\nUser-Agent: storm\r\nContent-Length: 0\r\n\r\n",
		s.to, from, i, i, s.to, i, i, s.to, i, from, i, from)
}
