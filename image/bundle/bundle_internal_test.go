package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"centralino/board/update"
)

// TestKeyThenBundle is what a maker of an own image does.
func TestKeyThenBundle(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	var public bytes.Buffer
	if err := run([]string{"-new-key", path("release.key")}, &public); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-new-key", path("release.key")}, &public); err == nil {
		t.Error("a key that is there was overwritten")
	}
	var again bytes.Buffer
	if err := run([]string{"-public", path("release.key")}, &again); err != nil || again.String() != public.String() {
		t.Errorf("the public half is %q at first and %q when asked for, %v", public.String(), again.String(), err)
	}
	image := bytes.Repeat([]byte("slot"), 1024)
	if err := os.WriteFile(path("slot.img"), image, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-key", path("release.key"), "-image", path("slot.img"), "-boards", "rpi,qemu-virt", "-version", "v1", "-release", "7", "-out", path("v1.bundle")}, &public); err != nil {
		t.Fatal(err)
	}
	keys, err := update.ParseKeys(strings.TrimSpace(public.String()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path("v1.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := update.Open(f, keys)
	if err != nil {
		t.Fatal(err)
	}
	if m := b.Manifest(); m.Version != "v1" || m.Release != 7 || len(m.Boards) != 2 || m.Size != int64(len(image)) {
		t.Errorf("the bundle says %+v", m)
	}
	if err := run([]string{"-slots", path("slots"), "-version", "v2", "-out", path("v2.bundle")}, &public); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path("slots/update.pub")); err != nil || len(text) < 40 {
		t.Errorf("the simulated box finds the key %q, %v", text, err)
	}
	if err := run([]string{"-key", path("nowhere"), "-version", "v2", "-out", path("v3.bundle")}, &public); err == nil {
		t.Error("a bundle without a key was made")
	}
}
