package testbed

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"testing"
)

// packed is a package with one file, and its SHA-512.
func packed(t *testing.T, name, text string) (tgz []byte, sum string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	hash := sha512.Sum512(b.Bytes())
	return b.Bytes(), base64.StdEncoding.EncodeToString(hash[:])
}

func TestOnlyThePinnedPackageIsTaken(t *testing.T) {
	tgz, sum := packed(t, axeScript, "axe()")
	if got, err := axeFrom(tgz, sum); got != "axe()" || err != nil {
		t.Errorf("the pinned package gives %q, %v", got, err)
	}
	if _, err := axeFrom(tgz, axeSHA512); !errors.Is(err, errNotPinned) {
		t.Errorf("another package: %v", err)
	}
	if _, err := axeFrom(append(tgz[:len(tgz):len(tgz)], 0), sum); !errors.Is(err, errNotPinned) {
		t.Errorf("one octet more: %v", err)
	}
	tgz, sum = packed(t, "package/readme", "axe()")
	if _, err := axeFrom(tgz, sum); err == nil {
		t.Error("a package without the script is taken")
	}
}
