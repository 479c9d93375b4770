package journal

import (
	"context"
	"time"
)

// Call is one line of the list of calls: a fold of the journal that is kept in
// the same transaction as its events.
type Call struct {
	ID        CallID
	First     uint64 // sequence number of CallStarted
	Start     time.Time
	Direction Direction
	Line      string
	From, To  SubjectID
	Extension string
	Dialled   string
	Emergency bool
	Answered  time.Time // zero: never
	By        SubjectID // who answered, if a person
	Ended     time.Time // zero: still up
	Cause     string
	Talk      time.Duration
	Total     time.Duration
}

// CallQuery selects calls, newest first.
type CallQuery struct {
	Before  CallCursor // page on from here; zero: from the newest
	Since   time.Time  // zero: no limit
	Subject SubjectID  // only calls from or to him
	Line    string     // only calls over this line
	Limit   int        // 1 to 500; 50 if 0
}

// CallCursor is a place in the list of calls: where the next page begins.
type CallCursor struct{ First uint64 }

// Calls returns one page of calls and the cursor of the next (zero: no more).
func (l *Log) Calls(ctx context.Context, q CallQuery) ([]Call, CallCursor, error) { panic("thin") }

// CallByID returns one call; false if there is none of that name.
func (l *Log) CallByID(ctx context.Context, id CallID) (Call, bool, error) { panic("thin") }

// CallEvents returns the events of one call in order, at most 5000.
func (l *Log) CallEvents(ctx context.Context, id CallID) ([]Event, error) { panic("thin") }
