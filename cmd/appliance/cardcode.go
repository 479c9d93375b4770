package main

import (
	"log/slog"
	"regexp"

	"centralino/board/update"
)

// noteName is the file on the first partition of the memory card that holds the one-time
// code of a box that belongs to nobody, or cannot use its data: whoever holds the card
// may have the box. It is there whether a button is fitted or not, which the box cannot
// feel.
const noteName = "CODICE.TXT"

// noteOffer and noteUsed are what it says; a note has 512 octets.
const (
	noteOffer = "Codice per il centralino, vale una volta sola. Scrivilo nella pagina\r\n" +
		"che il centralino mostra nel browser, dopo aver rimesso la scheda.\r\n" +
		"\r\n" +
		"Code for the box, works once. Put the card back and type it into the\r\n" +
		"page that the box shows in a browser.\r\n" +
		"\r\n" +
		"    "
	noteUsed = "Nessun codice: il centralino e' gia' stato preso in carico.\r\n" +
		"No code: the box belongs to somebody.\r\n"
)

// noteCode finds a code in a note: alone on its line.
var noteCode = regexp.MustCompile(`(?m)^[ \t]*([A-Z2-7]{5}-[A-Z2-7]{5})[ \t\r]*$`)

// codeNote is what a note says of a code.
func codeNote(code string) string { return noteOffer + code + "\r\n" }

// codeIn reads the code of a note; empty if there is none.
func codeIn(note []byte) string {
	if m := noteCode.FindSubmatch(note); m != nil {
		return string(m[1])
	}
	return ""
}

// cardCode is the one-time code on the memory card. The zero cardCode has no card.
type cardCode struct {
	disk *update.Disk
	log  *slog.Logger
}

// code is the one that stands on the card, so that what a person has read there is still
// true after the next start; empty: none does.
func (c cardCode) code() string {
	if c.disk == nil {
		return ""
	}
	note, err := c.disk.ReadNote(noteName)
	if err != nil {
		c.log.Warn("the code on the card cannot be read", "err", err)
		return ""
	}
	return codeIn(note)
}

// offer writes a code onto the card, used takes it away.
func (c cardCode) offer(code string) { c.write(codeNote(code)) }
func (c cardCode) used()             { c.write(noteUsed) }

func (c cardCode) write(text string) {
	if c.disk == nil {
		return
	}
	if err := c.disk.WriteNote(noteName, text); err != nil {
		c.log.Warn("the code on the card cannot be written", "err", err)
	}
}
