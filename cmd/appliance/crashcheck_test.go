package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
)

// apply makes doc the office in force.
func apply(ctx context.Context, b *box, doc *office.Document) error {
	_, err := b.office.Apply(ctx, office.Edit{Base: b.office.Current().Version, Doc: doc})
	return err
}

// remains is what a dead box left on its disk, opened in a copy.
type remains struct {
	head   uint64 // last event that the box itself wrote
	closed uint64 // sequence number of the box's last start
	calls  map[journal.CallID]*endings
	from   map[journal.CallID]journal.SubjectID // of calls since the last start
	taken  map[journal.SubjectID]int            // of these, answered, by who called
	office *office.Snapshot

	contacts []string // that carla's phone is registered with
	edits    int      // confirmed versions of the office
	agreed   string   // note of the agreement in force
	figures
}

// endings are the events that open and close one call.
type endings struct {
	started uint64
	ended   []uint64
	causes  []string
}

// survived opens a copy of what the box left and compares it with what it had told
// the outside.
func (l *lane) survived(died time.Time) {
	l.t.Helper()
	l.acked.Lock()
	defer l.acked.Unlock()
	r := openRemains(l.t, l.data, l.kills)
	for id, c := range r.calls {
		inLife := 0
		for _, seq := range c.ended {
			if seq <= r.head {
				inLife++
			}
		}
		if c.started == 0 {
			l.t.Errorf("kill %d: call %s ends and never began", l.kills, id)
		}
		if len(c.ended) != 1 || c.started < r.closed && inLife != 1 {
			l.t.Errorf("kill %d: call %s has %d ends (%v), %d of them written by the box", l.kills, id, len(c.ended), c.causes, inLife)
		}
	}
	for id, outcome := range l.acked.finished {
		c := r.calls[id]
		if c == nil || len(c.ended) == 0 || c.ended[0] > r.head {
			l.t.Errorf("kill %d: call %s was shown as %s and its end is missing", l.kills, id, outcome)
		}
	}
	for i, times := range l.acked.answered {
		due := 0
		for _, at := range times {
			if died.Sub(at) > writtenWithin {
				due++
			}
		}
		l.answered += due
		written := r.taken[persons[i]]
		if written < due {
			l.t.Errorf("kill %d: %s had %d calls answered more than %v ago, %d are in the journal", l.kills, persons[i], due, writtenWithin, written)
		}
		if written < len(times) {
			l.unwritten = append(l.unwritten, died.Sub(times[written]))
		}
		l.acked.answered[i] = nil
	}
	l.whereItIs(r, died)
	agreed := 0
	if l.acked.agreed > 0 {
		if _, err := fmt.Sscanf(r.agreed, "Accordo %d", &agreed); err != nil || agreed < l.acked.agreed {
			l.t.Errorf("kill %d: agreement %d was confirmed, the box has %q", l.kills, l.acked.agreed, r.agreed)
		}
	}
	if r.promises < l.acked.promised {
		l.t.Errorf("kill %d: %d callers heard that they will be called back, %d promises are in the journal", l.kills, l.acked.promised, r.promises)
	}
	name, number := r.office.Doc.PathByID("path-closed").Name, 0
	if l.acked.edit > 0 {
		if _, err := fmt.Sscanf(name, "Chiuso %d", &number); err != nil || number < l.acked.edit || r.edits < l.edits {
			l.t.Errorf("kill %d: edit %d was confirmed, the office has %q and %d edits of %d", l.kills, l.acked.edit, name, r.edits, l.edits)
		}
	}
	l.calls, l.restarts, l.connected, l.events = r.figures.calls, r.restarts, r.connected, r.events
	if strings.Contains(l.proc.Output(), "set aside") {
		l.t.Errorf("kill %d: the database was set aside:\n%s", l.kills, l.proc.Output())
	}
}

