package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Limits of a password, in characters. There is no rule about kinds of
// characters: length is what counts (NIST SP 800-63B section 3.1.1.2).
const (
	MinPassword = 10
	MaxPassword = 200
)

// Cost of one hash: argon2id with 19 MiB, two passes, one lane (OWASP's second
// choice, which fits a board with little memory).
const (
	hashMemoryKiB = 19 * 1024
	hashPasses    = 2
	hashLanes     = 1
	hashSaltLen   = 16
	hashKeyLen    = 32
)

// waitingHashes bounds who may queue for the one hash that runs at a time. When
// it is full, logins are refused with ErrBusy instead of piling up memory.
const waitingHashes = 8

// Errors about passwords.
var (
	ErrPasswordShort = errors.New("password is shorter than 10 characters")
	ErrPasswordLong  = errors.New("password is longer than 200 characters")
	ErrPasswordEasy  = errors.New("password is on every list of guesses")
	ErrBusy          = errors.New("too many logins are being checked at once")
)

// noAccount is checked when an account is unknown, so that this takes as long as a
// wrong password. Its key is random: no password belongs to it.
const noAccount = "$argon2id$v=19$m=19456,t=2,p=1$YNk33ZzrYBs2b33oIpcrNg$3QVq1an2lv4+ITvjI4ziMg9MTg4WyXp6iXBMXDGPig4"

// easy holds guesses that every attacker tries first and that are long enough to
// pass the length rule. Compared in lower case, also with digits appended.
var easy = []string{
	"password", "passw0rd", "centralino", "administrator", "amministratore",
	"qwertyuiop", "1234567890", "0123456789", "0987654321", "changeme",
	"benvenuto", "telefono", "password1234", "iloveyou", "juventus",
}

// CheckNewPassword says whether a person may choose this password; login is the
// account's name, which the password must not be.
func CheckNewPassword(login, password string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < MinPassword:
		return ErrPasswordShort
	case n > MaxPassword:
		return ErrPasswordLong
	}
	bare := strings.TrimRight(strings.ToLower(password), "0123456789!.?")
	for _, e := range easy {
		if bare == e || strings.ToLower(password) == e {
			return ErrPasswordEasy
		}
	}
	if bare == "" || (login != "" && bare == strings.ToLower(login)) || oneRune(password) {
		return ErrPasswordEasy
	}
	return nil
}

// oneRune reports whether s repeats a single character.
func oneRune(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	for _, r := range s {
		if r != first {
			return false
		}
	}
	return true
}

// hasher computes password hashes one at a time, because each takes 19 MiB.
type hasher struct {
	running chan struct{} // one token: the hash that runs
	queued  chan struct{} // waitingHashes tokens: who waits for it
}

func newHasher() *hasher {
	return &hasher{running: make(chan struct{}, 1), queued: make(chan struct{}, waitingHashes)}
}

func (h *hasher) key(ctx context.Context, password string, salt []byte, mem, passes uint32, lanes uint8, n uint32) ([]byte, error) {
	select {
	case h.queued <- struct{}{}:
		defer func() { <-h.queued }()
	default:
		return nil, ErrBusy
	}
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, passes, mem, lanes, n), nil
}

// hash returns the PHC string of a new password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, hashSaltLen)
	rand.Read(salt) // never fails: crypto/rand ends the program instead
	key, err := h.key(ctx, password, salt, hashMemoryKiB, hashPasses, hashLanes, hashKeyLen)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		hashMemoryKiB, hashPasses, hashLanes, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// verify reports whether password belongs to the PHC string phc.
func (h *hasher) verify(ctx context.Context, phc, password string) (bool, error) {
	p, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	if utf8.RuneCountInString(password) > MaxPassword {
		return false, nil
	}
	key, err := h.key(ctx, password, p.salt, p.mem, p.passes, p.lanes, uint32(len(p.key)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1, nil
}

type phcParts struct {
	mem, passes uint32
	lanes       uint8
	salt, key   []byte
}

// parsePHC reads "$argon2id$v=19$m=…,t=…,p=…$salt$key" and refuses costs that
// would stop the box, since the string may come from a restored backup.
func parsePHC(s string) (phcParts, error) {
	bad := func(why string) (phcParts, error) {
		return phcParts{}, fmt.Errorf("read password hash: %s", why)
	}
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" {
		return bad("not argon2id")
	}
	if f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return bad("version " + f[2])
	}
	var p phcParts
	if _, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &p.mem, &p.passes, &p.lanes); err != nil {
		return bad("parameters " + f[3])
	}
	if p.mem < 8 || p.mem > 64*1024 || p.passes < 1 || p.passes > 10 || p.lanes < 1 || p.lanes > 4 {
		return bad("parameters out of range")
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(f[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return bad("salt")
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(f[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return bad("key")
	}
	return p, nil
}
