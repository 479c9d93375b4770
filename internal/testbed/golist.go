package testbed

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// GoEnv returns a setting of the go command.
func GoEnv(t testing.TB, name string) string {
	t.Helper()
	return strings.TrimSpace(goCommand(t, nil, "env", name))
}

// LinkedModules returns the folder of every module, but ours, that the packages of
// the box and their tests link on Linux of an architecture.
func LinkedModules(t testing.TB, arch string) map[string]string {
	t.Helper()
	env := []string{"GOOS=linux", "GOARCH=" + arch, "CGO_ENABLED=0"}
	out := goCommand(t, env, "list", "-e", "-deps", "-test", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", "centralino/...")
	mods := map[string]string{}
	for line := range strings.Lines(out) {
		path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok && path != "" {
			mods[path] = dir
		}
	}
	return mods
}

// Shipped is a module that is linked into the appliance itself.
type Shipped struct{ Path, Version, Dir string }

// ShippedModules returns the modules that the appliance links on any architecture
// it is built for, by path.
func ShippedModules(t testing.TB) []Shipped {
	t.Helper()
	found := map[string]Shipped{}
	for _, arch := range []string{"amd64", "arm64", "arm"} {
		env := []string{"GOOS=linux", "GOARCH=" + arch, "CGO_ENABLED=0"}
		out := goCommand(t, env, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "centralino/cmd/appliance")
		for line := range strings.Lines(out) {
			if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
				found[f[0]] = Shipped{f[0], f[1], f[2]}
			}
		}
	}
	list := make([]Shipped, 0, len(found))
	for _, s := range found {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Shipped) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// goCommand runs the go command in the module of the test and returns what it
// printed.
func goCommand(t testing.TB, env []string, args ...string) string {
	t.Helper()
	c := exec.Command("go", args...)
	c.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out)
}
