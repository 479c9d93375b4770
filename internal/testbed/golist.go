package testbed

import (
	"bytes"
	"os"
	"os/exec"
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
