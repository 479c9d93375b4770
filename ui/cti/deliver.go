package cti

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"centralino/internal/office"
	"centralino/internal/privacy"
)

// Headers of a delivery.
const (
	HeaderEvent     = "Centralino-Event"
	HeaderID        = "Centralino-Id" // the same for every try
	HeaderSignature = "Centralino-Signature"
)

// Sign is the signature of a delivery: "t=<unix seconds>,v1=<hex>", where the hex is
// HMAC-SHA256 (RFC 2104) by the webhook's secret over the seconds, a point and the
// body. A receiver computes it anew and refuses what is older than five minutes.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(t + "."))
	m.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(m.Sum(nil))
}

// newClient makes the one client of all webhooks: no redirects, no proxy, no cookies.
func newClient(o Options) *http.Client {
	c := &http.Client{Timeout: o.Timeout, Transport: o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if c.Transport == nil {
		c.Transport = &http.Transport{
			DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: together, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 16 << 10,
		}
	}
	return c
}

// deliver sends what waits for one webhook until ctx ends.
func (s *Sender) deliver(ctx context.Context, hook office.ID) {
	bell := s.bell(hook)
	for ctx.Err() == nil {
		wait := s.round(ctx, hook)
		if wait > 0 {
			pause(ctx, bell, wait)
		}
	}
}

// round sends what may go now, and says how long there is nothing to do.
func (s *Sender) round(ctx context.Context, hook office.ID) time.Duration {
	h := s.state(hook)
	limit := together
	if h.fails >= probeAfter {
		limit = 1
	}
	if h.stopped {
		return time.Hour
	}
	if wait := h.rest.Sub(s.o.Now()); wait > 0 && wait <= s.farthest() {
		return wait
	}
	list, err := s.next(ctx, hook, limit)
	if err != nil {
		s.complain(ctx, hook, err)
		return storeRetry
	}
	if len(list) == 0 {
		at, err := s.due(ctx, hook)
		switch {
		case err != nil:
			s.complain(ctx, hook, err)
			return storeRetry
		case at.IsZero():
			return time.Hour
		}
		return max(at.Sub(s.o.Now()), time.Millisecond)
	}
	var wg sync.WaitGroup
	for _, w := range list {
		wg.Go(func() { s.send(ctx, hook, w) })
	}
	wg.Wait()
	return 0
}

func (s *Sender) complain(ctx context.Context, hook office.ID, err error) {
	if ctx.Err() == nil {
		s.o.Log.Warn("webhook stands still", "hook", hook, "err", err)
	}
}

// send tries one event and keeps what became of it. What may no longer be told goes
// without a word.
func (s *Sender) send(ctx context.Context, hook office.ID, w waiting) {
	doc := s.o.Office()
	target := doc.WebhookByID(hook)
	if target == nil {
		return
	}
	m, ok := Fill(w.event, doc, s.o.Gate, Program, privacy.Export)
	if !ok {
		if err := s.gone(ctx, w); err != nil {
			s.standStill(ctx, hook, err)
		}
		return
	}
	a := s.attempt(ctx, *target, w, m)
	if ctx.Err() != nil && !a.OK() {
		return // cut off by us: it counts for nothing
	}
	now := s.o.Now()
	lost := !a.OK() && (now.Sub(w.made) >= giveUpEvent || w.event.Kind == Test)
	var before hookState
	after := s.change(hook, func(h *hookState) {
		before = *h
		if a.OK() {
			h.fails, h.since = 0, time.Time{}
			if !h.asked { // else by the answer to another delivery of this moment
				h.rest = time.Time{}
			}
			h.sent++
			return
		}
		if h.fails++; h.since.IsZero() {
			h.since = now.Round(0).UTC()
		}
		h.stopped = a.Status == http.StatusGone || now.Sub(h.since) >= giveUpHook
		if lost {
			h.lost++
		}
	})
	var retry time.Time
	if !a.OK() {
		again := now.Add(s.backoff(max(after.fails-probeAfter, w.tries)))
		if a.wait > 0 {
			again = now.Add(s.heed(a.wait))
		}
		if !lost {
			retry = again
		}
		if after.fails >= probeAfter || a.wait > 0 {
			s.change(hook, func(h *hookState) { h.restUntil(again, a.wait > 0, now, s.farthest()) })
		}
	}
	if err := s.tried(ctx, hook, w, a, retry); err != nil {
		s.standStill(ctx, hook, err)
		return
	}
	s.judge(ctx, hook, before, after, now)
}

// standStill lets a webhook rest whose disk refuses.
func (s *Sender) standStill(ctx context.Context, hook office.ID, err error) {
	s.complain(ctx, hook, err)
	rest := s.o.Now().Add(storeRetry)
	s.change(hook, func(h *hookState) { h.rest = rest })
}

// judge raises and clears the fault of a webhook, and lets go of what waits for one
// that was stopped.
func (s *Sender) judge(ctx context.Context, hook office.ID, before, after hookState, now time.Time) {
	switch {
	case after.isFault(now):
		s.o.Fault(hook, true)
	case after.fails == 0 && before.fails > 0:
		s.o.Fault(hook, false)
	}
	if after.stopped && !before.stopped {
		s.o.Log.Error("webhook was stopped: it took nothing for too long", "hook", hook, "since", after.since)
		if n, err := s.waitingFor(ctx, hook); err == nil {
			s.change(hook, func(h *hookState) { h.lost += n })
		}
		s.drop(ctx, hook)
	}
}

// backoff is the pause after so many failures.
func (s *Sender) backoff(n int) time.Duration {
	d := s.o.Retry[min(max(n, 0), len(s.o.Retry)-1)]
	return d - d/5 + rand.N(max(d*2/5, 1))
}

// heed is the pause that a receiver asked for (RFC 9110 10.2.3): not shorter than the
// first of our own, not longer than the longest, and stretched by up to a fifth, so that
// those who were sent away together do not come back together.
func (s *Sender) heed(wait time.Duration) time.Duration {
	d := min(max(wait, s.o.Retry[0]), slices.Max(s.o.Retry))
	return d + rand.N(max(d/5, 1))
}

// farthest is how far ahead a next try can be: what stands farther was written by a
// clock that has been set back since.
func (s *Sender) farthest() time.Duration { return 2 * max(slices.Max(s.o.Retry), storeRetry) }

// attempt makes one delivery.
func (s *Sender) attempt(ctx context.Context, target office.Webhook, w waiting, m Message) Attempt {
	now := s.o.Now()
	a := Attempt{Time: now.Round(0).UTC(), Kind: w.event.Kind, Call: w.event.Call, Try: w.tries + 1}
	body, err := json.Marshal(m)
	if err != nil {
		a.Cause = "network"
		return a
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.URL, bytes.NewReader(body))
	if err != nil {
		a.Cause = "address"
		return a
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Centralino")
	req.Header.Set(HeaderEvent, m.Event)
	req.Header.Set(HeaderID, m.ID)
	if secret, ok := s.o.Secrets(target.Secret); ok && secret != "" {
		req.Header.Set(HeaderSignature, Sign(secret, now, body))
	}
	begin := time.Now()
	res, err := s.client.Do(req)
	a.Took = time.Since(begin)
	if err != nil {
		a.Cause = causeOf(err)
		return a
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // lets the connection be used again
	a.Status = res.StatusCode
	if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
		a.wait = retryAfter(res.Header, s.o.Now())
	}
	return a
}

// retryAfter reads how long a receiver wants to be left alone (RFC 9110 10.2.3): seconds,
// or a date, which counts from the receiver's own Date where it names one, else from now.
// 0: it does not say, or not so that it can be understood.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now))
}

// causeOf says in a word why there was no answer.
func causeOf(err error) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var netErr net.Error
	switch {
	case errors.As(err, &dns):
		return "host"
	case errors.As(err, &cert):
		return "certificate"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "timeout"
	}
	return "network"
}

// Causes lists the words for why there was no answer, for the test of translations.
func Causes() []string {
	return []string{"host", "certificate", "refused", "timeout", "network", "address"}
}
