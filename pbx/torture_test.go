package pbx_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"

	"github.com/icholy/digest"
)

// silent: nothing may come back.
const silent = 0

// torture says for each message of RFC 4475 and RFC 5118 which final answers are owed
// and why: to a stranger, and to one whom the box knows. Known is the provider of a
// trunk for an INVITE, and an account with its password for a REGISTER.
var torture = []struct {
	file            string
	stranger, known int
	why             string
}{
	// RFC 4475 3.1.1: valid messages.
	{"rfc4475/wsinv", 481, 481, "3.1.1.1 white space and folding everywhere are legal; the To tag is of no dialog of ours"},
	{"rfc4475/intmeth", 501, 501, "3.1.1.2 legal characters; the method is unknown to a UAS"},
	{"rfc4475/esc01", 401, 200, "3.1.1.3 escapes in user part and parameters are legal"},
	{"rfc4475/escnull", 401, 401, "3.1.1.4 an escaped null in a user part is legal; no account can be named so in a digest"},
	{"rfc4475/esc02", 501, 501, "3.1.1.5 % is no escape in a method: RE%47IST%45R is not REGISTER"},
	{"rfc4475/lwsdisp", 200, 200, "3.1.1.6 no space is needed between display name and <"},
	{"rfc4475/longreq", 401, 200, "3.1.1.7 long values are legal"},
	{"rfc4475/dblreq", 401, 200, "3.1.1.8 what follows the body in a datagram is discarded, the REGISTER counts"},
	{"rfc4475/semiuri", 200, 200, "3.1.1.9 semicolons in the user part are legal"},
	{"rfc4475/transports", 200, 200, "3.1.1.10 unknown transports in lower Vias are legal"},
	{"rfc4475/mpart01", 405, 405, "3.1.1.11 a binary multipart MESSAGE is legal; the box takes no messages"},
	{"rfc4475/unreason", silent, silent, "3.1.1.12 a response with a strange reason; no transaction"},
	{"rfc4475/noreason", silent, silent, "3.1.1.13 a response with an empty reason; no transaction"},
	// RFC 4475 3.1.2: invalid messages.
	{"rfc4475/badinv01", 400, 400, "3.1.2.1 empty parameters and values in Via and Contact"},
	{"rfc4475/clerr", 400, 400, "3.1.2.2 Content-Length larger than the datagram"},
	{"rfc4475/ncl", 400, 400, "3.1.2.3 negative Content-Length"},
	{"rfc4475/scalar02", 400, 400, "3.1.2.4 CSeq, Max-Forwards out of range"},
	{"rfc4475/scalarlg", silent, silent, "3.1.2.5 a response with scalars out of range is discarded"},
	{"rfc4475/quotbal", 400, 400, "3.1.2.6 unbalanced quote in To"},
	{"rfc4475/ltgtruri", 400, 400, "3.1.2.7 Request-URI in angle brackets"},
	{"rfc4475/lwsruri", 400, 400, "3.1.2.8 white space within the Request-URI"},
	{"rfc4475/lwsstart", 400, 400, "3.1.2.9 several spaces in the start line"},
	{"rfc4475/trws", 400, 400, "3.1.2.10 spaces behind the start line"},
	{"rfc4475/escruri", 400, 400, "3.1.2.11 header fields in the Request-URI"},
	{"rfc4475/baddate", 401, 200, "3.1.2.12 Date in EST; one who does not use Date may go on"},
	{"rfc4475/regbadct", 400, 400, "3.1.2.13 Contact with ? but without angle brackets"},
	{"rfc4475/badaspec", 400, 400, "3.1.2.14 spaces within the angle brackets of To"},
	{"rfc4475/baddn", 400, 400, "3.1.2.15 comma in a display name without quotes (and no empty line)"},
	{"rfc4475/badvers", 505, 505, "3.1.2.16 SIP version 7.0"},
	{"rfc4475/mismatch01", 400, 400, "3.1.2.17 CSeq names another method"},
	{"rfc4475/mismatch02", 400, 400, "3.1.2.18 CSeq names another method than the unknown one"},
	{"rfc4475/bigcode", silent, silent, "3.1.2.19 a response with status 4294967301 is discarded"},
	// RFC 4475 3.2: transaction layer.
	{"rfc4475/badbranch", 200, 200, "3.2.1 a branch of only the magic cookie is matched as RFC 2543 would"},
	// RFC 4475 3.3: application layer.
	{"rfc4475/insuf", 400, 400, "3.3.1 Call-ID, From and To are missing"},
	{"rfc4475/unkscm", 416, 416, "3.3.2 unknown scheme in the Request-URI"},
	{"rfc4475/novelsc", 416, 416, "3.3.3 known but unusual scheme in the Request-URI"},
	{"rfc4475/unksm2", 400, 400, "3.3.4 a registrar's To must be a SIP URI"},
	{"rfc4475/bext01", 420, 420, "3.3.5 Require of unknown extensions"},
	{"rfc4475/invut", 415, 415, "3.3.6 INVITE with a body of unknown type"},
	{"rfc4475/regaut01", 401, 200, "3.3.7 unknown Authorization scheme: as if there were none"},
	{"rfc4475/multi01", 400, 400, "3.3.8 single-value fields stand twice"},
	{"rfc4475/mcl01", 400, 400, "3.3.9 two different Content-Length fields"},
	{"rfc4475/bcast", silent, silent, "3.3.10 a response whose second Via is the broadcast address"},
	{"rfc4475/zeromf", 200, 200, "3.3.11 an endpoint answers OPTIONS with Max-Forwards 0"},
	{"rfc4475/cparam01", 401, 200, "3.3.12 unknown parameter belongs to the Contact field"},
	{"rfc4475/cparam02", 401, 200, "3.3.13 unknown parameter belongs to the URI"},
	{"rfc4475/regescrt", 401, 200, "3.3.14 escaped header in a Contact URI in angle brackets"},
	{"rfc4475/sdp01", 406, 406, "3.3.15 the caller accepts no SDP in answers"},
	// RFC 4475 3.4 and what circulates with it.
	{"rfc4475/inv2543", 401, 200, "3.4.1 an INVITE as of RFC 2543, without branch, tag, Max-Forwards, Contact, is a call"},
	{"rfc4475/extra-test", silent, silent, "not in the RFC: no SIP version, no Via, no CSeq: nobody could match an answer"},
	// RFC 5118.
	{"rfc5118/ipv6-good", 401, 200, "4.1 IPv6 reference in the Request-URI"},
	{"rfc5118/ipv6-bad", 400, 400, "4.2 IPv6 address without brackets"},
	{"rfc5118/port-ambiguous", 401, 200, "4.3 the port is part of the address, which is legal"},
	{"rfc5118/port-unambiguous", 401, 200, "4.4 port behind the bracket"},
	{"rfc5118/via-received-param-with-delim", 481, 481, "4.5 received in brackets; a BYE of no dialog of ours"},
	{"rfc5118/via-received-param-no-delim", 200, 200, "4.5 received without brackets"},
	{"rfc5118/ipv6-in-sdp", 401, 488, "4.6 IPv6 in SDP; G.726 alone is nothing that the box speaks"},
	{"rfc5118/mult-ip-in-header", 481, 481, "4.7 IPv4 and IPv6 in Vias; a BYE of no dialog of ours"},
	{"rfc5118/mult-ip-in-sdp", 401, 200, "4.8 IPv4 and IPv6 in SDP: the audio over IPv4 is taken"},
	{"rfc5118/ipv4-mapped-ipv6", 401, 488, "4.9 IPv4-mapped addresses; G.726 alone is nothing that the box speaks"},
	{"rfc5118/ipv6-bug-abnf-3-colons", 200, 200, "4.10 three colons of the wrong ABNF are tolerated"},
	{"rfc5118/ipv6-correct-abnf-2-colons", 200, 200, "4.10 two colons"},
}

