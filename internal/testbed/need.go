package testbed

import (
	"os"
	"os/exec"
	"testing"
)

// packages says which Debian package brings a tool, for the message of Need.
var packages = map[string]string{
	"baresip":   "baresip-core",
	"kamailio":  "kamailio",
	"sipp":      "sip-tester",
	"espeak-ng": "espeak-ng",
	"ip":        "iproute2",
	"tshark":    "tshark",
	"dumpcap":   "tshark",
	"vgetty":    "mgetty-voice",
	"vm":        "mgetty-voice",
	"chromium":  "chromium",
	"dnsmasq":   "dnsmasq-base",
	"fsck.vfat": "dosfstools",
	"e2fsck":    "e2fsprogs",
	"xz":        "xz-utils",
	"linphonec": "linphone-cli",

	"qemu-system-aarch64": "qemu-system-arm",
}

// InCI reports whether this run must not leave out anything (CI=true).
func InCI() bool { return os.Getenv("CI") == "true" }

// Need skips the test when one of the tools is not installed and says which
// package brings it. In CI a missing tool fails the test instead. Tools are looked
// up in PATH and in /usr/sbin and /sbin, where Debian keeps some of them.
func Need(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := lookTool(tool); err != nil {
			Missing(t, "%s is not installed (Debian: apt-get install %s)", tool, packageOf(tool))
		}
	}
}

// Missing ends a test that cannot run here: skipped at a desk, failed in CI.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if InCI() {
		t.Fatalf("needed in CI: "+format, args...)
	}
	t.Skipf("left out: "+format, args...)
}

func packageOf(tool string) string {
	if p, ok := packages[tool]; ok {
		return p
	}
	return tool
}

// lookTool finds a tool's path.
func lookTool(tool string) (string, error) {
	p, err := exec.LookPath(tool)
	if err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if p, e := exec.LookPath(dir + tool); e == nil {
			return p, nil
		}
	}
	return "", err
}
