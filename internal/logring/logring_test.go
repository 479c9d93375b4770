package logring_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"centralino/internal/journal"
	"centralino/internal/logring"

	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a national number", "call from 0612345678", "call from ***678"},
		{"an E.164 number in an address", "<sip:+390612345678@10.0.0.5:5060>", "<sip:+***678@10.0.0.5:5060>"},
		{"a number in groups", "caller 06 1234 5678.", "caller ***678."},
		{"a number with dashes", "333-123-4567", "***567"},
		{"extensions and ports stay", "201 calls 204 on port 15060", "201 calls 204 on port 15060"},
		{"addresses stay", "192.168.100.200", "192.168.100.200"},
		{"identifiers stay", "p-0123456789 line_123456 x123456 123456ab", "p-0123456789 line_123456 x123456 123456ab"},
		{"emergency numbers stay", "112", "112"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := logring.Mask(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "perché no?", "perché no?"},
		{"a forged line", "x\nERROR all is lost\r", `x\nERROR all is lost\r`},
		{"terminal control", "\x1b[2J\x07", `\x1b[2J\x07`},
		{"reading direction", "a\u202eb", `a\u202eb`},
		{"not UTF-8", "a\xffb", `a\xffb`},
		{"C1 controls", "\u009b31m", `\x9b31m`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := logring.Escape(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	long := logring.Escape(strings.Repeat("è", 1000))
	if len(long) > logring.MaxBytes || !strings.HasSuffix(long, "è…") {
		t.Errorf("a long text is %d bytes: %q", len(long), long[len(long)-10:])
	}
}

func TestSubjectsAreNotInTheLog(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"p-abcdefgh23456777", "p-***"},
		{"agent p-sample-anna paused", "agent p-*** paused"},
		{"{Kind:3 Agent:p-abcdefgh23456777 Contact:c-1 From:n-ytrewq}", "{Kind:3 Agent:p-*** Contact:c-1 From:n-***}"},
		{"/people/p-abcdefgh23456777/invite", "/people/p-***/invite"},
		{"n-abcdefgh,n-abcdefgi", "n-***,n-***"},
		{"http-server up-to-date in-band p-1 n-th", "http-server up-to-date in-band p-1 n-th"},
		{"", ""}, {"p-", "p-"}, {"p-abc", "p-abc"}, {"p-abcd", "p-***"},
	} {
		if got := logring.Subjects(c.in); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
		if got := logring.Safe(c.in); got != c.want {
			t.Errorf("%q is written as %q, want %q", c.in, got, c.want)
		}
	}
	ring := logring.New(logring.Options{})
	slog.New(ring.Handler()).With("who", journal.SubjectID("p-abcdefgh")).Info("refused p-abcdefgh", "agent", "p-abcdefgh", "cmd", struct{ Agent string }{"p-abcdefgh"})
	if l := ring.Lines(logring.Filter{})[0]; strings.Contains(l.Text+l.Attrs, "abcdefgh") {
		t.Errorf("the log says %+v", l)
	}
}

// TestSafe: whatever comes in, what goes out is short, printable and has no long
// number in it.
func TestSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z :<+]{0,3}[0-9 -]{0,40}[@>.a-z]{0,3}`),
			rapid.Custom(func(t *rapid.T) string {
				return string(rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "bytes"))
			})).Draw(t, "text")
		out := logring.Safe(in)
		if len(out) > logring.MaxBytes || !utf8.ValidString(out) {
			t.Fatalf("%q becomes %q", in, out)
		}
		for _, r := range out {
			if r < ' ' || r == 0x7f {
				t.Fatalf("%q becomes %q", in, out)
			}
		}
		if again := logring.Mask(logring.Mask(in)); again != logring.Mask(in) {
			t.Fatalf("masking %q twice gives %q", in, again)
		}
	})
}

func FuzzSafe(f *testing.F) {
	f.Add("call from +39 06 12345678\n")
	f.Fuzz(func(t *testing.T, s string) {
		if out := logring.Safe(s); len(out) > logring.MaxBytes || strings.ContainsAny(out, "\n\r\x00\x1b") {
			t.Fatalf("%q", out)
		}
	})
}

func TestRing(t *testing.T) {
	var passed bytes.Buffer
	ring := logring.New(logring.Options{Lines: 3, Next: slog.NewTextHandler(&passed, nil)})
	log := slog.New(ring.Handler())
	log.Debug("not kept")
	call := log.With("call", "c-0123456789")
	call.Info("ring", "from", "0612345678", "n", 1)
	log.WithGroup("sip").With("leg", "a").Warn("odd message", slog.Group("msg", "text", "x\ny"), "err", errors.New("broken \"pipe\""))
	call.Error("lost")
	log.Info("fourth")

	all := ring.Lines(logring.Filter{Level: slog.LevelDebug})
	var got []string
	for _, l := range all {
		got = append(got, fmt.Sprintf("%v|%s|%s|%s", l.Level, l.Text, l.Attrs, l.Call))
	}
	want := []string{
		`WARN|odd message|sip.leg=a sip.msg.text=x\ny sip.err="broken \"pipe\""|`,
		`ERROR|lost|call=c-0123456789|c-0123456789`,
		`INFO|fourth||`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s := passed.String(); strings.Contains(s, "0612345678") || !strings.Contains(s, "from=***678") || strings.Contains(s, "not kept") {
		t.Errorf("passed on:\n%s", s)
	}
	if n := len(ring.Lines(logring.Filter{Call: "c-0123456789"})); n != 1 {
		t.Errorf("%d lines of the call", n)
	}
	if n := len(ring.Lines(logring.Filter{Text: "PIPE"})); n != 1 {
		t.Errorf("%d lines with the text", n)
	}
	if ls := ring.Lines(logring.Filter{Limit: 2}); len(ls) != 2 || ls[1].Text != "fourth" {
		t.Errorf("the newest two: %v", ls)
	}
	if n := len(ring.Lines(logring.Filter{Level: slog.LevelError})); n != 1 {
		t.Errorf("%d errors", n)
	}
	if n := len(logring.New(logring.Options{}).Lines(logring.Filter{})); n != 0 {
		t.Errorf("%d lines in an empty ring", n)
	}
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := logring.New(logring.Options{Burst: 3, Every: time.Second})
		log := slog.New(ring.Handler())
		for range 10 {
			log.Info("flood")
		}
		log.Info("other")
		time.Sleep(time.Second)
		log.Info("flood")
		var got []string
		for _, l := range ring.Lines(logring.Filter{}) {
			got = append(got, strings.TrimSpace(l.Text+" "+l.Attrs))
		}
		if want := "flood,flood,flood,other,flood suppressed=7"; strings.Join(got, ",") != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func BenchmarkHandle(b *testing.B) {
	log := slog.New(logring.New(logring.Options{Burst: 1 << 30}).Handler()).With("call", "c-1")
	b.ReportAllocs()
	for b.Loop() {
		log.Info("leg answered", "leg", "a", "code", 200)
	}
}
