package auth_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/ui/auth"
)

// sources are where a person's open sessions came from, in the order of the list.
func (d *desk) sources(t *testing.T) (from []string, list []auth.OpenSession) {
	t.Helper()
	list, err := d.Sessions(t.Context(), "p-o")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		from = append(from, s.Source)
	}
	return from, list
}

// A password that a full disk does not take changes nothing: who is logged in stays so.
func TestAPasswordThatIsNotKeptEndsNoSession(t *testing.T) {
	d := newDesk(t)
	d.account(t, "p-o", "olga")
	d.disk = store.ErrFull
	token, _, err := d.Open(t.Context(), "p-o", lan) // in memory
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetPassword(t.Context(), "p-o", "olga", "sette nani verdi"); err == nil {
		t.Fatal("the disk is full, and took it")
	}
	if _, err := d.Session(t.Context(), token, false); err != nil {
		t.Error("the session ended with the password that was not kept")
	}
	d.disk = nil
	d.account(t, "p-o", "olga")
	if _, err := d.Session(t.Context(), token, false); err == nil {
		t.Error("the session outlived a new password")
	}
}

func TestAPersonSeesAndEndsSessions(t *testing.T) {
	for _, full := range []bool{false, true} {
		d := newDesk(t)
		d.account(t, "p-o", "olga")
		tokens := map[string]string{}
		login := func(source string) {
			t.Helper()
			token, _, err := d.Open(t.Context(), "p-o", netip.MustParseAddr(source))
			if err != nil {
				t.Fatal(err)
			}
			tokens[source] = token
			d.later(2 * time.Minute)
		}
		alive := func() (out []string) {
			for source, token := range tokens {
				if _, err := d.Session(t.Context(), token, false); err == nil {
					out = append(out, source)
				}
			}
			slices.Sort(out)
			return out
		}
		login("192.168.1.1")
		login("192.168.1.2")
		login("192.168.1.3")
		if full {
			d.disk = store.ErrFull
			login("192.168.1.4") // in memory
		}
		if _, _, err := d.Open(t.Context(), "p-t", lan); err != nil {
			t.Fatal(err)
		}
		d.Session(t.Context(), tokens["192.168.1.1"], true)
		from, list := d.sources(t)
		if want := map[bool]int{false: 3, true: 4}[full]; len(from) != want {
			t.Fatalf("full %v: the list is %v", full, from)
		}
		if !full && from[0] != "192.168.1.1" {
			t.Errorf("the one used last is not first: %v", from)
		}
		two := list[slices.Index(from, "192.168.1.2")].Key
		if n, err := d.EndSessions(t.Context(), "p-o", "p-o", two, ""); n != 1 || err != nil {
			t.Errorf("full %v: ended %d, %v", full, n, err)
		}
		if n, err := d.EndSessions(t.Context(), "p-o", "p-o", two, ""); n != 0 || err != nil {
			t.Errorf("full %v: ended twice: %d, %v", full, n, err)
		}
		if n, _ := d.EndSessions(t.Context(), "p-t", "p-t", list[0].Key, ""); n != 0 {
			t.Error("somebody ends another person's session by its key")
		}
		if got := alive(); slices.Contains(got, "192.168.1.2") || len(got) != len(tokens)-1 {
			t.Errorf("full %v: alive are %v", full, got)
		}
		keep := list[slices.Index(from, "192.168.1.3")].Key
		if n, err := d.EndSessions(t.Context(), "p-o", "p-t", "", keep); n != len(tokens)-2 || err != nil {
			t.Errorf("full %v: ended %d others, %v", full, n, err)
		}
		if got := alive(); !slices.Equal(got, []string{"192.168.1.3"}) {
			t.Errorf("full %v: alive are %v", full, got)
		}
		if n := len(slices.DeleteFunc(slices.Clone(d.record), func(s string) bool { return s != "session.end" })); n != 2 {
			t.Errorf("journalled %d times: %v", n, d.record)
		}
		d.later(auth.IdleOthers + time.Minute)
		if from, _ := d.sources(t); len(from) != 0 {
			t.Errorf("idle sessions are listed: %v", from)
		}
	}
}

// An end that a full disk does not take counts, however many there are, and is on the
// disk once there is room: another start knows it, too.
func TestEndsThatTheDiskDidNotTakeAreKeptLater(t *testing.T) {
	d := newDesk(t)
	var tokens []string
	for range 1100 {
		who := journal.SubjectID(fmt.Sprintf("p-%d", len(tokens))) // each person has few sessions
		d.doc.People = append(d.doc.People, office.Person{ID: who, Role: office.RoleOperator})
		token, _, err := d.Open(t.Context(), who, lan)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	d.setDisk(store.ErrFull)
	for _, token := range tokens {
		if err := d.Logout(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	alive := func(a *auth.Auth) (n int) {
		for _, token := range tokens {
			if _, err := a.Session(t.Context(), token, false); err == nil {
				n++
			}
		}
		return n
	}
	if n := alive(d.Auth); n != 0 {
		t.Errorf("%d sessions that were ended go on", n)
	}
	if err := d.Sweep(t.Context()); err == nil {
		t.Fatal("the disk is full, and took it")
	}
	d.setDisk(nil)
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := auth.New(auth.Options{DB: d.db, Now: d.clock, Office: func() *office.Document { return d.doc },
		PairingUntil: func() time.Time { return d.pairing }, Record: func(journal.AccessEvent) {}})
	if err != nil {
		t.Fatal(err)
	}
	if n := alive(again); n != 0 {
		t.Errorf("%d sessions that were ended live again after a start", n)
	}
}
