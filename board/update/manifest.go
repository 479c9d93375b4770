package update

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Manifest says what a bundle holds and for whom. It is signed; nothing else of a
// bundle is believed. Size, Block and Sums are set by Make.
type Manifest struct {
	Format  int       `json:"format"`
	Product string    `json:"product"`
	Version string    `json:"version"` // for people, at most 64 printable characters
	Release uint64    `json:"release"` // grows with every release; decides what is older
	Boards  []string  `json:"boards"`  // images that this slot is for: "rpi", "qemu-virt" …
	Made    time.Time `json:"made"`
	Size    int64     `json:"size"`  // octets of the slot's image
	Block   int       `json:"block"` // octets of a block but the last
	Sums    []byte    `json:"sums"`  // the SHA-256 of each block, one after the other
}

const (
	manifestFormat = 1
	product        = "centralino"
	manifestMax    = 1 << 20
	blockMin       = 4 << 10
	blockMax       = 1 << 20
	imageMax       = 1 << 30
	boardsMax      = 16
	wordMax        = 64
)

// errManifest is the cause of every manifest that is refused as malformed.
var errManifest = errors.New("manifest")

// parseManifest reads a manifest strictly: an unknown field, a second value or a
// figure out of its limits is an error.
func parseManifest(b []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("%w: %w", errManifest, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return m, fmt.Errorf("%w: something follows it", errManifest)
	}
	return m, m.check()
}

func (m *Manifest) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", errManifest, fmt.Sprintf(format, args...))
	}
	switch {
	case m.Format != manifestFormat:
		return bad("format %d, this program knows %d", m.Format, manifestFormat)
	case m.Product != product:
		return bad("product %q", m.Product)
	case !word(m.Version):
		return bad("version %q", m.Version)
	case len(m.Boards) == 0 || len(m.Boards) > boardsMax || !every(m.Boards, word):
		return bad("boards %q", m.Boards)
	case m.Size <= 0 || m.Size > imageMax || m.Size%sector != 0:
		return bad("size %d", m.Size)
	case m.Block < blockMin || m.Block > blockMax || m.Block&(m.Block-1) != 0:
		return bad("block of %d", m.Block)
	case len(m.Sums) != m.blocks()*sha256.Size:
		return bad("%d octets of sums for %d blocks", len(m.Sums), m.blocks())
	}
	return nil
}

// word says whether a text is short and printable ASCII without spaces, so that it
// can stand in any log and page.
func word(s string) bool {
	return s != "" && len(s) <= wordMax && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

func every(list []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !ok(s) })
}

func (m *Manifest) blocks() int { return int((m.Size + int64(m.Block) - 1) / int64(m.Block)) }

// length is how many octets block i has.
func (m *Manifest) length(i int) int {
	return int(min(int64(m.Block), m.Size-int64(i)*int64(m.Block)))
}

func (m *Manifest) sum(i int) []byte { return m.Sums[i*sha256.Size : (i+1)*sha256.Size] }

// Box is what a bundle must fit.
type Box struct {
	Board     string // the image that runs
	Release   uint64 // its release
	SlotSize  int64  // octets of the free slot
	Downgrade bool   // the button was pressed for it
}

// Admit says whether a box takes what a manifest offers: for this board, not older,
// not larger than the slot. The same release once more is taken.
func Admit(m Manifest, b Box) error {
	switch {
	case !slices.Contains(m.Boards, b.Board):
		return refuse(WrongBoard, "for %s, this is %s", strings.Join(m.Boards, " "), b.Board)
	case m.Release < b.Release && !b.Downgrade:
		return refuse(Older, "release %d, here runs %d", m.Release, b.Release)
	case m.Size > b.SlotSize:
		return refuse(TooLarge, "%d octets, the slot has %d", m.Size, b.SlotSize)
	}
	return nil
}
