package office_test

import (
	"testing"

	"centralino/internal/office"
	"centralino/internal/testbed"
)

func TestEveryStatementPrepares(t *testing.T) {
	k := openDesk(t, t.TempDir(), nil)
	if n := testbed.PrepareAll(t, k.db, "."); n < 8 {
		t.Errorf("only %d statements were found", n)
	}
}

func BenchmarkValidate(b *testing.B) {
	for name, d := range map[string]*office.Document{"sample": sample(), "perf": office.SamplePerf().Doc} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				office.Validate(d)
			}
		})
	}
}

func BenchmarkDiff(b *testing.B) {
	for name, d := range map[string]*office.Document{"sample": sample(), "perf": office.SamplePerf().Doc} {
		other := d.Clone()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				office.Diff(d, other)
			}
		})
	}
}
