package ui_test

import (
	"strings"
	"testing"
)

func TestEveryPageOpens(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	for _, path := range []string{"/", "/people", "/people/new", "/people/p-sample-anna", "/phones/device-1", "/lines", "/lines/line-1", "/lines/line-3", "/office", "/office/privacy",
		"/edit/site", "/edit/outbound", "/edit/codes", "/edit/person/p-sample-anna", "/edit/device/device-1", "/edit/line/line-1", "/edit/line/new", "/edit/line/new?kind=trunk", "/edit/device/new?owner=p-sample-anna",
		"/edit/group/group-1", "/edit/group/group-2", "/edit/group/new", "/edit/schedule/schedule-1", "/edit/schedule/new", "/edit/menu/menu-1", "/edit/path/path-main", "/edit/path/new",
		"/edit/prompt/prompt-menu", "/edit/number/number-1", "/edit/extension/extension-1", "/edit/profile/profile-1", "/edit/mail", "/edit/skill/skill-1", "/edit/skill/new", "/edit/reason/reason-1", "/edit/reason/new",
		"/edit/outcome/outcome-2", "/edit/outcome/new", "/edit/script/new", "/edit/survey/new", "/edit/webhook/new", "/edit/report/new", "/delete/skill/skill-1", "/delete/person/p-sample-anna", "/delete/line/line-1", "/delete/path/path-main",
		"/prompts", "/prompts/prompt-menu", "/prompts/box.lines-busy", "/calls", "/versions", "/versions/1", "/system", "/system/backup", "/system/log", "/system/licences", "/search?q=orari", "/me"} {
		for _, lang := range []string{"it", "en"} {
			b.lang = lang
			p := b.get(path)
			if p.status != 200 {
				t.Errorf("%s %s: %d", lang, path, p.status)
			}
			if i := strings.Index(p.body, "["); i >= 0 {
				t.Errorf("%s %s: %q", lang, path, p.body[i:min(len(p.body), i+60)])
			}
		}
	}
}
