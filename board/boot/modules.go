package boot

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Module is a loadable part of the kernel.
type Module struct {
	Name    string   // with underscores
	File    string   // in the folder of modules
	Needs   []string // names of those that must be there before it
	Aliases []string // patterns of the devices that it drives
	Always  bool     // loaded at every start: nothing in the machine asks for it
}

// Index finds modules by name and by device.
type Index struct {
	modules map[string]*Module
	aliases map[string][]alias // by what stands before the colon: "usb", "of"
}

type alias struct {
	literal, pattern string // what stands before the first wildcard, and all
	module           *Module
}

// NewIndex makes an index of modules.
func NewIndex(list []Module) *Index {
	x := &Index{modules: map[string]*Module{}, aliases: map[string][]alias{}}
	for i := range list {
		m := &list[i]
		x.modules[m.Name] = m
		for _, a := range m.Aliases {
			a = flat(a)
			bus, _, _ := strings.Cut(a, ":")
			literal := a
			if n := strings.IndexAny(a, "*?[\\"); n >= 0 {
				literal = a[:n]
			}
			x.aliases[bus] = append(x.aliases[bus], alias{literal, a, m})
		}
	}
	return x
}

// flat takes the slashes out, which path.Match would treat otherwise.
func flat(s string) string { return strings.ReplaceAll(s, "/", "_") }

// For lists the modules that drive the device of a modalias, as the kernel writes it.
func (x *Index) For(modalias string) []*Module {
	modalias = flat(strings.TrimSpace(modalias))
	bus, _, _ := strings.Cut(modalias, ":")
	var found []*Module
	for _, a := range x.aliases[bus] {
		if !strings.HasPrefix(modalias, a.literal) || slices.Contains(found, a.module) {
			continue
		}
		if ok, err := path.Match(a.pattern, modalias); ok && err == nil {
			found = append(found, a.module)
		}
	}
	return found
}

// Always lists the modules that every start loads, by name.
func (x *Index) Always() []*Module {
	var list []*Module
	for _, m := range x.modules {
		if m.Always {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *Module) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Order lists a module and what it needs, in the order of loading. What is not in the
// index is left out: it is part of the kernel itself.
func (x *Index) Order(m *Module) []*Module {
	var list []*Module
	var visit func(m *Module)
	seen := map[string]bool{}
	visit = func(m *Module) {
		if seen[m.Name] {
			return
		}
		seen[m.Name] = true
		for _, n := range m.Needs {
			if need := x.modules[n]; need != nil {
				visit(need)
			}
		}
		list = append(list, m)
	}
	visit(m)
	return list
}

// WriteIndex writes modules in the form that ParseIndex reads: a line of fields parted by
// tabs for each module ("m", name, file, "always" or nothing, needs parted by spaces),
// followed by one for each of its aliases ("a", pattern).
func WriteIndex(w io.Writer, list []Module) error {
	b := bufio.NewWriter(w)
	for _, m := range list {
		always := ""
		if m.Always {
			always = "always"
		}
		fmt.Fprintf(b, "m\t%s\t%s\t%s\t%s\n", m.Name, m.File, always, strings.Join(m.Needs, " "))
		for _, a := range m.Aliases {
			fmt.Fprintf(b, "a\t%s\n", a)
		}
	}
	return b.Flush()
}

// ParseIndex reads what WriteIndex wrote.
func ParseIndex(b []byte) (*Index, error) {
	var list []Module
	n := 0
	for line := range bytes.Lines(b) {
		n++
		f := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
		switch {
		case f[0] == "m" && len(f) == 5 && f[1] != "" && f[2] != "":
			list = append(list, Module{Name: f[1], File: f[2], Always: f[3] == "always", Needs: strings.Fields(f[4])})
		case f[0] == "a" && len(f) == 2 && len(list) > 0:
			m := &list[len(list)-1]
			m.Aliases = append(m.Aliases, f[1])
		default:
			return nil, fmt.Errorf("line %d of the index of modules", n)
		}
	}
	return NewIndex(list), nil
}
