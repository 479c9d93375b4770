package outcome

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"centralino/internal/journal"
	"centralino/internal/store"
)

// Whose says whose open call-backs and tasks are meant: everybody's, or those that a
// person has to do himself, and of those that anybody may do what he promised or what
// belongs to one of Queues.
type Whose struct {
	All    bool
	Person journal.SubjectID
	Queues []string
}

// args are the first parameters of the statements that ask for it.
func (w Whose) args() (key string, args []any) {
	queues, err := json.Marshal(w.Queues)
	if err != nil || w.Queues == nil {
		queues = []byte("[]")
	}
	return fmt.Sprint(w.All, " ", w.Person, " ", string(queues)), []any{w.All, string(w.Person), string(queues)}
}

// open is what Open returns.
type open struct {
	list  []Result
	total int
}

// openAtOnce is how much of it is read at once.
const openAtOnce = 1000

// OpenAfter returns what comes behind last in the list of Open: the next thousand, and
// whether there are more. Of last the Call, the Time and the date count, so that the list
// goes on at the same place though last is on it no more.
func (b *Book) OpenAfter(ctx context.Context, w Whose, last Result) (list []Result, more bool, err error) {
	_, args := w.args()
	at := store.Nanos(last.When())
	list, err = b.results(ctx, sqlOpen, append(args, at == 0, at, last.Time.UnixNano(), string(last.Call))...)
	if len(list) > openAtOnce {
		return list[:openAtOnce], true, err
	}
	return list, false, err
}

// Open returns somebody's call-backs and what else is to be done, what falls due first
// before the rest, without a date last: the first thousand, and how many there are. The
// list is shared: do not change it.
func (b *Book) Open(ctx context.Context, w Whose) (list []Result, total int, err error) {
	key, args := w.args()
	b.opened.Lock()
	kept, ok := b.open[key]
	writes := b.writes
	b.opened.Unlock()
	if ok {
		return kept.list, kept.total, nil
	}
	read := open{}
	err = b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlOpen, append(slices.Clone(args), false, 0, 0, "")...)
		if read.list, err = all(rows, err, scanResult); err != nil {
			return err
		}
		read.list = read.list[:min(len(read.list), openAtOnce)]
		return tx.QueryRowContext(ctx, sqlOpenCount, args...).Scan(&read.total)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read what is open: %w", err)
	}
	b.opened.Lock()
	defer b.opened.Unlock()
	if b.writing == 0 && b.writes == writes {
		if b.open == nil {
			b.open = map[string]open{}
		}
		b.open[key] = read
	}
	return read.list, read.total, nil
}

// OpenOf returns what of that is open after a call, or for a party (a pseudonym; empty:
// of none).
func (b *Book) OpenOf(ctx context.Context, w Whose, call journal.CallID, party journal.SubjectID) ([]Result, error) {
	_, args := w.args()
	return b.results(ctx, sqlOpenOf, append(args, string(call), string(party))...)
}

// changing is called before a change of what is open, and what it returns after it: in
// between the lists are read from the disk, since whoever hears of the change reads them.
func (b *Book) changing() (over func()) {
	count := func(n int) {
		b.opened.Lock()
		defer b.opened.Unlock()
		b.writing, b.writes = b.writing+n, b.writes+1
		clear(b.open)
	}
	count(1)
	return func() { count(-1) }
}
