package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// goKernel is a kernel that comes as a Go module, pinned.
type goKernel struct {
	path, version string
	sum           string // of the module, as in go.sum
	release       string
	serial        string
	trees         []string // device trees and their additions, below the module's root
	lacks         []string // modules that others have, with underscores
}

// goModules is the provider of kernels from Go modules. The go command fetches them and
// checks their sums; what is not the kernel comes from Debian's packages.
type goModules struct{ debian }

func (g goModules) inputs(t target) (*inputs, error) {
	if len(t.firmware) == 0 {
		return nil, fmt.Errorf("the kernel of %s is for the Raspberry Pi, %s is none", piKernel.path, t.name)
	}
	folder, err := piKernel.fetch()
	if err != nil {
		return nil, err
	}
	in := &inputs{firmware: map[string][]byte{}}
	if err := piKernel.read(os.DirFS(folder), in); err != nil {
		return nil, fmt.Errorf("kernel %s: %w", piKernel.path, err)
	}
	return in, g.others(t, in)
}

// fetch has the go command fetch the module, if it is not in its cache yet, and returns
// its folder.
func (k goKernel) fetch() (string, error) {
	var said strings.Builder
	c := exec.Command("go", "mod", "download", "-json", k.path+"@"+k.version)
	c.Dir, c.Stderr = os.TempDir(), &said // in no module: it would be written into its go.sum
	out, err := c.Output()
	var answer struct{ Dir, Sum, Error string }
	if e := json.Unmarshal(out, &answer); e != nil || err != nil || answer.Error != "" {
		return "", fmt.Errorf("fetch %s: %w: %s%s", k.path, errors.Join(err, e), answer.Error, said.String())
	}
	if answer.Sum != k.sum {
		return "", fmt.Errorf("fetch %s: its sum is %s, not %s", k.path, answer.Sum, k.sum)
	}
	return answer.Dir, nil
}

// read takes the kernel, its modules and its device trees from the module's folder.
func (k goKernel) read(folder fs.FS, in *inputs) error {
	in.release, in.serial, in.lacks = k.release, k.serial, k.lacks
	in.modules, in.trees = map[string][]byte{}, map[string][]byte{}
	var err error
	if in.kernel, err = fs.ReadFile(folder, "vmlinuz"); err != nil {
		return err
	}
	for _, name := range k.trees {
		if in.trees[name], err = fs.ReadFile(folder, name); err != nil {
			return err
		}
	}
	modules := path.Join("lib/modules", k.release)
	list, err := fs.ReadFile(folder, path.Join(modules, "modules.builtin"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(list)) {
		in.builtin = append(in.builtin, moduleName(path.Base(strings.TrimSpace(line))))
	}
	err = fs.WalkDir(folder, modules, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(name, ".ko") {
			return err
		}
		in.modules[filepath.Base(name)], err = fs.ReadFile(folder, name)
		return err
	})
	if err != nil {
		return err
	}
	origin, err := fs.ReadFile(folder, "_build/upstream-url.txt")
	if err != nil {
		return err
	}
	in.sources = append(in.sources, source{Name: k.path, Version: k.version, Licence: "GPL-2.0-only",
		Origin: fmt.Sprintf("Linux %s from %s, settings and patches in _build of the module, %s", k.release, strings.TrimSpace(string(origin)), k.sum)})
	return nil
}

// had leaves out of wanted modules what the kernel is known not to have.
func (in *inputs) had(wanted []string) []string {
	return slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return slices.Contains(in.lacks, moduleName(name)) })
}
