package ui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"centralino/ui"
)

func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	r := newRig(t, true)
	b, err := r.server.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.json", string(b))
	r.as(bruno).get("/api/v1/openapi.json").is(t, http.StatusOK).has(t, `"openapi": "3.1.0"`)
}

// TestAnswersAreAsDescribed checks every JSON answer against its schema.
func TestAnswersAreAsDescribed(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	raw, err := r.server.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for _, route := range r.server.Routes() {
		if route.Answer == nil || route.Method != http.MethodGet {
			continue
		}
		if route.Pattern == "/api/v1/events" { // a stream, which has its own tests
			if dig(doc, "paths", route.Pattern, "get", "responses", "200", "content", "text/event-stream", "schema") == nil {
				t.Errorf("%s is not described as a stream", route.Pattern)
			}
			continue
		}
		who := tech
		if route.Who&ui.Technician == 0 {
			who = dario
		}
		p := r.as(who).get(real(route.Pattern)).is(t, http.StatusOK)
		if got := p.head.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type %q", route.Pattern, got)
		}
		var answer any
		if err := json.Unmarshal([]byte(p.body), &answer); err != nil {
			t.Errorf("%s: %v", route.Pattern, err)
			continue
		}
		schema := dig(doc, "paths", route.Pattern, "get", "responses", "200", "content", "application/json", "schema")
		for _, problem := range conform(doc, schema, answer, route.Pattern) {
			t.Error(problem)
		}
	}
}

// TestEveryRouteOfTheAPIIsDescribed: what answers under /api/v1 says what it answers.
func TestEveryRouteOfTheAPIIsDescribed(t *testing.T) {
	r := newRig(t, true)
	for _, route := range r.server.Routes() {
		if strings.HasPrefix(route.Pattern, "/api/") && (route.Doc == "" || route.Answer == nil && route.Pattern != "/api/v1/openapi.json") {
			t.Errorf("%s %s has no description of its answer", route.Method, route.Pattern)
		}
		if strings.HasPrefix(route.Pattern, "/api/") && route.Method == http.MethodPost && route.Body == nil && route.Form == nil && route.Limit == 0 {
			t.Errorf("%s %s does not say what it takes", route.Method, route.Pattern)
		}
	}
}

func dig(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// conform says what of a value a schema does not allow.
func conform(doc, schema, value any, at string) []string {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{at + ": no schema"}
	}
	if ref, ok := s["$ref"].(string); ok {
		return conform(doc, dig(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...), value, at)
	}
	var out []string
	switch v := value.(type) {
	case nil:
		out = append(out, at+": null")
	case map[string]any:
		if s["type"] != "object" {
			return []string{fmt.Sprintf("%s: object, want %v", at, s["type"])}
		}
		props, _ := s["properties"].(map[string]any)
		for k, x := range v {
			sub := props[k]
			if sub == nil {
				sub = s["additionalProperties"]
			}
			if sub == nil {
				out = append(out, at+"."+k+" is not described")
				continue
			}
			out = append(out, conform(doc, sub, x, at+"."+k)...)
		}
		if req, ok := s["required"].([]any); ok {
			for _, k := range req {
				if _, there := v[k.(string)]; !there {
					out = append(out, fmt.Sprintf("%s.%v is missing", at, k))
				}
			}
		}
	case []any:
		if s["type"] != "array" {
			return []string{fmt.Sprintf("%s: array, want %v", at, s["type"])}
		}
		for i, x := range v {
			out = append(out, conform(doc, s["items"], x, fmt.Sprintf("%s[%d]", at, i))...)
		}
	default:
		kinds := map[string][]string{"string": {"string"}, "bool": {"boolean"}, "float64": {"number", "integer"}}[fmt.Sprintf("%T", v)]
		if !slices.Contains(kinds, fmt.Sprint(s["type"])) {
			out = append(out, fmt.Sprintf("%s: %T, want %v", at, v, s["type"]))
		}
	}
	return out
}
