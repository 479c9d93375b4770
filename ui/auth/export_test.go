package auth

// ParsePHC reads a hash's costs.
func ParsePHC(s string) (mem, passes uint32, lanes uint8, err error) {
	p, err := parsePHC(s)
	return p.mem, p.passes, p.lanes, err
}
