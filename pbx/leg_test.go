package pbx_test

import (
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/pbx"
	"centralino/pbx/media"
)

func TestJournalKeepsWhatBothEndsCounted(t *testing.T) {
	got := pbx.QualityOf("b", media.Stats{Received: 100, Sent: 90, Lost: 3, Jitter: 5 * time.Millisecond,
		RTT: 20 * time.Millisecond, PeerLost: 7, PeerJitter: 1500 * time.Microsecond})
	want := journal.Quality{Leg: "b", Received: 100, Sent: 90, Lost: 3, JitterMS: 5, RoundTripMS: 20, PeerLost: 7, PeerJitterMS: 1.5}
	if got != want {
		t.Errorf("%+v", got)
	}
}
