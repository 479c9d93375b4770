package main

import "strings"

// target is a kind of image.
type target struct {
	name    string // for -board
	title   string
	kernel  string   // provider of its kernel, where none is asked for
	trees   []string // device trees of the kernel package, below its folder
	modules []string // beside those of every board
	cmdline string   // beside that of every board
	config  string   // config.txt of the Raspberry Pi's firmware; empty: none
	// firmware are files of the Raspberry Pi's firmware, in each slot; selector those that
	// the oldest boards read from the first partition. The Raspberry Pi 5 has its own in a
	// memory on the board.
	firmware, selector []string
	devices            []string // tags of Raspberry Pi Imager
}

// everyCmdline restarts a box whose kernel fails, lets the first process write into the
// kernel's log, and keeps the console quiet: a serial console is slow.
// Its tests of ciphers, of which the box uses none of the kernel's, are left out: under
// emulation they take two seconds of a start.
const everyCmdline = "panic=10 oops=panic printk.devkmsg=on cryptomgr.notests=1 quiet loglevel=4"

// serialPlace stands in a command line for what the kernel calls the serial console.
const serialPlace = "SERIAL"

// always are modules that nothing in a machine asks for; crc32c_generic is what ext4 asks
// the kernel's own loader for, which the image does not have.
var always = []string{"crc32c_generic", "ext4", "vfat", "nls_cp437", "nls_ascii"}

// forSticks are those that a USB stick's file system wants, and stickDrivers the modules
// with which they are loaded: the first stick may wait for them, the start need not.
var (
	forSticks    = []string{"exfat", "nls_utf8", "nls_iso8859-1"}
	stickDrivers = []string{"usb-storage", "uas"}
)

// everyModule are the modules of every board: storage, what a technician may plug into
// USB, clocks, lamps and buttons.
var everyModule = []string{
	"sd_mod", "usb-storage", "uas",
	"usbhid", "hid-generic", "evdev", "gpio_keys",
	"xhci-hcd", "xhci-pci", "xhci-plat-hcd", "ehci-hcd", "ehci-pci",
	"usbserial", "ftdi_sio", "cp210x", "ch341", "pl2303", "option", "qcserial", "cdc-acm",
	"usbnet", "cdc_ether", "r8152", "asix", "ax88179_178a",
	"snd-usb-audio",
	"leds-gpio", "rtc-ds1307",
	"8021q", "i6300esb",
}

// piModules drive the Raspberry Pi's own devices.
var piModules = []string{
	"mmc_block", "sdhci-iproc", "bcm2835", "bcm2835-rng", "bcm2835_thermal", "bcm2711_thermal",
	"genet", "bcm-phy-lib", "broadcom", "mdio-bcm-unimac", "lan78xx", "smsc95xx", "microchip", "smsc",
	"pcie-brcmstb", "reset-raspberrypi", "raspberrypi-cpufreq", "dwc2", "i2c-bcm2835", "spi-bcm2835", "i2c-dev", "spidev",
	"nvme", "gpio-raspberrypi-exp",
}

var targets = []target{
	{
		name:    "qemu-virt",
		kernel:  debianKernel,
		title:   "QEMU's virtual board",
		modules: []string{"virtio_pci", "virtio_mmio", "virtio_blk", "virtio_net", "virtio-rng", "virtio_console"},
		cmdline: "console=ttyAMA0",
	},
	{
		name:    "qemu-raspi3b",
		kernel:  debianKernel,
		title:   "QEMU's Raspberry Pi 3 Model B",
		trees:   []string{"broadcom/bcm2837-rpi-3-b.dtb"},
		modules: piModules, // without the watchdog: where QEMU starts it, it resets the board at once
		cmdline: "console=" + serialPlace + ",115200 centralino.board=qemu-raspi3b",
	},
	{
		name:   "rpi",
		kernel: moduleKernel, // Debian's does not tell the firmware to try the other slot
		title:  "Raspberry Pi 3, 4, 5, 400, 500, Zero 2 W and Compute Modules 3, 4 and 5",
		trees: []string{
			"broadcom/bcm2711-rpi-4-b.dtb", "broadcom/bcm2711-rpi-400.dtb", "broadcom/bcm2711-rpi-cm4-io.dtb",
			"broadcom/bcm2837-rpi-3-a-plus.dtb", "broadcom/bcm2837-rpi-3-b.dtb", "broadcom/bcm2837-rpi-3-b-plus.dtb",
			"broadcom/bcm2837-rpi-cm3-io3.dtb", "broadcom/bcm2837-rpi-zero-2-w.dtb",
		},
		modules: append([]string{"bcm2835_wdt"}, piModules...),
		cmdline: "console=tty1 console=" + serialPlace + ",115200",
		config:  piConfig,
		firmware: []string{"start4cd.elf", "fixup4cd.dat", "start_cd.elf", "fixup_cd.dat", // those of gpu_mem=16
			"start4.elf", "fixup4.dat", "start.elf", "fixup.dat", "bootcode.bin"},
		selector: []string{"bootcode.bin"},
		devices:  []string{"pi5-64bit", "pi4-64bit", "pi3-64bit"},
	},
}

// piConfig is config.txt of a slot. The sections switch the USB sockets on that a Compute
// Module leaves off: those of the 4, and of the 5 on a board made for the 4.
const piConfig = `# Centralino: one slot. Changes are lost with the next update.
arm_64bit=1
kernel=kernel8.img
initramfs ` + initramfsName + ` followkernel
enable_uart=1
disable_splash=1
disable_overscan=1
gpu_mem=16

[cm4]
otg_mode=1

[cm5]
dtoverlay=dwc2,dr_mode=host

[all]
`

func targetByName(name string) (target, bool) {
	for _, t := range targets {
		if t.name == name {
			return t, true
		}
	}
	return target{}, false
}

func targetNames() string {
	var names []string
	for _, t := range targets {
		names = append(names, t.name)
	}
	return strings.Join(names, ", ")
}