// TestTortureMessages sends every message of the two RFCs to a box of stack, dialogs,
// registrar and calls, joined as in the appliance, and asserts the final answer.
func TestTortureMessages(t *testing.T) {
	files, err := filepath.Glob("sip/testdata/rfc*/*.dat")
	if err != nil || len(files) != len(torture) {
		t.Fatalf("%d files for %d rows, %v", len(files), len(torture), err)
	}
	for _, c := range torture {
		raw, err := os.ReadFile("sip/testdata/" + c.file + ".dat")
		if err != nil {
			t.Fatal(err)
		}
		if c.file == "rfc5118/ipv6-in-sdp" {
			// The copy of this body is shorter than the published Content-Length
			// says (its line ends were lost), so as it stands it deserves what
			// clerr deserves; with the true length it tests what it is for.
			t.Run(c.file+" as it stands", func(t *testing.T) { tortured(t, raw, 400, 400) })
			_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
			raw = bytes.Replace(raw, []byte("Content-Length: 268"), fmt.Appendf(nil, "Content-Length: %d", len(body)), 1)
		}
		t.Run(c.file+": "+c.why, func(t *testing.T) { tortured(t, raw, c.stranger, c.known) })
	}
}

var (
	strangerIP = netip.MustParseAddr("192.0.2.60")
	providerIP = netip.MustParseAddr("192.0.2.61")
)

// provider is a trunk from whose address every INVITE is a call to our number.
type provider struct{ silentTrunk }

func (provider) Matches(req *sip.Request) bool {
	return req.Method() == sip.INVITE && req.Flow().Remote().Addr() == providerIP
}
func (provider) Caller(*sip.Request) (caller, called string) { return "0612345678", "" }