// whereItIs checks that carla's phone, whose contact changes, has one contact, not
// older than the last one confirmed in time.
func (l *lane) whereItIs(r *remains, died time.Time) {
	l.t.Helper()
	for number, at := range l.acked.contacts { // of this life: what the last one lost is lost
		if died.Sub(at) > 3*writtenWithin { // behind what was written before it
			l.kept = max(l.kept, number)
		}
	}
	clear(l.acked.contacts)
	if !l.born {
		return
	}
	n := 0
	if len(r.contacts) == 1 {
		if _, number, changed := strings.Cut(r.contacts[0], "203-"); changed {
			_, _ = fmt.Sscanf(number, "%d@", &n)
		}
	}
	if len(r.contacts) != 1 || n < l.kept || n > l.contact {
		l.t.Errorf("kill %d: the phone's contact was number %d at least and %d at most; the box knows %v", l.kills, l.kept, l.contact, r.contacts)
	}
	l.kept = n
}

// openRemains opens a copy of the database as the next start will find it and reads
// the whole journal.
func openRemains(t *testing.T, data string, kill int) *remains {
	t.Helper()
	folder, err := os.MkdirTemp("", "remains")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	for _, name := range []string{"centralino.db", "centralino.db-wal"} {
		if err := copyOf(filepath.Join(data, name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, quiet := t.Context(), slog.New(slog.DiscardHandler)
	db, found, err := store.Open(ctx, store.Options{Folder: folder, Migrations: migrations(), Now: time.Now, Log: quiet})
	if err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	defer db.Close()
	log, rec, err := journal.Open(ctx, journal.Options{DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: quiet})
	if err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	if found.Damage != nil || rec.Bad != nil {
		t.Errorf("kill %d: damage %+v, chain %v", kill, found.Damage, rec.Bad)
	}
	if _, bad, err := log.Verify(ctx); bad != nil || err != nil {
		t.Errorf("kill %d: chain %v %v", kill, bad, err)
	}
	versions, err := office.OpenStore(ctx, office.StoreOptions{DB: db, Journal: log, Now: time.Now})
	if err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	r := &remains{head: rec.Head, calls: map[journal.CallID]*endings{}, office: versions.Current()}
	if r.contacts, err = contactsOf(ctx, db, "203"); err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	if err := db.Read(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT note FROM privacy_agreements ORDER BY id DESC LIMIT 1").Scan(&r.agreed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	}); err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	if err := log.Replay(ctx, 1, func(e journal.Event) error { r.read(e); return nil }); err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	return r
}

// contactsOf lists the contacts that a user name is registered with.
func contactsOf(ctx context.Context, db *store.DB, user string) (list []string, err error) {
	err = db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT contact FROM bindings WHERE username = ?", user)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c string
			if err := rows.Scan(&c); err != nil {
				return err
			}
			list = append(list, c)
		}
		return rows.Err()
	})
	return list, err
}

// read folds one event.
func (r *remains) read(e journal.Event) {
	r.events++
	call := func() *endings {
		c := r.calls[e.Call]
		if c == nil {
			c = &endings{}
			r.calls[e.Call] = c
		}
		return c
	}
	switch p := e.Payload.(type) {
	case journal.BoxStarted:
		if e.Seq <= r.head {
			r.closed, r.from, r.taken = e.Seq, map[journal.CallID]journal.SubjectID{}, map[journal.SubjectID]int{}
		}
	case journal.CallStarted:
		r.figures.calls++
		call().started = e.Seq
		r.from[e.Call] = p.From
	case journal.CallAnswered:
		if who, ok := r.from[e.Call]; ok {
			r.taken[who]++
			delete(r.from, e.Call) // a queue's caller is answered twice
		}
	case journal.CallEnded:
		c := call()
		c.ended, c.causes = append(c.ended, e.Seq), append(c.causes, p.Cause)
		if p.Cause == "restart" {
			r.restarts++
		}
	case journal.CallbackPromised:
		r.promises++
	case journal.ContactConnected:
		r.connected++
	case journal.OfficeChanged:
		if p.Note == "edit" && p.By != "" {
			r.edits++
		}
	}
}

// copyOf copies a file that nobody writes; one that is not there stays away.
func copyOf(from, to string) error {
	src, err := os.Open(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	defer dst.Close()
	_, err = io.Copy(dst, src)
	return err
}
