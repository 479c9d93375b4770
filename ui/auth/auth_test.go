package auth_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/ui/auth"
)

type desk struct {
	*auth.Auth
	db      *store.DB
	mu      sync.Mutex
	now     time.Time
	pairing time.Time
	disk    error // what the disk says to writing
	unread  error // what it says to reading
	doc     *office.Document
	record  []string
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	d.doc = &office.Document{
		People:     []office.Person{{ID: "p-t", Role: office.RoleTechnician}, {ID: "p-o", Role: office.RoleOperator}},
		Extensions: []office.Extension{{ID: "extension-1", Digits: "201", Target: office.Target{Kind: office.TargetPerson, ID: "p-o"}}},
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	db, _, err := store.Open(context.Background(), store.Options{Folder: t.TempDir(), Migrations: auth.Migrations(), Now: d.clock, Log: log,
		Fault: func(what string) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			switch what {
			case "commit":
				return d.disk
			case "read":
				return d.unread
			}
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d.db = db
	d.Auth = d.restart(t)
	return d
}

var (
	lan   = netip.MustParseAddr("192.168.1.7")
	world = netip.MustParseAddr("93.184.216.34")
)

const good = "quattro gatti neri"

func (d *desk) account(t *testing.T, who journal.SubjectID, login string) {
	t.Helper()
	if err := d.SetPassword(t.Context(), who, login, good); err != nil {
		t.Fatal(err)
	}
}

func TestPasswordsThatMayBeChosen(t *testing.T) {
	for _, c := range []struct {
		login, password string
		want            error
	}{
		{"anna", "quattro gatti neri", nil},
		{"anna", "correct horse battery", nil},
		{"anna", "àèìòùàèìòù", nil},
		{"anna", "corta", auth.ErrPasswordShort},
		{"anna", "àèìòùàèìò", auth.ErrPasswordShort},
		{"anna", strings.Repeat("ab", 101), auth.ErrPasswordLong},
		{"anna", "Password123!", auth.ErrPasswordEasy},
		{"anna", "centralino2026", auth.ErrPasswordEasy},
		{"anna.bianchi", "Anna.Bianchi99", auth.ErrPasswordEasy},
		{"anna", "1234567890", auth.ErrPasswordEasy},
		{"anna", "7777777777", auth.ErrPasswordEasy},
		{"anna", "aaaaaaaaaaaa", auth.ErrPasswordEasy},
	} {
		if got := auth.CheckNewPassword(c.login, c.password); !errors.Is(got, c.want) || (c.want == nil) != (got == nil) {
			t.Errorf("%q for %s: %v, want %v", c.password, c.login, got, c.want)
		}
	}
}

func (d *desk) setDisk(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disk = err
}

// setCard says what the disk answers to reading and writing.
func (d *desk) setCard(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disk, d.unread = err, err
}

func TestTheFasterOneClaimsAndAcceptsTheInvitation(t *testing.T) {
	d := newDesk(t)
	hash, err := d.HashPassword(t.Context(), "tina", good)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(who journal.SubjectID, login string) error {
		return d.db.Write(t.Context(), func(tx *sql.Tx) error {
			return errors.Join(d.StageClaim()(tx), d.StageAccount(who, login, hash)(tx))
		})
	}
	if err := errors.Join(d.MayClaim(t.Context(), lan, d.ClaimCode()), d.MayClaim(t.Context(), lan, d.ClaimCode())); err != nil {
		t.Fatal(err) // both may, as long as none has
	}
	if err := claim("p-t", "tina"); err != nil {
		t.Fatal(err)
	}
	if err := claim("p-o", "olga"); !errors.Is(err, auth.ErrClaimed) {
		t.Errorf("the second claim: %v", err)
	}
	if login, _ := d.LoginOf(t.Context(), "p-o"); login != "" {
		t.Errorf("the second claim left the account %q", login)
	}
	code, _, err := d.Invite(t.Context(), "p-o", "p-t")
	if err != nil {
		t.Fatal(err)
	}
	accept := func() error {
		return d.db.Write(t.Context(), func(tx *sql.Tx) error {
			if err := d.StageInvited("p-o", code)(tx); err != nil {
				return err
			}
			return d.StageAccount("p-o", "olga", hash)(tx)
		})
	}
	if err := accept(); err != nil {
		t.Fatal(err)
	}
	if err := accept(); !errors.Is(err, auth.ErrInvite) {
		t.Errorf("the invitation a second time: %v", err)
	}
	d.OpenReset(10 * time.Minute)
	if !d.ResetOpen(lan) {
		t.Fatal("the window is not open")
	}
	if d.CloseReset(); d.ResetOpen(lan) {
		t.Error("the window stays open after a password was set anew")
	}
}

func TestLoginOnAFullDisk(t *testing.T) {
	for _, disk := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO, store.ErrCorrupt} {
		d := newDesk(t)
		d.account(t, "p-o", "olga")
		before, _, err := d.Login(t.Context(), lan, "olga", good)
		if err != nil {
			t.Fatal(err)
		}
		d.setDisk(disk)
		token, _, err := d.Login(t.Context(), lan, "olga", good)
		if err != nil {
			t.Fatalf("%v: %v", disk, err)
		}
		if _, _, err := d.Login(t.Context(), lan, "olga", "wrong wrong"); !errors.Is(err, auth.ErrWrong) {
			t.Errorf("%v: a wrong password: %v", disk, err)
		}
		if s, err := d.Session(t.Context(), token, true); err != nil || s.Person != "p-o" || s.Role != office.RoleOperator || len(s.Key) != 16 {
			t.Errorf("%v: the session is %+v, %v", disk, s, err)
		}
		for _, end := range []string{before, token} {
			if err := d.Logout(t.Context(), end); err != nil {
				t.Errorf("%v: log out: %v", disk, err)
			}
			if _, err := d.Session(t.Context(), end, true); err == nil {
				t.Errorf("%v: a session goes on after logging out", disk)
			}
		}
		idle, _, _ := d.Login(t.Context(), lan, "olga", good)
		changed, _, _ := d.Login(t.Context(), lan, "olga", good)
		d.later(auth.IdleOthers - time.Minute)
		if _, err := d.Session(t.Context(), changed, true); err != nil {
			t.Errorf("%v: the session ended early", disk)
		}
		d.later(2 * time.Minute)
		if _, err := d.Session(t.Context(), idle, true); err == nil {
			t.Errorf("%v: an idle session goes on", disk)
		}
		d.setDisk(nil)
		d.account(t, "p-o", "olga")
		if _, err := d.Session(t.Context(), changed, true); err == nil {
			t.Errorf("%v: a new password leaves a session", disk)
		}
		d.setDisk(disk)
		var tokens []string
		for range 60 {
			token, _, err := d.Open(t.Context(), "p-o", lan)
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, token)
			d.later(time.Second)
		}
		live := 0
		for _, token := range tokens {
			if _, err := d.Session(t.Context(), token, false); err == nil {
				live++
			}
		}
		if live != 50 {
			t.Errorf("%v: %d sessions are kept in memory, want 50", disk, live)
		}
	}
}

func TestLoginByNameOrExtension(t *testing.T) {
	d := newDesk(t)
	d.account(t, "p-o", "olga")
	for _, name := range []string{"olga", " OLGA ", "201"} {
		token, s, err := d.Login(t.Context(), lan, name, good)
		if err != nil || s.Person != "p-o" || s.Role != office.RoleOperator || len(token) != 43 {
			t.Errorf("%q: %v %+v", name, err, s)
		}
	}
	for _, c := range [][2]string{{"olga", "falsch falsch"}, {"nobody", good}, {"", good}, {"olga", ""}, {"202", good}, {"' OR 1=1 --", good}, {"olga", strings.Repeat("x", 100000)}} {
		if _, _, err := d.Login(t.Context(), netip.MustParseAddr("10.0.0.9"), c[0], c[1]); err == nil {
			t.Errorf("%q with %.20q logs in", c[0], c[1])
		}
		d.later(time.Hour)
	}
}

func TestTokenIsKeptAsHashOnly(t *testing.T) {
	d := newDesk(t)
	d.account(t, "p-o", "olga")
	token, _, err := d.Login(t.Context(), lan, "olga", good)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", token + "x", token[:42], strings.ToUpper(token), "\x00"} {
		if _, err := d.Session(t.Context(), bad, true); err == nil {
			t.Errorf("%q is a session", bad)
		}
	}
	if s, err := d.Session(t.Context(), token, true); err != nil || s.Person != "p-o" {
		t.Error("the token is no session")
	}
	if err := d.Logout(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Session(t.Context(), token, true); err == nil {
		t.Error("the session outlives the log out")
	}
}

func TestSessionsEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		who  journal.SubjectID
		do   func(t *testing.T, d *desk, token string)
		want bool
	}{
		{"technician idle for an hour: stays", "p-t", func(_ *testing.T, d *desk, _ string) { d.later(time.Hour) }, true},
		{"technician idle for three hours: ends", "p-t", func(_ *testing.T, d *desk, _ string) { d.later(3 * time.Hour) }, false},
		{"operator idle for a working day: stays", "p-o", func(_ *testing.T, d *desk, _ string) { d.later(13 * time.Hour) }, true},
		{"operator idle overnight: ends", "p-o", func(_ *testing.T, d *desk, _ string) { d.later(15 * time.Hour) }, false},
		{"operator active for a week: ends", "p-o", func(t *testing.T, d *desk, token string) {
			for range 24 * 7 {
				d.later(time.Hour)
				d.Session(t.Context(), token, true)
			}
		}, false},
		{"looking without touching does not prolong", "p-t", func(t *testing.T, d *desk, token string) {
			for range 5 {
				d.later(30 * time.Minute)
				d.Session(t.Context(), token, false)
			}
		}, false},
		{"touching prolongs", "p-t", func(t *testing.T, d *desk, token string) {
			for range 5 {
				d.later(30 * time.Minute)
				d.Session(t.Context(), token, true)
			}
		}, true},
		{"person leaves the office", "p-o", func(_ *testing.T, d *desk, _ string) { d.doc = &office.Document{} }, false},
		{"new password", "p-o", func(t *testing.T, d *desk, _ string) { d.account(t, "p-o", "olga") }, false},
		{"sweep keeps what lives", "p-o", func(t *testing.T, d *desk, _ string) {
			d.later(13 * time.Hour)
			if err := d.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"twenty further sessions of the person: the oldest goes", "p-o", func(t *testing.T, d *desk, _ string) {
			d.later(time.Minute)
			for range 20 {
				if _, _, err := d.Open(t.Context(), "p-o", lan); err != nil {
					t.Fatal(err)
				}
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.account(t, "p-o", "olga")
			token, _, err := d.Open(t.Context(), c.who, lan)
			if err != nil {
				t.Fatal(err)
			}
			c.do(t, d, token)
			if _, err := d.Session(t.Context(), token, false); (err == nil) != c.want {
				t.Errorf("session: %v, want one: %v", err, c.want)
			}
		})
	}
}

func TestNewestSessionIsNeverTheOneThatGoes(t *testing.T) {
	d := newDesk(t)
	for i := range 50 { // all within one second
		token, _, err := d.Open(t.Context(), "p-o", lan)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Session(t.Context(), token, false); err != nil {
			t.Fatalf("session %d is gone at once", i)
		}
	}
}

func TestRoleIsTheOfficesAndNotTheSessions(t *testing.T) {
	d := newDesk(t)
	token, _, err := d.Open(t.Context(), "p-o", lan)
	if err != nil {
		t.Fatal(err)
	}
	d.doc = &office.Document{People: []office.Person{{ID: "p-o", Role: office.RoleLeader}}}
	if s, _ := d.Session(t.Context(), token, true); s.Role != office.RoleLeader {
		t.Errorf("role %q", s.Role)
	}
}

func TestBackOff(t *testing.T) {
	d := newDesk(t)
	d.account(t, "p-o", "olga")
	try := func(from netip.Addr, password string) error {
		_, _, err := d.Login(t.Context(), from, "olga", password)
		return err
	}
	var wait *auth.WaitError
	for i := range 4 {
		if err := try(lan, "falsch falsch"); !errors.Is(err, auth.ErrWrong) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if err := try(lan, good); !errors.As(err, &wait) || wait.For > 2*time.Second {
		t.Fatalf("fifth try: %v", err)
	}
	if err := try(netip.MustParseAddr("192.168.1.8"), good); !errors.As(err, &wait) {
		t.Errorf("another source at the same account: %v", err)
	}
	d.later(2 * time.Second)
	if err := try(lan, good); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	for range 12 { // from many sources: the account waits a minute at most
		_ = try(netip.AddrFrom4([4]byte{10, 0, 0, byte(d.clock().Unix())}), "falsch falsch")
		d.later(61 * time.Second)
	}
	if err := try(lan, good); err != nil {
		t.Errorf("an attacker locks the person out: %v", err)
	}
	// A v6 host owns its /64.
	d2 := newDesk(t)
	d2.account(t, "p-o", "olga")
	for i := range 4 {
		a := netip.MustParseAddr("2001:db8::1").As16()
		a[15] = byte(i)
		_, _, _ = d2.Login(t.Context(), netip.AddrFrom16(a), "other"+string(rune('a'+i)), "falsch falsch")
	}
	if _, _, err := d2.Login(t.Context(), netip.MustParseAddr("2001:db8::ffff"), "olga", good); !errors.As(err, &wait) {
		t.Errorf("the /64 is not one source: %v", err)
	}
}

func TestClaim(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	for _, c := range []struct {
		name    string
		from    netip.Addr
		code    string
		pairing time.Duration
		want    error
	}{
		{"no code, no button", lan, "", 0, auth.ErrNotOpen},
		{"wrong code", lan, "AAAAA-AAAAA", 0, auth.ErrWrongCode},
		{"code as printed", lan, d.ClaimCode(), 0, nil},
		{"code as typed", lan, " " + strings.ToLower(strings.ReplaceAll(d.ClaimCode(), "-", "")), 0, nil},
		{"button pressed, from the LAN", lan, "", time.Minute, nil},
		{"button pressed, from the world", world, "", time.Minute, auth.ErrNotOpen},
		{"code from the world", world, d.ClaimCode(), 0, nil},
		{"button's window is over", lan, "", -time.Second, auth.ErrNotOpen},
	} {
		d.pairing = time.Time{}
		if c.pairing != 0 {
			d.pairing = d.clock().Add(c.pairing)
		}
		if err := d.MayClaim(ctx, c.from, c.code); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	d.account(t, "p-t", "tom")
	d.pairing = d.clock().Add(time.Minute)
	if err := d.MayClaim(ctx, lan, d.ClaimCode()); !errors.Is(err, auth.ErrClaimed) {
		t.Errorf("a claimed box: %v", err)
	}
	d.OpenReset(10 * time.Minute)
	if err := d.MayClaim(ctx, lan, ""); err != nil {
		t.Errorf("reset window: %v", err)
	}
	if err := d.MayClaim(ctx, world, ""); err == nil {
		t.Error("reset from the world")
	}
	d.later(11 * time.Minute)
	if err := d.MayClaim(ctx, lan, ""); !errors.Is(err, auth.ErrClaimed) {
		t.Errorf("reset window is over: %v", err)
	}
}

func TestInvitations(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	first, _, err := d.Invite(ctx, "p-o", "p-t")
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := d.Invite(ctx, "p-o", "p-t")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Invited(ctx, lan, first); !errors.Is(err, auth.ErrInvite) {
		t.Errorf("the older invitation: %v", err)
	}
	if who, err := d.Invited(ctx, lan, strings.ToLower(strings.ReplaceAll(second, "-", " "))); err != nil || who != "p-o" {
		t.Errorf("the newer one, as typed: %v %v", who, err)
	}
	d.later(73 * time.Hour)
	if _, err := d.Invited(ctx, lan, second); !errors.Is(err, auth.ErrInvite) {
		t.Errorf("after three days: %v", err)
	}
	third, _, err := d.Invite(ctx, "p-o", "p-t")
	if err != nil {
		t.Fatal(err)
	}
	d.account(t, "p-o", "olga")
	if _, err := d.Invited(ctx, lan, third); !errors.Is(err, auth.ErrInvite) {
		t.Errorf("after use: %v", err)
	}
}

func TestUserNames(t *testing.T) {
	d := newDesk(t)
	d.account(t, "p-o", "olga")
	if err := d.SetPassword(t.Context(), "p-t", "OLGA", good); !errors.Is(err, auth.ErrLoginTaken) {
		t.Errorf("another's user name: %v", err)
	}
	d.doc = &office.Document{People: []office.Person{{ID: "p-t", Role: office.RoleTechnician}}}
	if err := d.SetPassword(t.Context(), "p-t", "olga", good); err != nil {
		t.Errorf("user name of somebody who left: %v", err)
	}
	for _, bad := range []string{"", "x", "a b", "a/b", strings.Repeat("a", 41), "a\x00b", "<b>"} {
		if _, err := auth.CleanLogin(bad); err == nil {
			t.Errorf("%q is a user name", bad)
		}
	}
}

func TestEveryStatementPrepares(t *testing.T) {
	d := newDesk(t)
	for _, q := range auth.Statements() {
		s, err := d.db.Prepare(q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		s.Close()
	}
}

func TestOnLAN(t *testing.T) {
	for a, want := range map[string]bool{"192.168.1.1": true, "10.9.8.7": true, "172.16.0.1": true, "172.32.0.1": false, "127.0.0.1": true, "::1": true,
		"fe80::1": true, "fd00::1": true, "2001:db8::1": false, "8.8.8.8": false, "::ffff:192.168.1.1": true, "::ffff:8.8.8.8": false, "169.254.1.1": true} {
		if got := auth.OnLAN(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
	if auth.OnLAN(netip.Addr{}) {
		t.Error("no address is on the LAN")
	}
}

// TestHashIsReadOrRefused: whatever stands in a restored database, reading it never
// costs more than the limit.
func TestNoPasswordIsRightForWhoHasNoAccount(t *testing.T) {
	d := newDesk(t)
	src := netip.MustParseAddr("192.168.1.9")
	if err := d.CheckPassword(t.Context(), "p-o", src, ""); !errors.Is(err, auth.ErrWrong) {
		t.Errorf("empty password of a person without an account: %v", err)
	}
}

func TestHashIsReadOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`\$argon2id\$v=19\$m=[0-9]{1,9},t=[0-9]{1,9},p=[0-9]{1,3}\$[A-Za-z0-9+/]{0,40}\$[A-Za-z0-9+/]{0,60}`)).Draw(t, "phc")
		mem, passes, lanes, err := auth.ParsePHC(s)
		if err == nil && (mem > 64*1024 || passes > 10 || lanes > 4 || mem == 0 || passes == 0 || lanes == 0) {
			t.Fatalf("%q is read as m=%d t=%d p=%d", s, mem, passes, lanes)
		}
	})
}

func TestOneHashAtATime(t *testing.T) {
	d := newDesk(t)
	d.account(t, "p-o", "olga")
	var wg sync.WaitGroup
	var mu sync.Mutex
	results := map[string]int{}
	for i := range 24 {
		wg.Go(func() {
			_, _, err := d.Login(context.Background(), netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), "olga", good)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				results["in"]++
			case errors.Is(err, auth.ErrBusy):
				results["busy"]++
			default:
				results[err.Error()]++
			}
		})
	}
	wg.Wait()
	if results["in"]+results["busy"] != 24 || results["in"] == 0 || results["busy"] == 0 {
		t.Errorf("results: %v", results)
	}
}
