package ui

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"centralino/internal/audio/prompts"
	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/view"
)

// boxPrefix stands before the name of a sentence of the box where an id is wanted;
// no id of the office has a dot.
const boxPrefix = "box."

// maxPromptName is how much of a sentence becomes the name of the message that
// replaces it.
const maxPromptName = 60

// promptModel is one thing that the box says. The id of a sentence of the box is
// empty.
func (v *visit) promptModel(p *office.Prompt) api.Prompt {
	m := api.Prompt{ID: cmp.Or(string(p.ID), boxPrefix+p.Builtin), Name: cmp.Or(p.Name, v.sentenceName(p.Builtin)), Builtin: p.Builtin}
	for _, lang := range prompts.Languages() {
		x := api.Voice{Lang: lang, Word: v.p.T("lang." + lang), Text: cmp.Or(p.Texts[lang], prompts.Text(lang, p.Builtin)), Recording: p.Audio[lang]}
		builtin := prompts.Text(lang, p.Builtin) != ""
		switch {
		case x.Recording != "" && v.s.d.Voices.Has(x.Recording):
			x.Source = api.State{ID: "uploaded", Tone: api.ToneOK}
		case x.Recording != "":
			x.Source = api.State{ID: "missing", Tone: api.ToneBad}
		case builtin:
			x.Source = api.State{ID: "builtin", Tone: api.ToneOff}
		default:
			x.Source = api.State{ID: "silent", Tone: api.ToneWarn}
		}
		x.Source.Word = v.p.T("prompts.source." + x.Source.ID)
		if x.Source.ID == "uploaded" || builtin {
			x.URL = "/prompts/" + m.ID + "/" + lang
		}
		m.Voices = append(m.Voices, x)
	}
	return m
}

// sentenceName is the beginning of a sentence, without its full stop.
func (v *visit) sentenceName(builtin string) string {
	text := prompts.Text(v.p.Lang(), builtin)
	if first, _, more := strings.Cut(text, ". "); more {
		text = first
	}
	text = strings.TrimRight(text, ".,:")
	if utf8.RuneCountInString(text) <= maxPromptName {
		return text
	}
	short := string([]rune(text)[:maxPromptName-1])
	if i := strings.LastIndexByte(short, ' '); i > 0 {
		short = short[:i]
	}
	return strings.TrimRight(short, ",;:") + "…"
}

// messageFor is the first message of the office that stands for a sentence of the
// box; nil if none does.
func messageFor(doc *office.Document, builtin string) *office.Prompt {
	for i := range doc.Prompts {
		if doc.Prompts[i].Builtin == builtin {
			return &doc.Prompts[i]
		}
	}
	return nil
}

// promptsModel is everything that the box says.
func (v *visit) promptsModel() api.Prompts {
	doc := v.doc()
	m := api.Prompts{Messages: []api.Prompt{}, Sentences: []api.Prompt{}}
	for i := range doc.Prompts {
		m.Messages = append(m.Messages, v.promptModel(&doc.Prompts[i]))
	}
	for _, name := range prompts.Names() {
		if messageFor(doc, name) == nil {
			m.Sentences = append(m.Sentences, v.promptModel(&office.Prompt{Builtin: name}))
		}
	}
	return m
}

func (v *visit) apiPrompts() error { return v.json(v.promptsModel()) }

func (v *visit) prompts() error {
	return v.show(http.StatusOK, "prompts", view.Prompts{Frame: v.frame(v.p.T("prompts.title")), Prompts: v.promptsModel(), New: "/edit/prompt/new"})
}

// thePrompt is the one that the address names: a message of the office, or a
// sentence of the box, which has no id.
func (v *visit) thePrompt() (*office.Prompt, error) {
	id := v.r.PathValue("id")
	if name, ok := strings.CutPrefix(id, boxPrefix); ok {
		if !slices.Contains(prompts.Names(), name) {
			return nil, errNotFound
		}
		if p := messageFor(v.doc(), name); p != nil {
			return p, nil
		}
		return &office.Prompt{Builtin: name}, nil
	}
	if p := v.doc().PromptByID(office.ID(id)); p != nil {
		return p, nil
	}
	return nil, errNotFound
}

// promptLang is the language of the address.
func (v *visit) promptLang() (string, error) {
	lang := v.r.PathValue("lang")
	if !slices.Contains(prompts.Languages(), lang) {
		return "", errNotFound
	}
	return lang, nil
}

// theVoice is the prompt of the address in the language of the address.
func (v *visit) theVoice() (*office.Prompt, string, error) {
	p, err := v.thePrompt()
	if err != nil {
		return nil, "", err
	}
	lang, err := v.promptLang()
	return p, lang, err
}

