package ui_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"centralino/internal/journal"
	"centralino/ui"
)

// hostile are 200 and more texts that a caller, a phone or a person could send: in
// every place of a page they must be text and nothing else.
func hostile() []string {
	heads := []string{"", "\"", "'", "\">", "'>", "</a>", "</td>", "</title>", "</textarea>", "</script>", "-->", "]]>", "\\\"", "`", "&quot;>", "%22%3E", "{{", "\x00", "\u202e", "​"}
	tails := []string{"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<svg/onload=alert(1)//", "<iframe srcdoc='<script>alert(1)</script>'>",
		" onmouseover=alert(1) x=", "javascript:alert(1)", "<a href=javascript:alert(1)>x</a>", "<base href=//evil.example>", "<meta http-equiv=refresh content=0;url=//evil.example>"}
	out := []string{"<ScRiPt>alert(1)</sCrIpT>", "{{.Me}}", "{name}", "${7*7}", "<!--", "<![CDATA[", "&#60;script&#62;"}
	for _, h := range heads {
		for _, t := range tails {
			out = append(out, h+t)
		}
	}
	return out
}

var reTags = regexp.MustCompile(`(?s)<[a-zA-Z/!][^>]*>`)

// shape is a page's tags without their values: what texts must never change.
func shape(body string) string {
	var b strings.Builder
	for _, tag := range reTags.FindAllString(body, -1) {
		b.WriteString(regexp.MustCompile(`="[^"]*"`).ReplaceAllString(tag, "") + "\n")
	}
	return b.String()
}

// TestHostileTextsAreInert puts each text wherever somebody else can put one and
// compares the page's tags with those of a harmless text.
func TestHostileTextsAreInert(t *testing.T) {
	list := hostile()
	if len(list) < 200 {
		t.Fatalf("only %d texts", len(list))
	}
	text := "Zoe"
	r := newRig(t, true, func(d *ui.Deps) {
		logs := d.Logs
		d.Logs = func(f ui.LogFilter) []ui.LogLine {
			out := logs(f)
			out[0].Text, out[0].Attrs = text, text
			return out
		}
	})
	busy(r)
	b := r.as(tech)
	pages := []string{"/", "/people", "/people/p-sample-bruno", "/phones/device-1", "/lines/line-3", "/system/log", "/edit/person/p-sample-bruno", "/delete/person/p-sample-bruno", "/calls/c-x"}
	// load draws the pages with a text in them; turn picks every fourth page, so
	// that each text is drawn on several pages and each page draws many texts.
	load := func(hostile string, turn int) map[string]string {
		text = hostile
		r.box.set(func(b *fakeBox) { b.phones[0].Agent, b.lines[2].Reason, b.lines[2].Port = hostile, hostile, hostile })
		out := map[string]string{}
		for i, p := range pages {
			if turn < 0 || i%4 == turn%4 {
				out[p] = b.get(p).body
			}
		}
		switch turn % 3 {
		case 0:
			form := url.Values{"name": {hostile}, "extension": {hostile}, "phonename": {hostile}, "role": {"operator"}, "phone": {"true"}}
			out["form"] = b.post("/people/new", form).body
		case 1:
			out["search"] = b.get("/search?q=" + url.QueryEscape(hostile)).body
		case 2:
			out["login"] = r.as("").post("/login", url.Values{"name": {hostile}, "next": {hostile}}).body
		}
		return out
	}
	// What the office itself names, and what a switch could let through into events.
	r.log.Append("c-x", journal.CallStarted{Direction: journal.Inbound, Line: "\"><script>alert(1)</script>", From: "n-<b>", Dialled: "<script>alert(2)</script>"})
	r.log.Append("c-x", journal.CallRouted{Action: "<script>", Trace: []journal.TraceStep{{Rule: "<script>alert(3)</script>", Object: "<script>", Args: map[string]string{"x": "<script>"}}, {Rule: "ivr.key", Object: "<img src=x onerror=1>", Args: map[string]string{"key": "<script>"}}}})
	r.log.Append("c-x", journal.CallLeg{Leg: "<b>", Kind: "<b>", State: "<b>", Line: "<script>", Device: "<script>", Cause: "<script>"})
	r.log.Append("c-x", journal.CallEnded{Cause: "<script>", By: "<script>", Quality: []journal.Quality{{Leg: "<script>"}}})
	if err := r.log.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	plain := load("Zoe", -1)
	if strings.Contains(plain["/calls/c-x"], "<script>") || strings.Contains(plain["/calls/c-x"], "<b>&") {
		t.Error("texts of events come through as tags")
	}
	want := map[string]string{}
	for p, body := range plain {
		want[p] = shape(body)
	}
	for i, h := range list {
		for p, body := range load(h, i) {
			if p == "form" || p == "search" || p == "login" {
				// These answer differently to different texts; the tags must be ours.
				if strings.Contains(body, h) && strings.ContainsAny(h, "<>\"") {
					t.Errorf("%s shows %q as it is", p, h)
				}
				continue
			}
			if got := shape(body); got != want[p] {
				t.Fatalf("text %d, %q, changes the tags of %s", i, h, p)
			}
		}
	}
}

func TestHostilePathsAndForms(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	for i, h := range hostile() {
		if i%7 != 0 {
			continue
		}
		for _, p := range []string{"/people/", "/lines/", "/calls/", "/draft/", "/edit/line/", "/edit/", "/delete/person/", "/versions/", "/invite/", "/assets/", "/system/log?call=", "/calls?line=", "/live?page=", "/search?q="} {
			target := p + url.PathEscape(h)
			if strings.Contains(p, "?") {
				target = p + url.QueryEscape(h)
			}
			if p == "/invite/" && i > 20 {
				continue // guesses are slowed down
			}
			a := b.get(target)
			if a.status >= http.StatusInternalServerError {
				t.Errorf("%s%q: status %d", p, h, a.status)
			}
			if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "onerror=alert(1)>") {
				t.Errorf("%s%q comes back as it is", p, h)
			}
		}
	}
	for _, kind := range []string{"schedule/schedule-1", "path/path-main", "menu/menu-1", "group/group-1", "outbound", "line/line-1", "person/p-sample-bruno"} {
		form := readForm(t, b.get("/edit/"+kind).body)
		for name := range form {
			bad := url.Values{}
			for k, v := range form {
				bad[k] = v
			}
			bad[name] = []string{"\"><script>alert(1)</script>\x00"}
			a := b.post("/edit/"+kind, bad)
			if a.status >= 500 {
				t.Errorf("%s %s: status %d", kind, name, a.status)
			}
			if strings.Contains(a.body, "<script>alert") {
				t.Errorf("%s %s comes back as it is", kind, name)
			}
		}
	}
}

func FuzzSafePath(f *testing.F) {
	for _, s := range []string{"/", "/people", "//evil", "/\\evil", "https://evil", "/a?b=c#d", "\t/x", "/\nx", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := ui.SafePath(s)
		u, err := url.Parse(p)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n") {
			t.Fatalf("%q became %q", s, p)
		}
	})
}
