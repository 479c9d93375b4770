package pbx_test

import (
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

func TestEchoCodeLetsThePhoneHearItself(t *testing.T) {
	inWorld(t, func(w *world) {
		w.feature = func(office.Feature, journal.SubjectID, string) string { return "" }
		c, err := w.phones["dev-1"].Dial(w.doc.Code(office.FeatureEcho))
		if err != nil {
			t.Fatal(err)
		}
		within(t, "answer", c.Up(), 5*time.Second)
		time.Sleep(10 * time.Second)
		if st := c.Stats(); st.Received < 450 {
			t.Errorf("%d packets came back in 10 s", st.Received)
		}
		c.HangUp()
		within(t, "end", c.End(), 5*time.Second)
	})
}
