//go:build imagetest

package main

import (
	"bytes"
	"context"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// What a person does with hands alone: a stick, a backup on the rescue page, the button
// while the box is switched on.

// stickNamed finds the bundle on a stick on the page of updates.
var stickNamed = regexp.MustCompile(`name="name" value="([^"]+\.bundle)"`)

// TestImageStickUpdate updates a box from a stick, which is pulled out as soon as the bundle
// is taken.
func TestImageStickUpdate(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	u := newUpdated(t, builtImage(t, "qemu-virt", t.TempDir()))
	stick := filepath.Join(t.TempDir(), "stick")
	want(t, "stick", (&build{}).fat(stick, selectorSize, "STICK", map[string][]byte{"v2.bundle": u.bundle("good", 1, "")}))
	u.m = start(t, u.image, "-no-reboot", "-device", "i6300esb", "-action", "watchdog=reset",
		"-device", "qemu-xhci", "-drive", "if=none,id=stick,format=raw,file="+stick, "-device", "usb-storage,id=plugged,drive=stick")
	u.claim()
	want(t, "the stick is seen", u.m.WaitOutput(within(t, limit), "a stick was plugged in"))
	var name []string
	await(t, limit, "the page names the bundle on the stick", func() bool {
		_, body := u.fetch(t, func() (*http.Response, error) { return u.web.Get(u.m.page + "system/update") })
		name = stickNamed.FindStringSubmatch(body)
		return name != nil
	})
	began := time.Now()
	status, body := u.fetch(t, func() (*http.Response, error) {
		return u.web.PostForm(u.m.page+"system/update/stick", url.Values{"name": {name[1]}})
	})
	if status != http.StatusOK || strings.Contains(body, `role="alert"`) {
		t.Fatalf("%s is answered with %d:\n%.3000s", name[1], status, body)
	}
	u.m.ask(t, "device_del", map[string]string{"id": "plugged"}, nil)
	u.proves(t, began)
	u.m.powerButton(t)
	checkData(t, u.image)
}

// fetch returns status and body of a page of the box.
func (u *updated) fetch(t *testing.T, do func() (*http.Response, error)) (int, string) {
	t.Helper()
	r, err := do()
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		return 0, err.Error()
	}
	return r.StatusCode, body.String()
}

// TestImageRescueRestore spoils the data of a box that somebody has backed up: the backup
// comes back by the rescue page, with everybody's passwords.
func TestImageRescueRestore(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	u := newUpdated(t, builtImage(t, "qemu-virt", t.TempDir()))
	u.start()
	u.claim()
	status, backup := u.fetch(t, func() (*http.Response, error) {
		return u.web.PostForm(u.m.page+"system/backup", url.Values{"passphrase": {backupPhrase}})
	})
	if status != http.StatusOK {
		t.Fatalf("backup: %d\n%.2000s", status, backup)
	}
	u.m.powerButton(t)
	spoilData(t, u.image)
	u.start()
	u.served(t)
	code := cardNote(t, u.image)
	restore := func(code, passphrase string) (int, string) {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		for _, field := range [][2]string{{"code", code}, {"passphrase", passphrase}, {"sure", "true"}} {
			_ = w.WriteField(field[0], field[1])
		}
		file, err := w.CreateFormFile("file", "centralino.backup")
		if err == nil {
			_, err = file.Write([]byte(backup))
		}
		if err == nil {
			err = w.Close()
		}
		want(t, "form", err)
		return u.m.fetch(t, func(c *http.Client) (*http.Response, error) {
			return c.Post(u.m.page+"restore", w.FormDataContentType(), &form)
		})
	}
	if status, _ := restore(code, "another phrase"); status != http.StatusUnprocessableEntity {
		t.Errorf("another passphrase: %d", status)
	}
	if status, body := restore(code, backupPhrase); status != http.StatusOK {
		t.Fatalf("restore with the code %q: %d\n%.3000s\n%s", code, status, body, u.m.Output())
	}
	u.again(t)
	t.Logf("page served %.1f s after power-on", u.served(t).Seconds())
	at := ""
	status, body := u.fetch(t, func() (*http.Response, error) {
		r, err := u.web.PostForm(u.m.page+"login", url.Values{"name": {"tina"}, "password": {techPassword}})
		if err == nil {
			at = r.Request.URL.Path
		}
		return r, err
	})
	if status != http.StatusOK || at != "/" {
		t.Errorf("the technician of the backup logs in: %d at %s\n%.2000s", status, at, body)
	}
	if left := cardNote(t, u.image); left != "" {
		t.Errorf("the card still holds the code %q", left)
	}
	u.m.powerButton(t)
	checkData(t, u.image)
}

// TestImageButtonReset holds the button while the box is switched on: left alone after that
// the box keeps its data, pressed again it is nobody's.
func TestImageButtonReset(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	image := builtImage(t, "qemu-virt", t.TempDir())
	enlarge(t, image, 1<<30)
	m := start(t, image)
	m.served(t, limit)
	m.untilClaim(within(t, limit), t)
	claim := url.Values{"code": {cardNote(t, image)}, "name": {"Tina Tecnica"}, "user": {techUser}, "site": {"Ufficio"}, "password": {techPassword}, "again": {techPassword}}
	if status, body := m.post(t, "claim", claim); status >= 400 {
		t.Fatalf("claim: %d\n%.2000s", status, body)
	}
	m.powerButton(t)

	m, _ = heldFromTheStart(t, image)
	want(t, "DHCP is asked for", m.WaitOutput(within(t, limit), "asked for with the button: this start asks for its address by DHCP"))
	m.served(t, limit)
	if status, _ := m.get(t, "claim"); status == http.StatusOK {
		t.Error("the box belongs to nobody although the button was not pressed again")
	}
	m.powerButton(t)

	m, p := heldFromTheStart(t, image)
	p.set(t, buttonPin, true)
	want(t, "the reset is asked for", m.WaitOutput(within(t, limit), "factory reset, asked for with the button"))
	p.set(t, buttonPin, false)
	want(t, "the reset is done", m.WaitOutput(within(t, limit), "the data partition is empty"))
	m.served(t, limit)
	m.untilClaim(within(t, limit), t)
	await(t, limit, "a new code stands on the card", func() bool { return cardNote(t, image) != "" })
	m.powerButton(t)
	checkData(t, image)
}

// heldFromTheStart switches a box on with its button held, until all lamps are lit; it
// returns when they have begun to blink after that.
func heldFromTheStart(t *testing.T, image string) (*machine, *pins) {
	t.Helper()
	dir := t.TempDir()
	qtest, notes := filepath.Join(dir, "qtest"), filepath.Join(dir, "pins")
	m := start(t, image, append(pinNotes(notes), "-qtest", "unix:"+qtest+",server=on,wait=off", "-qtest-log", "none")...)
	await(t, limit, "QEMU's socket", func() bool {
		var d net.Dialer
		c, err := d.DialContext(context.Background(), "unix", m.qmp)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	p := openPins(t, m, qtest, notes)
	began := time.Now()
	p.set(t, buttonPin, true)
	last := func() stretch {
		all := p.stretches(t, allLamps, began, time.Now())
		return all[len(all)-1]
	}
	held := await(t, 2*time.Minute, "all lamps are lit", func() bool { s := last(); return s.lit == allLamps && s.length() > time.Second })
	p.set(t, buttonPin, false)
	t.Logf("all lamps were lit %.1f s after the button was held", held.Seconds())
	let := time.Now()
	await(t, time.Minute, "all lamps blink", func() bool { return len(p.stretches(t, allLamps, let, time.Now())) > 2 })
	return m, p
}
