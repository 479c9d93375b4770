// Package sim holds the outside world for tests and for the box in simulation: a
// telephone exchange with its lines and far parties, voice modems behind a real
// pty or an in-memory port, and lines directly on the exchange without a modem.
//
// The exchange runs on timers of package time and starts no goroutine, so that it
// also lives in testing/synctest bubbles. A modem runs one goroutine for its
// input, one for its output and, while off hook, one for its codec; a direct Line
// runs only its Run. The package never dials anything real and never judges: what
// a test expects is the test's business.
package sim
