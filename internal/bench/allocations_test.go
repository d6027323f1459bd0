package bench

import (
	"runtime"
	"testing"

	"github.com/fullon/fullon/domain"
)

// BenchmarkAllocations reports the allocations of the whole process, client
// libraries and embedded server included, for each tick that goes from the log
// into Redis, beside those of a bare drain.
func BenchmarkAllocations(b *testing.B) {
	const n = 500_000
	d := deploy(b, 4)
	d.fill(n, func(i int) domain.Event { return tick(i) })
	streams := d.layout.TickStreams()
	measure := func(run func()) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run()
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / n
	}
	floor := measure(func() { d.drain(streams, n) })
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(floor, "floor-allocs/tick")
	b.ReportMetric(measure(func() { d.project(streams, nil, n) }), "allocs/tick")
}
