package voicemodem

import (
	"strings"

	"centralino/hal"
)

// maxCaller bounds the fields of caller ID (ETSI EN 300 659-3: number 20, name 50).
const maxCaller = 64

// callerFields are the names of formatted caller ID (V.253 clause 10) and of ISDN
// adapters.
var callerFields = []string{"DATE", "TIME", "NMBR", "NUMBER", "NAME", "MESG", "CALLER NUMBER", "DDN_NMBR"}

// callerField splits a line of caller ID: NAME=value with or without blanks around
// the sign, or "CALLER NUMBER: value".
func callerField(s string) (name, value string, ok bool) {
	i := strings.IndexAny(s, "=:")
	if i < 0 {
		return "", "", false
	}
	name = strings.ToUpper(strings.TrimSpace(s[:i]))
	for _, f := range callerFields {
		if f == name {
			value = strings.TrimSpace(s[i+1:])
			return name, value[:min(len(value), maxCaller)], true
		}
	}
	return "", "", false
}

// caller collects the lines of caller ID of one call, in any order.
type caller struct {
	id    hal.CallerID
	known bool // something about the caller was said
}

// add takes one line. A number P means restricted, O unavailable; as a name they
// mean the same and are not names.
func (c *caller) add(line string) {
	name, value, ok := callerField(line)
	if !ok {
		return
	}
	switch name {
	case "NMBR", "NUMBER", "CALLER NUMBER", "DDN_NMBR":
		c.known = true
		switch strings.ToUpper(value) {
		case "P", "PRIVATE":
			c.id.Restricted = true
		case "O", "", "OUT OF AREA", "UNAVAILABLE":
			c.id.Unknown = true
		default:
			c.id.Number = value
		}
	case "NAME":
		switch strings.ToUpper(value) {
		case "P", "O", "", "PRIVATE", "OUT OF AREA", "UNAVAILABLE":
		default:
			c.known = true
			c.id.Name = value
		}
	}
}

// take returns what is known and forgets it.
func (c *caller) take() (hal.CallerID, bool) {
	id, ok := c.id, c.known
	if id.Number == "" && !id.Restricted {
		id.Unknown = true
	}
	*c = caller{}
	return id, ok
}
