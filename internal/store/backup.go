package store

import (
	"context"
	"io"
	"time"
)

// Manifest describes a backup; it stands first inside it.
type Manifest struct {
	Format   int            `json:"format"`
	Program  string         `json:"program"` // version that wrote it
	Made     time.Time      `json:"made"`
	Schema   map[string]int `json:"schema"`   // domain -> version
	Database int64          `json:"database"` // octets
	Files    int            `json:"files"`
}

// Backup writes the whole database and its files as one encrypted file to w.
func (db *DB) Backup(ctx context.Context, w io.Writer, password, program string) (Manifest, error) {
	panic("thin")
}

// Restore reads a backup, checks all of it, and prepares it: it takes the place of
// the present data at the next Open. Until then nothing changes.
func (db *DB) Restore(ctx context.Context, r io.Reader, password string) (Manifest, error) {
	panic("thin")
}

// Copy makes a local copy (VACUUM INTO) and returns its name.
func (db *DB) Copy(ctx context.Context) (string, error) { panic("thin") }
