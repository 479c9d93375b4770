package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"centralino/board/boot"
)

// moduleInfo is what a module says of itself (modinfo(8)).
type moduleInfo struct {
	name    string
	depends []string
	before  []string // softdep: wanted before it, by name or alias
	aliases []string
}

// chosen is a module of the image.
type chosen struct {
	info moduleInfo
	file string
	body []byte // unpacked: a board's processor takes seconds for what the package has packed
}

// chooseModules takes the wanted modules with all that they need. Names are compared
// with underscores. What is part of the kernel itself is there anyway; a wanted one that
// is neither is an error: a kernel that lacks a driver must not be noticed at an
// installer's.
func chooseModules(files map[string][]byte, builtin []string, wanted, always []string) ([]boot.Module, map[string][]byte, error) {
	byName := map[string]string{}
	for file := range files {
		byName[moduleName(file)] = file
	}
	have := map[string]*chosen{}
	var add func(name string, why string) error
	add = func(name, why string) error {
		name = moduleName(name)
		if have[name] != nil {
			return nil
		}
		file, ok := byName[name]
		if !ok && slices.Contains(builtin, name) {
			return nil
		}
		if !ok {
			return fmt.Errorf("the kernel has no module %s (%s)", name, why)
		}
		body, err := plainModule(files[file])
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		info, err := readModule(body)
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		info.name, info.before = name, known(info.before, byName)
		have[name] = &chosen{info, strings.TrimSuffix(file, packedModule), body}
		for _, d := range info.depends {
			if err := add(d, "needed by "+name); err != nil {
				return err
			}
		}
		for _, s := range have[name].info.before {
			if err := add(s, "wanted by "+name); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range slices.Concat(always, wanted) {
		if err := add(name, "wanted"); err != nil {
			return nil, nil, err
		}
	}
	bodies := map[string][]byte{}
	var list []boot.Module
	for _, name := range slices.Sorted(keysOf(have)) {
		c := have[name]
		m := boot.Module{Name: name, File: c.file, Aliases: c.info.aliases, Always: containsName(always, name)}
		for _, n := range slices.Concat(c.info.before, c.info.depends) {
			if n = moduleName(n); have[n] != nil && !slices.Contains(m.Needs, n) {
				m.Needs = append(m.Needs, n)
			}
		}
		list, bodies[c.file] = append(list, m), c.body
	}
	return list, bodies, nil
}

// withSticks has some modules loaded with the drivers of USB sticks; where these are part
// of the kernel, at every start.
func withSticks(list []boot.Module, names, drivers []string) {
	driven := false
	for i := range list {
		if m := &list[i]; containsName(drivers, m.Name) {
			driven = true
			for _, l := range list {
				if containsName(names, l.Name) {
					m.Needs = append(m.Needs, l.Name)
				}
			}
		}
	}
	for i := range list {
		if !driven && containsName(names, list[i].Name) {
			list[i].Always = true
		}
	}
}

// known takes the modules of a soft dependency that there are: by name, or by that of
// the plain form of an algorithm ("crc32c" is crc32c_generic). Others are part of the
// kernel or of another processor.
func known(names []string, files map[string]string) (list []string) {
	for _, n := range names {
		for _, n := range []string{moduleName(n), moduleName(n) + "_generic"} {
			if files[n] != "" {
				list = append(list, n)
				break
			}
		}
	}
	return list
}

func containsName(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return moduleName(s) == name })
}

// moduleName is the kernel's name of a module, by its file.
func moduleName(file string) string {
	name, _, _ := strings.Cut(file, ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// packedModule is how the file of a packed module ends.
const packedModule = ".xz"

// plainModule unpacks a module, if it is packed.
func plainModule(body []byte) ([]byte, error) {
	if bytes.HasPrefix(body, []byte(elf.ELFMAG)) {
		return body, nil
	}
	unpack := exec.Command("xz", "-dc")
	unpack.Stdin = bytes.NewReader(body)
	plain, err := unpack.Output()
	if err != nil {
		return nil, fmt.Errorf("unpack with xz: %w", err)
	}
	return plain, nil
}

// readModule reads a module's section .modinfo.
func readModule(body []byte) (moduleInfo, error) {
	f, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		return moduleInfo{}, err
	}
	s := f.Section(".modinfo")
	if s == nil {
		return moduleInfo{}, fmt.Errorf("it has no .modinfo")
	}
	data, err := s.Data()
	if err != nil {
		return moduleInfo{}, err
	}
	return parseModinfo(data), nil
}

// parseModinfo reads fields of the form "name=value", each ended by a zero.
func parseModinfo(data []byte) moduleInfo {
	var m moduleInfo
	for field := range bytes.SplitSeq(data, []byte{0}) {
		key, value, _ := strings.Cut(string(field), "=")
		switch key {
		case "alias":
			m.aliases = append(m.aliases, value)
		case "depends":
			for name := range strings.SplitSeq(value, ",") {
				if name != "" {
					m.depends = append(m.depends, name)
				}
			}
		case "softdep":
			if rest, ok := strings.CutPrefix(value, "pre:"); ok {
				rest, _, _ = strings.Cut(rest, "post:")
				m.before = append(m.before, strings.Fields(rest)...)
			}
		}
	}
	return m
}
