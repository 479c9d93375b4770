//go:build imagetest

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"centralino/board/boot"
	"centralino/internal/testbed"
)

// TestImageRaspi3b starts the slot of a Raspberry Pi on QEMU's model 3 B, from the emulated
// memory card: kernel, device tree, first process, data partition, serving program. QEMU
// lacks that board's network, so nothing more can be asked of it.
func TestImageRaspi3b(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	image := builtImage(t, "qemu-raspi3b", t.TempDir())
	enlarge(t, image, 1<<30) // QEMU takes cards of powers of two
	kernel, initramfs, cmdline := slotOf(t, image)
	slot := masterBootRecord().Partition(boot.PartSlotA)
	const tree = "bcm2837-rpi-3-b.dtb"
	dtb := filepath.Join(t.TempDir(), tree)
	want(t, "device tree", os.WriteFile(dtb, readFAT(t, image, int64(slot.Start)*boot.Sector, int64(slot.Len)*boot.Sector, tree), 0o644))
	p := testbed.Start(t, nil, testbed.Command{Path: "qemu-system-aarch64", Args: []string{"-M", "raspi3b", "-display", "none",
		"-kernel", kernel, "-initrd", initramfs, "-dtb", dtb, "-append", strings.ReplaceAll(cmdline, "quiet loglevel=4", "loglevel=7"),
		"-drive", "if=sd,format=raw,file=" + image, "-serial", "null", "-serial", "stdio"}})
	for _, line := range []string{"centralino: first process", "read-only=true", "centralino: disk name=mmcblk", "centralino: the data partition was grown", "is running."} {
		if err := p.WaitOutput(within(t, limit), line); err != nil {
			t.Fatalf("%v\n%s", err, p.Output())
		}
	}
	p.Kill()
}
