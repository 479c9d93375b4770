package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// Restore reads a backup as if an enemy had written it, checks all of it, and
// prepares it: it takes the place of the present data at the next Open. Until then
// nothing changes; a second Restore replaces what was prepared. Errors: ErrNoBackup,
// ErrPassword, ErrRefused, ErrNewer, or of the disk.
func (db *DB) Restore(ctx context.Context, r io.Reader, password string) (Manifest, error) {
	draft := filepath.Join(db.o.Folder, restoreDraft)
	m, err := db.restore(ctx, r, password, draft)
	if err != nil {
		_ = os.RemoveAll(draft) // swept at the next start too
		return m, fmt.Errorf("restore backup: %w", Classify(err))
	}
	db.o.Log.Info("backup ready to be restored at the next start", "made", m.Made, "program", m.Program)
	return m, nil
}

func (db *DB) restore(ctx context.Context, r io.Reader, password, draft string) (Manifest, error) {
	if err := errors.Join(os.RemoveAll(draft), os.RemoveAll(draft+".old")); err != nil {
		return Manifest{}, err
	}
	if err := os.MkdirAll(draft, 0o700); err != nil {
		return Manifest{}, err
	}
	o, err := newOpener(r, password)
	if err != nil {
		return Manifest{}, err
	}
	m, err := db.unpack(ctx, o, draft)
	if err != nil {
		return m, refuse(err)
	}
	if err := db.checkRestored(ctx, m, filepath.Join(draft, restoredDBName)); err != nil {
		return m, err
	}
	ready := filepath.Join(db.o.Folder, restoreFolder)
	if err := db.fault("ready restore"); err != nil {
		return m, err
	}
	// A former one moves away whole, so that never half of it is applied.
	if err := os.Rename(ready, draft+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if err := os.Rename(draft, ready); err != nil {
		return m, err
	}
	if err := os.RemoveAll(draft + ".old"); err != nil {
		return m, err
	}
	return m, syncDir(db.o.Folder)
}

// refuse turns a stream that ends in the middle of an entry into a refusal.
func refuse(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early", ErrRefused)
	}
	return err
}

// unpack writes the entries into the draft folder.
func (db *DB) unpack(ctx context.Context, r io.Reader, draft string) (Manifest, error) {
	m, err := readManifest(r)
	if err != nil {
		return m, err
	}
	if err := newer(m.Schema, targets(db.o.Migrations)); err != nil {
		return m, err
	}
	if free, _, err := db.freeSpace(); err == nil && free < uint64(m.Database)+db.o.MinFree/4 {
		return m, fmt.Errorf("%w: %d octets needed, %d free", ErrFull, m.Database, free)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	if err := os.WriteFile(filepath.Join(draft, manifestName), b, 0o600); err != nil {
		return m, err
	}
	seen := map[string]bool{}
	for range entriesMax {
		e, err := readEntryHead(r)
		if err != nil {
			return m, err
		}
		if e.kind == entryEnd {
			return m, db.unpackEnd(r, m, seen)
		}
		dir, err := db.placeOf(e, m, draft)
		if err != nil {
			return m, err
		}
		if seen[dir+"/"+e.name] {
			return m, fmt.Errorf("%w: %q comes twice", ErrRefused, e.name)
		}
		seen[dir+"/"+e.name] = true
		if err := unpackEntry(ctx, r, e, dir); err != nil {
			return m, err
		}
	}
	return m, fmt.Errorf("%w: more than %d entries", ErrRefused, entriesMax)
}

func (db *DB) unpackEnd(r io.Reader, m Manifest, seen map[string]bool) error {
	if len(seen) != m.Files+1 {
		return fmt.Errorf("%w: %d entries, the manifest says %d", ErrRefused, len(seen), m.Files+1)
	}
	var one [1]byte
	if _, err := io.ReadFull(r, one[:]); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the end", ErrRefused)
	}
	return nil
}

