package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Manifest describes a backup; it stands first inside it.
type Manifest struct {
	Format   int            `json:"format"`
	Program  string         `json:"program"` // version that wrote it
	Made     time.Time      `json:"made"`
	Schema   map[string]int `json:"schema"`   // domain -> version
	Database int64          `json:"database"` // octets
	Files    int            `json:"files"`    // small files and content-addressed ones
}

// Inside the sealed stream: the manifest (length[4] JSON), then entries
//
//	kind[1] nameLength[1] name size[8] data sha256[32]
//
// and an entry of kind 0 at the end.
const (
	entryEnd byte = iota
	entryDatabase
	entryFile
	entryBlob
)

const (
	backupFormat   = 1
	minPassword    = 8
	manifestMax    = 64 << 10
	databaseMax    = 4 << 30
	fileMax        = 64 << 10
	blobMax        = 64 << 20
	entriesMax     = 20000
	restoreFolder  = "restore.ready"
	restoreDraft   = "restore.part"
	backupTemp     = "backup.part"
	manifestName   = "manifest.json"
	restoredDBName = "database"
)

// Backup writes the database, Options.Files and Options.Blobs as one encrypted
// file to w, under a password of at least 8 characters. The database inside is a
// snapshot; writers go on. It needs free space for one copy of the database.
func (db *DB) Backup(ctx context.Context, w io.Writer, password, program string) (Manifest, error) {
	m, err := db.backup(ctx, w, password, program)
	if err != nil {
		return m, fmt.Errorf("make backup: %w", db.failed(err))
	}
	return m, nil
}

func (db *DB) backup(ctx context.Context, w io.Writer, password, program string) (Manifest, error) {
	var m Manifest
	if len([]rune(password)) < minPassword {
		return m, ErrShortPassword
	}
	temp, err := os.MkdirTemp(db.o.Folder, backupTemp)
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(temp) // swept at the next start
	path := filepath.Join(temp, restoredDBName)
	if err := db.copyTo(ctx, path); err != nil {
		return m, err
	}
	blobs, err := db.blobNames()
	if err != nil {
		return m, err
	}
	m = Manifest{Format: backupFormat, Program: program, Made: db.o.Now().UTC(), Schema: targets(db.o.Migrations)}
	if m.Database, err = fileSize(path); err != nil {
		return m, err
	}
	files := db.presentFiles()
	m.Files = len(files) + len(blobs)
	if err := db.fault("write backup"); err != nil {
		return m, err
	}
	s, err := newSealer(w, password)
	if err != nil {
		return m, err
	}
	if err := writeManifest(s, m); err != nil {
		return m, err
	}
	if err := writeEntry(ctx, s, entryDatabase, "", path); err != nil {
		return m, err
	}
	for _, name := range files {
		if err := writeEntry(ctx, s, entryFile, name, filepath.Join(db.o.Folder, name)); err != nil {
			return m, err
		}
	}
	for _, name := range blobs {
		if err := writeEntry(ctx, s, entryBlob, name, filepath.Join(db.o.Folder, db.o.Blobs, name)); err != nil {
			return m, err
		}
	}
	if _, err := s.Write([]byte{entryEnd}); err != nil {
		return m, err
	}
	return m, s.Close()
}

// presentFiles returns those of Options.Files that exist.
func (db *DB) presentFiles() []string {
	var names []string
	for _, name := range db.o.Files {
		if _, err := os.Stat(filepath.Join(db.o.Folder, name)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

func (db *DB) blobNames() ([]string, error) {
	if db.o.Blobs == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(filepath.Join(db.o.Folder, db.o.Blobs))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if validHash(e.Name()) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func writeManifest(w io.Writer, m Manifest) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}

func writeEntry(ctx context.Context, w io.Writer, kind byte, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := append([]byte{kind, byte(len(name))}, name...)
	head = binary.BigEndian.AppendUint64(head, uint64(info.Size()))
	if _, err := w.Write(head); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), &ctxReader{ctx, io.LimitReader(f, info.Size())})
	if err != nil {
		return err
	}
	if n != info.Size() {
		return fmt.Errorf("%s became shorter while it was read", filepath.Base(path))
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// ctxReader stops reading when ctx ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
