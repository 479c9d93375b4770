package ui

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"centralino/board/health"
	"centralino/board/led"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/assets"
	"centralino/ui/auth"
	"centralino/ui/i18n"
	"centralino/ui/live"
	"centralino/ui/view"
)

// Limits of the web server. The pages must never cost a call: what comes above a
// limit is refused.
const (
	maxStreams     = 200              // event streams at once
	maxBody        = 64 << 10         // octets of an ordinary form
	maxUpload      = 512 << 20        // octets of a backup
	maxVoice       = 10 << 20         // octets of an uploaded recording with its form
	maxImport      = 9 << 20          // octets of a file of contacts with its form
	slowLimit      = 10 * time.Minute // for a file to come in or go out, by somebody who is logged in
	maxConnections = 256
	maxPerSource   = 48
	pollEvery      = 250 * time.Millisecond // lamps and lines, while somebody looks
	sweepEvery     = 5 * time.Minute
	keepEvery      = 2000 // events between two kept states: what a start reads at most
)

// Server is the web page of the box.
type Server struct {
	d         Deps
	auth      *auth.Auth
	texts     *i18n.Catalogue
	assets    *assets.Set
	views     *view.Views
	hub       *live.Hub
	drafts    *shelf[ticket, draft]
	uploads   *shelf[ticket, upload]
	walks     *shelf[walkKey, callWalk]
	usual     *shelf[usualKey, *api.Own]
	pairings  pairings
	announcer *announcer
	routes    []Route
	ca        *localCA
	h         http.Handler

	restored restoreState
	refused  refusedCount
	members  members
	today    dayFacts
}

// parts are what the pages of every Server have alike. Nothing in them changes.
type parts struct {
	texts  *i18n.Catalogue
	assets *assets.Set
}

var prepared = sync.OnceValues(func() (p parts, err error) {
	if p.texts, err = i18n.Load(); err != nil {
		return p, err
	}
	p.assets, err = assets.New(view.LampStyles())
	return p, err
})

// Prepare makes what the pages need and no database: a third of a box's start, for which
// there may be another core. New does it where nobody did, and tells of errors.
func Prepare() { _, _ = prepared() }

// New builds the pages. It opens nothing and starts nothing.
func New(d Deps) (*Server, error) {
	if d.Now == nil || d.Log == nil || d.DB == nil || d.Office == nil || d.Secrets == nil || d.People == nil ||
		d.Journal == nil || d.Lamps == nil || d.Lines == nil || d.Phones == nil || d.Faults == nil ||
		d.Agents == nil || d.Voices == nil || d.PairingUntil == nil || d.Addresses == nil {
		return nil, ErrDeps
	}
	if d.Facts == nil && d.Reports != nil {
		d.Facts = d.Reports.Facts
	}
	s := &Server{d: d, hub: live.NewHub(maxStreams), today: dayFacts{owes: make(chan struct{}, 1)}}
	made, err := prepared()
	if err != nil {
		return nil, fmt.Errorf("start pages: %w", err)
	}
	s.texts, s.assets = made.texts, made.assets
	s.views = view.New(s.texts, s.assets.URL, s.zone)
	s.auth, err = auth.New(auth.Options{
		DB: d.DB, Now: d.Now, PairingUntil: d.PairingUntil, ClaimCode: d.ClaimCode,
		Office: func() *office.Document { return d.Office.Current().Doc },
		Record: func(e journal.AccessEvent) { d.Journal.Append("", e) },
	})
	if err != nil {
		return nil, fmt.Errorf("start pages: %w", err)
	}
	s.drafts = newShelf[ticket, draft](d.Now, draftLasts, maxDrafts)
	s.uploads = newShelf[ticket, upload](d.Now, uploadLasts, maxUploads)
	s.walks = newShelf[walkKey, callWalk](d.Now, walkLasts, maxWalks)
	s.usual = newShelf[usualKey, *api.Own](d.Now, usualLasts, maxUsual)
	s.announcer = newAnnouncer()
	if d.DataDir != "" {
		if s.ca, err = openCA(d.DataDir, d.Now); err != nil {
			return nil, fmt.Errorf("start pages: %w", err)
		}
	}
	s.routes = s.table()
	s.h = s.middleware(s.mux())
	return s, nil
}

// Handler is the whole web page, for tests and for servers of one's own.
func (s *Server) Handler() http.Handler { return s.h }

// Claimed reports whether the box belongs to somebody. With an error nobody knows: it must
// not be taken for nobody's then, nor the way to claim it be taken away.
func (s *Server) Claimed(ctx context.Context) (bool, error) { return s.auth.Claimed(ctx) }

// ClaimCode is the one-time code with which a browser may claim a box that
// belongs to nobody; empty once it does, or while that can't be read.
func (s *Server) ClaimCode(ctx context.Context) string {
	claimed, err := s.auth.Claimed(ctx)
	if err != nil || claimed {
		return ""
	}
	return s.auth.ClaimCode()
}

