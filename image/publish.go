package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"centralino/board/boot"
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
		if err := smallEnough(b.name(ending)); err != nil {
			return err
		}
	}
	m, err := blockMap(b.name("img"), spans())
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
	for _, ending := range []string{"bmap", bundleEnding, "icon.svg", "imager.json", "img", "img.xz", "img.zst", "spdx.json"} {
		if ending == bundleEnding && b.signer == nil {
			continue
		}
		sum, err := sumOf(b.name(ending))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, filepath.Base(b.name(ending)))
		if i, err := os.Stat(b.name(ending)); err == nil {
			fmt.Fprintf(say, "%s: %.1f MB\n", b.name(ending), float64(i.Size())/1e6)
		}
	}
	if err := os.WriteFile(b.name("sha256"), sums.Bytes(), 0o644); err != nil {
		return err
	}
	return b.signSums(sums.Bytes())
}

// packedMost is how many octets a packed image may have: an installer fetches it over a
// slow line.
const packedMost = 60_000_000

// smallEnough refuses a packed image that has grown too large.
func smallEnough(name string) error {
	i, err := os.Stat(name)
	if err == nil && i.Size() > packedMost {
		err = fmt.Errorf("%s has %d octets, more than %d", name, i.Size(), packedMost)
	}
	return err
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

// The block map of bmaptool, version 2.0: what of the image must be written.
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

// span is a part of the image, in blocks, the end not included. Of one that is not whole
// what follows its last block that is not zero need not be written.
type span struct {
	from, to int64
	whole    bool
}

// spans are the parts of the image that must be on the card as they are in the image:
// what a tool leaves out keeps what was on the card before. The tables of a FAT mean
// something where they are zero, and so does every block of the data partition; the
// second slot means nothing yet.
func spans() []span {
	m := masterBootRecord()
	list := []span{{0, 1, true}}
	for _, n := range []int{boot.PartSelector, boot.PartSlotA, boot.PartData} {
		p := m.Partition(n)
		from := int64(p.Start) * boot.Sector / mapBlock
		list = append(list, span{from, from + int64(p.Len)*boot.Sector/mapBlock, n == boot.PartData})
	}
	return list
}

// blockMap makes the map of an image that consists of spans. Its own checksum is that of
// the map with zeros in the place of it.
func blockMap(name string, parts []span) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	m := bmapFile{Version: "2.0", Block: mapBlock, Checksum: "sha256", Own: strings.Repeat("0", 64),
		Size: info.Size(), Blocks: (info.Size() + mapBlock - 1) / mapBlock}
	for _, p := range parts {
		last, err := lastBlock(f, p)
		if err != nil {
			return nil, err
		}
		if last < p.from {
			continue
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, io.NewSectionReader(f, p.from*mapBlock, (last+1-p.from)*mapBlock)); err != nil {
			return nil, err
		}
		text := fmt.Sprintf("%d-%d", p.from, last)
		if p.from == last {
			text = fmt.Sprint(last)
		}
		m.Ranges = append(m.Ranges, bmapRange{hex.EncodeToString(sum.Sum(nil)), text})
		m.Mapped += last + 1 - p.from
	}
	text, err := m.marshal()
	if err != nil {
		return nil, err
	}
	m.Own = sumOfBytes(text)
	return m.marshal()
}

// lastBlock is the last block of a span that must be written, one before the span if
// none must.
func lastBlock(f io.ReaderAt, p span) (int64, error) {
	last := p.to - 1
	block, zero := make([]byte, mapBlock), make([]byte, mapBlock)
	for ; !p.whole && last >= p.from; last-- {
		if _, err := f.ReadAt(block, last*mapBlock); err != nil {
			return 0, err
		}
		if !bytes.Equal(block, zero) {
			break
		}
	}
	return last, nil
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
		Icon         string   `json:"icon"`
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

// icon is the picture beside the name in Imager's list, 40 by 40: three lamps over a
// handset.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" rx="8" fill="#1d3557"/>` +
	`<circle cx="10" cy="10" r="3" fill="#8ce99a"/><circle cx="20" cy="10" r="3" fill="#8ce99a"/><circle cx="30" cy="10" r="3" fill="#ffd43b"/>` +
	`<path d="M7 30c0-16 26-16 26 0h-7v-5c-4-2-8-2-12 0v5z" fill="#ffffff"/></svg>
`

// writeImager writes the list and its picture. The names in it are behind the place where
// the image is published; without one whoever publishes it puts that before them.
func (b *build) writeImager() error {
	picture, packed := b.name("icon.svg"), b.name("img.xz")
	if err := os.WriteFile(picture, []byte(icon), 0o644); err != nil {
		return err
	}
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
		Icon: b.place + filepath.Base(picture), URL: b.place + filepath.Base(packed),
		Released: b.made.Format("2006-01-02"), Size: diskSize, Sum: b.sum, Download: i.Size(), DownloadSum: sum, Devices: b.target.devices, InitFormat: "none", Architecture: "armv8",
	}}}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.name("imager.json"), append(text, '\n'), 0o644)
}
