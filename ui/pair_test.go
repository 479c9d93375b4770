package ui_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui"
)

// TestPairAPhoneAtTheBox: who has held the button gets the account of a phone that is not
// connected, by its extension.
func TestPairAPhoneAtTheBox(t *testing.T) {
	r := newRig(t, true)
	doc := r.office.Current().Doc
	free := doc.DeviceByID("device-2") // device-1 is registered
	ext := func(d *office.Device) string {
		return doc.ExtensionsOf(office.Target{Kind: office.TargetPerson, ID: string(d.Owner)})[0].Digits
	}
	ask := func(digits string) url.Values { return url.Values{"extension": {digits}} }
	passer := r.as("")

	passer.get("/pair").is(t, http.StatusOK).has(t, "Tieni premuto").lacks(t, "<form class=\"fields\"")
	passer.post("/pair", ask(ext(free))).is(t, http.StatusConflict).lacks(t, "sip:")
	passer.get("/login").lacks(t, "/pair")

	r.box.set(func(b *fakeBox) { b.pairing = time.Now().Add(10 * time.Minute) })
	passer.get("/login").has(t, "/pair")
	for _, digits := range []string{"", "999", ext(doc.DeviceByID("device-1")), "1", "../201"} {
		passer.post("/pair", ask(digits)).is(t, http.StatusUnprocessableEntity).lacks(t, "sip:")
	}
	away, err := http.NewRequest(http.MethodPost, r.http.URL+"/pair", strings.NewReader(ask(ext(free)).Encode()))
	if err != nil {
		t.Fatal(err)
	}
	away.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {r.http.URL}, "X-Forwarded-For": {"203.0.113.5"}}
	passer.send(away).is(t, http.StatusConflict).lacks(t, "sip:")
	page := passer.post("/pair", ask(" "+ext(free)+" ")).is(t, http.StatusOK).has(t, free.Username, "<svg")
	page.lacks(t, r.sample.Secrets[free.Secret])
	if now := r.office.Current().Doc.DeviceByID(free.ID); now.Secret == free.Secret {
		t.Error("the phone keeps the password that somebody else may have")
	}
	for range 30 {
		passer.post("/pair", ask("998"))
	}
	passer.post("/pair", ask("998")).is(t, http.StatusTooManyRequests)
	for _, name := range r.sample.Names {
		page.lacks(t, name)
	}
	if err := r.log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := 0
	if err := r.log.Replay(t.Context(), 1, func(e journal.Event) error {
		if a, ok := e.Payload.(journal.AccessEvent); ok && a.What == "secret.shown" && a.Source == "pair" && a.About == free.Owner && a.Who == "" {
			found++
		}
		return nil
	}); err != nil || found != 1 {
		t.Errorf("the journal tells %d times that the account was shown: %v", found, err)
	}
}

// TestOnePressPairsSoManyPhones: the next press pairs more.
func TestOnePressPairsSoManyPhones(t *testing.T) {
	r := newRig(t, true, func(d *ui.Deps) { d.Phones = func() []ui.PhoneStatus { return nil } })
	doc := r.office.Current().Doc.Clone()
	first := doc.Devices[0]
	for i := range 25 {
		d := first
		d.ID, d.Username, d.Owner = office.ID("device-p"+strconv.Itoa(i)), "p"+strconv.Itoa(i), ""
		doc.Devices = append(doc.Devices, d)
		doc.Extensions = append(doc.Extensions, office.Extension{ID: office.ID("extension-p" + strconv.Itoa(i)), Digits: strconv.Itoa(300 + i),
			Target: office.Target{Kind: office.TargetDevice, ID: string(d.ID)}})
	}
	if _, err := r.office.Apply(t.Context(), office.Edit{Base: r.office.Current().Version, Doc: doc, By: tech}); err != nil {
		t.Fatal(err)
	}
	r.box.set(func(b *fakeBox) { b.pairing = time.Now().Add(10 * time.Minute) })
	for i := range 25 {
		want := http.StatusOK
		if i >= 20 {
			want = http.StatusTooManyRequests
		}
		r.as("").post("/pair", url.Values{"extension": {strconv.Itoa(300 + i)}}).is(t, want)
	}
	r.as("").post("/pair", url.Values{"extension": {"300"}}).is(t, http.StatusOK) // it has counted already
	r.box.set(func(b *fakeBox) { b.pairing = time.Now().Add(10 * time.Minute) })
	r.as("").post("/pair", url.Values{"extension": {"324"}}).is(t, http.StatusOK)
}
