package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"centralino/board/update"
)

// Endings of what a key adds to an image: the detached signature of its sums (Ed25519,
// RFC 8032, 64 octets) and the public half of the key (RFC 8410, PEM), as openssl reads
// them. The signature covers everything through the sums.
const (
	signatureEnding = "sha256.sig"
	publicEnding    = "pub.pem"
	bundleEnding    = "bundle"
)

// readKey reads the key that signs. It is an error if the program would not take updates
// that it signs: a box with such an image could never be updated.
func (b *build) readKey() error {
	if b.key == "" {
		return nil
	}
	text, err := os.ReadFile(b.key)
	if err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	if b.signer, err = update.ParsePrivateKey(text); err != nil {
		return fmt.Errorf("%s: %w", b.key, err)
	}
	program, err := os.ReadFile(b.program)
	if err != nil {
		return err
	}
	if !bytes.Contains(program, []byte(update.PublicText(b.signer))) {
		return fmt.Errorf("%s was built without the public half of %s (main.updateKeys)", b.program, b.key)
	}
	return nil
}

// writeBundle writes the update bundle of the slot.
func (b *build) writeBundle(slotImage string) error {
	if b.signer == nil {
		return nil
	}
	slot, err := os.Open(slotImage)
	if err != nil {
		return err
	}
	defer slot.Close()
	info, err := slot.Stat()
	if err != nil {
		return err
	}
	to, err := os.Create(b.name(bundleEnding))
	if err != nil {
		return err
	}
	m := update.Manifest{Version: b.version, Release: b.release, Boards: []string{b.target.name}, Made: b.made}
	return errors.Join(update.Make(to, m, slot, info.Size(), b.signer), to.Close())
}

// signSums writes the signature of the list of sums and what it is checked with.
func (b *build) signSums(sums []byte) error {
	if b.signer == nil {
		return nil
	}
	if err := os.WriteFile(b.name(signatureEnding), ed25519.Sign(b.signer, sums), 0o644); err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(b.signer.Public())
	if err != nil {
		return err
	}
	return os.WriteFile(b.name(publicEnding), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
}
