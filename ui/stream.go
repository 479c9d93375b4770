package ui

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"centralino/internal/office"
	"centralino/ui/auth"
	"centralino/ui/live"
	"centralino/ui/view"
)

// Times of an event stream.
const (
	streamAlive = 15 * time.Second       // a word at least this often
	streamPace  = 150 * time.Millisecond // redraws are never closer than this; with the journal's 100 ms an event is seen within 250
	streamWrite = 10 * time.Second       // a reader that takes longer is gone
)

// part is a piece of a page that is redrawn when a topic changes.
type part struct {
	name   string // template and element id
	topics live.Topics
}

// livePages says which parts of which pages live, and which route decides who may
// see them.
var livePages = map[string]struct {
	route string
	parts []part
}{
	"home": {"GET /{$}", []part{
		{"health", live.Health | live.Office}, {"lamps", live.Lamps}, {"me", live.Queues | live.Office},
		{"calls", live.Calls | live.Queues | live.Office}, {"queues", live.Queues | live.Office},
		{"lines", live.Lines | live.Calls | live.Office}, {"recallhome", live.Queues | live.Calls}, {"duehome", live.Queues | live.Office},
	}},
	"recall":    {"GET /recall", []part{{"recalllist", live.Queues | live.Calls | live.Office}}},
	"callbacks": {"GET /callbacks", []part{{"callbacklist", live.Queues | live.Calls | live.Office}}},
	"board":     {"GET /board", []part{{"boardalarms", live.Queues | live.Office}, {"boardqueues", live.Queues | live.Calls | live.Office}, {"boardteams", live.Queues | live.Office}}},
	"desk": {"GET /desk", []part{
		{"deskstate", live.Queues | live.Office}, {"deskcall", live.Queues | live.Calls | live.Office},
		{"deskpop", live.Queues | live.Calls},
		{"deskcard", live.Queues | live.Calls}, {"deskscript", live.Queues | live.Calls}, {"deskoutcome", live.Queues | live.Calls},
		{"deskdue", live.Queues | live.Calls | live.Office}, {"deskqueues", live.Queues | live.Office}, {"deskfigures", live.Queues},
	}},
	"update": {"GET /system/update", []part{{"updatestate", live.Updates}}},
	"lines":  {"GET /lines", []part{{"lineslist", live.Lines | live.Calls | live.Office}}},
	"phone":  {"GET /phones/{id}", []part{{"phonestate", live.Phones | live.Office}, {"phonefacts", live.Phones | live.Office}}},
	"line":   {"GET /lines/{id}", []part{{"linestate", live.Lines | live.Calls | live.Office}}},
}

// live streams the parts of one page: each is drawn anew for this reader when its
// topics change, and sent if it looks different. What happens while the reader is
// slow is skipped; he gets the newest.
func (v *visit) live() error {
	name, id := v.r.URL.Query().Get("page"), v.r.URL.Query().Get("id")
	page, ok := livePages[name]
	if !ok {
		return errNotFound
	}
	if !v.may(page.route) {
		return errDenied
	}
	var topics live.Topics
	for _, p := range page.parts {
		topics |= p.topics
	}
	watch := v.s.hub.Watch(topics)
	if watch == nil {
		return errFull
	}
	defer watch.Close()
	if err := http.NewResponseController(v.w).SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	v.w.WriteHeader(http.StatusOK)
	return v.pump(watch, page.parts, func() any {
		switch name {
		case "home":
			return v.homePage()
		case "recall":
			return v.recallPage()
		case "callbacks":
			page, err := v.callBacksPage()
			if err != nil {
				v.s.d.Log.Error("live list of call-backs", "err", err)
				return nil
			}
			return page
		case "board":
			return view.Board{Board: v.boardModel()}
		case "desk":
			return v.deskPage()
		case "lines":
			return v.linesPage()
		case "update":
			if v.s.d.Updates == nil {
				return nil
			}
			return v.updatePage()
		}
		if name == "phone" {
			if d := v.doc().DeviceByID(office.ID(id)); d != nil {
				return v.phoneView(d)
			}
			return nil
		}
		if data, ok := v.linePage(id); ok {
			return data
		}
		return nil
	})
}

// pump sends until the reader or the session is gone. Errors end the stream; the
// browser comes back by itself.
func (v *visit) pump(watch *live.Watch, parts []part, data func() any) error {
	page := v.r.URL.Query().Get("page")
	sent := make([][]byte, len(parts))
	alive := time.NewTicker(streamAlive)
	defer alive.Stop()
	pace := time.NewTimer(0)
	defer pace.Stop()
	if v.send("alive", "") != nil {
		return nil
	}
	for {
		select {
		case <-v.ctx().Done():
			return nil
		case <-alive.C:
			if err := v.stillMay(livePages[page].route); err != nil {
				return v.gone(err)
			}
			if v.send("alive", "") != nil {
				return nil
			}
			continue
		case <-watch.Ring():
		}
		// Rest a little, so that a burst of events becomes one drawing.
		select {
		case <-v.ctx().Done():
			return nil
		case <-pace.C:
		}
		pace.Reset(streamPace)
		changed := watch.Take()
		model := data()
		if model == nil {
			return nil
		}
		for i, p := range parts {
			if p.topics&changed == 0 {
				continue
			}
			html, err := v.s.views.Fragment(v.p, page, p.name, model)
			if err != nil {
				v.s.d.Log.Error("live part failed", "page", page, "part", p.name, "err", err)
				return nil
			}
			if bytes.Equal(html, sent[i]) {
				continue
			}
			sent[i] = html
			body, err := json.Marshal(struct {
				ID   string `json:"id"`
				HTML string `json:"html"`
			}{p.name, string(html)})
			if err != nil {
				return nil
			}
			if v.send("patch", string(body)) != nil {
				return nil
			}
		}
	}
}

// stillMay says why the reader of a stream may not go on; nil: he is logged in, or his
// token is good, and his role as it is now has the route.
func (v *visit) stillMay(route string) (err error) {
	if v.token != "" {
		v.me, err = v.s.auth.Holder(v.ctx(), v.token)
	} else {
		v.me, err = v.s.auth.Session(v.ctx(), v.cookie(v.cookieName()), false)
	}
	if err == nil && !v.may(route) {
		err = errDenied
	}
	return err
}

// gone ends a stream and says why: the login or the token is no more. Where that can't be
// read the reader has to ask again.
func (v *visit) gone(err error) error {
	switch {
	case errors.Is(err, auth.ErrUnread):
	case v.token != "":
		_ = v.send("gone", "token")
	default:
		_ = v.send("gone", "login")
	}
	return nil
}

// send writes one event and flushes it; between events nothing runs out.
func (v *visit) send(event, data string) error {
	rc := http.NewResponseController(v.w)
	if err := rc.SetWriteDeadline(time.Now().Add(min(streamWrite, cmp.Or(v.s.d.WriteTimeout, streamWrite)))); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(v.w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return err
	}
	if err := rc.Flush(); err != nil {
		return err
	}
	return rc.SetWriteDeadline(time.Time{}) // HTTP/2 would reset a stream that only waits
}
