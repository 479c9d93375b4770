package update

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A bundle is one file:
//
//	magic[16] keyID[8] signature[64] length[4] manifest blocks
//
// The signature (Ed25519, RFC 8032) is over signed + manifest. The blocks stand in
// their order; one that is all zero is left out, its sum says so. The first block
// that does not fit its sum ends the reading: what Next has given out is genuine.
const (
	magic      = "centralino-slot\n"
	signed     = "centralino update manifest 1\x00" // keeps the key's signatures apart from any others
	blockSize  = 256 << 10
	sector     = 512
	headerSize = len(magic) + 8 + ed25519.SignatureSize + 4
)

// Bundle reads a bundle whose manifest was verified.
type Bundle struct {
	m      Manifest
	head   []byte // as it stands in the file, with the manifest
	r      io.Reader
	stored bool // the last block stands in the file
	next   int
	buf    []byte
	zeros  [][sha256.Size]byte // sums of a whole and of the last block of zeros
	unsafe bool                // takes blocks unchecked: for the control of the tests alone
}

// Open reads the head of a bundle and verifies its manifest by one of the keys. It
// reads no further than the manifest. Its errors are Refusals; a reader that fails is
// Truncated, with its cause.
func Open(r io.Reader, keys Keys) (*Bundle, error) {
	if len(keys) == 0 {
		return nil, refuse(NoKeys, "")
	}
	head := make([]byte, headerSize)
	if n, err := io.ReadFull(r, head); err != nil {
		if n < len(magic) || string(head[:len(magic)]) != magic {
			return nil, refuse(NotABundle, "%d octets", n)
		}
		return nil, short(err, "in the head")
	}
	if string(head[:len(magic)]) != magic {
		return nil, refuse(NotABundle, "another kind of file")
	}
	rest := head[len(magic):]
	id, sig := [8]byte(rest[:8]), rest[8:8+ed25519.SignatureSize]
	size := binary.BigEndian.Uint32(rest[8+ed25519.SignatureSize:])
	if size == 0 || size > manifestMax {
		return nil, refuse(Tampered, "manifest of %d octets", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, short(err, "in the manifest")
	}
	if err := verify(keys, id, text, sig); err != nil {
		return nil, err
	}
	m, err := parseManifest(text)
	if err != nil {
		return nil, &Refusal{Reason: Malformed, Err: err}
	}
	return newBundle(m, append(head, text...), r), nil
}

func newBundle(m Manifest, head []byte, r io.Reader) *Bundle {
	b := &Bundle{m: m, head: head, r: r, buf: make([]byte, m.Block)}
	last := m.length(m.blocks() - 1)
	b.zeros = [][sha256.Size]byte{sha256.Sum256(b.buf), sha256.Sum256(b.buf[:last])}
	return b
}

func verify(keys Keys, id [8]byte, text, sig []byte) error {
	if bytes.Count(sig, []byte{0}) == len(sig) {
		return refuse(Unsigned, "")
	}
	key := keys.find(id)
	if key == nil {
		return refuse(ForeignKey, "key %x", id)
	}
	if !ed25519.Verify(key, append([]byte(signed), text...), sig) {
		return refuse(Tampered, "key %x", id)
	}
	return nil
}

// short is the refusal of a bundle that cannot be read to its end. Its cause is never
// io.EOF, which Next keeps for the end of a whole bundle.
func short(err error, format string, args ...any) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Refusal{Reason: Truncated, Detail: fmt.Sprintf(format, args...), Err: err}
}

// Manifest is what was signed.
func (b *Bundle) Manifest() Manifest { return b.m }

// Next gives the next block and its place in the slot, checked against the manifest;
// it is valid until the next call. A block of zeros is given like any other. After
// the last block, and only if nothing follows it in the file, comes io.EOF.
func (b *Bundle) Next() (at int64, block []byte, err error) {
	i := b.next
	if i == b.m.blocks() {
		if n, err := io.ReadFull(b.r, b.buf[:1]); n != 0 {
			return 0, nil, refuse(Trailing, "")
		} else if !errors.Is(err, io.EOF) {
			return 0, nil, short(err, "after the last block")
		}
		return 0, nil, io.EOF
	}
	block = b.buf[:b.m.length(i)]
	zero := b.zeros[0]
	if len(block) < b.m.Block {
		zero = b.zeros[1]
	}
	b.stored = !bytes.Equal(b.m.sum(i), zero[:])
	if !b.stored {
		clear(block)
	} else if err := b.read(i, block); err != nil {
		return 0, nil, err
	}
	b.next++
	return int64(i) * int64(b.m.Block), block, nil
}

// read fills and checks a block that stands in the file.
func (b *Bundle) read(i int, block []byte) error {
	if _, err := io.ReadFull(b.r, block); err != nil {
		return short(err, "in block %d of %d", i+1, b.m.blocks())
	}
	if sum := sha256.Sum256(block); !b.unsafe && !bytes.Equal(sum[:], b.m.sum(i)) {
		return refuse(Damaged, "block %d of %d", i+1, b.m.blocks())
	}
	return nil
}

// Make writes a bundle of a slot's image, signed by key. It reads the image twice:
// for the sums and for the blocks. The tail of zeros that an image may have is left
// out: free space of the slot's file system need not be written.
func Make(w io.Writer, m Manifest, image io.ReaderAt, size int64, key ed25519.PrivateKey) error {
	m.Format, m.Product, m.Block = manifestFormat, product, blockSize
	m.Made = m.Made.UTC()
	buf := make([]byte, blockSize)
	blank := make([]byte, blockSize)
	var full []bool
	used := 0
	for at := int64(0); at < size; at += blockSize {
		block := buf[:min(blockSize, size-at)]
		if _, err := image.ReadAt(block, at); err != nil && !(errors.Is(err, io.EOF) && at+int64(len(block)) == size) {
			return fmt.Errorf("read image: %w", err)
		}
		sum := sha256.Sum256(block)
		m.Sums = append(m.Sums, sum[:]...)
		full = append(full, !bytes.Equal(block, blank[:len(block)]))
		if full[len(full)-1] {
			used = len(full)
		}
	}
	m.Size, m.Sums = min(size, int64(used)*blockSize), m.Sums[:used*sha256.Size]
	if err := m.check(); err != nil {
		return fmt.Errorf("make bundle: %w", err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("make bundle: %w", err)
	}
	if len(text) > manifestMax {
		return fmt.Errorf("make bundle: %w: %d octets", errManifest, len(text))
	}
	if _, err := w.Write(head(text, key)); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	for i, there := range full[:used] {
		if !there {
			continue
		}
		block := buf[:m.length(i)]
		if _, err := image.ReadAt(block, int64(i)*blockSize); err != nil && !(errors.Is(err, io.EOF) && i == used-1) {
			return fmt.Errorf("read image: %w", err)
		}
		if _, err := w.Write(block); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	return nil
}

// head is everything before the blocks.
func head(manifest []byte, key ed25519.PrivateKey) []byte {
	id := keyID(key.Public().(ed25519.PublicKey))
	out := append([]byte(magic), id[:]...)
	out = append(out, ed25519.Sign(key, append([]byte(signed), manifest...))...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(manifest)))
	return append(out, manifest...)
}
