package export_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/export"
)

// smtpServer is a mail server of ours: it does what script says of each letter.
type smtpServer struct {
	l  net.Listener
	wg sync.WaitGroup

	mu      sync.Mutex
	script  []string // for each connection: "", "refuse", "later", "hangup" (after the letter), "silent" (there), "leave" (after taking it)
	letters []string
	rcpts   []string
	users   []string

	taken chan struct{} // capacity 1: there is a letter
}

func newSMTP(t *testing.T, script ...string) *smtpServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveSMTP(t, l, script...)
}

func serveSMTP(t *testing.T, l net.Listener, script ...string) *smtpServer {
	s := &smtpServer{l: l, script: script, taken: make(chan struct{}, 1)}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { defer c.Close(); s.talk(c) })
		}
	})
	t.Cleanup(func() { l.Close(); s.wg.Wait() })
	return s
}

func (s *smtpServer) mail() office.Mail {
	return office.Mail{Server: s.l.Addr().String(), From: "centralino@example.org", TLS: "none"}
}

func (s *smtpServer) talk(c net.Conn) {
	s.mu.Lock()
	do := ""
	if len(s.script) > 0 {
		do, s.script = s.script[0], s.script[1:]
	}
	s.mu.Unlock()
	r := bufio.NewReader(c)
	say := func(line string) { fmt.Fprintf(c, "%s\r\n", line) }
	say("220 post.example.org")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.TrimSpace(line)); {
		case strings.HasPrefix(verb, "EHLO"):
			say("250-post.example.org\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME")
		case strings.HasPrefix(verb, "AUTH PLAIN "):
			who, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line[11:]))
			s.mu.Lock()
			s.users = append(s.users, string(who))
			s.mu.Unlock()
			say("235 welcome")
		case strings.HasPrefix(verb, "RCPT TO"):
			if do == "refuse" {
				say("550 5.1.1 nobody of that name")
				continue
			}
			s.mu.Lock()
			s.rcpts = append(s.rcpts, strings.TrimSpace(line[8:]))
			s.mu.Unlock()
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			if do == "later" {
				say("451 4.3.0 try again later")
				continue
			}
			s.mu.Lock()
			s.letters = append(s.letters, b.String())
			s.mu.Unlock()
			select {
			case s.taken <- struct{}{}:
			default: // told already
			}
			switch do {
			case "hangup":
				return
			case "silent":
				_, _ = r.ReadString('\n') // until the other end goes
				return
			}
			say("250 taken")
			if do == "leave" {
				return
			}
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// TestSMTP: a letter arrives whole; what the server says decides whether it is tried
// again; a connection that dies after the letter leaves a doubt.
func TestSMTP(t *testing.T) {
	letter := export.Letter{ID: "report-1.20261123T0700", To: []string{"anna@example.org", "dario@example.org"}, Subject: "Rapporto: così è andata", Body: "Buongiorno.\n",
		Files: []export.Attachment{{Name: "giornata.pdf", Kind: "application/pdf", Body: []byte("%PDF-1.3 …")}}, Date: time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)}
	s := newSMTP(t)
	if err := export.SMTP(context.Background(), s.mail(), "", letter); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	if len(s.letters) != 1 || len(s.rcpts) != 2 {
		t.Fatalf("%d letters to %v", len(s.letters), s.rcpts)
	}
	for _, want := range []string{"Message-ID: <report-1.20261123T0700@centralino>", "Date: Mon, 23 Nov 2026 07:00:00 +0000", "Subject: =?UTF-8?", `filename="giornata.pdf"`, "From: <centralino@example.org>", "Buongiorno."} {
		if !strings.Contains(s.letters[0], want) {
			t.Errorf("the letter lacks %s:\n%s", want, s.letters[0])
		}
	}
	s.mu.Unlock()
	if err := export.SMTP(context.Background(), newSMTP(t, "leave").mail(), "", letter); err != nil {
		t.Errorf("a server that took the letter and left: %v", err)
	}
	for script, uncertain := range map[string]bool{"refuse": false, "later": false, "hangup": true} {
		s := newSMTP(t, script)
		err := export.SMTP(context.Background(), s.mail(), "", letter)
		var refused *export.Refused
		if !errors.As(err, &refused) || errors.Is(err, export.ErrUncertain) != uncertain || strings.Contains(err.Error(), "anna") {
			t.Errorf("%s: %v", script, err)
		} else if want := map[string]int{"refuse": 550, "later": 451}[script]; refused.Code != want {
			t.Errorf("%s: code %d", script, refused.Code)
		}
	}
	closed := newSMTP(t)
	closed.l.Close()
	if err := export.SMTP(context.Background(), closed.mail(), "", letter); err == nil || errors.Is(err, export.ErrUncertain) {
		t.Errorf("no server: %v", err)
	}
	m := newSMTP(t).mail()
	m.TLS = "starttls" // the server has none: the letter is not sent in the clear
	if err := export.SMTP(context.Background(), m, "", letter); err == nil {
		t.Error("a letter went out without the encryption that was asked for")
	}
}

