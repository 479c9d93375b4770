package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Operation is one JSON route, for the description.
type Operation struct {
	Method, Path, Doc string
	Query             []string
	Cursor            string // query parameter with which a list goes on; empty: it is always whole
	Leads             bool   // the answer is the first part of another operation's list
	Roles             []string
	Scope             string   // what a token must be good for; empty: a login only
	Body              any      // a value of the type that it takes as JSON; nil for none
	Form              []string // fields of the form that it takes; nil for none
	Answer            any      // a value of the answer's type
	Stream            bool     // the answer are server-sent events, each with such a value as its data
}

// Describe writes the OpenAPI 3.1 document of the operations. Schemas are made
// from the structs, so the document can't say anything else than what is sent.
func Describe(ops []Operation) ([]byte, error) {
	d := describer{schemas: map[string]any{}}
	paths := map[string]any{}
	for _, op := range ops {
		answer := map[string]any{"description": "The answer.", "content": content(kindOf(op), d.schema(reflect.TypeOf(op.Answer)))}
		if op.Cursor != "" || op.Leads {
			answer["headers"] = map[string]any{"Link": map[string]any{"schema": map[string]any{"type": "string"},
				"description": `Where the list goes on, with rel="next" (RFC 8288). It is missing where the list ends.`}}
		}
		o := map[string]any{
			"summary":     op.Doc,
			"description": "Roles: " + strings.Join(op.Roles, ", ") + ".",
			"responses": map[string]any{
				"200":     answer,
				"default": map[string]any{"description": "A refusal.", "content": content(jsonKind, d.schema(reflect.TypeOf(Error{})))},
			},
		}
		if params := parameters(op); len(params) > 0 {
			o["parameters"] = params
		}
		if takes := d.takes(op); takes != nil {
			o["requestBody"] = map[string]any{"required": true, "content": takes}
		}
		if op.Scope != "" {
			o["security"] = []any{map[string]any{"session": []any{}}, map[string]any{"token": []any{op.Scope}}}
		}
		item, ok := paths[op.Path].(map[string]any)
		if !ok {
			item = map[string]any{}
			paths[op.Path] = item
		}
		item[strings.ToLower(op.Method)] = o
	}
	doc := map[string]any{
		"openapi":  "3.1.0",
		"info":     map[string]any{"title": "Centralino", "version": "1", "description": "What the pages show, as JSON. People appear as the privacy rules of the box allow for the one who asks."},
		"security": []any{map[string]any{"session": []any{}}},
		"paths":    paths,
		"components": map[string]any{
			"schemas": d.schemas,
			"securitySchemes": map[string]any{
				"session": map[string]any{"type": "apiKey", "in": "cookie", "name": "centralino"},
				"token":   map[string]any{"type": "http", "scheme": "bearer", "description": "A token that a person makes on the own page, good for the scope that is named here."},
			},
		},
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe api: %w", err)
	}
	return append(b, '\n'), nil
}

// takes is what an operation takes in its body, nil for nothing.
func (d describer) takes(op Operation) any {
	switch {
	case op.Body != nil:
		return content(jsonKind, d.schema(reflect.TypeOf(op.Body)))
	case op.Form != nil:
		fields := map[string]any{}
		for _, f := range op.Form {
			fields[f] = map[string]any{"type": "string"}
		}
		return content("application/x-www-form-urlencoded", map[string]any{"type": "object", "properties": fields})
	}
	return nil
}

const jsonKind = "application/json"

// kindOf is the media type of an answer.
func kindOf(op Operation) string {
	if op.Stream {
		return "text/event-stream"
	}
	return jsonKind
}

func content(kind string, schema any) any {
	return map[string]any{kind: map[string]any{"schema": schema}}
}

func parameters(op Operation) []any {
	var out []any
	for s := range strings.SplitSeq(op.Path, "/") {
		if strings.HasPrefix(s, "{") {
			out = append(out, map[string]any{"name": strings.Trim(s, "{}"), "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
		}
	}
	for _, q := range op.Query {
		out = append(out, map[string]any{"name": q, "in": "query", "schema": map[string]any{"type": "string"}})
	}
	if op.Stream {
		out = append(out, map[string]any{"name": "Last-Event-ID", "in": "header", "schema": map[string]any{"type": "string"},
			"description": "The id of the last event that was heard: takes up behind it where a stream broke off."})
	}
	if op.Cursor != "" {
		out = append(out, map[string]any{"name": op.Cursor, "in": "query", "schema": map[string]any{"type": "string"},
			"description": "Where the list goes on, as the answer before says by its header Link."})
	}
	return out
}

type describer struct{ schemas map[string]any }

var timeType = reflect.TypeFor[time.Time]()

// schema describes a type; structs go to the components and are referred to.
func (d describer) schema(t reflect.Type) any {
	if t == nil {
		return map[string]any{"type": "object"}
	}
	if t == timeType {
		return map[string]any{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.schema(t.Elem())
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice, reflect.Array:
		return map[string]any{"type": "array", "items": d.schema(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": d.schema(t.Elem())}
	case reflect.Struct:
		return d.object(t)
	}
	return map[string]any{"type": "string"}
}

func (d describer) object(t reflect.Type) any {
	name := t.Name()
	if p := t.PkgPath(); !strings.HasSuffix(p, "/api") { // two packages may use one name
		name = p[strings.LastIndexByte(p, '/')+1:] + "." + name
	}
	ref := map[string]any{"$ref": "#/components/schemas/" + name}
	if _, done := d.schemas[name]; done {
		return ref
	}
	props := map[string]any{}
	d.schemas[name] = nil // for types that contain themselves
	var required []string
	for i := range t.NumField() {
		f := t.Field(i)
		key, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "-" || !f.IsExported() {
			continue
		}
		if key == "" {
			key = f.Name
		}
		props[key] = d.schema(f.Type)
		if !strings.Contains(opts, "omit") {
			required = append(required, key)
		}
	}
	s := map[string]any{"type": "object", "properties": props}
	if len(required) > 0 {
		slices.Sort(required)
		s["required"] = required
	}
	d.schemas[name] = s
	return ref
}
