package ui_test

import (
	"bytes"
	"encoding/json"
	"math"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"centralino/internal/audio"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

// tone is half a second of sound as a WAV file.
func tone(rate int, hertz float64) []byte {
	pcm := make([]int16, rate/2)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate)))
	}
	return audio.AppendWAV(nil, audio.WAV{Rate: rate, Format: audio.WAVPCM, Samples: pcm})
}

// upload sends a file as the form does.
func (b *browser) upload(path, field string, file []byte) page {
	b.r.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile(field, `..\voce.wav`)
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		b.r.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, b.r.http.URL+path, &body)
	if err != nil {
		b.r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Origin", b.r.http.URL)
	return b.send(req)
}

// hears is the sound that the page plays for a prompt.
func (b *browser) hears(path string) audio.WAV {
	b.r.t.Helper()
	p := b.get(path).is(b.r.t, http.StatusOK)
	if got := p.head.Get("Content-Type"); got != "audio/wav" {
		b.r.t.Fatalf("%s: Content-Type %q", path, got)
	}
	w, err := audio.ParseWAV([]byte(p.body))
	if err != nil {
		b.r.t.Fatalf("%s: %v", path, err)
	}
	return w
}

func TestReplaceAMessageAndUndo(t *testing.T) {
	for who, id := range map[string]journal.SubjectID{"technician": tech, "manager": dario} {
		t.Run(who, func(t *testing.T) {
			r := newRig(t, true)
			b := r.as(id)
			b.get("/office").has(t, `href="/prompts"`, `href="/prompts/prompt-closed"`)
			b.get("/prompts").has(t, `href="/prompts/prompt-closed"`, "voce del centralino").lacks(t, ">tua registrazione<", "box.closed")
			b.get("/prompts/prompt-closed").has(t, "I nostri uffici sono chiusi", `src="/prompts/prompt-closed/it"`, "Our office is closed").lacks(t, "/remove")
			own := b.hears("/prompts/prompt-closed/it")

			draft := b.upload("/prompts/prompt-closed/it", "file", tone(8000, 440)).has(t, "Ufficio chiuso", "Italiano: registrazione ")
			if r.office.Current().Doc.PromptByID("prompt-closed").Audio["it"] != "" {
				t.Fatal("changed before anybody said yes")
			}
			applied := b.apply(draft).has(t, ">tua registrazione<", "/prompts/prompt-closed/it/remove", "Applicato", "/undo")
			if applied.url.Path != "/prompts/prompt-closed" {
				t.Errorf("led to %s", applied.url)
			}
			first := r.office.Current()
			hash := first.Doc.PromptByID("prompt-closed").Audio["it"]
			if len(hash) != 64 || len(b.hears("/prompts/prompt-closed/it").Samples) != 4000 {
				t.Fatalf("hash %q", hash)
			}
			if w := b.hears("/prompts/prompt-closed/en"); len(w.Samples) == 4000 {
				t.Error("the other language was replaced too")
			}

			// Another voice in its place; undo brings the first one back.
			b.apply(b.upload("/prompts/prompt-closed/it", "file", tone(16000, 880)))
			if w := b.hears("/prompts/prompt-closed/it"); w.Rate != 16000 || len(w.Samples) != 8000 {
				t.Errorf("the second voice is not heard: %d Hz, %d samples", w.Rate, len(w.Samples))
			}
			b.post("/versions/"+strconv.Itoa(first.Version)+"/undo", url.Values{"now": {"1"}}).is(t, http.StatusOK)
			if got := r.office.Current().Doc.PromptByID("prompt-closed").Audio["it"]; got != hash {
				t.Errorf("after undo: %q, want %q", got, hash)
			}
			if w := b.hears("/prompts/prompt-closed/it"); len(w.Samples) != 4000 {
				t.Error("after undo the first voice is not heard")
			}

			// And back to the voice of the box.
			b.apply(b.post("/prompts/prompt-closed/it/remove", nil)).lacks(t, ">tua registrazione<")
			if w := b.hears("/prompts/prompt-closed/it"); len(w.Samples) != len(own.Samples) {
				t.Error("the voice of the box is not back")
			}
			b.post("/prompts/prompt-closed/it/remove", nil).is(t, http.StatusOK).lacks(t, "/draft/")
		})
	}
}

