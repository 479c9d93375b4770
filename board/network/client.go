package network

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Wire is the cable as the DHCP client sees it.
type Wire interface {
	// Send sends to a server's port 67; the invalid address is everybody.
	Send(b []byte, to netip.Addr) error
	// Received gives what came to port 68. It is closed with the wire.
	Received() <-chan []byte
}

// Client asks for an address and keeps it (RFC 2131 clause 4.4).
type Client struct {
	Wire     Wire
	Hardware [6]byte
	Host     string     // the name that the router's page shows
	Before   netip.Addr // an address that this box had last, asked for again; may be invalid
	Now      func() time.Time
	Log      *slog.Logger

	// Got is told of every lease, new and renewed; Lost when there is none any more.
	Got  func(Lease)
	Lost func()
}

// patience are the waits for an answer, one after the other, the last one for ever; each
// is changed by chance by up to a second. RFC 2131 clause 4.1 begins at 4 s, but ports of
// switches that wake up eat the first messages, and the box has only this to do.
var patience = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second}

var (
	errNoAnswer = errors.New("no DHCP server answers")
	errRefused  = errors.New("the DHCP server takes its offer back")
)

// Run keeps a lease until ctx ends. The address is not given back at the end: the box
// comes back after a restart and asks for it again.
func (c *Client) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l, err := c.acquire(ctx)
		if err != nil {
			if ctx.Err() == nil {
				c.Log.Warn("no address by DHCP", "err", err)
				c.pause(ctx, 10*time.Second)
			}
			continue
		}
		c.Before = l.Address.Addr()
		c.Got(l)
		c.keep(ctx, l)
		if ctx.Err() == nil {
			c.Lost()
		}
	}
	return nil
}

// acquire asks everybody, takes the first offer and has it confirmed.
func (c *Client) acquire(ctx context.Context) (Lease, error) {
	began := c.Now()
	for try := 0; ctx.Err() == nil; try++ {
		m := c.message(kindDiscover, began)
		m.requested = c.Before
		offer, err := c.ask(ctx, m, netip.Addr{}, wait(try), kindOffer)
		if err != nil {
			if try == len(patience) {
				return Lease{}, err
			}
			continue
		}
		m.kind, m.requested, m.server = kindRequest, offer.Address.Addr(), offer.Server
		for again := range 3 {
			got, err := c.ask(ctx, m, netip.Addr{}, wait(again), kindAck)
			if err == nil {
				return got, nil
			}
			if errors.Is(err, errRefused) {
				c.Before = netip.Addr{}
				c.pause(ctx, time.Second)
				break
			}
		}
	}
	return Lease{}, ctx.Err()
}

// keep renews the lease at its server from T1 on, at any server from T2 on, and returns
// when it is over or refused (RFC 2131 clause 4.4.5).
func (c *Client) keep(ctx context.Context, l Lease) {
	from := c.Now()
	for {
		at := func(d time.Duration) time.Duration { return from.Add(d).Sub(c.Now()) }
		c.pause(ctx, at(l.Renew))
		for got := false; !got; {
			left, to := at(l.Rebind), l.Server
			if left <= 0 {
				left, to = at(l.Lasts), netip.Addr{}
			}
			if left <= 0 || ctx.Err() != nil {
				return
			}
			m := c.message(kindRequest, c.Now())
			m.client, m.broadcast = l.Address.Addr(), false
			asked := c.Now()
			next, err := c.ask(ctx, m, to, min(wait(1), left), kindAck)
			switch {
			case errors.Is(err, errRefused):
				return
			case err == nil:
				if next.Address != l.Address {
					return // never seen; the new one is asked for from the beginning
				}
				l, from, got = next, asked, true
				c.Got(l)
			default: // clause 4.4.5: half of what is left, a minute at least
				c.pause(ctx, min(max(left/2, time.Minute), left))
			}
		}
	}
}

func (c *Client) message(k kind, began time.Time) *message {
	return &message{kind: k, xid: rand.Uint32(), secs: uint16(min(c.Now().Sub(began)/time.Second, 1<<16-1)),
		broadcast: true, hardware: c.Hardware, host: c.Host, vendor: "centralino"}
}

// ask sends a message and waits for the answer of a kind that belongs to it.
func (c *Client) ask(ctx context.Context, m *message, to netip.Addr, wait time.Duration, want kind) (Lease, error) {
	for more := true; more; { // what came before the question is no answer to it
		select {
		case _, more = <-c.Wire.Received():
		default:
			more = false
		}
	}
	if err := c.Wire.Send(m.marshal(), to); err != nil {
		c.pause(ctx, wait) // the cable may come back
		return Lease{}, err
	}
	limit := time.NewTimer(wait)
	defer limit.Stop()
	for {
		select {
		case b, ok := <-c.Wire.Received():
			if !ok {
				c.pause(ctx, wait)
				return Lease{}, errNoAnswer
			}
			a, err := parse(b)
			if err != nil || !a.reply || a.xid != m.xid || a.hardware != m.hardware {
				continue
			}
			if a.kind == kindNak && m.kind == kindRequest {
				return Lease{}, errRefused
			}
			if l, ok := leaseOf(a); ok && a.kind == want {
				return l, nil
			}
		case <-limit.C:
			return Lease{}, errNoAnswer
		case <-ctx.Done():
			return Lease{}, ctx.Err()
		}
	}
}

// wait is how long the n-th question waits for its answer.
func wait(n int) time.Duration {
	return patience[min(n, len(patience)-1)] + rand.N(time.Second)
}

// pause waits for d or the end of ctx.
func (c *Client) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
