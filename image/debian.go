package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// debPackage is a package of Debian, pinned. Its place in the archive holds nothing of
// the mirror: that is the building machine's own.
type debPackage struct {
	name, version string
	place         string
	sha256        string
	origin        string // source package and version
	licence       string
}

// debian is the provider of Debian's packages. It asks the machine's own apt where its
// mirror is and fetches with apt's own means, so that proxies and the like count.
type debian struct {
	cache string
	say   io.Writer
}

func (d debian) inputs(t target) (*inputs, error) {
	in := &inputs{release: kernelRelease, serial: "ttyS1", trees: map[string][]byte{}, firmware: map[string][]byte{}}
	if err := d.kernel(t, in); err != nil {
		return nil, err
	}
	return in, d.others(t, in)
}

// others takes what is not the kernel.
func (d debian) others(t target, in *inputs) error {
	if len(t.firmware) > 0 {
		files, err := d.unpack(raspiFirmware, func(name string) bool {
			return strings.HasPrefix(name, "usr/lib/raspi-firmware/") && slices.Contains(t.firmware, path.Base(name)) ||
				strings.HasSuffix(name, "raspi-firmware/copyright")
		})
		if err != nil {
			return err
		}
		for _, want := range t.firmware {
			b, ok := files["usr/lib/raspi-firmware/"+want]
			if !ok {
				return fmt.Errorf("%s holds no %s", raspiFirmware.name, want)
			}
			in.firmware[want] = b
		}
		in.firmware["LICENCE.broadcom"] = files["usr/share/doc/raspi-firmware/copyright"]
		in.use(raspiFirmware)
	}
	if err := d.checker(in); err != nil {
		return err
	}
	return d.authorities(in)
}

func (in *inputs) use(p debPackage) {
	in.sources = append(in.sources, source{p.name, p.version, p.sha256, p.origin, p.licence})
}

// kernel takes the kernel, its device trees and the modules of the target with what they
// need.
func (d debian) kernel(t target, in *inputs) error {
	moduleRoot := "usr/lib/modules/" + in.release + "/kernel/"
	builtinList := "usr/lib/modules/" + in.release + "/modules.builtin"
	treeRoot := "usr/lib/linux-image-" + in.release + "/"
	files, err := d.unpack(kernelImage, func(name string) bool {
		return name == "boot/vmlinuz-"+in.release || name == builtinList || strings.HasPrefix(name, moduleRoot) ||
			slices.Contains(t.trees, strings.TrimPrefix(name, treeRoot))
	})
	if err != nil {
		return err
	}
	if in.kernel = files["boot/vmlinuz-"+in.release]; in.kernel == nil {
		return fmt.Errorf("%s holds no kernel %s", kernelImage.name, in.release)
	}
	for _, tree := range t.trees {
		b, ok := files[treeRoot+tree]
		if !ok {
			return fmt.Errorf("%s holds no device tree %s", kernelImage.name, tree)
		}
		in.trees[path.Base(tree)] = b
	}
	in.modules = map[string][]byte{}
	for name, b := range files {
		if strings.HasPrefix(name, moduleRoot) {
			in.modules[path.Base(name)] = b
		}
	}
	for line := range strings.Lines(string(files[builtinList])) {
		in.builtin = append(in.builtin, moduleName(path.Base(strings.TrimSpace(line))))
	}
	in.use(kernelImage)
	return nil
}

// checker takes the static e2fsck.
func (d debian) checker(in *inputs) error {
	files, err := d.unpack(checkerPackage, func(name string) bool { return strings.HasSuffix(name, "sbin/e2fsck.static") })
	if err != nil {
		return err
	}
	for _, b := range files {
		in.files = append(in.files, rootFile{"sbin/e2fsck", 0o755, b})
	}
	if len(in.files) == 0 {
		return fmt.Errorf("%s holds no e2fsck.static", checkerPackage.name)
	}
	in.use(checkerPackage)
	return nil
}

// authorities joins the certificates that servers of mail and of other programs are
// checked with.
func (d debian) authorities(in *inputs) error {
	files, err := d.unpack(authorityPackage, func(name string) bool { return strings.HasSuffix(name, ".crt") })
	if err != nil {
		return err
	}
	var all bytes.Buffer
	for _, name := range slices.Sorted(keysOf(files)) {
		all.Write(bytes.TrimSpace(files[name]))
		all.WriteByte('\n')
	}
	if len(files) < 50 {
		return fmt.Errorf("%s holds %d certificates", authorityPackage.name, len(files))
	}
	in.files = append(in.files, rootFile{"etc/ssl/certs/ca-certificates.crt", 0o644, all.Bytes()})
	in.use(authorityPackage)
	return nil
}

// unpack fetches a package, if it is not there yet, and reads the wanted files of it.
func (d debian) unpack(p debPackage, want func(name string) bool) (map[string][]byte, error) {
	deb, err := d.fetch(p)
	if err != nil {
		return nil, err
	}
	unpack := exec.Command("dpkg-deb", "--fsys-tarfile", deb)
	out, err := unpack.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := unpack.Start(); err != nil {
		return nil, err
	}
	files, err := readTar(out, want)
	_, _ = io.Copy(io.Discard, out) // so that it ends by itself
	if e := unpack.Wait(); err == nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", p.name, err)
	}
	return files, nil
}

func readTar(r io.Reader, want func(name string) bool) (map[string][]byte, error) {
	files := map[string][]byte{}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || !want(name) {
			continue
		}
		if files[name], err = io.ReadAll(t); err != nil {
			return nil, err
		}
	}
}

// fetch returns the path of a package whose sum is the pinned one.
func (d debian) fetch(p debPackage) (string, error) {
	file := filepath.Join(d.cache, path.Base(p.place))
	if sum, err := sumOf(file); err == nil && sum == p.sha256 {
		return file, nil
	}
	mirrors, err := aptMirrors()
	if err != nil {
		return "", err
	}
	var errs []error
	for _, m := range mirrors {
		fmt.Fprintf(d.say, "fetching %s %s\n", p.name, p.version)
		out, err := exec.Command("/usr/lib/apt/apt-helper", "download-file", m+p.place, file, "SHA256:"+p.sha256).CombinedOutput()
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: %s", err, bytes.TrimSpace(out)))
			continue
		}
		sum, err := sumOf(file)
		if err == nil && sum == p.sha256 {
			return file, nil
		}
		errs = append(errs, fmt.Errorf("%s has the sum %s, not %s: %w", p.name, sum, p.sha256, err))
		_ = os.Remove(file)
	}
	return "", fmt.Errorf("%s %s: %w", p.name, p.version, errors.Join(errs...))
}

// aptMirrors asks apt for the archives that it uses itself.
func aptMirrors() ([]string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("ask apt for its mirror (a Debian machine is needed): %w", err)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		if m := strings.TrimSpace(line); m != "" && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("apt knows no archive")
	}
	return list, nil
}

func sumOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
