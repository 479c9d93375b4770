package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"centralino/internal/store"
)

const password = "correct horse"

func contextThatEnds(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

func withFiles(folder string) store.Options {
	o := options(folder)
	o.Files, o.Blobs = []string{"secrets.key", "other.key"}, "audio"
	return o
}

var makeSmall sync.Once
var small []byte

// smallBackup is a backup with one note, of a box without files.
func smallBackup(t testing.TB) []byte {
	makeSmall.Do(func() {
		db, _, err := store.Open(context.Background(), options(t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Write(context.Background(), insert("from the backup")); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := db.Backup(context.Background(), &b, password, "1.0"); err != nil {
			t.Fatal(err)
		}
		small = b.Bytes()
	})
	return small
}

func TestBackupComesBackOnAnotherBox(t *testing.T) {
	folder := t.TempDir()
	db, _ := open(t, withFiles(folder))
	add(t, db, "one")
	voice := bytes.Repeat([]byte("voice"), 50000) // more than one chunk
	hash := fmt.Sprintf("%x", sha256.Sum256(voice))
	for name, content := range map[string][]byte{"secrets.key": []byte("the key"), filepath.Join("audio", hash): voice, filepath.Join("audio", "stray.txt"): []byte("not ours")} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	made, err := db.Backup(t.Context(), &b, password, "1.2.3")
	if err != nil || made.Files != 2 || made.Program != "1.2.3" || made.Schema["notes"] != 2 {
		t.Fatalf("backup %+v: %v", made, err)
	}
	if bytes.Contains(b.Bytes(), []byte("voicevoice")) || bytes.Contains(b.Bytes(), []byte("CREATE TABLE")) {
		t.Error("the backup can be read without its password")
	}

	other := t.TempDir()
	db2, _ := open(t, withFiles(other))
	add(t, db2, "of the other box")
	if err := os.WriteFile(filepath.Join(other, "secrets.key"), []byte("its own key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := db2.Restore(t.Context(), bytes.NewReader(b.Bytes()), password); err != nil {
		t.Fatal(err)
	}
	want(t, db2, "of the other box") // nothing changes until the next start
	db2.Close()
	db2, found := open(t, withFiles(other))
	if found.Restored == nil || found.Restored.Program != "1.2.3" || found.Damage != nil {
		t.Fatalf("found %+v", found)
	}
	want(t, db2, "one")
	for name, content := range map[string][]byte{"secrets.key": []byte("the key"), filepath.Join("audio", hash): voice} {
		if got, err := os.ReadFile(filepath.Join(other, name)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s did not come back: %v", name, err)
		}
	}
	before, err := filepath.Glob(filepath.Join(other, "before-restore-*", "*"))
	if err != nil || len(before) < 2 {
		t.Errorf("what was there before is not kept: %v", before)
	}
	add(t, db2, "goes on")
	db2.Close()
	if db2, found = open(t, withFiles(other)); found.Restored != nil {
		t.Error("restored twice")
	}
	want(t, db2, "one", "goes on")
}

func TestBackupRefuses(t *testing.T) {
	db, _ := open(t, options(t.TempDir()))
	if _, err := db.Backup(t.Context(), &bytes.Buffer{}, "short", "1"); !errors.Is(err, store.ErrShortPassword) {
		t.Errorf("a short password: %v", err)
	}
	good := smallBackup(t)
	change := func(at int, to byte) []byte { b := bytes.Clone(good); b[at] = to; return b }
	memory := bytes.Clone(good)
	binary.BigEndian.PutUint32(memory[20:], 1<<31)
	for _, tt := range []struct {
		name, password string
		file           []byte
		want           error
	}{
		{"a wrong password", "wrong horse", good, store.ErrPassword},
		{"an empty file", password, nil, store.ErrNoBackup},
		{"a picture", password, []byte(strings.Repeat("\x89PNG", 99)), store.ErrNoBackup},
		{"a header that asks for two gigabytes", password, memory, store.ErrNoBackup},
		{"a header that asks for no passes", password, change(19, 0), store.ErrNoBackup},
		{"another salt", password, change(30, good[30]^1), store.ErrPassword},
		{"a flipped bit", password, change(len(good)/2, good[len(good)/2]^1), store.ErrPassword},
		{"the last octet missing", password, good[:len(good)-1], store.ErrPassword},
		{"an octet too many", password, append(bytes.Clone(good), 0), store.ErrPassword},
		{"half of it", password, good[:len(good)/2], store.ErrPassword},
		{"the header alone", password, good[:41], store.ErrPassword},
	} {
		if _, err := db.Restore(t.Context(), bytes.NewReader(tt.file), tt.password); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(db.Folder(), "restore*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestHostileBackups seals what an enemy who knows the password could: each must be
// refused and leave nothing outside the draft.
func TestHostileBackups(t *testing.T) {
	database := databaseOf(t, notes, nil)
	manifest := func(size int, files int) string {
		return fmt.Sprintf(`{"format":1,"program":"x","made":"2026-01-01T00:00:00Z","schema":{"notes":2},"database":%d,"files":%d}`, size, files)
	}
	entry := func(kind byte, name string, content []byte) []byte {
		b := append([]byte{kind, byte(len(name))}, name...)
		b = binary.BigEndian.AppendUint64(b, uint64(len(content)))
		sum := sha256.Sum256(content)
		return append(append(b, content...), sum[:]...)
	}
	join := func(manifest string, entries ...[]byte) []byte {
		b := append(binary.BigEndian.AppendUint32(nil, uint32(len(manifest))), manifest...)
		for _, e := range entries {
			b = append(b, e...)
		}
		return b
	}
	end := []byte{0}
	blob := []byte("blob")
	trigger := databaseOf(t, notes, []string{`CREATE TRIGGER evil AFTER INSERT ON notes BEGIN DELETE FROM notes; END`})
	view := databaseOf(t, notes, []string{`CREATE VIEW extra AS SELECT 1`})
	foreign := databaseOf(t, []store.Migration{{Domain: "notes", Version: 1, SQL: []string{`CREATE TABLE other (x TEXT) STRICT`}}, {Domain: "notes", Version: 2, SQL: []string{`SELECT 1`}}}, nil)
	lied := bytes.Clone(entry(1, "", database))
	lied[len(lied)-1] ^= 1
	huge := append([]byte{1, 0}, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	for _, tt := range []struct {
		name  string
		plain []byte
	}{
		{"a manifest of four gigabytes", []byte{0xff, 0xff, 0xff, 0xff}},
		{"a manifest that is none", join(`[1,2]`)},
		{"a manifest with a field too many", join(`{"format":1,"run":"rm"}`)},
		{"a manifest with a negative size", join(manifest(-1, 0), end)},
		{"no entries", join(manifest(len(database), 0))},
		{"no database", join(manifest(len(database), 0), end)},
		{"a database of another size", join(manifest(len(database)+1, 0), entry(1, "", database), end)},
		{"a database twice", join(manifest(len(database), 1), entry(1, "", database), entry(1, "", database), end)},
		{"an entry of eight exabytes", join(manifest(len(database), 0), huge)},
		{"a wrong checksum", join(manifest(len(database), 0), lied, end)},
		{"a file with a path", join(manifest(len(database), 1), entry(1, "", database), entry(2, "../../etc/passwd", blob), end)},
		{"a file that is not ours", join(manifest(len(database), 1), entry(1, "", database), entry(2, "authorized-keys", blob), end)},
		{"a database with a name", join(manifest(len(database), 0), entry(1, "secrets.key", database), end)},
		{"a blob that is not its hash", join(manifest(len(database), 1), entry(1, "", database), entry(3, strings.Repeat("a", 64), blob), end)},
		{"a blob with a path", join(manifest(len(database), 1), entry(1, "", database), entry(3, "../"+strings.Repeat("a", 61), blob), end)},
		{"an entry of unknown kind", join(manifest(len(database), 1), entry(1, "", database), entry(9, "secrets.key", blob), end)},
		{"fewer files than promised", join(manifest(len(database), 3), entry(1, "", database), end)},
		{"something after the end", join(manifest(len(database), 0), entry(1, "", database), end, blob)},
		{"an entry that is cut short", join(manifest(len(database), 0), entry(1, "", database)[:100])},
		{"a database that is garbage", join(manifest(8192, 0), entry(1, "", bytes.Repeat([]byte("garbage!"), 1024)), end)},
		{"a database that is cut short", join(manifest(len(database)-4096, 0), entry(1, "", database[:len(database)-4096]), end)},
		{"a trigger", join(manifest(len(trigger), 0), entry(1, "", trigger), end)},
		{"a view", join(manifest(len(view), 0), entry(1, "", view), end)},
		{"another table under our version", join(manifest(len(foreign), 0), entry(1, "", foreign), end)},
		{"a schema that the manifest does not tell", join(strings.Replace(manifest(len(database), 0), `"notes":2`, `"notes":1`, 1), entry(1, "", database), end)},
	} {
		folder := t.TempDir()
		db, _ := open(t, withFiles(folder))
		add(t, db, "untouched")
		if _, err := db.Restore(t.Context(), bytes.NewReader(store.Seal(t, tt.plain, password)), password); !errors.Is(err, store.ErrRefused) {
			t.Errorf("%s: %v", tt.name, err)
		}
		db.Close()
		db, found := open(t, withFiles(folder))
		if found.Restored != nil {
			t.Errorf("%s: was restored", tt.name)
		}
		want(t, db, "untouched")
	}
	// The same with nothing wrong is taken, and a newer schema has its own error.
	db, _ := open(t, withFiles(t.TempDir()))
	if _, err := db.Restore(t.Context(), bytes.NewReader(store.Seal(t, join(manifest(len(database), 0), entry(1, "", database), end), password)), password); err != nil {
		t.Errorf("nothing wrong: %v", err)
	}
	newer := strings.Replace(manifest(len(database), 0), `"notes":2`, `"notes":7`, 1)
	if _, err := db.Restore(t.Context(), bytes.NewReader(store.Seal(t, join(newer, entry(1, "", database), end), password)), password); !errors.Is(err, store.ErrNewer) {
		t.Errorf("a newer schema: %v", err)
	}
}

// databaseOf returns the file of a database with a schema and some statements more.
func databaseOf(t *testing.T, m []store.Migration, more []string) []byte {
	t.Helper()
	o := options(t.TempDir())
	o.Migrations = m
	db, _ := open(t, o)
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		for _, q := range more {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	name, err := db.Copy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(o.Folder, "copies", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDomainsJudgeABackup(t *testing.T) {
	o := options(t.TempDir())
	no := errors.New("the office is not valid")
	asked := false
	o.CheckRestored = []func(context.Context, *sql.DB) error{func(ctx context.Context, conn *sql.DB) error {
		asked = true
		var text string
		if err := conn.QueryRowContext(ctx, `SELECT text FROM notes`).Scan(&text); err != nil || text != "from the backup" {
			t.Errorf("the domain reads %q, %v", text, err)
		}
		if _, err := conn.ExecContext(ctx, `DELETE FROM notes`); err == nil {
			t.Error("a domain could write")
		}
		return no
	}}
	db, _ := open(t, o)
	if _, err := db.Restore(t.Context(), bytes.NewReader(smallBackup(t)), password); !errors.Is(err, no) || !errors.Is(err, store.ErrRefused) || !asked {
		t.Errorf("restored against its domain: %v", err)
	}
}

func TestBackupCutBetweenTwoChunksIsNoticed(t *testing.T) {
	db, _ := open(t, options(t.TempDir()))
	sealed := store.Seal(t, make([]byte, 100_000), password)
	cut := sealed[:41+65536+16] // header, one whole chunk
	if _, err := db.Restore(t.Context(), bytes.NewReader(cut), password); !errors.Is(err, store.ErrPassword) {
		t.Errorf("one chunk of two: %v", err)
	}
}

func TestAnyChangedByteOfABackupIsNoticed(t *testing.T) {
	db, _ := open(t, options(t.TempDir()))
	good := smallBackup(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 12 {
		b := bytes.Clone(good)
		b[r.IntN(len(b))] ^= byte(1 << r.IntN(8))
		if _, err := db.Restore(t.Context(), bytes.NewReader(b), password); err == nil {
			t.Fatal("a changed backup was taken")
		}
	}
}

// FuzzRestore feeds what is inside the seal; the seal itself costs a key
// derivation, so it is made cheap.
func FuzzRestore(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, '{', '}'})
	f.Add([]byte(`....{"format":1,"program":"x","made":"2026-01-01T00:00:00Z","schema":{},"database":4096,"files":0}`))
	db, _, err := store.Open(context.Background(), withFiles(f.TempDir()))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	f.Fuzz(func(t *testing.T, plain []byte) {
		if err := store.Unpack(db, plain, t.TempDir()); err == nil {
			t.Log("accepted") // possible; the database is judged later
		}
	})
}
