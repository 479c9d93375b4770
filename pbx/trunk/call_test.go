package trunk_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"centralino/internal/numbering"
	"centralino/pbx/sip"
	"centralino/pbx/trunk"

	"github.com/google/go-cmp/cmp"
)

func request(t *testing.T, line string, from string, headers ...string) *sip.Request {
	t.Helper()
	text := line + " SIP/2.0\r\nVia: SIP/2.0/UDP " + from + ";branch=z9hG4bK1\r\nMax-Forwards: 70\r\n" +
		"Call-ID: c\r\nCSeq: 1 INVITE\r\n"
	has := strings.Join(headers, "\n")
	if !strings.Contains(has, "From:") {
		text += "From: <sip:+393331234567@provider.test>;tag=1\r\n"
	}
	if !strings.Contains(has, "To:") {
		text += "To: <sip:+390212345678@provider.test>\r\n"
	}
	for _, h := range headers {
		text += h + "\r\n"
	}
	req, err := sip.ParseRequest([]byte(text + "Content-Length: 0\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return req.WithFlow(sip.NewFlow(sip.UDP, netip.AddrPort{}, netip.MustParseAddrPort(from)))
}

func TestInvite(t *testing.T) {
	type invite struct{ URI, From, To, Dest, Headers string }
	tests := []struct {
		name, dial string
		own        numbering.E164
		set        func(*trunk.Options)
		want       invite
	}{
		{"a number with our own number to show", "+390698765432", "+390212345678", nil,
			invite{"sip:+390698765432@provider.test", "<sip:390212345678@provider.test>", "<sip:+390698765432@provider.test>", "10.0.0.1:5060",
				"P-Asserted-Identity: <sip:+390212345678@provider.test> P-Preferred-Identity: <sip:+390212345678@provider.test>"}},
		{"our number in the trunk's format", "0698765432", "+390212345678", func(o *trunk.Options) { o.Config.NumberFormat = "national" },
			invite{"sip:0698765432@provider.test", "<sip:390212345678@provider.test>", "<sip:0698765432@provider.test>", "10.0.0.1:5060",
				"P-Asserted-Identity: <sip:0212345678@provider.test> P-Preferred-Identity: <sip:0212345678@provider.test>"}},
		{"an emergency number as it stands, without a number of ours", "112", "", nil,
			invite{"sip:112@provider.test", "<sip:390212345678@provider.test>", "<sip:112@provider.test>", "10.0.0.1:5060", ""}},
		{"digits from anywhere cannot add a header or host", "1@evil.test>\r\nX: y", "", nil,
			invite{"sip:1%40evil.test%3E%0D%0AX%3A%20y@provider.test", "<sip:390212345678@provider.test>",
				"<sip:1%40evil.test%3E%0D%0AX%3A%20y@provider.test>", "10.0.0.1:5060", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, newProvider(t), tt.set)
				defer r.stop()
				r.take()
				o := r.Invite(tt.dial, tt.own)
				var headers []string
				for _, h := range o.Headers {
					headers = append(headers, h.Name+": "+h.Value)
				}
				got := invite{o.URI.String(), o.From.String(), o.To.String(), o.Dest.(sip.Target).String(), strings.Join(headers, " ")}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if !strings.HasPrefix(o.ContactUser, "line-") {
					t.Errorf("contact user %q", o.ContactUser)
				}
			})
		})
	}
}

func TestServiceRouteLeadsTheCall(t *testing.T) {
	tests := []struct{ name, route, dest, addr string }{
		{"through the server itself", "<sip:10.0.0.1:5060;lr>", "10.0.0.1:5060", "10.0.0.1:5060"},
		{"through another host, from which calls come too", "<sip:edge.provider.test:5080;lr>", "edge.provider.test:5080", "10.0.0.7:5080"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider(t)
				p.answer = func(req *sip.Request, _ netip.AddrPort) *sip.Response {
					resp := sip.NewResponse(req, 200, "")
					resp.AddHeader("Service-Route", tt.route)
					return resp
				}
				r := start(t, p, func(o *trunk.Options) {
					o.Resolver = names{hosts: map[string][]netip.Addr{"edge.provider.test": {netip.MustParseAddr("10.0.0.7")}}}
				})
				defer r.stop()
				r.take()
				o := r.Invite("+390698765432", "")
				if !r.Matches(request(t, "INVITE sip:+390212345678@192.168.1.2", tt.addr)) {
					t.Errorf("a call from %s is not the trunk's", tt.addr)
				}
				if len(o.Headers) != 1 || o.Headers[0].Name != "Route" || o.Headers[0].Value != tt.route {
					t.Errorf("headers %v", o.Headers)
				}
				if got := o.Dest.(sip.Target).String(); got != tt.dest {
					t.Errorf("sent to %s, want %s", got, tt.dest)
				}
			})
		})
	}
}

func TestMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newProvider(t), nil)
		defer r.stop()
		r.take()
		contact := r.Invite("1", "").ContactUser
		tests := []struct {
			name, line, from string
			want             bool
		}{
			{"our contact, from the server", "INVITE sip:" + contact + "@192.168.1.2", "10.0.0.1:5060", true},
			{"our contact, from another machine of the provider", "INVITE sip:" + contact + "@192.168.1.2", "10.9.9.9:5060", true},
			{"a number, from the server", "INVITE sip:+390212345678@192.168.1.2", "10.0.0.1:5060", true},
			{"a number, from the server's address and another port", "INVITE sip:0212345678@192.168.1.2", "10.0.0.1:5090", true},
			{"a number, from elsewhere", "INVITE sip:+390212345678@192.168.1.2", "10.9.9.9:5060", false},
			{"the account's name, from elsewhere", "INVITE sip:" + user + "@192.168.1.2", "192.168.1.50:5060", false},
			{"a guess at our contact", "INVITE sip:line-00000000000000000000@192.168.1.2", "10.0.0.1:5060", false},
		}
		for _, tt := range tests {
			if got := r.Matches(request(t, tt.line, tt.from)); got != tt.want {
				t.Errorf("%s: %v", tt.name, got)
			}
		}
	})
}

func TestContactOfATrunkWithoutPasswordCanBeWorkedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newProvider(t), func(o *trunk.Options) { o.Secret, o.Config.Register = "", false })
		defer r.stop()
		r.take()
		line := "INVITE sip:" + r.Invite("1", "").ContactUser + "@192.168.1.2"
		if r.Matches(request(t, line, "10.9.9.9:5060")) {
			t.Error("a stranger is taken for the provider")
		}
		if !r.Matches(request(t, line, "10.0.0.1:5060")) {
			t.Error("the provider is not known")
		}
	})
}

func TestCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newProvider(t), nil)
		defer r.stop()
		r.take()
		contact := "INVITE sip:" + r.Invite("1", "").ContactUser + "@192.168.1.2"
		const number = "INVITE sip:+390277777777@192.168.1.2"
		tests := []struct {
			name, line     string
			headers        []string
			caller, called string
		}{
			{"From and the Request-URI", number, nil, "+393331234567", "+390277777777"},
			{"To when our contact is called", contact, nil, "+393331234567", "+390212345678"},
			{"To when our account is called", "INVITE sip:" + user + "@192.168.1.2", []string{"To: <sip:0288888888@provider.test>"}, "+393331234567", "0288888888"},
			{"P-Called-Party-ID before all", contact, []string{"P-Called-Party-ID: <sip:+390299999999@provider.test;user=phone>"}, "+393331234567", "+390299999999"},
			{"the asserted identity before From", number, []string{`P-Asserted-Identity: "Rossi" <sip:+390645678@provider.test>`}, "+390645678", "+390277777777"},
			{"a tel URI", number, []string{"P-Asserted-Identity: <tel:+390645678>"}, "+390645678", "+390277777777"},
			{"a number with its context", number, []string{"From: <sip:0645678;phone-context=+39@provider.test;user=phone>;tag=1"}, "0645678", "+390277777777"},
			{"a withheld number, whatever is asserted", number, []string{"Privacy: id", "P-Asserted-Identity: <tel:+390645678>"}, "anonymous", "+390277777777"},
			{"an anonymous From", number, []string{`From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=1`}, "anonymous", "+390277777777"},
			{"privacy none hides nothing", number, []string{"Privacy: none"}, "+393331234567", "+390277777777"},
		}
		for _, tt := range tests {
			caller, called := r.Caller(request(t, tt.line, "10.0.0.1:5060", tt.headers...))
			if caller != tt.caller || called != tt.called {
				t.Errorf("%s: %q called %q, want %q and %q", tt.name, caller, called, tt.caller, tt.called)
			}
		}
	})
}

