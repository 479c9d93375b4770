package view_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"centralino/board/led"
	"centralino/internal/office"
	"centralino/ui/i18n"
	"centralino/ui/view"
)

// structs are the view structs of the pages, by template.
var structs = map[string]any{
	"reports": view.Reports{}, "contacts": view.Contacts{}, "recall": view.Recall{}, "plan": view.Plan{},
	"home": view.Home{}, "login": view.Login{}, "claim": view.Claim{}, "pair": view.PairPhone{}, "setpassword": view.SetPassword{}, "error": view.Error{}, "people": view.People{},
	"newperson": view.NewPerson{}, "person": view.Person{}, "phone": view.Phone{}, "lines": view.Lines{}, "line": view.Line{}, "office": view.Office{}, "edit": view.Edit{},
	"draft": view.Draft{}, "delete": view.Delete{}, "calls": view.Calls{}, "call": view.Call{}, "versions": view.Versions{}, "version": view.Version{},
	"customers": view.Customers{}, "customer": view.Customer{}, "customeredit": view.CustomerEdit{}, "dossier": view.Dossier{}, "erase": view.Erase{}, "erasename": view.Erase{}, "importfile": view.ImportFile{}, "import": view.Import{},
	"callbacks": view.CallBacks{}, "scripts": view.Scripts{}, "script": view.Script{}, "scripttry": view.ScriptStep{}, "aftercall": view.AfterCall{}, "surveys": view.Surveys{}, "webhooks": view.Webhooks{},
	"system": view.System{}, "search": view.Search{}, "me": view.MyPage{}, "prompts": view.Prompts{}, "prompt": view.Prompt{}, "privacy": view.Privacy{}, "desk": view.Desk{}, "board": view.Board{}, "looks": view.Looks{}, "update": view.Update{}, "tokens": view.Tokens{}, "rescue": view.Rescue{},
}

// full fills every field of a value with something, lists with two entries. kind
// is what text fields say that choose a branch of a template.
func full(v reflect.Value, kind string, depth int) {
	if depth > 6 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(kind)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(3)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		full(v.Elem(), kind, depth+1)
	case reflect.Slice:
		s := reflect.MakeSlice(v.Type(), 2, 2)
		for i := range 2 {
			full(s.Index(i), kind, depth+1)
		}
		v.Set(s)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 14, 3, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			full(v.Field(i), kind, depth+1)
		}
	}
}

func views(t *testing.T) (*view.Views, *i18n.Catalogue) {
	t.Helper()
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return view.New(texts, func(n string) string { return "/assets/" + n }, func() *time.Location { return time.UTC }), texts
}

// TestEveryPageDrawsEmptyAndFull draws each page with nothing and with everything,
// in both languages and with every word that templates branch on.
func TestEveryPageDrawsEmptyAndFull(t *testing.T) {
	vs, texts := views(t)
	if len(view.Pages()) != len(structs) {
		t.Fatalf("%d pages, %d structs", len(view.Pages()), len(structs))
	}
	branches := []string{"", "x", "switch", "choices", "members", "hours", "rows", "long", "number", "secret", "phone", "about", "backup", "log", "licences", "in", "out", "ok", "bad", "warn", "add", "del", "mod", "paused", "loggedOut", "SOLID", "CODE"}
	for _, lang := range i18n.Languages {
		for _, page := range view.Pages() {
			empty, ok := structs[page]
			if !ok {
				t.Errorf("page %s has no struct here", page)
				continue
			}
			if _, err := vs.Page(texts.Printer(lang), page, empty); err != nil {
				t.Errorf("%s, empty: %v", lang, err)
			}
			for _, word := range branches {
				v := reflect.New(reflect.TypeOf(empty)).Elem()
				full(v, word, 0)
				me := v.FieldByName("Frame").FieldByName("Me")
				me.Set(reflect.ValueOf(&view.Me{Name: "Anna", Initials: "A", Role: office.RoleTechnician, RoleWord: "x"}))
				b, err := vs.Page(texts.Printer(lang), page, v.Interface())
				if err != nil {
					t.Errorf("%s, full of %q: %v", lang, word, err)
					continue
				}
				s := string(b)
				for _, bad := range []string{"ZgotmplZ", "<no value>", "%!"} {
					if strings.Contains(s, bad) {
						t.Errorf("%s %s full of %q has %q", lang, page, word, bad)
					}
				}
				if n, m := strings.Count(s, "<div"), strings.Count(s, "</div>"); n != m {
					t.Errorf("%s full of %q: %d <div> and %d </div>", page, word, n, m)
				}
				for _, inline := range []string{" style=", "<style", "<script>", " onclick"} {
					if strings.Contains(s, inline) {
						t.Errorf("%s has %q, which the content security policy stops", page, inline)
					}
				}
			}
		}
	}
}

func TestFormsAreLabelled(t *testing.T) {
	vs, texts := views(t)
	f := view.Field{Name: "trunk.server", ID: "f-trunk-server", Label: "Server", Help: "Help", Type: "text", Problem: "Wrong", Value: `"><b>`}
	b, err := vs.Page(texts.Printer("en"), "edit", view.Edit{Fields: []view.Field{f}, Problems: []view.FieldProblem{{Field: "trunk.server", Label: "Server", Text: "Wrong"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<label for="f-trunk-server">Server`, `aria-describedby="f-trunk-server-help"`, `aria-invalid="true"`, `href="#f-trunk-server"`, `role="alert"`, `value="&#34;&gt;&lt;b&gt;"`, "One thing needs correcting"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("form lacks %s", want)
		}
	}
}

// TestLampStylesAreTheLampsPatterns reads the animation back and compares it with
// board/led every 50 ms.
func TestLampStylesAreTheLampsPatterns(t *testing.T) {
	css := view.LampStyles()
	for _, p := range []led.Pattern{{Kind: led.Wink}, {Kind: led.Pulse}, {Kind: led.Blink}, {Kind: led.Double}, {Kind: led.Fast}, {Kind: led.Code, N: 3}, {Kind: led.Code, N: 9}} {
		frames := view.Keyframes(t, css, p)
		for at := time.Duration(0); at < p.Period(); at += 50 * time.Millisecond {
			want, _ := p.At(at)
			got := false
			for _, f := range frames {
				if f.At <= at+time.Millisecond {
					got = f.Lit
				}
			}
			if got != want {
				t.Errorf("%s at %s: drawn %v, lit %v", p, at, got, want)
			}
		}
	}
	if !strings.Contains(css, ".led-solid i { opacity: 1; }") || strings.Contains(css, ".led-off i") {
		t.Error("SOLID and OFF are not drawn as they are")
	}
}
