package main

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// What the box prints at its start works as it stands there: the page's address opens
// the page, and the command makes a caller ring, also in folders with a strange name.
func TestWhatThePrintedLinesSayWorks(t *testing.T) {
	testbed.Need(t, "ip")
	t.Parallel()
	r := &running{t: t, net: testbed.NewNet(t, "a"), data: filepath.Join(t.TempDir(), "it's the data")}
	r.args = []string{"serve", "-sim", "-data", r.data, "-http", "0.0.0.0:8080", "-https", ""}
	r.start()
	printed := func(label string) string {
		t.Helper()
		m := regexp.MustCompile(`(?m)^  ` + label + ` +(\S.*)$`).FindStringSubmatch(r.proc.Output())
		if m == nil {
			t.Fatalf("no line %q in:\n%s", label, r.proc.Output())
		}
		return m[1]
	}
	browser := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		at, err := netip.ParseAddrPort(addr)
		if err != nil {
			return nil, err
		}
		return r.net.Box().DialTCP(ctx, at)
	}}}
	defer browser.CloseIdleConnections()
	page, err := browser.Get(printed("Page"))
	r.want("open "+printed("Page"), err)
	page.Body.Close()
	if page.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s", printed("Page"), page.Status)
	}
	r.linesReady()
	caller := testbed.Start(t, r.net.Box(), testbed.Command{Path: "sh", Args: []string{"-c", "exec " + printed("Outside caller")}})
	for _, s := range []string{"line-1 rings: 0612345678 calls", "answered"} {
		r.want(s, caller.WaitOutput(limit(t, 30*time.Second), s))
	}
	caller.Stop()
}

func TestProgramIsNamedFromTheFolderWhereItWasStarted(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{
		filepath.Dir(self):               "./" + filepath.Base(self),
		filepath.Dir(filepath.Dir(self)): "./" + filepath.Join(filepath.Base(filepath.Dir(self)), filepath.Base(self)),
		t.TempDir():                      self,
	} {
		t.Chdir(folder)
		if got := program(); got != want {
			t.Errorf("in %s it is called %s, want %s", folder, got, want)
		}
	}
	if got := asWord("/it's/a b"); got != `'/it'\''s/a b'` {
		t.Errorf("quoted: %s", got)
	}
}
