package dialog

// ParseDigit is parseDigit, for its fuzz target.
var ParseDigit = parseDigit
