package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"centralino/internal/store"
	"centralino/internal/testbed"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a disk of 4 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=4m"); err != nil {
		testbed.Missing(t, "no right to mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
	return folder
}

// fill takes every block of a disk and returns what gives them back.
func fill(t *testing.T, folder string) (empty func()) {
	t.Helper()
	name := filepath.Join(folder, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for b := make([]byte, 4096); err == nil; {
		_, err = f.Write(b)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk on which not one block is free when the database is opened: there is no room even
// for its log and index.
func TestOpenOnAFullDisk(t *testing.T) {
	disk := smallDisk(t)
	folder := filepath.Join(disk, "data")
	db, _ := open(t, options(folder))
	add(t, db, "one")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	empty := fill(t, disk)
	db, found := open(t, options(folder))
	if found.Damage != nil || found.Fresh {
		t.Errorf("found %+v", found)
	}
	want(t, db, "one")
	if err := db.Write(t.Context(), insert("two")); !errors.Is(err, store.ErrFull) {
		t.Errorf("a write on a full disk: %v", err)
	}
	want(t, db, "one")
	empty()
	add(t, db, "three")
	want(t, db, "one", "three")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, _ = open(t, options(folder))
	want(t, db, "one", "three")
}
