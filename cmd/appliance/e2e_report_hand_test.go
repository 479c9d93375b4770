package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"centralino/internal/testbed"
	"centralino/ui/api"
)

// hand is an operator who takes no calls of the queue, and keeps promises to call back
// by hand.
type hand struct {
	*desk
	w     *web            // in her own name
	keeps map[string]wish // numbers, and how she calls them
}

// handAccount is the telephone of those whom she calls.
const handAccount = "393331239999"

// hires gives the office the operator, her browser and her telephone.
func (o *reportOffice) hires() {
	o.t.Helper()
	page := o.hire("Elena Neri", 250)
	owner := phoneOwner.FindStringSubmatch(page)
	if owner == nil {
		o.t.Fatalf("whose telephone it is does not stand in\n%s", page)
	}
	h := &hand{w: o.invite(owner[1], "elena"), keeps: map[string]wish{}}
	phone := o.box.phone(len(o.box.accounts)-1, "hand", testbed.PhoneOptions{Manual: true, Life: o.x.span + 5*time.Minute})
	h.desk = &desk{phone: phone, name: "Elena Neri", addr: o.box.net.Side("hand").Addr(2), x: o.x}
	for i := range o.x.pressers {
		if number, w := presser(i); w == wishTelephone || w == wishPage {
			h.keeps[number] = w
		}
	}
	o.hand = h
}

// byHand lets her work; stop ends that.
func (o *reportOffice) byHand() (stop func()) {
	ctx, cancel := context.WithCancel(o.t.Context())
	ended := make(chan error, 1) // its one end
	go func() { ended <- unless(ctx, o.hand.work(ctx)) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			o.t.Errorf("who calls back by hand: %v", err)
		}
	})
	o.t.Cleanup(stop)
	return stop
}

// work looks at the list of promises again and again, and keeps those that are hers, one
// after the other. One whom an agent is being rung for is the queue's.
func (h *hand) work(ctx context.Context) error {
	for ; ctx.Err() == nil; wait(ctx, 100*time.Millisecond) {
		list, err := h.promises(ctx)
		if err != nil {
			return err
		}
		for _, p := range list {
			number := lastTen(p.Dial)
			w, hers := h.keeps[number]
			if !hers || p.State.ID != "waiting" {
				continue
			}
			rings, err := h.calls(ctx, p, number, w)
			if err == nil && rings {
				delete(h.keeps, number)
				err = h.keep(ctx, p)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", number, err)
			}
		}
	}
	return nil
}

// calls dials the number, or takes the caller from the list and answers the telephone that
// rings for it; false if he can't be had.
func (h *hand) calls(ctx context.Context, p api.Promise, number string, w wish) (bool, error) {
	if w == wishTelephone {
		return true, h.phone.Dial(ctx, number)
	}
	status, body, err := h.ask(ctx, http.MethodPost, "recall/take", url.Values{"caller": {p.ID}})
	switch {
	case err != nil || status == http.StatusConflict:
		return false, err
	case status != http.StatusOK:
		return false, fmt.Errorf("take him: %d %s", status, body)
	}
	if _, err := h.phone.Wait(ctx, "CALL_INCOMING"); err != nil {
		return false, err
	}
	return true, h.phone.Accept(ctx)
}

// keep talks until the promise stands on the list no more, and a little longer.
func (h *hand) keep(ctx context.Context, p api.Promise) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := h.phone.Wait(ctx, "CALL_ESTABLISHED"); err != nil {
		return err
	}
	for {
		list, err := h.promises(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(list, func(x api.Promise) bool { return x.Call == p.Call }) {
			break
		}
		wait(ctx, 50*time.Millisecond)
	}
	if gone, err := h.closes(ctx, time.Second); gone || err != nil {
		return err
	}
	if err := h.phone.Hangup(ctx); err != nil {
		return err
	}
	_, err := h.phone.Wait(ctx, "CALL_CLOSED")
	return err
}

// promises are the callers whom her queue has promised a call.
func (h *hand) promises(ctx context.Context) ([]api.Promise, error) {
	status, body, err := h.ask(ctx, http.MethodGet, "recall", nil)
	if err != nil {
		return nil, err
	}
	var r api.Recall
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("whom to call back: %d %s: %w", status, body, err)
	}
	return r.Promises, nil
}

// ask asks the API in her name, from whatever goroutine.
func (h *hand) ask(ctx context.Context, method, path string, form url.Values) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://10.77.0.1:8080/api/v1/"+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := h.w.c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}
