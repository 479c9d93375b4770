package journal

import "centralino/internal/store"

// Migrations are the journal's tables. Rows of events are never changed or
// deleted; the triggers keep a slip of ours from doing so.
func Migrations() []store.Migration {
	return []store.Migration{{Domain: "journal", Version: 1, SQL: []string{
		`CREATE TABLE events (
	seq INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,    -- nanoseconds since 1970, UTC
	trusted INTEGER NOT NULL, -- 1: the clock was known to be right
	call TEXT NOT NULL,
	kind TEXT NOT NULL,
	payload BLOB NOT NULL,
	hash BLOB NOT NULL
) STRICT`,
		`CREATE INDEX events_call ON events (call, seq) WHERE call <> ''`,
		`CREATE INDEX events_box ON events (seq) WHERE kind IN ('box.started', 'box.stopped')`,
		`CREATE TRIGGER events_fixed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END`,
		`CREATE TRIGGER events_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END`,
		`CREATE TABLE calls (
	first INTEGER PRIMARY KEY, -- seq of call.started
	id TEXT NOT NULL UNIQUE,
	start INTEGER NOT NULL,
	direction TEXT NOT NULL,
	line TEXT NOT NULL,
	caller TEXT NOT NULL,
	called TEXT NOT NULL,
	extension TEXT NOT NULL,
	dialled TEXT NOT NULL,
	emergency INTEGER NOT NULL,
	answered INTEGER NOT NULL DEFAULT 0,
	answerer TEXT NOT NULL DEFAULT '',
	ended INTEGER NOT NULL DEFAULT 0,
	cause TEXT NOT NULL DEFAULT '',
	talk INTEGER NOT NULL DEFAULT 0,
	total INTEGER NOT NULL DEFAULT 0
) STRICT`,
		`CREATE INDEX calls_open ON calls (first) WHERE ended = 0`,
		`CREATE INDEX calls_caller ON calls (caller, first) WHERE caller <> ''`,
		`CREATE INDEX calls_called ON calls (called, first) WHERE called <> ''`,
		`CREATE INDEX calls_answerer ON calls (answerer, first) WHERE answerer <> ''`,
		`CREATE INDEX calls_line ON calls (line, first) WHERE line <> ''`,
		`CREATE TABLE folds (
	name TEXT PRIMARY KEY,
	version INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	state BLOB NOT NULL
) STRICT, WITHOUT ROWID`,
	}}, {Domain: "journal", Version: 2, SQL: []string{
		// The list of calls names the lines of those that went out, too.
		`UPDATE calls SET line = coalesce((
	SELECT json_extract(CAST(payload AS TEXT), '$.line') FROM events
	WHERE events.call = calls.id AND events.call <> '' AND kind = 'call.leg'
	AND json_extract(CAST(payload AS TEXT), '$.line') <> ''
	ORDER BY json_extract(CAST(payload AS TEXT), '$.state') = 'ended', seq DESC LIMIT 1), '') WHERE line = ''`,
	}}}
}
