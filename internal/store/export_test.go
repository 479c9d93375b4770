package store

import (
	"bytes"
	"context"
	"testing"
)

func init() { cost.time, cost.memoryKiB = 1, argonMemoryMin }

// Seal seals any octets as Backup seals its stream.
func Seal(t testing.TB, plain []byte, password string) []byte {
	t.Helper()
	var b bytes.Buffer
	s, err := newSealer(&b, password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Unpack reads what is inside a seal.
func Unpack(db *DB, plain []byte, folder string) error {
	_, err := db.unpack(context.Background(), bytes.NewReader(plain), folder)
	return err
}
