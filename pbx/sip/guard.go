package sip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
)

// The guard looks at raw bytes before the parser: it swallows keepalives, drops
// what is no SIP, and bounds sizes and counts. It never returns an error to a
// reader; it says what to do with the bytes.

// Errors of frameOf. errShort asks a stream for more bytes.
var (
	errShort      = errors.New("message not complete")
	errLimit      = errors.New("message exceeds a limit")
	errLength     = errors.New("Content-Length is wrong")
	errNoSIP      = errors.New("not SIP")
	errHeaderForm = errors.New("malformed header field")
)

// isKeepalive says whether b is one of the keepalives that phones and gateways send
// between messages: line ends, zero octets, "jaK", STUN (RFC 5626 4.4, RFC 5389 6).
func isKeepalive(b []byte) bool {
	if len(b) == 0 || len(b) == 3 && string(b) == "jaK" {
		return true
	}
	if len(b) >= 20 && b[0] < 2 && binary.BigEndian.Uint32(b[4:]) == 0x2112A442 {
		return true
	}
	if len(b) > 16 {
		return false
	}
	for _, c := range b {
		if c != '\r' && c != '\n' && c != 0 && c != ' ' {
			return false
		}
	}
	return true
}

// trimLead strips the line ends that may stand before a start line (RFC 3261 7.5).
func trimLead(b []byte) []byte {
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}

// frame is where a message ends and what had to be read to know it.
type frame struct {
	head   int // octets of start line and fields with the empty line
	length int // Content-Length, -1 if absent
}

// frameOf finds the end of the header of b and its Content-Length, within limits.
// It returns errShort when the end of the header is not there, errLimit, errLength
// or errNoSIP for what cannot be read further.
func frameOf(b []byte, l *Limits) (frame, error) {
	f := frame{length: -1}
	if len(b) > 0 && !isTokenChar(b[0]) {
		return f, errNoSIP
	}
	pos, fields, vias := 0, 0, 0
	var broken error
	for {
		n := bytes.IndexByte(b[pos:], '\n')
		if n < 0 {
			if len(b)-pos > maxLine || len(b) > l.Message {
				return f, errLimit
			}
			return f, errShort
		}
		line := b[pos : pos+n]
		pos += n + 1
		if len(line) > maxLine || pos > l.Message {
			return f, errLimit
		}
		if len(line) > 0 && line[len(line)-1] == '\r' {
			line = line[:len(line)-1]
		} else if broken == nil {
			broken = errHeaderForm
		}
		if len(line) == 0 {
			f.head = pos
			return f, broken
		}
		if fields++; fields > l.Headers {
			return f, errLimit
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || fields == 1 || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name = bytes.TrimRight(name, " \t")
		switch {
		case isName(name, "content-length", 'l'):
			n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
			if err != nil || f.length >= 0 && f.length != int(n) {
				broken = errLength
				continue
			}
			f.length = int(n)
		case isName(name, "via", 'v'):
			if vias += 1 + bytes.Count(value, []byte(",")); vias > l.Vias {
				return f, errLimit
			}
		}
	}
}

func isName(name []byte, full string, short byte) bool {
	return len(name) == 1 && name[0]|0x20 == short || len(name) == len(full) && strings.EqualFold(string(name), full)
}

// datagram cuts a datagram to its message. The bytes behind Content-Length are
// discarded (RFC 3261 18.3); a body shorter than it says is errLength.
func datagram(b []byte, l *Limits) ([]byte, error) {
	if len(b) > l.Message {
		return b, errLimit
	}
	f, err := frameOf(b, l)
	switch {
	case errors.Is(err, errShort):
		return b, errHeaderForm
	case err != nil:
		return b, err
	case f.length < 0:
		return b, nil
	case f.head+f.length > len(b):
		return b, errLength
	}
	return b[:f.head+f.length], nil
}
