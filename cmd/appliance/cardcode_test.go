package main

import (
	"strings"
	"testing"

	"centralino/board/update"
	"centralino/ui/auth"
)

func TestCodeOnTheCard(t *testing.T) {
	code := auth.NewCode()
	note := codeNote(code)
	if len(note) > update.NoteSize || codeIn([]byte(note+strings.Repeat("\n", update.NoteSize-len(note)))) != code {
		t.Errorf("a note of %d octets holds %q, not %q", len(note), codeIn([]byte(note)), code)
	}
	for _, c := range []struct{ name, note, want string }{
		{"after it was used", noteUsed, ""},
		{"as it comes with the image", strings.Repeat("\n", update.NoteSize), ""},
		{"saved by an editor", "bla\n\tABCDE-FGH23 \nbla", "ABCDE-FGH23"},
		{"a code in a sentence", "code ABCDE-FGH23", ""},
		{"half a code", "ABCDE-FGH2", ""},
	} {
		if got := codeIn([]byte(c.note)); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	var none cardCode
	if none.offer(code); none.code() != "" {
		t.Error("a code on no card")
	}
}
