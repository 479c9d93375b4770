//go:build imagetest

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"centralino/board/boot"
	"centralino/internal/testbed"
)

// TestImageRescue starts a box whose data partition is garbage, with a stick in its USB
// socket: the rescue page, a factory reset with the code on the card, and a claim with the
// next code.
func TestImageRescue(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	image := builtImage(t, "qemu-virt", t.TempDir())
	enlarge(t, image, 1<<30)
	spoilData(t, image)
	stick := filepath.Join(t.TempDir(), "stick")
	b := &build{}
	if err := b.fat(stick, selectorSize, "STICK", map[string][]byte{"v2.bundle": []byte("not a bundle")}); err != nil {
		t.Fatal(err)
	}
	m := start(t, image, "-device", "qemu-xhci", "-drive", "if=none,id=stick,format=raw,file="+stick, "-device", "usb-storage,id=plugged,drive=stick")
	t.Logf("rescue page served %.1f s after power-on", m.served(t, limit).Seconds())
	ctx, done := context.WithTimeout(t.Context(), limit)
	defer done()
	if _, body := m.get(t, ""); !strings.Contains(body, `action="/reset"`) {
		t.Fatalf("not the rescue page:\n%s\n%s", body, m.Output())
	}
	if err := m.WaitOutput(ctx, "a stick was plugged in"); err != nil {
		t.Errorf("%v:\n%s", err, m.Output())
	}
	m.ask(t, "device_del", map[string]string{"id": "plugged"}, nil)
	if err := m.WaitOutput(ctx, "a stick was unplugged"); err != nil {
		t.Errorf("%v:\n%s", err, m.Output())
	}
	code := cardNote(t, image)
	if status, _ := m.post(t, "reset", url.Values{"sure": {"true"}}); status != http.StatusForbidden {
		t.Errorf("reset without a code: %d", status)
	}
	if status, body := m.post(t, "reset", url.Values{"sure": {"true"}, "code": {code}}); status != http.StatusOK {
		t.Fatalf("reset with the code %q: %d\n%s", code, status, body)
	}
	if err := m.WaitOutput(ctx, "good-bye"); err != nil {
		t.Fatalf("%v:\n%s", err, m.Output())
	}
	m.untilClaim(ctx, t)
	next := cardNote(t, image)
	if next == code || next == "" {
		t.Errorf("the code %q is followed by %q: it works once", code, next)
	}
	claim := url.Values{"code": {next}, "name": {"Tina Tecnica"}, "user": {"tina"}, "site": {"Ufficio"}, "password": {"cavallo giusto pila"}, "again": {"cavallo giusto pila"}}
	if status, body := m.post(t, "claim", claim); status >= 400 || cardNote(t, image) != "" {
		t.Errorf("claim: %d, on the card %q\n%s", status, cardNote(t, image), body)
	}
	m.powerButton(t)
	checkData(t, image)
}

// spoilData overwrites the beginning of the data partition, where all that a small file
// system knows of itself stands.
func spoilData(t *testing.T, image string) {
	t.Helper()
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := int64(masterBootRecord().Partition(boot.PartData).Start) * boot.Sector
	if _, err := f.WriteAt(bytes.Repeat([]byte{0x5a}, boot.TemplateSize), at); err != nil {
		t.Fatal(err)
	}
}

// cardNote reads the code on the card as another computer would; empty: there is none.
func cardNote(t *testing.T, image string) string {
	t.Helper()
	p := masterBootRecord().Partition(boot.PartSelector)
	note := readFAT(t, image, int64(p.Start)*boot.Sector, int64(p.Len)*boot.Sector, "CODICE.TXT")
	return string(regexp.MustCompile(`[A-Z2-7]{5}-[A-Z2-7]{5}`).Find(note))
}

// untilClaim waits for the page of a box that belongs to nobody.
func (m *machine) untilClaim(ctx context.Context, t *testing.T) {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if status, body := m.get(t, "claim"); status == http.StatusOK && strings.Contains(body, `action="/claim"`) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no page to claim the box:\n%s", m.Output())
		case <-tick.C:
		}
	}
}

func (m *machine) get(t *testing.T, path string) (int, string) {
	t.Helper()
	return m.fetch(t, func(c *http.Client) (*http.Response, error) { return c.Get(m.page + path) })
}

func (m *machine) post(t *testing.T, path string, form url.Values) (int, string) {
	t.Helper()
	return m.fetch(t, func(c *http.Client) (*http.Response, error) { return c.PostForm(m.page+path, form) })
}

// fetch returns status and body; 0 if nobody answers.
func (m *machine) fetch(t *testing.T, do func(*http.Client) (*http.Response, error)) (int, string) {
	t.Helper()
	client := &http.Client{Transport: m.reach, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := do(client)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}
