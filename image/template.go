package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"

	"centralino/board/boot"
)

// makeTemplate has mke2fs (of e2fsprogs) make the empty data partition and keeps of it
// what is not zero. Its journal is that of a larger disk, and it keeps room to grow to
// 512 GiB. The result is committed (board/boot/template.bin): a box formats with it, and
// no two builds differ by it. It has one inode for 64 KiB: what a box keeps is one database
// and recordings, and the kernel writes every table of inodes once when a card has grown.
func makeTemplate(result string) error {
	f, err := os.CreateTemp("", "data*.ext4")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := f.Truncate(boot.TemplateSize); err != nil {
		return err
	}
	out, err := exec.Command("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-i", "32768", "-m", "1", "-L", "DATA", "-J", "size=16",
		"-U", "43454e54-5241-4c49-4e4f-000000000001",
		"-E", "resize=134217728,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0,hash_seed=43454e54-5241-4c49-4e4f-000000000002", f.Name()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mke2fs: %w: %s", err, out)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	block, zero := make([]byte, 4096), make([]byte, 4096)
	for n := uint32(0); ; n++ {
		if _, err := io.ReadFull(f, block); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if bytes.Equal(block, zero) {
			continue
		}
		if _, err := z.Write(binary.BigEndian.AppendUint32(nil, n)); err != nil {
			return err
		}
		if _, err := z.Write(block); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(result, packed.Bytes(), 0o644)
}
