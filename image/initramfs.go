package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Types of files in an archive, as stat(2) has them.
const (
	cpioFile    = 0o100000
	cpioFolder  = 0o040000
	cpioLink    = 0o120000
	cpioDevice  = 0o020000
	cpioTrailer = "TRAILER!!!"
)

// cpioWriter writes an archive in the form "newc", which the kernel unpacks as its first
// file system. Everything in it belongs to root and has the same time.
type cpioWriter struct {
	w    io.Writer
	ino  int
	at   int // octets written
	made time.Time
	err  error
}

// add writes an entry; device are major and minor number of a device.
func (c *cpioWriter) add(name string, mode uint32, body []byte, device [2]int) {
	c.ino++
	links := 1
	if mode&cpioFolder == cpioFolder {
		links = 2
	}
	made := c.made.Unix()
	if name == cpioTrailer {
		c.ino, mode, made, links = 0, 0, 0, 1
	}
	head := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", c.ino, mode, 0, 0, links, made,
		len(body), 0, 0, device[0], device[1], len(name)+1, 0)
	c.write([]byte(head + name + "\x00"))
	c.pad()
	c.write(body)
	c.pad()
}

func (c *cpioWriter) pad() { c.write(make([]byte, (4-c.at%4)%4)) }

func (c *cpioWriter) write(b []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(b)
		c.at += len(b)
	}
}

func (c *cpioWriter) folder(name string) { c.add(name, cpioFolder|0o755, nil, [2]int{}) }

func (c *cpioWriter) file(name string, mode fs.FileMode, body []byte) {
	c.add(name, cpioFile|uint32(mode.Perm()), body, [2]int{})
}

// folders of the initramfs; what is mounted at start needs a place.
var folders = []string{"boot", "data", "dev", "etc", "etc/ssl", "etc/ssl/certs", "lib", "lib/modules", "proc", "run", "sbin", "sys", "tmp"}

// initramfsName is the file of the initramfs in a slot.
const initramfsName = "initramfs.zst"

// initramfs packs the program as /init with everything that it needs beside it. The
// kernel unpacks this form in half the time of gzip's.
func initramfs(program []byte, index []byte, modules map[string][]byte, files []rootFile, made time.Time) ([]byte, error) {
	var out bytes.Buffer
	// One worker: the same octets, whatever the machine. The kernel checks no sum.
	z, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	c := &cpioWriter{w: z, made: made}
	for _, f := range folders {
		c.folder(f)
	}
	c.add("dev/console", cpioDevice|0o600, nil, [2]int{5, 1})
	c.add("dev/null", cpioDevice|0o666, nil, [2]int{1, 3})
	c.add("etc/resolv.conf", cpioLink|0o777, []byte("/run/resolv.conf"), [2]int{})
	c.file("etc/passwd", 0o644, []byte("root:x:0:0:root:/:/nologin\n"))
	c.file("etc/group", 0o644, []byte("root:x:0:\n"))
	for _, f := range files {
		c.file(f.path, f.mode, f.body)
	}
	c.file("lib/modules/index", 0o644, index)
	for _, name := range sortedKeys(modules) {
		c.file("lib/modules/"+name, 0o644, modules[name])
	}
	c.file("init", 0o755, program)
	c.add(cpioTrailer, 0, nil, [2]int{})
	c.write(make([]byte, (512-c.at%512)%512))
	if c.err != nil {
		return nil, c.err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// pack compresses without a name or a time.
func pack(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
