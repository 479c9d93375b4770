package testbed

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// axe-core (MPL-2.0) finds in a page what keeps people with a disability out. It is
// fetched for the tests, runs in their browser alone and is no part of the box.
const (
	axePackage = "axe-core@4.14.1"
	axeFile    = "axe-core-4.14.1.tgz"
	axeSHA512  = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
	axeScript  = "package/axe.min.js"
)

// maxAxe bounds the unpacked script in octets.
const maxAxe = 8 << 20

// errNotPinned says that a package is not the one that was reviewed.
var errNotPinned = errors.New("not the package that is pinned")

// Axe returns the script of axe-core, fetched once with npm into the person's cache.
// Where it can't be had, false: the caller leaves out what needs it, and `make test`
// says so with the reason. With CI=true that is a failure where npm is installed and
// the registry answers. A package that is not the pinned one is a failure everywhere.
func Axe(t testing.TB) (script string, ok bool) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	folder := filepath.Join(cache, "centralino-test")
	tgz, err := os.ReadFile(filepath.Join(folder, axeFile))
	if err == nil {
		if script, err = axeFrom(tgz, axeSHA512); err == nil {
			return script, true
		}
	}
	npm, err := lookTool("npm")
	if err != nil {
		t.Logf("left out: axe-core's look at the pages, since npm is not installed (Debian: apt-get install npm)")
		return "", false
	}
	tgz, err = fetchAxe(npm, folder)
	if err != nil {
		if InCI() && npmRun(npm, "ping") == nil {
			t.Fatalf("needed in CI: %v", err)
		}
		t.Logf("left out: axe-core's look at the pages: %v", err)
		return "", false
	}
	if script, err = axeFrom(tgz, axeSHA512); err != nil {
		t.Fatalf("%s: %v", axePackage, err)
	}
	return script, true
}

// fetchAxe puts the package into folder, whole or not at all.
func fetchAxe(npm, folder string) ([]byte, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	fresh, err := os.MkdirTemp(folder, "fetch-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(fresh)
	if err := npmRun(npm, "pack", "--ignore-scripts", axePackage, "--pack-destination", fresh); err != nil {
		return nil, err
	}
	file := filepath.Join(fresh, axeFile)
	tgz, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return tgz, os.Rename(file, filepath.Join(folder, axeFile))
}

// npmRun runs npm for half a minute at most.
func npmRun(npm string, args ...string) error {
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	out, err := exec.CommandContext(ctx, npm, append([]string{"--silent", "--fetch-retries=0"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("npm %s: %w: %s", args[0], err, tail(string(out), 400))
	}
	return nil
}

// axeFrom checks a package against its SHA-512 (base64) and takes the script out.
func axeFrom(tgz []byte, want string) (string, error) {
	if sum := sha512.Sum512(tgz); base64.StdEncoding.EncodeToString(sum[:]) != want {
		return "", errNotPinned
	}
	z, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("find %s: %w", axeScript, err)
		}
		if h.Name == axeScript {
			script, err := io.ReadAll(io.LimitReader(files, maxAxe))
			return string(script), err
		}
	}
}
