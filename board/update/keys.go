package update

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Keys are the public keys whose bundles a box takes: the one in use and a spare,
// kept elsewhere, for the day on which the first is lost or known to others. A
// release that is signed by the spare brings a program with two new keys.
type Keys []ed25519.PublicKey

// maxKeys is how many keys a box may trust.
const maxKeys = 2

// ParseKeys reads public keys, base64 (RFC 4648 section 4) and separated by commas,
// as PublicText writes them. An empty text is no keys: such a box takes no update.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(part)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("read update key %q: not the base64 of 32 octets", part)
		}
		keys = append(keys, b)
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("read update keys: %d of them, at most %d", len(keys), maxKeys)
	}
	return keys, nil
}

// PublicText writes the public half of a key as ParseKeys reads it.
func PublicText(key ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

const privateBlock = "PRIVATE KEY" // RFC 7468 section 10

// NewPrivateKey makes a key to sign with, as a PEM file. `openssl genpkey -algorithm
// ed25519` makes the same form (RFC 8410).
func NewPrivateKey() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make update key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make update key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), nil
}

// ParsePrivateKey reads a key to sign with from a PEM file.
func ParsePrivateKey(file []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(file)
	if block == nil || block.Type != privateBlock {
		return nil, errors.New("read update key: no PEM file with a private key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read update key: %w", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("read update key: not an Ed25519 key")
	}
	return key, nil
}

// keyID is how a bundle says which key signed it.
func keyID(key ed25519.PublicKey) (id [8]byte) {
	sum := sha256.Sum256(key)
	copy(id[:], sum[:])
	return id
}

// find is the key of that id, nil if there is none.
func (k Keys) find(id [8]byte) ed25519.PublicKey {
	for _, key := range k {
		if keyID(key) == id {
			return key
		}
	}
	return nil
}
