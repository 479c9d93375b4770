package pbx_test

import (
	"bytes"
	"testing"

	"centralino/internal/audio/prompts"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/call"
)

func TestWhatACallHears(t *testing.T) {
	doc := &office.Document{Prompts: []office.Prompt{
		{ID: "prompt-lost", Builtin: "closed", Audio: map[string]string{"it": "gone"}},
		{ID: "prompt-plain", Builtin: "closed"},
		{ID: "prompt-own", Builtin: "closed", Audio: map[string]string{"it": "own"}},
		{ID: "prompt-box", Builtin: "lines-busy", Audio: map[string]string{"it": "busy-it"}},
		{ID: "prompt-silent"},
	}}
	uploads := map[string][]byte{"own": {1}, "busy-it": {2}}
	uploaded := func(name string) []byte { return uploads[name] }
	sentence := func(lang, name string) []byte {
		b, ok := prompts.Prompt(lang, name)
		if !ok {
			t.Fatalf("no sentence %s in %s", name, lang)
		}
		return b
	}
	for _, x := range []struct {
		name  string
		sound call.Sound
		want  []byte
	}{
		{"a prompt with a recording: the recording", call.Sound{Prompt: "prompt-own", Audio: "own", Lang: "it"}, uploads["own"]},
		{"a prompt without a recording: its sentence, not another prompt's recording", call.Sound{Prompt: "prompt-plain", Builtin: "closed", Lang: "it"}, sentence("it", "closed")},
		{"a recording that is gone: the prompt's sentence", call.Sound{Prompt: "prompt-lost", Audio: "gone", Lang: "it"}, sentence("it", "closed")},
		{"a sentence that was replaced: the recording", call.Sound{Builtin: "lines-busy", Lang: "it"}, uploads["busy-it"]},
		{"a sentence that was replaced in another language: the box's own", call.Sound{Builtin: "lines-busy", Lang: "en"}, sentence("en", "lines-busy")},
		{"a sentence whose first replacement is gone: the next one", call.Sound{Builtin: "closed", Lang: "it"}, uploads["own"]},
		{"a sentence that nobody replaced: the box's own", call.Sound{Builtin: "goodbye", Lang: "it"}, sentence("it", "goodbye")},
		{"a language that the box does not speak: Italian", call.Sound{Builtin: "goodbye", Lang: "de"}, sentence("it", "goodbye")},
		{"a prompt without anything: nothing", call.Sound{Prompt: "prompt-silent", Lang: "it"}, nil},
		{"no such prompt: nothing", call.Sound{Prompt: "prompt-none", Lang: "it"}, nil},
		{"no such sentence: nothing", call.Sound{Builtin: "none", Lang: "it"}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := pbx.Recording(doc, uploaded, x.sound); !bytes.Equal(got, x.want) {
				t.Errorf("%d octets, want %d", len(got), len(x.want))
			}
		})
	}
}
