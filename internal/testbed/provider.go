package testbed

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"
)

// ProviderOptions say what the provider of a trunk is like. Addr is needed.
type ProviderOptions struct {
	Namespace    *Namespace        // nil: the test's own; then Addr is a loopback address
	Addr         netip.AddrPort    // UDP and TCP
	Domain       string            // its SIP domain; Addr's address if empty
	Realm        string            // of its challenges, "provider.test" by default
	Algorithm    string            // "MD5" (default) or "SHA-256"
	Accounts     map[string]string // user -> password
	Numbers      map[string]string // dialled number -> user that it rings
	Expires      int               // longest and default registration, 120 s by default
	MinExpires   int               // shorter ones are refused with 423; 1 s by default
	ServiceRoute bool              // answers registrations with a Service-Route (RFC 3608)
	Refuse       int               // answer every REGISTER with this status, e.g. 503
	RetryAfter   int               // seconds, sent with Refuse
	Debug        int               // Kamailio's debug level
}

// Provider is a running Kamailio that plays the provider of a SIP trunk:
// registrar with digest and proxy between its subscribers, with record routing.
type Provider struct {
	Process *Process
	Addr    netip.AddrPort
	Realm   string
	Domain  string
	rpc     string
}

//go:embed provider.cfg.tmpl
var providerTemplate string

// StartProvider starts Kamailio and returns once it answers.
func StartProvider(t testing.TB, o ProviderOptions) *Provider {
	t.Helper()
	Need(t, "kamailio")
	if o.Realm == "" {
		o.Realm = "provider.test"
	}
	if o.Domain == "" {
		o.Domain = o.Addr.Addr().String()
	}
	if o.Algorithm == "" {
		o.Algorithm = "MD5"
	}
	if o.Expires == 0 {
		o.Expires = 120
	}
	if o.MinExpires == 0 {
		o.MinExpires = 1
	}
	dir, err := os.MkdirTemp("", "prov") // short: a Unix socket's path has 107 octets at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	modules, err := kamailioModules()
	if err != nil {
		Missing(t, "%v", err)
	}
	var cfg strings.Builder
	data := struct {
		ProviderOptions
		Dir, Modules string
	}{o, dir, modules}
	if err := template.Must(template.New("provider").Parse(providerTemplate)).Execute(&cfg, data); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(file, []byte(cfg.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Provider{Addr: o.Addr, Realm: o.Realm, Domain: o.Domain, rpc: filepath.Join(dir, "rpc.sock")}
	p.Process = Start(t, o.Namespace, Command{Path: "kamailio",
		Args: []string{"-DD", "-E", "-f", file, "-m", "32", "-M", "4", "-Y", dir, "-w", dir}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = poll(ctx, "Kamailio", func() bool {
		select {
		case <-p.Process.Done():
			return true
		default:
		}
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		_, err := p.call(short, "core.version")
		return err == nil
	})
	select {
	case <-p.Process.Done():
		t.Fatalf("kamailio ended: %v\n%s", p.Process.Err(), p.Process.Output())
	default:
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Stop ends the provider; Start another one at the same address to bring it back.
func (p *Provider) Stop() { p.Process.Stop() }

// ProviderBinding is one contact that the provider knows.
type ProviderBinding struct {
	User    string // of the address of record
	Contact string // URI
	Expires int    // seconds left
	Agent   string // User-Agent
	CallID  string
	CSeq    int
}

// Bindings returns every contact that is registered now.
func (p *Provider) Bindings(ctx context.Context) ([]ProviderBinding, error) {
	raw, err := p.call(ctx, "ul.dump")
	if err != nil {
		return nil, err
	}
	var dump struct {
		Domains []struct {
			Domain struct {
				AoRs []struct {
					Info struct {
						AoR      string
						Contacts []struct {
							Contact struct {
								Address string
								Expires json.RawMessage // a number, or "permanent"
								CallID  string          `json:"Call-ID"`
								CSeq    int
								Agent   string `json:"User-Agent"`
							}
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &dump); err != nil {
		return nil, fmt.Errorf("read ul.dump: %w: %s", err, raw)
	}
	var out []ProviderBinding
	for _, d := range dump.Domains {
		for _, a := range d.Domain.AoRs {
			for _, c := range a.Info.Contacts {
				b := ProviderBinding{User: a.Info.AoR, Contact: c.Contact.Address, Agent: c.Contact.Agent,
					CallID: c.Contact.CallID, CSeq: c.Contact.CSeq}
				if json.Unmarshal(c.Contact.Expires, &b.Expires) != nil || b.Expires < 0 {
					continue // expired or deleted
				}
				out = append(out, b)
			}
		}
	}
	return out, nil
}

// WaitBinding waits until user has a contact and returns the first.
func (p *Provider) WaitBinding(ctx context.Context, user string) (ProviderBinding, error) {
	var found ProviderBinding
	err := poll(ctx, "binding of "+user, func() bool {
		all, err := p.Bindings(ctx)
		if err != nil {
			return false
		}
		for _, b := range all {
			if b.User == user {
				found = b
				return true
			}
		}
		return false
	})
	return found, err
}

// WaitNoBinding waits until user has no contact any more.
func (p *Provider) WaitNoBinding(ctx context.Context, user string) error {
	return poll(ctx, "end of binding of "+user, func() bool {
		all, err := p.Bindings(ctx)
		if err != nil {
			return false
		}
		for _, b := range all {
			if b.User == user {
				return false
			}
		}
		return true
	})
}

// call runs one JSON-RPC command over Kamailio's datagram socket.
func (p *Provider) call(ctx context.Context, method string) (json.RawMessage, error) {
	local := fmt.Sprintf("%s.%d", p.rpc, phoneCounter.Add(1))
	c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: local, Net: "unixgram"}, &net.UnixAddr{Name: p.rpc, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("provider command %s: %w", method, err)
	}
	defer os.Remove(local)
	defer c.Close()
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(d)
	}
	if _, err := fmt.Fprintf(c, `{"jsonrpc":"2.0","method":%q,"id":1}`, method); err != nil {
		return nil, fmt.Errorf("provider command %s: %w", method, err)
	}
	buf := make([]byte, 1<<16)
	n, err := c.Read(buf)
	if err != nil {
		return nil, fmt.Errorf("provider command %s: %w", method, err)
	}
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  *struct{ Message string }
	}
	if err := json.Unmarshal(buf[:n], &reply); err != nil {
		return nil, fmt.Errorf("provider command %s: %w: %s", method, err, buf[:n])
	}
	if reply.Error != nil {
		if strings.Contains(reply.Error.Message, "not") {
			return json.RawMessage(`{}`), nil // "no such domain/AoR": nothing registered
		}
		return nil, fmt.Errorf("provider command %s: %s", method, reply.Error.Message)
	}
	return reply.Result, nil
}

// kamailioModules finds where Debian put Kamailio's modules.
func kamailioModules() (string, error) {
	found, _ := filepath.Glob("/usr/lib/*/kamailio/modules")
	if len(found) == 0 {
		return "", fmt.Errorf("kamailio's modules are not found (Debian: apt-get install kamailio)")
	}
	return found[0], nil
}