// TestSMTPEndsWithItsContext: a box that is stopped does not wait for a server that
// is silent; the letter's fate is a doubt.
func TestSMTPEndsWithItsContext(t *testing.T) {
	s := newSMTP(t, "silent")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- export.SMTP(ctx, s.mail(), "", export.Letter{ID: "report-1", To: []string{"anna@example.org"}, Body: "Buongiorno.\n"})
	}()
	<-s.taken
	stop()
	select {
	case err := <-done:
		if !errors.Is(err, export.ErrUncertain) {
			t.Errorf("the end is %v", err)
		}
	case <-time.After(15 * time.Second): // half of what one step may take
		t.Fatal("it goes on without its context")
	}
}

// trusted makes a certificate for 127.0.0.1 that this process trusts. Roots are read
// once in a process, so there is one certificate for all tests.
var trusted = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	file, err := os.CreateTemp("", "root*.pem")
	if err != nil {
		return tls.Certificate{}, err
	}
	defer os.Remove(file.Name())
	if err := errors.Join(pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: der}), file.Close(), os.Setenv("SSL_CERT_FILE", file.Name())); err != nil {
		return tls.Certificate{}, err
	}
	_, err = x509.SystemCertPool() // reads it
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

// TestSMTPLogsInOverTLS: providers take a plain password where all is encrypted, and
// only there does the box give it.
func TestSMTPLogsInOverTLS(t *testing.T) {
	cert, err := trusted()
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	letter := export.Letter{ID: "report-1", To: []string{"anna@example.org"}, Body: "Buongiorno.\n"}
	s := serveSMTP(t, l)
	m := s.mail()
	m.TLS, m.User = "tls", "centralino"
	if err := export.SMTP(context.Background(), m, "quattro gatti", letter); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	if len(s.letters) != 1 || len(s.users) != 1 || s.users[0] != "\x00centralino\x00quattro gatti" {
		t.Errorf("%d letters, users %q", len(s.letters), s.users)
	}
	s.mu.Unlock()
	s = newSMTP(t)
	m = s.mail()
	m.User = "centralino"
	err = export.SMTP(context.Background(), m, "quattro gatti", letter)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || len(s.users) > 0 {
		t.Errorf("the password went out in the clear: %v %q", err, s.users)
	}
}

// ledger is the journal for the post.
type ledger struct {
	mu     sync.Mutex
	posts  report.Posts
	log    []string
	now    func() time.Time
	refuse bool
}

func (l *ledger) Posts() report.Posts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.posts)
}

func (l *ledger) Mailed(_ context.Context, m journal.ReportMailed) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse {
		return errors.New("disk full")
	}
	l.posts.Apply(journal.Event{Time: l.now(), Payload: m})
	l.log = append(l.log, fmt.Sprint(m.Result, " ", m.Try))
	return nil
}

