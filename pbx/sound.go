package pbx

import (
	"sync"

	"centralino/internal/audio"
	"centralino/internal/audio/prompts"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/media"
)

// play lets a leg hear something once. What cannot be found counts as said, so
// that a missing recording never holds a caller.
func (a *actor) play(x call.Play) {
	l := a.leg(x.Leg)
	if l == nil || l.sound() == nil {
		a.step(call.Played{ID: x.ID})
		return
	}
	var row []media.Source
	for _, s := range append([]call.Sound{x.What}, x.Then...) {
		if alaw := a.recording(s); alaw != nil {
			row = append(row, media.NewPrompt(alaw))
		} else {
			a.log.Warn("nothing to play", "prompt", s.Prompt, "builtin", s.Builtin)
		}
	}
	if row == nil {
		a.step(call.Played{ID: x.ID})
		return
	}
	l.sound().Play(media.NewSequence(row...), x.ID)
}

// music is the music on hold, unpacked for the first who waits and then kept.
var music = sync.OnceValue(prompts.Music)

// loop is the endless sound of a tone or of music.
func (a *actor) loop(s call.Sound) media.Source {
	if s.Tone != "" {
		if t, ok := audio.CountryTone(a.doc.Site.Country, audio.ToneKind(s.Tone)); ok {
			return media.NewTone(t)
		}
	}
	if alaw := a.recording(s); alaw != nil {
		return media.NewMusic(alaw)
	}
	return media.NewMusic(music())
}

// recording finds what is to be said, as A-law; nil if there is nothing.
func (a *actor) recording(s call.Sound) []byte { return recording(a.doc, a.p.o.Audio, s) }

// recording finds what is to be said: the recording that was uploaded for a prompt,
// else the prompt's own sentence of the box. A sentence that is named without a
// prompt is said by the first prompt of the office that stands for it and has a
// recording in that language, so that each sentence can be replaced.
func recording(doc *office.Document, uploaded func(sha256 string) []byte, s call.Sound) []byte {
	if s.Audio != "" {
		if b := uploaded(s.Audio); b != nil {
			return b
		}
	}
	name := s.Builtin
	if s.Prompt != "" && name == "" {
		if p := doc.PromptByID(s.Prompt); p != nil {
			name = p.Builtin
		}
	}
	if name == "" {
		return nil
	}
	if s.Prompt == "" {
		if b := replacement(doc, uploaded, name, s.Lang); b != nil {
			return b
		}
	}
	if b, ok := prompts.Prompt(s.Lang, name); ok {
		return b
	}
	b, _ := prompts.Prompt("it", name)
	return b
}

// replacement is what was uploaded in place of a sentence of the box; nil if
// nothing was.
func replacement(doc *office.Document, uploaded func(sha256 string) []byte, name, lang string) []byte {
	for i := range doc.Prompts {
		if p := &doc.Prompts[i]; p.Builtin == name && p.Audio[lang] != "" {
			if b := uploaded(p.Audio[lang]); b != nil {
				return b
			}
		}
	}
	return nil
}
