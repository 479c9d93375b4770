package main

import "io/fs"

// inputs are what an image is made of besides our own program.
type inputs struct {
	release  string   // of the kernel, "6.12.117+deb13-arm64"
	serial   string   // what it calls the serial console of a Raspberry Pi
	lacks    []string // wanted modules that it is known not to have, with underscores
	kernel   []byte   // as it is unpacked
	modules  map[string][]byte
	builtin  []string          // names of modules that are part of the kernel
	trees    map[string][]byte // by their name in the slot, which may have a folder
	firmware map[string][]byte // of the Raspberry Pi, by file name
	files    []rootFile        // of the initramfs
	sources  []source
}

// rootFile is a file of the initramfs.
type rootFile struct {
	path string
	mode fs.FileMode
	body []byte
}

// source is where a part of the image comes from, for the list that comes with it.
type source struct {
	Name, Version string
	SHA256        string // of the package
	Origin        string // the source package that the licence asks to offer
	Licence       string
}

// provider gives an image its kernel and firmware. What it fetches it checks against
// sums that stand in the source.
type provider interface {
	inputs(t target) (*inputs, error)
}

// Names of the providers, for -kernel.
const (
	debianKernel = "debian"
	moduleKernel = "module"
)

// providerByName finds a provider.
func providerByName(name string, d debian) (provider, bool) {
	switch name {
	case debianKernel:
		return d, true
	case moduleKernel:
		return goModules{d}, true
	}
	return nil, false
}
