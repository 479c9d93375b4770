//go:build imagetest

package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/board/update"
	"centralino/internal/testbed"

	"github.com/klauspost/compress/zstd"
)

// fault is built into the next release beside the real program, so that nothing of it is
// in that. By the kernel's command line of its slot the program then ends, or stops and
// hears nothing more, or the kernel stops for good, with the first process, some time after
// the trial has begun; or the program need be well only shortly to be kept.
//
//go:embed testdata/fault.go
var fault []byte

// nextFiles are those of a slot with the next release; a run builds them once.
var nextFiles map[string][]byte

// next builds the program of the next release, with the fault beside it.
func (u *updated) next() map[string][]byte {
	u.t.Helper()
	if nextFiles != nil {
		return nextFiles
	}
	began := time.Now()
	dir := u.t.TempDir()
	program := filepath.Join(dir, "appliance")
	args := []string{"build", "-trimpath", "-overlay", overlay(u.t, dir), "-o", program, "-ldflags",
		fmt.Sprintf("-s -w -X main.version=next -X main.image=qemu-virt -X main.release=%d -X main.updateKeys=%s", u.release+1, update.PublicText(u.key))}
	for _, cold := range strings.Fields(os.Getenv(coldKey)) { // as the program is built: most is there already
		args = append(args, "-gcflags", cold+"=-l")
	}
	p := testbed.Start(u.t, nil, testbed.Command{Path: "go", Env: []string{"GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0"}, Args: append(args, "./cmd/appliance")})
	if p.ExitCode() != 0 {
		u.t.Fatalf("the next release is not built:\n%s", p.Output())
	}
	body, err := os.ReadFile(program)
	if err != nil {
		u.t.Fatal(err)
	}
	slot := filepath.Join(filepath.Dir(u.image), "slot.img")
	files := map[string][]byte{}
	for _, name := range []string{"kernel8.img", "cmdline.txt", initramfsName} {
		files[name] = readFAT(u.t, slot, 0, slotSize, name)
	}
	files[initramfsName] = withProgram(u.t, files[initramfsName], body)
	u.t.Logf("the next release was built in %v", time.Since(began).Round(100*time.Millisecond))
	nextFiles = files
	return files
}

// withProgram puts another program into an initramfs, where it is the last file.
func withProgram(t *testing.T, packed, program []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.LastIndex(plain, []byte("00000000init\x00")) - 102 // its name follows the last field of the header of 110 octets
	if head < 0 || string(plain[head:head+6]) != "070701" {
		t.Fatal("the initramfs holds no program")
	}
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain[:head]); err != nil {
		t.Fatal(err)
	}
	c := &cpioWriter{w: w, at: head, ino: 10000, made: time.Unix(1795000000, 0)}
	c.file("init", 0o755, program)
	c.add(cpioTrailer, 0, nil, [2]int{})
	if err := errors.Join(c.err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bundle makes an update with the program of the next release. More stands at the end of
// its kernel's command line.
func (u *updated) bundle(name string, later uint64, more string) []byte {
	u.t.Helper()
	slot := filepath.Join(u.t.TempDir(), "slot.img")
	files := maps.Clone(u.next())
	files["cmdline.txt"] = []byte(strings.TrimSpace(string(files["cmdline.txt"])) + " " + more + "\n")
	if err := (&build{}).fat(slot, slotSize, "SLOT", files); err != nil {
		u.t.Fatal(err)
	}
	f, err := os.Open(slot)
	if err != nil {
		u.t.Fatal(err)
	}
	defer f.Close()
	var out bytes.Buffer
	m := update.Manifest{Version: name, Release: u.release + later, Boards: []string{"qemu-virt"}}
	if err := update.Make(&out, m, f, slotSize, u.key); err != nil {
		u.t.Fatal(err)
	}
	return out.Bytes()
}

// overlay adds the fault to the program's sources without writing it there, and lets the
// health gate ask it for its time.
func overlay(t *testing.T, dir string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	sources := filepath.Join(root, "cmd/appliance")
	updates, err := os.ReadFile(filepath.Join(sources, "updates.go"))
	if err != nil {
		t.Fatal(err)
	}
	const gate = "Gate: update.Gate{"
	if bytes.Count(updates, []byte(gate)) != 1 {
		t.Fatalf("updates.go does not say %q once", gate)
	}
	list := map[string]string{}
	for name, text := range map[string][]byte{
		"fault_linux.go": fault,
		"updates.go":     bytes.Replace(updates, []byte(gate), []byte(gate+"Stable: stableFor(), "), 1),
	} {
		list[filepath.Join(sources, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": list})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, replace, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
