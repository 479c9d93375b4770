package update

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errFAT is the cause of every file system that cannot be read.
var errFAT = errors.New("FAT32")

// fileSector finds a file of the root folder of a FAT32 file system and returns where
// its one sector lies. It is an error if the file has another size than one sector.
// The name has the form 8.3. (Microsoft FAT specification 1.03: the boot sector, and
// directory entries of 32 octets.)
func fileSector(r io.ReaderAt, name string) (at int64, err error) {
	boot := make([]byte, sector)
	if _, err := r.ReadAt(boot, 0); err != nil {
		return 0, fmt.Errorf("read boot sector: %w", err)
	}
	le := binary.LittleEndian
	g := fatGeometry{
		bytes: int64(le.Uint16(boot[11:])), cluster: int64(boot[13]), reserved: int64(le.Uint16(boot[14:])),
		fats: int64(boot[16]), fatSize: int64(le.Uint32(boot[36:])), root: int64(le.Uint32(boot[44:])),
	}
	switch {
	case boot[510] != 0x55 || boot[511] != 0xaa, g.bytes != sector, g.cluster == 0 || g.cluster&(g.cluster-1) != 0,
		g.fats == 0, g.fatSize == 0, le.Uint16(boot[22:]) != 0:
		return 0, fmt.Errorf("%w: no such file system", errFAT)
	}
	want := shortName(name)
	// A root folder of more clusters than the table can name goes in circles.
	for cluster, seen := g.root, int64(0); g.names(cluster); seen++ {
		if seen > g.fatSize*sector/4 {
			return 0, fmt.Errorf("%w: the root folder has no end", errFAT)
		}
		folder := make([]byte, g.cluster*sector)
		if _, err := r.ReadAt(folder, g.place(cluster)); err != nil {
			return 0, fmt.Errorf("read root folder: %w", err)
		}
		for ; len(folder) > 0 && folder[0] != 0; folder = folder[32:] {
			const volume = 0x08 // also of entries that hold long names
			if string(folder[:11]) != want || folder[11]&volume != 0 {
				continue
			}
			first := int64(le.Uint16(folder[20:]))<<16 | int64(le.Uint16(folder[26:]))
			if size := le.Uint32(folder[28:]); size != sector || !g.names(first) {
				return 0, fmt.Errorf("%w: %s has %d octets, not %d", errFAT, name, size, sector)
			}
			return g.place(first), nil
		}
		if len(folder) > 0 {
			break // a free entry ends the folder
		}
		entry := make([]byte, 4)
		if _, err := r.ReadAt(entry, g.reserved*sector+cluster*4); err != nil {
			return 0, fmt.Errorf("read allocation table: %w", err)
		}
		cluster = int64(le.Uint32(entry) & 0x0fffffff)
	}
	return 0, fmt.Errorf("%w: there is no %s", errFAT, name)
}

type fatGeometry struct{ bytes, cluster, reserved, fats, fatSize, root int64 }

// names says whether a number is that of a cluster that the table has.
func (g fatGeometry) names(cluster int64) bool {
	return cluster >= 2 && cluster < g.fatSize*sector/4 && cluster < 0x0ffffff7
}

func (g fatGeometry) place(cluster int64) int64 {
	return (g.reserved + g.fats*g.fatSize + (cluster-2)*g.cluster) * sector
}

// shortName is how a directory entry holds a name.
func shortName(name string) string {
	stem, ext, _ := strings.Cut(strings.ToUpper(name), ".")
	return fmt.Sprintf("%-8.8s%-3.3s", stem, ext)
}
