package boot_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"centralino/board/boot"
)

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name  string
		text  string
		want  string // name, address, router, dns, ntp
		lines string // with problems
	}{
		{"as it comes", "# commento\r\n\r\n#indirizzo = 1.2.3.4/24\r\n", "centralino - - [] []", "[]"},
		{"nothing", "", "centralino - - [] []", "[]"},
		{"a fixed address, in Italian", "nome = Ufficio\nindirizzo = 192.168.1.10/24\nrouter = 192.168.1.1\ndns = 192.168.1.1, 9.9.9.9\nora = ntp.example.it\n",
			"ufficio 192.168.1.10/24 192.168.1.1 [192.168.1.1 9.9.9.9] [ntp.example.it]", "[]"},
		{"the same in English, from Windows", "\ufeffName=box\r\nADDRESS = 192.168.1.10/24\r\ngateway=192.168.1.1\r\n", "box 192.168.1.10/24 192.168.1.1 [] []", "[]"},
		{"no router", "address = 10.0.0.2/8\n", "centralino 10.0.0.2/8 - [] []", "[]"},
		{"by DHCP, with an own name server", "address = dhcp\ndns = 9.9.9.9\n", "centralino - - [9.9.9.9] []", "[]"},
		{"a name that is none", "name = Signor Rossi\n", "centralino - - [] []", "[1]"},
		{"a word that nobody knows", "adress = 192.168.1.10/24\nname = box\n", "box - - [] []", "[1]"},
		{"a line without a sign", "name box\n", "centralino - - [] []", "[1]"},
		{"an address without its network", "address = 192.168.1.10\n", "centralino - - [] []", "[1]"},
		{"the address of the network", "address = 192.168.1.0/24\n", "centralino - - [] []", "[1]"},
		{"the address of everybody", "address = 192.168.1.255/24\n", "centralino - - [] []", "[1]"},
		{"a router elsewhere: DHCP", "address = 192.168.1.10/24\ngateway = 192.168.2.1\n", "centralino - - [] []", "[1]"},
		{"the router is the box itself", "address = 192.168.1.10/24\ngateway = 192.168.1.10\n", "centralino - - [] []", "[1]"},
		{"a wrong name server: DHCP", "address = 192.168.1.10/24\ndns = router\n", "centralino - - [] []", "[2]"},
		{"a wrong time server alone", "address = 192.168.1.10/24\nntp = a b\n", "centralino 192.168.1.10/24 - [] []", "[2]"},
		{"twice", "name = a\nname = b\n", "a - - [] []", "[2]"},
		{"IPv6 is not set here", "address = fd00::1/64\n", "centralino - - [] []", "[1]"},
		{"another file", "\x00\x01\x02\xff\xfe", "centralino - - [] []", "[1]"},
		{"a huge file", strings.Repeat("#\n", 40000), "centralino - - [] []", "[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, problems := boot.ParseSettings(c.text)
			addr, router := "-", "-"
			if s.Net.Address.IsValid() {
				addr = s.Net.Address.String()
			}
			if s.Net.Gateway.IsValid() {
				router = s.Net.Gateway.String()
			}
			if got := fmt.Sprint(s.Name, " ", addr, " ", router, " ", s.Net.DNS, " ", s.Net.NTP); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			lines := []int{}
			for _, p := range problems {
				lines = append(lines, p.Line)
				if p.Kind != boot.ProblemSettings || p.Text == "" {
					t.Errorf("problem %+v", p)
				}
			}
			if got := fmt.Sprint(lines); got != c.lines {
				t.Errorf("problems in lines %s, want %s", got, c.lines)
			}
		})
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("indirizzo = 192.168.1.10/24\nrouter = 192.168.1.1\n")
	f.Add("\ufeffname=x\r\ndns=1.1.1.1,,\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, problems := boot.ParseSettings(text)
		if s.Name == "" || len(s.Name) > 63 {
			t.Errorf("name %q", s.Name)
		}
		if s.Net.Gateway.IsValid() && !s.Net.Address.Masked().Contains(s.Net.Gateway) {
			t.Errorf("the router %v is not in %v", s.Net.Gateway, s.Net.Address)
		}
		if s.Net.Address != (netip.Prefix{}) && !s.Net.Address.Addr().Is4() {
			t.Errorf("address %v", s.Net.Address)
		}
		for _, p := range problems {
			if len([]rune(p.Text)) > 61 || strings.ContainsAny(p.Text, "\r\n\x00") {
				t.Errorf("problem %q", p.Text)
			}
		}
	})
}

func TestFullOfNonsense(t *testing.T) {
	s, problems := boot.ParseSettings(strings.Repeat("a\n", 30000) + "address = 10.0.0.300/24\n")
	if len(problems) > 10 || s.Net.Address.IsValid() {
		t.Errorf("%d problems, %+v", len(problems), s)
	}
}
