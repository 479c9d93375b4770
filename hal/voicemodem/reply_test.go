package voicemodem

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"centralino/hal"
)

// tokens parses pieces and writes what came as text.
func tokens(pieces ...string) []string {
	var p parser
	var all []string
	for _, s := range pieces {
		p.parse([]byte(s), func(t token) bool {
			kind := [...]string{"text", "result", "ring", "caller", "note", "code"}[t.kind]
			if t.kind == tokenCode {
				t.text = string(t.code)
			}
			all = append(all, kind+" "+t.text)
			return true
		})
	}
	return all
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"a result", "\r\nOK\r\n", []string{"result OK"}},
		{"information before a result", "\r\nCX93001\r\n\r\nOK\r\n", []string{"text CX93001", "result OK"}},
		{"spellings of the same result", "VOICE\r\nNO DIAL TONE\r\nCONNECT 8000\r\n",
			[]string{"result VCON", "result NO DIALTONE", "result CONNECT"}},
		{"ring", "\r\nRING\r\n", []string{"ring "}},
		{"ring with the called number", "RING/0212345\r\n", []string{"ring 0212345"}},
		{"ringing is not a ring", "RINGING\r\nRUNG\r\nDRON=10\r\nDROF=40\r\n",
			[]string{"note RINGING", "note RUNG", "note DRON=10", "note DROF=40"}},
		{"caller ID", "DATE=1122\r\nNMBR = 0612\r\nCALLER NUMBER: 33\r\n",
			[]string{"caller DATE=1122", "caller NMBR = 0612", "caller CALLER NUMBER: 33"}},
		{"text with a sign that is no caller ID", "SPEED=3\r\n", []string{"text SPEED=3"}},
		{"samples that came too late are dropped", "\xd5\x93\x01OK\r\n", []string{"result OK"}},
		{"a code in command state", "\x10R\r\nOK\r\n", []string{"code R", "result OK"}},
		{"a doubled DLE in command state is nothing", "\x10\x10OK\r\n", []string{"result OK"}},
		{"blank lines are nothing", "\r\n\r\n \r\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for cut := range len(c.in) + 1 {
				if d := cmp.Diff(c.want, tokens(c.in[:cut], c.in[cut:])); d != "" {
					t.Errorf("cut at %d: %s", cut, d)
				}
			}
		})
	}
}

func TestParseStopsAtConnect(t *testing.T) {
	var p parser
	rest := p.parse([]byte("\r\nCONNECT\r\n\xd5\xd5"), func(t token) bool { return t.text != "CONNECT" })
	if string(rest) != "\xd5\xd5" {
		t.Errorf("the stream begins with %q", rest)
	}
}

func TestCallerID(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines string
		want  hal.CallerID
		none  bool
	}{
		{name: "all fields", lines: "DATE=1122|TIME=0309|NMBR=0612345678|NAME=ROSSI MARIO",
			want: hal.CallerID{Number: "0612345678", Name: "ROSSI MARIO"}},
		{name: "blanks around the sign", lines: "DATE = 1122|TIME = 0309|NMBR = 0612345678|NAME = ROSSI MARIO",
			want: hal.CallerID{Number: "0612345678", Name: "ROSSI MARIO"}},
		{name: "any order", lines: "NAME=ROSSI|NMBR=06|TIME=0101|DATE=0101", want: hal.CallerID{Number: "06", Name: "ROSSI"}},
		{name: "no name, as in Italy", lines: "NMBR=0612345678", want: hal.CallerID{Number: "0612345678"}},
		{name: "restricted", lines: "NMBR=P", want: hal.CallerID{Restricted: true}},
		{name: "restricted number and name", lines: "NMBR = P|NAME = P", want: hal.CallerID{Restricted: true}},
		{name: "out of area", lines: "NMBR=O|NAME=O", want: hal.CallerID{Unknown: true}},
		{name: "an empty number", lines: "NMBR=", want: hal.CallerID{Unknown: true}},
		{name: "lower case", lines: "nmbr=06", want: hal.CallerID{Number: "06"}},
		{name: "an ISDN adapter", lines: "CALLER NUMBER: 0612345678", want: hal.CallerID{Number: "0612345678"}},
		{name: "a name only", lines: "NAME=ROSSI", want: hal.CallerID{Name: "ROSSI", Unknown: true}},
		{name: "a message", lines: "MESG=0601", none: true},
		{name: "date and time only", lines: "DATE=0101|TIME=0101", none: true},
		{name: "a number is cut at its limit", lines: "NMBR=" + strings.Repeat("1", 200),
			want: hal.CallerID{Number: strings.Repeat("1", maxCaller)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var id caller
			for _, l := range strings.Split(c.lines, "|") {
				id.add(l)
			}
			got, ok := id.take()
			if ok == c.none {
				t.Fatalf("known: %v", ok)
			}
			if ok && got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"\r\nOK\r\n", "NMBR = 0612\r\nRING\r\n", "\x10\x03\r\nOK\r\n", "0,\"A-Law\",8,0,8000\r\n"} {
		f.Add([]byte(s), 2)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		cut = min(max(cut, 0), len(b))
		whole := tokens(string(b))
		if d := cmp.Diff(whole, tokens(string(b[:cut]), string(b[cut:]))); d != "" {
			t.Fatalf("cut at %d changes the meaning: %s", cut, d)
		}
		var id caller
		for _, w := range whole {
			_, text, _ := strings.Cut(w, " ")
			id.add(text)
			parseFormat(text)
		}
		if got, _ := id.take(); len(got.Number) > maxCaller || len(got.Name) > maxCaller {
			t.Fatalf("caller ID too long: %+v", got)
		}
	})
}

