package dialog

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"centralino/pbx/sip"
)

// info takes an INFO: DTMF digits in the two forms that phones and gateways send;
// an empty one is a keepalive (RFC 6086).
func (l *Leg) info(tx sip.ServerTx) {
	req := tx.Request()
	code := 200
	switch t := req.ContentType(); {
	case req.HasHeader("Info-Package"):
		code = 469
	case t == "application/dtmf-relay" || t == "application/dtmf":
		d, ok := parseDigit(t, req.Body())
		if !ok {
			code = 400
			break
		}
		defer l.emit(d)
	case len(req.Body()) > 0:
		code = 415
	}
	_ = tx.Respond(sip.NewResponse(req, code, ""))
}

// parseDigit reads "Signal=5\r\nDuration=160" (dtmf-relay) or "5" (dtmf).
func parseDigit(contentType string, body []byte) (Digit, bool) {
	d := Digit{Duration: 100 * time.Millisecond}
	signal := strings.TrimSpace(string(body[:min(len(body), 64)]))
	if contentType == "application/dtmf-relay" {
		signal = ""
		for line := range bytes.SplitSeq(body[:min(len(body), 256)], []byte("\n")) {
			name, value, _ := strings.Cut(string(line), "=")
			value = strings.TrimSpace(value)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "signal":
				signal = value
			case "duration":
				if n, err := strconv.Atoi(value); err == nil && n > 0 && n <= 10000 {
					d.Duration = time.Duration(n) * time.Millisecond
				}
			}
		}
	}
	switch signal { // event numbers of RFC 4733 that some gateways send
	case "10":
		signal = "*"
	case "11":
		signal = "#"
	}
	if len(signal) != 1 || strings.IndexByte("0123456789*#ABCD", signal[0]) < 0 {
		return d, false
	}
	d.Digit = signal[0]
	return d, true
}

// SendDigit sends one DTMF digit by INFO (application/dtmf-relay), for peers
// without RFC 4733. Whether it was understood is not reported.
func (l *Leg) SendDigit(digit byte) {
	l.do(func() {
		if l.state != up || strings.IndexByte("0123456789*#ABCD", digit) < 0 {
			return
		}
		req := l.newRequest(sip.INFO)
		req.SetBody("application/dtmf-relay", fmt.Appendf(nil, "Signal=%c\r\nDuration=160\r\n", digit))
		l.send(req, func(*sip.Response, error) {})
	})
}