// The password is used for the trunk's own server in its own realm, and for nobody
// else: a called party could else collect digests of it.
func TestAuthorize(t *testing.T) {
	const realm, proxy = `Digest realm="provider.test", nonce="n1", algorithm=MD5, qop="auth"`, "10.0.0.1:5060"
	tests := []struct {
		name   string
		status int
		header string
		server string
		req    func(*sip.Request)
		want   string // in the credentials; empty: refused
	}{
		{"a proxy's challenge", 407, realm, proxy, nil, "Proxy-Authorization"},
		{"a server's challenge", 401, realm, proxy, nil, "Authorization"},
		{"another realm: the called party's", 407, strings.Replace(realm, "provider", "evil", 1), proxy, nil, ""},
		{"another address", 407, realm, "10.66.6.6:5060", nil, ""},
		{"a BYE", 407, realm, proxy, func(r *sip.Request) { *r = *sip.NewRequest("BYE", r.URI()) }, ""},
		{"a second challenge without stale", 407, realm, proxy, func(r *sip.Request) { r.AddHeader("Proxy-Authorization", "Digest x") }, ""},
		{"a second challenge with stale", 407, realm + ", stale=true", proxy, func(r *sip.Request) { r.AddHeader("Proxy-Authorization", "Digest x") }, "Proxy-Authorization"},
		{"no challenge at all", 407, "", proxy, nil, ""},
		{"nonsense", 407, `Digest realm="provider.test`, proxy, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, newProvider(t), nil)
				defer r.stop()
				r.take()
				req := sip.NewRequest(sip.INVITE, sip.NewURI("0698765432", "provider.test", 0))
				if tt.req != nil {
					tt.req(req)
				}
				resp := sip.NewResponse(req, tt.status, "")
				if tt.header != "" {
					resp.AddHeader(map[int]string{401: "WWW-Authenticate", 407: "Proxy-Authenticate"}[tt.status], tt.header)
				}
				ok := r.Authorize(from(resp, netip.MustParseAddrPort(tt.server)), req)
				if ok != (tt.want != "") {
					t.Fatalf("answered: %v", ok)
				}
				if !ok {
					return
				}
				v, _ := req.Header(tt.want)
				if !strings.Contains(v, `username="390212345678"`) || !strings.Contains(v, `uri="sip:0698765432@provider.test"`) || strings.Contains(v, password) {
					t.Errorf("credentials: %s", v)
				}
			})
		})
	}
	answers := func(r *rig, header string) bool {
		req := sip.NewRequest(sip.INVITE, sip.NewURI("0698765432", "provider.test", 0))
		resp := sip.NewResponse(req, 407, "")
		resp.AddHeader("Proxy-Authenticate", header)
		return r.Authorize(from(resp, netip.MustParseAddrPort(proxy)), req)
	}
	other := strings.Replace(realm, "provider", "evil", 1)
	t.Run("nothing is answered before the registration has shown the realm", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newProvider(t)
			p.silence(netip.MustParseAddrPort(proxy))
			r := start(t, p, nil)
			defer r.stop()
			r.take()
			if answers(r, realm) {
				t.Error("answered")
			}
		})
	})
	t.Run("a trunk that does not register keeps to the first realm", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, newProvider(t), func(o *trunk.Options) { o.Config.Register = false })
			defer r.stop()
			r.take()
			if !answers(r, realm) || answers(r, other) || !answers(r, realm) {
				t.Error("not exactly the first realm is answered")
			}
		})
	})
	t.Run("a second realm may be configured", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, newProvider(t), func(o *trunk.Options) { o.Realms = []string{"evil.test"} })
			defer r.stop()
			r.take()
			if !answers(r, realm) || !answers(r, other) {
				t.Error("refused")
			}
		})
	})
	t.Run("the strongest of several challenges", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, newProvider(t), nil)
			defer r.stop()
			r.take()
			req := sip.NewRequest(sip.INVITE, sip.NewURI("0698765432", "provider.test", 0))
			resp := sip.NewResponse(req, 407, "")
			resp.AddHeader("Proxy-Authenticate", realm)
			resp.AddHeader("Proxy-Authenticate", strings.Replace(realm, "MD5", "SHA-256", 1))
			if !r.Authorize(from(resp, netip.MustParseAddrPort(proxy)), req) {
				t.Fatal("refused")
			}
			if v, _ := req.Header("Proxy-Authorization"); !strings.Contains(v, "SHA-256") {
				t.Errorf("credentials: %s", v)
			}
		})
	})
}
