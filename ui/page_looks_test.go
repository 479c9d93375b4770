package ui_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
)

// agree records an agreement by the manager.
func (r *rig) agree(kind privacy.AgreementKind, note string) {
	r.t.Helper()
	a := privacy.Agreement{Kind: kind, Date: "2026-03-01", Note: note}
	if err := r.people.Record(context.Background(), privacy.Viewer{Subject: dario, Role: office.RoleManager}, a); err != nil {
		r.t.Fatal(err)
	}
}

// TestWhoWasSeenReadsWhoLooked: the leader reads the board and a call; the operator
// finds both on the own page, and nobody else does.
func TestWhoWasSeenReadsWhoLooked(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	lead := r.as(anna)
	lead.get("/")
	lead.get("/calls/c-0")
	r.as(bruno).get("/me").is(t, http.StatusOK).has(t, "Nessuno ha guardato", "ognuno vede solo i propri dati")
	r.agree(privacy.UnionDeal, "protocollo 7")
	lead.get("/").has(t, "Bruno Bianchi")
	lead.get("/calls/c-0").has(t, "Bruno Bianchi")
	var looks []api.Look
	b := r.as(bruno)
	for deadline := time.Now().Add(10 * time.Second); len(looks) < 3 && time.Now().Before(deadline); {
		if err := json.Unmarshal([]byte(b.get("/api/v1/me/looks").is(t, http.StatusOK).body), &looks); err != nil {
			t.Fatal(err)
		}
	}
	what := map[string]bool{}
	for _, l := range looks {
		if l.Who != "Anna Rossi" || time.Since(l.Time) > time.Minute {
			t.Errorf("look: %+v", l)
		}
		what[l.What] = true
	}
	if len(looks) != 3 || !what["il tuo stato"] || !what["quali chiamate hai avuto"] {
		t.Errorf("Bruno reads %+v", looks)
	}
	b.get("/me").has(t, "Anna Rossi", "il tuo stato", "Accordo con le rappresentanze sindacali")
	b.get("/me/looks").is(t, http.StatusOK).has(t, "Anna Rossi")
	b.get("/me/looks?before=1").is(t, http.StatusOK).has(t, "Nessuno ha guardato")
	b.get("/me/looks?before=x").is(t, http.StatusBadRequest)
	if body := r.as(tech).get("/me/looks").body; strings.Contains(body, "Anna Rossi") {
		t.Error("the technician, who answers nothing, was looked at")
	}
}

// TestAgreementsStayOnRecord: what was recorded can be read with who and when, also
// when it was taken back.
func TestAgreementsStayOnRecord(t *testing.T) {
	r := newRig(t, true)
	r.agree(privacy.UnionDeal, "protocollo 7")
	r.agree(privacy.NoAgreement, "")
	r.agree(privacy.NoEmployees, "solo i due soci")
	for _, who := range []office.Role{office.RoleManager, office.RoleTechnician} {
		reader := dario
		if who == office.RoleTechnician {
			reader = tech
		}
		r.as(reader).get("/office/privacy").is(t, http.StatusOK).has(t, "protocollo 7", "1 marzo 2026", "solo i due soci", "Nessuna: resta chiuso", "Dario Neri", "non una consulenza legale")
	}
}

// A record that cannot be read is said to be so: an empty one would be a lie.
func TestAgreementsThatCannotBeReadAreAnError(t *testing.T) {
	r := newRig(t, true)
	r.agree(privacy.UnionDeal, "protocol 7")
	if err := r.db.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(`DROP TABLE privacy_agreements`); return err }); err != nil {
		t.Fatal(err)
	}
	b := r.as(dario)
	b.get("/office/privacy").is(t, http.StatusInternalServerError)
	b.get("/api/v1/office/privacy").is(t, http.StatusInternalServerError)
}
