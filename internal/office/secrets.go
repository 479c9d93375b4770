package office

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"centralino/internal/store"
)

// KeyFile is the name of the key file in the data folder; it belongs into
// store.Options.Files.
const KeyFile = "secrets.key"

// Secrets keeps secrets encrypted (XChaCha20-Poly1305, the handle as additional
// data) under a key in the data folder, and open in memory. This protects a
// database that gets into other hands without the key file, and nothing else: who
// has the whole data folder, or a backup and its password, has the secrets.
//
// Its methods may be called from any goroutine.
type Secrets struct {
	db   *store.DB
	aead cipher.AEAD
	lost []SecretRef

	mu   sync.RWMutex // guards open
	open map[SecretRef]string
}

const (
	sqlSecrets   = `SELECT ref, sealed FROM office_secrets`
	sqlSecretPut = `INSERT INTO office_secrets (ref, sealed) VALUES (?, ?)`
)

// OpenSecrets reads or makes the key file and opens every secret. Secrets that the
// key does not open (it was lost or replaced) are listed by Lost; the box starts
// nevertheless.
func OpenSecrets(ctx context.Context, db *store.DB) (*Secrets, error) {
	s := &Secrets{db: db, open: map[SecretRef]string{}}
	key, err := readKey(filepath.Join(db.Folder(), KeyFile))
	if err != nil {
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	if s.aead, err = chacha20poly1305.NewX(key); err != nil {
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	err = db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlSecrets)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var ref SecretRef
			var sealed []byte
			if err := rows.Scan(&ref, &sealed); err != nil {
				return err
			}
			if secret, ok := s.unseal(ref, sealed); ok {
				s.open[ref] = secret
			} else {
				s.lost = append(s.lost, ref)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	return s, nil
}

// readKey reads the key file; it makes one if there is none, and sets one aside
// that is no key.
func readKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		key, err := hex.DecodeString(strings.TrimSpace(string(b)))
		if err == nil && len(key) == chacha20poly1305.KeySize {
			return key, nil
		}
		if err := os.Rename(path, path+".unreadable"); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	key := make([]byte, chacha20poly1305.KeySize)
	rand.Read(key) // never fails
	return key, store.WriteFile(path, []byte(hex.EncodeToString(key)+"\n"))
}

func (s *Secrets) seal(ref SecretRef, secret string) []byte {
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(secret)+s.aead.Overhead())
	rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, []byte(secret), []byte(ref))
}

func (s *Secrets) unseal(ref SecretRef, sealed []byte) (string, bool) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return "", false
	}
	b, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(ref))
	return string(b), err == nil
}

// Get returns a secret; false if there is none or it can't be opened. It never
// waits for the disk.
func (s *Secrets) Get(ref SecretRef) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	secret, ok := s.open[ref]
	return secret, ok
}

// Lost returns the handles of secrets that the key does not open.
func (s *Secrets) Lost() []SecretRef { return s.lost }

// alphabet has no two characters that are taken for each other when read or said,
// and small letters only, which every phone's keypad and display can do.
const alphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// secretLen gives about 118 bits.
const secretLen = 24

// NewSecret returns a fresh secret of 24 characters that can't be confused with
// each other when read or said.
func NewSecret() string { return randomText(secretLen) }

// randomText draws characters evenly: bytes beyond the last whole multiple of the
// alphabet are drawn again.
func randomText(n int) string {
	out := make([]byte, 0, n)
	var b [64]byte
	for len(out) < n {
		rand.Read(b[:]) // never fails
		for _, c := range b {
			if int(c) < 256/len(alphabet)*len(alphabet) && len(out) < n {
				out = append(out, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// Put keeps a secret under a new handle; it is on disk when Put returns.
func (s *Secrets) Put(ctx context.Context, secret string) (SecretRef, error) {
	ref, write := s.Stage(secret)
	if err := s.db.Write(ctx, write); err != nil {
		return "", fmt.Errorf("keep secret: %w", err)
	}
	return ref, nil
}

// Stage encrypts a secret under a new handle; write stores it, for Edit.With. Get
// knows it once that is on disk.
func (s *Secrets) Stage(secret string) (ref SecretRef, write func(tx *sql.Tx) error) {
	ref = SecretRef("secret-" + randomText(12))
	return ref, s.StageAs(ref, secret)
}

// StageAs is Stage under a given handle that is not in use, for a sample office.
func (s *Secrets) StageAs(ref SecretRef, secret string) (write func(tx *sql.Tx) error) {
	sealed := s.seal(ref, secret)
	return func(tx *sql.Tx) error {
		if _, err := tx.Exec(sqlSecretPut, string(ref), sealed); err != nil {
			return err
		}
		s.db.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.open[ref] = secret
		})
		return nil
	}
}