func TestReplaceASentenceOfTheBox(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	b.get("/prompts").has(t, `href="/prompts/box.lines-busy"`, "Tutte le linee sono occupate")
	b.hears("/prompts/box.lines-busy/en")
	slow := b.upload("/prompts/box.lines-busy/it", "file", tone(8000, 440)).has(t, "Messaggio", "lines-busy")
	done := b.apply(b.upload("/prompts/box.lines-busy/en", "file", tone(8000, 660)))
	id := strings.TrimPrefix(done.url.Path, "/prompts/")
	p := r.office.Current().Doc.PromptByID(office.ID(id))
	if p == nil || p.Builtin != "lines-busy" || p.Name != "Tutte le linee sono occupate" || p.Audio["en"] == "" {
		t.Fatalf("message %+v", p)
	}
	// The first draft finds the message that the second one made.
	b.get(slow.url.Path).is(t, http.StatusOK)
	b.post(slow.url.Path, nil)
	n := 0
	for _, p := range r.office.Current().Doc.Prompts {
		if p.Builtin == "lines-busy" {
			n++
			if p.Audio["it"] == "" || p.Audio["en"] == "" {
				t.Errorf("languages %v", p.Audio)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d messages stand for one sentence", n)
	}
	// The old address leads to the message now.
	b.get("/prompts/box.lines-busy").is(t, http.StatusOK).has(t, "/prompts/"+id+"/it/remove")
	b.get("/prompts").lacks(t, "box.lines-busy")
}

func TestUploadsThatAreRefused(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	before := r.office.Current().Version
	stereo := tone(8000, 440)
	stereo[22] = 2
	at := "/prompts/prompt-closed/it"
	for name, file := range map[string][]byte{"garbage": []byte("RIFFnothing at all"), "no file": nil, "a text": []byte("ciao"), "stereo": stereo} {
		b.upload(at, "file", file).is(t, http.StatusUnprocessableEntity).has(t, "Questo file non si può usare", `id="summary"`)
		b.lang = "en"
		b.upload(at, "file", file).is(t, http.StatusUnprocessableEntity).has(t, "This file cannot be used")
		b.lang = "it"
		if r.office.Current().Version != before {
			t.Fatal(name)
		}
	}
	b.upload(at, "other", tone(8000, 440)).is(t, http.StatusUnprocessableEntity)
	b.upload(at, "file", make([]byte, 11<<20)).is(t, http.StatusRequestEntityTooLarge).has(t, "Troppo grande")
	b.post(at, url.Values{"file": {"x"}}).is(t, http.StatusBadRequest)
	for _, path := range []string{"/prompts/prompt-closed/de", "/prompts/none/it", "/prompts/box.none/it", "/prompts/box./it"} {
		b.upload(path, "file", tone(8000, 440)).is(t, http.StatusNotFound)
		b.get(path).is(t, http.StatusNotFound)
		b.post(path+"/remove", nil).is(t, http.StatusNotFound)
	}
	for who, want := range map[journal.SubjectID]int{anna: http.StatusForbidden, bruno: http.StatusForbidden, "": http.StatusUnauthorized} {
		r.as(who).upload(at, "file", tone(8000, 440)).is(t, want)
	}
	if len(r.box.voices) != 0 || r.office.Current().Version != before {
		t.Errorf("%d recordings kept, version %d", len(r.box.voices), r.office.Current().Version)
	}
}

// TestAMessageWithoutVoice: what has only a text says so, and the last recording of
// a message that is nothing else can't be taken away.
func TestAMessageWithoutVoice(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	made := b.apply(b.post("/edit/prompt/new", url.Values{"name": {"Ferie"}, "texts:it": {"Siamo in ferie"}})).has(t, "Siamo in ferie", "silenzio")
	path := made.url.Path
	b.get(path+"/it").is(t, http.StatusNotFound)
	b.apply(b.upload(path+"/it", "file", tone(8000, 440))).has(t, "Togli la registrazione")
	b.apply(b.post("/edit/prompt/"+strings.TrimPrefix(path, "/prompts/"), url.Values{"name": {"Ferie"}, "texts:it": {""}}))
	if w := b.hears(path + "/it"); len(w.Samples) != 4000 {
		t.Error("an edit of the text lost the recording")
	}
	b.post(path+"/it/remove", nil).is(t, http.StatusUnprocessableEntity).has(t, "non ha né frase, né testo, né registrazione")

	// A recording whose file is gone.
	r.box.set(func(b *fakeBox) { b.voices = nil })
	b.get(path).has(t, "registrazione mancante")
	b.get(path+"/it").is(t, http.StatusNotFound)
}

func TestPromptsAsJSON(t *testing.T) {
	r := newRig(t, true)
	b := r.as(dario)
	b.apply(b.upload("/prompts/prompt-menu/it", "file", tone(8000, 440)))
	var got api.Prompts
	if err := json.Unmarshal([]byte(b.get("/api/v1/prompts").is(t, http.StatusOK).body), &got); err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Messages {
		if p.ID == "prompt-menu" {
			if len(p.Voices) != 2 || p.Voices[0].Source.ID != "uploaded" || p.Voices[1].Source.ID != "builtin" || p.Voices[0].Text == "" {
				t.Errorf("%+v", p)
			}
		}
	}
	if len(got.Messages) != 6 || len(got.Sentences) < 30 {
		t.Errorf("%d messages, %d sentences", len(got.Messages), len(got.Sentences))
	}
}

// TestTheBrowserMayPlayPrompts: the content security policy lets the sounds of the
// page through.
func TestTheBrowserMayPlayPrompts(t *testing.T) {
	r := newRig(t, true)
	ctx := chromium(t)
	r.enter(ctx, tech)
	if err := chromedp.Do(ctx, chromedp.Navigate(r.http.URL+"/prompts/prompt-menu"), chromedp.WaitReady(chromedp.CSS("audio"))); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Run(ctx, chromedp.Evaluate[int](`for (const a of document.querySelectorAll("audio")) {
		a.onloadedmetadata = () => a.dataset.heard = a.duration > 1 ? "sound" : "nothing";
		a.onerror = () => a.dataset.heard = "error " + a.error.code;
		a.preload = "auto"; a.load();
	} 0`))
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS("#voice-it audio[data-heard]")), chromedp.WaitReady(chromedp.CSS("#voice-en audio[data-heard]"))); err != nil {
		t.Fatal(err)
	}
	if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("audio")].map(a => a.dataset.heard).join()`)); err != nil || got != "sound,sound" {
		t.Errorf("heard %q (%v)", got, err)
	}
}
