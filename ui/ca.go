package ui

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"centralino/internal/journal"
)

// The box's own certificate authority. Its key never leaves the data folder; it
// can sign for private addresses and the box's names only (RFC 5280 section
// 4.2.1.10), so that a stolen one is of little use elsewhere.
const (
	caFile      = "local-ca.pem"
	caLasts     = 10 * 365 * 24 * time.Hour
	leafLasts   = 90 * 24 * time.Hour // renewed by itself; browsers refuse more than 398 days
	leafRenewal = 30 * 24 * time.Hour
)

// localCA signs the box's certificates. Its methods may be called from any
// goroutine.
type localCA struct {
	now  func() time.Time
	cert *x509.Certificate
	key  *ecdsa.PrivateKey

	mu    sync.Mutex
	leaf  *tls.Certificate
	names string // what the leaf was made for
}

// CAFile is the name of the authority's file in the data folder; it belongs into
// store.Options.Files, so that a restored box is trusted as before.
const CAFile = caFile

// openCA reads the authority of the data folder, or makes one.
func openCA(dir string, now func() time.Time) (*localCA, error) {
	path := filepath.Join(dir, caFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeCA(path, now)
	}
	if err != nil {
		return nil, fmt.Errorf("read local certificate authority: %w", err)
	}
	ca, err := parseCA(b)
	if err != nil {
		// Never stop for it: HTTPS with a new authority is better than none.
		if err := os.Rename(path, path+".broken"); err != nil {
			return nil, fmt.Errorf("set broken certificate authority aside: %w", err)
		}
		return makeCA(path, now)
	}
	ca.now = now
	return ca, nil
}

func parseCA(b []byte) (*localCA, error) {
	ca := &localCA{}
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		var err error
		switch block.Type {
		case "CERTIFICATE":
			ca.cert, err = x509.ParseCertificate(block.Bytes)
		case "EC PRIVATE KEY":
			ca.key, err = x509.ParseECPrivateKey(block.Bytes)
		}
		if err != nil {
			return nil, err
		}
	}
	if ca.cert == nil || ca.key == nil || !ca.key.PublicKey.Equal(ca.cert.PublicKey) {
		return nil, errors.New("key and certificate do not belong together")
	}
	return ca, nil
}

func makeCA(path string, now func() time.Time) (*localCA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make local certificate authority: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make local certificate authority: %w", err)
	}
	t := notBefore(now())
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Centralino " + serial.Text(36)[:6], Organization: []string{"Centralino local CA"}},
		NotBefore:    t, NotAfter: t.Add(caLasts), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:                    x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost", "centralino", "local", "lan", "home.arpa", "internal"},
		PermittedIPRanges:           privateRanges(),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make local certificate authority: %w", err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make local certificate authority: %w", err)
	}
	b := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})...)
	if err := writeWhole(path, b); err != nil {
		return nil, fmt.Errorf("keep local certificate authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &localCA{now: now, cert: cert, key: key}, err
}

// notBefore is a day before now, and never before 2026: the clock may not be set
// when the authority is made.
func notBefore(now time.Time) time.Time {
	if y := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); now.Before(y) {
		return y
	}
	return now.Add(-24 * time.Hour)
}

func privateRanges() []*net.IPNet {
	var out []*net.IPNet
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7", "fe80::/10"} {
		if _, n, err := net.ParseCIDR(s); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// writeWhole writes a file so that after a power cut it is whole or absent.
func writeWhole(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// pem is the authority's certificate for download.
func (c *localCA) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})
}

// fingerprint is the SHA-256 of the certificate, to compare by eye.
func (c *localCA) fingerprint() string {
	sum := sha256.Sum256(c.cert.Raw)
	var b strings.Builder
	for i, x := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", x)
	}
	return b.String()
}

// certificate returns a certificate for the box's present names and addresses,
// made anew when they changed or it gets old.
func (c *localCA) certificate(names []string, addrs []netip.Addr) (*tls.Certificate, error) {
	names = append([]string{"localhost"}, names...)
	addrs = append([]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, addrs...)
	key := fmt.Sprint(names, addrs)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaf != nil && c.names == key && c.now().Before(c.leaf.Leaf.NotAfter.Add(-leafRenewal)) {
		return c.leaf, nil
	}
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	t := notBefore(c.now())
	tmpl := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "Centralino"}, NotBefore: t, NotAfter: t.Add(leafLasts),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, n := range names {
		if c.covers(n) {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	for _, a := range addrs {
		ip := net.IP(a.Unmap().WithZone("").AsSlice())
		if slices.ContainsFunc(privateRanges(), func(n *net.IPNet) bool { return n.Contains(ip) }) {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, c.cert, priv.Public(), c.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c.leaf, c.names = &tls.Certificate{Certificate: [][]byte{der, c.cert.Raw}, PrivateKey: priv, Leaf: leaf}, key
	return c.leaf, nil
}

// covers says whether the authority may sign for a name.
func (c *localCA) covers(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(c.cert.PermittedDNSDomains, func(d string) bool { return name == d || strings.HasSuffix(name, "."+d) })
}

// tlsConfig shows the box's own certificate to everybody.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.ca.certificate(s.names(), s.d.Addresses())
		},
	}
}

// caFile answers with the authority's certificate, to be trusted by browsers.
func (v *visit) caFile() error {
	if v.s.ca == nil {
		return errNotFound
	}
	v.w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	v.w.Header().Set("Content-Disposition", `attachment; filename="centralino-ca.crt"`)
	_, _ = v.w.Write(v.s.ca.pem())
	if v.me.Person != "" {
		v.s.d.Journal.Append("", journal.AccessEvent{What: "ca.download", Who: v.me.Person, Source: "page"})
	}
	return nil
}
