package export_test

import (
	"strings"
	"testing"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/ui/export"

	"github.com/google/go-cmp/cmp"
)

// TestQueueLog: the lines that a program for Asterisk's queue_log expects, in order
// of time.
func TestQueueLog(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(1_800_000_000+int64(s), 0) }
	visits := []kpi.Visit{
		{Contact: "a", Queue: "sales", Caller: "n-1", Agent: "p-1", Arrived: at(0), Waited: 12 * time.Second, Talked: 60 * time.Second, Result: kpi.Answered},
		{Contact: "b", Queue: "sales", Caller: "n-2", Arrived: at(5), Waited: 30 * time.Second, Result: kpi.Abandoned},
		{Contact: "c", Queue: "sa|les\n", Arrived: at(6), Waited: 40 * time.Second, Result: kpi.Overflowed},
		{Contact: "d", Queue: "sales", Caller: "n-3", Agent: "p-2", Arrived: at(20), Waited: 2 * time.Second, Result: kpi.Answered, Open: true},
		{Contact: "e", Queue: "sales", Arrived: at(100), Waited: time.Second, Result: kpi.Promised},
		{Contact: "f", Queue: "sales", Arrived: at(101), Result: kpi.Waiting, Open: true},
	}
	var b strings.Builder
	if err := export.QueueLog(&b, visits, func(s journal.SubjectID) string { return "Agent/" + string(s) }); err != nil {
		t.Fatal(err)
	}
	want := `1800000000|a|sales|NONE|ENTERQUEUE||n-1|1
1800000005|b|sales|NONE|ENTERQUEUE||n-2|2
1800000006|c|sa_les_|NONE|ENTERQUEUE|||1
1800000012|a|sales|Agent/p-1|CONNECT|12|a|0
1800000020|d|sales|NONE|ENTERQUEUE||n-3|2
1800000022|d|sales|Agent/p-2|CONNECT|2|d|0
1800000035|b|sales|NONE|ABANDON|2|2|30
1800000046|c|sa_les_|NONE|EXITWITHTIMEOUT|1|1|40
1800000072|a|sales|Agent/p-1|COMPLETECALLER|12|60|1
1800000100|e|sales|NONE|ENTERQUEUE|||1
1800000101|e|sales|NONE|EXITWITHKEY||1|1|1
1800000101|f|sales|NONE|ENTERQUEUE|||1
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
