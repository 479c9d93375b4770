package main

// The pinned packages of Debian 13 for arm64. A mirror keeps a version for some time
// only: whoever makes images keeps the cache folder, too.

// kernelRelease is the kernel's own name of the version below.
const kernelRelease = "6.12.117+deb13-arm64"

var kernelImage = debPackage{
	name: "linux-image-6.12.117+deb13-arm64", version: "6.12.117-1",
	place:  "pool/updates/main/l/linux-signed-arm64/linux-image-6.12.117+deb13-arm64_6.12.117-1_arm64.deb",
	sha256: "73805585385c78e048e63fdfba66da36bab724c2cdebd96a3055a8a4f1ae287a",
	origin: "linux 6.12.117-1", licence: "GPL-2.0-only WITH Linux-syscall-note",
}

var raspiFirmware = debPackage{
	name: "raspi-firmware", version: "1.20240424+ds-6",
	place:  "pool/non-free-firmware/r/raspi-firmware/raspi-firmware_1.20240424+ds-6_all.deb",
	sha256: "f95a3d3c41df10bac33580be91b595efa1e126ad5e4b7eca75ce26fbbc69af06",
	origin: "raspi-firmware 1.20240424+ds-6", licence: "LicenseRef-Broadcom-RaspberryPi",
}

var checkerPackage = debPackage{
	name: "e2fsck-static", version: "1.47.2-3+b12",
	place:  "pool/main/e/e2fsprogs/e2fsck-static_1.47.2-3+b12_arm64.deb",
	sha256: "a3c7aaac77ecd6f8521bdff1c4b9ac27cde3179801c38adf3c7ae317d09a6ef8",
	origin: "e2fsprogs 1.47.2-3, glibc 2.41-12+deb13u4", licence: "GPL-2.0-only AND LGPL-2.1-or-later",
}

var authorityPackage = debPackage{
	name: "ca-certificates", version: "20250419+deb13u1",
	place:  "pool/updates/main/c/ca-certificates/ca-certificates_20250419+deb13u1_all.deb",
	sha256: "c10585ac22c7f617a73d394eea29ba71d0356f350ae973b19043d1b017f80f54",
	origin: "ca-certificates 20250419+deb13u1", licence: "MPL-2.0 AND GPL-2.0-or-later",
}

// piKernel is the Raspberry Pi's own kernel as gokrazy builds it. It passes the argument
// "tryboot" of a restart on to the firmware (drivers/firmware/raspberrypi.c of that
// kernel), which no other kernel does.
var piKernel = goKernel{
	path:    "github.com/gokrazy/kernel.rpi",
	version: "v0.0.0-20251127164438-9778ec0261de",
	sum:     "h1:RSLWj1Ska9s4cl+n/bC5LY4s8vLr+tZoO2vMm/wGP64=",
	release: "6.12.47-v8",
	serial:  "serial0", // the firmware puts the name in its place that the kernel of the model has
	trees: []string{
		"bcm2711-rpi-4-b.dtb", "bcm2711-rpi-400.dtb", "bcm2711-rpi-cm4.dtb", "bcm2711-rpi-cm4-io.dtb", "bcm2711-rpi-cm4s.dtb",
		"bcm2710-rpi-3-b.dtb", "bcm2710-rpi-3-b-plus.dtb", "bcm2710-rpi-cm3.dtb", "bcm2710-rpi-zero-2.dtb", "bcm2710-rpi-zero-2-w.dtb",
		"bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb", "bcm2712-rpi-500.dtb", "bcm2712-rpi-cm5-cm5io.dtb", "bcm2712-rpi-cm5-cm4io.dtb",
		"bcm2712-rpi-cm5l-cm5io.dtb", "bcm2712-rpi-cm5l-cm4io.dtb",
		// The firmware adds the first by itself where the chip is of the newer kind (D0), without
		// which the kernel stops; config.txt asks for the second.
		"overlays/bcm2712d0.dtbo", "overlays/dwc2.dtbo", "overlays/overlay_map.dtb",
	},
	lacks: []string{"nls_utf8", "nls_iso8859_1", "pl2303", "qcserial", "ax88179_178a", "8021q"},
}
