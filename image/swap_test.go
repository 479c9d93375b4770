//go:build imagetest

package main

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
	"time"

	"centralino/internal/testbed"
)

const backupPhrase = "una frase per la copia"

// backup downloads the whole box as one file.
func (g *guest) backup() []byte {
	g.t.Helper()
	_, body := g.post("/system/backup", url.Values{"passphrase": {backupPhrase}})
	return []byte(body)
}

// restore gives a backup to the box and starts its program anew.
func (g *guest) restore(backup []byte) {
	g.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("passphrase", backupPhrase)
	file, err := w.CreateFormFile("file", "centralino.backup")
	if err == nil {
		_, err = file.Write(backup)
	}
	if err == nil {
		err = w.Close()
	}
	want(g.t, "form", err)
	r, err := g.web.Post(strings.TrimSuffix(g.page, "/")+"/system/restore", w.FormDataContentType(), &form)
	if at, body := g.read("/system/restore", r, err); at != "/system/backup" {
		g.t.Fatalf("restore leads to %s:\n%.2000s", at, body)
	}
	starts := strings.Count(g.Output(), "is running.")
	g.post("/system/restart", nil)
	g.until(limit, "the program starts anew", func() bool { return strings.Count(g.Output(), "is running.") > starts })
	g.browse()
}

// TestSwap puts a fresh box in the place of a dead one: the backup is restored, and
// telephones that nobody touches come back and ring.
func TestSwap(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "baresip", "ip")
	cards := [2]string{builtImage(t, "qemu-virt", t.TempDir()), builtImage(t, "qemu-virt", t.TempDir())}
	cable := testbed.NewTap(t)
	old := startGuest(t, cable, cards[0], 1)
	old.claim()
	var phones []*testbed.Phone
	for i, name := range []string{"Anna Rossi", "Bruno Bianchi", "Carla Verdi"} {
		extension := fmt.Sprint(201 + i)
		secret, _ := old.person(name, extension)
		phones = append(phones, old.phone(testbed.PhoneOptions{Addr: cable.Addr([]byte{2, 11, 12}[i]), User: extension, Password: secret, Manual: true, Expires: 60}))
	}
	backup := old.backup()
	before := make([]int, len(phones))
	for i, p := range phones {
		before[i] = len(p.Events())
	}
	old.Kill()
	for i, p := range phones {
		await(t, 3*time.Minute, "the telephones notice", func() bool { return said(p, before[i], "REGISTER_FAIL") })
		before[i] = len(p.Events())
	}
	t.Logf("the telephones know that the box is dead; the backup has %d octets", len(backup))

	swapped := time.Now()
	fresh := startGuest(t, cable, cards[1], 2)
	fresh.claim()
	fresh.restore(backup)
	restored := time.Since(swapped)
	for i, p := range phones {
		fresh.until(limit, "a telephone registers by itself", func() bool { return said(p, before[i], "REGISTER_OK") })
		t.Logf("telephone %d is back %.0f s after the new box was switched on", 201+i, time.Since(swapped).Seconds())
	}
	testbed.Figure(t, "QEMU: dead box swapped, backup restored", restored.Seconds(), "s")
	registered := time.Since(swapped)
	testbed.Figure(t, "QEMU: dead box swapped, all telephones registered (goal 300)", registered.Seconds(), "s")
	if registered > 5*time.Minute {
		t.Error("the swap takes more than five minutes")
	}
	want(t, "dial", phones[0].Dial(within(t, 10*time.Second), "202"))
	if _, err := phones[1].Wait(within(t, time.Minute), "CALL_INCOMING"); err != nil {
		t.Errorf("202 does not ring: %v\n%s", err, fresh.Output())
	}
	if at, _ := fresh.post("/login", url.Values{"name": {techUser}, "password": {techPassword}}); at != "/" {
		t.Errorf("the technician's log-in ends at %s", at)
	}
}

// said reports an event of a phone after the first n.
func said(p *testbed.Phone, n int, kind string) bool {
	for _, e := range p.Events()[n:] {
		if e.Type == kind {
			return true
		}
	}
	return false
}
