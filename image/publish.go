package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// publishAll compresses the image and writes what tools that flash it want to have: the
// block map of bmaptool, checksums, and the list of Raspberry Pi Imager.
func (b *build) publishAll(say io.Writer) error {
	// What is in the image is compressed already: more than the lowest level takes minutes
	// and saves nothing.
	for ending, command := range map[string][]string{"img.xz": {"xz", "-1", "-T1", "-c"}, "img.zst": {"zstd", "-q", "-3", "-c"}} {
		if err := compress(b.name("img"), b.name(ending), command); err != nil {
			return err
		}
	}
	m, err := blockMap(b.name("img"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.name("bmap"), m, 0o644); err != nil {
		return err
	}
	if err := b.writeImager(); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, ending := range []string{"bmap", "img", "img.xz", "img.zst", "spdx.json"} {
		sum, err := sumOf(b.name(ending))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, filepath.Base(b.name(ending)))
		if i, err := os.Stat(b.name(ending)); err == nil {
			fmt.Fprintf(say, "%s: %.1f MB\n", b.name(ending), float64(i.Size())/1e6)
		}
	}
	return os.WriteFile(b.name("sha256"), sums.Bytes(), 0o644)
}

func compress(from, to string, command []string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	defer dst.Close()
	var said bytes.Buffer
	c := exec.Command(command[0], command[1:]...)
	c.Stdin, c.Stdout, c.Stderr = src, dst, &said
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", command[0], err, said.Bytes())
	}
	return dst.Close()
}

// mapBlock is the unit of the block map.
const mapBlock = 4096

// The block map of bmaptool, version 2.0: what of the image is not zero.
type (
	bmapFile struct {
		XMLName  xml.Name    `xml:"bmap"`
		Version  string      `xml:"version,attr"`
		Size     int64       `xml:"ImageSize"`
		Block    int         `xml:"BlockSize"`
		Blocks   int64       `xml:"BlocksCount"`
		Mapped   int64       `xml:"MappedBlocksCount"`
		Checksum string      `xml:"ChecksumType"`
		Own      string      `xml:"BmapFileChecksum"`
		Ranges   []bmapRange `xml:"BlockMap>Range"`
	}
	bmapRange struct {
		Sum   string `xml:"chksum,attr"`
		Range string `xml:",chardata"`
	}
)

// blockMap makes the map of an image. Its own checksum is that of the map with zeros in
// the place of it.
func blockMap(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := bmapFile{Version: "2.0", Block: mapBlock, Checksum: "sha256", Own: string(bytes.Repeat([]byte("0"), 64))}
	block, zero := make([]byte, mapBlock), make([]byte, mapBlock)
	sum, first := sha256.New(), int64(-1)
	closeRange := func(next int64) {
		if first < 0 {
			return
		}
		text := fmt.Sprintf("%d-%d", first, next-1)
		if first == next-1 {
			text = fmt.Sprint(first)
		}
		m.Ranges = append(m.Ranges, bmapRange{hex.EncodeToString(sum.Sum(nil)), text})
		first = -1
		sum.Reset()
	}
	for ; ; m.Blocks++ {
		n, err := io.ReadFull(f, block)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		m.Size += int64(n)
		if bytes.Equal(block[:n], zero[:n]) {
			closeRange(m.Blocks)
			continue
		}
		if first < 0 {
			first = m.Blocks
		}
		m.Mapped++
		sum.Write(block[:n])
	}
	closeRange(m.Blocks)
	text, err := m.marshal()
	if err != nil {
		return nil, err
	}
	m.Own = sumOfBytes(text)
	return m.marshal()
}

func (m *bmapFile) marshal() ([]byte, error) {
	text, err := xml.MarshalIndent(m, "", " ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}

// The list of Raspberry Pi Imager, format 4.
type (
	imagerList struct {
		Systems []imagerSystem `json:"os_list"`
	}
	imagerSystem struct {
		Name         string   `json:"name"`
		Description  string   `json:"description"`
		URL          string   `json:"url"`
		Released     string   `json:"release_date"`
		Size         int64    `json:"extract_size"`
		Sum          string   `json:"extract_sha256"`
		Download     int64    `json:"image_download_size"`
		DownloadSum  string   `json:"image_download_sha256"`
		Devices      []string `json:"devices,omitempty"`
		InitFormat   string   `json:"init_format"`
		Architecture string   `json:"architecture"`
	}
)

// writeImager writes the list with the file's bare name as its address: whoever publishes
// it puts the place before it.
func (b *build) writeImager() error {
	packed := b.name("img.xz")
	i, err := os.Stat(packed)
	if err != nil {
		return err
	}
	sum, err := sumOf(packed)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(imagerList{[]imagerSystem{{
		Name: "Centralino " + b.version, Description: "Centralino telefonico per piccoli uffici (" + b.target.title + ")",
		URL: filepath.Base(packed), Released: b.made.Format("2006-01-02"), Size: diskSize, Sum: b.sum,
		Download: i.Size(), DownloadSum: sum, Devices: b.target.devices, InitFormat: "none", Architecture: "armv8",
	}}}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.name("imager.json"), append(text, '\n'), 0o644)
}
