// Package testbed runs the real peers that the box is tested against: baresip
// phones, Kamailio as a provider, SIPp, speech of espeak-ng, vgetty, network
// namespaces joined by veth pairs, and a seeded impairment of packets. Its judge
// says whether a recording holds what the other party said.
//
// It is for tests alone and the only room of the house that starts processes.
// Whatever it starts ends with the test that asked for it: processes are killed,
// namespaces and files deleted by t.Cleanup, also when the test process itself is
// killed (parent-death signal; stale namespaces are swept by the next run).
//
// Goroutines: one reader per process output, one per control connection of a
// phone, one per impairment relay; each ends with what it reads from.
package testbed
