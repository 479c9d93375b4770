package ui_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"centralino/ui"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestHTTPSWithTheBoxsOwnAuthority(t *testing.T) {
	plain, secure := listen(t), listen(t)
	folder := t.TempDir()
	r := newRig(t, true, func(d *ui.Deps) {
		d.Names = func() []string { return []string{"centralino.local", "centralino"} }
		d.HTTP, d.HTTPS, d.HTTPSPort, d.DataDir = plain, secure, uint16(secure.Addr().(*net.TCPAddr).Port), folder
	})
	p := r.as(tech).get("/ca.crt").is(t, http.StatusOK)
	block, _ := pem.Decode([]byte(p.body))
	if block == nil {
		t.Fatal("no certificate to download")
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.body, "PRIVATE") {
		t.Fatal("the key can be downloaded")
	}
	if info, err := os.Stat(filepath.Join(folder, ui.CAFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("authority's file: %v %v", info, err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	for _, name := range []string{"127.0.0.1", "192.168.1.20", "centralino.local", "centralino", "localhost"} {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", secure.Addr().String())
		}, ForceAttemptHTTP2: true}}
		res, err := c.Get("https://" + name + "/login")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.ProtoMajor != 2 || res.StatusCode != http.StatusOK || strings.Contains(string(body), "in chiaro") || strings.Contains(string(body), "in the clear") {
			t.Errorf("%s: %s %d", name, res.Proto, res.StatusCode)
		}
	}
	res, err := http.Get("http://" + plain.Addr().String() + "/login")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if !strings.Contains(string(body), "in chiaro") {
		t.Error("the page does not say that it travels in the clear")
	}
	if !ca.PermittedDNSDomainsCritical || len(ca.PermittedIPRanges) == 0 {
		t.Error("the authority could sign for names of others")
	}
}

func TestBrokenAuthorityIsSetAside(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, ui.CAFile)
	if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, true, func(d *ui.Deps) { d.DataDir = folder })
	r.as(tech).get("/ca.crt").has(t, "BEGIN CERTIFICATE")
	if b, err := os.ReadFile(path + ".broken"); err != nil || string(b) != "torn" {
		t.Errorf("broken file is not kept: %v", err)
	}
	first := r.as(tech).get("/ca.crt").body
	r2 := newRig(t, true, func(d *ui.Deps) { d.DataDir = folder })
	if r2.as(tech).get("/ca.crt").body != first {
		t.Error("the authority changes from start to start")
	}
}

func TestConnectionsHaveALimit(t *testing.T) {
	plain := listen(t)
	newRig(t, true, func(d *ui.Deps) { d.HTTP = plain })
	refused := 0
	var open []net.Conn
	for range 80 {
		c, err := net.Dial("tcp", plain.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	for _, c := range open {
		_, _ = c.Write([]byte("GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		if n, _ := c.Read(make([]byte, 1)); n == 0 {
			refused++
		}
		c.Close()
	}
	if refused < 20 || refused > 40 {
		t.Errorf("%d of 80 connections of one source were refused", refused)
	}
}