func TestFormatsByTheirText(t *testing.T) {
	for _, c := range []struct {
		line string
		want format
	}{
		{`4,"G.711U",8,0,8000,0,0`, format{4, muLaw}},
		{`5,"G.711A",8,0,8000,0,0`, format{5, aLaw}},
		{`131,"Mu-Law",8,0,8000,0,0`, format{131, muLaw}},
		{`132,"A-Law",8,0,8000,0,0`, format{132, aLaw}},
		{`131,"ULAW",8,0,8000`, format{131, muLaw}},
		{`132,"ALAW",8,0,(7200,8000,11025),(0),(0)`, format{132, aLaw}},
		{`130,"8-BIT ALAW",8,0,8000,0,0`, format{130, aLaw}},
		{`+VSM: 6,"ULAW",8,0,8000,0,0`, format{6, muLaw}},
		{`1,"UNSIGNED PCM",8,0,8000,0,0`, format{1, unsigned8}},
		{`128,"8-BIT LINEAR",8,0,(7200,8000),0,0`, format{128, unsigned8}},
		{`0,"SIGNED PCM",8,0,8000,0,0`, format{0, signed8}},
		{`1,ALAW,8,0,8000`, format{1, aLaw}},
	} {
		if got, ok := parseFormat(c.line); !ok || got != c.want {
			t.Errorf("%s: %+v %v, want %+v", c.line, got, ok, c.want)
		}
	}
	for _, line := range []string{
		"", "OK", `129,"IMA ADPCM",4,0,8000,0,0`, `133,"14 bit PCM",14,0,8000,0,0`,
		`0,"SIGNED PCM",16,0,8000,0,0`, `"ALAW",5`, `-1,"ALAW",8`, `5`, `129,"16-BIT LINEAR",16,0,8000,0,0`,
	} {
		if got, ok := parseFormat(line); ok {
			t.Errorf("%q taken for %+v", line, got)
		}
	}
}

func TestPreferredFormat(t *testing.T) {
	list := []string{`128,"8-BIT LINEAR",8,0,8000`, `131,"8-BIT ULAW",8,0,8000`, `130,"8-BIT ALAW",8,0,8000`}
	for i, want := range []string{"130 A-law 131 mu-law 128 8-bit unsigned ", "131 mu-law 128 8-bit unsigned ", "128 8-bit unsigned ", ""} {
		got := ""
		for _, f := range chooseFormats(list[:len(list)-i]) {
			got += fmt.Sprintf("%d %s ", f.cml, f.enc)
		}
		if got != want {
			t.Errorf("of %q: %s, want %s", list[:len(list)-i], got, want)
		}
	}
}

func TestDetectDialect(t *testing.T) {
	for want, identity := range map[string][]string{
		"cx930xx": {"56000", "CX93001-EIS_V0.2013-V92", "CONEXANT"},
		"usr5637": {"5601", "U.S. Robotics 56K FAX USB V1.2.23"},
		"ttyi":    {"Linux ISDN"},
		"generic": {"SmartUSB56 Voice Modem"},
	} {
		if got := detect(identity).Name; got != want {
			t.Errorf("%q: %s, want %s", identity, got, want)
		}
	}
}

func TestCodecs(t *testing.T) {
	for _, e := range []encoding{aLaw, muLaw, unsigned8, signed8} {
		c := &codecs[e]
		if s := c.toA[c.fromA[0xd5]]; s != 0xd5 && s != 0x55 {
			t.Errorf("%s: silence comes back as %#x", e, s)
		}
	}
}
