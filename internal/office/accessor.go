package office

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// accessor joins a field of the schema with its place in an object of type T.
type accessor[T any] struct {
	field Field
	get   func(*T) string
	// set writes a text that check has accepted; it returns what is still wrong.
	set func(*T, string) *fault
}

// fault is what is wrong with a text: a problem without its place.
type fault struct {
	code string
	args map[string]string
}

// table is one kind of object: where its objects are and which fields they have.
type table[T any] struct {
	kind   Kind
	list   func(*Document) *[]T // nil for a single object
	one    func(*Document) *T   // nil for a list
	id     func(*T) string      // of a list
	make   func(id string) T    // a new object before its defaults
	fields []accessor[T]
}

// kindTable is a table whatever its objects are.
type kindTable interface {
	kindOf() Kind
	single() bool
	schema() []Field
	ids(d *Document) []string
	has(d *Document, id string) bool
	get(d *Document, id, field string) (string, bool)
	set(d *Document, id, field, text string) []Problem
	add(d *Document, id string)
	remove(d *Document, id string)
	judge(v *validator, i int, id string)
	diff(a, b *Document) []Change
}

func tableOf(k Kind) kindTable {
	for _, t := range tables {
		if t.kindOf() == k {
			return t
		}
	}
	return nil
}

func (t *table[T]) kindOf() Kind { return t.kind }
func (t *table[T]) single() bool { return t.one != nil }

func (t *table[T]) schema() []Field {
	out := make([]Field, len(t.fields))
	for i, a := range t.fields {
		out[i] = a.field
		out[i].Kind = t.kind
	}
	return out
}

func (t *table[T]) ids(d *Document) []string {
	if t.single() {
		return []string{""}
	}
	list := *t.list(d)
	out := make([]string, len(list))
	for i := range list {
		out[i] = t.id(&list[i])
	}
	return out
}

func (t *table[T]) find(d *Document, id string) *T {
	if t.single() {
		if id != "" {
			return nil
		}
		return t.one(d)
	}
	return first(*t.list(d), func(o *T) bool { return t.id(o) == id })
}

func (t *table[T]) has(d *Document, id string) bool { return t.find(d, id) != nil }

func (t *table[T]) accessor(name string) *accessor[T] {
	return first(t.fields, func(a *accessor[T]) bool { return a.field.Name == name })
}

func (t *table[T]) get(d *Document, id, field string) (string, bool) {
	o, a := t.find(d, id), t.accessor(field)
	if o == nil || a == nil {
		return "", false
	}
	return a.get(o), true
}

func (t *table[T]) set(d *Document, id, field, text string) []Problem {
	o, a := t.find(d, id), t.accessor(field)
	if o == nil || a == nil {
		return []Problem{{Kind: t.kind, Object: id, Field: field, Code: ProblemUnknown}}
	}
	bad := check(a.field, text)
	if bad == nil {
		bad = a.set(o, text)
	}
	if bad != nil {
		return []Problem{{Kind: t.kind, Object: id, Field: field, Code: bad.code, Args: bad.args}}
	}
	return nil
}

func (t *table[T]) add(d *Document, id string) {
	o := t.make(id)
	for _, a := range t.fields {
		if a.field.Default != "" {
			a.set(&o, a.field.Default)
		}
	}
	*t.list(d) = append(*t.list(d), o)
}

func (t *table[T]) remove(d *Document, id string) {
	list := t.list(d)
	*list = slices.DeleteFunc(*list, func(o T) bool { return t.id(&o) == id })
}

// The constructors below take the field and a function that finds its place in an
// object; the place is nil where the object has no such part (the trunk's server
// of an analog line). An absent part reads as empty and takes only what is empty.

// word is a field kept as some kind of string.
func word[T any, S ~string](f Field, at func(*T) *S) accessor[T] {
	return parsed(f, at, func(v S) string { return string(v) }, func(text string) (S, *fault) { return S(text), nil })
}

// number is a whole number.
func number[T any](f Field, at func(*T) *int) accessor[T] {
	f.Type = TypeNumber
	return parsed(f, at, strconv.Itoa, func(text string) (int, *fault) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, &fault{code: ProblemNumber}
		}
		return n, nil
	})
}

// toggle is a switch.
func toggle[T any](f Field, at func(*T) *bool) accessor[T] {
	f.Type = TypeSwitch
	return parsed(f, at, strconv.FormatBool, func(text string) (bool, *fault) { return text == "true", nil })
}

// duration is a length of time in whole seconds.
func duration[T any](f Field, at func(*T) *time.Duration) accessor[T] {
	f.Unit = "unit.seconds"
	return span(f, time.Second, at)
}

// minutes is a length of time in whole minutes.
func minutes[T any](f Field, at func(*T) *time.Duration) accessor[T] {
	f.Unit = "unit.minutes"
	return span(f, time.Minute, at)
}

// days is a length of time in whole days of 24 hours.
func days[T any](f Field, at func(*T) *time.Duration) accessor[T] {
	f.Unit = "unit.days"
	return span(f, 24*time.Hour, at)
}

// span is a length of time in whole units.
func span[T any](f Field, unit time.Duration, at func(*T) *time.Duration) accessor[T] {
	f.Type = TypeDuration
	format := func(d time.Duration) string { return strconv.FormatFloat(float64(d)/float64(unit), 'f', -1, 64) }
	return parsed(f, at, format, func(text string) (time.Duration, *fault) {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || time.Duration(n) > math.MaxInt64/unit {
			return 0, &fault{code: ProblemNumber}
		}
		return time.Duration(n) * unit, nil
	})
}

// words is a list of ids, classes or subjects.
func words[T any, S ~string](f Field, at func(*T) *[]S) accessor[T] {
	return parsed(f, at, joinWords[S], func(text string) ([]S, *fault) { return splitWords[S](text), nil })
}

// parsed is a field with a text form of its own.
func parsed[T, V any](f Field, at func(*T) *V, format func(V) string, parse func(string) (V, *fault)) accessor[T] {
	return accessor[T]{f,
		func(o *T) string {
			if p := at(o); p != nil {
				return format(*p)
			}
			return ""
		},
		func(o *T, text string) *fault {
			p := at(o)
			if p == nil && text != "" {
				return &fault{code: ProblemUnused}
			}
			if p == nil {
				return nil
			}
			v, bad := parse(text)
			if bad == nil {
				*p = v
			}
			return bad
		}}
}

// entry is the value of one key of a map of the object.
func entry[T any, K ~string](f Field, at func(*T) *map[K]string, key K) accessor[T] {
	return accessor[T]{f,
		func(o *T) string { return (*at(o))[key] },
		func(o *T, text string) *fault {
			m := maps.Clone(*at(o))
			if m == nil {
				m = map[K]string{}
			}
			m[key] = text
			if text == "" {
				delete(m, key)
			}
			if len(m) == 0 {
				m = nil
			}
			*at(o) = m
			return nil
		}}
}
