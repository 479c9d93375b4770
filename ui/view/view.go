// Package view draws pages: one template file and one struct per page, in both
// languages. It decides nothing: what stands in a struct may be shown. Templates
// are compiled when they are first used, so that the box starts fast; a test
// compiles and draws each of them. It starts no goroutine.
package view

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"sync"
	"time"

	"centralino/board/led"
	"centralino/ui/api"
	"centralino/ui/i18n"
)

//go:embed *.html pages/*.html
var files embed.FS

// Views draws pages.
type Views struct {
	texts  *i18n.Catalogue
	asset  func(name string) string
	zone   func() *time.Location
	mu     sync.Mutex
	cached map[string]*template.Template // "it/home"
}

// New returns Views that take texts from a catalogue, the addresses of assets
// from asset, and write times in zone.
func New(texts *i18n.Catalogue, asset func(string) string, zone func() *time.Location) *Views {
	return &Views{texts: texts, asset: asset, zone: zone, cached: map[string]*template.Template{}}
}

// Pages lists the names of all pages.
func Pages() []string {
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, n := range names {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(n, "pages/"), ".html")
	}
	return names
}

// Page draws a whole page.
func (v *Views) Page(p *i18n.Printer, page string, data any) ([]byte, error) {
	return v.draw(p, page, "layout", data)
}

// Fragment draws one named part of a page, for live updates.
func (v *Views) Fragment(p *i18n.Printer, page, part string, data any) ([]byte, error) {
	return v.draw(p, page, part, data)
}

func (v *Views) draw(p *i18n.Printer, page, part string, data any) ([]byte, error) {
	t, err := v.template(p, page)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, part, data); err != nil {
		return nil, fmt.Errorf("draw %s of page %s: %w", part, page, err)
	}
	return b.Bytes(), nil
}

func (v *Views) template(p *i18n.Printer, page string) (*template.Template, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := p.Lang() + "/" + page
	if t := v.cached[key]; t != nil {
		return t, nil
	}
	t, err := template.New(page).Option("missingkey=error").Funcs(v.funcs(p)).
		ParseFS(files, "*.html", "pages/"+page+".html")
	if err != nil {
		return nil, fmt.Errorf("compile page %s: %w", page, err)
	}
	v.cached[key] = t
	return t, nil
}

// funcs are what templates may call. t, n: texts; the rest: how values are written.
func (v *Views) funcs(p *i18n.Printer) template.FuncMap {
	return template.FuncMap{
		"t":        p.T,
		"n":        p.N,
		"lang":     p.Lang,
		"int":      p.Int,
		"float":    p.Float,
		"asset":    v.asset,
		"icon":     icon,
		"mark":     func() template.HTML { return mark },
		"date":     func(t time.Time) string { return p.Date(t.In(v.zone())) },
		"day":      p.Day,
		"datetime": func(t time.Time) string { return p.DateTime(t.In(v.zone())) },
		"short":    func(t time.Time) string { return p.Short(t.In(v.zone())) },
		"hm":       func(t time.Time) string { return p.Time(t.In(v.zone())) },
		"hms":      func(t time.Time) string { return p.Seconds(t.In(v.zone())) },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"unix":     func(t time.Time) int64 { return t.Unix() },
		"clock":    func(s float64) string { return p.Clock(time.Duration(s * float64(time.Second))) },
		"upto":     func(from, to time.Time) string { return p.Clock(to.Sub(from)) },
		"led":      ledClass,
		"legend":   legend,
		"ns":       func(s string) string { return strings.NewReplacer(".", "-", " ", "-").Replace(s) },
	}
}

// ledClass is the class under which the style sheet draws a lamp's pattern.
func ledClass(l api.Lamp) string {
	p := led.Pattern{Kind: led.Kind(l.Pattern), N: l.Code}
	c := "led " + lampClass(p)
	switch p.Kind {
	case led.Off:
		c += " off"
	case led.Blink:
		c += " warn"
	case led.Double, led.Code:
		c += " bad"
	}
	return c
}

// legend lists the patterns that a person may see, for the explanation of lamps.
func legend() []api.Lamp {
	var out []api.Lamp
	for _, k := range []led.Kind{led.Solid, led.Wink, led.Pulse, led.Breathe, led.Blink, led.Double, led.Code, led.Off} {
		l := api.Lamp{Pattern: string(k)}
		if k == led.Code {
			l.Code = 3
		}
		out = append(out, l)
	}
	return out
}
