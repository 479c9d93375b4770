// Package live keeps what the box is doing now, as a fold of the journal, and
// wakes the event streams that show it. It owns no goroutine, knows no names of
// people and no HTML: who may see what is decided where a fragment is drawn.
package live
