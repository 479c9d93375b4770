// Package sip is the box's SIP wire: messages, listeners, the guard in front of
// the parser, validation behind it, and transactions that keep the order in
// which messages arrived. It is the only user of github.com/emiago/sipgo (its
// parser splits messages into start line and header fields); no type of it leaves
// the package.
//
// Order is sacred: every message is queued by its Call-ID and handled in arrival
// order by one goroutine of a fixed set, so a CANCEL never overtakes its INVITE
// nor a 200 its 183. A Handler must never block.
//
// Goroutines: New starts none. Run starts one reader a listener, one a TCP
// connection, and the queue workers, and waits for all of them.
package sip

import "errors"

// Methods (RFC 3261, 3262, 3311, 3428, 3515, 3903, 6086, 6665).
const (
	INVITE    = "INVITE"
	ACK       = "ACK"
	BYE       = "BYE"
	CANCEL    = "CANCEL"
	REGISTER  = "REGISTER"
	OPTIONS   = "OPTIONS"
	INFO      = "INFO"
	UPDATE    = "UPDATE"
	PRACK     = "PRACK"
	REFER     = "REFER"
	NOTIFY    = "NOTIFY"
	SUBSCRIBE = "SUBSCRIBE"
	MESSAGE   = "MESSAGE"
	PUBLISH   = "PUBLISH"
)

// Errors of sending.
var (
	// ErrTimeout: no final response came in time (timers B and F, RFC 3261 17.1).
	ErrTimeout = errors.New("no answer in time")
	// ErrTransport: the message could not be sent, or its connection broke.
	ErrTransport = errors.New("transport failed")
	// ErrClosed: the stack is shut down.
	ErrClosed = errors.New("SIP stack closed")
	// ErrOverload: too many transactions at once.
	ErrOverload = errors.New("too many SIP transactions")
)

// Handler takes requests that have passed guard and validation. Calls for one
// Call-ID come one after the other in the order of arrival; a call must not
// block. A panic in a handler costs that one message, which is answered 500.
type Handler interface {
	// Stateless may answer a request before any transaction is made, with
	// nothing kept afterwards: challenges, refusals, REGISTER and OPTIONS of
	// strangers. nil means: go on with a transaction. It sees every request but
	// ACK, CANCEL and retransmissions that a transaction absorbs.
	Stateless(req *Request) *Response
	// Request brings a new request in its own transaction. The handler (or who
	// it hands tx to) must answer it at some time.
	Request(tx ServerTx)
	// Ack brings an ACK that belongs to a 2xx; ACKs of other answers end in their
	// transaction.
	Ack(req *Request)
	// Cancel reports that the INVITE of tx was cancelled. The CANCEL has been
	// answered 200 already; the handler answers the INVITE with 487. It is not
	// called when the INVITE has had its final answer.
	Cancel(tx ServerTx, cancel *Request)
}

// ServerTx is the server transaction of one request. Its methods may be called
// from any goroutine and never block on the other side.
type ServerTx interface {
	// Request returns the request that made the transaction.
	Request() *Request
	// Respond sends a provisional or final response and repeats it as RFC 3261
	// 17.2 asks. A 2xx to INVITE is repeated by its sender (the dialog) through
	// further calls with the same response (RFC 6026). After a final response
	// other responses are ignored.
	Respond(resp *Response) error
}

// ClientTx is the client transaction of one request sent.
type ClientTx interface {
	// Request returns the request as it was sent, with its Via.
	Request() *Request
	// Cancel sends a CANCEL for an INVITE (RFC 3261 9.1): at once when a
	// provisional response has come, else when it comes. reason, if not empty, is
	// the value of a Reason header (RFC 3326). It does nothing after the final
	// response; for other methods it only stops the repeats.
	Cancel(reason string)
}
