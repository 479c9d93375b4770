package outcome

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
)

// Result is how one call ended by its agent's word.
type Result struct {
	Call      journal.CallID
	Subject   journal.SubjectID // the other party, if known
	Customer  string            // card, if there is one
	Queue     string
	Agent     journal.SubjectID
	Outcome   string
	Time      time.Time
	CallBack  time.Time         // when the customer is to be called; zero: not
	Task      bool              // there is something to be done
	Due       time.Time         // … by then; zero: without a date
	Owner     journal.SubjectID // … by whom: the agent; empty: any agent of the queue
	Done      time.Time         // when that was kept, done or taken back; zero: it is open
	Script    string
	Version   int
	Answers   map[string]string // of the script
	Note      string
	Corrected int
}

const (
	// maxAhead is how far away a call-back may lie.
	maxAhead = 2 * 366 * 24 * time.Hour
	// keptAhead is how long before its time a call that was answered keeps a call-back.
	keptAhead = time.Hour
)

const (
	sqlResult = `SELECT call, subject, customer, queue, agent, outcome, time, callback, task, owner, done, script, version, answers, note, corrected
	FROM outcome_results WHERE call = ?`
	sqlResultsOf = `SELECT call, subject, customer, queue, agent, outcome, time, callback, task, owner, done, script, version, answers, note, corrected
	FROM outcome_results WHERE customer = ?1 AND customer <> '' OR subject <> '' AND subject IN (SELECT subject FROM outcome_numbers WHERE customer = ?1)
	ORDER BY time DESC LIMIT ?2`
	sqlResultsOfSubject = `SELECT call, subject, customer, queue, agent, outcome, time, callback, task, owner, done, script, version, answers, note, corrected
	FROM outcome_results WHERE subject = ? AND subject <> '' ORDER BY time DESC LIMIT ?`
	sqlOpen = `SELECT call, subject, customer, queue, agent, outcome, time, callback, task, owner, done, script, version, answers, note, corrected
	FROM outcome_results WHERE done = 0 AND (callback > 0 OR task = 1)
	AND (?1 OR owner = ?2 OR owner = '' AND (agent = ?2 OR queue IN (SELECT value FROM json_each(?3))))
	AND (?7 = '' OR (callback = 0, callback, time, call) > (?4, ?5, ?6, ?7)) ORDER BY callback = 0, callback, time, call LIMIT 1001`
	sqlOpenCount = `SELECT count(*) FROM outcome_results WHERE done = 0 AND (callback > 0 OR task = 1)
	AND (?1 OR owner = ?2 OR owner = '' AND (agent = ?2 OR queue IN (SELECT value FROM json_each(?3))))`
	sqlOpenOf = `SELECT call, subject, customer, queue, agent, outcome, time, callback, task, owner, done, script, version, answers, note, corrected
	FROM outcome_results WHERE (call = ?4 OR subject = ?5 AND subject <> '') AND done = 0 AND (callback > 0 OR task = 1)
	AND (?1 OR owner = ?2 OR owner = '' AND (agent = ?2 OR queue IN (SELECT value FROM json_each(?3)))) ORDER BY callback = 0, callback, time, call LIMIT 1000`
	sqlPutResult = `INSERT INTO outcome_results (call, subject, customer, queue, agent, outcome, time, callback, task, owner, done, script, version, answers, note, corrected)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, 0)
	ON CONFLICT (call) DO UPDATE SET subject = excluded.subject, customer = excluded.customer, queue = excluded.queue, agent = excluded.agent,
		outcome = excluded.outcome, time = excluded.time, callback = excluded.callback, task = excluded.task, owner = excluded.owner, script = excluded.script,
		version = excluded.version, answers = excluded.answers, note = excluded.note, corrected = corrected + 1, done = CASE WHEN ? THEN done ELSE 0 END`
	// What is to be done is no promise, and stays.
	sqlPromised = `SELECT call FROM outcome_results WHERE callback > 0 AND task = 0 AND done = 0 AND call <> ?1 AND
	(subject = ?2 AND subject <> '' OR customer = ?3 AND customer <> '')`
	sqlDone  = `UPDATE outcome_results SET done = ? WHERE call = ? AND (callback > 0 OR task = 1) AND done = 0`
	sqlDueOf = `SELECT call, subject, customer, queue, agent, outcome, time, callback, task, owner, done, script, version, answers, note, corrected
	FROM outcome_results WHERE callback > 0 AND task = 0 AND done = 0 AND callback <= ? AND subject = ? AND subject <> ''`
)

// Allowed lists the outcomes of a queue in its order; all of the office where the
// queue names none, or for calls of no queue.
func Allowed(doc *office.Document, queue string) []office.Outcome {
	if g := doc.GroupByID(office.ID(queue)); g != nil && g.Queue != nil && len(g.Queue.Outcomes) > 0 {
		var out []office.Outcome
		for _, id := range g.Queue.Outcomes {
			if o := Find(doc, string(id)); o != nil {
				out = append(out, *o)
			}
		}
		return out
	}
	return slices.Clone(doc.Outcomes)
}

