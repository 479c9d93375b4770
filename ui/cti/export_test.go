package cti

// RetryAfter is how long a receiver wants to be left alone.
var RetryAfter = retryAfter
