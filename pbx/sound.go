package pbx

import (
	"centralino/internal/audio"
	"centralino/internal/audio/prompts"
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
	alaw := a.recording(x.What)
	if alaw == nil {
		a.log.Warn("nothing to play", "prompt", x.What.Prompt, "builtin", x.What.Builtin)
		a.step(call.Played{ID: x.ID})
		return
	}
	l.sound().Play(media.NewPrompt(alaw), x.ID)
}

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
	return media.NewMusic(prompts.Music())
}

// recording finds what is to be said: an uploaded recording, the prompt's own
// sentence of the box, or the sentence named.
func (a *actor) recording(s call.Sound) []byte {
	if s.Audio != "" {
		if b := a.p.o.Audio(s.Audio); b != nil {
			return b
		}
	}
	name := s.Builtin
	if s.Prompt != "" && name == "" {
		if p := a.doc.PromptByID(s.Prompt); p != nil {
			name = p.Builtin
		}
	}
	if name == "" {
		return nil
	}
	if b, ok := prompts.Prompt(s.Lang, name); ok {
		return b
	}
	b, _ := prompts.Prompt("it", name)
	return b
}
