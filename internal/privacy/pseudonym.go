package privacy

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/store"
)

const (
	personPrefix = "p-"
	numberPrefix = "n-"
	keyLen       = 32
)

// letters writes pseudonyms: small letters and digits, as ids of the office are.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewPerson returns a fresh pseudonym ("p-…") for a person.
func NewPerson() journal.SubjectID {
	var b [10]byte
	rand.Read(b[:]) // never fails
	return journal.SubjectID(personPrefix + letters.EncodeToString(b[:]))
}

func isNumber(s journal.SubjectID) bool { return strings.HasPrefix(string(s), numberPrefix) }

// keys reads or makes the key file and derives the keys for sealing and for the
// pseudonyms of numbers. A file that is no key is set aside.
func (g *Gate) keys(folder string) error {
	master, err := readKey(filepath.Join(folder, KeyFile))
	if err != nil {
		return err
	}
	seal, err := hkdf.Key(sha256.New, master, nil, "centralino names", chacha20poly1305.KeySize)
	if err != nil {
		return err
	}
	if g.mac, err = hkdf.Key(sha256.New, master, nil, "centralino numbers", keyLen); err != nil {
		return err
	}
	g.aead, err = chacha20poly1305.NewX(seal)
	return err
}

func readKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		if key, err := hex.DecodeString(strings.TrimSpace(string(b))); err == nil && len(key) == keyLen {
			return key, nil
		}
		err = os.Rename(path, path+".unreadable")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key := make([]byte, keyLen)
	rand.Read(key) // never fails
	return key, store.WriteFile(path, []byte(hex.EncodeToString(key)+"\n"))
}

// seal encrypts what stands behind a pseudonym; the pseudonym is additional data,
// so that rows can't be exchanged.
func (g *Gate) seal(s journal.SubjectID, text string) []byte {
	nonce := make([]byte, g.aead.NonceSize(), g.aead.NonceSize()+len(text)+g.aead.Overhead())
	rand.Read(nonce) // never fails
	return g.aead.Seal(nonce, nonce, []byte(text), []byte(s))
}

func (g *Gate) unseal(s journal.SubjectID, sealed []byte) (string, bool) {
	n := g.aead.NonceSize()
	if len(sealed) < n {
		return "", false
	}
	b, err := g.aead.Open(nil, sealed[:n], sealed[n:], []byte(s))
	return string(b), err == nil
}

// tag is the keyed hash under which the generation of an erased number stands.
func (g *Gate) tag(n numbering.E164) string { return g.hash("erased", string(n)) }

func (g *Gate) hash(label, text string) string {
	m := hmac.New(sha256.New, g.mac)
	m.Write([]byte(label + "\x00" + text))
	return string(m.Sum(nil))
}

// Number returns the pseudonym of an outside number: always the same one until it
// is erased; empty for an unknown number. It never waits for the disk: the number
// is kept within 100 ms while Run runs.
func (g *Gate) Number(n numbering.E164) journal.SubjectID {
	if n == "" {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.pseudonymLocked(n)
	if len(g.unwritten) >= maxUnwritten || g.numbers.touch(s, remembered{n, true}) {
		return s
	}
	g.unwritten[s] = n
	select {
	case g.wake <- struct{}{}:
	default: // a reminder is there already
	}
	return s
}

const (
	numberDelay = 50 * time.Millisecond // others may share the commit
	numberRetry = 5 * time.Second
)

// Run writes newly seen numbers and looks until ctx ends, then what is left. It
// returns nil, or what kept the rest from being written.
func (g *Gate) Run(ctx context.Context) error {
	delay := numberDelay
	for {
		select {
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), lookWait)
			defer stop()
			_ = g.writeLooks(last) // the journal may have stopped already
			return g.writeNumbers()
		case <-g.wake:
		}
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		delay = numberDelay
		if err := errors.Join(g.writeNumbers(), g.writeLooks(ctx)); err != nil { // the disk's fault list knows of it
			delay = numberRetry
			select {
			case g.wake <- struct{}{}:
			default:
			}
		}
	}
}

// writeNumbers keeps the numbers that wait.
func (g *Gate) writeNumbers() error {
	g.mu.Lock()
	batch := make(map[journal.SubjectID]numbering.E164, len(g.unwritten))
	for s, n := range g.unwritten {
		batch[s] = n
	}
	g.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	err := g.o.DB.Write(context.Background(), func(tx *sql.Tx) error {
		for s, n := range batch {
			if !g.waits(s) {
				continue // erased meanwhile
			}
			if _, err := tx.Exec(sqlAddNumber, string(s), g.seal(s, string(n))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep numbers: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for s := range batch {
		delete(g.unwritten, s)
	}
	return nil
}

func (g *Gate) waits(s journal.SubjectID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.unwritten[s]
	return ok
}

// NumberForRouting returns an outside number for the telephone itself; never for a
// page.
func (g *Gate) NumberForRouting(s journal.SubjectID) numbering.E164 {
	if !isNumber(s) {
		return ""
	}
	n, _ := g.behind(s)
	return numbering.E164(n)
}

// behind returns the name or number of a pseudonym; false if it was erased or never
// kept.
func (g *Gate) behind(s journal.SubjectID) (string, bool) {
	g.mu.Lock()
	text, ok := g.names[s]
	if !ok && isNumber(s) {
		var r remembered
		if r, ok = g.numbers.get(s); !ok {
			r.number, ok = g.unwritten[s]
		}
		text = string(r.number)
	}
	g.mu.Unlock()
	if ok || !isNumber(s) {
		return text, ok
	}
	var sealed []byte
	err := g.o.DB.Read(context.Background(), func(tx *sql.Tx) error {
		return tx.QueryRow(sqlSubject, string(s)).Scan(&sealed)
	})
	if err != nil {
		return "", false
	}
	if text, ok = g.unseal(s, sealed); ok {
		g.mu.Lock()
		g.numbers.touch(s, remembered{number: numbering.E164(text)})
		g.mu.Unlock()
	}
	return text, ok
}

// recent remembers the numbers of the last callers: two generations of at most
// keptNumbers each, the older one is forgotten when the younger is full.
type recent struct {
	young, old map[journal.SubjectID]remembered
}

// remembered is a number with whether it called, and was not only looked at: the
// journal refers to it then.
type remembered struct {
	number numbering.E164
	called bool
}

const keptNumbers = 4096

func newRecent() recent { return recent{young: map[journal.SubjectID]remembered{}} }

// touch remembers a number and says whether it was remembered already.
func (r *recent) touch(s journal.SubjectID, n remembered) bool {
	was, known := r.get(s)
	if _, young := r.young[s]; !young && len(r.young) >= keptNumbers {
		r.old, r.young = r.young, map[journal.SubjectID]remembered{}
	}
	n.called = n.called || was.called
	r.young[s] = n
	return known
}

func (r *recent) get(s journal.SubjectID) (remembered, bool) {
	if n, ok := r.young[s]; ok {
		return n, true
	}
	n, ok := r.old[s]
	return n, ok
}

func (r *recent) remove(s journal.SubjectID) {
	delete(r.young, s)
	delete(r.old, s)
}
