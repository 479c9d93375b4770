package ui_test

import (
	"html"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

type ioWriter = io.Writer

var (
	reMain     = regexp.MustCompile(`(?s)<form class="card fields narrow".*?</form>`)
	reInput    = regexp.MustCompile(`<input ([^>]*)>`)
	reSelect   = regexp.MustCompile(`(?s)<select ([^>]*)>(.*?)</select>`)
	reTextarea = regexp.MustCompile(`(?s)<textarea ([^>]*)>(.*?)</textarea>`)
	reOption   = regexp.MustCompile(`<option value="([^"]*)" selected>`)
	reAttr     = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
)

func attrs(s string) map[string]string {
	m := map[string]string{}
	for _, a := range reAttr.FindAllStringSubmatch(s, -1) {
		m[a[1]] = html.UnescapeString(a[2])
	}
	return m
}

// readForm reads the edit form of a page as a browser would send it unchanged.
func readForm(t *testing.T, body string) url.Values {
	t.Helper()
	form := reMain.FindString(body)
	if form == "" {
		t.Fatalf("no form in:\n%s", body)
	}
	out := url.Values{}
	for _, m := range reInput.FindAllStringSubmatch(form, -1) {
		a := attrs(m[1])
		box := a["type"] == "checkbox"
		if box && !strings.Contains(m[1], " checked") || strings.Contains(m[1], " disabled") {
			continue
		}
		out.Add(a["name"], a["value"])
	}
	for _, m := range reSelect.FindAllStringSubmatch(form, -1) {
		if strings.Contains(m[1], " disabled") {
			continue
		}
		chosen := ""
		if o := reOption.FindStringSubmatch(m[2]); o != nil {
			chosen = html.UnescapeString(o[1])
		}
		out.Add(attrs(m[1])["name"], chosen)
	}
	for _, m := range reTextarea.FindAllStringSubmatch(form, -1) {
		out.Add(attrs(m[1])["name"], html.UnescapeString(m[2]))
	}
	return out
}
