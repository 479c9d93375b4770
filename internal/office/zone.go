package office

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// zoneinfo holds the time zones of the world: the files of lib/time/zoneinfo.zip of
// Go's release, by name, one after another, each behind a line with its name and its
// length in octets, and all of them deflated as one. The board's image has no zone
// files, and package time/tzdata, which holds the same, would make the program 0.3 MB
// larger. A test makes it anew with -update.
//
//go:embed zoneinfo.gz
var zoneinfo []byte

// Location returns the site's time zone; Europe/Rome or UTC if it is unknown.
func (s Site) Location() *time.Location {
	for _, name := range []string{s.TimeZone, "Europe/Rome"} {
		if loc, ok := zone(name); ok {
			return loc
		}
	}
	return time.UTC
}

// zone loads a time zone once; false if there is none of that name. Zone files of the
// system, which may be newer, go before those inside the program.
func zone(name string) (*time.Location, bool) {
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), true // only locations are stored
	}
	if name == "" {
		return nil, false
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		loc, err = ownZone(name)
	}
	if err != nil {
		return nil, false
	}
	zones.Store(name, loc)
	return loc, true
}

// zones keeps time zones that were loaded; there are as many as sites ever had.
var zones sync.Map

// ownZone is a time zone of zoneinfo.
func ownZone(name string) (*time.Location, error) {
	for found, rules := range ownZones {
		if found == name {
			return time.LoadLocationFromTZData(name, rules)
		}
	}
	return nil, fmt.Errorf("time zone %q is not known", name)
}

// ownZones goes through zoneinfo: names, and rules (RFC 9636) that are good until the
// next ones.
func ownZones(yield func(name string, rules []byte) bool) {
	z, err := gzip.NewReader(bytes.NewReader(zoneinfo))
	if err != nil {
		return
	}
	r := bufio.NewReader(z)
	var rules []byte
	for {
		line, _ := r.ReadString('\n')
		name, length, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.Atoi(length)
		if err != nil {
			return // the end
		}
		rules = slices.Grow(rules[:0], n)[:n]
		if _, err := io.ReadFull(r, rules); err != nil || !yield(name, rules) {
			return
		}
	}
}