// TestPost: sent within a minute of its time, again after failures, never twice also
// over restarts of the box, and a failure is a fault until it is over.
func TestPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loc, _ := time.LoadLocation("Europe/Rome")
		start := time.Now().In(loc)
		due := start.Add(90 * time.Minute).Truncate(time.Minute)
		doc := &office.Document{Site: office.Site{TimeZone: "Europe/Rome"}, Mail: office.Mail{Server: "mail:25"},
			Reports: []office.Report{{ID: "report-1", What: "day", Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, At: due.Hour()*60 + due.Minute(), To: []string{"a@example.org"}}}}
		l := &ledger{posts: report.Posts{}, now: time.Now}
		var mu sync.Mutex
		var sent []time.Time
		var answers []error
		fault := false
		run := func(d time.Duration) {
			ctx, stop := context.WithTimeout(context.Background(), d)
			defer stop()
			_ = export.NewPost(export.PostOptions{
				Office: func() *office.Document { return doc }, Secret: func(office.SecretRef) (string, bool) { return "", false }, Reader: l,
				Render: func(context.Context, *office.Report, kpi.Interval) (export.Letter, error) {
					return export.Letter{}, nil
				},
				Send: func(ctx context.Context, _ office.Mail, _ string, letter export.Letter) error {
					mu.Lock()
					defer mu.Unlock()
					sent = append(sent, time.Now())
					if len(answers) == 0 {
						return nil
					}
					err := answers[0]
					answers = answers[1:]
					return err
				},
				Fault: func(raised bool) { fault = raised },
				Now:   time.Now, Log: slog.New(slog.DiscardHandler),
			}).Run(ctx)
		}
		answers = []error{errors.New("down"), errors.New("still down")}
		run(2 * time.Hour)
		if len(sent) != 3 || sent[0].Before(due) || sent[0].Sub(due) > time.Minute || sent[1].Sub(sent[0]) < time.Minute || sent[2].Sub(sent[1]) < 2*time.Minute || fault {
			t.Fatalf("sent at %v, due %v, fault %v", sent, due, fault)
		}
		if got := strings.Join(l.log, ", "); got != "trying 1, failed 1, trying 2, failed 2, trying 3, sent 3" {
			t.Errorf("journal: %s", got)
		}
		run(10 * time.Hour) // the box restarts: nothing comes twice
		if len(sent) != 3 {
			t.Fatalf("sent again: %v", sent)
		}
		answers = []error{fmt.Errorf("gone: %w", export.ErrUncertain)}
		run(24 * time.Hour)
		if len(sent) != 4 || !fault {
			t.Fatalf("after a doubt: %v, fault %v", sent, fault)
		}
		// The box dies while it sends the next one.
		l.posts["report-1"] = report.Post{Due: due.AddDate(0, 0, 2).UTC(), Result: report.PostTrying, Try: 1, At: time.Now()}
		l.log = nil
		run(20 * time.Hour)
		if len(sent) != 4 || len(l.log) == 0 || l.log[0] != "unknown 1" {
			t.Fatalf("after a crash: %v %v", sent, l.log)
		}
		// What can't be written down is not begun.
		l.refuse = true
		run(24 * time.Hour)
		if len(sent) != 4 {
			t.Fatalf("sent without a word in the journal: %v", sent)
		}
	})
}

// TestNotices: sent at once to the addresses of the office, again while the server is
// away, and given up in the end; without a server there is nothing to do.
func TestNotices(t *testing.T) {
	for _, c := range []struct {
		name   string
		server string
		fails  int // so many tries, then no more
		err    error
		sent   int
	}{
		{"at once", "mail:25", 0, nil, 1},
		{"once the server is back", "mail:25", 40, errors.New("down"), 41},
		{"never twice after a doubt", "mail:25", 40, fmt.Errorf("gone: %w", export.ErrUncertain), 1},
		{"given up after an hour", "mail:25", 10000, errors.New("down"), 180},
		{"the office has no mail", "", 0, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				doc := &office.Document{Site: office.Site{TimeZone: "Europe/Rome"}, Mail: office.Mail{Server: c.server, From: "box@example.org"},
					Reports: []office.Report{{ID: "report-1", To: []string{"anna@example.org", "box@example.org"}}}}
				var sent []string
				p := export.NewPost(export.PostOptions{
					Office: func() *office.Document { return doc }, Secret: func(office.SecretRef) (string, bool) { return "", false }, Reader: &ledger{posts: report.Posts{}, now: time.Now},
					Send: func(_ context.Context, _ office.Mail, _ string, l export.Letter) error {
						sent = append(sent, l.Subject+" "+strings.Join(l.To, " "))
						if len(sent) <= c.fails {
							return c.err
						}
						return nil
					},
					Now: time.Now, Log: slog.New(slog.DiscardHandler),
				})
				ctx, stop := context.WithTimeout(t.Context(), 3*time.Hour)
				defer stop()
				p.Tell(export.Letter{ID: "reset", Subject: "Reset"})
				_ = p.Run(ctx)
				if len(sent) != c.sent {
					t.Errorf("sent %d times, want %d", len(sent), c.sent)
				}
				for _, s := range sent {
					if s != "Reset anna@example.org box@example.org" {
						t.Errorf("sent %q", s)
					}
				}
			})
		})
	}
}
