// Package i18n owns every text that a person reads on the pages: flat catalogues
// key -> text per language, with {placeholders} and plurals, and the way numbers,
// durations and dates are written. Texts of rules and faults (rules.<lang>.json)
// are read from here too. It holds no state after Load and runs no goroutine.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

//go:embed *.json
var files embed.FS

// Languages lists what the box speaks on its pages, the default first.
var Languages = []string{"it", "en"}

// Printer writes texts in one language. It is immutable and may be shared.
type Printer struct {
	lang  string
	texts map[string]string
}

// Catalogue is all printers.
type Catalogue struct {
	by map[string]*Printer
}

// Load reads the embedded catalogues. A key may stand in one file per language
// only.
func Load() (*Catalogue, error) {
	c := &Catalogue{by: map[string]*Printer{}}
	for _, lang := range Languages {
		p := &Printer{lang: lang, texts: map[string]string{}}
		for _, name := range []string{lang + ".json", "fields." + lang + ".json", "rules." + lang + ".json", "reports." + lang + ".json", "after." + lang + ".json", "update." + lang + ".json", "access." + lang + ".json", "rescue." + lang + ".json"} {
			b, err := files.ReadFile(name)
			if err != nil {
				if strings.HasPrefix(name, "rules.") {
					continue
				}
				return nil, fmt.Errorf("read catalogue %s: %w", name, err)
			}
			var texts map[string]string
			if err := json.Unmarshal(b, &texts); err != nil {
				return nil, fmt.Errorf("read catalogue %s: %w", name, err)
			}
			for k, v := range texts {
				if _, twice := p.texts[k]; twice {
					return nil, fmt.Errorf("read catalogue %s: key %q stands twice", name, k)
				}
				p.texts[k] = v
			}
		}
		c.by[lang] = p
	}
	return c, nil
}

// Printer returns the printer of a language, or the default one for a language
// that is not spoken.
func (c *Catalogue) Printer(lang string) *Printer {
	if p := c.by[lang]; p != nil {
		return p
	}
	return c.by[Languages[0]]
}

// Choose picks a language: the wish of the person (a cookie or the person's own
// setting, may be empty), then the browser's Accept-Language header (RFC 9110
// section 12.5.4), then the default. What cannot be read of the header is left out.
//
// Two languages that nobody takes for each other need no table of which languages
// their readers understand: golang.org/x/text/language has one, of 0.2 MB.
func (c *Catalogue) Choose(wish, acceptLanguage string) *Printer {
	if p := c.by[wish]; p != nil {
		return p
	}
	if len(acceptLanguage) > 200 {
		acceptLanguage = ""
	}
	best, most := c.by[Languages[0]], 0.0
	for entry := range strings.SplitSeq(acceptLanguage, ",") {
		lang, weight, ok := acceptable(entry)
		if !ok {
			continue
		}
		if p := c.by[lang]; p != nil && weight > most {
			best, most = p, weight
		} else if most == 0 {
			best = c.by["en"] // who reads neither is likelier to know English
		}
	}
	return best
}

// acceptable reads one entry of the header, "it-CH;q=0.8": the language without its
// region, and its weight above 0.
func acceptable(entry string) (lang string, weight float64, ok bool) {
	tag, quality, weighed := strings.Cut(entry, ";")
	lang, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	if !weighed {
		return lang, 1, lang != ""
	}
	name, value, _ := strings.Cut(quality, "=")
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return lang, weight, lang != "" && strings.EqualFold(strings.TrimSpace(name), "q") && err == nil && weight > 0
}

// Lang is the printer's language, for the lang attribute.
func (p *Printer) Lang() string { return p.lang }

// Has reports whether the catalogue knows a key.
func (p *Printer) Has(key string) bool { _, ok := p.texts[key]; return ok }

// Keys lists all keys in order.
func (p *Printer) Keys() []string {
	keys := make([]string, 0, len(p.texts))
	for k := range p.texts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Raw returns the text of key with its placeholders, for tests.
func (p *Printer) Raw(key string) string { return p.texts[key] }

// T returns the text of key with its placeholders filled from pairs of name and
// value. A key that is missing comes back in brackets, so that it is seen.
func (p *Printer) T(key string, pairs ...any) string {
	s, ok := p.texts[key]
	if !ok {
		return "[" + key + "]"
	}
	if len(pairs) == 0 {
		return s
	}
	args := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = fmt.Sprint(pairs[i+1])
	}
	return p.Fill(s, args)
}

// Args is T with the placeholders in a map, as trace steps carry them.
func (p *Printer) Args(key string, args map[string]string) string {
	s, ok := p.texts[key]
	if !ok {
		return "[" + key + "]"
	}
	return p.Fill(s, args)
}

// Fill replaces {name} in s by args in one pass, so that a value with braces in
// it is never read as a placeholder again. An Italian article before a number agrees
// with it: "il {day}" becomes "l'8 novembre".
func (p *Printer) Fill(s string, args map[string]string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			break
		}
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			break
		}
		text := s[:i]
		v, ok := args[s[i+1:i+j]]
		if ok && p.lang == "it" && beginsWithVowel(v) {
			text = elide(text)
		}
		b.WriteString(text)
		if ok {
			b.WriteString(v)
		} else {
			b.WriteString(s[i : i+j+1])
		}
		s = s[i+j+1:]
	}
	b.WriteString(s)
	return b.String()
}

// N returns the plural form of key for n: the text of key.one or key.other, with {n}
// filled. Of numbers below a million Italian and English have the same two forms; the
// third that Italian has for whole millions ("many", CLDR 42) is in no text.
func (p *Printer) N(key string, n int, pairs ...any) string {
	form := "other"
	if n == 1 || n == -1 {
		form = "one"
	}
	return p.T(key+"."+form, append([]any{"n", p.Int(n)}, pairs...)...)
}

// Int writes a whole number with the language's thousands separator.
func (p *Printer) Int(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	sep := "."
	if p.lang == "en" {
		sep = ","
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + sep + s[i:]
	}
	return sign + s
}

// Float writes x with one decimal.
func (p *Printer) Float(x float64) string {
	s := strconv.FormatFloat(x, 'f', 1, 64)
	if p.lang == "it" {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}

// Clock writes a duration like a stopwatch, "3:05" or "1:02:45".
func (p *Printer) Clock(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	s := int(d / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// Date writes a day, "22 novembre 2026".
func (p *Printer) Date(t time.Time) string {
	return fmt.Sprintf("%d %s %d", t.Day(), p.T("month."+strconv.Itoa(int(t.Month()))), t.Year())
}

// Day writes a day that is given as "2026-11-22" like Date; what is no day comes back as
// it is.
func (p *Printer) Day(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return p.Date(t)
}

// Time writes hours and minutes, "14:03".
func (p *Printer) Time(t time.Time) string { return t.Format("15:04") }

// Seconds writes hours, minutes and seconds, "14:03:27".
func (p *Printer) Seconds(t time.Time) string { return t.Format("15:04:05") }

// DateTime writes day and time, "22 novembre 2026, 14:03".
func (p *Printer) DateTime(t time.Time) string { return p.Date(t) + ", " + p.Time(t) }

// Short writes day and time for tables, "22/11/2026 14:03".
func (p *Printer) Short(t time.Time) string { return t.Format("02/01/2006 15:04") }

// Weekday writes a day of the week, "lunedì".
func (p *Printer) Weekday(d time.Weekday) string { return p.T("weekday." + strconv.Itoa(int(d))) }

// List joins words: "a, b e c".
func (p *Printer) List(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " " + p.T("list.and") + " " + words[last]
}
