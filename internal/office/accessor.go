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

// rows is a table whatever its objects are. It holds no more than what needs their
// type: everything else is written once, for kindTable.
type rows interface {
	kindOf() Kind
	single() bool
	count(d *Document) int
	idAt(d *Document, i int) string // empty of a single object
	at(d *Document, i int) any      // a pointer into d
	copyOf(object any) any
	fieldCount() int
	field(i int) *Field
	read(object any, field int) string
	write(object any, field int, text string) *fault
	add(d *Document, id string)
	remove(d *Document, id string)
}

// kindTable is what can be done with the objects of one kind.
type kindTable struct{ rows }

func (t *table[T]) kindOf() Kind { return t.kind }
func (t *table[T]) single() bool { return t.one != nil }

func (t *table[T]) count(d *Document) int {
	if t.single() {
		return 1
	}
	return len(*t.list(d))
}

func (t *table[T]) idAt(d *Document, i int) string {
	if t.single() {
		return ""
	}
	return t.id(&(*t.list(d))[i])
}

func (t *table[T]) at(d *Document, i int) any {
	if t.single() {
		return t.one(d)
	}
	return &(*t.list(d))[i]
}

func (t *table[T]) copyOf(object any) any {
	o := *object.(*T)
	return &o
}

func (t *table[T]) fieldCount() int                     { return len(t.fields) }
func (t *table[T]) field(i int) *Field                  { return &t.fields[i].field }
func (t *table[T]) read(object any, i int) string       { return t.fields[i].get(object.(*T)) }
func (t *table[T]) write(o any, i int, s string) *fault { return t.fields[i].set(o.(*T), s) }

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

func tableOf(k Kind) (kindTable, bool) {
	for _, t := range tables {
		if t.kindOf() == k {
			return t, true
		}
	}
	return kindTable{}, false
}

func (t kindTable) schema() []Field {
	out := make([]Field, t.fieldCount())
	for i := range out {
		out[i] = *t.field(i)
		out[i].Kind = t.kindOf()
	}
	return out
}

func (t kindTable) ids(d *Document) []string {
	out := make([]string, t.count(d))
	for i := range out {
		out[i] = t.idAt(d, i)
	}
	return out
}

// find returns the first object with an id, nil if there is none.
func (t kindTable) find(d *Document, id string) any {
	for i := range t.count(d) {
		if t.idAt(d, i) == id {
			return t.at(d, i)
		}
	}
	return nil
}

func (t kindTable) has(d *Document, id string) bool { return t.find(d, id) != nil }

// fieldNamed returns the place of a field, -1 if there is none.
func (t kindTable) fieldNamed(name string) int {
	for i := range t.fieldCount() {
		if t.field(i).Name == name {
			return i
		}
	}
	return -1
}

func (t kindTable) get(d *Document, id, field string) (string, bool) {
	o, i := t.find(d, id), t.fieldNamed(field)
	if o == nil || i < 0 {
		return "", false
	}
	return t.read(o, i), true
}

func (t kindTable) set(d *Document, id, field, text string) []Problem {
	o, i := t.find(d, id), t.fieldNamed(field)
	if o == nil || i < 0 {
		return []Problem{{Kind: t.kindOf(), Object: id, Field: field, Code: ProblemUnknown}}
	}
	bad := check(*t.field(i), text)
	if bad == nil {
		bad = t.write(o, i, text)
	}
	if bad != nil {
		return []Problem{{Kind: t.kindOf(), Object: id, Field: field, Code: bad.code, Args: bad.args}}
	}
	return nil
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