func (v *visit) prompt() error {
	p, err := v.thePrompt()
	if err != nil {
		return err
	}
	if p.ID != "" && v.r.PathValue("id") != string(p.ID) { // a sentence that became a message
		return v.goTo("/prompts/" + string(p.ID))
	}
	return v.showPrompt(http.StatusOK, p, "", "")
}

// showPrompt draws the page of one prompt, with what is wrong about an upload.
func (v *visit) showPrompt(status int, p *office.Prompt, lang, problem string) error {
	page := view.Prompt{Prompt: v.promptModel(p), Edit: p.ID != "", Lang: lang, Problem: problem}
	if page.Edit {
		page.Uses = v.uses(v.doc(), office.KindPrompt, string(p.ID))
	}
	page.Frame = v.frame(page.Prompt.Name)
	return v.show(status, "prompt", page)
}

// promptSound answers with the sound as a call would hear it.
func (v *visit) promptSound() error {
	p, lang, err := v.theVoice()
	if err != nil {
		return err
	}
	wav, ok := v.s.d.Voices.WAV(p.Audio[lang], p.Builtin, lang)
	if !ok {
		return errNotFound
	}
	v.w.Header().Set("Content-Type", "audio/wav")
	http.ServeContent(v.w, v.r, "", time.Time{}, bytes.NewReader(wav))
	return nil
}

// promptUpload keeps the file and proposes a version of the office that says it.
func (v *visit) promptUpload() error {
	p, lang, err := v.theVoice()
	if err != nil {
		return err
	}
	wav, err := v.uploaded("file")
	if err != nil {
		return err
	}
	hash, err := v.s.d.Voices.Put(wav)
	if errors.Is(err, ErrVoice) {
		v.s.refused.add("upload", "voice")
		return v.showPrompt(http.StatusUnprocessableEntity, p, lang, v.p.T("problem.prompt.audio"))
	}
	if err != nil {
		return err
	}
	return v.promptDraft(p, lang, hash)
}

// uploaded reads the file of a form; empty if none was chosen.
func (v *visit) uploaded(name string) ([]byte, error) {
	mr, err := v.r.MultipartReader()
	if err != nil {
		return nil, errBad
	}
	for {
		part, err := mr.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, orTooBig(err)
		case part.FormName() != name:
			continue
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return nil, orTooBig(err)
		}
		return b, nil
	}
}

// promptRemove proposes to go back to the box's own voice.
func (v *visit) promptRemove() error {
	p, lang, err := v.theVoice()
	if err != nil {
		return err
	}
	if p.Audio[lang] == "" {
		return v.goTo("/prompts/" + v.r.PathValue("id"))
	}
	return v.promptDraft(p, lang, "")
}

// promptDraft proposes that a prompt says a recording in a language, or none. A
// sentence of the box becomes a message of the office by it.
func (v *visit) promptDraft(p *office.Prompt, lang, hash string) error {
	id, name := string(p.ID), cmp.Or(p.Name, v.sentenceName(p.Builtin))
	fresh := id == ""
	n := &draft{title: v.p.T("draft.edit", "what", name), note: "edit", back: "/prompts/" + v.r.PathValue("id")}
	if fresh {
		made, err := v.s.d.Office.NewID(v.ctx(), office.KindPrompt)
		if err != nil {
			return err
		}
		id = string(made)
	}
	n.edit = func(doc *office.Document) []office.Problem {
		at := id
		if fresh {
			if have := messageFor(doc, p.Builtin); have != nil { // somebody else was faster
				at = string(have.ID)
			} else if bad := slices.Concat(doc.Add(office.KindPrompt, at), doc.Set(office.KindPrompt, at, "name", name),
				doc.Set(office.KindPrompt, at, "builtin", p.Builtin)); len(bad) > 0 {
				return bad
			}
		}
		return setRecording(doc, at, lang, hash)
	}
	problems, err := v.propose(n)
	if err != nil || len(problems) == 0 {
		return err
	}
	names := v.namer(v.doc(), nil)
	var texts []string
	for _, x := range problems {
		texts = append(texts, v.problemText(names, x))
	}
	return v.showPrompt(http.StatusUnprocessableEntity, p, lang, strings.Join(texts, " "))
}

// setRecording changes the recording of one language; empty takes it away.
func setRecording(doc *office.Document, id, lang, hash string) []office.Problem {
	text, _ := doc.Get(office.KindPrompt, id, "audio")
	have := pairsOf(text)
	have[lang] = hash
	var lines []string
	for _, l := range slices.Sorted(maps.Keys(have)) {
		if have[l] != "" {
			lines = append(lines, l+"="+have[l])
		}
	}
	return doc.Set(office.KindPrompt, id, "audio", strings.Join(lines, "\n"))
}