// ByDigit returns the outcome of a queue that a key of the telephone stands for.
func ByDigit(doc *office.Document, queue, digit string) (office.Outcome, bool) {
	for _, o := range Allowed(doc, queue) {
		if o.Digit == digit && digit != "" {
			return o, true
		}
	}
	return office.Outcome{}, false
}

// Proposed is the time that an outcome proposes for calling back, or for what is to be
// done: its number of days from now, at the same time of day; zero if nobody is to be
// called, or there is no date.
func Proposed(o office.Outcome, now time.Time) time.Time {
	switch {
	case o.Next == office.OutcomeCallBack:
	case o.Next != office.OutcomeTask, o.After <= 0:
		return time.Time{}
	}
	return now.AddDate(0, 0, max(o.After, 0)).Truncate(time.Minute)
}

// Set keeps the outcome of a call, or corrects the one before; the office must know
// it and its queue allow it. Where the outcome asks for a call-back and none is
// given, the proposed time is taken. Where there is something to be done, CallBack is
// by when (zero: the proposed day, if there is one) and Owner by whom. Else neither is
// kept. What was promised to the same customer in earlier calls is settled by it. A
// correction settles nothing. It leaves the outcome with its first Agent, and what
// follows with its Owner unless any agent of the queue shall do it now; the date before
// may be given again though it is past. What was done stays done if the same still
// follows, and no new date is given.
func (b *Book) Set(ctx context.Context, r Result) (Result, error) {
	snap := b.o.Office()
	r.Time = b.now()
	var chosen *office.Outcome
	for _, o := range Allowed(snap.Doc, r.Queue) {
		if string(o.ID) == r.Outcome {
			chosen = &o
		}
	}
	switch {
	case r.Call == "" || r.Agent == "" || chosen == nil:
		return r, fmt.Errorf("outcome %q of call %s: %w", r.Outcome, r.Call, ErrOutcome)
	case !Showable(r.Note, maxNote) || len(r.Answers) > MaxFields:
		return r, fmt.Errorf("outcome of call %s: %w", r.Call, ErrLong)
	}
	before, again, err := b.Of(ctx, r.Call)
	if err != nil {
		return r, err
	}
	by := r.Agent
	at, same, err := r.follows(chosen, &before)
	if err != nil {
		return r, fmt.Errorf("outcome of call %s: %w", r.Call, err)
	}
	if again {
		r.Agent = before.Agent
	}
	if r.Script != "" && r.Version == 0 {
		r.Version = snap.Version
	}
	answers, err := json.Marshal(r.Answers)
	if err != nil {
		return r, fmt.Errorf("outcome of call %s: %w", r.Call, err)
	}
	r.Note = strings.TrimSpace(r.Note)
	if r.Customer == "" && r.Subject != "" {
		c, _, err := b.ByNumber(ctx, r.Subject)
		if err != nil {
			return r, fmt.Errorf("outcome of call %s: %w", r.Call, err)
		}
		r.Customer = c.ID
	}
	event := journal.OutcomeSet{Call: r.Call, Queue: r.Queue, Agent: by, Customer: r.Customer, Outcome: r.Outcome, Script: r.Script, Version: r.Version, Again: again}
	if r.Done.IsZero() { // else nothing is to follow any more
		event.CallBack, event.Task, event.Due, event.Owner = r.CallBack, r.Task, r.Due, r.Owner
	}
	defer b.changing()()
	_, err = b.o.Journal.AppendWith(ctx, r.Call, event, func(tx *sql.Tx) error {
		_, err := tx.Exec(sqlPutResult, string(r.Call), string(r.Subject), r.Customer, r.Queue, string(r.Agent), r.Outcome, r.Time.UnixNano(),
			store.Nanos(at), r.Task, string(r.Owner), r.Script, r.Version, string(answers), r.Note, same)
		if err != nil || again {
			return err
		}
		return settleEarlier(tx, &r)
	})
	if err != nil {
		return r, fmt.Errorf("outcome of call %s: %w", r.Call, err)
	}
	b.o.Told(event)
	return r, nil
}

// settleEarlier takes off the list what was promised to the same customer in earlier
// conversations: those whose calls began before this one by the journal's order. A call of
// which the journal has nothing yet is the newest.
func settleEarlier(tx *sql.Tx, r *Result) error {
	mine, err := journal.Began(tx, r.Call)
	if err != nil {
		return err
	}
	rows, err := tx.Query(sqlPromised, string(r.Call), string(r.Subject), r.Customer)
	promised, err := all(rows, err, func(rows *sql.Rows, c *journal.CallID) error { return rows.Scan(c) })
	if err != nil {
		return err
	}
	for _, c := range promised {
		began, err := journal.Began(tx, c)
		if err != nil {
			return err
		}
		if mine != 0 && began > mine {
			continue
		}
		if _, err := tx.Exec(sqlDone, r.Time.UnixNano(), string(c)); err != nil {
			return err
		}
	}
	return nil
}