// OpenPasswordReset opens ten minutes in which a technician's password can be set
// anew from the LAN: what the button does when held 15 to 20 s.
func (s *Server) OpenPasswordReset() { s.auth.OpenReset(10 * time.Minute) }

// Notify redraws topics on open pages that changed outside of the journal.
func (s *Server) Notify(t live.Topics) { s.hub.Notify(t) }

// Live is what the journal tells now; shared, read only.
func (s *Server) Live() *live.State { return s.hub.State() }

// Run folds the journal for the live pages until ctx ends, and serves the
// listeners of Deps. It returns the first error of a listener.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	run := func(name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	run("follow journal", s.follow)
	run("watch lamps", s.poll)
	run("sweep sessions", s.sweep)
	run("draw late figures", s.owedFigures)
	if s.d.HTTP != nil {
		run("serve http", func(ctx context.Context) error { return s.serve(ctx, s.d.HTTP, nil) })
	}
	if s.d.HTTPS != nil && s.ca != nil {
		run("serve https", func(ctx context.Context) error { return s.serve(ctx, s.d.HTTPS, s.tlsConfig()) })
	}
	<-ctx.Done()
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// follow folds the journal, from the state that was kept last.
func (s *Server) follow(ctx context.Context) error {
	from := s.resume(ctx) + 1
	sub := s.d.Journal.Subscribe(from)
	defer sub.Close()
	kept := from
	for {
		e, err := sub.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		s.hub.Apply(e)
		s.announcer.apply(e)
		if e.Seq >= kept+keepEvery {
			kept = e.Seq
			s.keep(ctx)
		}
	}
}

// foldName is the live state's name among the kept folds.
const foldName = "ui.live"

// resume takes up the kept state and returns its last event; 0: from the beginning.
func (s *Server) resume(ctx context.Context) uint64 {
	f, ok, err := s.d.Journal.LoadFold(ctx, foldName, live.StateVersion)
	if err != nil || !ok {
		if err != nil {
			s.d.Log.Warn("kept live state is not to be had, reading the whole journal", "err", err)
		}
		return 0
	}
	st, err := live.Resume(f.State)
	if err != nil || st.Seq != f.Seq {
		s.d.Log.Warn("kept live state is broken, reading the whole journal", "err", err)
		return 0
	}
	s.hub.Restore(st)
	return f.Seq
}

// keep writes the present state. If it can't, the next start reads more.
func (s *Server) keep(ctx context.Context) {
	st := s.hub.State()
	b, err := st.Keep()
	if err == nil {
		err = s.d.Journal.SaveFold(ctx, journal.Fold{Name: foldName, Version: live.StateVersion, Seq: st.Seq, State: b})
	}
	if err != nil && ctx.Err() == nil {
		s.d.Log.Warn("keep live state", "err", err)
	}
}

// poll tells open pages about what changes outside of the journal: lamps, and the
// drivers' own view of lines, phones and faults.
func (s *Server) poll(ctx context.Context) error {
	var lamps []led.Shown
	var lines []LineStatus
	var faults []health.Entry
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if s.hub.Watching() == 0 {
			continue
		}
		var t live.Topics
		if now := s.d.Lamps(); !slices.Equal(now, lamps) {
			lamps, t = slices.Clone(now), t|live.Lamps
		}
		if now := s.d.Lines(); !slices.Equal(now, lines) {
			lines, t = slices.Clone(now), t|live.Lines
		}
		if now := s.d.Faults(); !slices.Equal(now, faults) {
			faults, t = slices.Clone(now), t|live.Health
		}
		s.hub.Notify(t)
	}
}

func (s *Server) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.drafts.sweep()
			s.uploads.sweep()
			s.walks.sweep()
			s.usual.sweep()
			if err := s.auth.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.d.Log.Warn("sweep sessions", "err", err)
			}
		}
	}
}

// serve serves one listener until ctx ends, over TLS where secure is given; open
// pages are closed at once, since they come back by themselves.
func (s *Server) serve(ctx context.Context, l net.Listener, secure *tls.Config) error {
	srv := &http.Server{
		Handler:           s.h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       cmp.Or(s.d.ReadTimeout, 30*time.Second),
		WriteTimeout:      cmp.Or(s.d.WriteTimeout, 60*time.Second),
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		TLSConfig:         secure,
		ErrorLog:          slog.NewLogLogger(s.d.Log.Handler(), slog.LevelDebug),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
	}()
	limited := newLimitListener(l, maxConnections, maxPerSource)
	var err error
	if secure != nil {
		err = srv.ServeTLS(limited, "", "")
	} else {
		err = srv.Serve(limited)
	}
	if errors.Is(err, http.ErrServerClosed) {
		<-done
		return nil
	}
	return err
}

// zone is the office's time zone, in which pages write times.
func (s *Server) zone() *time.Location { return s.d.Office.Current().Doc.Site.Location() }
