// Command image builds what an installer writes to a memory card: the flashable image of
// a board, with everything that is published beside it. It needs no root, fetches kernel
// and firmware as pinned packages and builds the same octets twice from the same sources.
//
// Layout of the disk (master boot record, see package boot): 1 FAT32 with the choice of
// the slot and centralino.txt; 2 and 3 FAT32 slots, each kernel, device trees, firmware
// and the program in one initramfs; 4 ext4 data, which grows at the first start.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	target    target
	kernel    string // provider of the kernel
	program   string // the appliance, built for the board's processor
	version   string
	release   uint64 // grows with every release; decides which update is older
	key       string // file of the key that signs; empty: nothing is signed, there is no bundle
	out       string // folder of the results
	cache     string // folder of what was fetched
	made      time.Time
	publish   bool
	place     string // where the image is published, for Imager's list; empty: not known
	maker     string // whom to ask for the source of what is under the GNU licences; empty: who passed it on
	fetchOnly bool
}

func run(args []string, out io.Writer) error {
	if len(args) == 2 && args[0] == "template" {
		return makeTemplate(args[1])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.cache, 0o755); err != nil {
		return err
	}
	from, ok := providerByName(o.kernel, debian{cache: o.cache, say: out})
	if !ok {
		return fmt.Errorf("kernel %q is not known; choose one of %s, %s", o.kernel, debianKernel, moduleKernel)
	}
	in, err := from.inputs(o.target)
	if err != nil {
		return fmt.Errorf("kernel and firmware of %s: %w", o.target.name, err)
	}
	if o.fetchOnly {
		return nil
	}
	b := &build{options: o, in: in}
	if err := b.readKey(); err != nil {
		return err
	}
	if err := b.all(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d MiB, kernel %s, slot %.1f MB, sha256 %s\n", b.name("img"), diskSize>>20, in.release, float64(b.slotUsed)/1e6, b.sum)
	if !o.publish {
		return nil
	}
	return b.publishAll(out)
}

func parse(args []string) (options, error) {
	f := flag.NewFlagSet("image", flag.ContinueOnError)
	var o options
	name := f.String("board", "", "target: "+targetNames())
	f.StringVar(&o.kernel, "kernel", "", "where the kernel comes from: debian (package) or module (Go module); by the board if empty")
	f.StringVar(&o.program, "program", "", "the appliance for the board's processor (GOARCH=arm64)")
	f.StringVar(&o.version, "version", "dev", "version of the image")
	f.Uint64Var(&o.release, "release", 0, "number of the release; a higher one is newer")
	f.StringVar(&o.key, "key", "", "file of the key that signs the update bundle and the sums (PKCS #8, PEM); without it neither is made")
	f.StringVar(&o.out, "out", "bin/image", "folder of the results")
	f.StringVar(&o.cache, "cache", ".cache/image", "folder of what was fetched; may be deleted at any time")
	f.BoolVar(&o.publish, "publish", false, "also compress and write the block map, checksums and Imager's list")
	f.StringVar(&o.place, "place", "", "address under which the image is published, with its last slash, for Imager's list")
	f.StringVar(&o.maker, "maker", "", "name and address of whoever passes the image on, for the offer of source code in it")
	f.BoolVar(&o.fetchOnly, "fetch", false, "only fetch kernel and firmware")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var ok bool
	if o.target, ok = targetByName(*name); !ok {
		return o, fmt.Errorf("board %q is not known; choose one of %s", *name, targetNames())
	}
	o.kernel = cmp.Or(o.kernel, o.target.kernel)
	if o.program == "" && !o.fetchOnly {
		return o, errors.New("name the program with -program")
	}
	made, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return o, errors.New("set SOURCE_DATE_EPOCH to the time of the sources: the same image is built twice only from the same time")
	}
	o.made = time.Unix(made, 0).UTC()
	o.out = filepath.Join(o.out, o.target.name)
	return o, nil
}
