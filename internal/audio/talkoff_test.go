package audio_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/testbed"
)

var talkTime = flag.Duration("talk", 5*time.Minute, "how much speech the detectors of keys and tones must not take for one")

// vocabulary is what the synthetic speakers speak of, by voice of espeak-ng.
var vocabulary = map[string]string{
	"it": `buongiorno signora dottore ufficio pratica ordine fattura bolletta martedì venerdì domani pomeriggio mattina
		quando quanto perché vorrei posso potrei parlare chiamare richiamare consegna magazzino corriere indirizzo via piazza Garibaldi
		zero uno due tre quattro cinque sei sette otto nove dieci cento mille euro grazie prego arrivederci sì no certo allora senta
		guasto linea telefono numero appuntamento disdetta contratto rimborso assistenza tecnico mamma figlio casa`,
	"en": `hello good morning afternoon please thank you order invoice parcel delivery address street number zero one two three four five
		six seven eight nine ten hundred account problem line phone engineer appointment tomorrow Friday when where why could would should
		moment hold speak manager refund contract cancel yes no maybe certainly listen really because already yesterday`,
	"de": `guten Tag Auftrag Rechnung Lieferung Straße Nummer null eins zwei drei vier fünf sechs sieben acht neun zehn Termin morgen
		Freitag bitte danke Werkstatt Techniker Vertrag kündigen sofort vielleicht natürlich warum wann wieder hören`,
	"fr": `bonjour madame monsieur commande facture livraison adresse rue numéro zéro un deux trois quatre cinq six sept huit neuf dix
		rendez-vous demain vendredi merci technicien contrat résilier bientôt peut-être pourquoi quand oui non`,
}

// Speech in many voices is not taken for keys or for a busy tone. The speech is
// made by espeak-ng from words in random order; -talk says how much of it.
func TestTalkOff(t *testing.T) {
	testbed.Need(t, "espeak-ng")
	t.Parallel()
	rng := rand.New(rand.NewPCG(253, 24))
	languages := []string{"it", "it", "en", "de", "fr"}
	variants := []string{"", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+croak", "+whisper"}
	keys, tones := audio.NewDTMFDetector(), audio.NewProgressDetector()
	var spoken time.Duration
	var digits []byte
	var progress []string
	for spoken < *talkTime {
		language := languages[rng.IntN(len(languages))]
		words := strings.Fields(vocabulary[language])
		var text strings.Builder
		for range 60 {
			text.WriteString(words[rng.IntN(len(words))] + []string{" ", " ", " ", ", ", ". "}[rng.IntN(5)])
		}
		voice := testbed.Voice{Name: language + variants[rng.IntN(len(variants))], Pitch: rng.IntN(100), Speed: 110 + rng.IntN(130), Text: text.String()}
		said := testbed.Say(t, voice)
		gain := 0.2 + 2*rng.Float64() // from -34 to -13 dBFS, the loud ones clipped at times
		for i, x := range said {
			said[i] = int16(max(-32768, min(32767, float64(x)*gain)))
		}
		spoken += time.Duration(len(said)) * time.Second / 8000
		for len(said) > 0 {
			n := min(160, len(said))
			if d := keys.Feed(said[:n]); len(d) > 0 {
				digits = append(digits, d...)
			}
			for _, e := range tones.Feed(said[:n]) {
				if e.Tone == audio.BusyTone || e.Tone == audio.CongestionTone {
					progress = append(progress, fmt.Sprint(e.Tone))
				}
			}
			said = said[n:]
		}
	}
	testbed.Figure(t, "speech heard by the key and tone detectors", spoken.Round(time.Second), "")
	testbed.Figure(t, "keys heard in it that nobody pressed", len(digits), "keys")
	testbed.Figure(t, "busy tones heard in it", len(progress), "tones")
	if perHour := float64(len(digits)) / max(spoken.Hours(), 1); perHour > 1 {
		t.Errorf("%d keys in %v of speech: %q", len(digits), spoken, digits)
	}
	if len(progress) > 0 { // each would end a call
		t.Errorf("tones in %v of speech: %v", spoken, progress)
	}
}
