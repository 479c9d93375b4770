//go:build imagetest

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/board/boot"
	"centralino/internal/testbed"
)

// TestImageRaspi3b starts slots of a Raspberry Pi on QEMU's model 3 B, from the emulated
// memory card: kernel, device tree, first process, data partition, serving program. QEMU
// lacks that board's network, so nothing more can be asked of it.
func TestImageRaspi3b(t *testing.T) {
	t.Chdir("..")
	testbed.Need(t, "qemu-system-aarch64", "e2fsck")
	t.Run("the image for QEMU's model", func(t *testing.T) {
		startPi(t, builtImage(t, "qemu-raspi3b", t.TempDir()), "bcm2837-rpi-3-b.dtb", "")
	})
	// The same slot that a card in a real board starts from. As the firmware does, it gets the
	// name of the serial console and what the device tree wants in the command line.
	t.Run("the image for the boards", func(t *testing.T) {
		startPi(t, builtImage(t, "rpi", t.TempDir()), "bcm2710-rpi-3-b.dtb", " 8250.nr_uarts=1 coherent_pool=1M",
			"brcm,bcm2836-vchiq", "", "brcm,bcm2835-vchiq", "", // the firmware's processor, which QEMU does not have
			"brcm,bcm2835-pm\x00brcm,bcm2835-pm-wdt", "", // the watchdog, which resets QEMU's board at once
			"brcm,bcm2835-mmc\x00brcm,bcm2835-sdhci", "", // the wireless network, which it does not have either
			"brcm,overclock-50\x00", "brcm,force-pio\x00\x00\x00\x00") // writing to the card by DMA, which it does not finish
	})
}

// startPi starts the slot of an image with a device tree of it, some of whose words are
// replaced or, by an empty one, taken out, in pairs; more is added to the command line.
func startPi(t *testing.T, image, tree, more string, words ...string) {
	enlarge(t, image, 1<<30) // QEMU takes cards of powers of two
	kernel, initramfs, cmdline := slotOf(t, image)
	slot := masterBootRecord().Partition(boot.PartSlotA)
	body := readFAT(t, image, int64(slot.Start)*boot.Sector, int64(slot.Len)*boot.Sector, tree)
	for ; len(words) > 0; words = words[2:] {
		was, is := []byte(words[0]), bytes.Repeat([]byte("-"), len(words[0])) // all places stay where they are
		copy(is, words[1])
		if !bytes.Contains(body, was) {
			t.Errorf("%s has no %q", tree, was)
		}
		body = bytes.ReplaceAll(body, was, is)
	}
	dtb := filepath.Join(t.TempDir(), tree)
	want(t, "device tree", os.WriteFile(dtb, body, 0o644))
	began := time.Now()
	p := testbed.Start(t, nil, testbed.Command{Path: "qemu-system-aarch64", Args: []string{"-M", "raspi3b", "-display", "none",
		"-kernel", kernel, "-initrd", initramfs, "-dtb", dtb, "-append", strings.NewReplacer("quiet loglevel=4", "loglevel=7", "serial0", "ttyS0").Replace(cmdline) + more,
		"-drive", "if=sd,format=raw,file=" + image, "-serial", "null", "-serial", "stdio"}})
	for _, line := range []string{"centralino: first process", "read-only=true", "centralino: disk name=mmcblk", "centralino: the data partition was grown", "is running."} {
		if err := p.WaitOutput(within(t, limit), line); err != nil {
			t.Fatalf("%v\n%s", err, p.Output())
		}
	}
	t.Logf("the program runs %.1f s after power-on", time.Since(began).Seconds())
	p.Kill()
}