func readManifest(r io.Reader) (Manifest, error) {
	var m Manifest
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return m, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > manifestMax {
		return m, fmt.Errorf("%w: manifest of %d octets", ErrRefused, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return m, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("%w: manifest: %w", ErrRefused, err)
	}
	switch {
	case m.Format != backupFormat:
		return m, fmt.Errorf("%w: format %d", ErrNewer, m.Format)
	case m.Database < 512 || m.Database > databaseMax || m.Files < 0 || m.Files > entriesMax || len(m.Program) > 128:
		return m, fmt.Errorf("%w: manifest out of bounds", ErrRefused)
	}
	return m, nil
}

type entry struct {
	kind byte
	name string
	size int64
}

func readEntryHead(r io.Reader) (entry, error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return entry{}, err
	}
	e := entry{kind: b[0]}
	if e.kind == entryEnd {
		return e, nil
	}
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return e, err
	}
	name := make([]byte, b[0])
	if _, err := io.ReadFull(r, name); err != nil {
		return e, err
	}
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return e, err
	}
	size := binary.BigEndian.Uint64(b[:])
	if size > databaseMax {
		return e, fmt.Errorf("%w: an entry of %d octets", ErrRefused, size)
	}
	e.name, e.size = string(name), int64(size)
	return e, nil
}

// placeOf decides where an entry may go. Names come from a closed set (or are a
// hash), so no path of the backup ever reaches the file system.
func (db *DB) placeOf(e entry, m Manifest, draft string) (dir string, err error) {
	switch {
	case e.kind == entryDatabase && e.name == "" && e.size == m.Database:
		return draft, nil
	case e.kind == entryFile && validName(e.name) && slices.Contains(db.o.Files, e.name) && e.size <= fileMax:
		return filepath.Join(draft, "files"), nil
	case e.kind == entryBlob && db.o.Blobs != "" && validHash(e.name) && e.size <= blobMax:
		return filepath.Join(draft, "blobs"), nil
	}
	return "", fmt.Errorf("%w: unexpected entry %q of kind %d", ErrRefused, e.name, e.kind)
}

