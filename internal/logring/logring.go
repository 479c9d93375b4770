// Package logring is the log of the running box: a slog handler that keeps the
// last lines in memory for the system page and passes them on. Every line is made
// safe before anybody sees it: outside numbers are masked, control characters
// escaped, long values cut, and a message that comes too often is counted instead
// of repeated. It runs no goroutine.
package logring

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Options of a Ring. Zero values stand for the defaults named.
type Options struct {
	Lines int           // lines kept: 2000
	Level slog.Leveler  // least level kept and passed on: Info
	Next  slog.Handler  // gets every line that is kept, already safe; nil for none
	Burst int           // lines of one message at once: 20
	Every time.Duration // then one in this time: 1 s
}

// Line is one line of the log.
type Line struct {
	Time  time.Time
	Level slog.Level
	Text  string
	Attrs string // "line=line-1 err=\"…\""
	Call  string // of the attribute "call"
}

// Filter chooses lines. Zero fields choose everything.
type Filter struct {
	Call  string     // only this call
	Text  string     // text or attributes contain it, upper and lower case alike
	Level slog.Level // at least (slog.LevelInfo is 0: use LevelDebug for everything)
	Limit int        // the newest so many; 0 for all
}

// Ring keeps the last lines. It may be used from any goroutine.
type Ring struct {
	o Options

	mu    sync.Mutex // guards the fields below; never held while Next is called
	lines []Line     // ring of o.Lines
	next  int        // where the next line goes
	rates map[string]*rate
}

// rate is the bucket of one message.
type rate struct {
	tokens     float64
	at         time.Time
	suppressed int
}

// maxRates bounds the buckets; messages are constants of the program, so that it
// is reached only if something puts data into a message.
const maxRates = 1000

// New returns an empty ring.
func New(o Options) *Ring {
	if o.Lines <= 0 {
		o.Lines = 2000
	}
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	if o.Burst <= 0 {
		o.Burst = 20
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	return &Ring{o: o, lines: make([]Line, 0, min(o.Lines, 256)), rates: map[string]*rate{}}
}

// Handler returns the handler that fills the ring.
func (r *Ring) Handler() slog.Handler { return &handler{ring: r} }

// Lines returns the chosen lines, the newest last.
func (r *Ring) Lines(f Filter) []Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Line
	want := strings.ToLower(f.Text)
	for i := range r.lines {
		// From the newest back, so that Limit keeps the newest.
		l := r.lines[(r.next-1-i+2*len(r.lines))%len(r.lines)]
		switch {
		case l.Level < f.Level, f.Call != "" && l.Call != f.Call:
			continue
		case want != "" && !strings.Contains(strings.ToLower(l.Text), want) && !strings.Contains(strings.ToLower(l.Attrs), want):
			continue
		}
		out = append(out, l)
		if f.Limit > 0 && len(out) == f.Limit {
			break
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// take asks the message's bucket for a line and returns how many were suppressed
// before it.
func (r *Ring) take(level slog.Level, message string, now time.Time) (suppressed int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := level.String() + message
	b := r.rates[key]
	if b == nil {
		if len(r.rates) >= maxRates {
			clear(r.rates)
		}
		b = &rate{tokens: float64(r.o.Burst), at: now}
		r.rates[key] = b
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(float64(r.o.Burst), b.tokens+float64(passed)/float64(r.o.Every))
		b.at = now
	}
	if b.tokens < 1 {
		b.suppressed++
		return 0, false
	}
	b.tokens--
	suppressed, b.suppressed = b.suppressed, 0
	return suppressed, true
}

func (r *Ring) keep(l Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < r.o.Lines {
		r.lines = append(r.lines, l)
		r.next = len(r.lines) % r.o.Lines
		return
	}
	r.lines[r.next] = l
	r.next = (r.next + 1) % len(r.lines)
}

// handler is the ring with the attributes of a logger.
type handler struct {
	ring  *Ring
	attrs []slog.Attr // safe and flat
	group string      // with its closing dot
	call  string
}

// Enabled reports whether lines of a level are kept.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.ring.o.Level.Level() }

// WithAttrs returns a handler whose lines have these attributes too.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.attrs = append([]slog.Attr(nil), h.attrs...)
	for _, a := range attrs {
		n.add(h.group, a)
	}
	return &n
}

// WithGroup returns a handler whose attributes stand under a name.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	n := *h
	n.group += name + "."
	return &n
}

// add makes an attribute flat and safe.
func (h *handler) add(prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, in := range v.Group() {
			h.add(prefix, in)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	key := Escape(prefix + a.Key)
	switch v.Kind() {
	case slog.KindString, slog.KindAny:
		text := v.String()
		if key == "call" {
			h.call = Escape(text)
			v = slog.StringValue(h.call)
		} else {
			v = slog.StringValue(Safe(text))
		}
	}
	h.attrs = append(h.attrs, slog.Attr{Key: key, Value: v})
}

// Handle keeps a line and passes it on. It fails only if the next handler does.
func (h *handler) Handle(ctx context.Context, rec slog.Record) error {
	suppressed, ok := h.ring.take(rec.Level, rec.Message, rec.Time)
	if !ok {
		return nil
	}
	n := *h
	n.attrs = append(make([]slog.Attr, 0, len(h.attrs)+rec.NumAttrs()+1), h.attrs...)
	rec.Attrs(func(a slog.Attr) bool {
		n.add(h.group, a)
		return true
	})
	if suppressed > 0 {
		n.attrs = append(n.attrs, slog.Int("suppressed", suppressed))
	}
	text := Safe(rec.Message)
	h.ring.keep(Line{Time: rec.Time, Level: rec.Level, Text: text, Attrs: write(n.attrs), Call: n.call})
	next := h.ring.o.Next
	if next == nil || !next.Enabled(ctx, rec.Level) {
		return nil
	}
	out := slog.NewRecord(rec.Time, rec.Level, text, 0)
	out.AddAttrs(n.attrs...)
	return next.Handle(ctx, out)
}

// write writes attributes as key=value, quoted where needed.
func write(attrs []slog.Attr) string {
	var b strings.Builder
	for i, a := range attrs {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(a.Key)
		b.WriteByte('=')
		v := a.Value.String()
		if v == "" || strings.ContainsAny(v, " =\"") {
			v = `"` + strings.ReplaceAll(v, `"`, `\"`) + `"`
		}
		b.WriteString(v)
	}
	return b.String()
}
