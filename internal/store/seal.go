package store

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// A backup file is a header in clear and a stream of sealed chunks:
//
//	magic[16] time[4] memoryKiB[4] threads[1] salt[16]
//	chunk: ChaCha20-Poly1305(up to 64 KiB), nonce = counter[8] 0 0 0 last[1],
//	       additional data = header
//
// The key is Argon2id (RFC 9106) of the password with the salt, so every file has
// its own key and the counter never repeats. The last chunk is marked: a file that
// was cut short does not open.
const (
	magic     = "CENTRALINO-BKP1\n"
	headerLen = len(magic) + 4 + 4 + 1 + 16
	chunkLen  = 64 << 10
)

// What is used when sealing, and the most that is accepted when opening: a
// hostile header must not cost more memory than the box has.
const (
	argonTimeMax                   = 10
	argonMemoryMin, argonMemoryMax = 8 << 10, 128 << 10 // KiB
	argonThreadsMax                = 4
)

// cost is what deriving the key costs when sealing (RFC 9106 section 4, second
// recommended option). Tests make it cheap.
var cost = struct {
	time, memoryKiB uint32
	threads         uint8
}{3, 64 << 10, 1}

// Errors of a backup that can't be read.
var (
	// ErrPassword: wrong password, or the file was changed; they can't be told apart.
	ErrPassword = errors.New("wrong password or damaged backup")
	// ErrNoBackup: the file is not a backup of this box, or of an unknown format.
	ErrNoBackup = errors.New("not a backup file")
	// ErrRefused: the file opens, but what is in it is not acceptable.
	ErrRefused = errors.New("backup refused")
	// ErrShortPassword: a backup needs a password of at least 8 characters.
	ErrShortPassword = errors.New("password too short")
)

type sealer struct {
	w      io.Writer
	aead   cipher.AEAD
	header []byte
	n      uint64
	buf    []byte // up to chunkLen octets in clear
	out    []byte
}

func newSealer(w io.Writer, password string) (*sealer, error) {
	header := make([]byte, headerLen)
	p := copy(header, magic)
	binary.BigEndian.PutUint32(header[p:], cost.time)
	binary.BigEndian.PutUint32(header[p+4:], cost.memoryKiB)
	header[p+8] = cost.threads
	rand.Read(header[p+9:]) // never fails
	aead, err := openKey(header, password)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(header); err != nil {
		return nil, err
	}
	return &sealer{w: w, aead: aead, header: header, buf: make([]byte, 0, chunkLen)}, nil
}

// openKey derives the key from a header that openHeader has checked.
func openKey(header []byte, password string) (cipher.AEAD, error) {
	p := len(magic)
	time, memory := binary.BigEndian.Uint32(header[p:]), binary.BigEndian.Uint32(header[p+4:])
	key := argon2.IDKey([]byte(password), header[p+9:], time, memory, header[p+8], chacha20poly1305.KeySize)
	return chacha20poly1305.New(key)
}

func nonce(n uint64, last bool) []byte {
	b := make([]byte, chacha20poly1305.NonceSize)
	binary.BigEndian.PutUint64(b, n)
	if last {
		b[len(b)-1] = 1
	}
	return b
}

// Write implements io.Writer. A full chunk is sealed only when more follows, so
// that Close always has a last one to mark.
func (s *sealer) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		if len(s.buf) == chunkLen {
			if err := s.seal(false); err != nil {
				return written, err
			}
		}
		n := min(chunkLen-len(s.buf), len(p))
		s.buf = append(s.buf, p[:n]...)
		p, written = p[n:], written+n
	}
	return written, nil
}

func (s *sealer) seal(last bool) error {
	s.out = s.aead.Seal(s.out[:0], nonce(s.n, last), s.buf, s.header)
	s.n++
	s.buf = s.buf[:0]
	_, err := s.w.Write(s.out)
	return err
}

// Close seals the last chunk. It does not close the underlying writer.
func (s *sealer) Close() error { return s.seal(true) }

type opener struct {
	r      io.Reader
	aead   cipher.AEAD
	header []byte
	n      uint64
	sealed []byte
	ahead  int // octets of sealed that are read
	clear  []byte
	last   bool
}

// newOpener checks the header and derives the key. It reads nothing but the header
// before it has checked what the header asks for.
func newOpener(r io.Reader, password string) (*opener, error) {
	header := make([]byte, headerLen)
	if _, err := io.ReadFull(r, header); err != nil || string(header[:len(magic)]) != magic {
		return nil, ErrNoBackup
	}
	p := len(magic)
	time, memory, threads := binary.BigEndian.Uint32(header[p:]), binary.BigEndian.Uint32(header[p+4:]), header[p+8]
	if time < 1 || time > argonTimeMax || memory < argonMemoryMin || memory > argonMemoryMax || threads < 1 || threads > argonThreadsMax {
		return nil, fmt.Errorf("%w: key derivation asks for %d passes, %d KiB, %d threads", ErrNoBackup, time, memory, threads)
	}
	aead, err := openKey(header, password)
	if err != nil {
		return nil, err
	}
	return &opener{r: r, aead: aead, header: header, sealed: make([]byte, chunkLen+chacha20poly1305.Overhead+1)}, nil
}

// Read implements io.Reader; io.EOF comes only after the marked last chunk.
func (o *opener) Read(p []byte) (int, error) {
	for len(o.clear) == 0 {
		if o.last {
			return 0, io.EOF
		}
		if err := o.open(); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.clear)
	o.clear = o.clear[n:]
	return n, nil
}

// open reads one chunk and one octet more, which tells whether it is the last.
func (o *opener) open() error {
	n, err := io.ReadFull(o.r, o.sealed[o.ahead:])
	n += o.ahead
	o.ahead = 0
	switch {
	case err == nil: // one octet of the next chunk is read
		n--
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		o.last = true
	default:
		return err
	}
	next := o.sealed[n:]
	clear, err := o.aead.Open(o.clear[:0:0], nonce(o.n, o.last), o.sealed[:n], o.header)
	if err != nil {
		return ErrPassword
	}
	o.n++
	o.clear = clear
	if !o.last {
		o.sealed[0] = next[0]
		o.ahead = 1
	}
	return nil
}