// follows settles what follows an outcome: a call-back, something to be done, or
// nothing. It returns its date, and whether the same followed before.
func (r *Result) follows(o *office.Outcome, before *Result) (at time.Time, same bool, err error) {
	was := before.When()
	same = before.Outcome == r.Outcome && (before.Task && o.Next == office.OutcomeTask || !before.CallBack.IsZero() && o.Next == office.OutcomeCallBack)
	at = r.CallBack
	switch {
	case same && at.IsZero() && !before.Done.IsZero():
		at = was
	case at.IsZero():
		at = Proposed(*o, r.Time)
	}
	if at.Truncate(time.Minute).Equal(was.Truncate(time.Minute)) { // pages know it by the minute
		at = was
	}
	at = at.Round(0).UTC()
	same = same && at.Equal(was)
	r.CallBack, r.Task, r.Due, r.Done = time.Time{}, false, time.Time{}, time.Time{}
	if same {
		r.Done = before.Done
	}
	switch o.Next {
	case office.OutcomeCallBack:
		r.CallBack, r.Owner = at, ""
	case office.OutcomeTask:
		r.Task, r.Due = true, at
		if r.Owner != "" || r.Queue == "" {
			r.Owner = r.Agent
		}
		if r.Owner != "" && before.Task && before.Owner != "" {
			r.Owner = before.Owner
		}
	default:
		r.Owner = ""
		return time.Time{}, false, nil
	}
	if !at.IsZero() && !at.Equal(was) && (at.Before(r.Time.Add(-time.Hour)) || at.Sub(r.Time) > maxAhead) {
		return at, false, ErrCallBack
	}
	return at, same, nil
}

// Open says whether somebody is to be called or something is to be done yet.
func (r *Result) Open() bool { return r.Done.IsZero() && (r.Task || !r.CallBack.IsZero()) }

// When is the date of what is to come; zero for none.
func (r *Result) When() time.Time {
	if r.Task {
		return r.Due
	}
	return r.CallBack
}

// Of returns the outcome of a call; false if none was set.
func (b *Book) Of(ctx context.Context, call journal.CallID) (Result, bool, error) {
	list, err := b.results(ctx, sqlResult, string(call))
	if err != nil || len(list) == 0 {
		return Result{}, false, err
	}
	return list[0], true, nil
}

// History returns the outcomes of a card's calls, or of a number's without a card (a
// pseudonym), the newest first, at most 500.
func (b *Book) History(ctx context.Context, id string) ([]Result, error) {
	return b.history(ctx, id, lastOnes)
}

func (b *Book) history(ctx context.Context, id string, limit int) ([]Result, error) {
	if IsCustomer(id) {
		return b.results(ctx, sqlResultsOf, id, limit)
	}
	return b.results(ctx, sqlResultsOfSubject, id, limit)
}

// Settle takes a promise, or what is to be done, off the list: that is done, or not
// wanted any more. False if it was not open.
func (b *Book) Settle(ctx context.Context, by journal.SubjectID, call journal.CallID) (bool, error) {
	r, ok, err := b.Of(ctx, call)
	if err != nil || !ok || !r.Open() {
		return false, err
	}
	event := journal.OutcomeSet{Call: call, Queue: r.Queue, Agent: by, Customer: r.Customer, Outcome: r.Outcome, Script: r.Script, Version: r.Version, Again: true}
	settled := false
	defer b.changing()()
	_, err = b.o.Journal.AppendWith(ctx, call, event, func(tx *sql.Tx) error {
		res, err := tx.Exec(sqlDone, b.now().UnixNano(), string(call))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		settled = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("settle what follows %s: %w", call, err)
	}
	return settled, nil
}

// Kept takes the call-backs to a party off the list that are due within the hour: in
// somebody's call the party has answered.
func (b *Book) Kept(ctx context.Context, by, party journal.SubjectID) error {
	list, err := b.results(ctx, sqlDueOf, b.now().Add(keptAhead).UnixNano(), string(party))
	if err != nil {
		return err
	}
	for _, r := range list {
		if _, err := b.Settle(ctx, by, r.Call); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) results(ctx context.Context, query string, args ...any) ([]Result, error) {
	var out []Result
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		out, err = all(rows, err, scanResult)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read outcomes: %w", err)
	}
	return out, nil
}

func scanResult(rows *sql.Rows, r *Result) error {
	var at, back, done int64
	var answers string
	err := rows.Scan(&r.Call, &r.Subject, &r.Customer, &r.Queue, &r.Agent, &r.Outcome, &at, &back, &r.Task, &r.Owner, &done,
		&r.Script, &r.Version, &answers, &r.Note, &r.Corrected)
	r.Time, r.CallBack, r.Done = store.Instant(at), store.Instant(back), store.Instant(done)
	if r.Task {
		r.CallBack, r.Due = time.Time{}, r.CallBack
	}
	if json.Unmarshal([]byte(answers), &r.Answers) != nil {
		r.Answers = nil
	}
	return err
}