func unpackEntry(ctx context.Context, r io.Reader, e entry, dir string) error {
	name := e.name
	if e.kind == entryDatabase {
		name = restoredDBName
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	sum := sha256.New()
	err := writeFile(filepath.Join(dir, name), func(w io.Writer) error {
		n, err := io.Copy(io.MultiWriter(w, sum), &ctxReader{ctx, io.LimitReader(r, e.size)})
		if err == nil && n != e.size {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
	if err != nil {
		return err
	}
	var want [sha256.Size]byte
	if _, err := io.ReadFull(r, want[:]); err != nil {
		return err
	}
	got := sum.Sum(nil)
	if !bytes.Equal(got, want[:]) || e.kind == entryBlob && fmt.Sprintf("%x", got) != e.name {
		return fmt.Errorf("%w: %q does not match its checksum", ErrRefused, name)
	}
	return nil
}

const (
	sqlIntegrity   = `PRAGMA integrity_check(1)`
	sqlForeignKeys = `SELECT count(*) FROM pragma_foreign_key_check`
	sqlSchemaDump  = `SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name`
)

// checkRestored accepts a database only if it is whole, has exactly the tables,
// indexes and triggers that our own migrations make, and pleases every domain.
func (db *DB) checkRestored(ctx context.Context, m Manifest, file string) error {
	conn, err := sql.Open("sqlite", dsn(file, []string{"query_only(ON)", "trusted_schema(OFF)", "cell_size_check(ON)"}))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetMaxOpenConns(1)
	var verdict string
	if err := conn.QueryRowContext(ctx, sqlIntegrity).Scan(&verdict); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: database: %s", ErrRefused, verdict)
	}
	have, err := readSchema(ctx, conn)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := newer(have, targets(db.o.Migrations)); err != nil {
		return err
	}
	if !maps.Equal(have, m.Schema) {
		return fmt.Errorf("%w: manifest and database disagree about the schema", ErrRefused)
	}
	want, err := expectedSchema(ctx, db.o.Migrations, have)
	if err != nil {
		return err
	}
	got, err := dumpSchema(ctx, conn)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%w: the database has a foreign schema", ErrRefused)
	}
	var broken int
	if err := conn.QueryRowContext(ctx, sqlForeignKeys).Scan(&broken); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if broken > 0 {
		return fmt.Errorf("%w: %d rows refer to nothing", ErrRefused, broken)
	}
	for _, check := range db.o.CheckRestored {
		if err := check(ctx, conn); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	return nil
}

// expectedSchema runs our own migrations up to the given versions in memory.
func expectedSchema(ctx context.Context, all []Migration, upTo map[string]int) ([]string, error) {
	mem, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	mem.SetMaxOpenConns(1)
	if _, err := mem.ExecContext(ctx, sqlSchemaTable); err != nil {
		return nil, err
	}
	for _, m := range sorted(all) {
		if m.Version > upTo[m.Domain] {
			continue
		}
		for _, q := range m.SQL {
			if _, err := mem.ExecContext(ctx, q); err != nil {
				return nil, err
			}
		}
	}
	return dumpSchema(ctx, mem)
}

// dumpSchema lists every object of the schema with its SQL.
func dumpSchema(ctx context.Context, conn *sql.DB) ([]string, error) {
	rows, err := conn.QueryContext(ctx, sqlSchemaDump)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var kind, name, text string
		if err := rows.Scan(&kind, &name, &text); err != nil {
			return nil, err
		}
		out = append(out, kind+" "+name+": "+text)
	}
	return out, rows.Err()
}

// applyRestore puts a prepared backup in place. It may be cut off anywhere and is
// then finished by the next start: the database moves last.
func (db *DB) applyRestore() (*Manifest, error) {
	if err := db.sweep(); err != nil {
		return nil, err
	}
	ready := filepath.Join(db.o.Folder, restoreFolder)
	b, err := os.ReadFile(filepath.Join(ready, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing prepared
	}
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(ready, restoredDBName)); err == nil {
		if err := db.putInPlace(ready); err != nil {
			return nil, err
		}
	}
	if err := db.fault("remove restore"); err != nil {
		return nil, err
	}
	return &m, os.RemoveAll(ready)
}

func (db *DB) putInPlace(ready string) error {
	aside, err := db.moveAside(beforeRestore, os.Rename)
	if err != nil {
		return err
	}
	for _, name := range db.o.Files {
		present := filepath.Join(db.o.Folder, name)
		if err := db.fault("restore file"); err != nil {
			return err
		}
		if err := copyFile(present, filepath.Join(db.o.Folder, aside, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Rename(filepath.Join(ready, "files", name), present); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := db.moveBlobs(filepath.Join(ready, "blobs")); err != nil {
		return err
	}
	if err := db.fault("restore database"); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(ready, restoredDBName), db.path); err != nil {
		return err
	}
	return syncDir(db.o.Folder)
}

func (db *DB) moveBlobs(from string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	to := filepath.Join(db.o.Folder, db.o.Blobs)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return syncDir(to)
}

// keptAside is how many folders of each kind of former data stay.
const keptAside = 3

// sweep removes what a power cut left half made and all but the newest former data.
func (db *DB) sweep() error {
	return errors.Join(
		removeAll(db.o.Folder, restoreDraft+"*", 0),
		removeAll(db.o.Folder, backupTemp+"*", 0),
		removeAll(db.copiesFolder(), "*.part*", 0),
		removeAll(db.o.Folder, damagedFolder+"*", keptAside),
		removeAll(db.o.Folder, beforeRestore+"*", keptAside),
		removeAll(db.o.Folder, beforePutBack+"*", keptAside),
	)
}

// removeAll removes what matches in a folder but the last keep by name.
func removeAll(folder, pattern string, keep int) error {
	found, err := matching(folder, pattern)
	if err != nil {
		return err
	}
	for i := 0; i < len(found)-keep; i++ {
		if err := os.RemoveAll(filepath.Join(folder, found[i])); err != nil {
			return err
		}
	}
	return nil
}

// matching lists what matches in a folder, sorted by name.
func matching(folder, pattern string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if ok, _ := path.Match(pattern, e.Name()); ok {
			found = append(found, e.Name())
		}
	}
	return found, nil
}
