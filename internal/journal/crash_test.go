package journal_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/store"
	"centralino/internal/testbed"
)

func TestMain(m *testing.M) {
	testbed.RunHelper(testbed.Helpers{"writer": writer})
	os.Exit(m.Run())
}

var rowTable = store.Migration{Domain: "crash", Version: 1, SQL: []string{`CREATE TABLE crash_rows (n INTEGER PRIMARY KEY) STRICT`}}

func openForCrash(folder string) (*store.DB, *journal.Log, journal.Recovery, store.Opened, error) {
	ctx := context.Background()
	db, opened, err := store.Open(ctx, store.Options{
		Folder: folder, Migrations: append(journal.Migrations(), rowTable), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, nil, journal.Recovery{}, opened, err
	}
	log, rec, err := journal.Open(ctx, journal.Options{
		DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler),
	})
	return db, log, rec, opened, err
}

// writer makes calls and promises as fast as it can and prints what is
// acknowledged: "row N" for a promise with its row, "end N" for a call whose end a
// subscriber saw.
func writer(args []string) {
	db, log, _, _, err := openForCrash(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx := context.Background()
	go log.Run(ctx) // this process ends by being killed
	go db.Run(ctx)  // as above
	next, err := strconv.Atoi(args[1])
	if err != nil {
		os.Exit(2)
	}
	seen := log.Subscribe(0)
	go func() {
		for {
			e, err := seen.Next(ctx)
			if err != nil {
				return
			}
			if _, ok := e.Payload.(journal.CallEnded); ok {
				fmt.Println("end " + string(e.Call))
			}
		}
	}()
	for n := next; ; n++ {
		id := journal.CallID(strconv.Itoa(n))
		log.Append(id, journal.CallStarted{Direction: journal.Inbound, Line: "line-1"})
		log.Append(id, journal.CallStep{Path: "main", Step: "menu"})
		if n%3 != 0 {
			log.Append(id, journal.CallEnded{Cause: "caller", Talk: time.Second})
		}
		_, err := log.AppendWith(ctx, "", journal.AccessEvent{What: "promise"}, func(tx *sql.Tx) error {
			_, err := tx.Exec(`INSERT INTO crash_rows (n) VALUES (?)`, n)
			return err
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		fmt.Println("row " + strconv.Itoa(n))
		if n%50 == 49 {
			if _, err := db.Copy(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// TestKilledAtAnyMomentNothingAcknowledgedIsMissing kills the writer at random
// moments: 20 times, or as often as CENTRALINO_KILLS says.
func TestKilledAtAnyMomentNothingAcknowledgedIsMissing(t *testing.T) {
	kills := 20
	if s := os.Getenv("CENTRALINO_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	next := 1
	acked := 0
	for kill := range kills {
		h := testbed.Reexec(t, "writer", folder, strconv.Itoa(next))
		rows, ends := map[int]bool{}, map[string]bool{}
		note := func(line string) {
			what, of, _ := strings.Cut(line, " ")
			if what == "row" {
				n, err := strconv.Atoi(of)
				if err != nil {
					t.Fatalf("helper printed %q", line)
				}
				rows[n] = true
				next = max(next, n+1)
			} else {
				ends[of] = true
			}
		}
		line, err := h.Line() // it runs
		if err != nil {
			t.Fatal(err)
		}
		note(line)
		h.KillAfter(time.Duration(r.IntN(120_000)) * time.Microsecond)
		for line := range h.Lines {
			note(line)
		}
		acked += len(rows) + len(ends)
		next += 2 // the row that was under way may be there too
		survived(t, kill, folder, rows, ends)
	}
	t.Logf("%d acknowledgements in %d lives", acked, kills)
}

// survived opens what the killed writer left and compares it with what it had
// acknowledged.
func survived(t *testing.T, kill int, folder string, rows map[int]bool, ends map[string]bool) {
	t.Helper()
	db, log, rec, opened, err := openForCrash(folder)
	if err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	defer db.Close()
	if opened.Damage != nil || rec.Bad != nil {
		t.Fatalf("kill %d: damage %+v, chain %v", kill, opened.Damage, rec.Bad)
	}
	if !rec.Unclean {
		t.Errorf("kill %d: not called unclean", kill)
	}
	ctx := context.Background()
	if _, bad, err := log.Verify(ctx); bad != nil || err != nil {
		t.Errorf("kill %d: chain %v %v", kill, bad, err)
	}
	for n := range rows {
		var there int
		err := db.Read(ctx, func(tx *sql.Tx) error {
			return tx.QueryRow(`SELECT count(*) FROM crash_rows WHERE n = ?`, n).Scan(&there)
		})
		if err != nil || there != 1 {
			t.Errorf("kill %d: acknowledged row %d is missing (%v)", kill, n, err)
		}
	}
	for id := range ends {
		c, ok, err := log.CallByID(ctx, journal.CallID(id))
		if err != nil || !ok || c.Cause != "caller" || c.Talk != time.Second {
			t.Errorf("kill %d: the end of call %s was seen and is %+v (%v)", kill, id, c, err)
		}
	}
	open := 0
	calls, _, err := log.Calls(ctx, journal.CallQuery{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		if c.Ended.IsZero() {
			open++
		}
	}
	if open > 0 {
		t.Errorf("kill %d: %d calls are still open after the restart", kill, open)
	}
}
