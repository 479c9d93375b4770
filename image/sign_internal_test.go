package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/board/update"
	"centralino/internal/testbed"
)

// signing is an image in the making, with a key and a program that knows it.
func signing(t *testing.T) *build {
	t.Helper()
	text, err := update.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := update.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tg, _ := targetByName("qemu-virt")
	b := &build{options: options{target: tg, out: dir, key: filepath.Join(dir, "key"), program: filepath.Join(dir, "program"),
		version: "v2", release: 2, made: time.Unix(1795000000, 0)}}
	for name, body := range map[string][]byte{b.key: text, b.program: []byte("code " + update.PublicText(key) + " code")} {
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestBundleOfTheImageIsTakenByItsProgram(t *testing.T) {
	b := signing(t)
	if err := b.readKey(); err != nil {
		t.Fatal(err)
	}
	slot := filepath.Join(b.out, "slot.img")
	if err := os.WriteFile(slot, bytes.Repeat([]byte("slot"), 1<<18), 0o600); err != nil {
		t.Fatal(err)
	}
	var files [][]byte
	for range 2 {
		if err := b.writeBundle(slot); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(b.name(bundleEnding))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("two bundles of the same slot differ")
	}
	keys, err := update.ParseKeys(update.PublicText(b.signer))
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := update.Open(bytes.NewReader(files[0]), keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := update.Admit(bundle.Manifest(), update.Box{Board: "qemu-virt", Release: 1, SlotSize: slotSize}); err != nil {
		t.Error(err)
	}
}

func TestProgramThatWouldNotTakeItsUpdatesIsRefused(t *testing.T) {
	b := signing(t)
	if err := os.WriteFile(b.program, []byte("a program with other keys"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.readKey(); err == nil || !strings.Contains(err.Error(), "main.updateKeys") {
		t.Errorf("it is taken: %v", err)
	}
}

// TestSignatureOfTheSums checks it as the README tells people to.
func TestSignatureOfTheSums(t *testing.T) {
	testbed.Need(t, "openssl")
	b := signing(t)
	if err := b.readKey(); err != nil {
		t.Fatal(err)
	}
	sums := []byte("00  centralino-qemu-virt.img\n")
	if err := b.signSums(sums); err != nil {
		t.Fatal(err)
	}
	check := func() int {
		if err := os.WriteFile(b.name("sha256"), sums, 0o600); err != nil {
			t.Fatal(err)
		}
		p := testbed.Start(t, nil, testbed.Command{Path: "openssl", Args: []string{"pkeyutl", "-verify", "-pubin", "-inkey", b.name(publicEnding),
			"-rawin", "-in", b.name("sha256"), "-sigfile", b.name(signatureEnding)}})
		return p.ExitCode()
	}
	if code := check(); code != 0 {
		t.Errorf("openssl says %d of the genuine sums", code)
	}
	sums[0] = '1'
	if check() == 0 {
		t.Error("openssl takes other sums")
	}
}
