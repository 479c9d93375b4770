package office

import (
	"context"
	"database/sql"

	"centralino/internal/store"
)

// KeyFile is the name of the key file in the data folder; it belongs into
// store.Options.Files.
const KeyFile = "secrets.key"

// Secrets keeps secrets encrypted (XChaCha20-Poly1305) under a key in the data
// folder, and open in memory. This protects a database or a backup of it that
// gets into other hands without the key file, and nothing else.
type Secrets struct{}

// OpenSecrets reads or makes the key file and opens every secret.
func OpenSecrets(ctx context.Context, db *store.DB) (*Secrets, error) { panic("thin") }

// Get returns a secret; false if there is none or it can't be decrypted. It never
// waits for the disk.
func (s *Secrets) Get(ref SecretRef) (string, bool) { return "", false }

// NewSecret returns a fresh secret of 24 characters that can't be confused with
// each other when read or said.
func NewSecret() string { return "" }

// Put keeps a secret under a new handle; it is on disk when Put returns.
func (s *Secrets) Put(ctx context.Context, secret string) (SecretRef, error) { panic("thin") }

// Stage encrypts a secret under a new handle; write stores it, for Edit.With, and
// Get knows it at once.
func (s *Secrets) Stage(secret string) (ref SecretRef, write func(tx *sql.Tx) error) { panic("thin") }