// tortured sends raw as a stranger and as one whom the box knows, and asserts each
// one's final answer.
func tortured(t *testing.T, raw []byte, stranger, known int) {
	var r *registrar.Registrar
	inWorldOf(t, func(w *world) worldOptions {
		var err error
		r, err = registrar.New(registrar.Options{Now: time.Now, Account: func(user string) (registrar.Account, bool) {
			return registrar.Account{Device: "dev-1", Secret: "secret"}, user != "nobody"
		}})
		if err != nil {
			t.Fatal(err)
		}
		return worldOptions{phones: realPhones{r}, stateless: func(req *sip.Request) *sip.Response {
			switch req.Method() {
			case sip.REGISTER:
				return r.Register(req, time.Now())
			case sip.OPTIONS:
				return sip.NewResponse(req, 200, "")
			}
			return nil
		}}
	}, func(w *world) {
		w.setDoc(func(d *office.Document) {
			d.Lines = append(slices.Clone(d.Lines), office.Line{ID: "trunk-1", Kind: office.LineTrunk, Channels: 2, Path: "path-1",
				Trunk: &office.Trunk{NumberFormat: "e164"}})
		})
		w.trunks = []pbx.Trunk{provider{}}
		challenge := w.owed(t, "stranger", strangerIP, raw, stranger)
		if w.pbx.Calls() != 0 || len(r.Contacts("dev-1")) != 0 {
			t.Errorf("of a stranger %d calls and %d bindings stay", w.pbx.Calls(), len(r.Contacts("dev-1")))
		}
		from := providerIP
		if req, err := sip.ParseRequest(raw); err == nil && stranger == 401 && challenge != nil && req.Method() == sip.REGISTER {
			raw, from = signed(t, raw, req, challenge), strangerIP // a nonce is good at its address
		}
		w.owed(t, "known", from, raw, known)
		if calls := w.pbx.Calls(); known == 200 && bytes.HasPrefix(raw, []byte("INVITE")) != (calls == 1) {
			t.Errorf("%d calls", calls)
		}
	})
}

// signed puts the credentials of the account that a REGISTER speaks for into it.
func signed(t *testing.T, raw []byte, req *sip.Request, challenge *sip.Response) []byte {
	t.Helper()
	text, _ := challenge.Header("WWW-Authenticate")
	c, err := digest.ParseChallenge(text)
	if err != nil {
		t.Fatalf("challenge %q: %v", text, err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: req.Method(), URI: req.URI().String(),
		Username: req.To().URI.Username(), Password: "secret", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	start, rest, _ := bytes.Cut(raw, []byte("\r\n"))
	return fmt.Appendf(nil, "%s\r\nAuthorization: %s\r\n%s", start, cred, rest)
}

// owed sends one datagram to the box and asserts that the one final answer that comes
// back is want, or that nothing at all does. It returns that answer.
func (w *world) owed(t *testing.T, who string, ip netip.Addr, raw []byte, want int) *sip.Response {
	t.Helper()
	var mu sync.Mutex
	finals := map[int]*sip.Response{}
	any := false
	w.sipNet.Wire = func(from, to netip.AddrPort, b []byte) (int, time.Duration) {
		if from.Addr() == boxAddr.Addr() && bytes.HasPrefix(b, []byte("SIP/")) && to.Addr() == ip {
			resp, err := sip.ParseResponse(bytes.Clone(b))
			if err != nil {
				t.Errorf("unreadable answer %q: %v", b, err)
				return 0, 0
			}
			checkAnswer(t, raw, resp)
			mu.Lock()
			defer mu.Unlock()
			if any = true; resp.Status() >= 200 {
				finals[resp.Status()] = resp
			}
		}
		return 1, 0
	}
	conn, err := w.sipNet.Host(ip).ListenUDP(netip.AddrPortFrom(ip, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.WriteToUDPAddrPort(raw, boxAddr); err != nil {
		t.Fatal(err)
	}
	pass(3 * time.Second)
	mu.Lock()
	defer mu.Unlock()
	if want == silent && any || want != silent && (len(finals) != 1 || finals[want] == nil) {
		t.Errorf("%s: answers %v, want %d", who, finals, want)
	}
	return finals[want]
}

// checkAnswer asserts what every answer must have: our version, the sender's
// Call-ID where there was one, and no name of a product.
func checkAnswer(t *testing.T, raw []byte, resp *sip.Response) {
	t.Helper()
	for _, name := range []string{"Server", "User-Agent"} {
		if resp.HasHeader(name) {
			t.Errorf("answer names the product: %s", resp)
		}
	}
	if id := resp.CallID(); id != "" && !bytes.Contains(raw, []byte(id)) {
		t.Errorf("Call-ID %q was not sent", id)
	}
	if !resp.HasHeader("Via") || !strings.HasPrefix(resp.String(), "SIP/2.0 ") {
		t.Errorf("answer cannot be matched: %s", resp)
	}
}
