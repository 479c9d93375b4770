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
	line := &dialled{host: host, secure: m.TLS == "tls"}
	defer line.close() // the library leaves it open where it gives up
	options := []mail.Option{mail.WithDialContextFunc(line.dial), mail.WithPort(n), mail.WithTimeout(mailTimeout), mail.WithHELO("centralino"), mail.WithTLSPolicy(mail.TLSMandatory)}
	switch m.TLS {
	case "tls":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if m.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(secret))
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", m.Server, err)
	}
	msg, err := message(m, l)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, mailLimit)
	defer stop()
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach mail server %s: %w", m.Server, err)
	}
	defer func() { _ = client.Close() }() // the letter's fate is known by then
	if err := client.Send(msg); err != nil {
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
	if send.Reason == mail.ErrSMTPDataClose && r.Code == 0 || send.Reason == mail.ErrSMTPReset {
		return fmt.Errorf("%w: %w", ErrUncertain, r)
	}
	return r
}

// dialled is the connection of one letter.
type dialled struct {
	host   string
	secure bool // TLS from the first octet
	conn   net.Conn
}

func (d *dialled) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var err error
	if d.secure {
		t := tls.Dialer{Config: &tls.Config{ServerName: d.host, MinVersion: tls.VersionTLS12}}
		d.conn, err = t.DialContext(ctx, network, address)
	} else {
		var n net.Dialer
		d.conn, err = n.DialContext(ctx, network, address)
	}
	if err != nil {
		d.conn = nil
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		err = d.conn.SetDeadline(end)
	}
	return d.conn, err
}

func (d *dialled) close() {
	if d.conn != nil {
		_ = d.conn.Close() // also closed by the library when all went well
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
