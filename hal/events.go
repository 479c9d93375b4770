package hal

// EventQueue carries the events of a line from its owner to its reader as
// Line.Events promises: 64 events wait in C; when they do not fit, DTMF and
// Progress events are dropped and all others wait in order until there is room.
// Put, Late and Sent are the owner's; only C may be used by others.
type EventQueue struct {
	C    chan LineEvent
	late []LineEvent
}

// NewEventQueue returns an empty queue.
func NewEventQueue() *EventQueue { return &EventQueue{C: make(chan LineEvent, 64)} }

// Put queues ev without blocking.
func (q *EventQueue) Put(ev LineEvent) {
	if len(q.late) == 0 {
		select {
		case q.C <- ev:
			return
		default:
		}
	}
	switch ev.(type) {
	case DTMF, Progress:
		return
	}
	q.late = append(q.late, ev)
}

// Late returns the channel and the event that the owner should offer to it beside
// its other work, or nil when nothing is late. After the send succeeded the owner
// calls Sent.
func (q *EventQueue) Late() (chan<- LineEvent, LineEvent) {
	if len(q.late) == 0 {
		return nil, nil
	}
	return q.C, q.late[0]
}

// Sent forgets the event that Late returned.
func (q *EventQueue) Sent() { q.late = q.late[1:] }
