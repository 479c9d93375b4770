// Command bundle makes the keys that updates are signed with, and signs an update
// bundle of a slot's image, for makers of own images. The private key stays where it
// is run; boxes get its public half when their image is built (-X main.updateKeys).
package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"centralino/board/update"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

// Files that -slots makes in the folder of a simulated box (cmd/appliance, -sim): the
// box reads the public one when it starts.
const (
	simKey    = "update.key"
	simPublic = "update.pub"
)

func run(args []string, out io.Writer) error {
	f := flag.NewFlagSet("bundle", flag.ContinueOnError)
	fresh := f.String("new-key", "", "make a key to sign with in this file, print its public half, and do nothing else")
	show := f.String("public", "", "print the public half of the key in this file, and do nothing else")
	key := f.String("key", "", "file with the key to sign with (PKCS #8, PEM)")
	slots := f.String("slots", "", "in place of -key: the -slots folder of a simulated box; keys for it are made if missing, and it must be started anew then")
	from := f.String("image", "", "image of the slot's partition; without it a small one that only a simulated box can use")
	boards := f.String("boards", "sim", "images that the bundle is for, separated by commas")
	name := f.String("version", "", "version, for people")
	number := f.Uint64("release", 0, "number of the release; a higher one is newer")
	to := f.String("out", "", "the bundle; on a USB stick its name must end in .bundle")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *fresh != "" {
		public, err := newKey(*fresh)
		if err == nil {
			fmt.Fprintln(out, public)
		}
		return err
	}
	if *show != "" {
		key, err := readKey(*show)
		if err == nil {
			fmt.Fprintln(out, update.PublicText(key))
		}
		return err
	}
	if *to == "" || *name == "" || (*key == "") == (*slots == "") {
		return errors.New("-out, -version and one of -key and -slots are needed; -h tells all")
	}
	if *slots != "" {
		*key = filepath.Join(*slots, simKey)
		if err := simKeys(*slots, *key, out); err != nil {
			return err
		}
	}
	m := update.Manifest{Version: *name, Release: *number, Boards: strings.Split(*boards, ","), Made: time.Now()}
	return write(*to, m, *from, *key)
}

// simKeys makes the keys of a simulated box that has none.
func simKeys(slots, key string, out io.Writer) error {
	if _, err := os.Stat(key); err == nil {
		return nil
	}
	if err := os.MkdirAll(slots, 0o700); err != nil {
		return err
	}
	public, err := newKey(key)
	if err == nil {
		err = os.WriteFile(filepath.Join(slots, simPublic), []byte(public+"\n"), 0o600)
	}
	if err == nil {
		fmt.Fprintln(out, "Keys were made: start the simulated box anew, then it takes this bundle.")
	}
	return err
}

// newKey makes a key and returns its public half; a file that is there stays.
func newKey(path string) (public string, err error) {
	text, err := update.NewPrivateKey()
	if err != nil {
		return "", err
	}
	key, err := update.ParsePrivateKey(text)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("write key: %w", err)
	}
	_, err = f.Write(text)
	return update.PublicText(key), errors.Join(err, f.Close())
}

func readKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return update.ParsePrivateKey(text)
}

// write makes the bundle; half of one does not stay.
func write(to string, m update.Manifest, from, keyFile string) error {
	key, err := readKey(keyFile)
	if err != nil {
		return err
	}
	image, size, err := slotImage(from, m.Version)
	if err != nil {
		return err
	}
	defer image.Close()
	f, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	if err = errors.Join(update.Make(f, m, image, size, key), f.Close()); err != nil {
		_ = os.Remove(to) // best effort: nobody would take it
	}
	return err
}

// readerAtCloser is an image to read.
type readerAtCloser interface {
	io.ReaderAt
	io.Closer
}

// inMemory is an image that was made just now.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// slotImage opens the image of a slot; without a file it is a small one.
func slotImage(from, version string) (readerAtCloser, int64, error) {
	if from == "" {
		line := []byte("Simulated slot, version " + version + "\n")
		b := bytes.Repeat(line, 1<<20/len(line))
		b = b[:len(b)/512*512]
		return inMemory{bytes.NewReader(b)}, int64(len(b)), nil
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, 0, fmt.Errorf("read image: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, 0, fmt.Errorf("read image: %w", err)
	}
	return f, info.Size(), nil
}
