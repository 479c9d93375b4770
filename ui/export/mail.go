package export

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"centralino/internal/office"
)

// Letter is a report ready to be sent. ID makes it one and the same message however
// often it is tried.
type Letter struct {
	ID      string
	To      []string
	Subject string
	Body    string
	Files   []Attachment
	Date    time.Time
}

// Attachment is one file of a letter.
type Attachment struct {
	Name string
	Kind string // media type
	Body []byte
}

// ErrUncertain says that the connection died after the whole letter was given over:
// the server may have taken it.
var ErrUncertain = errors.New("the server may have taken the letter")

// Times of a conversation with a mail server.
const (
	mailTimeout = 30 * time.Second // of each step
	mailLimit   = 2 * time.Minute  // of all of it
)

// SMTP sends a letter by the office's mail server (RFC 5321). It returns nil once
// the server has taken it for all addresses, and ErrUncertain if that can't be known.
func SMTP(ctx context.Context, m office.Mail, secret string, l Letter) error {
	host, port, err := net.SplitHostPort(m.Server)
	if err != nil {
		return fmt.Errorf("mail server %q: %w", m.Server, err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("mail server %q: %w", m.Server, err)
	}
	secure := m.TLS == "tls" // from the first octet
	ctx, stop := context.WithTimeout(ctx, mailLimit)
	defer stop()
	options := []mail.Option{mail.WithDialContextFunc(dialler(ctx, host, secure)), mail.WithPort(n), mail.WithTimeout(mailTimeout), mail.WithHELO("centralino"), mail.WithTLSPolicy(mail.TLSMandatory)}
	switch {
	case secure:
		options = append(options, mail.WithSSL())
	case m.TLS == "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if m.User != "" {
		options = append(options, loginBy(secure), mail.WithUsername(m.User), mail.WithPassword(secret))
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", m.Server, err)
	}
	msg, err := message(m, l)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach mail server %s: %w", m.Server, err)
	}
	defer func() { _ = client.Close() }() // the letter's fate is known by then
	if err := client.Send(msg); err != nil && !msg.IsDelivered() {
		return refusedBy(m.Server, err)
	}
	return nil
}

// Refused is a server's refusal. It leaves out the server's words, which repeat the
// addresses.
type Refused struct {
	Server, Step string
	Code         int // RFC 5321 section 4.2, 0 without an answer
}

// Error implements error.
func (e *Refused) Error() string {
	return fmt.Sprintf("give letter to %s: %s (%d)", e.Server, e.Step, e.Code)
}

// refusedBy tells a refusal from a doubt: the connection died after the letter.
func refusedBy(server string, err error) error {
	var send *mail.SendError
	if !errors.As(err, &send) {
		return &Refused{Server: server, Step: "send"}
	}
	r := &Refused{Server: server, Step: send.Reason.String(), Code: send.ErrorCode()}
	if send.Reason == mail.ErrSMTPDataClose && r.Code == 0 {
		return fmt.Errorf("%w: %w", ErrUncertain, r)
	}
	return r
}

// loginBy chooses how to log in: by what the server offers, and with a plain password
// only where all is encrypted. The library sees that of STARTTLS, not of our own dialler.
func loginBy(secure bool) mail.Option {
	if secure {
		return mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthCramMD5, mail.SMTPAuthPlain, mail.SMTPAuthLogin)
	}
	return mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover)
}

// dialler makes the connection of one letter, which ends with ctx: the library watches
// its context only while it dials, and leaves the connection open where it gives up.
func dialler(ctx context.Context, host string, secure bool) mail.DialContextFunc {
	return func(dialling context.Context, network, address string) (conn net.Conn, err error) {
		if secure {
			t := tls.Dialer{Config: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
			conn, err = t.DialContext(dialling, network, address)
		} else {
			var n net.Dialer
			conn, err = n.DialContext(dialling, network, address)
		}
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() }) // also closed by the library when all went well
		return conn, nil
	}
}

func message(m office.Mail, l Letter) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(m.From), msg.To(l.To...)); err != nil {
		return nil, fmt.Errorf("address letter: %w", err)
	}
	msg.Subject(l.Subject)
	msg.SetDateWithValue(l.Date)
	msg.SetMessageIDWithValue(l.ID + "@centralino")
	msg.SetBodyString(mail.TypeTextPlain, l.Body)
	for _, f := range l.Files {
		if err := msg.AttachReader(f.Name, bytes.NewReader(f.Body), mail.WithFileContentType(mail.ContentType(f.Kind))); err != nil {
			return nil, fmt.Errorf("attach %s: %w", f.Name, err)
		}
	}
	return msg, nil
}
