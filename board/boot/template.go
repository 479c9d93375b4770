package boot

import (
	_ "embed"
	"errors"
	"io"
)

// TemplateSize is that of the data partition before it has grown, in octets.
const TemplateSize = 64 << 20

// templateBlock is the unit in which the template is kept.
const templateBlock = 4096

// template is an empty ext4 of TemplateSize with room to grow to half a terabyte: its
// blocks that are not zero, each after its number, compressed. "go run ./image template board/boot/template.bin" makes it.
//
//go:embed template.bin
var template []byte

var errTemplate = errors.New("the template of the data partition is damaged")

// WriteTemplate writes the empty file system onto a partition whose first TemplateSize
// octets are zero.
func WriteTemplate(w io.WriterAt) error {
	return eachBlock(func(n int64, block []byte) error {
		_, err := w.WriteAt(block, n*templateBlock)
		return err
	})
}
